import Glibc
import Testing

@testable import SkerrySession

/// What Circulate, whose semantics these sessions keep, got wrong: each of its bugs as a case that must not come back.
@Suite("Upstream bugs")
struct UpstreamTests {
    @Test("Y-15: a lost packet is sent again by a timer, although nothing else is ever sent (upstream: resend only on a mismatching ack)")
    func resendsByTimer() throws {
        let pair = try Pair(.datagram)
        _ = try pair.initiator.call("n")
        #expect(pair.initiator.packets(now: pair.now).count == 1, "and it is lost")
        var waited = Duration.zero
        while pair.acceptor.events.calls.isEmpty, waited < .seconds(3) {
            waited = waited + .milliseconds(10)
            pair.pass(.milliseconds(10))
            pair.exchange()
        }
        #expect(pair.acceptor.take().calls.count == 1 && waited < .seconds(1))
        #expect(pair.initiator.core.statistics.packetsResent == 1)
    }

    @Test("Y-15: a packet acts once however often and however late it comes again (upstream: the test was inverted, the window ten)")
    func deduplicates() throws {
        let pair = try Pair(.datagram)
        var packets: [[UInt8]] = []
        for index in 0..<50 {
            _ = try pair.initiator.call("n", "\(index)")
            packets += pair.initiator.packets(now: pair.now)
            for _ in 0..<3 { pair.acceptor.receive(packets[packets.count - 1], now: pair.now) }
            pair.exchange()
        }
        for packet in packets.reversed() { pair.acceptor.receive(packet, now: pair.now) }
        #expect(packets.count == 50 && pair.acceptor.take().calls.count == 50)
        #expect(pair.acceptor.core.statistics.packetsDuplicate == 150)
    }

    @Test("Y-12: what is sent to a closed or released id makes nothing anew and is not sent back (upstream: a fresh proxy, and ping-pong)")
    func noPingPong() throws {
        let pair = try Pair()
        let sender = try pair.acceptor.core.export(.sender)
        let service = try pair.acceptor.core.export(.service)
        _ = try pair.acceptor.call("take", references: [.sender(sender), .service(service)])
        pair.exchange()
        pair.initiator.answer(try #require(pair.initiator.take().calls.first).1.id)
        for _ in 0..<3 { #expect(try pair.initiator.send(sender, "e")) }
        let late = pair.initiator.packets(now: pair.now)
        pair.acceptor.core.close(sender)
        pair.acceptor.core.close(service)
        for packet in late { pair.acceptor.receive(packet, now: pair.now) }
        _ = try pair.initiator.call("n", on: .reference(service))
        pair.exchange()
        #expect(pair.acceptor.take().blocks.isEmpty)
        #expect(pair.initiator.take().returns.first?.2.failure?.code == .noSuchReference)
        #expect(pair.acceptor.core.statistics.imports == 0 && pair.initiator.core.statistics.exports == 0)
        let sent = pair.acceptor.core.statistics.packetsSent + pair.initiator.core.statistics.packetsSent
        pair.exchange()
        #expect(pair.acceptor.core.statistics.packetsSent + pair.initiator.core.statistics.packetsSent == sent, "both are silent")
    }

    @Test("hello is said by both sides before anything else, without being asked for (upstream: never started)")
    func saysHello() throws {
        let pair = try Pair(attached: false)
        _ = try pair.initiator.call("n")
        _ = try pair.acceptor.call("n")
        try pair.attach()
        #expect(pair.acceptor.packets(now: pair.now).isEmpty, "the acceptor waits for it")
        let first = pair.initiator.packets(now: pair.now)
        #expect(first.count == 1, "HELLO alone")
        pair.acceptor.receive(first[0], now: pair.now)
        let answer = pair.acceptor.packets(now: pair.now)
        let hello = try answer[0].withUnsafeBytes { try SessionHello(readingFrom: $0, traits: .stream) }
        #expect(hello.peerEpoch == pair.initiator.core.identity.epoch)
        for packet in answer { pair.initiator.receive(packet, now: pair.now) }
        pair.exchange()
        #expect(pair.initiator.take().calls.count == 1 && pair.acceptor.take().calls.count == 1)
    }

    @Test("bye ends calls, tables and timers on both sides (upstream: it set a flag)")
    func byeEnds() throws {
        let pair = try Pair()
        let service = try pair.acceptor.core.export(.service)
        let question = try pair.initiator.call("n")
        _ = try pair.acceptor.call("n", references: [.service(service)])
        pair.exchange()
        pair.acceptor.close(now: pair.now)
        pair.exchange()
        #expect(pair.initiator.take().returns.map(\.1) == [question])
        for side in [pair.initiator, pair.acceptor] {
            let statistics = side.core.statistics
            #expect(side.isFinished && side.core.nextDeadline == .distantFuture)
            #expect(statistics.questions + statistics.answers + statistics.exports + statistics.imports + statistics.channels == 0)
            #expect(statistics.bytesQueued + statistics.bytesRetained + statistics.bytesUntaken == 0)
        }
    }

    @Test("Y-13: a closed proxy tells the owner (upstream: never)", arguments: [SessionReference.Kind.sender, .receiver])
    func proxyTellsOwner(_ kind: SessionReference.Kind) throws {
        let pair = try Pair()
        let id = try pair.acceptor.core.export(kind)
        _ = try pair.acceptor.call("take", references: [kind == .sender ? .sender(id) : .receiver(id)])
        pair.exchange()
        pair.initiator.core.close(id, reason: CloseReason(code: 2, "proxy closed"))
        pair.exchange()
        #expect(pair.acceptor.take().closes.map(\.1.message) == ["proxy closed"])
    }

    @Test("a stuck reader holds up its channel and nothing else (upstream: head-of-line blocking)")
    func noHeadOfLineBlocking() throws {
        let pair = try Pair()
        let sender = try pair.acceptor.core.export(.sender)
        _ = try pair.acceptor.call("take", references: [.sender(sender)])
        pair.exchange()
        while try pair.initiator.send(sender, String(repeating: "e", count: 10_000)) {}
        pair.exchange()
        #expect(try pair.initiator.send(sender, "more") == false)
        _ = try pair.initiator.call("n")
        pair.exchange()
        #expect(pair.acceptor.take().calls.count == 1)
    }

    @Test("Y-12: short-lived replies and references leave nothing behind, and memory is flat (a million with SKERRY_SOAK=1)")
    func leavesNothing() throws {
        let rounds = getenv("SKERRY_SOAK") == nil ? 10_000 : 500_000
        let pair = try Pair()
        for _ in 0..<rounds {
            let service = try pair.initiator.core.export(.service)
            _ = try pair.initiator.call("n", references: [.service(service)], deadline: .seconds(30), now: pair.now)
            for packet in pair.initiator.packets(now: pair.now) { pair.acceptor.receive(packet, now: pair.now) }
            for (_, call) in pair.acceptor.take().calls {
                pair.acceptor.answer(call.id, "x")
                pair.acceptor.core.release(call.references[0].id, introductions: 1)
            }
            for packet in pair.acceptor.packets(now: pair.now) { pair.initiator.receive(packet, now: pair.now) }
            pair.initiator.events = []
        }
        pair.pass(.milliseconds(200))
        pair.exchange()
        for side in [pair.initiator, pair.acceptor] {
            let statistics = side.core.statistics
            #expect(statistics.questions + statistics.answers + statistics.exports + statistics.imports == 0)
            #expect(statistics.bytesQueued == 0)
        }
        #expect(pair.initiator.core.questions.count == 2 && pair.initiator.core.exports.count == 2 && pair.acceptor.core.imports.count == 2)
        #expect(pair.initiator.core.retention.records.count == 0 && pair.acceptor.core.retention.records.count <= 1)
    }
}
