public import Logging
public import SkerrySession
public import SkerryWire

/// How the shell of a session behaves; the protocol's own limits are in ``SessionConfiguration``.
public struct SessionOptions: Sendable {
    public var configuration = SessionConfiguration()
    /// When an initiator that lost its link tries again, as long as the session can be resumed.
    public var reconnect = ReconnectPolicy()
    /// Where timers and deadlines come from.
    public var clock: any CallClock = SystemCallClock()
    /// Stand around every call the peer makes, the first outermost.
    public var interceptors: [any Interceptor] = []
    /// Answers repetitions of durable calls. Share one among the sessions of a node.
    public var replies = DurableReplies()
    /// Who this node is, told to the peer: the hash of its key. The link proves it.
    public var nodeKey = [UInt8](repeating: 0, count: 32)
    /// Calls that may wait for a place among those in flight; one more is refused as overloaded.
    public var callersWaiting = 16_384
    /// A handler that holds the link's loop for longer is counted and named in ``Session/Statistics``.
    public var stallThreshold = Duration.milliseconds(5)
    public var logger = Logger(label: "skerry.rpc") { _ in SwiftLogNoOpLogHandler() }

    public init() {}

    /// The same options for a session that begins on `link`.
    func fitting(_ link: any Link) -> SessionOptions {
        var options = self
        options.configuration.encoding = link.traits.encoding
        return options
    }
}
