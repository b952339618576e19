/// A place in one node's log, in the order in which entries arrived there. Keep it with what was received up to it, and go on from it after any pause.
public struct FeedCursor: Sendable, Hashable, BitwiseCopyable {
    /// Names the log: new for each data directory and each restore. 0 for none yet.
    public var log: UInt64
    /// Entries before this place were looked at.
    public var offset: UInt64

    public init(log: UInt64, offset: UInt64) {
        self.log = log
        self.offset = offset
    }

    /// Before everything, in whichever log: for who has nothing yet.
    public static let start = FeedCursor(log: 0, offset: 0)
}
