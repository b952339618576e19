/// Where a server listens and what it allows its clients.
///
/// The defaults fit a store on one machine; each limit says what a client sees when it is reached.
public struct HTTPServerConfiguration: Sendable {
    /// Name or address to bind.
    public var host: String
    /// Port to bind, 0 for one the system chooses.
    public var port: Int
    /// Threads that carry connections, nil for one per core.
    public var eventLoopCount: Int?
    /// Connections the kernel holds before they are accepted.
    public var backlog = 1024

    public var limits = Limits()
    public var timeouts = Timeouts()

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Bounds in bytes and counts.
    public struct Limits: Sendable {
        /// Request target and header fields together, in bytes. Above it: 431 and the connection closes.
        public var headSize = 32 * 1024
        /// Header fields of one request. Above it: 431 and the connection closes.
        public var headerCount = 128
        /// Open connections. Above it: 503 and the connection closes.
        public var connections = 10_000
        /// Bytes of an unread request body that are thrown away to keep the connection. Above it the connection closes after the reply.
        public var drainedBody = 64 * 1024
        /// Fewest bytes per second of a request body, averaged over the time the service waited for it, nil for no such rule.
        /// It counts only after ``Timeouts/bodyRateGrace``.
        public var bodyRate: Int? = 128

        public init() {}
    }

    /// Bounds in time. All are measured on a coarse clock of a quarter of the shortest one, at most one second.
    public struct Timeouts: Sendable {
        /// Silence between two requests, after which the connection is closed without a word.
        public var idle: Duration = .seconds(75)
        /// From the first byte of a request (or from accepting the connection) to the end of its head: 408 and close.
        public var head: Duration = .seconds(30)
        /// Silence of the client while the service waits for bytes of the body; time in which nobody reads is not counted.
        /// The service gets ``HTTPBodyError/timedOut``.
        public var body: Duration = .seconds(60)
        /// How long the service may have waited for a body before its rate is judged.
        public var bodyRateGrace: Duration = .seconds(30)
        /// No byte of the reply taken by the client: the connection is cut.
        public var reply: Duration = .seconds(60)
        /// After a reply to a request whose body was not read: how long what the client still sends is thrown away before the connection is cut.
        /// Closing at once would reset the connection, and the reset can destroy the reply on its way.
        public var linger: Duration = .seconds(10)
        /// How long a graceful shutdown waits for requests under way before their connections are cut.
        public var shutdown: Duration = .seconds(30)

        public init() {}

        var shortest: Duration {
            [idle, head, body, bodyRateGrace, reply, linger, shutdown].min() ?? .seconds(1)
        }
    }
}
