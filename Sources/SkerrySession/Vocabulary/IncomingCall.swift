/// A call of the peer.
@frozen
public struct IncomingCall: Sendable {
    /// Answered exactly once, whatever happens, with ``SessionCore/answer(_:value:format:references:confirmsDigest:)`` or its sibling for failures.
    public var id: AnswerID
    /// Whom it is for: the root, a reference this side hosts, or (where a promise turned out so) one that the caller itself hosts, to whom it is
    /// then passed on.
    public var target: ReferenceID
    public var method: IncomingMethodID
    public var options: CallOptions
    public var format: PayloadFormat
    /// Until when it is worth working on, by this side's clock; the distant future when the caller set no deadline. The core watches it.
    public var deadline: Moment
    /// Names a durable call in all its attempts (``ReplyCache``).
    public var request: RequestID?
    public var payload: Payload
    public var references: [SessionReference]
}

/// What a method number of the peer stands for.
public struct MethodDefinition: Sendable, Hashable {
    public var id: IncomingMethodID
    /// The wire name, 1 to 255 bytes of UTF-8 or fewer.
    public var name: String
    /// The digest of the shapes of its parameters and its result as the peer knows them; 0 in text sessions, which need none.
    public var digest: UInt64
}
