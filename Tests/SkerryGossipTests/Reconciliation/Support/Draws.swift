import SkerryCRDT

@testable import SkerryGossip

/// SplitMix64: the same seed gives the same row of numbers.
struct Draws: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { bound <= 0 ? 0 : Int(next() % UInt64(bound)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    /// A digest that no hash made, which is as good to sum and much faster.
    mutating func digest() -> EntryDigest { EntryDigest(limbs: Limbs(next(), next(), next(), next())) }

    /// A key somewhere in `span` milliseconds, of one of `origins`.
    mutating func key(span: Int, origins: Int, sequences: Int = 1_000) -> WriteKey {
        let stamp = HybridTimestamp(milliseconds: 1_700_000_000_000 + UInt64(below(span)), count: chance(20) ? UInt16(below(5)) : 0)
        return WriteKey(
            stamp: stamp, origin: OriginID(rawValue: UInt64(1 + below(origins)) &* 0x1F3D_5B79), sequence: UInt64(1 + below(sequences)))
    }
}
