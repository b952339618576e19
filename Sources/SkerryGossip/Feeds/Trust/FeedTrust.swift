public import Crypto
public import SkerryCRDT

/// Whether entries carry signatures, and who checks them.
public struct FeedTrust: Sendable {
    /// Signs what `message` gives, for own entries; nil where nothing is signed.
    var sign: (@Sendable (_ message: [UInt8]) -> [UInt8])?
    /// Whether a signature over a message is the origin's; false for an unknown origin.
    var verify: (@Sendable (_ signature: [UInt8], _ message: [UInt8], _ origin: OriginID) -> Bool)?

    /// Members are trusted: the chain of hashes finds forks, nothing is signed.
    public static let members = FeedTrust(sign: nil, verify: nil)

    /// Every entry carries an Ed25519 signature over its digest and the link of its chain, checked before anything else of it counts.
    ///
    /// - Parameters:
    ///   - key: of this node's origin.
    ///   - publicKey: of any origin; nil refuses it.
    public static func signed(
        by key: Curve25519.Signing.PrivateKey, publicKey: @escaping @Sendable (OriginID) -> Curve25519.Signing.PublicKey?
    ) -> FeedTrust {
        FeedTrust(
            sign: { message in
                // Signing fails only for keys that are none.
                (try? key.signature(for: message)).map { Array($0) } ?? []
            },
            verify: { signature, message, origin in publicKey(origin)?.isValidSignature(signature, for: message) ?? false })
    }

    /// With other signatures than Ed25519's, of ``FeedLimits/signatureLength`` bytes.
    public static func custom(
        sign: @escaping @Sendable (_ message: [UInt8]) -> [UInt8],
        verify: @escaping @Sendable (_ signature: [UInt8], _ message: [UInt8], _ origin: OriginID) -> Bool
    ) -> FeedTrust {
        FeedTrust(sign: sign, verify: verify)
    }

    var isSigned: Bool { verify != nil }

    /// What is signed: a name of the purpose, the dot (8 bytes each, big-endian), the digest, and the link, which stands for all entries of the origin so far.
    ///
    /// The digest stands beside the link so that an entry can be checked without those before it, as behind an ``InterestFilter``.
    static func message(_ dot: Dot, digest: FeedHash, link: FeedHash) -> [UInt8] {
        var message = Array("skerry feed entry 1\n".utf8)
        withUnsafeBytes(of: (dot.origin.rawValue.bigEndian, dot.sequence.bigEndian)) { message.append(contentsOf: $0) }
        withUnsafeBytes(of: (digest, link)) { message.append(contentsOf: $0) }
        return message
    }
}
