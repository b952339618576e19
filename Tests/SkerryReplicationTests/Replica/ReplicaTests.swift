import SkerryCRDT
import SkerryGossip
@testable import SkerryReplication
import SkerrySession
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

@Suite("Replicas", .timeLimit(.minutes(2)))
struct ReplicaTests {
    enum Way: CaseIterable, Sendable {
        case direct, stream, bytewise, link, pooled
    }

    /// Joins two nodes; true when what is written to one is in the other at once.
    @discardableResult
    private func join(_ a: Node, _ b: Node, _ way: Way) throws -> (ReplicaSession, ReplicaSession?) {
        switch way {
        case .direct, .pooled: return (try a.replica.start(with: b.replica), nil)
        case .stream, .bytewise:
            let (near, far) = MemoryDuplexStream.pair(piece: way == .bytewise ? 1 : .max)
            return (try a.replica.start(over: near), try b.replica.start(over: far))
        case .link:
            let (near, far) = MemoryLink.pair()
            return (try a.replica.start(over: near), try b.replica.start(over: far))
        }
    }

    @Test(
        "U-01, U-02, U-03, U-04: two replicas say what they have, get what they lack, are told once that they are equal, and then get what is new",
        arguments: Way.allCases)
    func pairs(way: Way) async throws {
        let pool = try way == .pooled ? BlockingPool(threads: 2) : nil
        let (a, b) = (try Node(executor: pool), try Node(executor: pool))
        for seed in 0..<50 { try (seed % 2 == 0 ? a : b).write(seed) }
        let heard = Heard<ReplicaEvent>()
        let observation = a.replica.observe(heard.add)
        let (session, other) = try join(a, b, way)
        try await session.synchronised()
        try await other?.synchronised()
        try await until { a.content == b.content }
        #expect(a.content.events.count == 10 && session.isSynchronised)
        try a.write(100)
        try b.write(101)
        try await until { a.content == b.content && a.content.events.count == 11 }
        let synced = heard.all.filter { if case .synchronised = $0 { true } else { false } }
        #expect(synced.count == 1)
        session.close()
        try await session.ended()
        try await other?.ended()
        await a.replica.dispose()
        await b.replica.dispose()
        observation.cancel()
        await pool?.shutdown()
    }

    @Test("U-01, U-02: replicas that are empty, or equal already, are told so, and send no entries")
    func equals() async throws {
        let (a, b) = (try Node(), try Node())
        for round in 0..<2 {
            let session = try a.replica.start(with: b.replica, ReplicaOptions(tail: false))
            try await session.synchronised()
            try await session.ended()
            #expect(a.replica.statistics.feeds.entriesSent == UInt64(round == 0 ? 0 : 1))
            if round == 0 {
                try a.model.set("x", to: "1")
                let next = try b.replica.start(with: a.replica, ReplicaOptions(tail: false))
                try await next.ended()
                #expect(b.model["x"] == "1")
            }
        }
    }

    @Test(
        "U-05, U-06, P-02, P-03: in a ring each entry is taken once, nothing goes back to whom it came from, and what changes nothing is told nobody"
    )
    func echoes() async throws {
        let nodes = try (0..<5).map { _ in try Node() }
        for index in 0..<5 { try nodes[index].replica.start(with: nodes[(index + 1) % 5].replica) }
        let heard = Heard<Numbers>()
        let observations = nodes.map { $0.union.observe { heard.add($0.update) } }
        #expect(try nodes[0].union.update([1, 2]))
        #expect(try !nodes[3].union.update([2, 1]), "nothing changed, so nothing was written")
        #expect(try nodes[3].union.update([2, 3]))
        #expect(nodes.allSatisfy { $0.union.current == [1, 2, 3] })
        // Five times what was new: {1, 2}, and {3}, of which the part that was known is not repeated.
        #expect(heard.all.filter { $0 == [1, 2] }.count == 5 && heard.all.filter { $0 == [3] }.count == 5 && heard.all.count == 10)
        let statistics = nodes.map(\.replica.statistics)
        #expect(statistics.allSatisfy { $0.feeds.entriesApplied == 2 })
        // Two entries to four others; on the far side of the ring each may cross itself, and is then known to both.
        #expect(statistics.reduce(0) { $0 + $1.feeds.entriesSent } <= 12)
        _ = observations
    }

    @Test("U-01, U-08: the example of the documentation prints what it says")
    func example() async throws {
        let settings = ReplicatedModel<String>()
        let log = ReplicatedEvents<String>()
        let here = try Replica(["settings": settings, "log": log])
        let others = ReplicatedModel<String>()
        let there = try Replica(["settings": others])
        try settings.set("theme", to: "dark")
        try log.append("changed the theme")
        let (near, far) = MemoryDuplexStream.pair()
        let session = try here.start(over: near)
        try there.start(over: far)
        try await session.synchronised()
        #expect(others["theme"] == "dark")
        let file = RecordedStream()
        try await here.replicate(over: file, .dump)
        let copy = ReplicatedModel<String>()
        try await Replica(["settings": copy]).replicate(over: RecordedStream(file.written), .readOnly)
        #expect(copy["theme"] == "dark")
        await here.dispose()
        await there.dispose()
    }

    enum Shape: CaseIterable, Sendable {
        case chain, triangle, star, ring, latecomer
    }

    @Test(
        "U-10: a chain, a triangle, a star, a ring of five and a latecomer end up equal", arguments: Shape.allCases, [Way.direct, .stream])
    func shapes(shape: Shape, way: Way) async throws {
        let nodes = try (0..<(shape == .triangle ? 3 : 5)).map { _ in try Node() }
        for seed in 0..<40 { try nodes[seed % (shape == .latecomer ? 2 : nodes.count)].write(seed) }
        switch shape {
        case .chain: for index in 1..<nodes.count { try join(nodes[index - 1], nodes[index], way) }
        case .triangle, .ring: for index in nodes.indices { try join(nodes[index], nodes[(index + 1) % nodes.count], way) }
        case .star: for index in 1..<nodes.count { try join(nodes[0], nodes[index], way) }
        case .latecomer:
            try join(nodes[0], nodes[1], way)
            try await until { nodes[0].content == nodes[1].content }
            for index in 2..<nodes.count { try join(nodes[1], nodes[index], way) }
        }
        for seed in 40..<60 { try nodes[seed % nodes.count].write(seed) }
        try await until { Set(nodes.map(\.content)).count == 1 && nodes[0].content.events.count == 12 }
        for node in nodes { await node.replica.dispose() }
    }

    @Test(
        "U-10: a hundred random rounds of writing, joining and parting end equal, and as a plain reading of all entries says",
        arguments: 0..<4)
    func rounds(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let nodes = try (0..<5).map { _ in try Node() }
        var expected: [String: (stamp: (HybridTimestamp, OriginID), value: String?)] = [:]
        var eventCount = 0
        for round in 0..<100 {
            let node = nodes[Int(random.next() % 5)]
            switch random.next() % 4 {
            case 0:
                let other = nodes[Int(random.next() % 5)]
                if node.replica !== other.replica {
                    try await node.replica.start(with: other.replica, ReplicaOptions(tail: false)).ended()
                    // Where one overwrote much, the log is let go and the rest comes as history.
                    if random.next() % 4 == 0 { try await node.replica.compact() }
                }
            case 1:
                try node.events.append("e\(round)")
                eventCount += 1
            default:
                let key = "k\(random.next() % 6)"
                let value = random.next() % 5 == 0 ? nil : "v\(round)"
                try node.model.set(key, to: value)
                let last = try #require(node.model.lastWrite(of: key))
                if expected[key].map({ $0.stamp < last }) ?? true { expected[key] = (last, value) }
                _ = try node.union.update([random.next() % 50])
            }
        }
        for index in nodes.indices {
            for other in nodes.indices where other != index {
                try await nodes[index].replica.start(with: nodes[other].replica, ReplicaOptions(tail: false)).ended()
            }
        }
        #expect(Set(nodes.map(\.content)).count == 1)
        #expect(nodes[0].model.values == expected.compactMapValues(\.value))
        #expect(nodes[0].events.count == eventCount)
    }

    @Test("U-10: replicas over TCP end up equal", .timeLimit(.minutes(1)))
    func tcp() async throws {
        let hub = try Node()
        let listener = TCPListener(on: LinkAddress(host: "127.0.0.1", port: 0), security: .plain)
        let address = try await listener.start { link in _ = try? hub.replica.start(over: link) }
        let nodes = try (0..<3).map { _ in try Node() }
        for seed in 0..<60 { try nodes[seed % 3].write(seed) }
        for node in nodes { try node.replica.start(over: try await TCPConnector(to: address, security: .plain).connect()) }
        try hub.write(61)
        try await until { nodes.allSatisfy { $0.content == hub.content } && hub.content.events.count == 13 }
        for node in nodes + [hub] { await node.replica.dispose() }
        await listener.shutdown(within: .zero)
    }

    @Test("U-10, U-12: ten thousand entries cross a stream, and neither side holds more than a window and some frames")
    func much() async throws {
        let (a, b) = (try Node(), try Node())
        let big = String(repeating: "x", count: 500)
        for index in 0..<8_000 { try a.model.set("k\(index)", to: big) }
        let (near, far) = MemoryDuplexStream.pair()
        let gate = GatedStream(far)
        let session = try a.replica.start(over: near)
        try b.replica.start(over: gate)
        try await until { b.model.count > 100 }
        gate.shut()
        for index in 0..<2_000 { try a.model.set("l\(index)", to: big) }
        for _ in 0..<200 { await Task.yield() }
        let waiting = a.replica.state.withLock { $0.sessions[session.id.rawValue]?.outboxSize ?? 0 }
        #expect(waiting <= FeedLimits.window + 4 * FeedLimits.framePreferred)
        gate.open()
        try await session.synchronised()
        try await until { b.model.count == 10_000 }
        await a.replica.dispose()
        await b.replica.dispose()
    }

    @Test("while a peer lags far behind, writers wait; they no longer do when it has caught up, or is gone", arguments: [false, true])
    func writersWait(isGone: Bool) async throws {
        let time = TestTime()
        let (a, b) = (try Node(time: time), try Node(time: time))
        let (near, far) = MemoryDuplexStream.pair()
        let gate = GatedStream(far)
        let session = try a.replica.start(over: near)
        try b.replica.start(over: gate)
        try await session.synchronised()
        gate.shut()
        // Some may cross with a read that had begun.
        let count = 2 * Int(FeedLimits.backlogMaximum)
        for index in 0..<count {
            await a.replica.ready()
            try a.model.set("k\(index)", to: "v")
        }
        func pass() {
            time.move(wall: 100, monotonic: 100)
            _ = a.replica.tick()
        }
        for _ in 0..<100 { pass() }
        let written = Mutex(0)
        let writer = Task {
            for _ in 0..<100 {
                await a.replica.ready()
                written.withLock { $0 += 1 }
            }
        }
        // At the least rate a tenth of a second's writes may go at once; time stands still.
        try await until { written.withLock { $0 } == 10 }
        for _ in 0..<200 { await Task.yield() }
        #expect(written.withLock { $0 } == 10)
        if isGone { session.close() } else { gate.open() }
        try await until {
            pass()
            return written.withLock { $0 } == 100
        }
        if isGone { gate.open() }
        await writer.value
        if !isGone { try await until { b.model.count == count } }
        await a.replica.dispose()
        await b.replica.dispose()
    }

    @Test("U-07: what is only read takes and gives nothing, what is only written gives and takes nothing")
    func oneWay() async throws {
        let (a, b) = (try Node(), try Node())
        for seed in 0..<20 { try a.write(seed) }
        try b.model.set("mine", to: "b")
        let (near, far) = MemoryDuplexStream.pair()
        let writer = try a.replica.start(over: near, .writeOnly)
        let reader = try b.replica.start(over: far, .readOnly)
        try await reader.synchronised()
        #expect(b.content.events == a.content.events && a.model["mine"] == nil)
        // What is new goes on.
        try a.model.set("later", to: "1")
        try b.model.set("mine", to: "c")
        try await until { b.model["later"] == "1" }
        #expect(a.model["mine"] == nil && far.unread == 0)
        reader.close()
        try await reader.ended()
        writer.close()
        try await writer.ended()
    }

    @Test("U-07: a side that takes part in both ways understands one that only writes")
    func halves() async throws {
        let (a, b) = (try Node(), try Node())
        try a.model.set("x", to: "1")
        let (near, far) = MemoryDuplexStream.pair()
        try a.replica.start(over: near, ReplicaOptions(direction: .writeOnly, tail: false))
        let session = try b.replica.start(over: far)
        try await session.synchronised()
        #expect(b.model["x"] == "1")
        await a.replica.dispose()
        await b.replica.dispose()
    }

    @Test("U-04, U-07: without a tail a session ends by itself on both sides when they are equal")
    func tails() async throws {
        let (a, b) = (try Node(), try Node())
        for seed in 0..<20 { try (seed % 2 == 0 ? a : b).write(seed) }
        let (near, far) = MemoryDuplexStream.pair()
        let other = try b.replica.start(over: far)
        try await a.replica.replicate(over: near, ReplicaOptions(tail: false))
        try await other.ended()
        #expect(a.content == b.content && other.isSynchronised)
        #expect(a.replica.statistics.sessions == 0 && b.replica.statistics.sessions == 0)
    }

    @Test("U-09: each side sees what the other says of itself in the header")
    func metadata() async throws {
        let (a, b) = (try Node(), try Node())
        let (near, far) = MemoryDuplexStream.pair()
        let session = try a.replica.start(over: near, ReplicaOptions(metadata: ["name": "a", "room": "1"]))
        let other = try b.replica.start(over: far, ReplicaOptions(metadata: ["name": "b"]))
        try await session.synchronised()
        try await other.synchronised()
        #expect(session.peerMetadata == ["name": "b"] && other.peerMetadata == ["name": "a", "room": "1"])
        #expect(session.peerIdentity == b.replica.identity && other.peerIdentity == a.replica.identity)
        let long = Dictionary(uniqueKeysWithValues: (0..<65).map { ("\($0)", "") })
        #expect(throws: ReplicaError.self) { try a.replica.start(over: near, ReplicaOptions(metadata: long)) }
        await a.replica.dispose()
        await b.replica.dispose()
    }

    @Test("U-09: replicas of other clusters refuse each other")
    func clusters() async throws {
        let a = try Replica(configuration: ReplicaConfiguration(cluster: 1))
        let b = try Replica(configuration: ReplicaConfiguration(cluster: 2))
        let (near, far) = MemoryDuplexStream.pair()
        let (session, other) = (try a.start(over: near), try b.start(over: far))
        // Whoever hears the other's header first refuses it; the other may see no more than the end.
        var refusals = 0
        for one in [session, other] { do { try await one.ended() } catch { refusals += 1 } }
        #expect(refusals >= 1)
        #expect(a.statistics.sessions == 0 && b.statistics.sessions == 0)
    }

    @Test("U-17: a clone has the same content and stays equal; a replica that is disposed of leaves no stream, task or waiter behind")
    func clones() async throws {
        let a = try Node()
        for seed in 0..<30 { try a.write(seed) }
        let (model, events) = (ReplicatedModel<String>(), ReplicatedEvents<String>())
        let clone = try a.replica.clone(["model": model, "events": events])
        #expect(model.values == a.model.values && events.count == a.events.count)
        try model.set("from", to: "clone")
        try a.model.set("to", to: "clone")
        #expect(a.model["from"] == "clone" && model["to"] == "clone")
        #expect(a.replica.statistics.clones == 1 && a.replica.statistics.sessions == 1)
        #expect(clone.identity.origin != a.replica.identity.origin)
        var changes = a.model.changes.makeAsyncIterator()
        let (near, far) = MemoryDuplexStream.pair()
        let session = try a.replica.start(over: near)
        let waiting = Task { try await session.synchronised() }
        await a.replica.dispose()
        try await session.ended()
        await #expect(throws: ReplicaError.self) { try await waiting.value }
        #expect(a.replica.statistics.sessions == 0 && clone.statistics.sessions == 0)
        #expect(a.replica.statistics.sessionsEver == 2)
        #expect(throws: FeedError.self) { try a.model.set("x", to: "late") }
        #expect(throws: ReplicaError.self) { try a.replica.start(over: far) }
        let last = await changes.next()
        #expect(last == nil)
        await clone.dispose()
    }

    @Test("U-17: replicas and what they carry are freed when they are let go")
    func freed() async throws {
        weak var gone: Replica?
        weak var part: ReplicatedModel<String>?
        do {
            let (a, b) = (try Node(), try Node())
            let (near, far) = MemoryDuplexStream.pair()
            let session = try a.replica.start(over: near)
            try b.replica.start(over: far)
            try await session.synchronised()
            await a.replica.dispose()
            await b.replica.dispose()
            (gone, part) = (a.replica, a.model)
        }
        try await until { gone == nil && part == nil }
    }

    @Test("U-12: parts share one feed, one digest and one session; entries of parts that are not there wait, and are given when they come")
    func parts() async throws {
        let (a, b) = (try Replica(), try Replica())
        let models = (0..<20).map { _ in ReplicatedModel<String>() }
        for (index, model) in models.enumerated() { try a.add(model, named: "m\(index)") }
        try a.start(with: b)
        for (index, model) in models.enumerated() { try model.set("key", to: "\(index)") }
        #expect(b.digest.dots.count == 1 && b.statistics.sessions == 1)
        let late = ReplicatedModel<String>()
        try b.add(late, named: "m7")
        #expect(late["key"] == "7")
        #expect(throws: ReplicaError.self) { try b.add(ReplicatedModel<String>(), named: "m7") }
        #expect(throws: ReplicaError.self) { try b.add(ReplicatedModel<String>(), named: "") }
        #expect(throws: ReplicaError.self) { try b.add(ReplicatedModel<String>(), named: String(repeating: "x", count: 256)) }
        // A name that begins another is another part.
        let (short, long) = (ReplicatedModel<String>(), ReplicatedModel<String>())
        try b.add(short, named: "p")
        try b.add(long, named: "pk")
        try short.set("k1", to: "short")
        #expect(long["1"] == nil && short["k1"] == "short")
    }

    @Test("U-03: what is written while the store works becomes durable in groups")
    func groups() async throws {
        let pool = try BlockingPool(threads: 1)
        let node = try Node(executor: pool)
        for index in 0..<2_000 { try node.model.set("k\(index % 10)", to: "\(index)") }
        try await node.replica.durable()
        #expect(node.replica.digest.sequence(of: node.replica.identity.origin) == 2_000)
        #expect(node.replica.statistics.writeGroups < 2_000)
        await node.replica.dispose()
        await pool.shutdown()
    }
}

/// Numbers that a seed decides.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
