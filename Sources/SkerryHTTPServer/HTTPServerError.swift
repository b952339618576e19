internal import Glibc

/// Why a server could not start.
public struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    /// What a caller would act on.
    public struct Code: Sendable, Hashable {
        private enum Value { case addressInUse, addressNotAvailable, permissionDenied, unknownHost, alreadyStarted, other }
        private let value: Value

        /// Another socket listens there: choose another port or stop the other process.
        public static let addressInUse = Code(value: .addressInUse)
        /// No interface of this machine has the address.
        public static let addressNotAvailable = Code(value: .addressNotAvailable)
        /// The system reserves the port.
        public static let permissionDenied = Code(value: .permissionDenied)
        /// The host name has no address.
        public static let unknownHost = Code(value: .unknownHost)
        /// A server starts once; make a new one.
        public static let alreadyStarted = Code(value: .alreadyStarted)
        /// Anything else; look at the message.
        public static let other = Code(value: .other)
    }

    public var code: Code
    /// For the reader of a log: one line, with host and port.
    public var message: String
    /// The system's error number, 0 when there was none.
    public var errnoCode: CInt

    public var description: String { message }

    init(_ code: Code, _ message: String, errnoCode: CInt = 0) {
        self.code = code
        self.message = message
        self.errnoCode = errnoCode
    }

    static func bind(host: String, port: Int, errnoCode: CInt) -> HTTPServerError {
        let code: Code =
            switch errnoCode {
            case EADDRINUSE: .addressInUse
            case EADDRNOTAVAIL: .addressNotAvailable
            case EACCES, EPERM: .permissionDenied
            default: .other
            }
        let reason = strerror(errnoCode).map { String(cString: $0) } ?? "error \(errnoCode)"
        return HTTPServerError(code, "cannot listen on \(host):\(port): \(reason)", errnoCode: errnoCode)
    }
}
