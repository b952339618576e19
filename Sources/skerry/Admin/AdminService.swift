import HTTPTypes
import Logging
import SkerryCodec
import SkerryHTTP

/// Answers on the admin port: `/health` and `/metrics` to everybody who reaches it, `/admin/…` to bearers of the token.
struct AdminService: HTTPService {
    /// Bytes of a call's arguments.
    static let argumentsMaximum = 64 << 10

    let administration: any Administration
    let token: AdminToken
    /// Whether the store serves; asked by `/health`.
    let isHealthy: @Sendable () -> Bool
    /// The text of `/metrics`.
    let metrics: @Sendable () async -> String
    let logger: Logger

    func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply {
        let path = request.path.map { String($0.prefix { $0 != "?" }) } ?? ""
        switch (request.method, path) {
        case (.get, "/health"), (.head, "/health"):
            return isHealthy() ? text("ok\n", .ok) : text("stopping\n", .serviceUnavailable)
        case (.get, "/metrics"):
            return text(await metrics(), .ok, type: "text/plain; version=0.0.4; charset=utf-8")
        default:
            return await answer(request, path, body, context)
        }
    }

    // MARK: Calls

    private func answer(
        _ request: HTTPRequest, _ path: String, _ body: any HTTPRequestBody, _ context: HTTPRequestContext
    ) async -> HTTPReply {
        do throws(AdminError) {
            guard let call = AdminCall(path: path) else { throw AdminError(.unknownOperation, "there is nothing at \(path)") }
            guard token.matches(authorization: request.headerFields[.authorization]) else {
                logger.warning("admin call without a valid token", metadata: ["call": "\(call)", "peer": "\(context.peer)"])
                throw AdminError(.unauthorized, "the admin token is missing or wrong")
            }
            guard request.method == .post else { throw AdminError(.invalidArgument, "admin calls are POST requests") }
            let arguments = try await arguments(body)
            logger.log(
                level: call.isChange ? .info : .debug, "admin call",
                metadata: ["call": "\(call)", "peer": "\(context.peer)", "request-id": "\(context.requestID)"])
            if call == .verify { return verify() }
            return json(try await call.perform(arguments, on: administration), .ok)
        } catch {
            return json(error.answer, error.status)
        }
    }

    private func arguments(_ body: any HTTPRequestBody) async throws(AdminError) -> Value {
        let bytes: [UInt8]?
        do {
            bytes = try await body.collect(upTo: AdminService.argumentsMaximum)
        } catch {
            throw AdminError(.invalidArgument, "the request ended early")
        }
        guard let bytes else { throw AdminError(.invalidArgument, "more than \(AdminService.argumentsMaximum) bytes of arguments") }
        if bytes.isEmpty { return .object([:]) }
        do {
            return try JSON.decode(Value.self, from: bytes)
        } catch {
            throw AdminError(.invalidArgument, "the arguments are not JSON: \(error)")
        }
    }

    /// Lines of progress as they come, then the outcome. A client that goes away ends the verification.
    private func verify() -> HTTPReply {
        let lines = VerificationLines(administration)
        var head = HTTPResponse(status: .ok)
        head.headerFields[.contentType] = "application/x-ndjson"
        return HTTPReply(head, .stream(length: nil) { await lines.next().map { .bytes($0.line) } })
    }

    private func json(_ value: Value, _ status: HTTPResponse.Status) -> HTTPReply {
        reply(value.line, status, type: "application/json")
    }

    private func text(_ text: String, _ status: HTTPResponse.Status, type: String = "text/plain; charset=utf-8") -> HTTPReply {
        reply(Array(text.utf8), status, type: type)
    }

    private func reply(_ bytes: [UInt8], _ status: HTTPResponse.Status, type: String) -> HTTPReply {
        var head = HTTPResponse(status: status)
        head.headerFields[.contentType] = type
        head.headerFields[.cacheControl] = "no-store"
        return HTTPReply(head, .bytes(bytes))
    }
}

extension AdminError {
    fileprivate var status: HTTPResponse.Status {
        switch code {
        case .noSuchUser, .noSuchAccessKey, .unknownOperation: .notFound
        case .userAlreadyExists, .accessKeyAlreadyExists, .userOwnsBuckets: .conflict
        case .invalidArgument: .badRequest
        case .unauthorized: .unauthorized
        case .unavailable, .unreachable: .serviceUnavailable
        case .failed: .internalServerError
        }
    }
}
