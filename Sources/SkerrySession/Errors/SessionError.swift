/// Why a session does not do what it was asked, or why it ended.
public struct SessionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, open for later kinds.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case mustWait, goingAway, closed, closedByPeer, peerLost, peerRestarted, protocolViolation, tooLarge, tooMany, unknownReference
            case wrongKind, incompatibleLink, exhausted
        }
        private let value: Value
        public var description: String { value.rawValue }

        /// As many calls are under way as the peer allows, or as many bytes wait: ask again after ``SessionEvent/callsPermitted``.
        public static let mustWait = Code(value: .mustWait)
        /// The peer takes no new calls: use another session.
        public static let goingAway = Code(value: .goingAway)
        /// This side closed the session.
        public static let closed = Code(value: .closed)
        /// The peer closed the session: connect again when its reason allows.
        public static let closedByPeer = Code(value: .closedByPeer)
        /// Nothing came from the peer, and no new link within the resume window: connect again.
        public static let peerLost = Code(value: .peerLost)
        /// The peer does not know the session any more: connect anew, what was under way may have happened.
        public static let peerRestarted = Code(value: .peerRestarted)
        /// The peer broke the protocol; ``SessionError/violation`` says how.
        public static let protocolViolation = Code(value: .protocolViolation)
        /// A value does not fit a frame: let it stream over a channel.
        public static let tooLarge = Code(value: .tooLarge)
        /// A table is full: methods, references of one frame or exports of the session.
        public static let tooMany = Code(value: .tooMany)
        /// The id names nothing here, or no longer.
        public static let unknownReference = Code(value: .unknownReference)
        /// The reference is not of the kind that this needs.
        public static let wrongKind = Code(value: .wrongKind)
        /// The link cannot carry this session: another encoding, or packets too small for what must be sent again.
        public static let incompatibleLink = Code(value: .incompatibleLink)
        /// All ids of a table were used: open a new session. Takes months at full speed.
        public static let exhausted = Code(value: .exhausted)
    }

    public var code: Code
    /// What happened, for the reader of a log.
    public var message: String
    /// What the peer did wrong and where, when it broke the protocol.
    public var violation: ProtocolViolation?

    public init(_ code: Code, _ message: String, violation: ProtocolViolation? = nil) {
        self.code = code
        self.message = message
        self.violation = violation
    }

    init(_ violation: ProtocolViolation) {
        self.init(.protocolViolation, violation.description, violation: violation)
    }

    public var description: String { "\(code): \(message)" }
}
