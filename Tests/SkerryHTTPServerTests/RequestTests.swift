import HTTPTypes
import SkerryHTTP
import SkerryHTTPServer
import Testing

/// What reaches the service of what a client sent.
@Suite struct RequestTests {
    @Test func `A connection carries one request after the other`() async throws {
        try await withServer { request, _, _ in
            .text(request.path ?? "")
        } _: { port, _ in
            let client = try TestClient(port: port)
            for path in ["/a", "/b", "/c"] {
                let reply = try await client.request("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(reply.status == 200)
                #expect(reply.text == path)
                #expect(reply["Connection"] == nil)
            }
        }
    }

    @Test func `Pipelined requests are answered in order, none begun before the reply to the one before it`() async throws {
        let journal = Journal<String>()
        let first = Event()
        try await withServer { request, _, _ in
            journal.note("begin \(request.path!)")
            if request.path == "/1" { await first.wait() }
            journal.note("end \(request.path!)")
            return .text(request.path!)
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send((1...4).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
            try await until("the first request comes") { !journal.entries.isEmpty }
            first.happen()
            for number in 1...4 { #expect(try await client.receive().text == "/\(number)") }
        }
        #expect(journal.entries == (1...4).flatMap { ["begin /\($0)", "end /\($0)"] })
    }

    @Test func `A request cut into single bytes is the same request`() async throws {
        let text =
            "PUT /k%20ey?a=b HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n"
        try await withServer { request, body, _ in
            let bytes = try? await body.collect(upTo: 100)
            let values = request.headerFields[values: HTTPField.Name("X-A")!]
            return .text("\(request.method) \(request.path!) \(values) \(String(decoding: bytes ?? [], as: UTF8.self))")
        } _: { port, _ in
            let whole = try TestClient(port: port)
            let expected = try await whole.request(text).text
            #expect(expected == #"PUT /k%20ey?a=b ["1", "2"] abcde"#)
            let pieces = try TestClient(port: port)
            for byte in text.utf8 { try await pieces.send([byte]) }
            #expect(try await pieces.receive().text == expected)
        }
    }

    @Test(arguments: [
        "/a//b/../c/", "/a%2Fb%2f?x=%C3%A4&y", "*", "http://host:1/abs?q",
    ])
    func `The target arrives byte for byte`(target: String) async throws {
        try await withServer { request, _, _ in
            HTTPReply(HTTPResponse(status: .ok), .bytes(Array(request.path!.utf8)))
        } _: { port, _ in
            let method = target == "*" ? "OPTIONS" : "GET"
            let reply = try await TestClient(port: port).request("\(method) \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(reply.text == target)
        }
    }

    @Test(arguments: [Array("\u{e4}".utf8), [0xE4], [0x7F], [0x00]])
    func `A target beyond printable ASCII is refused, it has to be percent-encoded`(bytes: [UInt8]) async throws {
        try await withServer { _, _, _ in
            .text("served")
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send(Array("GET /a".utf8) + bytes + Array(" HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            #expect(try await client.receive().status == 400)
        }
    }

    @Test(arguments: [(Array("\u{65e5}\u{672c}".utf8), 200), ([0x61, 0xE4], 400), (Array("\u{FFFD}".utf8), 400)])
    func `A value arrives as it was sent or not at all`(bytes: [UInt8], status: Int) async throws {
        try await withServer { request, _, _ in
            HTTPReply(HTTPResponse(status: .ok), .bytes(Array(request.headerFields[HTTPField.Name("X")!]!.utf8)))
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send(Array("GET / HTTP/1.1\r\nHost: x\r\nX: ".utf8) + bytes + Array("\r\n\r\n".utf8))
            let reply = try await client.receive()
            #expect(reply.status == status)
            if status == 200 { #expect(reply.body == bytes) }
        }
    }

    @Test func `Fields keep order, spelling and repetition, and Host is a field as well as the authority`() async throws {
        try await withServer { request, _, _ in
            .text(request.headerFields.map { "\($0.name.rawName)=\($0.value)" }.joined(separator: ";") + "|" + (request.authority ?? ""))
        } _: { port, _ in
            let reply = try await TestClient(port: port).request(
                "GET / HTTP/1.1\r\nhOst: bucket.example:9000\r\nx-Amz-Meta-a: 1\r\nAccept: */*\r\nX-amz-meta-A:  2\t\r\n\r\n")
            #expect(reply.text == "hOst=bucket.example:9000;x-Amz-Meta-a=1;Accept=*/*;X-amz-meta-A=2|bucket.example:9000")
        }
    }

    @Test func `Every request has an identifier of its own and knows its peer`() async throws {
        let journal = Journal<String>()
        try await withServer { _, _, context in
            journal.note(context.requestID)
            return .text(context.peer)
        } _: { port, _ in
            for _ in 0..<2 {
                let client = try TestClient(port: port)
                for _ in 0..<3 {
                    let reply = try await client.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(reply.text.hasPrefix("127.0.0.1:"))
                }
            }
        }
        #expect(Set(journal.entries).count == 6)
        #expect(journal.entries.allSatisfy { $0.count == 16 && $0.allSatisfy { $0.isHexDigit && !$0.isLowercase } })
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("NOTHTTP\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n", 417),
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    ])
    func `A broken head is answered by the server and ends the connection`(text: String, status: Int) async throws {
        let served = Event()
        try await withServer { _, _, _ in
            served.happen()
            return .text("served")
        } _: { port, _ in
            let client = try TestClient(port: port)
            let reply = try await client.request(text)
            #expect(reply.status == status)
            #expect(reply["Connection"] == "close")
            client.finishSending()
            #expect(try await client.receiveToEnd().ending == .finished)
        }
        #expect(!served.happened)
    }

    @Test func `A broken head behind a good request waits for its reply`() async throws {
        try await withServer { _, _, _ in
            .text("good")
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nNOTHTTP\r\n\r\n")
            #expect(try await client.receive().text == "good")
            #expect(try await client.receive().status == 400)
        }
    }

    @Test func `A head larger than the limit is refused with 431`() async throws {
        try await withServer(configure: { $0.limits.headSize = 4096 }) { _, _, _ in
            .text("served")
        } _: { port, _ in
            for text in [
                "GET /\(String(repeating: "a", count: 5000)) HTTP/1.1\r\nHost: x\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 5000))\r\n\r\n",
                "GET / HTTP/1.1\r\n" + (0..<60).map { "A\($0): \(String(repeating: "a", count: 90))\r\n" }.joined() + "\r\n",
            ] {
                let reply = try await TestClient(port: port).request(text)
                #expect(reply.status == 431)
                #expect(reply["Connection"] == "close")
            }
            #expect(
                try await TestClient(port: port).request("GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 3000))\r\n\r\n")
                    .status == 200)
        }
    }

    @Test func `More fields than the limit are refused with 431`() async throws {
        try await withServer(configure: { $0.limits.headerCount = 10 }) { _, _, _ in
            .text("served")
        } _: { port, _ in
            for (count, status) in [(10, 200), (11, 431)] {
                let head = "GET / HTTP/1.1\r\n" + (0..<count).map { "A\($0): b\r\n" }.joined() + "\r\n"
                let reply = try await TestClient(port: port).request(head)
                #expect(reply.status == status)
            }
        }
    }

    @Test func `A request for an upgrade is served as it is and ends the connection`() async throws {
        try await withServer { _, body, _ in
            .text("\((try? await body.collect(upTo: 10))!.count)")
        } _: { port, _ in
            let client = try TestClient(port: port)
            let reply = try await client.request(
                "PUT / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 3\r\n\r\nabc"
            )
            #expect(reply.text == "3")
            #expect(reply["Connection"] == "close")
            #expect(try await client.receiveToEnd().ending == .finished)
        }
    }
}
