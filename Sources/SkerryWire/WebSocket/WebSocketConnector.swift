internal import NIOCore
public import SkerrySession

/// Makes links over WebSocket, or over WebSocket on TLS.
public struct WebSocketConnector: Connector {
    private let address: LinkAddress
    private let path: String
    private let origin: String?
    private let encoding: LinkTraits.Encoding
    private let security: ClientSecurity
    private let limits: LinkLimits
    private let loops: WireLoops

    /// - Parameters:
    ///   - path: With a slash in front, as the endpoint has it.
    ///   - origin: What to claim as the origin; browsers claim that of their page, other programs have none.
    /// - Throws: ``LinkError`` when the node key cannot be used.
    public init(
        to address: LinkAddress, path: String = WebSocketEndpoint.defaultPath, origin: String? = nil,
        encoding: LinkTraits.Encoding = .binary, security: LinkSecurity, limits: LinkLimits = LinkLimits(), loops: WireLoops = .shared
    ) throws(LinkError) {
        self.address = address
        self.path = path
        self.origin = origin
        self.encoding = encoding
        self.security = try ClientSecurity(security, applicationProtocol: TLSProfile.httpProtocol)
        self.limits = limits
        self.loops = loops
    }

    public func connect() async throws(LinkError) -> any Link {
        var generator = SystemRandomNumberGenerator()
        let key = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let upgrade = try WebSocketClientHandshake(address: address, path: path, origin: origin, encoding: encoding, key: key)
        let limits = limits
        let encoding = encoding
        return try await ClientChannel.open(address, security: security, upgrade: upgrade, limits: limits, loops: loops) { channel, peer in
            ChannelLink(
                channel: channel, framing: WebSocketFraming(role: .client, encoding: encoding, packetMaximum: limits.packetMaximum),
                traits: LinkTraits(encoding: encoding, delivery: .ordered, packetMaximum: limits.packetMaximum),
                peer: peer, limits: limits, isAccepted: false)
        }
    }
}
