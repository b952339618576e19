/// What a crash leaves of the writes and names that were not synced.
public enum CrashResidue: Sendable, Hashable {
    /// Nothing of it: only what was synced.
    case synced
    /// All of it, as when the process dies and the machine lives on.
    case everything
    /// The first `operations` unsynced operations in the order they were made, then the first `bytes` bytes of the next one if it is a write.
    case prefix(operations: Int, bytes: Int)
    /// For each operation by a draw from `seed`: kept, lost, or a write of which some sectors were kept.
    ///
    /// A disk may write back in any order, so a later write can survive an earlier one.
    case drawn(seed: UInt64)
}

/// A small generator with a state of 64 bits (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
///
/// The same seed gives the same row of numbers on every machine, so a failure can be replayed from its seed.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
