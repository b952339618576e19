/// What a session has done and what it holds: counters since its beginning, and sizes at this moment.
public struct SessionStatistics: Sendable, Hashable {
    public var packetsSent: UInt64 = 0
    public var packetsReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    /// Packets that were sent again.
    public var packetsResent: UInt64 = 0
    /// Packets that had been received before.
    public var packetsDuplicate: UInt64 = 0
    /// Packets that failed their checksum and were dropped.
    public var packetsDamaged: UInt64 = 0
    /// Packets that came before an earlier one.
    public var packetsReordered: UInt64 = 0
    public var callsMade: UInt64 = 0
    public var callsReceived: UInt64 = 0
    /// Calls refused because the peer made more than it may.
    public var callsRefused: UInt64 = 0
    public var elementsSent: UInt64 = 0
    public var elementsReceived: UInt64 = 0
    /// Elements among them that crossed the end of their channel on this side and were for nobody.
    public var elementsDropped: UInt64 = 0
    /// Times the session went on over a new link.
    public var resumptions: UInt64 = 0

    /// Calls of this side that are not settled.
    public var questions = 0
    /// Calls of the peer that are not answered, one-way calls and kept answers included.
    public var answers = 0
    /// References that this side hosts.
    public var exports = 0
    /// References that the peer hosts.
    public var imports = 0
    /// Channels with an end here.
    public var channels = 0
    /// Bytes that wait to be sent.
    public var bytesQueued = 0
    /// Bytes that wait for confirmation.
    public var bytesRetained = 0
    /// Bytes of elements that came and were not taken.
    public var bytesUntaken = 0
    /// The smoothed round trip time, when it was measured.
    public var roundTrip: Duration?

    public init() {}
}

/// A row of the session's tables, for people and tools.
public struct ReferenceDescription: Sendable, Hashable {
    public var id: ReferenceID
    public var kind: SessionReference.Kind
    /// Whether this side hosts it.
    public var isLocal: Bool
    /// How often it crossed and was not given back.
    public var introductions: Int
    public var isClosed: Bool
    /// Elements and bytes that the producer may still send, for a channel.
    public var creditElements: Int
    public var creditBytes: Int
    /// The window to which the channel has grown, at its consumer.
    public var windowElements: Int
    public var windowBytes: Int
    /// Elements and bytes that wait: to be sent at a producer, to be taken at a consumer.
    public var waitingElements: Int
    public var waitingBytes: Int
}
