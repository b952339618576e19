import SkerryCRDT
import SkerryGossip
@testable import SkerryReplication
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

/// What outlives a replica: streams in files, histories behind trimmed logs, stores.
@Suite("Replicas on record", .timeLimit(.minutes(2)))
struct ReplicaRecordTests {
    /// All there is of a node, as a file would hold it.
    private func dump(_ node: Node) async throws -> [UInt8] {
        let file = RecordedStream()
        try await node.replica.replicate(over: file, .dump)
        return file.written
    }

    @Test(
        "U-08, T-03: a disk is just another stream: what was written to a file makes an equal replica, and what is overwritten is not in it"
    )
    func file() async throws {
        let (a, b) = (try Node(), try Node())
        for seed in 0..<100 { try (seed % 2 == 0 ? a : b).write(seed) }
        try await a.replica.start(with: b.replica, ReplicaOptions(tail: false)).ended()
        let bytes = try await dump(a)
        let copy = try Node()
        try await copy.replica.replicate(over: RecordedStream(bytes, piece: 13), .readOnly)
        #expect(copy.content == a.content && copy.replica.digest == a.replica.digest)
        #expect(copy.replica.statistics.changes < 100)
        // The restored one goes on, and needs nothing of what it has.
        try copy.model.set("after", to: "restore")
        try a.model.set("also", to: "1")
        let before = a.replica.statistics.feeds.entriesSent
        try await a.replica.start(with: copy.replica, ReplicaOptions(tail: false)).ended()
        #expect(a.content == copy.content && a.replica.statistics.feeds.entriesSent == before + 1)
        // Again, into one that has it all: nothing changes.
        let changes = copy.replica.statistics.changes
        try await copy.replica.replicate(over: RecordedStream(bytes), .readOnly)
        #expect(copy.replica.statistics.changes == changes && copy.content == a.content)
    }

    @Test("U-07, U-08: a file torn at any byte gives what came whole before it, and the rest comes from a peer")
    func torn() async throws {
        let a = try Node()
        for seed in 0..<12 { try a.write(seed) }
        let bytes = try await dump(a)
        var seen: Set<Int> = []
        for length in stride(from: 0, through: bytes.count, by: 3) {
            let copy = try Node()
            let session = try copy.replica.start(over: RecordedStream(Array(bytes[..<length])), .readOnly)
            try await session.ended()
            seen.insert(copy.content.events.count)
            let isWhole = copy.replica.digest == a.replica.digest
            #expect(copy.replica.digest.isEmpty || isWhole, "a position without all that leads to it")
            try await a.replica.start(with: copy.replica, ReplicaOptions(tail: false)).ended()
            #expect(copy.content == a.content)
        }
        #expect(seen.contains(0))
    }

    @Test("U-08: a file in which a bit has turned is found out, at any place")
    func rotten() async throws {
        let a = try Node()
        for seed in 0..<12 { try a.write(seed) }
        let bytes = try await dump(a)
        let headerEnd = Int(bytes[0]) + 1
        for place in stride(from: headerEnd, to: bytes.count, by: 7) {
            var rotten = bytes
            rotten[place] ^= 0x10
            let copy = try Node()
            let session = try copy.replica.start(over: RecordedStream(rotten), .readOnly)
            let result = await Result { try await session.ended() }
            var isFound = session.isTorn
            if case .failure = result { isFound = true }
            #expect(isFound, "byte \(place)")
            #expect(copy.replica.digest.isEmpty)
            try await a.replica.start(with: copy.replica, ReplicaOptions(tail: false)).ended()
            #expect(copy.content == a.content)
        }
    }

    @Test("U-08: a file that is written along holds what came later, and nothing twice")
    func tail() async throws {
        let a = try Node()
        try a.model.set("k", to: "0")
        let file = RecordedStream()
        let session = try a.replica.start(over: file, .writeOnly)
        try await session.synchronised()
        for index in 1...50 { try a.model.set("k", to: "\(index)") }
        for index in 1...5 { try a.events.append("e\(index)") }
        let written = a.replica.digest
        try await until { a.replica.state.withLock { $0.sessions.values.allSatisfy { $0.written == written && $0.outboxSize == 0 } } }
        session.close()
        try await session.ended()
        let copy = try Node()
        try await copy.replica.replicate(over: RecordedStream(file.written), .readOnly)
        #expect(copy.content == a.content && copy.replica.digest == a.replica.digest)
    }

    @Test("U-02, U-14: behind a log that was trimmed latecomers get what is alive, and go on from there")
    func compaction() async throws {
        let (a, b) = (try Node(), try Node())
        try a.replica.start(with: b.replica)
        for index in 0..<500 { try a.model.set("k\(index % 5)", to: "\(index)") }
        for index in 0..<20 { try b.events.append("e\(index)") }
        let alive = try await a.replica.compact()
        #expect(alive == 25)
        let heard = Heard<ReplicaEvent>()
        let late = try Node()
        let observation = late.replica.observe(heard.add)
        try late.replica.start(with: a.replica)
        #expect(late.content == a.content && late.replica.digest == a.replica.digest)
        let repaired = heard.all.compactMap { event -> Int? in if case .repaired(_, let entries) = event { entries } else { nil } }
        #expect(repaired == [25])
        #expect(late.replica.statistics.repairs == 1 && a.replica.statistics.repairsServed == 1)
        // From here on by the feed.
        try a.model.set("k0", to: "new")
        try late.model.set("k1", to: "late")
        #expect(Set([a, b, late].map(\.content)).count == 1)
        #expect(late.replica.statistics.repairs == 1)
        // And who has only part of it gets the rest.
        let third = try Node()
        try third.replica.start(with: late.replica)
        #expect(third.content == a.content)
        _ = observation
    }

    @Test("U-14: after compaction in the middle of everything replicas still end up equal", arguments: 0..<3)
    func compactions(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let nodes = try (0..<4).map { _ in try Node() }
        for round in 0..<120 {
            let node = nodes[Int(random.next() % 4)]
            switch random.next() % 6 {
            case 0: try await node.replica.compact()
            case 1:
                let other = nodes[Int(random.next() % 4)]
                if other.replica !== node.replica { try await node.replica.start(with: other.replica, ReplicaOptions(tail: false)).ended() }
            case 2: _ = try node.union.compact()
            default: try node.write(round)
            }
        }
        for node in nodes {
            for other in nodes where other.replica !== node.replica {
                try await node.replica.start(with: other.replica, ReplicaOptions(tail: false)).ended()
            }
        }
        #expect(Set(nodes.map(\.content)).count == 1)
        #expect(Set(nodes.map(\.replica.digest)).count == 1)
    }

    @Test("U-08, U-16: in an engine a replica goes on after a crash where it was durable, under its own name, trimmed or not")
    func engine() async throws {
        var engine = MemoryMetadataEngine()
        let pool = try BlockingPool(threads: 2)
        let peer = try Node()
        var identity: FeedIdentity?
        for round in 0..<4 {
            let node = try Node(store: try EngineReplicaStore(engine: engine, prefix: [7]), executor: pool)
            if let identity { #expect(node.replica.identity == identity) }
            identity = node.replica.identity
            let session = try node.replica.start(with: peer.replica)
            try await session.synchronised()
            #expect(node.content == peer.content)
            for seed in 0..<30 { try (seed % 3 == 0 ? peer : node).write(round * 30 + seed) }
            try await until { node.content == peer.content }
            if round == 1 { try await node.replica.compact() }
            try await node.replica.durable()
            let content = node.content
            await node.replica.dispose()
            engine = engine.crash()
            let again = try Node(store: try EngineReplicaStore(engine: engine, prefix: [7]), executor: pool)
            #expect(again.content == content)
            await again.replica.dispose()
        }
        // A latecomer gets all of it from the one that was trimmed and crashed.
        let node = try Node(store: try EngineReplicaStore(engine: engine, prefix: [7]), executor: pool)
        let late = try Node()
        let session = try late.replica.start(with: node.replica)
        try await session.synchronised()
        #expect(late.content == peer.content)
        await node.replica.dispose()
        await pool.shutdown()
    }

    @Test("U-16: views are sorted, follow every change, are committed with it, and are built anew when their function is another")
    func views() async throws {
        var engine = MemoryMetadataEngine()
        func open(_ version: UInt64) throws -> (Replica, ReplicatedModel<UInt64>, ReplicaView) {
            let view = ReplicaView("by-number", version: version) { key, bytes in
                version == 1 ? [(key: Array(bytes), value: Array(key.utf8))] : [(key: Array(key.utf8.reversed()), value: [])]
            }
            let model = ReplicatedModel<UInt64>(views: [view])
            return (try Replica(["people": model], store: try EngineReplicaStore(engine: engine, prefix: [])), model, view)
        }
        let (replica, model, view) = try open(1)
        let other = ReplicatedModel<UInt64>()
        try Replica(["people": other]).start(with: replica)
        for (key, value) in [("ada", 36), ("bob", 7), ("cy", 36), ("dan", 1)] as [(String, UInt64)] { try model.set(key, to: value) }
        try other.set("bob", to: 99)
        try other.set("dan", to: nil)
        try await replica.durable()
        #expect(try await view.rows(limit: 10).map(\.source) == ["ada", "cy", "bob"])
        #expect(try await view.rows(from: UInt64(37).replicaBytes, limit: 10).map(\.source) == ["bob"])
        #expect(try await view.rows(limit: 1).map(\.key) == [UInt64(36).replicaBytes])
        engine = engine.crash()
        let (reopened, again, sameView) = try open(1)
        #expect(again.values == ["ada": 36, "cy": 36, "bob": 99])
        #expect(try await sameView.rows(limit: 10).map(\.source) == ["ada", "cy", "bob"])
        try again.set("ada", to: 100)
        #expect(try await sameView.rows(limit: 10).map(\.source) == ["cy", "bob", "ada"])
        try await reopened.durable()
        engine = engine.crash()
        let (third, _, newView) = try open(2)
        #expect(try await newView.rows(limit: 10).map(\.source) == ["ada", "bob", "cy"])
        await third.dispose()
    }
}

extension Result where Failure == any Error {
    /// What an asynchronous body came to.
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
