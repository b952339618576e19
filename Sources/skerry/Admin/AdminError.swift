import SkerryObjects

/// What an administrative operation answers when it was not done; the same whether the store was open here or behind the admin port.
struct AdminError: Error, Sendable, Hashable, CustomStringConvertible {
    enum Code: String, Sendable, CaseIterable {
        case noSuchUser, userAlreadyExists, noSuchAccessKey, accessKeyAlreadyExists
        /// The user still owns buckets.
        case userOwnsBuckets
        /// The arguments cannot be meant.
        case invalidArgument
        /// The token is missing or wrong.
        case unauthorized
        /// No such operation.
        case unknownOperation
        /// Nobody answers there, or not as an admin port does.
        case unreachable
        /// The server is stopping or busy: try again.
        case unavailable
        /// The store failed; the server's log tells how.
        case failed
    }

    var code: Code
    var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: ObjectError) {
        message = error.message
        code =
            switch error.code {
            case .noSuchUser: .noSuchUser
            case .userAlreadyExists: .userAlreadyExists
            case .noSuchAccessKey: .noSuchAccessKey
            case .accessKeyAlreadyExists: .accessKeyAlreadyExists
            case .conditionalConflict: .userOwnsBuckets
            case .invalidArgument: .invalidArgument
            case .slowDown, .shuttingDown: .unavailable
            default: .failed
            }
        if code == .failed { message = error.description }
    }

    var description: String { message }
}
