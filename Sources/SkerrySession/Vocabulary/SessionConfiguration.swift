/// How a side of a session behaves. The defaults are ``SessionLimits``.
public struct SessionConfiguration: Sendable {
    /// How packets are written, for the life of the session. An acceptor takes that of the link on which it was called.
    public var encoding: LinkTraits.Encoding = .binary
    /// Calls of the peer that may be under way at once: 1 to ``SessionLimits/questionSlots`` less 1.
    public var callsInFlight = SessionLimits.callsInFlight
    /// References that this side hosts at once: up to ``SessionLimits/exports`` less 1.
    public var exports = SessionLimits.exports - 1
    /// The window of a channel at its beginning, for elements that come to this side.
    public var channelElements = SessionLimits.channelElements
    public var channelBytes = SessionLimits.channelBytes
    /// How far a window may grow when its consumer keeps up. The initial sizes switch growth off.
    public var channelElementsMaximum = SessionLimits.channelElementsMaximum
    public var channelBytesMaximum = SessionLimits.channelBytesMaximum
    /// Bytes under way to this side on all channels together.
    public var sessionBytes = SessionLimits.sessionBytes
    /// Bytes kept for sending again.
    public var retention = SessionLimits.retention
    /// How long a session outlives its link. Zero: not at all, and nothing is kept for sending again on streams. The shorter one of the two
    /// sides holds.
    public var resumeWindow = SessionLimits.resumeWindow
    public var pingAfter = SessionLimits.pingAfter
    public var pingInterval = SessionLimits.pingInterval
    public var handshake = SessionLimits.handshake
    /// What the application tells the peer in HELLO, such as a digest of its menu of services: up to ``SessionLimits/applicationDataMaximum`` bytes.
    public var applicationData: [UInt8] = []

    public init() {}
}
