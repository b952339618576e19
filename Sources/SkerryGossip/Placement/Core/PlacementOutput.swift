/// What a ``PlacementCore`` wants done, appended in order. None of it may be done before ``PlacementCore/commit()`` has returned.
public struct PlacementOutput: Sendable {
    /// A message for another member. Where it is to be reached the shell knows.
    public struct Envelope: Sendable, Hashable {
        /// Whom it is for.
        public var target: MemberID
        /// By the grammar of docs/formats/placement.md, at most ``PlacementLimits/messageBytesMaximum``.
        public var bytes: [UInt8]
    }

    /// What became of a read or a write that was begun under a ticket.
    public struct Answer: Sendable, Hashable {
        /// Under which the caller began it; each has one answer.
        public var ticket: UInt64
        /// Of a read, what the quorum holds; of a write, what its coordinator holds with it.
        public var result: Result<Siblings, PlacementError>
    }

    /// May be lost; in order while they are not.
    public var messages: [Envelope] = []
    /// To reads and writes that were begun here.
    public var answers: [Answer] = []

    public init() {}

    /// Empties it for the next use.
    public mutating func removeAll() {
        messages.removeAll(keepingCapacity: true)
        answers.removeAll(keepingCapacity: true)
    }
}

/// What a member has done since it started.
public struct PlacementStatistics: Sendable, Hashable {
    /// Reads and writes that came to their quorum here, and those that did not.
    public var readsSucceeded: UInt64 = 0
    public var writesSucceeded: UInt64 = 0
    /// Reads and writes of which too few members answered.
    public var requestsFailed: UInt64 = 0
    /// Writes handed to a member that keeps the key.
    public var writesForwarded: UInt64 = 0
    /// Copies taken for a home that was away, and delivered to it.
    public var hintsKept: UInt64 = 0
    /// Hints that their home has taken.
    public var hintsDelivered: UInt64 = 0
    /// Hints that were not kept, for want of room or because their copies are too large together, and those that their home cannot take.
    public var hintsRefused: UInt64 = 0
    /// Copies sent to members that were behind when a read asked them.
    public var repairs: UInt64 = 0
    /// Comparisons begun here that came to their end, and copies sent because of comparisons.
    public var comparisons: UInt64 = 0
    /// Copies sent because of comparisons.
    public var copiesTransferred: UInt64 = 0
    /// Copies dropped because others are the homes of their keys now, and have them.
    public var copiesDropped: UInt64 = 0
    /// Messages and comparisons dropped because they break the rules.
    public var violations: UInt64 = 0

    public init() {}
}
