#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// How long a suspected member has to object: long while one member alone suspects it, shorter with every other that does.
///
/// Dadgar, Phillips and Currey, "Lifeguard" (2018), section IV-B.
struct Suspicion: Sendable, Hashable {
    /// How many others have to share the suspicion until the time is shortest.
    let confirmationsNeeded: Int
    let minimum: UInt64
    let maximum: UInt64
    let start: UInt64
    /// Who suspects, each once.
    private(set) var sources: [MemberID]

    init(profile: GossipProfile, members: Int, from source: MemberID, now: UInt64) {
        let needed = profile.suspicionFactor - 2
        // With too few members to confirm, the shortest time holds at once.
        confirmationsNeeded = members - 2 < needed ? 0 : max(0, needed)
        let scale = max(1, log10(Double(max(1, members))))
        minimum = UInt64(Double(profile.suspicionFactor) * scale * Double(profile.probeInterval))
        maximum = confirmationsNeeded == 0 ? minimum : minimum * UInt64(profile.suspicionMaximumFactor)
        start = now
        sources = [source]
    }

    /// Whether the source is one more, and one that counts.
    mutating func confirm(_ source: MemberID) -> Bool {
        guard sources.count <= confirmationsNeeded, !sources.contains(source) else { return false }
        sources.append(source)
        return true
    }

    var deadline: UInt64 {
        guard confirmationsNeeded > 0 else { return start + minimum }
        let share = log(Double(sources.count)) / log(Double(confirmationsNeeded + 1))
        let timeout = Double(maximum) - share * Double(maximum - minimum)
        return start + max(minimum, UInt64(max(0, timeout)))
    }
}
