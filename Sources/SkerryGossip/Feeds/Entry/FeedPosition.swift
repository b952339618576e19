public import SkerryCRDT

/// How far an origin's feed was taken: the last entry's sequence, link and stamp.
public struct FeedPosition: Sendable, Hashable, BitwiseCopyable {
    /// 0 for none.
    public var sequence: UInt64
    public var link: FeedHash
    public var stamp: HybridTimestamp

    public init(sequence: UInt64, link: FeedHash, stamp: HybridTimestamp) {
        self.sequence = sequence
        self.link = link
        self.stamp = stamp
    }

    /// Before the first entry.
    public static let start = FeedPosition(sequence: 0, link: .zero, stamp: .zero)

    init(of entry: FeedEntry) { self.init(sequence: entry.dot.sequence, link: entry.link, stamp: entry.stamp) }
}

/// A position with its origin.
public struct FeedMark: Sendable, Hashable, BitwiseCopyable {
    public var origin: OriginID
    public var position: FeedPosition

    public init(origin: OriginID, position: FeedPosition) {
        self.origin = origin
        self.position = position
    }
}
