/// SplitMix64: the same numbers from the same seed everywhere.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    /// A sequence over a small alphabet, in which much repeats.
    mutating func letters(_ count: Int, alphabet: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(97 + below(alphabet)) }
    }

    /// The elements with a few stretches replaced, removed, doubled or moved.
    mutating func edited<Element>(_ elements: [Element], edits: Int, fresh: (inout SeededRandom) -> Element) -> [Element] {
        var result = elements
        for _ in 0..<edits {
            let at = below(result.count + 1)
            let length = Swift.min(1 + below(3), result.count - at)
            switch below(4) {
            case 0: result.insert(contentsOf: (0...below(3)).map { _ in fresh(&self) }, at: at)
            case 1: result.removeSubrange(at..<at + length)
            case 2: result.replaceSubrange(at..<at + length, with: (0...below(2)).map { _ in fresh(&self) })
            default:
                let moved = Array(result[at..<at + length])
                if chance(50) { result.removeSubrange(at..<at + length) }
                result.insert(contentsOf: moved, at: below(result.count + 1))
            }
        }
        return result
    }
}

/// Whether the long forms run.
let isSoak = soakRequested()
