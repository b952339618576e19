/// A small generator with a state of 64 bits (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
///
/// The same seed gives the same row of numbers on every machine.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 up to, but not including, `bound`; 0 when the bound is 0.
    public mutating func below(_ bound: UInt64) -> UInt64 { bound == 0 ? 0 : next() % bound }

    /// Evenly from 0 up to, but not including, 1.
    public mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53 as UInt64) }

    /// True with this probability. Draws a number only where the answer is open.
    public mutating func chance(_ probability: Double) -> Bool {
        probability > 0 && (probability >= 1 || unit() < probability)
    }
}
