import Testing

@testable import SkerrySession

@Suite("Channels")
struct ChannelTests {
    static let encodings: [LinkTraits] = [.stream, .text, .datagram]

    /// A channel end of `kind`, hosted by the acceptor and known to the initiator.
    private func channel(_ kind: SessionReference.Kind, isRendezvous: Bool = false, _ pair: Pair) throws -> ReferenceID {
        let id = try pair.acceptor.core.export(kind, isRendezvous: isRendezvous)
        _ = try pair.initiator.call("get")
        pair.exchange()
        let reference =
            kind == .sender ? SessionReference.sender(id, isRendezvous: isRendezvous) : .receiver(id, isRendezvous: isRendezvous)
        pair.acceptor.answer(try #require(pair.acceptor.take().calls.first).1.id, references: [reference])
        pair.exchange()
        _ = pair.initiator.take()
        return id
    }

    /// Producer and consumer of a channel of `kind` that the acceptor hosts.
    private func sides(_ kind: SessionReference.Kind, _ pair: Pair) -> (producer: Side, consumer: Side) {
        kind == .sender ? (pair.initiator, pair.acceptor) : (pair.acceptor, pair.initiator)
    }

    /// How often the producer was told that an element was taken.
    private func taken(_ side: Side) -> Int { side.take().count { if case .taken = $0.event { true } else { false } } }

    private func plain(_ blocks: [(ReferenceID, [String])]) -> [String] { blocks.flatMap(\.1).map { $0.filter { $0 != "\"" } } }

    @Test(
        "Y-14: a slow consumer holds the producer: what is under way never exceeds the window", arguments: encodings,
        [SessionReference.Kind.sender, .receiver])
    func backPressure(_ traits: LinkTraits, _ kind: SessionReference.Kind) throws {
        let pair = try Pair(traits)
        let id = try channel(kind, pair)
        let (producer, consumer) = sides(kind, pair)
        var sent = 0
        while try producer.send(id, "\(sent)") { sent += 1 }
        #expect(sent == 16)
        pair.exchange()
        #expect(plain(consumer.take().blocks) == (0..<16).map(String.init))
        #expect(try producer.send(id, "x") == false, "arrived is not taken")
        consumer.core.taken(id, elements: 7, bytes: 7, now: pair.now)
        pair.exchange()
        #expect(try producer.send(id, "x") == false, "credit comes by halves of the window")
        consumer.core.taken(id, elements: 1, bytes: 1, now: pair.now)
        pair.exchange()
        #expect(producer.take().contains { if case .writable(id) = $0.event { true } else { false } })
        #expect(try producer.send(id, "16") == true)
    }

    @Test("Y-14: bytes are credited as well, and one element may overdraw them", arguments: encodings)
    func byteCredit(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let id = try channel(.sender, pair)
        let large = String(repeating: "x", count: 40_000)
        #expect(try pair.initiator.send(id, large))
        #expect(try pair.initiator.send(id, large), "24 KiB are left, which admits one of any size")
        #expect(try pair.initiator.send(id, "small") == false)
        pair.exchange()
        #expect(plain(pair.acceptor.take().blocks) == [large, large])
        pair.acceptor.core.taken(id, elements: 1, bytes: 40_002, now: pair.now)
        pair.exchange()
        #expect(try pair.initiator.send(id, "small"))
    }

    @Test(
        "a rendezvous channel sends an element only when its consumer waits for one, and hears when it was taken", arguments: encodings,
        [SessionReference.Kind.sender, .receiver])
    func rendezvous(_ traits: LinkTraits, _ kind: SessionReference.Kind) throws {
        let pair = try Pair(traits)
        let id = try channel(kind, isRendezvous: true, pair)
        let (producer, consumer) = sides(kind, pair)
        #expect(try producer.send(id, "1") == false)
        consumer.core.demand(id, elements: 1)
        pair.exchange()
        #expect(try producer.send(id, "1") && !producer.send(id, "2"))
        pair.exchange()
        let size = traits.encoding == .text ? 3 : 1
        #expect(plain(consumer.take().blocks) == ["1"])
        #expect(producer.take().contains { if case .writable(id) = $0.event { true } else { false } })
        consumer.core.taken(id, elements: 1, bytes: size, now: pair.now)
        pair.exchange()
        #expect(taken(producer) == 1)
        #expect(try producer.send(id, "2") == false, "taking is not asking")
        // Several at a time are told one by one, however they were taken.
        consumer.core.demand(id, elements: 3)
        pair.exchange()
        #expect(taken(producer) == 0, "asking is not taking")
        for _ in 0..<3 { #expect(try producer.send(id, "3")) }
        pair.exchange()
        consumer.core.taken(id, elements: 2, bytes: 2 * size, now: pair.now)
        pair.exchange()
        #expect(taken(producer) == 2)
        consumer.core.taken(id, elements: 1, bytes: size, now: pair.now)
        pair.exchange()
        #expect(taken(producer) == 1)
    }

    @Test("the window doubles while the producer runs dry and the consumer keeps up, and stays when it does not", arguments: encodings)
    func autotuning(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let id = try channel(.sender, pair)
        func round(_ pause: Duration) throws {
            while try pair.initiator.send(id, "e") {}
            pair.exchange()
            let count = plain(pair.acceptor.take().blocks).count
            pair.now = pair.now + pause
            pair.acceptor.core.taken(id, elements: count, bytes: count * (traits.encoding == .text ? 3 : 1), now: pair.now)
            pair.exchange()
            _ = pair.initiator.take()
        }
        func window() -> Int { pair.acceptor.core.references()[0].windowElements }
        for _ in 0..<4 { try round(.milliseconds(1)) }
        #expect(window() == 256)
        for _ in 0..<4 { try round(.seconds(1)) }
        #expect(window() == 256)
        for _ in 0..<10 { try round(.zero) }
        #expect(window() == SessionLimits.channelElementsMaximum)
        #expect(pair.acceptor.core.references()[0].windowBytes == SessionLimits.channelBytes, "bytes were never short")
    }

    @Test("the session's own window bounds all channels together; one stuck consumer leaves the others theirs", arguments: encodings)
    func sessionWindow(_ traits: LinkTraits) throws {
        var small = SessionConfiguration()
        small.sessionBytes = 10_000
        let pair = try Pair(traits, acceptor: small)
        let stuck = try channel(.sender, pair)
        let other = try channel(.sender, pair)
        let element = String(repeating: "x", count: 1_000)
        var count = 0
        while try pair.initiator.send(stuck, element) { count += 1 }
        #expect(count == 10)
        #expect(try pair.initiator.send(other, element) == false)
        pair.exchange()
        pair.acceptor.core.close(stuck)
        pair.acceptor.core.taken(stuck, elements: 10, bytes: 10_020, now: pair.now)
        pair.exchange()
        #expect(pair.initiator.take().contains { if case .writable(other) = $0.event { true } else { false } })
        #expect(try pair.initiator.send(other, element))
    }

    @Test(
        "Y-13: a producer's close arrives behind its last element, a consumer's at once, and both know the reason", arguments: encodings,
        [SessionReference.Kind.sender, .receiver])
    func closeBothWays(_ traits: LinkTraits, _ kind: SessionReference.Kind) throws {
        let pair = try Pair(traits)
        let (producer, consumer) = sides(kind, pair)
        let first = try channel(kind, pair)
        for index in 0..<5 { #expect(try producer.send(first, "\(index)")) }
        producer.core.close(first, reason: CloseReason(code: 9, "done"))
        #expect(throws: SessionError.self) { try producer.send(first, "late") }
        pair.exchange()
        let events = consumer.take()
        #expect(plain(events.blocks) == ["0", "1", "2", "3", "4"])
        #expect(events.closes.map(\.0) == [first] && events.closes.map(\.1) == [CloseReason(code: 9, "done")])
        guard case .closed = events.last?.event else { throw Mismatch() }

        let second = try channel(kind, pair)
        for index in 0..<5 { #expect(try producer.send(second, "\(index)")) }
        consumer.core.close(second, reason: CloseReason(code: 3, "enough"))
        pair.exchange()
        #expect(consumer.take().blocks.isEmpty, "what was on the way is dropped")
        #expect(producer.take().closes.map(\.1.message) == ["enough"])
        let error = #expect(throws: SessionError.self) { try producer.send(second, "late") }
        #expect(error?.code == .closed)

        for id in [first, second] { pair.initiator.core.release(id, introductions: 1) }
        pair.exchange()
        #expect(Set(pair.acceptor.take().released) == [first, second])
        #expect(pair.acceptor.core.statistics.channels == 0 && pair.initiator.core.statistics.channels == 0)
        #expect(pair.acceptor.core.statistics.bytesUntaken == 0 && pair.initiator.core.statistics.bytesUntaken == 0)
    }

    @Test("Y-13: the last release of a sender is its half of the close, behind what was sent", arguments: encodings)
    func releaseIsClose(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let id = try channel(.sender, pair)
        for index in 0..<5 { #expect(try pair.initiator.send(id, "\(index)")) }
        pair.initiator.core.release(id, introductions: 1)
        pair.exchange()
        let events = pair.acceptor.take()
        #expect(plain(events.blocks) == ["0", "1", "2", "3", "4"])
        guard case .released(id) = events.last?.event else { throw Mismatch() }
        #expect(pair.initiator.core.statistics.channels == 0 && pair.acceptor.core.statistics.channels == 0)
    }

    @Test("elements that cross a release are dropped and their bytes given back to the session", arguments: encodings)
    func crossingRelease(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let id = try channel(.receiver, pair)
        for index in 0..<5 { #expect(try pair.acceptor.send(id, "\(index)")) }
        pair.initiator.core.release(id, introductions: 1)
        let onTheWay = pair.acceptor.packets(now: pair.now)
        for packet in pair.initiator.packets(now: pair.now) { pair.acceptor.receive(packet, now: pair.now) }
        for packet in onTheWay { pair.initiator.receive(packet, now: pair.now) }
        pair.exchange()
        #expect(pair.initiator.take().blocks.isEmpty && pair.initiator.take().failure == nil)
        #expect(pair.acceptor.take().released == [id] && pair.initiator.core.statistics.bytesUntaken == 0)
    }

    @Test("elements carry references, which are given back when the element is dropped unsent", arguments: encodings)
    func elementsWithReferences(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let id = try channel(.receiver, pair)
        let service = try pair.acceptor.core.export(.service)
        #expect(
            try pair.acceptor.send(id, "plain") && pair.acceptor.send(id, "with", references: [.service(service)])
                && pair.acceptor.send(id, "plain"))
        pair.exchange()
        let blocks = pair.initiator.take().compactMap { received in if case .elements(_, let block) = received.event { block } else { nil }
        }
        #expect(blocks.map(\.count) == [1, 1, 1] && blocks.map(\.references) == [[], [.service(service)], []])
        let lost = try pair.acceptor.core.export(.service)
        #expect(try pair.acceptor.send(id, "with", references: [.service(lost)]))
        pair.initiator.core.close(id)
        for packet in pair.initiator.packets(now: pair.now) { pair.acceptor.receive(packet, now: pair.now) }
        #expect(pair.acceptor.take().released == [lost])
    }

    @Test("a reference that is sent home in an element outlives its release until the element has left", arguments: encodings)
    func pinnedByElement(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let id = try channel(.sender, pair)
        let service = try pair.acceptor.core.export(.service)
        _ = try pair.initiator.call("get")
        pair.exchange()
        pair.acceptor.answer(try #require(pair.acceptor.take().calls.first).1.id, references: [.service(service)])
        pair.exchange()
        #expect(try pair.initiator.send(id, "home", references: [.service(service)]))
        pair.initiator.core.release(service, introductions: 1)
        pair.exchange()
        let events = pair.acceptor.take()
        let blocks = events.compactMap { received in if case .elements(_, let block) = received.event { block } else { nil } }
        #expect(blocks.map(\.references) == [[.service(service)]] && events.released == [service])
    }

    @Test("many elements leave in few frames, the largest ones in parts, and order is kept", arguments: encodings)
    func batching(_ traits: LinkTraits) throws {
        var wide = SessionConfiguration()
        wide.channelElements = 1_000
        wide.channelBytes = 1 << 20
        let pair = try Pair(traits, initiator: wide, acceptor: wide)
        let id = try channel(.sender, pair)
        var expected: [String] = []
        for index in 0..<200 {
            let text = index % 50 == 7 ? String(repeating: "L", count: 100_000) : "\(index)"
            expected.append(text)
            #expect(try pair.initiator.send(id, text))
        }
        pair.exchange()
        let blocks = pair.acceptor.take().blocks
        #expect(plain(blocks) == expected)
        if traits.delivery == .ordered { #expect(blocks.count < 20) }
    }

    @Test("fairness: channels take turns, so a small element does not wait behind another channel's megabyte")
    func fairness() throws {
        var wide = SessionConfiguration()
        wide.channelElements = 10_000
        wide.channelBytes = 1 << 20
        let pair = try Pair(initiator: wide, acceptor: wide)
        let greedy = try (0..<3).map { _ in try channel(.sender, pair) }
        let modest = try channel(.sender, pair)
        for id in greedy { while try pair.initiator.send(id, String(repeating: "g", count: 1_000)) {} }
        #expect(try pair.initiator.send(modest, "m"))
        var bytes: [ReferenceID: Int] = [:]
        for round in 0..<8 {
            pair.acceptor.receive(try #require(pair.initiator.packet(now: pair.now)), now: pair.now)
            for (id, elements) in pair.acceptor.take().blocks { bytes[id, default: 0] += elements.reduce(0) { $0 + $1.utf8.count } }
            if round == 0 { #expect(bytes[modest] == 1, "in the first packet") }
        }
        let shares = greedy.map { bytes[$0] ?? 0 }
        #expect(try #require(shares.max()) - #require(shares.min()) <= 2 * SessionLimits.fairnessQuantum)
    }

    @Test(
        "what a consumer had not taken when it let go is credited to whoever gets hold of the channel before it is gone",
        arguments: encodings)
    func untakenAtRelease(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let id = try channel(.receiver, pair)
        let carrier = try channel(.sender, pair)
        while try pair.acceptor.send(id, "e") {}
        _ = try pair.initiator.call("get")
        pair.exchange()
        #expect(plain(pair.initiator.take().blocks).count == 16)
        // The element that names the channel holds it behind its release, and meanwhile it comes again.
        #expect(try pair.initiator.send(carrier, "home", references: [.receiver(id)]))
        pair.initiator.core.release(id, introductions: 1)
        pair.acceptor.answer(try #require(pair.acceptor.take().calls.first).1.id, references: [.receiver(id)])
        for packet in pair.acceptor.packets(now: pair.now) { pair.initiator.receive(packet, now: pair.now) }
        pair.exchange()
        #expect(pair.initiator.take().returns.count == 1 && pair.initiator.core.statistics.bytesUntaken == 0)
        #expect(pair.acceptor.take().contains { if case .writable(id) = $0.event { true } else { false } })
        var sent = 0
        while try pair.acceptor.send(id, "e") { sent += 1 }
        pair.exchange()
        #expect(sent == 16 && plain(pair.initiator.take().blocks).count == 16)
    }

    /// Channels of the initiator with a large element each, and calls, over packets of 512 bytes.
    private func crowded() throws -> (pair: Pair, large: [ReferenceID], small: ReferenceID) {
        let pair = try Pair(LinkTraits(delivery: .lossy, packetMaximum: 512))
        let ids = try (0..<4).map { _ in try channel(.sender, pair) }
        for id in ids[..<3] { #expect(try pair.initiator.send(id, String(repeating: "L", count: 20_000))) }
        return (pair, Array(ids[..<3]), ids[3])
    }

    @Test("fairness: a small element does not wait with those that wait for another's large one to end")
    func smallBehindLarge() throws {
        let (pair, large, small) = try crowded()
        #expect(try pair.initiator.send(small, "small"))
        var packets = 0
        var order: [ReferenceID] = []
        for _ in 0..<1_000 where order.count < 4 {
            guard let packet = pair.initiator.packet(now: pair.now) else {
                for packet in pair.acceptor.packets(now: pair.now) { pair.initiator.receive(packet, now: pair.now) }
                continue
            }
            packets += 1
            pair.acceptor.receive(packet, now: pair.now)
            for (id, _) in pair.acceptor.take().blocks {
                if id == small { #expect(packets <= 2, "it came with packet \(packets)") }
                order.append(id)
            }
        }
        #expect(order == [small] + large, "the large ones in their order")
        #expect(packets < 4 * 20_000 / 512)
    }

    @Test("a large element fills packets although a call that fits none waits for it, and small calls do not wait")
    func fullPackets() throws {
        let (pair, _, _) = try crowded()
        // A packet of the first element leaves, so that the call finds it under way.
        pair.acceptor.receive(try #require(pair.initiator.packet(now: pair.now)), now: pair.now)
        _ = try pair.initiator.call("small", now: pair.now)
        _ = try pair.initiator.call("large", String(repeating: "c", count: 3_000), now: pair.now)
        for round in 0..<8 {
            let packet = try #require(pair.initiator.packet(now: pair.now))
            #expect(packet.count > 400, "packet \(round) has \(packet.count) bytes")
            pair.acceptor.receive(packet, now: pair.now)
            if round == 0 { #expect(pair.acceptor.take().calls.count == 1) }
        }
        pair.exchange()
        let events = pair.acceptor.take()
        #expect(events.calls.count == 1 && events.blocks.count == 3 && events.failure == nil)
    }

    @Test("an end that is closed before it was introduced says so right behind its introduction", arguments: encodings)
    func closeBeforeIntroduction(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let id = try pair.acceptor.core.export(.receiver)
        #expect(try pair.acceptor.send(id, "early"), "elements may wait for the introduction")
        pair.acceptor.core.close(id)
        #expect(pair.acceptor.packets(now: pair.now).isEmpty)
        _ = try pair.initiator.call("get")
        pair.exchange()
        pair.acceptor.answer(try #require(pair.acceptor.take().calls.first).1.id, references: [.receiver(id)])
        pair.exchange()
        let events = pair.initiator.take()
        #expect(events.failure == nil && plain(events.blocks) == ["early"] && events.closes.map(\.0) == [id])
    }

    @Test("an end that was given back, was closed meanwhile and comes again is closed for whoever has it now", arguments: encodings)
    func closeBetweenIntroductions(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let id = try pair.acceptor.core.export(.receiver)
        for _ in 0..<2 { _ = try pair.initiator.call("get") }
        pair.exchange()
        let calls = pair.acceptor.take().calls.map(\.1.id)
        pair.acceptor.answer(calls[0], references: [.receiver(id)])
        pair.exchange()
        #expect(pair.initiator.take().closes.isEmpty)
        // The close overtakes the reply that brings the end again, and finds it given back.
        pair.acceptor.answer(calls[1], references: [.receiver(id)])
        pair.acceptor.core.close(id)
        pair.initiator.core.release(id, introductions: 1)
        pair.exchange()
        let events = pair.initiator.take()
        #expect(events.failure == nil && events.returns.count == 1 && events.closes.map(\.0) == [id])
    }
}
