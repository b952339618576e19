public import SkerryWire

/// The right to an object in words: who knows them may connect and get the object, after any number of restarts.
///
/// `skerry://<hash of the node's key>@host:port/<128-bit secret>`; both in lower-case hexadecimal digits. The node is named by its key, so that
/// the secret is told to no other. Keep it like a password.
public struct SturdyReference: Hashable, Sendable {
    /// The node that hosts the object; the link to it must prove this key.
    public let node: NodeKey.Hash
    public let address: LinkAddress
    /// 16 bytes.
    public let secret: [UInt8]

    /// - Precondition: `secret` has 16 bytes.
    public init(node: NodeKey.Hash, address: LinkAddress, secret: [UInt8]) {
        precondition(secret.count == Self.secretBytes, "a secret has \(Self.secretBytes) bytes, not \(secret.count)")
        self.node = node
        self.address = address
        self.secret = secret
    }

    static let scheme = "skerry://"
    static let secretBytes = 16

    /// Reads the words, nil when they are not of this form.
    public init?(_ text: String) {
        guard text.utf8.count <= 512, text.hasPrefix(Self.scheme) else { return nil }
        let rest = text.dropFirst(Self.scheme.count)
        guard let at = rest.firstIndex(of: "@"), let slash = rest.lastIndex(of: "/"), at < slash,
            let node = NodeKey.Hash(rest[..<at]), let address = Self.address(rest[rest.index(after: at)..<slash]),
            let secret = Hexadecimal.bytes(rest[rest.index(after: slash)...]), secret.count == Self.secretBytes
        else { return nil }
        self.init(node: node, address: address, secret: secret)
    }

    private static func address(_ text: Substring) -> LinkAddress? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() } else if host.contains(":") { return nil }
        guard !host.isEmpty else { return nil }
        return LinkAddress(host: String(host), port: Int(port))
    }

    /// The words. They contain the secret: do not log them.
    public var text: String { "\(Self.scheme)\(node)@\(address)/\(Hexadecimal.text(secret))" }
}

extension SturdyReference: CustomStringConvertible {
    /// Without the secret, for logs.
    public var description: String { "\(Self.scheme)\(node)@\(address)/…" }
}

/// Bytes as lower-case hexadecimal digits.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let values = text.utf8.map { digits.firstIndex(of: $0 | 0x20 == $0 ? $0 : $0 | 0x20) }
        guard values.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: values.count, by: 2) {
            guard let high = values[index], let low = values[index + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }
}
