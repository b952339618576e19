import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import SkerryWire
import Testing

@Suite("Calls that are repeated over new sessions", .timeLimit(.minutes(1)))
struct RetryTests {
    /// A peer whose process dies and comes back: each life is a server of its own, which knows nothing of former sessions.
    final class Node: Connector {
        let book = Bookkeeper()
        private let root: @Sendable (Node) -> Reference
        private let state = Locked<(server: SessionServer?, link: (any Link)?, connections: Int)>((nil, nil, 0))

        private let network: SimulatedNetwork?

        /// - Parameter network: carries the links; memory where there is none.
        init(
            over network: SimulatedNetwork? = nil,
            _ root: @escaping @Sendable (Node) -> Reference = { LedgerService.reference(to: $0.book) }
        ) {
            self.network = network
            self.root = root
            start()
        }

        var connections: Int { state.withLock { $0.connections } }
        var server: SessionServer? { state.withLock { $0.server } }

        func start() {
            let server = SessionServer(root: root(self))
            state.withLock { $0.server = server }
        }

        /// Nothing is said any more; who connects is refused until the next start.
        func kill() {
            let link = state.withLock { state in
                state.server = nil
                defer { state.link = nil }
                return state.link
            }
            link?.cut()
        }

        /// The next life begins as the one before ends: nobody who looks at once finds it missing.
        func restart() {
            let link = state.withLock { state in
                defer { state.link = nil }
                return state.link
            }
            start()
            link?.cut()
        }

        func connect() async throws(LinkError) -> any Link {
            let server = state.withLock { state in
                state.connections += 1
                return state.server
            }
            guard let server else { throw LinkError(.refused, "nobody listens") }
            let (near, far) = network?.pair(delivery: .ordered) ?? MemoryLink.pair()
            state.withLock { $0.link = far }
            server.accept(far)
            return near
        }
    }

    /// Without pauses that a test would have to wait for.
    private var quick: RetryPolicy {
        var policy = RetryPolicy()
        policy.reconnect.initial = .zero
        policy.reconnect.budget = 100_000
        return policy
    }

    private func client(of node: Node, _ policy: RetryPolicy, clock: ManualClock? = nil) -> LedgerClient {
        var options = SessionOptions()
        // The session looks for its peer again at once too.
        options.reconnect.initial = .zero
        options.reconnect.budget = 100_000
        if let clock { options.clock = clock }
        return LedgerClient.retrying(to: node, options: options, policy: policy) { LedgerClient($0.rootReference) }
    }

    @Test("N-29: a call of an idempotent method whose peer dies under it is answered by the next life of the peer")
    func idempotent() async throws {
        let node = Node()
        let ledger = client(of: node, quick)
        #expect(node.connections == 0, "nothing is opened before the first call")
        node.book.hold()
        let call = Task { try await ledger.read() }
        try await eventually { node.book.reads == 1 }
        node.restart()
        node.book.letGo()
        #expect(try await call.value == 0)
        #expect(node.book.reads == 2)
    }

    @Test("a call that may have been executed is not repeated when doing it twice is not doing it once")
    func plain() async throws {
        let node = Node()
        let ledger = client(of: node, quick)
        node.book.hold()
        let call = Task { try await ledger.add(1) }
        try await eventually { node.book.sum == 1 }
        node.restart()
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .peerLost && error?.maybeExecuted == true)
        node.book.letGo()
        #expect(node.book.sum == 1)
        // The reference itself lives on.
        #expect(try await ledger.add(1) == 2)
    }

    @Test("a call that was not begun is repeated, whatever its method: over a session that is over, and to a peer that goes away")
    func notBegun() async throws {
        let node = Node()
        let ledger = client(of: node, quick)
        #expect(try await ledger.add(1) == 1)
        let going = try #require(node.server)
        let session = try #require(going.sessions.first)
        // Draining, kept from its end by a call under way.
        node.book.hold()
        let held = Task { try await ledger.read() }
        try await eventually { node.book.reads == 1 }
        node.start()
        let drained = Task { await going.drain() }
        node.book.hold(false)
        // Each of them is answered, before the peer says that it goes away and after.
        try await eventually {
            _ = try await ledger.add(0)
            return node.connections == 2
        }
        #expect(try await ledger.add(1) == 2)
        #expect(session.failure == nil, "the call under way has its session yet")
        node.book.letGo()
        #expect(try await held.value == 2)
        await drained.value
    }

    @Test("a call that hands over an end of a channel is not repeated once it may have been executed")
    func channelEnds() async throws {
        let node = Node()
        let ledger = client(of: node, quick)
        node.book.hold()
        let channel = Channel<Int>(.buffer(4))
        let call = Task { try await ledger.report(into: channel.sender) }
        try await eventually { node.book.reads == 1 }
        node.restart()
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .peerLost && error?.maybeExecuted == true)
        node.book.letGo()
        #expect(node.book.reads == 1)
    }

    @Test("that any attempt may have been executed is said of the whole call, though the last one certainly was not")
    func sticky() async throws {
        let node = Node()
        var policy = quick
        policy.attemptMaximum = 2
        let ledger = client(of: node, policy)
        node.book.hold()
        let call = Task { try await ledger.read() }
        try await eventually { node.book.reads == 1 }
        node.kill()
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .peerLost && error?.maybeExecuted == true)
        // One to the first life, one of the session that looked for it again, and one of the retry.
        #expect(node.connections == 3)
        node.book.letGo()
    }

    @Test("retries end with the budget, which later calls fill again: a peer that stays away costs ten calls one retry")
    func budget() async throws {
        let node = Node()
        node.kill()
        var policy = quick
        policy.attemptMaximum = 100
        policy.budget = 5
        let ledger = client(of: node, policy)
        await #expect(throws: CallError.self) { try await ledger.read() }
        #expect(node.connections == 6, "one attempt and five retries")
        for _ in 0..<20 { await #expect(throws: CallError.self) { try await ledger.read() } }
        #expect(node.connections == 6 + 20 + 2)
        node.start()
        #expect(try await ledger.read() == 0)
    }

    @Test("attempts are bounded, and follow each other as the policy of reconnection says: times are those of the clock")
    func backOff() async throws {
        let clock = ManualClock()
        let node = Node()
        node.kill()
        var policy = RetryPolicy()
        policy.reconnect.initial = .milliseconds(100)
        policy.reconnect.multiplier = 2
        policy.reconnect.jitter = 0.5
        policy.random = { 0 }
        let ledger = client(of: node, policy, clock: clock)
        let call = Task { try await Call.with(clock: clock) { try await ledger.read() } }
        try await eventually { node.connections == 1 }
        var moments: [Duration] = []
        for attempt in 2...4 {
            // Beside it the deadline of the call, at 30 s.
            try await eventually { clock.nextDue.map { $0 < .zero + .seconds(30) } ?? false }
            let due = try #require(clock.nextDue)
            moments.append(due - .zero)
            clock.advance(to: due)
            try await eventually { node.connections == attempt }
        }
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .peerLost && error?.maybeExecuted == false)
        #expect(moments == [.milliseconds(100), .milliseconds(300), .milliseconds(700)])
    }

    @Test("looking for the peer ends at the deadline of the call, and goes on for the next")
    func deadline() async throws {
        let clock = ManualClock()
        let node = Node()
        node.kill()
        var policy = RetryPolicy()
        policy.reconnect.initial = .seconds(10)
        policy.random = { 0 }
        let ledger = client(of: node, policy, clock: clock)
        let call = Task { try await Call.with(clock: clock) { try await Call.with(deadline: .seconds(2)) { try await ledger.read() } } }
        // The first attempt has failed, and the second is due when the call will be over.
        try await eventually { clock.isDue(at: .zero + .seconds(10)) && clock.nextDue == .zero + .seconds(2) }
        clock.advance(by: .seconds(2))
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .timeout && error?.maybeExecuted == false)
        node.start()
        let next = Task { try await Call.with(clock: clock) { try await ledger.read() } }
        clock.advance(by: .seconds(8))
        #expect(try await next.value == 0)
    }

    @Test("a callee that says when to come back is asked again then, over the same session")
    func overloaded() async throws {
        let clock = ManualClock()
        let node = Node { LedgerService.reference(to: $0.book).limited(calls: 1, per: .seconds(4), clock: clock) }
        let ledger = client(of: node, quick, clock: clock)
        let first = try await Call.with(clock: clock) { try await ledger.add(1) }
        #expect(first == 1)
        let call = Task { try await Call.with(clock: clock) { try await ledger.add(1) } }
        try await eventually { clock.isDue(at: .zero + .seconds(4)) }
        #expect(node.book.sum == 1)
        clock.advance(by: .seconds(4))
        #expect(try await call.value == 2)
        #expect(node.connections == 1)
    }

    @Test("errors that another attempt would meet too are thrown at once")
    func finalErrors() async throws {
        let node = Node()
        let ledger = client(of: node, quick)
        await #expect(throws: LedgerError.negative(-1)) { try await ledger.add(-1) }
        let missing = LedgerClient.retrying(to: node, policy: quick) { try await $0.root.get(LedgerService.self, "none") }
        let error = await #expect(throws: CallError.self) { try await missing.read() }
        #expect(error?.maybeExecuted == false)
        #expect(node.connections == 2)
        let server = try #require(node.server)
        try await eventually { server.sessions.count == 1 }
        withExtendedLifetime(ledger) {}
    }

    @Test("a cancelled caller returns at once, and others that wait for the same session get it")
    func cancellation() async throws {
        let gate = Gate()
        let node = Node()
        let ledger = LedgerClient.retrying(to: node, policy: quick) { session in
            await gate.wait()
            return LedgerClient(session.rootReference)
        }
        let calls = (0..<10).map { _ in Task { try await ledger.read() } }
        try await eventually { gate.waiting == 1 }
        calls[0].cancel()
        let error = await #expect(throws: CallError.self) { try await calls[0].value }
        #expect(error?.code == .cancelled && error?.maybeExecuted == false)
        gate.open()
        for call in calls.dropFirst() { #expect(try await call.value == 0) }
        #expect(node.connections == 1)
    }

    @Test("the session is closed when nobody holds the reference any more, also one that was only being opened")
    func released() async throws {
        let gate = Gate()
        let node = Node()
        let server = try #require(node.server)
        do {
            let ledger = client(of: node, quick)
            #expect(try await ledger.read() == 0)
            #expect(server.sessions.count == 1)
        }
        try await eventually { server.sessions.isEmpty }
        do {
            let ledger = LedgerClient.retrying(to: node, policy: quick) { session in
                await gate.wait()
                return LedgerClient(session.rootReference)
            }
            let call = Task { try await ledger.read() }
            try await eventually { gate.waiting == 1 }
            call.cancel()
            await #expect(throws: CallError.self) { try await call.value }
        }
        gate.open()
        try await eventually { server.sessions.isEmpty }
    }

    @Test(
        "whenever the peer dies: idempotent calls are answered, others act at most once, and exactly never when their error says so",
        arguments: 0..<(Soak.isOn ? 200 : 8))
    func mortal(seed: UInt64) async throws {
        let node = Node(over: SimulatedNetwork(seed: seed, conditions: .local))
        let policy = quick
        let ledger = client(of: node, policy)
        let lives = 20
        let isOver = Locked(false)
        let dying = Task {
            defer { isOver.withLock { $0 = true } }
            var generator = SeededGenerator(seed: seed)
            for _ in 0..<lives {
                let goal = node.book.reads + Int.random(in: 1...12, using: &generator)
                try await eventually { node.book.reads >= goal }
                node.kill()
                for _ in 0..<Int.random(in: 0...3, using: &generator) { await Task.yield() }
                node.start()
            }
        }
        let reading = (0..<4).map { _ in
            Task {
                while !isOver.withLock({ $0 }) {
                    do {
                        _ = try await ledger.read()
                    } catch let error as CallError {
                        // Four lives may end under one call.
                        guard error.code == .peerLost else { throw error }
                    }
                }
            }
        }
        var done = 0
        var doubtful = 0
        while !isOver.withLock({ $0 }) {
            do {
                _ = try await ledger.add(1)
                done += 1
            } catch let error as CallError {
                guard error.code == .peerLost else { throw error }
                if error.maybeExecuted { doubtful += 1 }
            }
        }
        try await dying.value
        for task in reading { try await task.value }
        #expect(done <= node.book.sum && node.book.sum <= done + doubtful)
        #expect(doubtful <= lives)
        #expect(node.connections > lives)
    }
}
