import HTTPTypes
import SkerryCodec
import SkerryHTTP

/// Why a request got no result: the status, and a JSON object that says more.
struct RESTFailure: Error {
    let status: HTTPResponse.Status
    let body: [UInt8]
    let retryAfter: Duration?

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String, path: String = "", retryAfter: Duration? = nil) {
        self.status = status
        self.retryAfter = retryAfter
        var object: [String: String] = ["error": code, "message": message]
        if !path.isEmpty { object["path"] = path }
        body = (try? JSON.encode(object)) ?? []
    }

    private init(_ status: HTTPResponse.Status, _ body: [UInt8]) {
        self.status = status
        self.body = body
        retryAfter = nil
    }

    /// The failure for what a call threw.
    init(_ error: any Error) {
        if let error = error as? RESTFailure {
            self = error
        } else if let failure = error as? DeclaredFailure {
            let name = (try? JSON.encode(failure.name)) ?? []
            let body = Array(#"{"error":"#.utf8) + name + Array(#","value":"#.utf8) + failure.payload.bytes + Array("}".utf8)
            self.init(.unprocessableContent, body)
        } else if let error = error as? CallError {
            self.init(
                Self.status(of: error.code), error.code.argumentPosition == nil ? error.code.description : "badArgument", error.message,
                path: error.path, retryAfter: error.retryAfter)
        } else {
            self.init(.internalServerError, "remote", "\(error)")
        }
    }

    private static func status(of code: CallError.Code) -> HTTPResponse.Status {
        if code.argumentPosition != nil { return .badRequest }
        return switch code {
        case .noSuchMethod, .noSuchReference, .noSuchService: .notFound
        case .denied: .forbidden
        case .overloaded, .goingAway, .cancelled: .serviceUnavailable
        case .timeout: .gatewayTimeout
        case .peerLost, .closed: .badGateway
        default: .internalServerError
        }
    }

    var reply: HTTPReply {
        var reply = HTTPReply.json(status, body)
        if let retryAfter { reply.head.headerFields[.retryAfter] = "\(max(1, Int((retryAfter / .seconds(1)).rounded(.up))))" }
        return reply
    }
}
