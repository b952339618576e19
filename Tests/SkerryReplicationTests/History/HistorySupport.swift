import SkerryMerge
import SkerryReplication
import SkerryStorage

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
    /// Bytes that no others begin with.
    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: next()), count: count)
        for index in 0..<min(count, 16) { bytes[index] = UInt8(truncatingIfNeeded: next()) }
        return bytes
    }
}

func snapshot(_ texts: [String: String]) -> Snapshot { Snapshot(texts: texts)! }

func path(_ text: String) -> FilePath { FilePath(text)! }

extension History {
    @discardableResult
    mutating func commit(_ texts: [String: String], to branch: String = "main", at time: UInt64 = 1) throws -> ObjectID {
        try commit(snapshot(texts), to: branch, author: "t", message: "m", timestamp: time)
    }
}

/// An identifier for tests.
func id(_ number: Int) -> ObjectID { ObjectID((0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 2)) &+ $0 &* 7) })! }
