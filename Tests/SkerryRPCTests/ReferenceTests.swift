import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import Testing

@Suite("References", .timeLimit(.minutes(Soak.isOn ? 60 : 1)))
struct ReferenceTests {
    @Test("a service is an argument, a result and an element of a channel")
    func servicesCross() async throws {
        let pair = try await SessionPair.withArith()
        let theirs = try await pair.arith.counter(from: 10)
        #expect(try await theirs.add(5) == 15)
        let mine = CounterService.client(CounterService.reference(to: Tally(100)))
        #expect(try await pair.arith.read(mine) == 100)
        await pair.close()
    }

    @Test("Y-12: a proxy that is sent back is the original there: no proxy of a proxy")
    func comesHome() async throws {
        let keeper = Keeper()
        let registry = Registry()
        try registry.add("keeper", KeeperService.reference(to: keeper))
        let pair = try await SessionPair(root: registry.facet)
        let client = try await pair.client.root.get(KeeperService.self, "keeper")
        let mine = CounterService.reference(to: Tally(1))
        try await client.keep(mine)
        let back = try await client.given()
        #expect(back == mine)
        #expect(back.implementation is Tally)
        #expect(pair.client.statistics.servicesExported == 1)
        // The same object sent again is the same proxy over there.
        let first = await keeper.kept
        try await client.keep(mine)
        #expect(await keeper.kept == first)
        await pair.close()
    }

    @Test("Y-12: the same object fetched twice is one proxy")
    func oneProxy() async throws {
        let registry = Registry()
        try registry.add("tally", CounterService.reference(to: Tally(1)))
        let pair = try await SessionPair(root: registry.facet)
        let first = try await pair.client.root.get("tally")
        let second = try await pair.client.root.get("tally")
        #expect(first == second)
        #expect(pair.client.statistics.servicesImported == 1)
        await pair.close()
    }

    @Test("when the last proxy is gone its object is let go of, at once")
    func promptRelease() async throws {
        let gone = Journal<Bool>()
        let factory = Registry()
        factory.addHandler("nothing") { _ in .null }
        let keeper = Keeper()
        await keeper.set(CounterService.reference(to: Tally(1) { gone.add(true) }))
        let pair = try await SessionPair(root: KeeperService.reference(to: keeper))
        var reference: Reference? = try await KeeperClient(pair.client.rootReference).given()
        await keeper.set(nil)
        #expect(try await CounterClient(reference!).add(1) == 2)
        #expect(gone.entries.isEmpty)
        reference = nil
        try await eventually { gone.entries == [true] }
        try await eventually { pair.server.statistics.servicesExported == 0 && pair.client.statistics.core.imports == 0 }
        await pair.close()
    }

    @Test("a reference that was released and one to nothing are dead, with an error and no hang")
    func deadReferences() async throws {
        let pair = try await SessionPair(root: .nothing)
        let error = await #expect(throws: CallError.self) { try await pair.client.rootReference.ping() }
        #expect(error?.code == .noSuchReference)
        await pair.close()
    }

    @Test("third parties: A passes B a reference to an object of C; calls go through B, errors and values come back")
    func thirdParty() async throws {
        // C hosts the counter, B knows C, A knows B.
        let toC = try await SessionPair.withArith()
        let keeper = Keeper()
        let toB = try await SessionPair(root: KeeperService.reference(to: keeper))
        await keeper.set(toC.client.rootReference)
        let arith = ArithClient(try await KeeperClient(toB.client.rootReference).given())
        #expect(try await arith.succ(1) == 2)
        #expect(try await arith.succ(2) == 3)
        await #expect(throws: ArithError.divisionByZero) { try await arith.quotient(of: 1, by: 0) }
        // An object that C makes for A crosses both sessions.
        let counter = try await arith.counter(from: 5)
        #expect(try await counter.add(1) == 6)
        // And one of A's own, in the other direction.
        #expect(try await arith.read(CounterService.client(CounterService.reference(to: Tally(77)))) == 77)
        // Description and notes pass too.
        #expect(try await arith.reference.schema().name == "Arith")
        try await arith.note(3)
        try await eventually { (try? await arith.total()) == 3 }
        await toB.close()
        await toC.close()
    }

    @Test("third parties: a channel of A reaches C through B, elements and close in order")
    func thirdPartyChannels() async throws {
        let toC = try await SessionPair.withArith()
        let keeper = Keeper()
        let toB = try await SessionPair(root: KeeperService.reference(to: keeper))
        await keeper.set(toC.client.rootReference)
        let arith = ArithClient(try await KeeperClient(toB.client.rootReference).given())
        let (sender, receiver) = Channel<Int>(.buffer(4)).halves
        async let counted: Void = arith.count(to: 500, into: sender)
        var numbers: [Int] = []
        while let number = try await receiver.receive() { numbers.append(number) }
        try await counted
        #expect(numbers == Array(0..<500))
        let (source, sink) = Channel<Int>(.buffer(4)).halves
        async let sum = arith.drain(sink)
        for number in 1...200 { try await source.send(number) }
        source.close()
        #expect(try await sum == 20_100)
        await toB.close()
        await toC.close()
    }

    @Test("a session that ends lets go of everything it exported and breaks every proxy")
    func endOfSession() async throws {
        let gone = Journal<Bool>()
        let keeper = Keeper()
        let pair = try await SessionPair(root: KeeperService.reference(to: keeper))
        try await KeeperClient(pair.client.rootReference).keep(CounterService.reference(to: Tally(1) { gone.add(true) }))
        let proxy = try #require(await keeper.kept)
        await pair.close()
        try await eventually { gone.entries == [true] }
        let error = await #expect(throws: CallError.self) { try await CounterClient(proxy).add(1) }
        #expect(error?.code == .peerLost || error?.code == .closed)
        #expect(error?.maybeExecuted == false)
    }

    @Test("a hundred thousand calls, and as many short-lived objects as time allows, leave no entry in any table")
    func tablesAreEmpty() async throws {
        let pair = try await SessionPair.withArith()
        let arith = pair.arith
        let calls = Soak.isOn ? 1_000_000 : 20_000
        try await withThrowingTaskGroup { group in
            for lane in 0..<16 {
                group.addTask {
                    for number in stride(from: lane, to: calls, by: 16) {
                        guard try await arith.succ(number) == number + 1 else { throw CallError(.remote, "wrong answer") }
                    }
                }
            }
            try await group.waitForAll()
        }
        for number in 0..<(Soak.isOn ? 100_000 : 500) { #expect(try await arith.counter(from: number).add(1) == number + 1) }
        try await eventually {
            let (client, server) = (pair.client.statistics, pair.server.statistics)
            return client.core.questions == 0 && server.core.answers == 0 && client.servicesImported == 0 && server.servicesExported == 0
                && server.handlersRunning == 0 && client.callersWaiting == 0 && client.core.imports == 0 && server.core.exports == 0
        }
        await pair.close()
    }
}

/// Long forms of tests, behind `SKERRY_SOAK=1`.
enum Soak {
    static let isOn = Environment.variable("SKERRY_SOAK") == "1"
}
