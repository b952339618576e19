/// Figures of a running server, taken one by one while it runs: each is exact, together they are not one instant.
public struct HTTPServerStatistics: Sendable, Equatable {
    /// Connections accepted and not yet closed.
    public var openConnections = 0
    /// Requests handed to the service whose reply is not sent yet.
    public var activeRequests = 0
    /// Connections accepted since the start.
    public var acceptedConnections: UInt64 = 0
    /// Connections answered with 503 because too many were open.
    public var refusedConnections: UInt64 = 0
    /// Requests handed to the service since the start.
    public var requests: UInt64 = 0
    /// Bytes read from sockets, heads included.
    public var bytesIn: UInt64 = 0
    /// Bytes handed to sockets, heads included.
    public var bytesOut: UInt64 = 0

    public init() {}

    static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.openConnections += right.openConnections
        sum.activeRequests += right.activeRequests
        sum.acceptedConnections += right.acceptedConnections
        sum.refusedConnections += right.refusedConnections
        sum.requests += right.requests
        sum.bytesIn += right.bytesIn
        sum.bytesOut += right.bytesOut
        return sum
    }
}
