internal import NIOCore
internal import NIOTLS

/// Takes a new connection through its handshakes and puts a link in its own place: TLS first, then the upgrade of WebSocket, each if there is one.
///
/// Everything has to be done within ``LinkLimits/handshake``.
// @unchecked Sendable: apart from constants all state is touched on the channel's event loop; `cancel` hops there.
final class LinkOpening: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias MakeLink = (any Channel, LinkPeer) -> any Link & ChannelHandler

    private let address: String
    private let limits: LinkLimits
    private let tls: (profile: TLSProfile, verdict: TLSVerdict)?
    /// Plain bytes may go to this machine only.
    private let isLoopbackOnly: Bool
    private var upgrade: WebSocketClientHandshake?
    private let makeLink: MakeLink
    private let completion: (Result<any Link, LinkError>) -> Void

    private var isDone = false
    private var timer: Scheduled<Void>?

    init(
        address: String, limits: LinkLimits, tls: (TLSProfile, TLSVerdict)?, isLoopbackOnly: Bool, upgrade: WebSocketClientHandshake?,
        makeLink: @escaping MakeLink, completion: @escaping (Result<any Link, LinkError>) -> Void
    ) {
        self.address = address
        self.limits = limits
        self.tls = tls
        self.isLoopbackOnly = isLoopbackOnly
        self.upgrade = upgrade
        self.makeLink = makeLink
        self.completion = completion
    }
}

// MARK: - Events

extension LinkOpening {
    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.handshake)) { [self] in
            fail(channel, LinkError(.timedOut, "the handshake with \(address) took longer than \(limits.handshake)"))
        }
        if channel.isActive { connected(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        connected(context)
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted(let applicationProtocol) = event { shookHands(context, applicationProtocol) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return context.fireChannelRead(data) }
        do throws(LinkError) {
            var bytes = unwrapInboundIn(data)
            if try upgrade?.read(&bytes) ?? false { ready(context, behind: bytes) }
        } catch {
            fail(context.channel, error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(context.channel, LinkError(.reset, "\(address) closed amid the handshake"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isDone else { return context.fireErrorCaught(error) }
        fail(context.channel, tls?.verdict.error(peer: address) ?? LinkError(error, peer: address))
    }
}

// MARK: - Steps

extension LinkOpening {
    private func connected(_ context: ChannelHandlerContext) {
        if isLoopbackOnly, context.remoteAddress?.isLoopback != true {
            return fail(context.channel, LinkError(.insecure, "\(address) is another machine: plain links are for this one only"))
        }
        // The first read of TLS, which sees to its own from there on.
        if tls == nil { secured(context) } else { context.read() }
    }

    private func shookHands(_ context: ChannelHandlerContext, _ applicationProtocol: String?) {
        guard let tls, !isDone else { return }
        guard applicationProtocol == tls.profile.applicationProtocol else {
            let given = applicationProtocol ?? "no protocol"
            return fail(context.channel, LinkError(.handshakeFailed, "\(address) speaks \(given), not \(tls.profile.applicationProtocol)"))
        }
        guard tls.verdict.key != nil, tls.verdict.isTrusted else {
            return fail(context.channel, LinkError(.untrusted, "\(address) showed no key"))
        }
        secured(context)
    }

    /// The bytes are as protected as they get.
    private func secured(_ context: ChannelHandlerContext) {
        guard let upgrade else { return ready(context, behind: ByteBuffer()) }
        context.writeAndFlush(wrapOutboundOut(upgrade.request), promise: nil)
        // The reply is read with automatic reading, so that a head in pieces needs no count of reads.
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
    }

    /// Puts the link in place; `bytes` are what came for it already.
    private func ready(_ context: ChannelHandlerContext, behind bytes: ByteBuffer) {
        guard !isDone else { return }
        isDone = true
        timer?.cancel()
        let peer = LinkPeer(address: address, key: tls?.verdict.key, isPrivate: tls != nil)
        let link = makeLink(context.channel, peer)
        do {
            try context.channel.syncOptions?.setOption(.autoRead, value: false)
            try context.pipeline.syncOperations.addHandler(link)
        } catch {
            context.close(promise: nil)
            return completion(.failure(LinkError(error, peer: address)))
        }
        if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
        completion(.success(link))
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    private func fail(_ channel: any Channel, _ error: LinkError) {
        guard !isDone else { return }
        isDone = true
        timer?.cancel()
        completion(.failure(error))
        channel.close(promise: nil)
    }

    /// From any thread: whoever waits for the link waits no more.
    func cancel(_ channel: any Channel) {
        channel.eventLoop.execute { [self] in
            fail(channel, LinkError(.cut, "connecting to \(address) was cancelled"))
        }
    }
}

extension LinkOpening {
    typealias InboundOut = ByteBuffer
}

extension SocketAddress {
    /// `127.0.0.0/8`, `::1`, the former written as IPv6, or a socket of this machine's file system.
    var isLoopback: Bool {
        switch self {
        case .v4: ipAddress?.hasPrefix("127.") ?? false
        case .v6: ipAddress == "::1" || ipAddress?.hasPrefix("::ffff:127.") ?? false
        case .unixDomainSocket: true
        }
    }

    /// `127.0.0.1:51234` or `[::1]:51234`.
    var linkText: String {
        LinkAddress(host: ipAddress ?? "unknown", port: port ?? 0).description
    }
}
