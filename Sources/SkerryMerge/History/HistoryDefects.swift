#if DEBUG
/// Errors that tests put in on purpose, to see that other tests would find them. Not in release builds.
struct HistoryDefects: OptionSet, Sendable {
    let rawValue: Int

    /// The base of a merge is the head's first parent.
    static let baseIsFirstParent = HistoryDefects(rawValue: 1)
    /// Of several merge bases the first stands for all.
    static let noVirtualBase = HistoryDefects(rawValue: 2)
    /// A tag of the peer replaces one of ours.
    static let tagsMove = HistoryDefects(rawValue: 4)
    /// A push moves a branch wherever it is to go.
    static let pushUnchecked = HistoryDefects(rawValue: 8)
    /// Objects are stored although what they refer to is missing.
    static let danglingAccepted = HistoryDefects(rawValue: 16)
    /// Objects are served without a look at their hash.
    static let hashUnchecked = HistoryDefects(rawValue: 32)
    /// Differences are chained without end.
    static let chainUnbounded = HistoryDefects(rawValue: 64)
    /// A merge commit's parents stand in the order of whoever merges.
    static let parentsUnordered = HistoryDefects(rawValue: 128)
    /// Objects are sent without credit.
    static let windowIgnored = HistoryDefects(rawValue: 256)
    /// A collection forgets that a branch was made of differences from what goes.
    static let deltasOrphaned = HistoryDefects(rawValue: 512)
    /// What a broken transfer left is not told to the peer.
    static let resumptionForgotten = HistoryDefects(rawValue: 1_024)
    /// A shallow clone does not note where it ends.
    static let boundaryForgotten = HistoryDefects(rawValue: 2_048)
    /// A history that has something is overwritten by a clone.
    static let cloneOverwrites = HistoryDefects(rawValue: 4_096)
    /// A commit that changes nothing is made.
    static let emptyCommit = HistoryDefects(rawValue: 8_192)
    /// Names that change after a side has greeted and before it was greeted are not told.
    static let newsBeforeGreetingUntold = HistoryDefects(rawValue: 16_384)

    /// Those of the task at hand.
    @TaskLocal static var current: HistoryDefects = []

    static func has(_ defect: HistoryDefects) -> Bool { current.contains(defect) }
}
#endif
