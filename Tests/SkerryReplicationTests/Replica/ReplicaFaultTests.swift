import SkerryCRDT
@testable import SkerryGossip
import SkerryMerge
@testable import SkerryReplication
import SkerrySession
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

/// What went wrong upstream, and what may go wrong anywhere.
@Suite("Replicas under faults", .timeLimit(.minutes(2)))
struct ReplicaFaultTests {
    @Test("U-11: a forged entry with a stamp from far ahead moves no clock: the genuine ones of its origin are taken afterwards")
    func forged() async throws {
        let keys = TestKeys([1, 2])
        let time = TestTime()
        let victim = try Node(origin: 1, time: time, trust: keys.trust(of: 1))
        let ahead = TestTime(wall: 1_700_000_050_000)
        let forger = try Node(origin: 2, time: ahead, trust: keys.trust(of: 2, forging: true))
        try forger.model.set("x", to: "forged")
        let heard = Heard<ReplicaEvent>()
        let observation = victim.replica.observe(heard.add)
        let session = try forger.replica.start(with: victim.replica)
        #expect(victim.model["x"] == nil && victim.replica.statistics.feeds.badSignatures == 1)
        #expect(heard.all.contains { if case .refused(_, let error) = $0 { error.code == .badSignature } else { false } })
        session.close()
        let genuine = try Node(origin: 2, time: time, trust: keys.trust(of: 2))
        try genuine.model.set("x", to: "genuine")
        try genuine.replica.start(with: victim.replica)
        #expect(victim.model["x"] == "genuine")
        let stamp = try #require(victim.model.lastWrite(of: "x")).stamp
        #expect(stamp.milliseconds == 1_700_000_000_000)
        try victim.model.set("y", to: "mine")
        #expect(genuine.model["y"] == "mine", "no stamp of the victim lies ahead")
        _ = observation
    }

    @Test("U-11: signed entries are taken over any number of hops and as history; unsigned ones are refused")
    func signed() async throws {
        let keys = TestKeys([1, 2, 3])
        let nodes = try (1...3).map { try Node(origin: $0, trust: keys.trust(of: $0)) }
        for index in 0..<10 { try nodes[0].model.set("k", to: "\(index)") }
        try await nodes[0].replica.compact()
        try nodes[0].replica.start(with: nodes[1].replica)
        try nodes[1].replica.start(with: nodes[2].replica)
        #expect(nodes[2].model["k"] == "9" && nodes[1].replica.statistics.repairs == 1)
        let plain = try Node(origin: 2)
        try plain.model.set("k", to: "unsigned")
        try plain.replica.start(with: nodes[2].replica)
        #expect(nodes[2].model["k"] == "9")
    }

    @Test("U-13: equal stamps are decided by the origin, so that replicas agree whichever came first", arguments: [true, false])
    func ties(isFirst: Bool) throws {
        let time = TestTime()
        let (a, b) = (try Node(origin: 1, time: time), try Node(origin: 2, time: time))
        if isFirst {
            try a.model.set("k", to: "a")
            try b.model.set("k", to: "b")
        } else {
            try b.model.set("k", to: "b")
            try a.model.set("k", to: "a")
        }
        #expect(a.model.lastWrite(of: "k")?.stamp == b.model.lastWrite(of: "k")?.stamp)
        try a.replica.start(with: b.replica)
        #expect(a.model["k"] == "b" && b.model["k"] == "b")
    }

    @Test("U-05: a clock that steps back an hour still writes behind what it wrote and saw")
    func stepsBack() throws {
        let time = TestTime()
        let (a, b) = (try Node(origin: 1, time: time), try Node(origin: 2, time: TestTime()))
        try a.replica.start(with: b.replica)
        try b.model.set("k", to: "old")
        time.move(wall: -3_600_000)
        try a.model.set("k", to: "new")
        #expect(a.model["k"] == "new" && b.model["k"] == "new")
        try a.model.set("k", to: "newest")
        #expect(b.model["k"] == "newest")
    }

    @Test("U-05: a stamp from too far ahead is refused and told, and comes when its time has come")
    func future() throws {
        let (time, ahead) = (TestTime(), TestTime())
        ahead.move(wall: 3_600_000)
        let (a, b) = (try Node(origin: 1, time: time), try Node(origin: 2, time: ahead))
        let heard = Heard<ReplicaEvent>()
        let observation = a.replica.observe(heard.add)
        try b.model.set("k", to: "future")
        try a.replica.start(with: b.replica)
        #expect(a.model["k"] == nil)
        #expect(heard.all.contains { if case .refused(_, let error) = $0 { error.code == .futureStamp } else { false } })
        try a.model.set("k", to: "now")
        for clock in [time, ahead] { clock.move(wall: 3_600_000, monotonic: 3_600_000) }
        for _ in 0..<3 { _ = b.replica.tick() }
        #expect(a.model["k"] == "future")
        _ = observation
    }

    @Test("U-09: a header and a digest larger than a packet come in parts, cut anywhere")
    func largeHandshake() async throws {
        let (hub, other) = (try Node(), try Node())
        for index in 0..<300 {
            let part = ReplicatedModel<String>()
            let writer = try Replica(["model": part])
            try part.set("k\(index)", to: "v")
            try await writer.start(with: hub.replica, ReplicaOptions(tail: false)).ended()
        }
        try await hub.replica.start(with: other.replica, ReplicaOptions(tail: false)).ended()
        try hub.model.set("more", to: "1")
        let lossy = SimulatedNetwork(seed: 5, conditions: .disorder)
        // 300 origins take 8 KiB; a packet takes 1,200 bytes, a read one.
        for isLossy in [true, false] {
            let late = try Node()
            if isLossy {
                let (near, far) = lossy.pair(delivery: .lossy)
                try hub.replica.start(over: near)
                try late.replica.start(over: far)
            } else {
                let (near, far) = MemoryDuplexStream.pair(piece: 1)
                try hub.replica.start(over: near, ReplicaOptions(metadata: ["long": String(repeating: "m", count: 5_000)]))
                try late.replica.start(over: far)
            }
            try await until { late.model.count == 301 && late.replica.digest == hub.replica.digest }
            await late.replica.dispose()
        }
        await hub.replica.dispose()
    }

    @Test("U-07: bytes that are no messages end their own session, with an error that says so, and touch nothing else", arguments: 0..<20)
    func garbage(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let (a, b) = (try Node(), try Node())
        let good = try a.replica.start(with: b.replica)
        try a.write(1)
        let before = a.content
        let (near, far) = MemoryDuplexStream.pair()
        let session = try a.replica.start(over: near)
        // A good beginning, and then something of each kind that is none.
        let header = ReplicaHeader(
            cluster: 0, origin: OriginID(rawValue: 9), direction: .both, tail: true, isEmpty: true, tag: 1, metadata: [])
        if seed > 3 { try await far.write(MessageFraming.frame(header.encoded)) }
        let kind = seed < 8 ? UInt8(seed) : [1, 2, 3, 4, 5, 6, 0x10, 0x11, 0x12, 0x13, 0x20, 0xFF][Int(seed) - 8]
        let junk = [kind] + (0..<Int(random.next() % 200 + 1)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        try await far.write(MessageFraming.frame(junk))
        try await far.write([0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        await #expect(throws: ReplicaError.self) { try await session.ended() }
        #expect(a.content == before)
        try b.write(6)
        #expect(a.content == b.content && !good.hasFinished)
        await a.replica.dispose()
    }

    @Test("U-07: a stream that is cut ends alone, and over the next one everything goes on")
    func cut() async throws {
        let (a, b, c) = (try Node(), try Node(), try Node())
        let other = try a.replica.start(with: c.replica)
        for round in 0..<5 {
            let (near, far) = MemoryDuplexStream.pair()
            let (session, peer) = (try a.replica.start(over: near), try b.replica.start(over: far))
            for seed in 0..<10 { try (seed % 2 == 0 ? a : b).write(round * 10 + seed) }
            if round % 2 == 0 { try await session.synchronised() }
            near.cut()
            await #expect(throws: ReplicaError.self) { try await session.ended() }
            await #expect(throws: ReplicaError.self) { try await peer.ended() }
            #expect(!other.hasFinished)
        }
        try await a.replica.start(with: b.replica, ReplicaOptions(tail: false)).ended()
        #expect(a.content == b.content)
        // A thread of the streams may still be telling the third one what came over the last of them.
        try await until("the third one has everything") { a.content == c.content }
        await a.replica.dispose()
    }

    @Test("U-05: an origin with two histories is frozen and reported, and what others write goes on")
    func forks() async throws {
        let time = TestTime()
        let (one, two) = (try Node(origin: 7, time: time), try Node(origin: 7, time: time))
        try one.model.set("k", to: "one")
        try two.model.set("k", to: "two")
        let judge = try Node(origin: 8, time: time)
        let heard = Heard<ReplicaEvent>()
        let observation = judge.replica.observe(heard.add)
        try await one.replica.start(with: judge.replica, ReplicaOptions(tail: false)).ended()
        try two.replica.start(with: judge.replica)
        #expect(judge.replica.frozenOrigins == [OriginID(rawValue: 7)] && judge.model["k"] == "one")
        #expect(heard.all.contains { if case .equivocation = $0 { true } else { false } })
        try judge.model.set("other", to: "goes on")
        #expect(two.model["other"] == "goes on")
        _ = observation
    }

    @Test("U-08: a store that fails ends the sessions and refuses writes; nothing was acknowledged that is not there")
    func storeFails() async throws {
        let failing = FailingStore(after: 5)
        let node = try Node(store: failing)
        let peer = try Node()
        let heard = Heard<ReplicaEvent>()
        let observation = node.replica.observe(heard.add)
        let session = try node.replica.start(with: peer.replica)
        #expect(throws: FeedError.self) { for seed in 0..<20 { try node.model.set("k\(seed)", to: "v") } }
        #expect(peer.replica.digest.sequence(of: node.replica.identity.origin) < 10)
        await #expect(throws: ReplicaError.self) { try await session.ended() }
        await #expect(throws: ReplicaError.self) { try await node.replica.durable() }
        await #expect(throws: ReplicaError.self) { try await node.replica.compact() }
        #expect(heard.all.contains { if case .storeFailed = $0 { true } else { false } })
        _ = observation
    }

    @Test("U-02, U-14: a position that no entry of the history stands for is not believed")
    func unbelieved() throws {
        let time = TestTime()
        let node = try Node(origin: 3, time: time)
        try node.model.set("k", to: "v")
        try node.model.set("k", to: "w")
        let history = node.replica.state.withLock { $0.history(since: CausalContext()) }
        let (entries, marks) = (history.entries, history.marks)
        #expect(entries.count == 1 && marks.count == 1)
        var forged = marks[0]
        forged.position.sequence = 900
        var transfer = HistoryTransfer(entries: entries, marks: [forged], tag: 5)
        transfer.grantAll()
        var reception = try #require(HistoryReception(tag: 5, trust: .members))
        _ = reception.subscribe()
        while !transfer.isFinished {
            for message in transfer.next() where message[0] == 6 { _ = try reception.receive(message) }
        }
        #expect(reception.believed([forged]).isEmpty && reception.believed(marks) == marks)
    }
}

extension NetworkConditions {
    /// Packets that are doubled and overtaken.
    fileprivate static var disorder: NetworkConditions {
        var conditions = NetworkConditions()
        conditions.latency = .milliseconds(1)
        conditions.jitter = .milliseconds(2)
        conditions.duplication = 0.1
        return conditions
    }
}

/// A store that throws after some writes.
private struct FailingStore: ReplicaStore {
    private var base = MemoryReplicaStore()
    private var left: Int

    init(after count: Int) { left = count }

    var state: FeedState { base.state }

    mutating func append(_ batch: FeedBatch, rows: [ReplicaRow]) throws(StorageError) {
        left -= 1
        guard left > 0 else { throw StorageError(.failed, "the disk is gone") }
        base.append(batch, rows: rows)
    }

    mutating func sync() throws(StorageError) { base.sync() }
    func read(_ origin: OriginID, from first: UInt64, charge: Int) throws(StorageError) -> [FeedEntry] {
        base.read(origin, from: first, charge: charge)
    }
    mutating func adopt(_ marks: [FeedMark], keeping entries: [FeedEntry], rows: [ReplicaRow]) throws(StorageError) {
        base.adopt(marks, keeping: entries, rows: rows)
    }
    mutating func compact(
        trimming floors: [Dot], keeping entries: [FeedEntry], forgetting: [FeedEntry], rows: [ReplicaRow]
    ) throws(StorageError) {
        base.compact(trimming: floors, keeping: entries, forgetting: forgetting, rows: rows)
    }
    mutating func replace(
        _ marks: [FeedMark], keeping entries: [FeedEntry], forgetting: [FeedEntry], followedBy batch: FeedBatch,
        rows: [ReplicaRow]
    ) throws(StorageError) {
        base.replace(marks, keeping: entries, forgetting: forgetting, followedBy: batch, rows: rows)
    }
    func kept() throws(StorageError) -> [FeedEntry] { base.kept() }
    func kept(_ origin: OriginID, from first: UInt64, charge: Int) throws(StorageError) -> [FeedEntry] {
        base.kept(origin, from: first, charge: charge)
    }
    func rows(withPrefix prefix: [UInt8], from lower: [UInt8], limit: Int) throws(StorageError) -> [ReplicaRow] {
        base.rows(withPrefix: prefix, from: lower, limit: limit)
    }
}
