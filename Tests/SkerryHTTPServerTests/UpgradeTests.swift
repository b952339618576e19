import HTTPTypes
import Logging
import NIOCore
import SkerryHTTP
import SkerryHTTPServer
import Synchronization
import Testing

/// Connections that leave HTTP.
@Suite struct UpgradeTests {
    /// Sends back whatever comes.
    private final class EchoUpgrade: ChannelUpgrade {
        private final class Handler: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }
        }

        private let channel = Mutex<(any Channel)?>(nil)
        let stops: Event?
        let fails: Bool

        init(stops: Event? = nil, fails: Bool = false) {
            self.stops = stops
            self.fails = fails
        }

        func takeOver(_ channel: any Channel) throws {
            if fails { throw ChannelError.operationUnsupported }
            try channel.pipeline.syncOperations.addHandler(Handler())
            try channel.syncOptions?.setOption(.autoRead, value: true)
            self.channel.withLock { $0 = channel }
        }

        func shutdownBegan() {
            guard let stops else { return channel.withLock { $0 }?.close(promise: nil) ?? () }
            stops.happen()
        }
    }

    private final class ForeignUpgrade: HTTPUpgrade {}

    private static func reply(_ upgrade: any HTTPUpgrade, status: HTTPResponse.Status = .switchingProtocols) -> HTTPReply {
        var head = HTTPResponse(status: status)
        head.headerFields[.upgrade] = "echo"
        var reply = HTTPReply(head)
        reply.upgrade = upgrade
        return reply
    }

    private static let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

    private func upgraded(_ port: Int, behind: String = "") async throws -> TestClient {
        let client = try TestClient(port: port)
        let reply = try await client.request(Self.request + behind)
        #expect(reply.status == 101)
        #expect(reply["Connection"] == "Upgrade")
        #expect(reply["Upgrade"] == "echo")
        #expect(reply["Content-Length"] == nil)
        return client
    }

    @Test func `A connection is handed over, with what the client sent behind its request`() async throws {
        try await withServer { _, _, _ in
            Self.reply(EchoUpgrade())
        } _: { port, server in
            let client = try await upgraded(port, behind: "early ")
            try await client.send("late")
            client.finishSending()
            #expect(try await client.receiveToEnd() == (Array("early late".utf8), .finished))
            try await until("no connection is left") { server.statistics.openConnections == 0 }
            #expect(server.statistics.activeRequests == 0)
        }
    }

    @Test func `Requests before the upgrade are served, and the connection counts against the limit after it`() async throws {
        try await withServer(configure: { $0.limits.connections = 1 }) { request, _, _ in
            request.headerFields[.upgrade] == nil ? .text("served") : Self.reply(EchoUpgrade())
        } _: { port, server in
            let client = try TestClient(port: port)
            #expect(try await client.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").text == "served")
            #expect(try await client.request(Self.request).status == 101)
            #expect(server.statistics.openConnections == 1)
            #expect(try await TestClient(port: port).request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 503)
            client.close()
            try await until("no connection is left") { server.statistics.openConnections == 0 }
            #expect(try await TestClient(port: port).request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0), (request, 1), (request, 2),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 5\r\n\r\n", 0), (request, 3),
    ])
    func `An upgrade nobody asked for, with a body to come, without 101, or of a foreign kind ends the connection`(
        _ request: String, _ kind: Int
    ) async throws {
        try await withServer { _, _, _ in
            switch kind {
            case 1: Self.reply(EchoUpgrade(), status: .ok)
            case 2: Self.reply(ForeignUpgrade())
            case 3: Self.reply(EchoUpgrade(fails: true))
            default: Self.reply(EchoUpgrade())
            }
        } _: { port, server in
            let client = try TestClient(port: port)
            try await client.send(request)
            let (bytes, _) = try await client.receiveToEnd()
            #expect(kind == 3 || bytes == [])
            try await until("no connection is left") { server.statistics.openConnections == 0 }
        }
    }

    @Test func `A stopping server tells upgrades, waits for them, and cuts what stays`() async throws {
        let told = Event()
        let stops = Mutex<Event?>(nil)
        try await withServer(configure: { $0.timeouts.shutdown = .milliseconds(100) }) { _, _, _ in
            Self.reply(EchoUpgrade(stops: stops.withLock { $0 }))
        } _: { port, server in
            let polite = try await upgraded(port)
            stops.withLock { $0 = told }
            let stubborn = try await upgraded(port)
            async let stopped: Void = server.shutdownGracefully()
            #expect(try await polite.receiveToEnd() == ([], .finished))
            await told.wait()
            _ = try await stubborn.receiveToEnd()
            await stopped
        }
    }
}
