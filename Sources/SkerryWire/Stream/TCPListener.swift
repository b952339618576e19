internal import NIOCore
internal import NIOPosix
internal import SkerrySession
internal import Synchronization

/// Accepts links over TCP, or over TLS on TCP.
///
/// ```swift
/// let listener = try TCPListener(on: .init(host: "::", port: 7070), security: .tls(key, trusting: .pinned(peers)))
/// let address = try await listener.start { link in link.start(session(for: link.peer)) }
/// ```
public final class TCPListener: Listener {
    private let address: LinkAddress
    private let security: LinkSecurity
    private let limits: LinkLimits
    private let loops: WireLoops
    private let register: LinkRegister
    private let state = Mutex(State.new)

    /// Connections the kernel holds before they are accepted.
    private static let backlog: CInt = 1024

    private enum State {
        case new
        case starting
        case running(any Channel)
        case stopped

        var isNew: Bool {
            if case .new = self { true } else { false }
        }
    }

    public init(on address: LinkAddress, security: LinkSecurity, limits: LinkLimits = LinkLimits(), loops: WireLoops = .shared) {
        self.address = address
        self.security = security
        self.limits = limits
        self.loops = loops
        register = LinkRegister(maximum: limits.links)
    }

    public var statistics: ListenerStatistics { register.statistics }

    @discardableResult
    public func start(_ accept: @escaping @Sendable (any Link) -> Void) async throws(LinkError) -> LinkAddress {
        let isNew = state.withLock { state in
            defer { if state.isNew { state = .starting } }
            return state.isNew
        }
        guard isNew else { throw LinkError(.alreadyStarted, "the listener on \(address) was started before") }
        do {
            let channel = try await bind(accept)
            state.withLock { $0 = .running(channel) }
            return LinkAddress(host: channel.localAddress?.ipAddress ?? address.host, port: channel.localAddress?.port ?? 0)
        } catch {
            state.withLock { $0 = .stopped }
            throw LinkError(error, peer: "cannot listen on \(address)")
        }
    }

    public func shutdown(within patience: Duration) async {
        let channel = state.withLock { state in
            defer { state = .stopped }
            return if case .running(let channel) = state { channel } else { nil as (any Channel)? }
        }
        // The only error is that it is closed already.
        try? await channel?.close()
        await register.drain(within: patience, close: limits.close, loop: loops.next())
    }

    private func bind(_ accept: @escaping @Sendable (any Link) -> Void) async throws -> any Channel {
        let resolved = try SocketAddress.makeAddressResolvingHost(address.host, port: address.port)
        var tls: TLSProfile?
        switch security.kind {
        case .plain(let isAllowedAnywhere):
            guard isAllowedAnywhere || resolved.isLoopback else {
                throw LinkError(.insecure, "\(address) is open to other machines: plain links are for this one only")
            }
        case .tls(let key, let trust):
            tls = try TLSProfile(key, trust: trust, applicationProtocol: TLSProfile.linkProtocol, isServer: true)
        }
        return try await ServerBootstrap(group: loops.group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [self, tls] channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel, tls, accept) }
            }
            .bind(to: resolved)
            .get()
    }

    /// Makes a link of an accepted connection. An error closes it.
    private func prepare(_ channel: any Channel, _ tls: TLSProfile?, _ accept: @escaping @Sendable (any Link) -> Void) throws {
        guard register.admit(channel) else { throw ChannelError.operationUnsupported }
        try StreamOptions.apply(to: channel, limits: limits)
        let address = channel.remoteAddress?.linkText ?? "unknown"
        let handler = try tls?.makeHandler()
        if let handler { try channel.pipeline.syncOperations.addHandler(handler.0) }
        let opening = LinkOpening(
            address: address, limits: limits, tls: handler.flatMap { handler in tls.map { ($0, handler.1) } }, isLoopbackOnly: false,
            upgrade: nil, makeLink: makeLink
        ) { [register] result in
            guard case .success(let link) = result else { return }
            register.accepted(link, on: channel)
            accept(link)
        }
        try channel.pipeline.syncOperations.addHandler(opening)
    }

    private func makeLink(_ channel: any Channel, _ peer: LinkPeer) -> any Link & ChannelHandler {
        ChannelLink(
            channel: channel, framing: LengthFraming(packetMaximum: limits.packetMaximum),
            traits: LinkTraits(encoding: .binary, delivery: .ordered, packetMaximum: limits.packetMaximum),
            peer: peer, limits: limits, isAccepted: true)
    }
}
