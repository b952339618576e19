public import SkerryGossip
public import SkerryWire

/// Why a replica could not be made, or how the session with a peer ended.
public struct ReplicaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What the one who reads it can do.
    public enum Code: Sendable, Hashable {
        /// The stream or link broke (``ReplicaError/link``): replicate over another one, nothing is lost.
        case disconnected
        /// The peer broke the rules, or what was recorded is damaged: do not trust it.
        case protocolViolation
        /// The peer belongs to another cluster, speaks another version, or was refused for good (``ReplicaError/feed``): fix the configuration.
        case refused
        /// The store failed: nothing more becomes durable. Open a new replica on it when it is mended.
        case storeFailed
        /// The replica was disposed of.
        case disposed
        /// The call does not fit: a name that is taken or too long, a bound exceeded.
        case invalid
        /// The peer takes nothing though much is to be sent: replicate over another stream. Or it gives one way, over a link, faster than the store takes
        /// (``Replica/unsyncedMaximum``): what came is kept; use a ``DuplexStream``, which is held back.
        case overloaded
    }

    public var code: Code
    /// For the reader of a log.
    public var message: String
    public var feed: FeedError?
    public var link: LinkError?

    public init(_ code: Code, _ message: String, feed: FeedError? = nil, link: LinkError? = nil) {
        self.code = code
        self.message = message
        self.feed = feed
        self.link = link
    }

    public var description: String { "\(code): \(message)" }
}
