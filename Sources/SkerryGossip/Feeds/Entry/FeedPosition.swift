public import SkerryCRDT

/// How far an origin's feed was taken: the last entry's sequence, link and stamp.
public struct FeedPosition: Sendable, Hashable, BitwiseCopyable {
    /// 0 for none.
    public var sequence: UInt64
    /// Of the entry at ``sequence``: it stands for all up to there. Zeroes at the start.
    public var link: FeedHash
    /// Of the same entry: the next one is stamped later.
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
    /// Whose feed it is.
    public var origin: OriginID
    /// How far.
    public var position: FeedPosition

    public init(origin: OriginID, position: FeedPosition) {
        self.origin = origin
        self.position = position
    }
}
