import Logging
import SkerryCRDT
import SkerryDocuments
import SkerryGossip
import SkerryReplication
import SkerryStorage
import Synchronization

/// A store of a replica in memory that counts the rows that are read of it.
struct CountingReplicaStore: ReplicaStore {
    final class Count: Sendable {
        private let rows = Atomic(0)
        var value: Int { rows.load(ordering: .relaxed) }
        func add(_ number: Int) { rows.add(number, ordering: .relaxed) }
    }

    private var base = MemoryReplicaStore()
    private let count: Count

    init(_ count: Count) { self.count = count }

    var state: FeedState { base.state }
    mutating func append(_ batch: FeedBatch, rows: [ReplicaRow]) { base.append(batch, rows: rows) }
    mutating func sync() { base.sync() }
    func read(_ origin: OriginID, from first: UInt64, charge: Int) -> [SkerryGossip.FeedEntry] {
        base.read(origin, from: first, charge: charge)
    }
    mutating func adopt(_ marks: [FeedMark], keeping entries: [SkerryGossip.FeedEntry], rows: [ReplicaRow]) {
        base.adopt(marks, keeping: entries, rows: rows)
    }
    mutating func compact(
        trimming floors: [Dot], keeping entries: [SkerryGossip.FeedEntry], forgetting: [SkerryGossip.FeedEntry], rows: [ReplicaRow]
    ) {
        base.compact(trimming: floors, keeping: entries, forgetting: forgetting, rows: rows)
    }
    mutating func replace(
        _ marks: [FeedMark], keeping entries: [SkerryGossip.FeedEntry], forgetting: [SkerryGossip.FeedEntry], followedBy batch: FeedBatch,
        rows: [ReplicaRow]
    ) {
        base.replace(marks, keeping: entries, forgetting: forgetting, followedBy: batch, rows: rows)
    }
    func kept() -> [SkerryGossip.FeedEntry] { base.kept() }
    func kept(_ origin: OriginID, from first: UInt64, charge: Int) -> [SkerryGossip.FeedEntry] {
        base.kept(origin, from: first, charge: charge)
    }
    func rows(withPrefix prefix: [UInt8], from lower: [UInt8], limit: Int) -> [ReplicaRow] {
        let rows = base.rows(withPrefix: prefix, from: lower, limit: limit)
        count.add(rows.count)
        return rows
    }
}

/// A node whose replica's store counts.
final class CountedNode: Sendable {
    private let count = CountingReplicaStore.Count()
    let documents: DocumentReplica
    let replica: Replica

    init() async throws {
        let files = MemoryFileLayer()
        try files.createDirectory("data")
        let store = try await DocumentStore.open(
            file: "data/notes", files: files, blocking: InlineExecutor(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        documents = DocumentReplica(store)
        replica = try Replica(["documents": documents], store: CountingReplicaStore(count))
    }

    /// Rows that were read so far.
    var rowsRead: Int { count.value }

    func text(_ name: String) async throws -> String { try await documents.document(name).text("body").string }
}

/// A part that publishes what it is told to, as a node with documents would.
final class Relay: Replicated {
    private let handle = Mutex<ReplicaPart?>(nil)
    let digest = CausalContext()

    func apply(_ entry: ReplicaEntry) -> Bool { true }
    func history(since digest: CausalContext) -> [ReplicaEntry] { [] }
    func attached(_ handle: ReplicaPart) { self.handle.withLock { $0 = handle } }

    @discardableResult
    func publish(_ value: [UInt8], of name: String) throws -> ReplicaEntry? {
        try handle.withLock { $0 }?.publish(key: Array(name.utf8), value: value)
    }
}
