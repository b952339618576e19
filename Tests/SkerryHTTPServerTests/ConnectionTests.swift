import Glibc
import HTTPTypes
import Logging
import SkerryHTTP
import SkerryHTTPServer
import Testing

/// Life of connections and of the server.
@Suite struct ConnectionTests {
    @Test func `A head that dribbles in is answered with 408`() async throws {
        try await withServer(configure: { $0.timeouts.head = .milliseconds(40) }) { _, _, _ in
            .text("served")
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: ")
            #expect(try await client.receive().status == 408)
        }
    }

    @Test func `A second head that dribbles in is answered with 408 though the connection may idle long`() async throws {
        try await withServer(configure: { $0.timeouts.head = .milliseconds(200) }) { _, _, _ in
            .text("served")
        } _: { port, _ in
            let client = try TestClient(port: port)
            #expect(try await client.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").text == "served")
            try await client.send("GET / HT")
            #expect(try await client.receive().status == 408)
        }
    }

    @Test func `An idle connection is closed without a word`() async throws {
        try await withServer(configure: { $0.timeouts.idle = .milliseconds(40) }) { _, _, _ in
            .text("served")
        } _: { port, _ in
            let client = try TestClient(port: port)
            #expect(try await client.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").text == "served")
            #expect(try await client.receiveToEnd() == ([], .finished))
        }
    }

    @Test func `One connection too many is answered with 503`() async throws {
        try await withServer(configure: { $0.limits.connections = 2 }) { _, _, _ in
            .text("served")
        } _: { port, server in
            let first = try TestClient(port: port)
            let second = try TestClient(port: port)
            for client in [first, second] { #expect(try await client.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200) }
            let third = try TestClient(port: port)
            let reply = try await third.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(reply.status == 503)
            #expect(reply["Connection"] == "close")
            #expect(server.statistics.refusedConnections == 1)
            third.close()
            second.close()
            try await until("one connection is left") { server.statistics.openConnections == 1 }
            #expect(try await TestClient(port: port).request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
        }
    }

    @Test func `A thousand connections are served and counted`() async throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = min(limit.rlim_max, 8192)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        try await withServer { request, _, _ in
            .text(request.path!)
        } _: { port, server in
            let clients = try (0..<1000).map { _ in try TestClient(port: port) }
            for (number, client) in clients.enumerated() { try await client.send("GET /\(number) HTTP/1.1\r\nHost: x\r\n\r\n") }
            for (number, client) in clients.enumerated() { #expect(try await client.receive().text == "/\(number)") }
            #expect(server.statistics.openConnections == 1000)
            #expect(server.statistics.requests == 1000)
            for client in clients { client.close() }
            try await until("nothing is left") { server.statistics.openConnections == 0 && server.statistics.activeRequests == 0 }
        }
    }

    // MARK: Shutdown

    @Test func `A graceful shutdown finishes requests under way and closes idle connections`() async throws {
        let began = Event()
        let release = Event()
        try await withServer { request, _, _ in
            if request.path == "/slow" {
                began.happen()
                await release.wait()
            }
            return .text("whole")
        } _: { port, server in
            let idle = try TestClient(port: port)
            #expect(try await idle.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
            let busy = try TestClient(port: port)
            try await busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            await began.wait()
            async let stopped: Void = server.shutdownGracefully()
            #expect(try await idle.receiveToEnd() == ([], .finished))
            #expect(throws: TestClient.Failure.self) { try TestClient(port: port) }
            release.happen()
            let reply = try await busy.receive()
            #expect(reply.text == "whole")
            #expect(reply["Connection"] == "close")
            #expect(try await busy.receiveToEnd() == ([], .finished))
            await stopped
        }
    }

    @Test func `A request that outlasts the shutdown is cut and cancelled`() async throws {
        let began = Event()
        let cancelled = Event()
        try await withServer(configure: { $0.timeouts.shutdown = .milliseconds(30) }) { _, _, _ in
            began.happen()
            await withTaskCancellationHandler {
                await cancelled.wait()
            } onCancel: {
                cancelled.happen()
            }
            return .text("late")
        } _: { port, server in
            let client = try TestClient(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await began.wait()
            await server.shutdownGracefully()
            #expect(cancelled.happened)
            #expect(try await client.receiveToEnd().bytes == [])
        }
    }

    @Test func `run returns after a shutdown, and cancelling it is one`() async throws {
        for cancels in [false, true] {
            let server = HTTPServer(
                configuration: .init(host: "127.0.0.1", port: 0), service: TestService { _, _, _ in .text("") },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let port = try await server.start().port
            let running = Task { try await server.run() }
            #expect(try await TestClient(port: port).request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
            if cancels { running.cancel() } else { await server.shutdownGracefully() }
            try await running.value
            #expect(throws: TestClient.Failure.self) { try TestClient(port: port) }
        }
    }

    // MARK: Start

    private static func start(_ host: String, _ port: Int) async throws {
        let server = HTTPServer(
            configuration: .init(host: host, port: port), service: TestService { _, _, _ in .text("") },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await server.start()
        await server.shutdownGracefully()
    }

    @Test func `Addresses that cannot be bound are named`() async throws {
        try await withServer { _, _, _ in
            .text("")
        } _: { port, _ in
            let used = await #expect(throws: HTTPServerError.self) { try await Self.start("127.0.0.1", port) }
            #expect(used?.code == .addressInUse)
            #expect(used?.errnoCode == EADDRINUSE)
        }
        let foreign = await #expect(throws: HTTPServerError.self) { try await Self.start("192.0.2.1", 0) }
        #expect(foreign?.code == .addressNotAvailable)
        let unknown = await #expect(throws: HTTPServerError.self) { try await Self.start("no.such.host.invalid", 0) }
        #expect(unknown?.code == .unknownHost)
    }

    @Test func `A server starts once`() async throws {
        try await withServer { _, _, _ in
            .text("")
        } _: { _, server in
            let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
            #expect(error?.code == .alreadyStarted)
        }
    }
}
