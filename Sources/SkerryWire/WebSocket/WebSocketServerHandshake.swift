internal import Crypto
internal import HTTPTypes
internal import SkerrySession

/// The server's half of the opening handshake (RFC 6455 section 4.2), as a function from request to reply.
struct WebSocketServerHandshake {
    let path: String
    let origins: OriginPolicy

    /// Why there is no upgrade, in the words of HTTP.
    struct Refusal: Error, Equatable {
        var status: HTTPResponse.Status
        var message: String
    }

    /// A handshake that succeeds.
    struct Acceptance: Equatable {
        var encoding: LinkTraits.Encoding
        var head: HTTPResponse
    }

    /// Whether the request is for the endpoint, whatever becomes of it.
    func matches(_ request: HTTPRequest) -> Bool {
        guard let target = request.path else { return false }
        return target.prefix { $0 != "?" } == path
    }

    func answer(_ request: HTTPRequest) throws(Refusal) -> Acceptance {
        let fields = request.headerFields
        guard matches(request) else { throw Refusal(status: .notFound, message: "no links here") }
        guard request.method == .get else { throw Refusal(status: .methodNotAllowed, message: "a link begins with GET") }
        guard fields[.upgrade].contains(token: "websocket"), fields[.connection].contains(token: "upgrade") else {
            throw Refusal(status: .upgradeRequired, message: "a link begins with an upgrade to WebSocket")
        }
        guard fields[.webSocketVersion] == WebSocketProtocol.version else {
            throw Refusal(status: .upgradeRequired, message: "only version 13 of WebSocket is spoken")
        }
        guard let key = fields[.webSocketKey], Base64.decoded(Array(key.utf8))?.count == 16 else {
            throw Refusal(status: .badRequest, message: "Sec-WebSocket-Key has to be 16 bytes in base64")
        }
        guard origins.allows(fields[.origin]) else { throw Refusal(status: .forbidden, message: "pages of this origin may not open links") }
        guard let encoding = Self.encoding(in: fields[.webSocketProtocol]) else {
            let known = "\(WebSocketProtocol.binary) or \(WebSocketProtocol.text)"
            throw Refusal(status: .badRequest, message: "Sec-WebSocket-Protocol has to offer \(known)")
        }
        return Acceptance(encoding: encoding, head: Self.reply(key: key, encoding))
    }

    /// The first the client offers that is known here.
    private static func encoding(in offer: String?) -> LinkTraits.Encoding? {
        for token in (offer ?? "").tokens {
            if let encoding = WebSocketProtocol.encoding(of: token) { return encoding }
        }
        return nil
    }

    private static func reply(key: String, _ encoding: LinkTraits.Encoding) -> HTTPResponse {
        var head = HTTPResponse(status: .switchingProtocols)
        head.headerFields[.upgrade] = "websocket"
        head.headerFields[.webSocketAccept] = accept(key: key)
        head.headerFields[.webSocketProtocol] = WebSocketProtocol.subprotocol(of: encoding)
        return head
    }

    /// What proves that the server has understood the client's key. SHA-1 is the RFC's choice, and guards nothing here.
    static func accept(key: String) -> String {
        Base64.encoded(Array(Insecure.SHA1.hash(data: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))))
    }
}

extension HTTPField.Name {
    static let webSocketKey = HTTPField.Name("Sec-WebSocket-Key")!
    static let webSocketAccept = HTTPField.Name("Sec-WebSocket-Accept")!
    static let webSocketVersion = HTTPField.Name("Sec-WebSocket-Version")!
    static let webSocketProtocol = HTTPField.Name("Sec-WebSocket-Protocol")!
    static let webSocketExtensions = HTTPField.Name("Sec-WebSocket-Extensions")!
}

extension HTTPResponse.Status {
    static let upgradeRequired = HTTPResponse.Status(code: 426, reasonPhrase: "Upgrade Required")
}

extension String {
    /// The members of a comma-separated list.
    var tokens: [Substring] {
        split(separator: ",").map { member in
            let head = member.drop { $0 == " " || $0 == "\t" }
            return head.dropLast(head.reversed().prefix { $0 == " " || $0 == "\t" }.count)
        }
    }
}

extension String? {
    func contains(token: String) -> Bool {
        self?.tokens.contains { $0.lowercased() == token } ?? false
    }
}
