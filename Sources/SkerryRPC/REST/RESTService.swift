public import HTTPTypes
import SkerryCodec
public import SkerryHTTP
import SkerrySession

/// The routes of services over HTTP: the same methods, for everything that speaks JSON and no sessions.
///
/// A method with a route (`@GET("/succ/{number}")`) answers below the prefix its service is mounted at. Its parameters come from the path, then
/// from the query, then from the JSON object in the body, all read through their shapes; its result is the JSON body of the answer. A
/// parameter that is a `Sender` makes the answer a stream of server-sent events, one for each element.
///
/// | answer | when |
/// |---|---|
/// | 200, 204 | a result, none |
/// | 400 | an argument is missing or does not fit; the body says which |
/// | 403, 404, 405 | denied; no such route, service or object; the path has other verbs |
/// | 413 | a body above ``bodyMaximum`` |
/// | 422 | an error the interface declares: `{"error": name, "value": …}` |
/// | 500, 502, 503, 504 | the method failed; its peer is lost; overloaded or stopping, with `Retry-After` when known; the deadline passed |
public struct RESTService: HTTPService {
    /// A service under a prefix.
    public struct Mount: Sendable {
        let prefix: [String]
        let service: any ServiceDescription.Type
        let reference: Reference

        /// - Parameters:
        ///   - service: whose methods' routes answer.
        ///   - reference: what is called; it may be elsewhere.
        ///   - prefix: segments before those of the routes, such as `/v1/arith`.
        public init(_ service: any ServiceDescription.Type, _ reference: Reference, at prefix: String = "/") {
            self.prefix = RESTPath.segments(prefix)
            self.service = service
            self.reference = reference
        }
    }

    /// Most bytes of a request body.
    public var bodyMaximum = 1 << 20
    /// How long a method may take; a stream of events, how long until its first element.
    public var deadline = Call.deadlineDefault
    let routes: [RESTRoute]
    private let mounts: [Mount]

    public init(_ mounts: Mount...) {
        self.mounts = mounts
        routes = mounts.flatMap { mount in
            mount.service.methods.compactMap { RESTRoute($0, mount.reference, prefix: mount.prefix) }
        }
    }

    public func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply {
        let (path, query) = RESTPath.split(request.path ?? "/")
        if path.last == "_openapi", request.method == .get { return .json(.ok, openAPI) }
        var matches = routes.compactMap { route in route.match(path).map { (route, $0) } }
        guard !matches.isEmpty else { return .error(.notFound, "noSuchRoute", "no method has this path") }
        matches.removeAll { $0.0.verb != request.method }
        // A literal segment says more than a parameter.
        guard let (route, captures) = matches.max(by: { $0.0.literals < $1.0.literals }) else {
            return .error(.methodNotAllowed, "noSuchVerb", "the path has other verbs")
        }
        do throws(RESTFailure) {
            let bytes = try await collect(body)
            let arguments = try route.arguments(captures: captures, query: query, body: bytes)
            return try await call(route, arguments)
        } catch {
            return error.reply
        }
    }

    private func collect(_ body: any HTTPRequestBody) async throws(RESTFailure) -> [UInt8] {
        let bytes: [UInt8]?
        do throws(HTTPBodyError) {
            bytes = try await body.collect(upTo: bodyMaximum)
        } catch {
            throw RESTFailure(.badRequest, "body", "\(error)")
        }
        guard let bytes else { throw RESTFailure(.contentTooLarge, "bodyTooLarge", "more than \(bodyMaximum) bytes") }
        return bytes
    }

    private func call(_ route: RESTRoute, _ arguments: [UInt8]) async throws(RESTFailure) -> HTTPReply {
        if route.streams { return try await EventStream.open(route, arguments, deadline: deadline) }
        do {
            return try await Call.with(deadline: deadline) { try await route.perform(arguments, references: []) }.reply
        } catch {
            throw RESTFailure(error)
        }
    }
}

extension ServicePayload {
    /// The answer to a method's route.
    fileprivate var reply: HTTPReply {
        get throws {
            guard references.isEmpty else {
                throw CallError(.badResult, "the result holds references, which do not cross HTTP", maybeExecuted: true)
            }
            // An empty record stands for no result.
            return bytes == Array("{}".utf8) ? HTTPReply(HTTPResponse(status: .noContent)) : .json(.ok, bytes)
        }
    }
}

extension HTTPReply {
    static func json(_ status: HTTPResponse.Status, _ bytes: [UInt8]) -> HTTPReply {
        HTTPReply(HTTPResponse(status: status, headerFields: [.contentType: "application/json"]), .bytes(bytes))
    }

    static func error(_ status: HTTPResponse.Status, _ code: String, _ message: String) -> HTTPReply {
        RESTFailure(status, code, message).reply
    }
}
