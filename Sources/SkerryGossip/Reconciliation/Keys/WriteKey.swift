public import SkerryCRDT

/// Where an entry stands in write-time order: its stamp, then who wrote it, then the number of the write.
///
/// Reconciliation sorts by time of writing because what two replicas miss of each other was mostly written lately, and so lies together: 1,000
/// differences among a million entries then cost a few leaves. Sorted by name they would cost a leaf each.
public struct WriteKey: Sendable, Hashable, Comparable, BitwiseCopyable {
    /// When it was written: the greatest part of the order.
    public var stamp: HybridTimestamp
    /// Who wrote it.
    public var origin: OriginID
    /// Below 2^48.
    public var sequence: UInt64

    @inlinable
    public init(stamp: HybridTimestamp, origin: OriginID, sequence: UInt64) {
        self.stamp = stamp
        self.origin = origin
        self.sequence = sequence
    }

    /// The key of the entry at a dot.
    @inlinable
    public init(_ stamp: HybridTimestamp, _ dot: Dot) { self.init(stamp: stamp, origin: dot.origin, sequence: dot.sequence) }

    /// At or before every key.
    public static let first = WriteKey(stamp: .zero, origin: OriginID(rawValue: 0), sequence: 0)

    /// At or before every key with this stamp.
    public init(startOf stamp: HybridTimestamp) { self.init(stamp: stamp, origin: OriginID(rawValue: 0), sequence: 0) }

    /// Origin and sequence.
    public var dot: Dot { Dot(origin: origin, sequence: sequence) }

    /// The smallest key behind this one: a range that ends there includes it.
    public var successor: WriteKey { WriteKey(stamp: stamp, origin: origin, sequence: sequence &+ 1) }

    @inlinable
    public static func < (left: WriteKey, right: WriteKey) -> Bool {
        if left.stamp.rawValue != right.stamp.rawValue { return left.stamp.rawValue < right.stamp.rawValue }
        if left.origin.rawValue != right.origin.rawValue { return left.origin.rawValue < right.origin.rawValue }
        return left.sequence < right.sequence
    }

    /// The shortest bound that is behind `left` and not behind `right`, for `left < right`: it costs few bytes on the wire.
    static func separator(behind left: WriteKey, upTo right: WriteKey) -> WriteKey {
        if left.stamp.milliseconds < right.stamp.milliseconds {
            return WriteKey(startOf: HybridTimestamp(milliseconds: right.stamp.milliseconds, count: 0))
        }
        return left.stamp < right.stamp ? WriteKey(startOf: right.stamp) : right
    }
}

/// Keys from `lower` (included) to `upper` (excluded; nil: to the end).
public struct WriteRange: Sendable, Hashable {
    /// The first key that may lie in it.
    public var lower: WriteKey
    /// The first key behind it; nil where there is none.
    public var upper: WriteKey?

    public init(lower: WriteKey, upper: WriteKey?) {
        self.lower = lower
        self.upper = upper
    }

    /// Every key.
    public static let all = WriteRange(lower: .first, upper: nil)

    /// Whether no key lies in it.
    public var isEmpty: Bool { upper.map { $0 <= lower } ?? false }

    /// Whether the key lies in the range.
    public func contains(_ key: WriteKey) -> Bool { key >= lower && upper.map { key < $0 } ?? true }
}

/// An entry as reconciliation sees it.
public struct WriteEntry: Sendable, Hashable {
    /// Where it stands.
    public var key: WriteKey
    /// What stands there.
    public var digest: EntryDigest

    public init(key: WriteKey, digest: EntryDigest) {
        self.key = key
        self.digest = digest
    }
}
