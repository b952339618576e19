import HTTPTypes
import SkerryHTTP
import SkerryHTTPServer
import Testing

/// Bodies of requests: what the service gets, when the socket is read, and what becomes of what nobody reads.
@Suite struct BodyTests {
    @Test(arguments: [1, 4096, 65_536, 65_537, 3_000_000])
    func `A body arrives whole and in bounded pieces`(count: Int) async throws {
        let bytes = pattern(count)
        let sizes = Journal<Int>()
        let received = Journal<[UInt8]>()
        try await withServer { _, body, _ in
            var all: [UInt8] = []
            while let piece = try! await body.next() {
                sizes.note(piece.count)
                all += piece
            }
            received.note(all)
            return .text("\(body.length!)")
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \(count)\r\n\r\n")
            try await client.send(bytes)
            #expect(try await client.receive().text == "\(count)")
            #expect(try await client.request("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nz").text == "1")
        }
        #expect(received.entries == [bytes, [0x7A]])
        #expect(sizes.entries.allSatisfy { $0 > 0 && $0 <= HTTPBodyLimits.pieceSizeMaximum })
    }

    @Test func `A body can be read from another executor than the connection's`() async throws {
        actor Reader {
            func sum(_ body: any HTTPRequestBody) async -> Int {
                var sum = 0
                while let piece = try? await body.next() { sum += piece.reduce(0) { $0 + Int($1) } }
                return sum
            }
        }
        let bytes = pattern(500_000)
        try await withServer { _, body, _ in
            .text("\(await Task.detached { await Reader().sum(body) }.value)")
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \(bytes.count)\r\n\r\n")
            try await client.send(bytes)
            #expect(try await client.receive().text == "\(bytes.reduce(0) { $0 + Int($1) })")
        }
    }

    @Test func `A chunked body has no length and ends with its last chunk`() async throws {
        try await withServer { _, body, _ in
            let bytes = (try? await body.collect(upTo: 100)) ?? []
            return .text("\(body.length.map(String.init) ?? "unknown") \(String(decoding: bytes, as: UTF8.self))")
        } _: { port, _ in
            let client = try TestClient(port: port)
            let reply = try await client.request(
                "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n")
            #expect(reply.text == "unknown hello")
            #expect(try await client.request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").text == "0 ")
        }
    }

    @Test func `Broken chunks are an error of the body, and the reply ends the connection`() async throws {
        try await withServer { _, body, _ in
            do throws(HTTPBodyError) {
                while try await body.next() != nil {}
                return .text("whole")
            } catch {
                return .text("\(error)", status: .badRequest)
            }
        } _: { port, _ in
            let client = try TestClient(port: port)
            let reply = try await client.request("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")
            #expect(reply.status == 400)
            #expect(reply.text == "malformed")
            #expect(reply["Connection"] == "close")
        }
    }

    @Test func `A client that leaves amid its body is seen by the reader, and the task is cancelled`() async throws {
        let began = Event()
        let outcome = Journal<String>()
        let ended = Event()
        try await withServer { _, body, _ in
            do throws(HTTPBodyError) {
                while try await body.next() != nil { began.happen() }
            } catch {
                outcome.note("\(error) \(Task.isCancelled)")
            }
            ended.happen()
            return .text("late")
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
            await began.wait()
            client.close()
            await ended.wait()
        }
        #expect(outcome.entries == ["truncated true"])
    }

    @Test func `A client that leaves while the service works cancels its task`() async throws {
        let began = Event()
        let cancelled = Event()
        try await withServer { _, _, _ in
            await withTaskCancellationHandler {
                began.happen()
                await cancelled.wait()
            } onCancel: {
                cancelled.happen()
            }
            return .text("late")
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await began.wait()
            client.close()
            await cancelled.wait()
        }
    }

    @Test func `A client that leaves behind a body nobody reads cancels the task`() async throws {
        let began = Event()
        let cancelled = Event()
        try await withServer { _, _, _ in
            await withTaskCancellationHandler {
                began.happen()
                await cancelled.wait()
            } onCancel: {
                cancelled.happen()
            }
            return .text("late")
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 64000000\r\n\r\n")
            await began.wait()
            // More than is read ahead, and little enough for the window: the end of the stream cannot overtake what the window does not let through.
            try await client.send([UInt8](repeating: 0, count: 40_000))
            client.close()
            await cancelled.wait()
        }
    }

    // MARK: 100 Continue

    @Test func `The first look at the body sends 100 Continue`() async throws {
        let looked = Event()
        try await withServer { _, body, _ in
            await looked.wait()
            return .text("\((try? await body.collect(upTo: 10))!.count)")
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            looked.happen()
            #expect(try await client.receive().status == 100)
            try await client.send("abc")
            let reply = try await client.receive()
            #expect(reply.text == "3")
            #expect(reply["Connection"] == nil)
        }
    }

    @Test func `A reply in place of 100 Continue ends the connection`() async throws {
        try await withServer { _, _, _ in
            .text("no", status: .forbidden)
        } _: { port, _ in
            let client = try TestClient(port: port)
            let reply = try await client.request("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            #expect(reply.status == 403)
            #expect(reply.text == "no")
            #expect(reply["Connection"] == "close")
            #expect(try await client.receiveToEnd() == ([], .finished))
        }
    }

    @Test func `A client that did not wait for 100 Continue does not get it`() async throws {
        let sent = Event()
        try await withServer { _, body, _ in
            await sent.wait()
            return .text("\((try? await body.collect(upTo: 10))!.count)")
        } _: { port, server in
            let client = try TestClient(port: port)
            let text = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"
            try await client.send(text)
            try await until("the server read everything") { server.statistics.bytesIn == UInt64(text.utf8.count) }
            sent.happen()
            #expect(try await client.receive().text == "3")
        }
    }

    // MARK: Bodies nobody reads

    @Test func `A short body that nobody reads is thrown away and the connection kept`() async throws {
        try await withServer { request, _, _ in
            .text(request.path!)
        } _: { port, _ in
            let client = try TestClient(port: port)
            for (path, framing, body) in [
                ("/1", "Content-Length: 5", "hello"), ("/2", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
            ] {
                try await client.send("PUT \(path) HTTP/1.1\r\nHost: x\r\n\(framing)\r\n\r\n")
                let reply = try await client.receive()
                #expect(reply.text == path)
                #expect(reply["Connection"] == nil)
                try await client.send(body)
            }
            #expect(try await client.request("GET /3 HTTP/1.1\r\nHost: x\r\n\r\n").text == "/3")
        }
    }

    @Test func `A client amid a large body that is refused gets the whole reply`() async throws {
        let text = String(repeating: "refused ", count: 20_000)
        try await withServer { _, _, _ in
            .text(text, status: .forbidden)
        } _: { port, _ in
            let client = try TestClient(port: port)
            let body = [UInt8](repeating: 0, count: 40_000_000)
            try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n")
            // The client does as many do: it sends everything before it looks for an answer.
            try await client.send(body)
            let reply = try await client.receive()
            #expect(reply.status == 403)
            #expect(reply.text == text)
            #expect(reply["Connection"] == "close")
            #expect(try await client.receiveToEnd() == ([], .finished))
        }
    }

    @Test func `A refused chunked body is thrown away up to the limit only`() async throws {
        try await withServer(configure: { $0.limits.drainedBody = 1000 }) { _, _, _ in
            .text("no", status: .forbidden)
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            #expect(try await client.receive().status == 403)
            try await client.send("800\r\n" + String(repeating: "a", count: 0x800) + "\r\n")
            #expect(try await client.receiveToEnd() == ([], .finished))
        }
    }

    @Test func `A body nobody asks for stays in the socket`() async throws {
        let release = Event()
        try await withServer { _, _, _ in
            await release.wait()
            return .text("done")
        } _: { port, server in
            let client = try TestClient(port: port)
            let total = 64_000_000
            try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \(total)\r\n\r\n")
            let sent = await client.sendUntilFull(limit: total)
            #expect(sent < total)
            #expect(server.statistics.bytesIn <= 64 * 1024)
            release.happen()
        }
    }

    @Test func `A reader sees only what it asked for`() async throws {
        let asked = Event()
        let answered = Event()
        let release = Event()
        try await withServer { _, body, _ in
            _ = try? await body.next()
            await asked.wait()
            _ = try? await body.next()
            answered.happen()
            await release.wait()
            return .text("done")
        } _: { port, server in
            let client = try TestClient(port: port)
            let total = 64_000_000
            let head = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \(total)\r\n\r\n"
            try await client.send(head)
            #expect(await client.sendUntilFull(limit: total) < total)
            asked.happen()
            await answered.wait()
            _ = await client.sendUntilFull(limit: total)
            // Two pieces taken and one read ahead, behind the head.
            #expect(server.statistics.bytesIn <= 3 * 64 * 1024 + head.utf8.count)
            release.happen()
        }
    }

    // MARK: Time

    @Test func `A client that falls silent amid its body times out for the reader`() async throws {
        try await withServer(configure: { $0.timeouts.body = .milliseconds(30) }) { _, body, _ in
            do throws(HTTPBodyError) {
                while try await body.next() != nil {}
                return .text("whole")
            } catch {
                return .text("\(error)", status: .requestTimeout)
            }
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            let reply = try await client.receive()
            #expect(reply.text == "timedOut")
            #expect(reply["Connection"] == "close")
        }
    }

    @Test func `A body slower than the least rate times out for the reader`() async throws {
        try await withServer(configure: {
            $0.limits.bodyRate = 1_000_000
            $0.timeouts.bodyRateGrace = .milliseconds(30)
        }) { _, body, _ in
            do throws(HTTPBodyError) {
                while try await body.next() != nil {}
                return .text("whole")
            } catch {
                return .text("\(error)", status: .requestTimeout)
            }
        } _: { port, _ in
            let client = try TestClient(port: port)
            try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            #expect(try await client.receive().text == "timedOut")
        }
    }
}
