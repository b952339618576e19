import Testing

@testable import SkerrySession

@Suite("References")
struct ReferenceTests {
    static let encodings: [LinkTraits] = [.stream, .text, .datagram]

    /// Lets the acceptor answer the initiator's call with `references`.
    private func hand(_ references: [SessionReference], _ pair: Pair) throws -> [SessionReference] {
        _ = try pair.initiator.call("get")
        pair.exchange()
        pair.acceptor.answer(try #require(pair.acceptor.take().calls.first).1.id, references: references)
        pair.exchange()
        return try #require(pair.initiator.take().returns.first).2.references
    }

    @Test(
        "Y-12: references cross with their kind, the same one keeps its identity, and one that goes home is the original",
        arguments: encodings)
    func identity(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let service = try pair.acceptor.core.export(.service)
        let sender = try pair.acceptor.core.export(.sender)
        let receiver = try pair.acceptor.core.export(.receiver, isRendezvous: true)
        let sent: [SessionReference] = [
            .service(service), .null, .sender(sender), .receiver(receiver, isRendezvous: true), .service(service),
        ]
        #expect(try hand(sent, pair) == sent)
        #expect(pair.initiator.core.statistics.imports == 3, "five entries, one of them null, one twice")
        _ = try pair.initiator.call("back", references: [.service(service), .sender(sender)])
        pair.exchange()
        let call = try #require(pair.acceptor.take().calls.first).1
        #expect(call.references == [.service(service), .sender(sender)])
        #expect(call.references.allSatisfy { $0.id.isHosted(by: .acceptor) })
        #expect(pair.acceptor.core.statistics.imports == 0, "no proxy of a proxy")
    }

    @Test("Y-12: serialise makes one entry, release takes it away, and a million short-lived references leave none", arguments: encodings)
    func release(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let service = try pair.acceptor.core.export(.service)
        _ = try hand([.service(service)], pair)
        _ = try hand([.service(service), .service(service)], pair)
        #expect(pair.acceptor.core.references().map(\.introductions) == [3])
        pair.initiator.core.release(service, introductions: 2)
        pair.exchange()
        #expect(pair.acceptor.take().released.isEmpty)
        pair.initiator.core.release(service, introductions: 5)
        pair.exchange()
        #expect(pair.acceptor.take().released == [service])
        #expect(pair.acceptor.core.references().isEmpty && pair.initiator.core.references().isEmpty)
    }

    @Test("many references come and go in few places: the tables stay dense and end empty", arguments: encodings)
    func churn(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        var ids: Set<ReferenceID> = []
        for _ in 0..<500 {
            let service = try pair.acceptor.core.export(.service)
            ids.insert(service)
            _ = try hand([.service(service)], pair)
            pair.initiator.core.release(service, introductions: 1)
            pair.exchange()
            _ = pair.acceptor.take()
        }
        #expect(ids.count == 500 && Set(ids.map(\.index)) == [1])
        #expect(pair.acceptor.core.statistics.exports == 0 && pair.initiator.core.statistics.imports == 0)
    }

    @Test("a reference that is given back while it crosses again stays: the counts settle the race", arguments: encodings)
    func crossing(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let service = try pair.acceptor.core.export(.service)
        _ = try hand([.service(service)], pair)
        _ = try pair.initiator.call("again")
        pair.exchange()
        pair.acceptor.answer(try #require(pair.acceptor.take().calls.first).1.id, references: [.service(service)])
        pair.initiator.core.release(service, introductions: 1)
        pair.exchange()
        #expect(pair.acceptor.take().released.isEmpty && pair.initiator.core.references().map(\.introductions) == [1])
        pair.initiator.core.release(service, introductions: 1)
        pair.exchange()
        #expect(pair.acceptor.take().released == [service])
    }

    @Test("references of a reply that nobody waits for are given back by the core", arguments: encodings)
    func unclaimed(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let question = try pair.initiator.call("get")
        pair.exchange()
        let call = try #require(pair.acceptor.take().calls.first).1
        _ = pair.initiator.core.cancel(question)
        let service = try pair.acceptor.core.export(.service)
        pair.acceptor.answer(call.id, references: [.service(service)])
        pair.exchange()
        #expect(pair.acceptor.take().released == [service])
        #expect(pair.initiator.core.statistics.imports == 0)
    }

    @Test("an export that never crossed is taken back; what this side does not know cannot be named")
    func withdraw() throws {
        let pair = try Pair()
        let service = try pair.acceptor.core.export(.service)
        #expect(pair.acceptor.core.withdraw(service) && !pair.acceptor.core.withdraw(service))
        let unknown = #expect(throws: SessionError.self) { try pair.acceptor.call("n", references: [.service(service)]) }
        #expect(unknown?.code == .unknownReference)
        #expect(throws: SessionError.self) { try pair.acceptor.call("n", on: .reference(ReferenceID(rawValue: 4))) }
        #expect(pair.acceptor.core.statistics.questions == 0 && pair.acceptor.core.statistics.bytesQueued == 0)
    }

    @Test(
        "an export that only its own waiting element introduces is taken back, and what else that element brings is gone with it",
        arguments: encodings)
    func withdrawItself(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        func core() -> SessionStatistics { pair.acceptor.core.statistics }
        let channel = try pair.acceptor.core.export(.receiver)
        let sender = try pair.acceptor.core.export(.sender)
        let other = try pair.acceptor.core.export(.receiver)
        #expect(try pair.acceptor.send(channel, "plain") && pair.acceptor.send(other, "plain"))
        #expect(
            try pair.acceptor.send(channel, "all", references: [.sender(sender), .receiver(other), .receiver(channel), .receiver(channel)]))
        pair.acceptor.core.close(channel)
        pair.exchange()
        #expect(pair.acceptor.withdraw(channel) && !pair.acceptor.withdraw(channel))
        #expect(core().exports == 0 && core().channels == 0 && core().bytesQueued == 0)
        pair.exchange()
        #expect(pair.acceptor.take().released == [sender, other])
        // The places serve again, each once.
        let ids = try (0..<4).map { _ in try pair.acceptor.core.export(.receiver) }
        #expect(Set(ids).count == 4 && core().channels == 4)
        for id in ids { #expect(try pair.acceptor.send(id, "\(id.rawValue)")) }
        for id in ids { #expect(pair.acceptor.withdraw(id)) }
        #expect(core().exports == 0 && core().channels == 0)
    }

    @Test(
        "exports that introduce each other in waiting elements are gone when the last was withdrawn, unless one crosses after all",
        arguments: encodings)
    func withdrawRing(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        func ring() throws -> (first: ReferenceID, second: ReferenceID) {
            let first = try pair.acceptor.core.export(.receiver)
            let second = try pair.acceptor.core.export(.receiver)
            #expect(try pair.acceptor.send(first, "1", references: [.receiver(second)]))
            #expect(try pair.acceptor.send(second, "2", references: [.receiver(first)]))
            return (first, second)
        }
        let gone = try ring()
        #expect(!pair.acceptor.withdraw(gone.first), "the element of the other may still bring it across")
        #expect(pair.acceptor.core.statistics.exports == 2)
        #expect(pair.acceptor.withdraw(gone.second) && pair.acceptor.core.statistics.exports == 0)
        pair.exchange()
        #expect(pair.acceptor.take().released == [gone.first])

        let crossing = try ring()
        #expect(!pair.acceptor.withdraw(crossing.first))
        #expect(try hand([.receiver(crossing.first)], pair) == [.receiver(crossing.first)])
        #expect(!pair.acceptor.withdraw(crossing.second), "it has crossed in the element")
        #expect(pair.initiator.core.statistics.imports == 2 && pair.initiator.take().failure == nil)
        for id in [crossing.first, crossing.second] { pair.initiator.core.release(id, introductions: 9) }
        pair.exchange()
        #expect(Set(pair.acceptor.take().released) == [crossing.first, crossing.second])
        #expect(pair.acceptor.core.statistics.exports == 0 && pair.initiator.core.statistics.imports == 0)
    }

    @Test("a withdrawn ring is gone when the element that would have brought it across is dropped", arguments: encodings)
    func withdrawnRingDropped(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let carrier = try pair.acceptor.core.export(.receiver)
        _ = try hand([.receiver(carrier)], pair)
        let ring = try pair.acceptor.core.export(.receiver)
        #expect(try pair.acceptor.send(ring, "itself", references: [.receiver(ring)]))
        #expect(try pair.acceptor.send(carrier, "the ring", references: [.receiver(ring)]))
        #expect(!pair.acceptor.withdraw(ring), "an element brings it across")
        pair.initiator.core.close(carrier)
        for packet in pair.initiator.packets(now: pair.now) { pair.acceptor.receive(packet, now: pair.now) }
        #expect(pair.acceptor.take().released == [ring])
        pair.initiator.core.release(carrier, introductions: 1)
        pair.exchange()
        #expect(pair.acceptor.core.statistics.exports == 0 && pair.acceptor.core.statistics.channels == 0)
    }

    @Test("Y-17: the tables can be looked at, in the order of the ids", arguments: encodings)
    func introspection(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let service = try pair.acceptor.core.export(.service)
        let sender = try pair.acceptor.core.export(.sender)
        _ = try hand([.sender(sender), .service(service)], pair)
        for index in 0..<16 { #expect(try pair.initiator.send(sender, "\(index)")) }
        #expect(try pair.initiator.send(sender, "no credit") == false)
        pair.exchange()
        let rows = pair.acceptor.core.references()
        #expect(rows.map(\.id) == rows.map(\.id).sorted() && rows.allSatisfy { $0.isLocal && $0.introductions == 1 && !$0.isClosed })
        let channel = try #require(rows.first { $0.id == sender })
        #expect(channel.kind == .sender && channel.waitingElements == 16 && channel.creditElements == 0 && channel.windowElements == 16)
        let mirror = try #require(pair.initiator.core.references().first { $0.id == sender })
        #expect(!mirror.isLocal && mirror.creditElements == 0 && mirror.waitingElements == 0)
        #expect(pair.initiator.core.statistics.channels == 1 && pair.initiator.core.statistics.elementsSent == 16)
    }
}

@Suite("Promises")
struct PromiseTests {
    static let encodings: [LinkTraits] = [.stream, .text, .datagram]

    @Test("a call on what an earlier call will return leaves at once and arrives when it is known", arguments: encodings)
    func pipelining(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let open = try pair.initiator.call("open", options: .keepsAnswer)
        let read = try pair.initiator.call("read", on: .promise(open, index: 0))
        let write = try pair.initiator.call("write", on: .promise(open, index: 0))
        pair.exchange()
        let first = pair.acceptor.take().calls
        #expect(first.count == 1, "the other two are held")
        let file = try pair.acceptor.core.export(.service)
        pair.acceptor.answer(first[0].1.id, references: [.service(file)])
        pair.exchange()
        let held = pair.acceptor.take().calls.map(\.1)
        #expect(held.map(\.target) == [file, file], "in the order in which they were made")
        for call in held { pair.acceptor.answer(call.id) }
        pair.exchange()
        #expect(pair.initiator.take().returns.map(\.1) == [open, read, write])
        // The reply is kept: promises may still name it.
        _ = try pair.initiator.call("stat", on: .promise(open, index: 0))
        pair.exchange()
        let late = try #require(pair.acceptor.take().calls.first).1
        #expect(late.target == file)
        pair.acceptor.answer(late.id)
        pair.initiator.core.release(file, introductions: 1)
        pair.exchange()
        #expect(pair.acceptor.core.statistics.exports == 1, "the kept reply holds it")
        pair.initiator.core.finish(open)
        pair.exchange()
        #expect(pair.acceptor.take().released == [file])
        #expect(pair.acceptor.core.statistics.answers == 0 && pair.initiator.core.statistics.questions == 0)
        #expect(throws: SessionError.self) { try pair.initiator.call("stat", on: .promise(open, index: 0)) }
    }

    @Test("a promise that breaks fails the calls that wait for it, which never began", arguments: encodings)
    func broken(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let open = try pair.initiator.call("open", options: .keepsAnswer)
        let read = try pair.initiator.call("read", on: .promise(open, index: 0), options: .keepsAnswer)
        let parse = try pair.initiator.call("parse", on: .promise(read, index: 0))
        let other = try pair.initiator.call("open", options: .keepsAnswer)
        let beyond = try pair.initiator.call("read", on: .promise(other, index: 3))
        pair.exchange()
        let calls = pair.acceptor.take().calls
        #expect(calls.count == 2)
        pair.acceptor.core.answer(calls[0].1.id, failure: CallFailure(.denied, "no"))
        pair.acceptor.answer(calls[1].1.id)
        pair.exchange()
        let returns = pair.initiator.take().returns
        #expect(returns.map(\.1) == [open, read, parse, other, beyond])
        #expect(returns.map { $0.2.failure?.code } == [.denied, .brokenPromise, .brokenPromise, nil, .noSuchReference])
        #expect(returns[1].2.failure?.maybeExecuted == false)
        for question in [open, read, other] { pair.initiator.core.finish(question) }
        pair.exchange()
        #expect(pair.acceptor.core.statistics.answers == 0)
    }

    @Test("a promise may be an argument; later calls for the same target wait behind it", arguments: encodings)
    func argument(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let open = try pair.initiator.call("open", options: .keepsAnswer)
        _ = try pair.initiator.call("copy", "1", references: [.promise(open), .null])
        _ = try pair.initiator.call("copy", "2")
        pair.exchange()
        let first = pair.acceptor.take().calls
        #expect(first.count == 1)
        let file = try pair.acceptor.core.export(.service)
        pair.acceptor.answer(first[0].1.id, references: [.service(file)])
        pair.exchange()
        let calls = pair.acceptor.take().calls
        #expect(calls.map { $0.0.text($0.1.payload).filter { $0 != "\"" } } == ["1", "2"])
        #expect(calls[0].1.references == [.service(file), .null])
    }

    @Test("a held call is called off, or expires, without ever beginning", arguments: encodings)
    func heldEnds(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let open = try pair.initiator.call("open", options: .keepsAnswer)
        let cancelled = try pair.initiator.call("read", on: .promise(open, index: 0))
        _ = try pair.initiator.call("read", on: .promise(open, index: 0), deadline: .milliseconds(50), now: pair.now)
        try pair.initiator.callOneWay("touch", on: .promise(open, index: 0), deadline: .milliseconds(50), now: pair.now)
        pair.exchange()
        #expect(pair.acceptor.core.statistics.answers == 4)
        #expect(pair.initiator.core.cancel(cancelled) == true)
        pair.exchange()
        #expect(pair.acceptor.core.statistics.answers == 3)
        pair.now = pair.now + .milliseconds(100)
        pair.acceptor.advance(to: pair.now)
        pair.exchange()
        let returns = pair.initiator.take().returns
        #expect(returns.map { $0.2.failure?.code } == [.timeout] && returns[0].2.failure?.maybeExecuted == false)
        #expect(pair.acceptor.core.statistics.answers == 1)
        let calls = pair.acceptor.take().calls
        pair.acceptor.answer(calls[0].1.id)
        pair.initiator.core.finish(open)
        pair.exchange()
        #expect(calls.count == 1 && pair.acceptor.core.statistics.answers == 0)
    }

    @Test("FINISH right behind the calls that use the promise keeps them working", arguments: encodings)
    func finishEarly(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let open = try pair.initiator.call("open", options: .keepsAnswer)
        let read = try pair.initiator.call("read", on: .promise(open, index: 0))
        pair.initiator.core.finish(open)
        pair.exchange()
        let first = try #require(pair.acceptor.take().calls.first).1
        let file = try pair.acceptor.core.export(.service)
        pair.acceptor.answer(first.id, references: [.service(file)])
        pair.exchange()
        let held = try #require(pair.acceptor.take().calls.first).1
        #expect(held.target == file)
        pair.acceptor.answer(held.id)
        pair.exchange()
        #expect(pair.initiator.take().returns.map(\.1) == [open, read])
        #expect(pair.initiator.core.statistics.questions == 0 && pair.acceptor.core.statistics.answers == 0)
    }
}
