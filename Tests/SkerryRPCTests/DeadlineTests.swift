import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import Testing

@Suite("Deadlines and cancellation", .timeLimit(.minutes(1)))
struct DeadlineTests {
    /// A root whose command `wait` waits at a gate, notes how it ended, and answers.
    struct Waiting {
        let gate = Gate()
        /// What an answer waits for; open unless a test wants none before it says so.
        let answers = Gate()
        let ended = Journal<String>()
        let remaining = Journal<Duration?>()
        let registry = Registry()

        init(answersAtOnce: Bool = true) {
            if answersAtOnce { answers.open() }
            registry.addHandler("wait") { [gate, answers, ended, remaining] _ in
                remaining.add(Call.remaining)
                await withTaskCancellationHandler {
                    await gate.wait()
                } onCancel: {
                    gate.open()
                }
                ended.add(Task.isCancelled ? "cancelled" : "done")
                await answers.wait()
                return .null
            }
        }
    }

    @Test("a call takes 30 seconds at most when nobody says otherwise; then the caller gets a timeout and the callee is cancelled")
    func defaultDeadline() async throws {
        // Both sides' deadlines are due at one moment of the clock: an answer of the cancelled callee would race with the caller's own.
        let waiting = Waiting(answersAtOnce: false)
        let clock = ManualClock()
        var options = SessionOptions()
        options.clock = clock
        // No pings in between: only the deadline ends the wait.
        let pair = try await SessionPair(root: waiting.registry.facet, options: options)
        let root = pair.client.rootReference
        let call = Task { try await Call.with(clock: clock) { try await root.invoke("wait", .object([:])) } }
        try await eventually { waiting.gate.waiting == 1 }
        // In steps, so that pings are answered.
        for second in 1...29 {
            clock.advance(to: .zero + .seconds(second))
            try await pair.client.rootReference.pingUnlessMissing()
        }
        #expect(waiting.ended.entries.isEmpty)
        clock.advance(to: .zero + .seconds(31))
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .timeout)
        #expect(error?.maybeExecuted == true)
        try await eventually { waiting.ended.entries == ["cancelled"] }
        waiting.answers.open()
        await pair.close()
    }

    @Test("the callee sees what is left of the deadline, and calls that it makes inherit it")
    func inherited() async throws {
        let waiting = Waiting()
        let clock = ManualClock()
        var options = SessionOptions()
        options.clock = clock
        let far = try await SessionPair(root: waiting.registry.facet, options: options)
        let near = Registry(delegate: far.client.rootReference)
        let pair = try await SessionPair(root: near.facet, options: options)
        let root = pair.client.rootReference
        let call = Task {
            try await Call.with(clock: clock) { try await Call.with(deadline: .seconds(4)) { try await root.invoke("wait", .object([:])) } }
        }
        try await eventually { waiting.gate.waiting == 1 }
        let left = try #require(waiting.remaining.entries.first ?? nil)
        #expect(left <= .seconds(4) && left > .seconds(3))
        waiting.gate.open()
        _ = try await call.value
        await pair.close()
        await far.close()
    }

    @Test("a nested scope takes the earlier deadline")
    func nested() async throws {
        let clock = ManualClock()
        await Call.with(clock: clock) {
            #expect(Call.remaining == nil)
            await Call.with(deadline: .seconds(5)) {
                #expect(Call.remaining == .seconds(5))
                await Call.with(deadline: .seconds(9)) { #expect(Call.remaining == .seconds(5)) }
                await Call.with(deadline: .seconds(2)) { #expect(Call.remaining == .seconds(2)) }
                clock.advance(by: .seconds(3))
                #expect(Call.remaining == .seconds(2))
            }
        }
    }

    @Test("a call whose deadline has passed is not made")
    func expired() async throws {
        let pair = try await SessionPair.withArith()
        let error = await #expect(throws: CallError.self) {
            try await Call.with(deadline: .zero) { try await pair.arith.succ(1) }
        }
        #expect(error?.code == .timeout)
        #expect(error?.maybeExecuted == false)
        await pair.close()
    }

    @Test("a cancelled caller goes on at once, the callee is cancelled, and nothing is left of the call")
    func cancelled() async throws {
        let waiting = Waiting()
        let pair = try await SessionPair(root: waiting.registry.facet)
        let root = pair.client.rootReference
        let call = Task { try await root.invoke("wait", .object([:])) }
        try await eventually { waiting.gate.waiting == 1 }
        call.cancel()
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .cancelled)
        #expect(error?.maybeExecuted == true)
        try await eventually { waiting.ended.entries == ["cancelled"] }
        try await eventually { pair.client.statistics.core.questions == 0 && pair.server.statistics.core.answers == 0 }
        await pair.close()
    }

    @Test("a call of a task that is cancelled already is not made")
    func cancelledBefore() async throws {
        let pair = try await SessionPair.withArith()
        let arith = pair.arith
        let call = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await arith.succ(1)
        }
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .cancelled)
        #expect(error?.maybeExecuted == false)
        await pair.close()
    }

    @Test("beyond the calls that may be in flight callers wait their turn, and beyond those that may wait they are refused")
    func callersWait() async throws {
        let waiting = Waiting()
        var options = SessionOptions()
        options.configuration.callsInFlight = 4
        options.callersWaiting = 3
        let pair = try await SessionPair(root: waiting.registry.facet, options: options)
        let root = pair.client.rootReference
        let calls = (0..<7).map { _ in Task.immediate { try await root.invoke("wait", .object([:])) } }
        try await eventually { waiting.gate.waiting == 4 && pair.client.statistics.callersWaiting == 3 }
        let error = await #expect(throws: CallError.self) { try await root.invoke("wait", .object([:])) }
        #expect(error?.code == .overloaded)
        #expect(error?.maybeExecuted == false)
        waiting.gate.open()
        for call in calls { _ = try await call.value }
        #expect(waiting.ended.entries.count == 7)
        await pair.close()
    }

    @Test("N-27: a call that lasts an hour stays alive as long as its peer does")
    func longCall() async throws {
        let waiting = Waiting()
        let clock = ManualClock()
        var options = SessionOptions()
        options.clock = clock
        let pair = try await SessionPair(root: waiting.registry.facet, options: options)
        let root = pair.client.rootReference
        let call = Task {
            try await Call.with(clock: clock) {
                try await Call.with(deadline: .seconds(7_200)) { try await root.invoke("wait", .object([:])) }
            }
        }
        try await eventually { waiting.gate.waiting == 1 }
        // An hour in steps of two seconds; each lets the pings of both sides be answered.
        for step in 1...(Soak.isOn ? 1_800 : 120) {
            let before = pair.server.statistics.core.packetsReceived + pair.client.statistics.core.packetsReceived
            clock.advance(by: .seconds(Soak.isOn ? 2 : 4))
            if step % 4 == 0 {
                try await eventually {
                    pair.server.statistics.core.packetsReceived + pair.client.statistics.core.packetsReceived > before
                        || pair.client.statistics.core.packetsSent == pair.server.statistics.core.packetsReceived
                }
            }
            try await root.pingUnlessMissing()
        }
        #expect(waiting.ended.entries.isEmpty)
        waiting.gate.open()
        #expect(try await call.value == .null)
        await pair.close()
    }
}

extension Reference {
    /// A round trip with whatever root there is.
    fileprivate func pingUnlessMissing() async throws {
        do { try await ping() } catch let error as CallError where error.code == .noSuchMethod {}
    }
}
