import HTTPTypes
import SkerryHTTP
import SkerryHTTPServer
import SkerrySession
import Testing

@testable import SkerryWire

/// Y-30: WebSocket over sockets, with peers that follow the rules and peers that do not.
@Suite struct WebSocketTests {
    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    private static let origin = "https://example.org"

    private static func request(
        path: String = "/skerry", method: String = "GET", upgrade: String = "websocket", connection: String = "keep-alive, Upgrade",
        key: String = key, version: String = "13", subprotocol: String? = "skerry.v1.json", origin: String? = nil
    ) -> String {
        var lines = [
            "\(method) \(path) HTTP/1.1", "Host: localhost", "Upgrade: \(upgrade)", "Connection: \(connection)",
            "Sec-WebSocket-Key: \(key)",
            "Sec-WebSocket-Version: \(version)",
        ]
        if let subprotocol { lines.append("Sec-WebSocket-Protocol: \(subprotocol)") }
        if let origin { lines.append("Origin: \(origin)") }
        return lines.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    private func withListener(
        _ configure: (inout LinkLimits) -> Void = { _ in }, _ body: (WebSocketListener, Int, Accepted) async throws -> Void
    ) async throws {
        var limits = LinkLimits.patient
        configure(&limits)
        let listener = WebSocketListener(
            on: LinkAddress(host: "127.0.0.1", port: 0), origins: .only([Self.origin]), security: .plain, limits: limits, logger: .silent)
        let accepted = Accepted()
        let port = try await listener.start { accepted.add($0) }.port
        do {
            try await body(listener, port, accepted)
        } catch {
            await listener.shutdown(within: .zero)
            throw error
        }
        await listener.shutdown(within: .zero)
    }

    /// A raw peer whose link stands, and the driver on the other side.
    private func connected(_ port: Int, _ accepted: Accepted, subprotocol: String = "skerry.v1.json") async throws -> (RawSocket, Probe) {
        let peer = try RawSocket.connected(to: port)
        try await peer.send(Self.request(subprotocol: subprotocol))
        let head = try await peer.receiveHead()
        #expect(head.hasPrefix("HTTP/1.1 101 "))
        return (peer, Probe.driving(await accepted.next()))
    }

    // MARK: The handshake

    @Test("The accepted key is the one of RFC 6455 section 1.3")
    func acceptKey() {
        #expect(WebSocketServerHandshake.accept(key: Self.key) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test("Y-30: the handshake names key, protocol and upgrade, and the first known subprotocol is taken")
    func handshake() async throws {
        try await withListener { _, port, accepted in
            let peer = try RawSocket.connected(to: port)
            try await peer.send(
                Self.request(path: "/skerry?token=1", subprotocol: "chat, skerry.v1.json,skerry.v1", origin: "HTTPS://example.org"))
            let head = try await peer.receiveHead()
            #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
            for line in [
                "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "Sec-WebSocket-Protocol: skerry.v1.json",
            ] {
                #expect(head.contains("\r\n\(line)\r\n"))
            }
            #expect(await accepted.next().traits.encoding == .text)
            peer.close()
        }
    }

    @Test(
        "What is no proper handshake is refused in HTTP",
        arguments: [
            (request(path: "/other"), 404), (request(path: "/skerry/"), 404), (request(method: "HEAD"), 405),
            (request(upgrade: "h2c"), 426),
            (request(connection: "close"), 426), (request(version: "8"), 426), (request(key: "short"), 400),
            (request(key: "dGhlIHNhbXBsZSBub25jZR=="), 400),
            (request(subprotocol: nil), 400), (request(subprotocol: "chat"), 400), (request(origin: "https://evil.example"), 403),
            (request(origin: "null"), 403),
            ("GET /skerry HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        ])
    func refusals(_ request: String, _ status: Int) async throws {
        try await withListener { listener, port, _ in
            let peer = try RawSocket.connected(to: port)
            try await peer.send(request)
            let head = try await peer.receiveHead()
            #expect(head.hasPrefix("HTTP/1.1 \(status) "))
            if status == 426 { #expect(head.contains("\r\nSec-WebSocket-Version: 13\r\n")) }
            #expect(listener.statistics.acceptedLinks == 0)
        }
    }

    @Test("Origins: none means none, a program without one is let in, any is any")
    func origins() {
        #expect(OriginPolicy.none.allows(nil))
        #expect(!OriginPolicy.none.allows("https://example.org"))
        #expect(OriginPolicy.any.allows("https://example.org"))
        #expect(OriginPolicy.only(["https://Example.org"]).allows("https://example.ORG"))
        #expect(!OriginPolicy.only(["https://example.org"]).allows("http://example.org"))
    }

    @Test("A head that dribbles in and a link that stays silent are given up after the handshake's time")
    func slowHandshake() async throws {
        try await withListener({ $0.handshake = .milliseconds(400) }) { _, port, accepted in
            let slow = try RawSocket.connected(to: port)
            try await slow.send("GET /skerry HTTP/1.1\r\nHost: ")
            #expect(try await slow.receiveHead().hasPrefix("HTTP/1.1 408 "))
            slow.close()
            let (silent, probe) = try await connected(port, accepted)
            #expect(await probe.ending()?.code == .timedOut)
            #expect(try await silent.receiveToEnd().bytes == [0x88, 2, 3, 0xF0])
            silent.close()
        }
    }

    // MARK: Messages

    @Test("Messages travel both ways, pings are answered, and the close handshake ends it")
    func conversation() async throws {
        try await withListener { _, port, accepted in
            let (peer, probe) = try await connected(port, accepted)
            try await peer.send(WebSocketFramingTests.frame(1, Array("[1]".utf8)) + WebSocketFramingTests.frame(9, [7, 8]))
            #expect(try await peer.receive(4) == [0x8A, 2, 7, 8])
            probe.send([Array("[2]".utf8)])
            #expect(try await peer.receive(5) == [0x81, 3] + Array("[2]".utf8))
            #expect(probe.received == [Array("[1]".utf8)])
            try await peer.send(WebSocketFramingTests.frame(8, [3, 0xE8]))
            #expect(try await peer.receiveToEnd() == ([0x88, 2, 3, 0xE8], .finished))
            #expect(await probe.ending() == nil)
        }
    }

    @Test("A frame that comes with the request belongs to the link")
    func eagerClient() async throws {
        try await withListener { _, port, accepted in
            let peer = try RawSocket.connected(to: port)
            let frames = (0..<3).flatMap { WebSocketFramingTests.frame(1, Array("[\($0)]".utf8)) }
            try await peer.send(Array(Self.request().utf8) + frames)
            let probe = Probe.driving(await accepted.next())
            await probe.waitForPackets(3)
            #expect(probe.received == (0..<3).map { Array("[\($0)]".utf8) })
            peer.close()
        }
    }

    @Test("A link this side closes waits for the other's close frame, and hears its reason when it was first")
    func closing() async throws {
        try await withListener { _, port, accepted in
            let peer = try RawSocket.connected(to: port)
            try await peer.send(Self.request())
            _ = try await peer.receiveHead()
            let link = await accepted.next()
            let probe = Probe.driving(link)
            try await peer.send(WebSocketFramingTests.frame(1, [0x31]))
            await probe.waitForPackets(1)
            link.close()
            #expect(try await peer.receive(4) == [0x88, 2, 3, 0xE8])
            #expect(probe.endings.isEmpty)
            try await peer.send(WebSocketFramingTests.frame(1, [0x32]) + WebSocketFramingTests.frame(8, [3, 0xE8]))
            #expect(try await peer.receiveToEnd() == ([], .finished))
            #expect(await probe.ending() == nil)
            #expect(probe.receivedCount == 1)

            let (second, other) = try await connected(port, accepted)
            try await second.send(WebSocketFramingTests.frame(8, [3, 0xF3] + Array("disk full".utf8)))
            #expect(try await second.receiveToEnd() == ([0x88, 2, 3, 0xE8], .finished))
            let error = await other.ending()
            #expect(error?.code == .reset)
            #expect(error?.message.contains("disk full") == true)
        }
    }

    @Test("A peer that breaks the rules is told the code and cut off", arguments: WebSocketFramingTests.offences)
    func offences(_ offence: WebSocketFramingTests.Offence) async throws {
        try await withListener({ $0.packetMaximum = 1000 }) { _, port, accepted in
            let (peer, probe) = try await connected(port, accepted, subprotocol: offence.encoding == .text ? "skerry.v1.json" : "skerry.v1")
            try await peer.send(offence.bytes)
            #expect(try await peer.receive(4) == [0x88, 2, UInt8(offence.closeCode >> 8), UInt8(offence.closeCode & 0xFF)])
            peer.finishSending()
            #expect(try await peer.receiveToEnd().bytes == [])
            #expect(await probe.ending()?.code == (offence.closeCode == 1009 ? .packetTooLarge : .malformed))
            #expect(probe.received == [])
        }
    }

    @Test("A peer that goes without a close frame is gone, amid a message it is cut short")
    func goneWithoutGoodbye() async throws {
        try await withListener { _, port, accepted in
            let (peer, probe) = try await connected(port, accepted)
            peer.close()
            #expect(await probe.ending()?.code == .reset)
            let (second, other) = try await connected(port, accepted)
            try await second.send(Array(WebSocketFramingTests.frame(1, [1, 2, 3]).dropLast()))
            second.finishSending()
            #expect(await other.ending()?.code == .truncated)
        }
    }

    // MARK: The client

    @Test(
        "A client refuses replies that are no upgrade, and says why",
        arguments: [
            ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", .rejected), ("HTTP/1.1 404 Not Found\r\n\r\n", .rejected),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n", .refused), ("SSH-2.0-OpenSSH_9.2\r\n\r\n", .handshakeFailed),
            ("\r\n\r\n", .handshakeFailed),
            (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\nSec-WebSocket-Protocol: skerry.v1\r\n\r\n",
                .handshakeFailed
            ),
            (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n",
                .handshakeFailed
            ),
            (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
                .handshakeFailed
            ),
            (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Protocol: skerry.v1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
                .handshakeFailed
            ),
            (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Protocol: skerry.v1\r\n\r\n",
                .handshakeFailed
            ),
            ("HTTP/1.1 200 OK\r\n" + String(repeating: "X-Filler: 0123456789\r\n", count: 500) + "\r\n", .handshakeFailed),
            ("HTTP/1.1 101 Switch", .reset),
        ] as [(String, LinkError.Code)])
    func badServers(_ reply: String, _ code: LinkError.Code) async throws {
        let (socket, port) = try RawSocket.listening()
        let connector = try WebSocketConnector(to: LinkAddress(host: "127.0.0.1", port: port), security: .plain)
        let attempt = Task { try await connector.connect() }
        let server = try await socket.accept()
        let request = try await server.receiveHead()
        let parts = reply.split(separator: "ACCEPT", omittingEmptySubsequences: false)
        try await server.send(parts.joined(separator: WebSocketServerHandshake.accept(key: try Self.key(in: request))))
        server.finishSending()
        let error = await #expect(throws: LinkError.self) { try await attempt.value }
        #expect(error?.code == code)
    }

    @Test("A client's request is complete, its frames are masked, and a frame that comes with the reply belongs to the link")
    func goodServer() async throws {
        let (socket, port) = try RawSocket.listening()
        let connector = try WebSocketConnector(
            to: LinkAddress(host: "127.0.0.1", port: port), path: "/a/b?c=d", origin: "https://example.org", encoding: .text,
            security: .plain)
        let attempt = Task { try await connector.connect() }
        let server = try await socket.accept()
        let request = try await server.receiveHead()
        for line in [
            "GET /a/b?c=d HTTP/1.1", "Host: 127.0.0.1:\(port)", "Origin: https://example.org", "Sec-WebSocket-Protocol: skerry.v1.json",
            "Sec-WebSocket-Version: 13",
        ] {
            #expect("\r\n\(request)".contains("\r\n\(line)\r\n"))
        }
        let accept = WebSocketServerHandshake.accept(key: try Self.key(in: request))
        let reply =
            "HTTP/1.1 101 OK\r\nconnection:Upgrade\r\nUPGRADE: WebSocket\r\nSec-WebSocket-Accept: \(accept)\r\nSec-WebSocket-Protocol: skerry.v1.json\r\n\r\n"
        try await server.send(Array(reply.utf8) + [0x81, 3] + Array("[1]".utf8))
        let link = try await attempt.value
        let probe = Probe.driving(link)
        await probe.waitForPackets(1)
        #expect(probe.received == [Array("[1]".utf8)])
        probe.send([Array("[2]".utf8)])
        let frame = try await server.receive(9)
        #expect(frame[0] == 0x81 && frame[1] == 0x83)
        #expect(WebSocketFramingTests.frame(1, Array("[2]".utf8), mask: Array(frame[2..<6])) == frame)
        // The server closes first; until then the client waits.
        try await server.send([0x88, 2, 3, 0xE9])
        let close = try await server.receive(8)
        #expect(close[0] == 0x88)
        #expect(probe.endings.isEmpty)
        server.close()
        #expect(await probe.ending()?.code == .stopped)
    }

    @Test("Host, path and origin cannot break the request's lines", arguments: ["/a b", "/a\r\nX: y", "/\u{E9}"])
    func injection(_ path: String) async throws {
        let connector = try WebSocketConnector(to: LinkAddress(host: "127.0.0.1", port: 1), path: path, security: .plain)
        let error = await #expect(throws: LinkError.self) { try await connector.connect() }
        #expect(error?.code == .other)
    }

    private static func key(in request: String) throws -> String {
        let line = try #require(request.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") })
        return String(line.dropFirst("Sec-WebSocket-Key: ".count))
    }

    // MARK: Sharing a port

    @Test("Links and everything else share the port, and the server counts both")
    func sharedPort() async throws {
        let accepted = Accepted()
        let endpoint = WebSocketEndpoint(path: "/links", origins: .none) { accepted.add($0) }
        let server = HTTPServer(configuration: .init(host: "127.0.0.1", port: 0), service: endpoint.before(OtherService()), logger: .silent)
        let port = try await server.start().port
        let peer = try RawSocket.connected(to: port)
        // Two ordinary requests, then the upgrade, on one connection.
        for _ in 0..<2 {
            try await peer.send("GET /bucket/key HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await peer.receiveHead().hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(try await peer.receive(5) == Array("other".utf8))
        }
        try await peer.send(Self.request(path: "/links"))
        #expect(try await peer.receiveHead().hasPrefix("HTTP/1.1 101 "))
        let probe = Probe.driving(await accepted.next())
        try await peer.send(WebSocketFramingTests.frame(1, [0x31]))
        await probe.waitForPackets(1)
        #expect(server.statistics.openConnections == 1)
        #expect(server.statistics.activeRequests == 0)
        let another = try RawSocket.connected(to: port)
        try await another.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try await another.receiveHead().hasPrefix("HTTP/1.1 200 OK\r\n"))
        another.close()

        let stopping = Task { await server.shutdownGracefully() }
        #expect(try await peer.receive(4) == [0x88, 2, 3, 0xE9])
        try await peer.send(WebSocketFramingTests.frame(8, [3, 0xE9]))
        #expect(try await peer.receiveToEnd() == ([], .finished))
        #expect(await probe.ending() == nil)
        await stopping.value
        #expect(server.statistics.openConnections == 0)
    }

    @Test("A server that stops gives the sessions on its links the time that was asked for")
    func patience() async throws {
        let accepted = Accepted()
        let endpoint = WebSocketEndpoint(origins: .none, patience: .seconds(60)) { accepted.add($0) }
        let server = HTTPServer(configuration: .init(host: "127.0.0.1", port: 0), service: endpoint, logger: .silent)
        let port = try await server.start().port
        let link = try await WebSocketConnector(to: LinkAddress(host: "127.0.0.1", port: port), security: .plain).connect()
        let (one, two) = (Probe.driving(link), Probe.driving(await accepted.next()))
        let stopping = Task { await server.shutdownGracefully() }
        try await until("the port closes") { (try? RawSocket.connected(to: port)) == nil }
        one.send([[1]])
        await two.waitForPackets(1)
        #expect(two.endings.isEmpty)
        link.close()
        #expect(await two.ending() == nil)
        await stopping.value
    }
}
