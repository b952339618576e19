import Testing

@testable import SkerrySession

@Suite("Links")
struct LinkTests {
    static let encodings: [LinkTraits] = [.stream, .text, .datagram]

    @Test(
        "Y-15: a session over a link that is cut 100 times resumes and delivers each packet's effect once, in order", arguments: encodings)
    func cutAHundredTimes(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        var asked: [QuestionID] = []
        var executed: [String] = []
        var returned: [QuestionID] = []
        var generator = SeededGenerator(seed: 100)
        for cut in 0..<100 {
            for index in 0..<3 { asked.append(try pair.initiator.call("n", "\(cut * 3 + index)")) }
            // Of the packets that are under way when the link breaks, any number arrives.
            for _ in 0..<4 {
                let there = pair.initiator.packets(now: pair.now)
                for packet in there.prefix(Int(generator.below(3))) { pair.acceptor.receive(packet, now: pair.now) }
                for (received, call) in pair.acceptor.take().calls {
                    executed.append(received.text(call.payload))
                    pair.acceptor.answer(call.id)
                }
                let back = pair.acceptor.packets(now: pair.now)
                for packet in back.prefix(Int(generator.below(3))) { pair.initiator.receive(packet, now: pair.now) }
                returned += pair.initiator.take().returns.map(\.1)
            }
            pair.detach()
            pair.now = pair.now + .milliseconds(10)
            try pair.attach()
            for packet in pair.initiator.packets(now: pair.now) { pair.acceptor.receive(packet, now: pair.now) }
            for packet in pair.acceptor.packets(now: pair.now) { pair.initiator.receive(packet, now: pair.now) }
        }
        pair.exchange()
        for (received, call) in pair.acceptor.take().calls {
            executed.append(received.text(call.payload))
            pair.acceptor.answer(call.id)
        }
        pair.exchange()
        returned += pair.initiator.take().returns.map(\.1)
        #expect(executed.map { $0.filter { $0 != "\"" } } == (0..<300).map(String.init))
        #expect(returned == asked)
        #expect(pair.initiator.core.statistics.resumptions == 100 && pair.acceptor.core.statistics.resumptions == 100)
        #expect(pair.initiator.core.statistics.packetsResent > 0)
        #expect(pair.initiator.core.statistics.bytesRetained == 0 || traits.delivery == .ordered)
    }

    @Test("while no link is there, calls wait; what waits is bounded, and all of it leaves with the next link", arguments: encodings)
    func waitsWithoutLink(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        pair.detach()
        var count = 0
        while (try? pair.initiator.call("n")) != nil { count += 1 }
        #expect(count == SessionLimits.callsInFlight)
        #expect(pair.initiator.packets(now: pair.now).isEmpty)
        try pair.attach()
        pair.exchange()
        #expect(pair.acceptor.take().calls.count == count)
    }

    @Test("calls may be made before the first handshake", arguments: encodings)
    func beforeHandshake(_ traits: LinkTraits) throws {
        let pair = try Pair(traits, attached: false)
        _ = try pair.initiator.call("early")
        try pair.attach()
        pair.exchange()
        let events = pair.acceptor.take()
        guard case .established(_, resumed: false) = events.first?.event else { throw Mismatch() }
        #expect(events.calls.count == 1)
    }

    @Test("Y-32: a silent peer is asked after 5 s, then each 3 s, and the link is dead after 14 s", arguments: encodings)
    func silence(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let start = pair.now
        var pings: [Int64] = []
        var lost: Int64?
        while lost == nil, pair.now < start + .seconds(60) {
            pair.now = pair.now + .milliseconds(100)
            pair.initiator.advance(to: pair.now)
            if !pair.initiator.packets(now: pair.now).isEmpty { pings.append((pair.now - start).nanoseconds / 100_000_000) }
            for received in pair.initiator.take() {
                if case .linkLost = received.event { lost = (pair.now - start).nanoseconds / 100_000_000 }
            }
        }
        #expect(pings == [50, 80, 110] && lost == 140)
    }

    @Test("Y-32: pings that are answered keep an idle link alive, and measure the round trip", arguments: encodings)
    func pings(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        for _ in 0..<60 {
            pair.pass(.seconds(1))
            let questions = pair.initiator.packets(now: pair.now)
            pair.now = pair.now + .milliseconds(20)
            for packet in questions { pair.acceptor.receive(packet, now: pair.now) }
            pair.exchange()
        }
        #expect(pair.initiator.core.isEstablished && pair.initiator.take().failure == nil)
        #expect(pair.initiator.core.statistics.roundTrip == .milliseconds(20))
    }

    @Test("Y-32: a session without a link fails after the resume window, and every call with it at once", arguments: encodings)
    func resumeWindow(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let sent = try pair.initiator.call("sent")
        pair.exchange()
        pair.detach()
        let unsent = try pair.initiator.call("unsent")
        pair.pass(.seconds(29))
        #expect(pair.initiator.take().failure == nil)
        pair.pass(.seconds(2))
        let events = pair.initiator.take()
        #expect(events.returns.map(\.1) == [sent, unsent])
        #expect(events.returns.map { $0.2.failure?.maybeExecuted } == [true, false], "what never left is known not to have happened")
        #expect(events.returns.allSatisfy { $0.2.failure?.code == .peerLost } && events.failure?.code == .peerLost)
        #expect(pair.acceptor.take().cancellations.map(\.1) == [.session])
        #expect(throws: SessionError.self) { try pair.initiator.call("n") }
        #expect(pair.initiator.core.isFinished && pair.initiator.core.nextDeadline == .distantFuture)
    }

    @Test("attempts that come to nothing do not lengthen the resume window")
    func attemptsDoNotLengthen() throws {
        let pair = try Pair()
        pair.detach()
        for _ in 0..<8 {
            try? pair.initiator.core.attach(pair.traits, now: pair.now)
            pair.pass(.seconds(4))
            pair.initiator.detach(now: pair.now)
        }
        #expect(pair.initiator.take().failure?.code == .peerLost)
    }

    @Test("a session without a resume window ends with its link and keeps nothing for sending again")
    func notResumable() throws {
        var brief = SessionConfiguration()
        brief.resumeWindow = .zero
        let pair = try Pair(acceptor: brief)
        let question = try pair.initiator.call("n")
        pair.exchange()
        #expect(pair.initiator.core.statistics.bytesRetained == 0)
        pair.detach()
        let events = pair.initiator.take()
        #expect(events.returns.map(\.1) == [question] && events.failure?.code == .peerLost)
    }

    @Test("N-29: a peer that restarted is found out by its epoch; what was under way may have been executed", arguments: encodings)
    func restarted(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        let question = try pair.initiator.call("n")
        pair.exchange()
        pair.detach()
        // The acceptor's process is a new one and knows nothing of the session.
        var configuration = SessionConfiguration()
        configuration.encoding = traits.encoding
        let identity = SessionIdentity(session: pair.initiator.core.identity.session, epoch: 23)
        let fresh = Side(SessionCore(role: .acceptor, configuration: configuration, identity: identity, now: pair.now))
        try pair.initiator.core.attach(traits, now: pair.now)
        try fresh.core.attach(traits, now: pair.now)
        for packet in pair.initiator.packets(now: pair.now) { fresh.receive(packet, now: pair.now) }
        #expect(fresh.take().failure?.code == .peerRestarted)
        for packet in fresh.packets(now: pair.now) { pair.initiator.receive(packet, now: pair.now) }
        let events = pair.initiator.take()
        #expect(events.failure?.code == .peerRestarted)
        #expect(events.returns.map(\.1) == [question] && events.returns[0].2.failure?.maybeExecuted == true)
    }

    @Test("an acceptor whose HELLO was lost with the link is still the one that the initiator resumes", arguments: encodings)
    func helloLost(_ traits: LinkTraits) throws {
        let pair = try Pair(traits, attached: false)
        _ = try pair.initiator.call("early")
        try pair.attach()
        for packet in pair.initiator.packets(now: pair.now) { pair.acceptor.receive(packet, now: pair.now) }
        _ = pair.acceptor.packets(now: pair.now)
        pair.detach()
        try pair.attach()
        pair.exchange()
        #expect(pair.acceptor.take().calls.count == 1 && pair.initiator.take().failure == nil)
    }

    @Test("an acceptor reads from the first packet which session it is for", arguments: encodings)
    func peek(_ traits: LinkTraits) throws {
        var configuration = SessionConfiguration()
        configuration.applicationData = [1, 2, 3]
        configuration.callsInFlight = 77
        let pair = try Pair(traits, initiator: configuration, attached: false)
        try pair.attach()
        let packet = try #require(pair.initiator.packet(now: pair.now))
        let hello = try packet.withUnsafeBytes { try SessionHello(readingFrom: $0, traits: traits) }
        #expect(hello.identity == pair.initiator.core.identity && !hello.isResuming && hello.received == 0)
        #expect(hello.applicationData == [1, 2, 3] && hello.callsInFlight == 77 && hello.resumeWindow == .seconds(30))
        pair.acceptor.receive(packet, now: pair.now)
        #expect(pair.acceptor.core.peer == hello)
        #expect(throws: ProtocolViolation.self) {
            try [UInt8]("GET / HTTP/1.1\r\n".utf8).withUnsafeBytes { try SessionHello(readingFrom: $0, traits: traits) }
        }
    }

    @Test("GOAWAY: the peer asks for nothing more, what is under way ends, then both know that they may part", arguments: encodings)
    func goAway(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        _ = try pair.initiator.call("before")
        pair.exchange()
        let call = try #require(pair.acceptor.take().calls.first).1
        pair.acceptor.core.goAway(CloseReason(code: 1, "upgrade"))
        // A call that crosses the notice is still served.
        _ = try pair.initiator.call("crossing")
        pair.exchange()
        let crossing = try #require(pair.acceptor.take().calls.first).1
        #expect(pair.initiator.take().contains { if case .goingAway(let reason) = $0.event { reason.message == "upgrade" } else { false } })
        let error = #expect(throws: SessionError.self) { try pair.initiator.call("after") }
        #expect(error?.code == .goingAway)
        func drained() -> Bool {
            pair.pass(.milliseconds(200))
            pair.exchange()
            return pair.acceptor.take().contains { if case .drained = $0.event { true } else { false } }
        }
        #expect(!drained())
        pair.acceptor.answer(call.id)
        pair.acceptor.answer(crossing.id)
        pair.exchange()
        #expect(drained())
        #expect(pair.initiator.take().returns.allSatisfy { $0.2.failure == nil })
        pair.acceptor.close(now: pair.now)
        pair.exchange()
        #expect(pair.initiator.take().failure?.code == .closedByPeer && pair.acceptor.core.isFinished && pair.initiator.core.isFinished)
    }

    @Test("Y-32: closing tells the peer, after what was queued; both fail their calls at once", arguments: encodings)
    func close(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        _ = try pair.initiator.call("a")
        let question = try pair.acceptor.call("b")
        pair.exchange()
        let calls = pair.acceptor.take().calls
        pair.acceptor.answer(try #require(calls.first).1.id, "last words")
        pair.acceptor.close(CloseReason(code: 5, "tired"), now: pair.now)
        let local = pair.acceptor.take()
        #expect(local.returns.map(\.1) == [question] && local.failure?.code == .closed)
        pair.exchange()
        let events = pair.initiator.take()
        #expect(events.returns.first?.2.failure == nil, "the reply that was queued arrives")
        #expect(events.failure?.code == .closedByPeer && events.failure?.message.contains("tired") == true)
        #expect(events.cancellations.map(\.1) == [.session])
        #expect(pair.acceptor.isFinished)
    }

    @Test("a link of another encoding, or with packets too small for what must be sent again, is refused and changes nothing")
    func incompatibleLinks() throws {
        let pair = try Pair()
        #expect(throws: SessionError.self) { try pair.initiator.core.attach(.text, now: pair.now) }
        _ = try pair.initiator.call("n", String(repeating: "x", count: 5_000))
        _ = pair.initiator.packets(now: pair.now)
        pair.detach()
        let error = #expect(throws: SessionError.self) { try pair.initiator.core.attach(.datagram, now: pair.now) }
        #expect(error?.code == .incompatibleLink)
        try pair.attach()
        pair.exchange()
        #expect(pair.acceptor.take().calls.count == 1)
    }

    @Test("a link is replaced while the other side has not noticed that it is lost", arguments: encodings)
    func replaced(_ traits: LinkTraits) throws {
        let pair = try Pair(traits)
        _ = try pair.initiator.call("n")
        _ = pair.initiator.packets(now: pair.now)
        pair.initiator.detach(now: pair.now)
        try pair.attach()
        pair.exchange()
        #expect(pair.acceptor.take().calls.count == 1 && pair.acceptor.core.isEstablished && pair.initiator.core.isEstablished)
    }
}
