import HTTPTypes
import Logging
import SkerryHTTP
import Testing

@testable import SkerryHTTPServer

@Suite struct PartsTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ])
    func `Dates are in the fixed form`(seconds: Int, text: String) {
        #expect(String(decoding: DateField.format(seconds), as: UTF8.self) == text)
    }

    @Test func `Identifiers begin with the process and count`() {
        let identifiers = RequestIdentifiers(processNumber: 0xABCD_1234)
        #expect(identifiers.next() == "ABCD123400000000")
        #expect(identifiers.next() == "ABCD123400000001")
    }
}

/// The seam as its users see it, over each of its implementations.
@Suite struct HTTPSeamTests {
    enum Implementation: CaseIterable, Sendable { case inProcess, socket }

    private static func send(
        _ implementation: Implementation, method: String, path: String, body: [UInt8], to answer: @escaping TestService.Respond
    ) async throws -> (status: Int, bytes: [UInt8]) {
        switch implementation {
        case .inProcess:
            let request = HTTPRequest(method: .init(method)!, scheme: "http", authority: "x", path: path)
            let reply = try await InProcessClient(TestService(answer)).send(request, body: PiecesBody(bytes: body))
            return (reply.head.status.code, reply.bytes)
        case .socket:
            nonisolated(unsafe) var result: (Int, [UInt8]) = (0, [])
            try await withServer(answer: answer) { port, _ in
                let client = try TestClient(port: port)
                try await client.send("\(method) \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n")
                try await client.send(body)
                let reply = try await client.receive()
                result = (reply.status, reply.body)
            }
            return result
        }
    }

    @Test(arguments: Implementation.allCases, [0, 1, 200_000])
    func `What is echoed comes back`(implementation: Implementation, count: Int) async throws {
        let bytes = pattern(count)
        let result = try await Self.send(implementation, method: "PUT", path: "/", body: bytes) { _, body, _ in
            guard let collected = try? await body.collect(upTo: 1_000_000) else { return .text("broken", status: .badRequest) }
            return HTTPReply(HTTPResponse(status: .ok), .bytes(collected))
        }
        #expect(result.status == 200)
        #expect(result.bytes == bytes)
    }

    @Test(arguments: Implementation.allCases)
    func `A body beyond the reader's limit is not collected`(implementation: Implementation) async throws {
        let result = try await Self.send(implementation, method: "PUT", path: "/", body: pattern(1001)) { _, body, _ in
            do throws(HTTPBodyError) {
                return .text("\(try await body.collect(upTo: 1000) == nil)")
            } catch {
                return .text("\(error)")
            }
        }
        #expect(result.bytes == Array("true".utf8))
    }

    @Test(arguments: Implementation.allCases)
    func `Files and streams of both kinds of pieces arrive in order`(implementation: Implementation) async throws {
        let bytes = pattern(90_000)
        let file = try TestFile(bytes)
        let result = try await Self.send(implementation, method: "PUT", path: "/", body: []) { _, _, _ in
            let source = Journal<Int>()
            return HTTPReply(
                HTTPResponse(status: .partialContent),
                .stream(length: 90_002) {
                    source.note(0)
                    return switch source.entries.count {
                    case 1: .bytes([1])
                    case 2: .file([file.region(0, 40_000), file.region(40_000, 50_000)])
                    case 3: .bytes([2])
                    default: nil
                    }
                })
        }
        #expect(result.status == 206)
        #expect(result.bytes == [1] + bytes + [2])
    }

    @Test func `In process, a stream that breaks gives its error and what came before`() async throws {
        struct Broken: Error {}
        let client = InProcessClient(
            TestService { _, _, _ in
                let source = Journal<Int>()
                return HTTPReply(
                    HTTPResponse(status: .ok),
                    .stream(length: nil) {
                        source.note(0)
                        if source.entries.count > 1 { throw Broken() }
                        return .bytes([7])
                    })
            })
        let error = await #expect(throws: InProcessError.self) {
            try await client.send(HTTPRequest(method: .get, scheme: "http", authority: "x", path: "/"))
        }
        #expect(error?.bytesBefore == [7])
        #expect(error?.cause is Broken)
    }

    @Test func `Bodies from memory are cut, counted and can end broken`() async throws {
        let body = PiecesBody([[], pattern(200_000), [], [1]], ending: .failure(.truncated))
        #expect(body.length == 200_001)
        var sizes: [Int] = []
        await #expect(throws: HTTPBodyError.truncated) {
            while let piece = try await body.next() { sizes.append(piece.count) }
        }
        #expect(sizes == [131_072, 68_928, 1])
        #expect(body.bytesTaken == 200_001)
        #expect(try await EmptyBody().next() == nil)
    }

    @Test func `A body from a closure is pulled piece by piece`() async throws {
        let source = PiecesBody([pattern(131_073), [], [9]])
        let body = SequenceBody(length: nil) { () async throws(HTTPBodyError) in try await source.next().map { Array($0 + $0) } }
        var all: [UInt8] = []
        while let piece = try await body.next() {
            #expect(piece.count <= HTTPBodyLimits.pieceSizeMaximum && !piece.isEmpty)
            all += piece
        }
        #expect(all.count == 2 * 131_074)
    }
}
