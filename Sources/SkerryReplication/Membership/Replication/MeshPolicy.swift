public import SkerryGossip
public import SkerryWire
internal import SkerrySession

/// With whom a replica is linked, as a value: members in, whom to dial out.
///
/// Of two members that are to be linked the one with the lower id dials, so that they do not make two links at once.
public struct MeshPolicy: Sendable {
    public struct Profile: Sendable, Hashable {
        /// Up to so many members each is linked with each.
        public var everybodyMaximum = 16
        /// In larger clusters, neighbours on the ring of ids to each side. One makes a ring: whole as long as no two members fail side by side.
        public var ringNeighbours = 2
        /// Others drawn at random, about so many for each member: they make the ways short.
        public var chords = 3
        public var reconnect = NodeProfile.quickReconnect

        public init() {}
    }

    private let id: MemberID
    private let profile: Profile
    private var attempts: [MemberID: ReconnectPolicy.Attempts] = [:]
    /// Being dialled, or waiting to be.
    private var busy: Set<MemberID> = []

    public init(id: MemberID, profile: Profile = Profile()) {
        self.id = id
        self.profile = profile
    }

    /// Whom to dial now.
    ///
    /// - Parameters:
    ///   - reachable: the others that are alive or suspected.
    ///   - linked: those of them that there are links with.
    mutating func wanted(among reachable: [MemberID], linked: Set<MemberID>) -> [MemberID] {
        let here = Set(reachable)
        attempts = attempts.filter { here.contains($0.key) }
        let wanted = partners(among: reachable).filter { $0 > id && !linked.contains($0) && !busy.contains($0) }
        busy.formUnion(wanted)
        return wanted
    }

    /// Everybody that a link is to be kept with, whoever dials, by id.
    ///
    /// - Complexity: O(members log members).
    func partners(among others: [MemberID]) -> [MemberID] {
        guard others.count >= profile.everybodyMaximum else { return others.sorted() }
        let ring = (others + [id]).sorted()
        guard let own = ring.firstIndex(of: id) else { return [] }
        return ring.indices.filter { $0 != own && isLinked(own, $0, on: ring) }.map { ring[$0] }
    }

    /// The same for both, as far as they know the same members.
    private func isLinked(_ own: Int, _ other: Int, on ring: [MemberID]) -> Bool {
        let distance = abs(own - other)
        if min(distance, ring.count - distance) <= profile.ringNeighbours { return true }
        // Each pair has a number of its own, so few links change when members come and go.
        let (low, high) = (ring[min(own, other)], ring[max(own, other)])
        return Self.draw(low, high) < UInt64.max / UInt64(ring.count) * UInt64(profile.chords)
    }

    private static func draw(_ low: MemberID, _ high: MemberID) -> UInt64 {
        var generator = SeededGenerator(seed: low.rawValue &* 0x9E37_79B9_7F4A_7C15 ^ high.rawValue)
        return generator.next()
    }

    mutating func connected(_ member: MemberID, now: Duration) {
        busy.remove(member)
        attempts[member, default: profile.reconnect.attempts()].connected(now: now)
    }

    /// How long to wait before the next attempt.
    mutating func failed(_ member: MemberID, now: Duration, random: Double) -> Duration {
        busy.insert(member)
        guard case .retry(let delay) = attempts[member, default: profile.reconnect.attempts()].failed(now: now, random: random) else {
            return profile.reconnect.maximum
        }
        return delay
    }

    /// The wait is over.
    mutating func waited(_ member: MemberID) { busy.remove(member) }
}
