import Testing

@testable import SkerrySession

@Suite("Calls")
struct CallTests {
    static let encodings: [LinkTraits] = [.stream, .text, .datagram]

    @Test(
        "Y-11: over streams, text messages and datagrams a call is answered with its value, once, and nothing stays in the tables",
        arguments: encodings)
    func callAndReturn(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        _ = pair.initiator.take()
        _ = pair.acceptor.take()
        let question = try pair.initiator.call("greet", "mare", deadline: .seconds(1), now: pair.now)
        pair.exchange()
        let arrived = pair.acceptor.take()
        guard case .methodDefined(let definition) = arrived.first?.event else { throw Mismatch() }
        #expect(definition.name == "greet" && definition.digest == (traits.encoding == .text ? 0 : 7))
        let (received, call) = try #require(arrived.calls.first)
        #expect(call.target == .root && call.method == definition.id && call.deadline == pair.now + .seconds(1))
        #expect(received.text(call.payload) == (traits.encoding == .text ? "\"mare\"" : "mare"))
        pair.acceptor.answer(call.id, "hello mare", confirmsDigest: true)
        pair.exchange()
        let (reply, id, outcome) = try #require(pair.initiator.take().returns.first)
        #expect(id == question && outcome.failure == nil)
        #expect(reply.text(outcome.payload) == (traits.encoding == .text ? "\"hello mare\"" : "hello mare"))
        #expect(pair.initiator.core.isConfirmed(try pair.initiator.core.method("greet", digest: 7)))
        #expect(pair.initiator.core.statistics.questions == 0 && pair.acceptor.core.statistics.answers == 0)
    }

    @Test("N-28: many calls are under way at once and are answered in any order", arguments: encodings)
    func answersInAnyOrder(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let questions = try (0..<100).map { try pair.initiator.call("n", "\($0)") }
        pair.exchange()
        let calls = pair.acceptor.take().calls
        #expect(calls.count == 100)
        for (received, call) in calls.reversed() { pair.acceptor.answer(call.id, received.text(call.payload).filter { $0 != "\"" }) }
        pair.exchange()
        let returns = pair.initiator.take().returns
        #expect(returns.map(\.1) == questions.reversed())
        #expect(returns.map { $0.0.text($0.2.payload).filter { $0 != "\"" } } == (0..<100).reversed().map(String.init))
    }

    @Test("a failure crosses with code, text, time to wait and whether the call was executed", arguments: encodings)
    func failure(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        _ = try pair.initiator.call("fail")
        pair.exchange()
        let call = try #require(pair.acceptor.take().calls.first).1
        let failure = CallFailure(.overloaded, "busy: \"é\"\n", maybeExecuted: false, retryAfter: .milliseconds(250))
        pair.acceptor.core.answer(call.id, failure: failure)
        pair.exchange()
        let outcome = try #require(pair.initiator.take().returns.first).2
        #expect(outcome.failure == failure && outcome.payload.count == 0 && outcome.format == .none)
    }

    @Test("N-28: one-way calls have no reply, are counted while they run and hold the caller back when they pile up", arguments: encodings)
    func oneWay(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        for _ in 0..<SessionLimits.oneWayCalls { try pair.initiator.callOneWay("touch") }
        #expect(throws: SessionError.self) { try pair.initiator.callOneWay("touch") }
        pair.exchange()
        let calls = pair.acceptor.take().calls
        #expect(calls.count == SessionLimits.oneWayCalls && calls.allSatisfy { $0.1.id.isOneWay })
        #expect(Set(calls.map(\.1.id)).count == calls.count)
        #expect(pair.acceptor.core.statistics.answers == calls.count)
        for (_, call) in calls { pair.acceptor.answer(call.id) }
        pair.exchange()
        #expect(pair.initiator.take().contains { if case .callsPermitted = $0.event { true } else { false } })
        try pair.initiator.callOneWay("touch")
        #expect(pair.acceptor.core.statistics.answers == 0)
    }

    @Test("beyond the calls that the peer takes at once the caller waits and is told when to go on", arguments: encodings)
    func callLimit(_ traits: LinkTraits) throws {
        var few = SessionConfiguration()
        few.callsInFlight = 3
        let pair = try Pair(traits, acceptor: few)
        for _ in 0..<3 { _ = try pair.initiator.call("n") }
        let error = #expect(throws: SessionError.self) { try pair.initiator.call("n") }
        #expect(error?.code == .mustWait)
        pair.exchange()
        let call = try #require(pair.acceptor.take().calls.first).1
        _ = pair.initiator.take()
        pair.acceptor.answer(call.id)
        pair.exchange()
        #expect(pair.initiator.take().contains { if case .callsPermitted = $0.event { true } else { false } })
        _ = try pair.initiator.call("n")
    }

    @Test("a cancelled call resumes its caller at once, tells the callee, and its reply is dropped", arguments: encodings)
    func cancel(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let unsent = try pair.initiator.call("n")
        #expect(pair.initiator.core.cancel(unsent) == false, "it never left, so it was not executed")
        #expect(pair.initiator.core.cancel(unsent) == nil)
        let sent = try pair.initiator.call("n")
        pair.exchange()
        #expect(pair.initiator.core.cancel(sent) == true)
        pair.exchange()
        let events = pair.acceptor.take()
        #expect(events.calls.count == 1 && events.cancellations.map(\.1) == [.caller], "the first one never began")
        #expect(events.contains { if case .methodDefined = $0.event { true } else { false } }, "although it defined the method")
        for (_, call) in events.calls { pair.acceptor.answer(call.id, "late") }
        pair.exchange()
        #expect(pair.initiator.take().returns.isEmpty)
        #expect(pair.initiator.core.statistics.questions == 0 && pair.acceptor.core.statistics.answers == 0)
    }

    @Test("a deadline acts on both sides by their own clocks, and a late reply is discarded", arguments: encodings)
    func deadline(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let question = try pair.initiator.call("slow", deadline: .milliseconds(40), now: pair.now)
        pair.exchange()
        let call = try #require(pair.acceptor.take().calls.first).1
        pair.pass(.milliseconds(39))
        #expect(pair.initiator.take().returns.isEmpty && pair.acceptor.take().cancellations.isEmpty)
        pair.pass(.milliseconds(20))
        let (_, id, outcome) = try #require(pair.initiator.take().returns.first)
        #expect(id == question && outcome.failure?.code == .timeout && outcome.failure?.maybeExecuted == true)
        #expect(pair.acceptor.take().cancellations.map(\.1) == [.deadline], "without a word from the caller")
        pair.exchange()
        pair.acceptor.answer(call.id, "late")
        pair.exchange()
        #expect(pair.initiator.take().returns.isEmpty && pair.initiator.core.statistics.questions == 0)
    }

    @Test("N-27: a long call is acknowledged at once and later says on being asked that it still works", arguments: encodings)
    func working(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let question = try pair.initiator.call("long", options: .acknowledged)
        pair.exchange()
        func signs() -> Int { pair.initiator.take().count { if case .working(question) = $0.event { true } else { false } } }
        #expect(signs() == 1)
        pair.initiator.core.probe(question)
        pair.exchange()
        #expect(signs() == 1)
        let call = try #require(pair.acceptor.take().calls.first).1
        pair.acceptor.core.working(call.id)
        pair.exchange()
        #expect(signs() == 1)
        pair.acceptor.answer(call.id)
        pair.initiator.core.probe(question)
        pair.exchange()
        #expect(signs() == 0, "the reply is the answer")
    }

    @Test("a call for something that is gone or was taken out of use fails alone", arguments: encodings)
    func noSuchReference(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let service = try pair.acceptor.core.export(.service)
        _ = try pair.initiator.call("get")
        pair.exchange()
        pair.acceptor.answer(try #require(pair.acceptor.take().calls.first).1.id, references: [.service(service)])
        pair.exchange()
        pair.acceptor.core.close(service, reason: CloseReason(code: 4, "revoked"))
        _ = try pair.initiator.call("use", on: .reference(service))
        pair.exchange()
        let events = pair.initiator.take()
        #expect(events.closes.map(\.1.message) == ["revoked"])
        #expect(events.returns.last?.2.failure?.code == .noSuchReference && events.returns.last?.2.failure?.maybeExecuted == false)
        #expect(pair.acceptor.take().calls.isEmpty)
    }

    @Test("values beyond a frame are refused to the sender; a result beyond it becomes a failure that says so")
    func tooLarge() throws {
        let pair = try Pair()
        let limit = SessionLimits.frameMaximum - SessionLimits.frameOverhead
        let error = #expect(throws: SessionError.self) { try pair.initiator.call("n", String(repeating: "x", count: limit + 1)) }
        #expect(error?.code == .tooLarge)
        _ = try pair.initiator.call("n", String(repeating: "x", count: limit))
        pair.exchange()
        let (received, call) = try #require(pair.acceptor.take().calls.first)
        #expect(received.bytes(call.payload).count == limit, "the largest one arrives, in parts")
        pair.acceptor.answer(call.id, String(repeating: "x", count: limit + 1))
        pair.exchange()
        #expect(pair.initiator.take().returns.first?.2.failure?.code == .resultTooLarge)
    }

    @Test("control overtakes: a cancellation does not wait behind megabytes of elements and calls")
    func controlOvertakes() throws {
        var generous = SessionConfiguration()
        generous.channelBytes = 1 << 20
        generous.channelElements = 1_000
        let pair = try Pair(initiator: generous, acceptor: generous)
        let sender = try pair.acceptor.core.export(.sender)
        _ = try pair.initiator.call("get")
        pair.exchange()
        pair.acceptor.answer(try #require(pair.acceptor.take().calls.first).1.id, references: [.sender(sender)])
        pair.exchange()
        let question = try pair.initiator.call("long")
        pair.exchange()
        for _ in 0..<900 { _ = try pair.initiator.send(sender, String(repeating: "e", count: 1_000)) }
        for _ in 0..<50 { _ = try pair.initiator.call("bulk", String(repeating: "c", count: 20_000)) }
        _ = pair.initiator.core.cancel(question)
        let first = try #require(pair.initiator.packet(now: pair.now))
        pair.acceptor.receive(first, now: pair.now)
        #expect(pair.acceptor.take().cancellations.count == 1)
    }

    @Test("an id is never used twice, also when places in the table are")
    func idsAscend() throws {
        let pair = try Pair()
        var ids: Set<UInt64> = []
        for _ in 0..<1_000 {
            ids.insert(try pair.initiator.call("n").rawValue)
            pair.exchange()
            for (_, call) in pair.acceptor.take().calls { pair.acceptor.answer(call.id) }
            pair.exchange()
        }
        #expect(ids.count == 1_000 && ids.allSatisfy { $0 < 1 << 53 && $0 % 2 == 0 })
        #expect(Set(ids.map { QuestionID(rawValue: $0).index }).count == 1, "one place serves them all")
    }
}

struct Mismatch: Error {}
