internal import NIOCore
internal import NIOPosix
internal import SkerrySession

/// Makes links over TCP, or over TLS on TCP.
public struct TCPConnector: Connector {
    private let address: LinkAddress
    private let security: ClientSecurity
    private let loops: WireLoops
    private let limits: LinkLimits

    /// - Throws: ``LinkError`` when the node key cannot be used.
    public init(
        to address: LinkAddress, security: LinkSecurity, limits: LinkLimits = LinkLimits(), loops: WireLoops = .shared
    ) throws(LinkError) {
        self.address = address
        self.security = try ClientSecurity(security, applicationProtocol: TLSProfile.linkProtocol)
        self.limits = limits
        self.loops = loops
    }

    public func connect() async throws(LinkError) -> any Link {
        let limits = limits
        return try await ClientChannel.open(address, security: security, upgrade: nil, limits: limits, loops: loops) { channel, peer in
            ChannelLink(
                channel: channel, framing: LengthFraming(packetMaximum: limits.packetMaximum),
                traits: LinkTraits(encoding: .binary, delivery: .ordered, packetMaximum: limits.packetMaximum),
                peer: peer, limits: limits, isAccepted: false)
        }
    }
}

/// The security of a connector, set up once for all its links.
struct ClientSecurity: Sendable {
    let tls: TLSProfile?
    let isLoopbackOnly: Bool

    init(_ security: LinkSecurity, applicationProtocol: String) throws(LinkError) {
        switch security.kind {
        case .plain(let isAllowedAnywhere):
            tls = nil
            isLoopbackOnly = !isAllowedAnywhere
        case .tls(let key, let trust):
            tls = try TLSProfile(key, trust: trust, applicationProtocol: applicationProtocol, isServer: false)
            isLoopbackOnly = false
        }
    }
}

/// Connects and takes the channel through its handshakes.
enum ClientChannel {
    static func open(
        _ address: LinkAddress, security: ClientSecurity, upgrade: WebSocketClientHandshake?, limits: LinkLimits, loops: WireLoops,
        makeLink: @escaping @Sendable (any Channel, LinkPeer) -> any Link & ChannelHandler
    ) async throws(LinkError) -> any Link {
        let attempt = ConnectAttempt(address: address, promise: loops.next().makePromise(of: (any Link).self))
        attempt.start(
            ClientBootstrap(group: loops.group)
                .connectTimeout(TimeAmount(limits.handshake))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try StreamOptions.apply(to: channel, limits: limits)
                        let tls = try security.tls?.makeHandler()
                        let opening = LinkOpening(
                            address: address.description, limits: limits, tls: tls.flatMap { tls in security.tls.map { ($0, tls.1) } },
                            isLoopbackOnly: security.isLoopbackOnly, upgrade: upgrade, makeLink: makeLink, completion: attempt.complete)
                        if let handler = tls?.0 { try channel.pipeline.syncOperations.addHandler(handler) }
                        try channel.pipeline.syncOperations.addHandler(opening)
                        attempt.opened(channel, opening)
                    }
                })
        do {
            return try await withTaskCancellationHandler {
                try await attempt.promise.futureResult.get()
            } onCancel: {
                attempt.cancel()
            }
        } catch {
            throw LinkError(error, peer: address.description)
        }
    }
}
