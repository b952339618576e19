public import Logging
internal import NIOCore
internal import SkerryHTTP
internal import SkerryHTTPServer
internal import Synchronization

/// Accepts links over WebSocket on a port of its own: an HTTP server with nothing but a ``WebSocketEndpoint``.
public final class WebSocketListener: Listener {
    private let address: LinkAddress
    private let path: String
    private let origins: OriginPolicy
    private let security: LinkSecurity
    private let limits: LinkLimits
    private let loopCount: Int?
    private let logger: Logger
    private let state = Mutex(State.new)
    private let accepted = Atomic<UInt64>(0)

    private enum State {
        case new
        case starting
        case running(HTTPServer, WebSocketEndpoint)
        case stopped

        var isNew: Bool {
            if case .new = self { true } else { false }
        }
    }

    /// - Parameter loopCount: Threads that carry the links, nil for one per core.
    public init(
        on address: LinkAddress, path: String = WebSocketEndpoint.defaultPath, origins: OriginPolicy, security: LinkSecurity,
        limits: LinkLimits = LinkLimits(), loopCount: Int? = nil, logger: Logger
    ) {
        self.address = address
        self.path = path
        self.origins = origins
        self.security = security
        self.limits = limits
        self.loopCount = loopCount
        self.logger = logger
    }

    public var statistics: ListenerStatistics {
        let server = state.withLock { state in
            if case .running(let server, _) = state { server } else { nil as HTTPServer? }
        }
        var statistics = ListenerStatistics()
        statistics.acceptedLinks = accepted.load(ordering: .relaxed)
        statistics.openLinks = server?.statistics.openConnections ?? 0
        statistics.refusedConnections = server?.statistics.refusedConnections ?? 0
        return statistics
    }

    @discardableResult
    public func start(_ accept: @escaping @Sendable (any Link) -> Void) async throws(LinkError) -> LinkAddress {
        let isNew = state.withLock { state in
            defer { if state.isNew { state = .starting } }
            return state.isNew
        }
        guard isNew else { throw LinkError(.alreadyStarted, "the listener on \(address) was started before") }
        do throws(LinkError) {
            let endpoint = WebSocketEndpoint(path: path, origins: origins, limits: limits) { [self] link in
                accepted.wrappingAdd(1, ordering: .relaxed)
                accept(link)
            }
            let server = try makeServer(endpoint)
            let bound = try await start(server)
            state.withLock { $0 = .running(server, endpoint) }
            return bound
        } catch {
            state.withLock { $0 = .stopped }
            throw error
        }
    }

    public func shutdown(within patience: Duration) async {
        let running = state.withLock { state in
            defer { state = .stopped }
            return if case .running(let server, let endpoint) = state { (server, endpoint) } else {
                nil as (HTTPServer, WebSocketEndpoint)?
            }
        }
        guard let (server, endpoint) = running else { return }
        endpoint.patience.withLock { $0 = patience }
        await server.shutdownGracefully(within: patience + limits.close + .seconds(1))
    }

    private func makeServer(_ endpoint: WebSocketEndpoint) throws(LinkError) -> HTTPServer {
        var configuration = HTTPServerConfiguration(host: address.host, port: address.port)
        configuration.eventLoopCount = loopCount
        configuration.limits.connections = limits.links
        configuration.timeouts.head = limits.handshake
        configuration.timeouts.idle = limits.handshake
        return HTTPServer(configuration: configuration, service: endpoint, security: try connectionSecurity(), logger: logger)
    }

    private func connectionSecurity() throws(LinkError) -> (any ConnectionSecurity)? {
        switch security.kind {
        case .plain(let isAllowedAnywhere):
            let isAllowed = if isAllowedAnywhere { true } else { try isLoopback() }
            guard isAllowed else {
                throw LinkError(.insecure, "\(address) is open to other machines: plain links are for this one only")
            }
            return nil
        case .tls(let key, let trust):
            return WebSocketSecurity(
                profile: try TLSProfile(key, trust: trust, applicationProtocol: TLSProfile.httpProtocol, isServer: true))
        }
    }

    private func isLoopback() throws(LinkError) -> Bool {
        do {
            return try SocketAddress.makeAddressResolvingHost(address.host, port: address.port).isLoopback
        } catch {
            throw LinkError(error, peer: "cannot listen on \(address)")
        }
    }

    private func start(_ server: HTTPServer) async throws(LinkError) -> LinkAddress {
        do {
            let bound = try await server.start()
            return LinkAddress(host: bound.host, port: bound.port)
        } catch {
            let code: LinkError.Code =
                switch error.code {
                case .addressInUse: .addressInUse
                case .addressNotAvailable: .addressNotAvailable
                case .permissionDenied: .permissionDenied
                case .unknownHost: .unreachable
                default: .other
                }
            throw LinkError(code, error.message)
        }
    }
}

/// TLS before HTTP.
struct WebSocketSecurity: ConnectionSecurity {
    let profile: TLSProfile

    func addHandlers(to channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(try profile.makeHandler().0)
    }
}
