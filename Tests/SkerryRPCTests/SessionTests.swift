import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import SkerryWire
import Testing

@Suite("Sessions", .timeLimit(.minutes(1)))
struct SessionTests {
    /// Cuts its latest link on demand.
    final class CuttingConnector: Connector {
        private let base: any Connector
        private let latest = Locked<(any Link)?>(nil)
        private let refusals = Locked(0)

        init(_ base: any Connector) {
            self.base = base
        }

        func connect() async throws(LinkError) -> any Link {
            let isRefused = refusals.withLock { count in
                count -= 1
                return count >= 0
            }
            if isRefused { throw LinkError(.unreachable, "not now") }
            let link = try await base.connect()
            latest.withLock { $0 = link }
            return link
        }

        func cut() { latest.withLock { $0 }?.cut() }

        func refuse(_ count: Int) { refusals.withLock { $0 = count } }
    }

    private func quick(_ options: SessionOptions = SessionOptions()) -> SessionOptions {
        var options = options
        options.reconnect.initial = .milliseconds(1)
        options.reconnect.maximum = .milliseconds(4)
        options.reconnect.budget = 10_000
        return options
    }

    @Test("Y-15: a session whose link is cut a hundred times goes on: every call is done once, in order, and every element arrives once")
    func hundredCuts() async throws {
        let calculator = Calculator()
        let server = SessionServer(root: ArithService.reference(to: calculator), options: quick())
        let listener = MemoryListener()
        try await listener.start { server.accept($0) }
        let connector = CuttingConnector(listener.connector)
        let pair = try await SessionPair(connector: connector, acceptor: server, options: quick())
        let arith = pair.arith
        let cuts = Soak.isOn ? 1_000 : 100
        let isDone = Locked(false)
        let calls = Task {
            var count = 0
            while !isDone.withLock({ $0 }) {
                count += 1
                guard try await arith.deposit(1) == count else { throw CallError(.remote, "call \(count) was lost or done twice") }
            }
            return count
        }
        let (source, sink) = Channel<Int>(.buffer(16)).halves
        async let drained = arith.drain(sink)
        let elements = Task {
            var sum = 0
            var number = 0
            while !isDone.withLock({ $0 }) {
                try await source.send(number)
                sum += number
                number += 1
                if number % 50 == 0 { await Task.yield() }
            }
            source.close()
            return sum
        }
        for cut in 1...cuts {
            connector.cut()
            try await eventually { pair.client.statistics.core.resumptions >= UInt64(cut) && pair.client.isConnected }
        }
        isDone.withLock { $0 = true }
        let (count, sum) = (try await calls.value, try await elements.value)
        #expect(try await drained == sum)
        #expect(await calculator.sum == count)
        #expect(count > 0)
        await pair.close()
        await listener.shutdown(within: .zero)
    }

    @Test("an initiator tries again while no way leads to the peer")
    func detours() async throws {
        let server = SessionServer(root: ArithService.reference(to: Calculator()), options: quick())
        let listener = MemoryListener()
        try await listener.start { server.accept($0) }
        let connector = CuttingConnector(listener.connector)
        let pair = try await SessionPair(connector: connector, acceptor: server, options: quick())
        connector.refuse(3)
        connector.cut()
        #expect(try await pair.arith.succ(1) == 2)
        #expect(pair.client.statistics.core.resumptions == 1)
        await pair.close()
        await listener.shutdown(within: .zero)
    }

    @Test("Y-32: when the peer closes, or its process is gone, every pending call fails at once and may have been executed")
    func peerGone() async throws {
        let gate = Gate()
        let registry = Registry()
        registry.addHandler("wait") { _ in
            await gate.wait()
            return .null
        }
        var options = SessionOptions()
        options.configuration.resumeWindow = .zero
        let listener = TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: .plain)
        let server = SessionServer(root: registry.facet, options: options)
        let links = Journal<any Link>()
        let address = try await listener.start {
            links.add($0)
            server.accept($0)
        }
        // Over one link: with a connector it would look for the process again.
        let link = try await TCPConnector(to: address, security: .plain).connect()
        let session = try await Session.open(over: link, options: options)
        let root = session.rootReference
        let calls = (0..<50).map { _ in Task { try await root.invoke("wait", .object([:])) } }
        try await eventually { gate.waiting == 50 }
        links.entries[0].cut()
        for call in calls {
            let error = await #expect(throws: CallError.self) { try await call.value }
            #expect(error?.code == .peerLost || error?.code == .closed)
            #expect(error?.maybeExecuted == true)
        }
        let late = await #expect(throws: CallError.self) { try await root.ping() }
        #expect(late?.maybeExecuted == false)
        gate.open()
        await listener.shutdown(within: .zero)
    }

    @Test("Y-32: a session that could go on over a new link ends as soon as nobody listens where its peer was")
    func processGone() async throws {
        let gate = Gate()
        let registry = Registry()
        registry.addHandler("wait") { _ in
            await gate.wait()
            return .null
        }
        let listener = TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: .plain)
        let server = SessionServer(root: registry.facet)
        let address = try await listener.start { server.accept($0) }
        let session = try await Session.open(to: TCPConnector(to: address, security: .plain))
        let root = session.rootReference
        let calls = (0..<50).map { _ in Task { try await root.invoke("wait", .object([:])) } }
        try await eventually { gate.waiting == 50 }
        await listener.shutdown(within: .zero)
        for call in calls {
            let error = await #expect(throws: CallError.self) { try await call.value }
            #expect(error?.maybeExecuted == true && error?.code != .timeout)
        }
        #expect(session.failure != nil)
        gate.open()
    }

    @Test("Y-32: a peer that falls silent is noticed within fifteen seconds, long before the deadline of the call")
    func silentPeer() async throws {
        let gate = Gate()
        let registry = Registry()
        registry.addHandler("wait") { _ in
            await gate.wait()
            return .null
        }
        let clock = ManualClock()
        var options = SessionOptions()
        options.clock = clock
        options.configuration.resumeWindow = .zero
        let stepper = LinkStepper()
        let network = SimulatedNetwork(seed: 3, conditions: .local, on: stepper)
        let server = SessionServer(root: registry.facet, options: options)
        let (near, far) = network.pair()
        server.accept(far)
        let opening = Task { try await Session.open(over: near, options: options) }
        let opened = Locked(false)
        let watch = Task {
            let session = try await opening.value
            opened.withLock { $0 = true }
            return session
        }
        try await eventually {
            stepper.runUntilIdle(jobMaximum: 1_000)
            return opened.withLock { $0 }
        }
        let session = try await watch.value
        let root = session.rootReference
        let call = Task { try await Call.with(clock: clock) { try await root.invoke("wait", .object([:])) } }
        try await eventually {
            stepper.runUntilIdle(jobMaximum: 1_000)
            return gate.waiting == 1
        }
        // From here on nothing arrives any more, in either direction, and nobody says so.
        network.cut(noticedBy: .acceptor)
        network.partition(.toInitiator, for: .seconds(3_600))
        network.partition(.toAcceptor, for: .seconds(3_600))
        let over = Locked<Moment?>(nil)
        let result = Task {
            let error = await #expect(throws: CallError.self) { try await call.value }
            over.withLock { $0 = clock.now }
            return error
        }
        for _ in 0..<400 where over.withLock({ $0 }) == nil {
            clock.advance(by: .milliseconds(100))
            stepper.runUntilIdle(jobMaximum: 1_000)
            for _ in 0..<20 { await Task.yield() }
            if clock.now > .zero + .seconds(16) { try await eventually { over.withLock { $0 } != nil } }
        }
        let error = await result.value
        #expect(error?.code == .peerLost)
        #expect(try #require(over.withLock { $0 }) <= .zero + .seconds(17))
        gate.open()
    }

    @Test("draining: calls under way end, new ones are refused and were not begun, then the session closes")
    func draining() async throws {
        let gate = Gate()
        let registry = Registry()
        registry.addHandler("wait") { _ in
            await gate.wait()
            return 7
        }
        let pair = try await SessionPair(root: registry.facet)
        let root = pair.client.rootReference
        let call = Task { try await root.invoke("wait", .object([:])) }
        try await eventually { gate.waiting == 1 }
        let drained = Task { await pair.acceptor.drain() }
        var refusal: CallError?
        try await eventually {
            do {
                _ = try await root.invoke("name", .object([:]))
                return false
            } catch {
                refusal = error as? CallError
                return true
            }
        }
        #expect(refusal?.code == .goingAway)
        #expect(refusal?.maybeExecuted == false)
        gate.open()
        #expect(try await call.value == 7)
        await drained.value
        await pair.client.ended()
        #expect(pair.client.failure != nil)
        #expect(pair.acceptor.sessions.isEmpty)
    }

    @Test("Y-17: a session shows its tables: what it exports and imports, with introductions and credits")
    func introspection() async throws {
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let (sender, receiver) = Channel<Int>(.buffer(8)).halves
        let client = EndsClient(pair.client.rootReference)
        try await client.keep(sender, receiver)
        try await client.keep(sender, receiver)
        let references = pair.client.references
        #expect(references.count == 2)
        #expect(Set(references.map(\.kind)) == [.sender, .receiver])
        #expect(references.allSatisfy { $0.isLocal && $0.introductions == 2 })
        #expect(pair.server.references.allSatisfy { !$0.isLocal })
        let statistics = pair.client.statistics
        #expect(statistics.core.callsMade == 2 && statistics.channelsExported == 2)
        await pair.close()
    }

    @Test("both sides are equals: the acceptor calls the initiator's root")
    func symmetry() async throws {
        let pair = try await SessionPair(root: .nothing, clientRoot: ArithService.reference(to: Calculator()))
        #expect(try await ArithClient(pair.server.rootReference).succ(1) == 2)
        await pair.close()
    }

    @Test("closing ends calls on both sides, at once")
    func closing() async throws {
        let gate = Gate()
        let registry = Registry()
        registry.addHandler("wait") { _ in
            await gate.wait()
            return .null
        }
        let pair = try await SessionPair(root: registry.facet)
        let root = pair.client.rootReference
        let call = Task { try await root.invoke("wait", .object([:])) }
        try await eventually { gate.waiting == 1 }
        await pair.client.close()
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .closed)
        await pair.server.ended()
        #expect(pair.acceptor.sessions.isEmpty)
        gate.open()
    }

    @Test("M2: bytes that are no packet end the link with an error, and no hang")
    func garbage() async throws {
        let server = SessionServer(root: .nothing)
        let listener = MemoryListener()
        try await listener.start { server.accept($0) }
        let link = try await listener.connector.connect()
        let driver = GarbageDriver()
        link.start(driver)
        try await eventually { driver.isClosed }
        #expect(server.sessions.isEmpty)
        await listener.shutdown(within: .zero)
    }

    /// Sends bytes that mean nothing.
    final class GarbageDriver: LinkDriver {
        private let state = Locked((sent: false, closed: false))

        var isClosed: Bool { state.withLock { $0.closed } }

        func received(_ packet: UnsafeRawBufferPointer) {}
        func readCompleted() {}

        func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
            let isFirst = state.withLock { state in
                defer { state.sent = true }
                return !state.sent
            }
            if isFirst { packet += (0..<64).map { UInt8(truncatingIfNeeded: $0 &* 37) } }
            return isFirst
        }

        func linkClosed(_ error: LinkError?) { state.withLock { $0.closed = true } }
    }
}
