internal import Crypto

/// What makes a cluster: every packet and every message of an exchange carries a tag that only those make who know it.
///
/// It keeps strangers and members of other clusters out. It hides nothing, and repeats an old packet's effect at most: opinions only grow. Links that
/// need more use TLS.
public struct ClusterSecret: Sendable, Hashable {
    static let tagBytes = 8

    private let bytes: [UInt8]

    /// From any number of bytes; 16 random ones are enough.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The first eight bytes of HMAC-SHA256.
    func tag(of body: UnsafeRawBufferPointer) -> [UInt8] {
        var code = HMAC<SHA256>(key: SymmetricKey(data: bytes))
        code.update(data: body)
        return Array(code.finalize().prefix(Self.tagBytes))
    }

    /// The body with its tag before it, or the body alone in a cluster without a secret.
    static func seal(_ body: [UInt8], with secret: ClusterSecret?) -> [UInt8] {
        guard let secret else { return body }
        return body.withUnsafeBytes { secret.tag(of: $0) } + body
    }

    /// The body of a packet, once its tag is right.
    static func open(_ packet: UnsafeRawBufferPointer, with secret: ClusterSecret?) throws(MalformedPacket) -> UnsafeRawBufferPointer {
        guard let secret else { return packet }
        guard packet.count >= tagBytes else { throw MalformedPacket(reason: .truncated, offset: packet.count) }
        let body = UnsafeRawBufferPointer(rebasing: packet[tagBytes...])
        var difference: UInt8 = 0
        for (own, theirs) in zip(secret.tag(of: body), packet) { difference |= own ^ theirs }
        guard difference == 0 else { throw MalformedPacket(reason: .secret, offset: 0) }
        return body
    }
}
