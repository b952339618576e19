import HTTPTypes
import SkerryHTTP
import SkerryHTTPServer
import Testing

/// Replies as they stand on the wire.
@Suite struct ReplyTests {
    private static func stream(_ pieces: [[UInt8]], length: UInt64? = nil, failing: Bool = false) -> HTTPReply.Body {
        struct Broken: Error {}
        let body = PiecesBody(pieces)
        return .stream(length: length) {
            if let piece = try await body.next() { return .bytes(Array(piece)) }
            if failing { throw Broken() }
            return nil
        }
    }

    @Test func `Bytes go out with their length and a date`() async throws {
        let bytes = pattern(300_000)
        try await withServer { request, _, _ in
            HTTPReply(HTTPResponse(status: .ok), .bytes(request.path == "/small" ? [1, 2, 3] : bytes))
        } _: { port, _ in
            let client = try TestClient(port: port)
            let small = try await client.request("GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(small.body == [1, 2, 3])
            #expect(small["Date"]?.hasSuffix(" GMT") == true)
            #expect(small.values("Content-Length") == ["3"])
            #expect(try await client.request("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").body == bytes)
        }
    }

    @Test func `The server frames the reply, whatever lengths and encodings the service names`() async throws {
        try await withServer { _, _, _ in
            var head = HTTPResponse(status: .ok)
            head.headerFields[.contentLength] = "17"
            head.headerFields[.transferEncoding] = "chunked"
            head.headerFields[.connection] = "keep-alive"
            head.headerFields[.date] = "Sun, 06 Nov 1994 08:49:37 GMT"
            return HTTPReply(head, .bytes([65]))
        } _: { port, _ in
            let reply = try await TestClient(port: port).request("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(reply.body == [65])
            #expect(reply.values("Content-Length") == ["1"])
            #expect(reply.values("Transfer-Encoding") == [])
            #expect(reply.values("Connection") == [])
            #expect(reply.values("Date") == ["Sun, 06 Nov 1994 08:49:37 GMT"])
        }
    }

    @Test func `No value can split the head`() async throws {
        try await withServer { _, _, _ in
            var head = HTTPResponse(status: .init(code: 200, reasonPhrase: "OK\r\nInjected: 1"))
            head.headerFields.append(HTTPField(name: .contentType, value: "a\r\nInjected: 2\r\n\r\nbody"))
            head.headerFields.append(HTTPField(name: .server, lenientValue: Array("a\nInjected: 3".utf8)))
            return HTTPReply(head)
        } _: { port, _ in
            let client = try TestClient(port: port)
            let reply = try await client.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(reply.values("Injected") == [])
            #expect(reply.body == [])
            #expect(try await client.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
        }
    }

    @Test func `HEAD is answered with the length of GET and no body`() async throws {
        let file = try TestFile(pattern(100_000))
        try await withServer { request, _, _ in
            var head = HTTPResponse(status: .ok)
            switch request.path! {
            case "/bytes": return HTTPReply(head, .bytes([1, 2, 3]))
            case "/file": return HTTPReply(head, .file([file.region(0, 100_000)]))
            case "/stream": return HTTPReply(head, Self.stream([[1]]))
            case "/given":
                head.headerFields[.contentLength] = "5000000000"
                return HTTPReply(head)
            default: return HTTPReply(head)
            }
        } _: { port, _ in
            let client = try TestClient(port: port)
            for (path, length) in [("/bytes", "3"), ("/file", "100000"), ("/stream", nil), ("/given", "5000000000"), ("/none", nil)] {
                let reply = try await client.request("HEAD \(path) HTTP/1.1\r\nHost: x\r\n\r\n", isHead: true)
                #expect(reply.values("Content-Length") == (length.map { [$0] } ?? []))
                #expect(reply["Transfer-Encoding"] == nil)
            }
            #expect(try await client.request("GET /bytes HTTP/1.1\r\nHost: x\r\n\r\n").body == [1, 2, 3])
        }
    }

    @Test func `304 keeps the length it was given, 204 has none, and neither has a body`() async throws {
        try await withServer { request, _, _ in
            var head = HTTPResponse(status: request.path == "/304" ? .notModified : .noContent)
            head.headerFields[.contentLength] = "7"
            return HTTPReply(head, .bytes([1, 2, 3]))
        } _: { port, _ in
            let client = try TestClient(port: port)
            #expect(try await client.request("GET /304 HTTP/1.1\r\nHost: x\r\n\r\n")["Content-Length"] == "7")
            #expect(try await client.request("GET /204 HTTP/1.1\r\nHost: x\r\n\r\n")["Content-Length"] == nil)
            #expect(try await client.request("GET /304 HTTP/1.1\r\nHost: x\r\n\r\n").status == 304)
        }
    }

    // MARK: Persistence

    @Test func `HTTP/1.0 closes unless it asks to stay, and its streams end with the connection`() async throws {
        try await withServer { request, _, _ in
            HTTPReply(HTTPResponse(status: .ok), request.path == "/stream" ? Self.stream([[1, 2], [3]]) : .bytes([9]))
        } _: { port, _ in
            let closing = try TestClient(port: port)
            let reply = try await closing.request("GET / HTTP/1.0\r\n\r\n")
            #expect(reply["Connection"] == "close")
            #expect(try await closing.receiveToEnd() == ([], .finished))

            let kept = try TestClient(port: port)
            for _ in 0..<2 {
                let reply = try await kept.request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(reply["Connection"] == "keep-alive")
            }
            let stream = try await kept.request("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(stream.body == [1, 2, 3])
            #expect(stream["Transfer-Encoding"] == nil)
        }
    }

    @Test func `Either side can end the connection with a reply`() async throws {
        try await withServer { request, _, _ in
            var head = HTTPResponse(status: .ok)
            if request.path == "/close" { head.headerFields[.connection] = "close" }
            return HTTPReply(head, .bytes([UInt8](repeating: 1, count: 1_000_000)))
        } _: { port, _ in
            for text in ["GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /close HTTP/1.1\r\nHost: x\r\n\r\n"] {
                let client = try TestClient(port: port)
                let reply = try await client.request(text)
                #expect(reply.values("Connection") == ["close"])
                #expect(reply.body.count == 1_000_000)
                #expect(try await client.receiveToEnd() == ([], .finished))
            }
        }
    }

    // MARK: Files

    @Test(arguments: [0, 1, 4096, 16_384, 16_385, 5_000_000])
    func `A file region arrives byte for byte and its owner is let go`(count: Int) async throws {
        let bytes = pattern(count + 200)
        let closed = Event()
        let results = Journal<CInt>()
        try await withServer { _, _, _ in
            let file = try! TestFile(bytes, closed: closed, closeResult: results)
            return HTTPReply(HTTPResponse(status: .ok), .file([file.region(100, count)]))
        } _: { port, _ in
            let client = try TestClient(port: port)
            #expect(try await client.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").body == Array(bytes[100..<(100 + count)]))
            await closed.wait()
        }
        // Had the server closed the descriptor, this second close would fail.
        #expect(results.entries == [0])
    }

    @Test func `Regions of several files follow each other`() async throws {
        let bytes = [pattern(700_000, seed: 2), pattern(50, seed: 3), pattern(300_000, seed: 4)]
        let files = try bytes.map { try TestFile($0) }
        try await withServer { _, _, _ in
            HTTPReply(
                HTTPResponse(status: .ok),
                .file([
                    files[0].region(1, 600_000), files[1].region(0, 50), files[2].region(7, 0), files[2].region(0, 300_000),
                    files[0].region(0, 1),
                ]))
        } _: { port, _ in
            let reply = try await TestClient(port: port).request("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(reply.body == Array(bytes[0][1..<600_001]) + bytes[1] + bytes[2] + [bytes[0][0]])
        }
    }

    @Test func `A file is let go when its reader leaves`() async throws {
        let closed = Event()
        let results = Journal<CInt>()
        try await withServer { _, _, _ in
            let file = try! TestFile(pattern(1_000_000), closed: closed, closeResult: results)
            return HTTPReply(HTTPResponse(status: .ok), .file((0..<100).map { _ in file.region(0, 1_000_000) }))
        } _: { port, server in
            let client = try TestClient(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try await until("the reply begins") { server.statistics.bytesOut > 0 }
            client.close()
            await closed.wait()
        }
        #expect(results.entries == [0])
    }

    @Test func `A small region beyond the end of its file breaks the connection`() async throws {
        let file = try TestFile(pattern(100))
        try await withServer { _, _, _ in
            HTTPReply(HTTPResponse(status: .ok), .file([file.region(50, 100)]))
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.receiveToEnd().ending == .reset)
        }
    }

    // MARK: Streams

    @Test func `A stream of known length has that length, one of unknown length is chunked`() async throws {
        let file = try TestFile(pattern(400_000))
        try await withServer { request, _, _ in
            let length: UInt64? = request.path == "/known" ? 400_005 : nil
            let step = Journal<Int>()
            return HTTPReply(
                HTTPResponse(status: .ok),
                .stream(length: length) {
                    step.note(1)
                    return switch step.entries.count {
                    case 1: .bytes([1, 2, 3])
                    case 2: .bytes([])
                    case 3: .file([file.region(0, 100_000), file.region(100_000, 300_000)])
                    case 4: .bytes([4, 5])
                    default: nil
                    }
                })
        } _: { port, _ in
            let client = try TestClient(port: port)
            let expected = [1, 2, 3] + pattern(400_000) + [4, 5]
            let known = try await client.request("GET /known HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(known["Content-Length"] == "400005")
            #expect(known.body == expected)
            let chunked = try await client.request("GET /chunked HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(chunked["Transfer-Encoding"] == "chunked")
            #expect(chunked.body == expected)
            #expect(try await client.request("GET /known HTTP/1.1\r\nHost: x\r\n\r\n").body == expected)
        }
    }

    @Test(arguments: ["/failing", "/short", "/long", "/failing-known", "/failing-1.0"])
    func `A stream that fails or misses its length breaks the connection`(path: String) async throws {
        try await withServer { request, _, _ in
            let piece = [UInt8](repeating: 65, count: 1000)
            let body =
                switch request.path! {
                case "/failing", "/failing-1.0": Self.stream([piece], failing: true)
                case "/failing-known": Self.stream([piece], length: 1000, failing: true)
                case "/short": Self.stream([piece], length: 1001)
                default: Self.stream([piece, piece], length: 1500)
                }
            return HTTPReply(HTTPResponse(status: .ok), body)
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("GET \(path) HTTP/\(path == "/failing-1.0" ? "1.0" : "1.1")\r\nHost: x\r\n\r\n")
            let (bytes, ending) = try await client.receiveToEnd()
            #expect(ending == .reset)
            #expect(!String(decoding: bytes, as: UTF8.self).hasSuffix("0\r\n\r\n"))
        }
    }

    @Test func `A stream is pulled no faster than its reader takes it`() async throws {
        let pulled = Journal<Int>()
        let left = Event()
        try await withServer { _, _, _ in
            HTTPReply(
                HTTPResponse(status: .ok),
                .stream(length: nil) {
                    if Task.isCancelled { left.happen() }
                    pulled.note(65_536)
                    return .bytes([UInt8](repeating: 1, count: 65_536))
                })
        } _: { port, server in
            let client = try TestClient(port: port, receiveBuffer: 65_536)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            // The figure stands still once the socket is full; a server without back-pressure never lets this loop end.
            var last: UInt64 = 0
            while true {
                try await Task.sleep(for: .milliseconds(300))
                let now = server.statistics.bytesOut
                if now == last { break }
                last = now
            }
            #expect(last < 20_000_000)
            client.close()
        }
    }

    @Test func `A client that does not take its reply is cut`() async throws {
        try await withServer(configure: { $0.timeouts.reply = .milliseconds(50) }) { _, _, _ in
            HTTPReply(HTTPResponse(status: .ok), .bytes([UInt8](repeating: 1, count: 50_000_000)))
        } _: { port, server in
            let client = try TestClient(port: port, receiveBuffer: 65_536)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try await until("the server gave the connection up") {
                server.statistics.requests == 1 && server.statistics.openConnections == 0
            }
            #expect(try await client.receiveToEnd().bytes.count < 50_000_000)
        }
    }
}
