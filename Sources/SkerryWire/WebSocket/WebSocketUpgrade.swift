internal import NIOCore
internal import NIOSSL
internal import SkerryHTTPServer
internal import SkerrySession
internal import Synchronization

/// Makes a link of one connection that has left HTTP.
final class WebSocketUpgrade: ChannelUpgrade {
    private let endpoint: WebSocketEndpoint
    private let encoding: LinkTraits.Encoding
    private let address: String
    private let isPrivate: Bool
    private let link = Mutex<ChannelLink<WebSocketFraming>?>(nil)

    init(_ endpoint: WebSocketEndpoint, _ encoding: LinkTraits.Encoding, peer: String, isPrivate: Bool) {
        self.endpoint = endpoint
        self.encoding = encoding
        address = peer
        self.isPrivate = isPrivate
    }

    func takeOver(_ channel: any Channel) throws {
        let limits = endpoint.limits
        try StreamOptions.apply(to: channel, limits: limits)
        let peer = LinkPeer(address: address, key: Self.peerKey(of: channel), isPrivate: isPrivate)
        let link = ChannelLink(
            channel: channel, framing: WebSocketFraming(role: .server, encoding: encoding, packetMaximum: limits.packetMaximum),
            traits: LinkTraits(encoding: encoding, delivery: .ordered, packetMaximum: limits.packetMaximum), peer: peer, limits: limits,
            isAccepted: true)
        try channel.pipeline.syncOperations.addHandler(link)
        self.link.withLock { $0 = link }
        endpoint.accept(link)
    }

    func shutdownBegan() {
        guard let link = link.withLock({ $0 }) else { return }
        link.close(.stopping, after: endpoint.patience.withLock { $0 })
    }

    /// The handshake of TLS let only trusted keys through.
    private static func peerKey(of channel: any Channel) -> NodeKey.Hash? {
        guard let tls = try? channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self),
            let info = try? tls.peerCertificate?.extractPublicKey().toSPKIBytes()
        else { return nil }
        return NodeKey.Hash(ofPublicKey: info)
    }
}
