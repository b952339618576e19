public import SkerryCRDT

/// What a session found out. The two sides together name every difference: what one lacks, the other is told to send.
public enum ReconciliationEvent: Sendable, Hashable {
    /// The peer's hello came: from here on both compare from the later of the two horizons.
    case greeted(horizon: HybridTimestamp)
    /// The peer has none of the `count` entries that this side has in the range: send them.
    case peerLacks(WriteRange, count: UInt64)
    /// The peer has this many entries that this side lacks beside those asked for, and will send them.
    case offered(count: UInt64)
    /// The peer asks for this entry: send it.
    case wanted(WriteKey)
    /// The peer has this entry, and it was asked for: it will come.
    case lacks(WriteKey)
    /// Both have the key with different digests: one of them is damaged, or its origin wrote two things under one number.
    case differs(WriteKey, theirs: DigestPrefix)
    /// Nothing is open any more. `isEqual` says that no difference was found.
    case completed(isEqual: Bool)
}

/// What the peer did that the protocol forbids.
public struct ReconciliationViolation: Error, Sendable, Hashable {
    /// What was broken.
    public enum Rule: Sendable, Hashable, CaseIterable {
        /// The frame does not follow its grammar; ``ReconciliationViolation/malformed`` says where.
        case malformedFrame
        /// Larger than the largest frame.
        case frameTooLarge
        /// Another version of the protocol.
        case version
        /// No hello in the first frame, or one in a later one.
        case unexpectedHello
        /// An answer to more ranges or lists than were asked about.
        case unaskedAnswer
        /// More parts than a split gives, or a split deeper than ranges can be.
        case tooManyRanges
        /// More ranges or lists outstanding than allowed.
        case windowOverrun
    }

    /// Which rule; the session is over.
    public var rule: Rule
    /// With ``Rule/malformedFrame`` what is wrong, and where; else nil.
    public var malformed: MalformedPacket?

    public init(_ rule: Rule, _ malformed: MalformedPacket? = nil) {
        self.rule = rule
        self.malformed = malformed
    }
}
