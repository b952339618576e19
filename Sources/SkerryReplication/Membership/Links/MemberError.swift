public import SkerryWire

/// Why a node cannot run, or a link between members does not come to be.
public struct MemberError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a caller would act on.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case link, secret, protocolViolation, version, purpose, timedOut, unknownMember, busy, address, stopped
        }
        private let value: Value

        public var description: String { value.rawValue }

        /// No link could be made, or it broke: ``MemberError/link`` says why and whether to try again.
        public static let link = Code(value: .link)
        /// The two sides know different secrets: mend the configuration of one of them.
        public static let secret = Code(value: .secret)
        /// The other side does not speak this protocol: the address is of something else.
        public static let protocolViolation = Code(value: .protocolViolation)
        /// The other side speaks another version of it.
        public static let version = Code(value: .version)
        /// The other side carries no such links.
        public static let purpose = Code(value: .purpose)
        /// The other side accepted the connection and did not answer in time: try again.
        public static let timedOut = Code(value: .timedOut)
        /// Nobody knows where this member is reached.
        public static let unknownMember = Code(value: .unknownMember)
        /// The other side has all the links that it takes, or this side is opening all that it may: try again later.
        public static let busy = Code(value: .busy)
        /// An address that is not of the form the transport takes.
        public static let address = Code(value: .address)
        /// The node was stopped, or runs already: a node runs once.
        public static let stopped = Code(value: .stopped)
    }

    public var code: Code
    /// For the reader of a log: one line.
    public var message: String
    /// With ``Code-swift.struct/link``.
    public var link: LinkError?

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public init(_ error: LinkError) {
        code = .link
        message = error.message
        link = error
    }

    public var description: String { message }

    /// Whether the same attempt may succeed later with nothing changed on this side.
    public var isRetryable: Bool { link?.isRetryable ?? [.timedOut, .busy].contains(code) }
}
