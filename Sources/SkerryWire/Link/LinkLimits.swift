internal import SkerrySession

/// What a link allows its peer, and how long it waits for it.
public struct LinkLimits: Sendable, Hashable {
    /// Bytes of the largest packet: what a session sends at most.
    public var packetMaximum = SessionLimits.packetMaximum
    /// From connecting to the end of all handshakes; on the accepting side to the first whole packet, which a session sends at once.
    public var handshake = Duration.seconds(10)
    /// From the first byte of a packet to its last.
    public var packet = Duration.seconds(30)
    /// From ``Link/close()`` to the end: the time the peer has to take the rest and to say goodbye.
    public var close = Duration.seconds(5)
    /// How long bytes may stay unacknowledged before TCP gives the connection up (`TCP_USER_TIMEOUT`).
    public var silence = Duration.seconds(15)
    /// Links of one listener, those still shaking hands included. Above it connections are closed at once.
    public var links = 10_000

    public init() {}
}
