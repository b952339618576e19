internal import Crypto

/// Keeping the key: PKCS#8 (RFC 8410 section 7) in PEM (RFC 7468), as `openssl genpkey -algorithm ed25519` writes it.
extension NodeKey {
    private static let label = "PRIVATE KEY"

    /// Bytes of the largest text taken for a key.
    private static let pemMaximum = 4096

    /// The secret key as text. Whoever reads it is this node.
    public var pem: [UInt8] {
        let secret = DER.octetString(DER.octetString(Array(privateKey.rawRepresentation)))
        let document = DER.sequence(DER.integer(0) + DER.ed25519 + secret)
        let text = Base64.encoded(document)
        return Array("-----BEGIN \(Self.label)-----\n\(text)\n-----END \(Self.label)-----\n".utf8)
    }

    /// Reads what ``pem`` wrote. Text before and after the key is ignored.
    ///
    /// - Throws: When there is no PKCS#8 block, or it holds another kind of key than Ed25519.
    public init(pem: [UInt8]) throws(NodeKeyError) {
        guard pem.count <= Self.pemMaximum else { throw NodeKeyError("a node key has at most \(Self.pemMaximum) bytes, not \(pem.count)") }
        let lines = pem.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
        guard let begin = lines.firstIndex(where: { $0.elementsEqual("-----BEGIN \(Self.label)-----".utf8) }),
            let end = lines[begin...].firstIndex(where: { $0.elementsEqual("-----END \(Self.label)-----".utf8) })
        else { throw NodeKeyError("the text holds no block named \(Self.label)") }
        guard let document = Base64.decoded(Array(lines[(begin + 1)..<end].joined())) else {
            throw NodeKeyError("the block named \(Self.label) is not base64")
        }
        // The document of an Ed25519 key has one form and one length; only the secret at its end differs.
        let head = DER.sequence(DER.integer(0) + DER.ed25519 + DER.octetString(DER.octetString([UInt8](repeating: 0, count: 32)))).dropLast(
            32)
        guard document.count == head.count + 32, document.starts(with: head) else {
            throw NodeKeyError("the block named \(Self.label) holds no Ed25519 key in PKCS#8")
        }
        try self.init(seed: Array(document.suffix(32)))
    }
}
