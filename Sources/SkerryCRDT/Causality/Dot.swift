/// A point of serialisation: the committer of one data directory, or an index shard.
///
/// 64 random bits, new for each data directory and each restore, never a name.
public struct OriginID: Sendable, Hashable, Comparable, BitwiseCopyable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: OriginID, right: OriginID) -> Bool { left.rawValue < right.rawValue }

    /// 16 hexadecimal digits.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// One write of one origin. Origins number their writes densely from 1.
public struct Dot: Sendable, Hashable, Comparable, BitwiseCopyable {
    public var origin: OriginID
    public var sequence: UInt64

    public init(origin: OriginID, sequence: UInt64) {
        self.origin = origin
        self.sequence = sequence
    }

    public static func < (left: Dot, right: Dot) -> Bool {
        (left.origin, left.sequence) < (right.origin, right.sequence)
    }
}
