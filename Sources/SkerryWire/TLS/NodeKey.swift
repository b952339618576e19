internal import Crypto

/// The key pair a node is known by: Ed25519.
///
/// It signs the node's certificate and so proves, in the handshake of TLS, who speaks. There is no authority above it: peers name each other by
/// ``hash`` and trust exactly the keys they were told of.
///
/// ```swift
/// let key = NodeKey()                            // once in a node's life
/// write(key.pem, to: "node.key", mode: 0o600)    // the caller's own file functions
/// let same = try NodeKey(pem: read("node.key"))
/// ```
public struct NodeKey: Sendable {
    let privateKey: Curve25519.Signing.PrivateKey

    /// The name of this key.
    public let hash: Hash

    /// A new key from the system's randomness.
    public init() {
        self.init(Curve25519.Signing.PrivateKey())
    }

    /// A key from its 32 secret bytes.
    public init(seed: [UInt8]) throws(NodeKeyError) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw NodeKeyError("an Ed25519 key has 32 bytes, not \(seed.count)")
        }
        self.init(key)
    }

    private init(_ privateKey: Curve25519.Signing.PrivateKey) {
        self.privateKey = privateKey
        hash = Hash(ofPublicKey: Self.publicKeyInfo(privateKey))
    }

    /// SubjectPublicKeyInfo in DER (RFC 8410 section 4).
    var publicKeyInfo: [UInt8] { Self.publicKeyInfo(privateKey) }

    private static func publicKeyInfo(_ key: Curve25519.Signing.PrivateKey) -> [UInt8] {
        DER.sequence(DER.ed25519 + DER.bitString(Array(key.publicKey.rawRepresentation)))
    }
}

/// Why bytes are not a node key.
public struct NodeKeyError: Error, Sendable, Hashable, CustomStringConvertible {
    /// For the reader of a log; never quotes the bytes.
    public var message: String

    public var description: String { message }

    init(_ message: String) {
        self.message = message
    }
}
