import Foundation
import Testing

@testable import SkerrySession

/// A conversation whose packets stand in `Golden`, one a file: hexadecimal for binary, as they are for text.
///
/// `docs/formats/session.md` takes its examples from these files. A change of their bytes is a change of the format.
@Suite("Golden packets")
struct GoldenTests {
    /// A packet as it was sent, under the name of its file.
    struct Named {
        var name: String
        var bytes: [UInt8]
    }

    /// Both sides speak by turns; each turn is one packet, which the other side takes without complaint.
    final class Conversation {
        let pair: Pair
        var packets: [Named] = []

        init(_ traits: LinkTraits) throws {
            var configuration = SessionConfiguration()
            configuration.applicationData = [0xC0, 0xDE]
            pair = try Pair(traits, initiator: configuration, attached: false)
            try pair.attach()
        }

        @discardableResult
        func turn(_ side: Side, _ name: String) throws -> [Received] {
            let packet = try #require(side.packet(now: pair.now), "\(name) is not sent")
            packets.append(Named(name: name, bytes: packet))
            let other = side === pair.initiator ? pair.acceptor : pair.initiator
            other.receive(packet, now: pair.now)
            let events = other.take()
            if name != "bye" { #expect(events.failure == nil, "\(name)") }
            return events
        }
    }

    static func packets(_ traits: LinkTraits) throws -> [Named] {
        let talk = try Conversation(traits)
        let (client, server) = (talk.pair.initiator, talk.pair.acceptor)
        try talk.turn(client, "hello-initiator")
        try talk.turn(server, "hello-acceptor")

        let callback = try client.core.export(.service)
        let greet = try client.call("greet", "mare", references: [.service(callback)], deadline: .seconds(30), now: talk.pair.now)
        let first = try #require(try talk.turn(client, "call").calls.first).1
        let sender = try server.core.export(.sender)
        let receiver = try server.core.export(.receiver, isRendezvous: true)
        server.answer(
            first.id, "hello", references: [.sender(sender), .receiver(receiver, isRendezvous: true), .service(callback)],
            confirmsDigest: true)
        try talk.turn(server, "return")

        _ = try client.call("greet", "again", options: [.idempotent, .acknowledged])
        let second = try #require(try talk.turn(client, "call-again").calls.first).1
        try talk.turn(server, "working")
        server.core.answer(second.id, failure: CallFailure(.overloaded, "busy", maybeExecuted: false, retryAfter: .milliseconds(250)))
        try talk.turn(server, "return-failure")

        let open = try client.call("open", options: .keepsAnswer, request: RequestID(high: 0x0102, low: 0x0304))
        try talk.turn(client, "call-durable")
        let read = try client.call("read", "x", on: .promise(open, index: 0), references: [.promise(open, index: 1), .null])
        try talk.turn(client, "call-promise")
        client.core.probe(read)
        try talk.turn(client, "probe")
        for packet in server.packets(now: talk.pair.now) { client.receive(packet, now: talk.pair.now) }
        _ = client.core.cancel(read)
        client.core.finish(open)
        try talk.turn(client, "cancel-finish")
        for packet in server.packets(now: talk.pair.now) { client.receive(packet, now: talk.pair.now) }
        for _ in 0..<64 { try client.callOneWay("tick") }
        let ticks = try talk.turn(client, "call-one-way").calls
        for (_, call) in ticks { server.answer(call.id) }
        return talk.packets + (try later(talk, client, server, sender, receiver, callback, greet))
    }

    /// Channels, and the end.
    private static func later(
        _ old: Conversation, _ client: Side, _ server: Side, _ sender: ReferenceID, _ receiver: ReferenceID, _ callback: ReferenceID,
        _ greet: QuestionID
    ) throws -> [Named] {
        let talk = old
        let before = talk.packets.count
        try talk.turn(server, "done")
        for element in ["one", "two", "three"] { _ = try client.send(sender, element) }
        try talk.turn(client, "send")
        server.core.taken(sender, elements: 16, bytes: 11, now: talk.pair.now)
        _ = try client.send(sender, "with", references: [.service(callback)])
        client.core.demand(receiver, elements: 2)
        try talk.turn(client, "credit-send-reference")
        client.core.close(sender, reason: CloseReason(code: 0, "done"))
        try talk.turn(client, "close")
        client.core.release(sender, introductions: 1)
        client.core.release(receiver, introductions: 1)
        try talk.turn(client, "release")
        server.core.goAway(CloseReason(code: 1, "upgrade"))
        try talk.turn(server, "goaway")
        talk.pair.now = talk.pair.now + .milliseconds(100)
        client.advance(to: talk.pair.now)
        try talk.turn(client, "acknowledgement")
        talk.pair.now = talk.pair.now + .seconds(5)
        client.advance(to: talk.pair.now)
        try talk.turn(client, "ping")
        try talk.turn(server, "pong")
        client.close(CloseReason(code: 7, "good \"night\"\n"), now: talk.pair.now)
        try talk.turn(client, "bye")
        return Array(talk.packets[before...])
    }

    private static func golden(_ name: String, _ suffix: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Golden/\(name)", withExtension: suffix), "no file for \(name)")
        let text = try String(contentsOf: url, encoding: .utf8).trimmingCharacters(in: .newlines)
        guard suffix == "hex" else { return Array(text.utf8) }
        let digits = Array(text.utf8).compactMap { hexadecimalDigit($0) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test("binary packets are those of the specification")
    func binary() throws {
        for packet in try Self.packets(.stream) { #expect(try packet.bytes == Self.golden(packet.name, "hex"), "\(packet.name)") }
    }

    @Test("text packets are those of the specification")
    func text() throws {
        for packet in try Self.packets(.text) {
            #expect(
                try String(decoding: packet.bytes, as: UTF8.self) == String(decoding: Self.golden(packet.name, "json"), as: UTF8.self),
                "\(packet.name)")
        }
    }

    @Test("a text packet with space wherever JSON allows it, and with escaped words, means the same")
    func loosely() throws {
        let pair = try Pair(.text)
        let packet =
            "\n[ 1 ,\t1 , [ \"c\\u0061ll\" , 2 , 0 , 0 , \"n\\u00e9\\ud83d\\ude00\" , null , null , [ ] , { \"a\" : [ 1 , -2.5e+3 , \"\\\"\" ] } ] ] \r\n"
        pair.acceptor.receive(Array(packet.utf8), now: pair.now)
        let events = pair.acceptor.take()
        #expect(events.failure?.violation?.rule == .acknowledgementAhead)
        let again = try Pair(.text)
        again.acceptor.receive(Array(packet.replacing(",\t1 ,", with: ",\t0 ,").utf8), now: again.now)
        let fresh = again.acceptor.take()
        let (received, call) = try #require(fresh.calls.first)
        #expect(received.text(call.payload) == "{ \"a\" : [ 1 , -2.5e+3 , \"\\\"\" ] }")
        #expect(fresh.contains { if case .methodDefined(let definition) = $0.event { definition.name == "né😀" } else { false } })
    }

    @Test("a packet of a lossy link tells the ranges that came beyond a gap, and ends in CRC-32C")
    func lossy() throws {
        let pair = try Pair(.datagram)
        #expect("123456789".utf8.withContiguousStorageIfAvailable { CRC32C.checksum(UnsafeRawBufferPointer($0)) } == 0xE306_9283)
        var packets: [[UInt8]] = []
        for index in 0..<6 {
            _ = try pair.initiator.call("n", "\(index)")
            packets += pair.initiator.packets(now: pair.now)
        }
        for index in [1, 2, 4] { pair.acceptor.receive(packets[index], now: pair.now) }
        let packet = try #require(pair.acceptor.packet(now: pair.now))
        #expect(try packet == Self.golden("lossy-acknowledgement", "hex"))
        #expect(try packets[0] == Self.golden("lossy-call", "hex"))
    }

    @Test("a frame larger than a packet comes in parts")
    func parts() throws {
        let pair = try Pair(.datagram)
        _ = try pair.initiator.call("n", String(repeating: "x", count: 1_500))
        let packets = pair.initiator.packets(now: pair.now)
        #expect(packets.count == 2)
        #expect(try packets[0] == Self.golden("lossy-part-first", "hex"))
        #expect(try packets[1] == Self.golden("lossy-part-last", "hex"))
    }
}
