import SkerryCRDT
import SkerryDocuments
@testable import SkerryGossip
@testable import SkerryReplication
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

private typealias Entry = SkerryGossip.FeedEntry

@Suite("Histories with documents", .timeLimit(.minutes(2)))
struct DocumentHistoryTests {
    // MARK: - The reader

    /// What a store has of some parts, the dumb way.
    private static func reference(
        _ entries: [Entry], _ prefixes: [[UInt8]], _ digest: CausalContext, _ marks: [FeedMark]
    ) -> [Entry] {
        let ends = Dictionary(uniqueKeysWithValues: marks.map { ($0.origin, $0.position.sequence) })
        return entries.filter { entry in
            entry.isOf(prefixes) && !digest.covers(entry.dot) && entry.dot.sequence <= ends[entry.dot.origin] ?? 0
        }.sorted { ($0.stamp, $0.dot) < ($1.stamp, $1.dot) }
    }

    @Test(
        "a store is read by stamps, each origin in its order, in pieces that stay within the bound, wherever the log begins",
        arguments: 0..<6)
    func reader(seed: UInt64) throws {
        var draws = SeededDraws(seed: seed)
        let (documents, other) = ([3] + Array("doc".utf8), [1] + Array("m".utf8))
        var store: any ReplicaStore =
            seed % 2 == 0 ? MemoryReplicaStore() : try EngineReplicaStore(engine: MemoryMetadataEngine(), prefix: [7])
        var all: [Entry] = []
        var now = FeedInstant(wall: 1_700_000_000_000, monotonic: 1)
        let origins = 1 + draws.next(below: 6)
        // Few of them and large, or many and small.
        let largest = seed % 3 == 0 ? 400_000 : 16_000
        var cores = (1...origins).map { origin in
            FeedCore(identity: FeedIdentity(cluster: 0, site: 1, origin: OriginID(rawValue: UInt64(origin)), epoch: 1), now: now)
        }
        for _ in 0..<(seed % 3 == 0 ? 24 : 250) {
            now.wall += UInt64(draws.next(below: 3))
            var actions: [FeedAction] = []
            let part = draws.next(below: 4) == 0 ? other : documents
            let value = [UInt8](repeating: 1, count: draws.next(below: largest))
            all.append(try cores[draws.next(below: cores.count)].publish(.write, key: part + [9], value: value, now: now, into: &actions))
            for case .persist(let batch) in actions { try store.append(batch, rows: []) }
        }
        let marks = store.state.marks.sorted { $0.origin < $1.origin }
        // Some of the logs begin late, and what was in front lies beside them, with some of what is behind.
        for mark in marks where draws.next(below: 2) == 0 {
            let floor = UInt64(draws.next(below: Int(mark.position.sequence) + 1))
            let own = all.filter { $0.dot.origin == mark.origin }
            try store.adopt([], keeping: own.filter { $0.dot.sequence <= floor + 2 }, rows: [])
            try store.compact(trimming: [Dot(origin: mark.origin, sequence: floor)], keeping: [], forgetting: [], rows: [])
        }
        try store.sync()
        let digest = CausalContext(
            covering: marks.map { Dot(origin: $0.origin, sequence: UInt64(draws.next(below: Int($0.position.sequence)))) })
        for known in [CausalContext(), digest] {
            var reader = HistoryReader(of: [documents], since: known, through: CausalContext(marks))
            var found: [Entry] = []
            while !reader.isAtEnd {
                let page = try reader.read(from: store)
                #expect(reader.held + page.reduce(0) { $0 + $1.charge } <= Replica.historyMaximum)
                found += page
            }
            #expect(found == Self.reference(all, [documents], known, marks))
            #expect(reader.held == 0 && reader.peak <= Replica.historyMaximum)
        }
    }

    // MARK: - Replicas

    /// Fills a node with documents of some megabytes.
    private static func fill(_ node: DocumentNode, megabytes: Int) async throws {
        var draws = SeededDraws(seed: 5)
        let words = (0..<(64 << 10)).map { _ in draws.next() }
        for number in 0..<(megabytes * 2) {
            let noise = words.withUnsafeBytes { [UInt8(number)] + $0 }
            try await node.documents.change("d\(number)") { $0.register("bytes").value = .bytes(noise) }
        }
    }

    private static func content(_ node: DocumentNode) async throws -> [String: DocumentValue?] {
        var content: [String: DocumentValue?] = [:]
        for summary in try await node.documents.documents() {
            content[summary.name] = try await node.documents.document(summary.name).register("bytes").value
        }
        return content
    }

    private static let megabytes = 5

    @Test("U-14: documents of many megabytes are given as a history within the bound; a cut link and a crash in the middle lose nothing")
    func bounded() async throws {
        let (left, right, third) = (try await DocumentNode("left"), try await DocumentNode("right"), try await DocumentNode("third"))
        try await Self.fill(left, megabytes: Self.megabytes)
        // The second takes a position over, so that its log begins behind all of them.
        let session = try left.replica.start(with: right.replica)
        session.close()
        for _ in 0..<2 { try await left.append("late", to: "text") }
        let carrier = try Replica(["model": ReplicatedModel<String>()])
        try await carrier.start(with: left.replica, ReplicaOptions(tail: false)).ended()
        try await carrier.compact()
        try await right.replica.start(with: carrier, ReplicaOptions(tail: false)).ended()
        #expect(right.replica.statistics.repairs == 1)
        #expect(right.replica.statistics.historyPeak > 1 << 19 && right.replica.statistics.historyPeak <= Replica.historyMaximum)

        // Its link is cut, then its power goes, each amid the history.
        let (near, far) = MemoryDuplexStream.pair()
        try right.replica.start(over: near)
        await #expect(throws: ReplicaError.self) { try await third.replica.replicate(over: CutStream(far, after: 2 << 20)) }
        #expect(third.replica.digest.isEmpty)
        third.disk.cut(after: 12)
        let (again, back) = MemoryDuplexStream.pair()
        try right.replica.start(over: again)
        await #expect(throws: ReplicaError.self) { try await third.replica.replicate(over: back) }
        try await third.crash()
        #expect(third.replica.digest.isEmpty)
        try third.replica.start(with: right.replica)
        #expect(await eventually { third.replica.digest == left.replica.digest })
        #expect(try await Self.content(third) == Self.content(left))
        #expect(try await third.text("text") == "latelate")
        #expect(right.replica.statistics.historyPeak <= Replica.historyMaximum)
    }
}

/// A stream that breaks when so many bytes have come.
private final class CutStream: DuplexStream {
    private let base: MemoryDuplexStream
    private let room: Mutex<Int>

    init(_ base: MemoryDuplexStream, after bytes: Int) {
        self.base = base
        room = Mutex(bytes)
    }

    func read() async throws(LinkError) -> [UInt8] {
        let bytes = try await base.read()
        let isCut = room.withLock { room in
            room -= bytes.count
            return room < 0
        }
        if isCut {
            base.cut()
            throw LinkError(.reset, "the stream was cut")
        }
        return bytes
    }

    func write(_ bytes: [UInt8]) async throws(LinkError) { try await base.write(bytes) }
}
