import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import SkerryWire
import Testing

@Suite("Promises: results used before they are there", .timeLimit(.minutes(1)))
struct PromiseTests {
    /// Two sessions over a simulated network, in virtual time.
    struct SlowPair {
        let stepper = LinkStepper()
        let client: Session
        let server: Session

        /// - Parameter latency: of each way.
        init(root: Reference, latency: Duration) async throws {
            var conditions = NetworkConditions.local
            conditions.latency = latency
            conditions.jitter = .zero
            let clock = ManualClock()
            var options = SessionOptions()
            options.clock = clock
            let network = SimulatedNetwork(seed: 1, conditions: conditions, on: stepper)
            let acceptor = SessionServer(root: root, options: options)
            let (near, far) = network.pair()
            acceptor.accept(far)
            let opened = Locked<Session?>(nil)
            Task { [options] in
                let session = try await Session.open(over: near, options: options)
                opened.withLock { $0 = session }
            }
            try await eventually("the session opens") { [stepper] in
                stepper.runUntilIdle(jobMaximum: 1_000)
                return opened.withLock { $0 != nil }
            }
            client = try #require(opened.withLock { $0 })
            server = try #require(acceptor.sessions.first)
        }

        /// How long `body` takes by the network's time.
        func timing<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> (Result, Duration) {
            let start = stepper.now
            let over = Locked<(Moment, Swift.Result<Result, any Error>)?>(nil)
            let stepper = stepper
            Task {
                let result: Swift.Result<Result, any Error>
                do { result = .success(try await body()) } catch { result = .failure(error) }
                over.withLock { $0 = (stepper.now, result) }
            }
            var idle = 0
            try await eventually("the calls end") {
                // The network goes on only when nobody has anything more to say for now.
                idle = stepper.nextDue == nil || stepper.nextDue! > stepper.now ? idle + 1 : 0
                if idle == 0 || idle > 200 {
                    idle = 0
                    stepper.step()
                }
                return over.withLock { $0 != nil }
            }
            let (end, result) = try #require(over.withLock { $0 })
            return (try result.get(), end - start)
        }
    }

    @Test("a chain of three calls takes one round trip, and as many frames as calls")
    func oneRoundTrip() async throws {
        let cottage = Cottage()
        let pair = try await SlowPair(root: HouseService.reference(to: cottage), latency: .milliseconds(50))
        let house = HouseClient(pair.client.rootReference)
        let (state, time) = try await pair.timing { try await house.promise.door("front").promise.lock().turn() }
        #expect(state == "shut")
        #expect(cottage.journal.entries == ["door front", "lock", "turn"])
        #expect(time >= .milliseconds(100) && time < .milliseconds(150))
        #expect(pair.client.statistics.core.callsMade == 3)
        #expect(pair.server.statistics.core.callsReceived == 3)
        // Awaited one after the other, the same chain takes a round trip for each.
        let (_, slow) = try await pair.timing {
            let door = try await house.door("front")
            return try await door.lock().turn()
        }
        #expect(slow >= .milliseconds(300))
    }

    @Test("a service is found and called in one round trip")
    func root() async throws {
        let registry = Registry()
        try registry.add("house", HouseService.reference(to: Cottage()))
        let pair = try await SlowPair(root: registry.facet, latency: .milliseconds(50))
        let session = pair.client
        let (state, time) = try await pair.timing {
            try await session.root.promise.get(HouseService.self, "house").promise.door().promise.lock().state()
        }
        #expect(state == "open")
        #expect(time < .milliseconds(150))
    }

    @Test("when the first call fails, those that follow fail with an error that names it; what it failed with is to be had as itself")
    func failure() async throws {
        let cottage = Cottage()
        let pair = try await SessionPair(root: HouseService.reference(to: cottage))
        let door = HouseClient(pair.client.rootReference).promise.door("back")
        let lock = door.promise.lock()
        let first = await #expect(throws: CallError.self) { try await lock.turn() }
        #expect(first?.code == .brokenPromise)
        #expect(first?.promise == "House.door")
        #expect(first?.message.contains("House.door") == true)
        #expect(first?.maybeExecuted == false)
        #expect(first?.service == "Lock" && first?.method == "turn")
        // Known by now, so not even sent.
        let sent = pair.client.statistics.core.callsMade
        let second = await #expect(throws: CallError.self) { try await door.lock() }
        #expect(second?.code == .brokenPromise && second?.promise == "House.door" && second?.maybeExecuted == false)
        #expect(pair.client.statistics.core.callsMade == sent)
        await #expect(throws: HouseError.noSuchDoor("back")) { try await door.settled() }
        #expect(cottage.journal.entries == ["door back"])
        await pair.close()
    }

    @Test("a promise is an argument of another call in the same round trip, and of calls elsewhere")
    func argument() async throws {
        let pair = try await SlowPair(root: HouseService.reference(to: Cottage()), latency: .milliseconds(50))
        let house = HouseClient(pair.client.rootReference)
        let (states, time) = try await pair.timing {
            let lock = house.promise.door("front").promise.lock()
            async let turned = lock.turn()
            async let seen = house.state(of: lock)
            return try await [turned, seen]
        }
        #expect(states.first == "shut" && states.count == 2)
        #expect(time < .milliseconds(150))
        // Another session gets a proxy of it.
        let other = try await SessionPair(root: HouseService.reference(to: Cottage()))
        let elsewhere = HouseClient(other.client.rootReference)
        let (state, _) = try await pair.timing { try await elsewhere.state(of: house.promise.door("front").promise.lock()) }
        #expect(state == "open")
        await other.close()
    }

    @Test("a broken promise as an argument is an error that names the call")
    func brokenArgument() async throws {
        let pair = try await SessionPair(root: HouseService.reference(to: Cottage()))
        let house = HouseClient(pair.client.rootReference)
        let door = house.promise.door("back")
        await #expect(throws: HouseError.self) { try await door.settled() }
        let error = await #expect(throws: CallError.self) { try await house.echo(door.reference) }
        #expect(error?.code == .noSuchReference && error?.message.contains("House.door") == true && error?.maybeExecuted == false)
        await pair.close()
    }

    @Test("settled, a promise is the object itself: equal to other references to it, and the original when it comes home")
    func identity() async throws {
        let pair = try await SessionPair(root: HouseService.reference(to: Cottage()))
        let house = HouseClient(pair.client.rootReference)
        let door = try await house.door("front")
        let echoed = house.promise.echo(door.reference)
        #expect(try await echoed.settled() == door.reference)
        let bolt = LockService.reference(to: Cottage.Bolt(journal: Journal()))
        let home = house.promise.echo(bolt)
        // Called by way of the peer, in the order of the calls, although the object is here.
        #expect(try await LockClient(home).turn() == "shut")
        #expect(try await home.settled() == bolt)
        #expect(try await LockClient(home).turn() == "open")
        #expect(try await LockClient(bolt).state() == "open")
        await pair.close()
    }

    @Test("a promise that nobody holds any more is called off; one with one-way calls under way is not")
    func letGo() async throws {
        let cottage = Cottage(isOpen: false)
        let pair = try await SessionPair(root: HouseService.reference(to: cottage))
        let house = HouseClient(pair.client.rootReference)
        do { _ = house.promise.door("front") }
        try await eventually { cottage.journal.entries == ["door front", "cancelled"] || pair.client.statistics.core.questions == 0 }
        try await eventually { pair.server.statistics.core.answers == 0 && pair.client.statistics.core.questions == 0 }

        let other = Cottage(isOpen: false)
        let second = try await SessionPair(root: HouseService.reference(to: other))
        try await HouseClient(second.client.rootReference).promise.door("front").promise.lock().nudge()
        try await eventually { other.gate.waiting == 1 }
        other.gate.open()
        try await eventually { other.journal.entries == ["door front", "lock", "turn"] }
        try await expectNothingLeft(second)
        await second.close()
        await pair.close()
    }

    @Test("a cancelled caller of a promise takes the whole chain with it")
    func cancellation() async throws {
        let cottage = Cottage(isOpen: false)
        let pair = try await SessionPair(root: HouseService.reference(to: cottage))
        let house = HouseClient(pair.client.rootReference)
        let call = Task { try await house.promise.door("front").promise.lock().turn() }
        try await eventually { cottage.gate.waiting == 1 }
        call.cancel()
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .cancelled)
        try await eventually { cottage.journal.entries == ["door front", "cancelled"] }
        try await expectNothingLeft(pair)
        await pair.close()
    }

    @Test("a promise made by a cancelled task, or after the deadline, is not sent")
    func notMade() async throws {
        let cottage = Cottage()
        let pair = try await SessionPair(root: HouseService.reference(to: cottage))
        let house = HouseClient(pair.client.rootReference)
        let late = await #expect(throws: CallError.self) {
            try await Call.with(deadline: .zero) { try await house.promise.door("front").settled() }
        }
        #expect(late?.code == .timeout && late?.maybeExecuted == false)
        let cancelled = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return house.promise.door("front")
        }
        let door = await cancelled.value
        let error = await #expect(throws: CallError.self) { try await door.settled() }
        #expect(error?.code == .cancelled && error?.maybeExecuted == false)
        #expect(cottage.journal.entries == [])
        await pair.close()
    }

    @Test("when the session ends, promises and the calls that follow them fail at once")
    func sessionLost() async throws {
        let cottage = Cottage(isOpen: false)
        let pair = try await SessionPair(root: HouseService.reference(to: cottage))
        let door = HouseClient(pair.client.rootReference).promise.door("front")
        let call = Task { try await door.promise.lock().turn() }
        try await eventually { cottage.gate.waiting == 1 && pair.server.statistics.core.answers == 3 }
        await pair.server.close()
        let error = await #expect(throws: CallError.self) { try await call.value }
        #expect(error?.code == .peerLost, "\(error.debugDescription)")
        let settled = await #expect(throws: CallError.self) { try await door.settled() }
        #expect(settled?.code == .peerLost && settled?.maybeExecuted == true, "\(settled.debugDescription)")
        cottage.gate.open()
        await pair.close()
    }

    @Test("promises wait their turn behind other calls, and calls that were called off meanwhile leave nothing", arguments: [1, 2, 3])
    func queued(inFlight: Int) async throws {
        let cottage = Cottage()
        var options = SessionOptions()
        options.configuration.callsInFlight = inFlight
        let pair = try await SessionPair(root: HouseService.reference(to: cottage), options: options)
        let house = HouseClient(pair.client.rootReference)
        let results = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<60 {
                if number % 3 == 0 { _ = house.promise.door("front").promise.lock() }
                group.addTask { try await house.promise.door("front").promise.lock().turn() }
            }
            return try await group.reduce(into: [String]()) { $0.append($1) }
        }
        #expect(results == Array(repeating: "shut", count: 60))
        try await expectNothingLeft(pair)
        await pair.close()
    }

    @Test("through a narrowed reference, and on an object of this process, the same calls wait on this side")
    func deferred() async throws {
        let cottage = Cottage()
        let local = HouseClient(HouseService.reference(to: cottage))
        #expect(try await local.promise.door("front").promise.lock().turn() == "shut")
        let broken = await #expect(throws: CallError.self) { try await local.promise.door("back").promise.lock().turn() }
        #expect(broken?.code == .brokenPromise && broken?.promise == "House.door")
        await #expect(throws: HouseError.noSuchDoor("back")) { try await local.promise.door("back").settled() }
        let (reference, revoker) = HouseService.reference(to: cottage).revocable()
        let narrowed = HouseClient(reference)
        #expect(try await narrowed.promise.door("front").promise.lock().state() == "open")
        revoker.revoke()
        let revoked = await #expect(throws: CallError.self) { try await narrowed.promise.door("front").settled() }
        #expect(revoked?.code == .noSuchReference)
        // Nobody holds it, so it is called off.
        let slow = Cottage(isOpen: false)
        do { _ = HouseClient(HouseService.reference(to: slow)).promise.door("front") }
        try await eventually { slow.journal.entries == ["door front", "cancelled"] }
    }

    @Test("chains of promises are the same over every link, and leave no entry", arguments: LinkKind.allCases)
    func links(kind: LinkKind) async throws {
        let registry = Registry()
        let cottage = Cottage()
        try registry.add("house", HouseService.reference(to: cottage))
        let server = SessionServer(root: registry.facet)
        try await kind.withConnector(to: server, key: NodeKey()) { connector in
            let pair = try await SessionPair(connector: connector, acceptor: server)
            for _ in 0..<10 {
                let house = pair.client.root.promise.get(HouseService.self, "house")
                let lock = house.promise.door().promise.lock()
                async let turned = lock.turn()
                async let seen = house.state(of: lock)
                #expect(try await turned == "shut")
                _ = try await seen
                #expect(try await lock.settled().turn() == "open")
                await #expect(throws: HouseError.noSuchDoor("none")) { try await house.promise.door("none").settled() }
                let error = await #expect(throws: CallError.self) { try await house.promise.door("none").lock() }
                #expect(error?.code == .brokenPromise && error?.promise == "House.door")
                let home = house.promise.echo(LockService.reference(to: Cottage.Bolt(journal: Journal())))
                #expect(try await LockClient(home).turn() == "shut")
            }
            try await expectNothingLeft(pair, servicesExported: 1)
            await pair.close()
        }
    }

    /// All tables of calls are empty, and of references only the registry's own are left.
    private func expectNothingLeft(_ pair: SessionPair, servicesExported: Int = 0) async throws {
        try await eventually("no entry is left") {
            let (client, server) = (pair.client.statistics, pair.server.statistics)
            return client.core.questions == 0 && server.core.answers == 0 && client.servicesExported == 0
                && server.servicesExported <= servicesExported && server.handlersRunning == 0
        }
    }
}
