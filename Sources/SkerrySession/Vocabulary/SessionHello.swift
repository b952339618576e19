/// What a side says of itself when a link is attached.
///
/// An acceptor reads the first packet of a new link with ``init(readingFrom:traits:)`` to learn whether it belongs to a session it knows, and
/// then hands the same packet to that session's core.
public struct SessionHello: Sendable, Hashable {
    public var identity: SessionIdentity
    /// The epoch of the receiver as the sender knows it; 0 when the sender has not heard of it in this session.
    public var peerEpoch: UInt64
    /// The highest packet of the receiver that the sender has, all earlier ones included.
    public var received: UInt64
    /// Calls the sender takes at once.
    public var callsInFlight: Int
    /// The initial window of channels towards the sender.
    public var channelElements: Int
    public var channelBytes: Int
    /// Bytes of all channels together towards the sender.
    public var sessionBytes: Int
    /// How long the sender keeps a session without a link; zero when it cannot resume.
    public var resumeWindow: Duration
    public var applicationData: [UInt8]

    /// Whether the sender means to go on with a session, rather than to begin one.
    public var isResuming: Bool { peerEpoch != 0 }
}
