import Logging
import SkerryCRDT
import SkerryDocuments
import SkerryReplication
import SkerryStorage
import Synchronization

/// Where a node's documents lie.
enum DocumentForm: CaseIterable, Sendable {
    case file, engine
}

/// A node with its disks in memory: a document store in a file or an engine, and the store of a replica.
final class DocumentNode {
    let name: String
    let files: MemoryFileLayer
    let disk: ReplicaDisk
    private(set) var store: DocumentStore
    private(set) var documents: DocumentReplica
    private(set) var replica: Replica
    private let budget: Int
    private let form: DocumentForm
    /// As of its last flush after a crash.
    private var metadata = MemoryMetadataEngine()
    let events = Events()

    final class Events: Sendable {
        private let list = Mutex<[DocumentReplicaEvent]>([])
        var all: [DocumentReplicaEvent] { list.withLock { $0 } }
        func add(_ event: DocumentReplicaEvent) { list.withLock { $0.append(event) } }
    }

    init(_ name: String, budget: Int = 32 << 20, form: DocumentForm = .file) async throws {
        self.name = name
        self.budget = budget
        self.form = form
        files = MemoryFileLayer()
        disk = ReplicaDisk()
        try files.createDirectory("data")
        let events = events
        store = try await Self.open(files, metadata, budget, form)
        documents = DocumentReplica(store) { events.add($0) }
        replica = try Replica(["documents": documents], store: disk.store())
    }

    private static func open(
        _ files: MemoryFileLayer, _ metadata: MemoryMetadataEngine, _ budget: Int, _ form: DocumentForm
    ) async throws -> DocumentStore {
        var options = DocumentStoreOptions()
        options.memoryBudget = budget
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        switch form {
        case .file:
            return try await DocumentStore.open(
                file: "data/notes", files: files, blocking: InlineExecutor(), options: options, logger: logger)
        case .engine:
            var configuration = PackLogConfiguration()
            configuration.packCapacity = 64 << 10
            let log = try PackLog(
                files: files, directory: "data/packs", applied: DocumentStore.appliedPosition(of: metadata), configuration: configuration)
            return try await DocumentStore.open(
                metadata: metadata, packs: log, blocking: InlineExecutor(), options: options, logger: logger)
        }
    }

    /// Power goes, at a place that was set before or now, and the node comes back with what is on its disks.
    func crash() async throws {
        files.crash(keeping: .synced)
        disk.cut(after: nil)
        try await reopen()
    }

    func close() async throws {
        try await documents.settle()
        await replica.dispose()
        try await store.close()
    }

    func reopen() async throws {
        let events = events
        metadata = metadata.crash()
        store = try await Self.open(files, metadata, budget, form)
        documents = DocumentReplica(store) { events.add($0) }
        replica = try Replica(["documents": documents], store: disk.store())
        try await documents.settle()
    }

    func append(_ text: String, to name: String) async throws {
        try await documents.change(name) { $0.text("body").insert(text, at: $0.text("body").count()) }
    }

    func text(_ name: String) async throws -> String { try await documents.document(name).text("body").string }

    /// Every document and its text.
    func texts() async throws -> [String: String] {
        var texts: [String: String] = [:]
        for summary in try await documents.documents(limit: 100_000) { texts[summary.name] = try await text(summary.name) }
        return texts
    }
}

/// Lets tasks run until something is so; false after a minute, or when the test's own time is over.
func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
    let start = ContinuousClock.now
    var turn = 0
    while try await !condition() {
        guard !Task.isCancelled, ContinuousClock.now - start < .seconds(60) else { return false }
        turn += 1
        // Other threads get the core now and then.
        if turn % 64 == 0 { try? await Task.sleep(for: .milliseconds(1)) } else { await Task.yield() }
    }
    return true
}
