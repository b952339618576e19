/// Why a link could not be made, or how it ended.
public struct LinkError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a caller would act on.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case refused, unreachable, timedOut, reset, truncated, packetTooLarge, malformed, untrusted, rejected, handshakeFailed, insecure
            case addressInUse, addressNotAvailable, permissionDenied, alreadyStarted, cut, stopped, other
        }
        private let value: Value

        public var description: String { value.rawValue }

        // MARK: Try again

        /// Nobody listens there, or the listener turns connections away: try again later.
        public static let refused = Code(value: .refused)
        /// The host has no address or no way leads there: try again later, another address if there is one.
        public static let unreachable = Code(value: .unreachable)
        /// The peer said nothing for too long, or took nothing: try again.
        public static let timedOut = Code(value: .timedOut)
        /// The connection broke: the peer's process or machine died, cut it, or the way did. Resume over a new link.
        public static let reset = Code(value: .reset)
        /// The peer closed amid a packet: as ``reset``.
        public static let truncated = Code(value: .truncated)
        /// The peer goes away for now: WebSocket close codes 1001, 1012 and 1013, or a listener that stops.
        public static let stopped = Code(value: .stopped)

        // MARK: Mend something first

        /// A packet is larger than the link carries: the peer broke the rules, or the driver of this side did.
        public static let packetTooLarge = Code(value: .packetTooLarge)
        /// The peer's bytes break the framing: it speaks another protocol, or is hostile.
        public static let malformed = Code(value: .malformed)
        /// The peer proved to hold a key, but not one that is trusted here: look at ``LinkError/presentedKey``.
        public static let untrusted = Code(value: .untrusted)
        /// The peer turned this side away: its key, its origin, its path or its subprotocol is not wanted there.
        public static let rejected = Code(value: .rejected)
        /// The peer does not speak the protocol of the handshake.
        public static let handshakeFailed = Code(value: .handshakeFailed)
        /// Bytes would travel unprotected over a network, and nobody allowed that.
        public static let insecure = Code(value: .insecure)

        // MARK: Listening

        /// Another socket listens there: choose another port or stop the other process.
        public static let addressInUse = Code(value: .addressInUse)
        /// No interface of this machine has the address.
        public static let addressNotAvailable = Code(value: .addressNotAvailable)
        /// The system reserves the port.
        public static let permissionDenied = Code(value: .permissionDenied)
        /// A listener starts once; make a new one.
        public static let alreadyStarted = Code(value: .alreadyStarted)

        // MARK: Neither

        /// This side cut the link.
        public static let cut = Code(value: .cut)
        /// Anything else; look at the message.
        public static let other = Code(value: .other)
    }

    public var code: Code
    /// For the reader of a log: one line, with the address where that is known.
    public var message: String
    /// The key the peer presented, with ``Code-swift.struct/untrusted``.
    public var presentedKey: NodeKey.Hash?

    public init(_ code: Code, _ message: String, presentedKey: NodeKey.Hash? = nil) {
        self.code = code
        self.message = message
        self.presentedKey = presentedKey
    }

    public var description: String { message }

    /// Whether the same attempt may succeed later with nothing changed on this side.
    public var isRetryable: Bool {
        switch code {
        case .refused, .unreachable, .timedOut, .reset, .truncated, .stopped: true
        default: false
        }
    }
}
