internal import NIOCore
internal import NIOSSL
internal import SkerryHTTPServer

/// TLS as links speak it: version 1.3, Ed25519 certificates on both sides, trusted by the hash of their key and nothing else.
///
/// NIOSSL's own check of certificate chains is replaced: there is no chain, no name and no date to check. What the handshake itself proves is kept:
/// the peer holds the private key of the certificate it presents.
///
/// Sessions are never resumed: a client keeps no tickets, and a connection resumed by a foreign client would come without a key and is closed.
final class TLSProfile: Sendable {
    /// The protocol of TCP links in ALPN.
    static let linkProtocol = "skerry/1"
    /// The protocol of WebSocket links in ALPN: they begin as HTTP.
    static let httpProtocol = "http/1.1"

    let applicationProtocol: String
    private let context: NIOSSLContext
    private let trust: PeerTrust
    private let isServer: Bool

    init(_ key: NodeKey, trust: PeerTrust, applicationProtocol: String, isServer: Bool) throws(LinkError) {
        self.trust = trust
        self.isServer = isServer
        self.applicationProtocol = applicationProtocol
        do {
            context = try NIOSSLContext(configuration: Self.configuration(key, applicationProtocol, isServer: isServer))
        } catch {
            throw LinkError(.other, "TLS cannot be set up: \(error)")
        }
    }

    private static func configuration(_ key: NodeKey, _ applicationProtocol: String, isServer: Bool) throws -> TLSConfiguration {
        let certificate = try NIOSSLCertificate(bytes: key.certificate, format: .der)
        let privateKey = try NIOSSLPrivateKey(bytes: key.pem, format: .pem)
        var configuration: TLSConfiguration
        if isServer {
            configuration = .makeServerConfiguration(certificateChain: [.certificate(certificate)], privateKey: .privateKey(privateKey))
        } else {
            configuration = .makeClientConfiguration()
            configuration.certificateChain = [.certificate(certificate)]
            configuration.privateKey = .privateKey(privateKey)
        }
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = [applicationProtocol]
        // Makes the server ask for a certificate; the verdict is ours.
        configuration.certificateVerification = .noHostnameVerification
        // The system's authorities mean nothing here, and reading them takes time.
        configuration.trustRoots = .certificates([certificate])
        // BoringSSL speaks Ed25519 only when told to.
        configuration.verifySignatureAlgorithms = [.ed25519]
        configuration.signingSignatureAlgorithms = [.ed25519]
        return configuration
    }

    /// The handler of one connection, and where it leaves its verdict.
    func makeHandler() throws -> (any ChannelHandler, TLSVerdict) {
        let verdict = TLSVerdict()
        let trust = trust
        let verify: NIOSSLCustomVerificationCallback = { chain, promise in
            promise.succeed(verdict.judge(chain.first, trust) ? .certificateVerified : .failed)
        }
        if isServer { return (NIOSSLServerHandler(context: context, customVerificationCallback: verify), verdict) }
        return (try NIOSSLClientHandler(context: context, serverHostname: nil, customVerificationCallback: verify), verdict)
    }

    /// The context of the TLS handler in a pipeline: what is closed there skips the goodbye of TLS.
    static func context(in pipeline: ChannelPipeline) -> ChannelHandlerContext? {
        let pipeline = pipeline.syncOperations
        return (try? pipeline.context(handlerType: NIOSSLServerHandler.self))
            ?? (try? pipeline.context(handlerType: NIOSSLClientHandler.self))
    }
}

/// The key a peer presented and what was made of it.
// @unchecked Sendable: one connection's handlers share it, and they live on one event loop.
final class TLSVerdict: @unchecked Sendable {
    private(set) var key: NodeKey.Hash?
    private(set) var isTrusted = false

    func judge(_ certificate: NIOSSLCertificate?, _ trust: PeerTrust) -> Bool {
        guard let certificate, let info = try? certificate.extractPublicKey().toSPKIBytes() else { return false }
        let hash = NodeKey.Hash(ofPublicKey: info)
        key = hash
        isTrusted = trust.trusts(hash)
        return isTrusted
    }

    /// The error of a handshake this side broke off, nil when it was another reason.
    func error(peer: String) -> LinkError? {
        guard let key, !isTrusted else { return nil }
        return LinkError(.untrusted, "\(peer) holds the key \(key), which is not trusted here", presentedKey: key)
    }
}
