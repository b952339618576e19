public import HTTPTypes
internal import NIOCore
public import SkerryHTTP
internal import SkerryHTTPServer
internal import SkerrySession
internal import Synchronization

/// The place in an HTTP server where links begin: a service that answers the upgrade to WebSocket.
///
/// It shares the port of whatever else the server serves:
///
/// ```swift
/// let endpoint = WebSocketEndpoint(origins: .only(["https://example.org"])) { link in link.start(session(for: link.peer)) }
/// let server = HTTPServer(configuration: configuration, service: endpoint.before(store), logger: logger)
/// ```
///
/// Connections are counted, bounded and drained by the server. Its graceful shutdown closes the links with the code 1001.
public final class WebSocketEndpoint: HTTPService {
    /// Where links begin unless said otherwise.
    public static let defaultPath = "/skerry"

    private let handshake: WebSocketServerHandshake
    let limits: LinkLimits
    let accept: @Sendable (any Link) -> Void
    /// How long the sessions have to end by themselves when the server stops.
    let patience: Mutex<Duration>

    /// - Parameters:
    ///   - path: The path of the request's target; a query behind it is ignored.
    ///   - patience: How long the sessions have to end by themselves when the server stops, before their links are closed. Shorter than the server's own
    ///     patience, or its end is what they see.
    ///   - accept: Runs on the loop of the new link, which it starts, at once or later; a link that is not wanted it cuts.
    public init(
        path: String = defaultPath, origins: OriginPolicy, limits: LinkLimits = LinkLimits(), patience: Duration = .zero,
        accept: @escaping @Sendable (any Link) -> Void
    ) {
        handshake = WebSocketServerHandshake(path: path, origins: origins)
        self.limits = limits
        self.accept = accept
        self.patience = Mutex(patience)
    }

    /// Upgrades, or refuses: 404 for another path, 426 without an upgrade, 403 for another origin, 400 for the rest.
    public func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply {
        do throws(WebSocketServerHandshake.Refusal) {
            let acceptance = try handshake.answer(request)
            var reply = HTTPReply(acceptance.head)
            reply.upgrade = WebSocketUpgrade(self, acceptance.encoding, peer: context.peer, isPrivate: context.isSecure)
            return reply
        } catch {
            return Self.reply(error)
        }
    }

    /// A service that answers requests for the endpoint's path here and leaves all others to `next`.
    public func before(_ next: some HTTPService) -> some HTTPService {
        WebSocketMount(endpoint: self, next: next)
    }

    func matches(_ request: HTTPRequest) -> Bool { handshake.matches(request) }

    private static func reply(_ refusal: WebSocketServerHandshake.Refusal) -> HTTPReply {
        var head = HTTPResponse(status: refusal.status)
        head.headerFields[.contentType] = "text/plain"
        switch refusal.status {
        case .upgradeRequired:
            head.headerFields[.upgrade] = "websocket"
            head.headerFields[.webSocketVersion] = WebSocketProtocol.version
        case .methodNotAllowed:
            head.headerFields[.allow] = "GET"
        default:
            break
        }
        return HTTPReply(head, .bytes(Array((refusal.message + "\n").utf8)))
    }
}

/// An endpoint in front of another service.
struct WebSocketMount<Next: HTTPService>: HTTPService {
    let endpoint: WebSocketEndpoint
    let next: Next

    func respond(to request: HTTPRequest, body: any HTTPRequestBody, context: HTTPRequestContext) async -> HTTPReply {
        if endpoint.matches(request) {
            await endpoint.respond(to: request, body: body, context: context)
        } else {
            await next.respond(to: request, body: body, context: context)
        }
    }
}
