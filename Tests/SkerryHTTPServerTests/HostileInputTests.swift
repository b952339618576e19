import HTTPTypes
import SkerryHTTP
import SkerryHTTPServer
import Testing

/// Input nobody sane sends, from a seed that replays it.
@Suite struct HostileInputTests {
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    private static let seeds: [UInt64] = Array(1...40)

    /// Requests that are right, of every framing.
    private static func requests(_ generator: inout Generator) -> (text: String, bodies: [String]) {
        var text = ""
        var bodies: [String] = []
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let body = String(repeating: "b", count: Int.random(in: 0...3000, using: &generator))
            bodies.append("\(body.count)")
            switch Int.random(in: 0...1, using: &generator) {
            case 0: text += "PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n\(body)"
            default:
                let cut = Int.random(in: 0...body.count, using: &generator)
                text += "PUT /k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                for part in [body.prefix(cut), body.dropFirst(cut)] where !part.isEmpty {
                    text += String(part.count, radix: 16) + "\r\n\(part)\r\n"
                }
                text += "0\r\n\r\n"
            }
        }
        return (text, bodies)
    }

    @Test(arguments: seeds) func `Requests cut anywhere are answered one for one`(seed: UInt64) async throws {
        var generator = Generator(state: seed)
        let (text, bodies) = Self.requests(&generator)
        var pieces: [[UInt8]] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...2000, using: &generator))
            pieces.append(Array(piece))
            rest = rest.dropFirst(piece.count)
        }
        // Every other service leaves the body unread, so that draining meets pipelining.
        let reads = seed.isMultiple(of: 2)
        try await withServer { _, body, _ in
            guard reads else { return .text("unread") }
            do throws(HTTPBodyError) {
                return .text("\(try await body.collect(upTo: 10_000)?.count ?? -1)")
            } catch {
                return .text("\(error)", status: .badRequest)
            }
        } _: { port, _ in
            let client = try TestClient(port: port)
            for piece in pieces { try await client.send(piece) }
            for body in bodies {
                let reply = try await client.receive()
                #expect(reply.text == (reads ? body : "unread"), "seed \(seed)")
            }
        }
    }

    @Test(arguments: seeds) func `Damaged requests end in a reply or a closed connection, and the server serves on`(seed: UInt64)
        async throws
    {
        var generator = Generator(state: seed &* 7919)
        var bytes = Array(Self.requests(&generator).text.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0...2, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
            }
        }
        let damaged = bytes
        try await withServer { _, body, _ in
            do throws(HTTPBodyError) {
                while try await body.next() != nil {}
                return .text("whole")
            } catch {
                return .text("\(error)", status: .badRequest)
            }
        } _: { port, server in
            let client = try TestClient(port: port)
            try await client.send(damaged)
            client.finishSending()
            _ = try await client.receiveToEnd()
            #expect(try await TestClient(port: port).request("GET / HTTP/1.1\r\nHost: x\r\n\r\n").text == "whole", "seed \(seed)")
            try await until("no request is left") { server.statistics.activeRequests == 0 }
        }
    }
}
