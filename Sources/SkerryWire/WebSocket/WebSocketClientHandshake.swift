internal import NIOCore
internal import SkerrySession

/// The client's half of the opening handshake (RFC 6455 section 4.1), as a value: the request to send, and a reader of the reply.
struct WebSocketClientHandshake: Sendable {
    /// Bytes of the largest head of a reply that is read.
    static let headMaximum = 8 * 1024

    let request: ByteBuffer
    private let address: String
    private let accept: String
    private let subprotocol: String
    private var head: [UInt8] = []

    /// - Parameter key: 16 random bytes.
    /// - Throws: When a part of the request would break its lines.
    init(
        address: LinkAddress, path: String, origin: String?, encoding: LinkTraits.Encoding, key: [UInt8]
    ) throws(LinkError) {
        let host = address.description
        for text in [host, path, origin ?? ""] {
            guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw LinkError(.other, "host, path and origin of a WebSocket are visible ASCII")
            }
        }
        let key = Base64.encoded(key)
        self.address = host
        accept = WebSocketServerHandshake.accept(key: key)
        subprotocol = WebSocketProtocol.subprotocol(of: encoding)
        var lines = [
            "GET \(path) HTTP/1.1", "Host: \(host)", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: \(key)",
            "Sec-WebSocket-Version: \(WebSocketProtocol.version)", "Sec-WebSocket-Protocol: \(subprotocol)",
        ]
        if let origin { lines.append("Origin: \(origin)") }
        request = ByteBuffer(string: lines.map { $0 + "\r\n" }.joined() + "\r\n")
    }

    /// Takes the next bytes of the reply and leaves those behind its head. True when the handshake is done.
    mutating func read(_ bytes: inout ByteBuffer) throws(LinkError) -> Bool {
        while let byte = bytes.readInteger(as: UInt8.self) {
            head.append(byte)
            if byte == UInt8(ascii: "\n"), head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                try check(WebSocketReplyHead(head, address: address))
                return true
            }
            guard head.count < Self.headMaximum else {
                throw LinkError(.handshakeFailed, "the reply of \(address) to the upgrade is longer than \(Self.headMaximum) bytes")
            }
        }
        return false
    }

    private func check(_ reply: WebSocketReplyHead) throws(LinkError) {
        switch reply.status {
        case 101: break
        case 500...599: throw LinkError(.refused, "\(address) answered the upgrade with \(reply.status)")
        default: throw LinkError(.rejected, "\(address) answered the upgrade with \(reply.status)")
        }
        guard reply["upgrade"].contains(token: "websocket"), reply["connection"].contains(token: "upgrade") else {
            throw LinkError(.handshakeFailed, "\(address) answered 101 but does not upgrade to WebSocket")
        }
        guard reply["sec-websocket-accept"] == accept else {
            throw LinkError(.handshakeFailed, "\(address) answered the upgrade with the wrong key")
        }
        guard reply["sec-websocket-protocol"] == subprotocol else {
            throw LinkError(.handshakeFailed, "\(address) does not speak \(subprotocol)")
        }
        guard reply["sec-websocket-extensions"] == nil else {
            throw LinkError(.handshakeFailed, "\(address) uses an extension nobody asked for")
        }
    }
}

/// Status and fields of the reply to an upgrade.
struct WebSocketReplyHead {
    let status: Int
    private let fields: [(name: String, value: String)]

    /// `bytes` end with an empty line.
    init(_ bytes: [UInt8], address: String) throws(LinkError) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == "HTTP/1.1", words[1].count == 3, let status = Int(words[1]) else {
            throw LinkError(.handshakeFailed, "\(address) does not speak HTTP/1.1")
        }
        self.status = status
        fields = lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            return (line[..<colon].lowercased(), String(value.dropLast(value.reversed().prefix { $0 == " " || $0 == "\t" }.count)))
        }
    }

    /// The values of a field, joined as a list; nil when there is none. `name` in lower case.
    subscript(name: String) -> String? {
        let values = fields.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}
