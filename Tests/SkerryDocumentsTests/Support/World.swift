import Logging
import SkerryCRDT
import SkerryStorage
import Synchronization
import Testing

@testable import SkerryDocuments

/// Logs nothing.
let quietLogger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// Where a store lies, in memory, with what a crash leaves of it.
enum Form: CaseIterable, Sendable {
    case file, engine
}

/// A disk with a store of one form on it, and a clock and a source of identifiers that repeat.
final class World: Sendable {
    let form: Form
    let files: MemoryFileLayer
    let metadata: Mutex<MemoryMetadataEngine>
    let ids: Mutex<SplitMix64>
    let time: Atomic<UInt64>
    /// After how many batches the engine's tables are flushed; nil: never before they are asked to.
    let flushInterval: Int?

    static let path = "data/notes"

    init(_ form: Form, seed: UInt64 = 1, flushInterval: Int? = nil) throws {
        self.form = form
        self.flushInterval = flushInterval
        files = MemoryFileLayer()
        metadata = Mutex(MemoryMetadataEngine())
        ids = Mutex(SplitMix64(seed: seed))
        time = Atomic(1_800_000_000_000)
        try files.createDirectory("data")
    }

    private init(copyOf other: World, keepsUnsynced: Bool) throws(StorageError) {
        form = other.form
        flushInterval = other.flushInterval
        files = other.files.copy()
        if !keepsUnsynced { files.crash(keeping: .everything) }
        let engine = other.metadata.withLock { $0 }
        let clone = MemoryMetadataEngine()
        for family in MetadataFamily.allCases {
            var batch = MetadataBatch()
            try engine.scan(family, .all) { key, value in
                batch.put(family, Array(key), Array(value))
                return .next
            }
            try clone.apply(batch)
        }
        try clone.flush()
        metadata = Mutex(clone)
        ids = Mutex(SplitMix64(seed: 0xC0FFEE))
        time = Atomic(other.time.load(ordering: .relaxed))
    }

    /// The disk as a backup would bring it back.
    func copy() throws(StorageError) -> World { try World(copyOf: self, keepsUnsynced: false) }

    var options: DocumentStoreOptions {
        var options = DocumentStoreOptions()
        options.now = { self.time.add(1, ordering: .relaxed).newValue }
        options.randomIdentifier = { self.ids.withLock { $0.next() } }
        return options
    }

    func open(
        _ options: DocumentStoreOptions? = nil, blocking: any BlockingExecutor = InlineExecutor()
    ) async throws(DocumentStoreError) -> DocumentStore {
        let logger = quietLogger
        switch form {
        case .file:
            return try await DocumentStore.open(
                file: World.path, files: files, blocking: blocking, options: options ?? self.options, logger: logger)
        case .engine:
            let engine = metadata.withLock { $0 }
            let log: PackLog<MemoryFileLayer>
            do throws(StorageError) {
                var configuration = PackLogConfiguration()
                configuration.packCapacity = 64 << 10
                configuration.salt = { 0x0123_4567_89AB_CDEF }
                log = try PackLog(
                    files: files, directory: "data/packs", applied: DocumentStore.appliedPosition(of: engine), configuration: configuration)
            } catch { throw DocumentStoreError(error) }
            let metadata: any MetadataEngine = flushInterval.map { FlushingEngine(engine, interval: $0) } ?? engine
            return try await DocumentStore.open(
                metadata: metadata, packs: log, blocking: blocking, options: options ?? self.options, logger: logger)
        }
    }

    /// Power goes; what was not synced is left as told.
    func crash(keeping residue: CrashResidue = .synced) {
        files.crash(keeping: residue)
        metadata.withLock { $0 = $0.crash() }
    }

    /// The store is closed, and the next one opens what it left.
    func reopened() { metadata.withLock { $0 = $0.crash() } }
}

/// Flushes after every so many batches, as an engine does by itself when its memory is full.
final class FlushingEngine: MetadataEngine {
    private let base: MemoryMetadataEngine
    private let interval: Int
    private let applied = Atomic(0)

    init(_ base: MemoryMetadataEngine, interval: Int) {
        self.base = base
        self.interval = interval
    }

    func get(_ family: MetadataFamily, _ key: [UInt8]) throws(StorageError) -> [UInt8]? { try base.get(family, key) }

    func scan(
        _ family: MetadataFamily, _ range: KeyRange, reversed: Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) { try base.scan(family, range, reversed: reversed, body) }

    func apply(_ batch: MetadataBatch) throws(StorageError) {
        try base.apply(batch)
        if applied.add(1, ordering: .relaxed).newValue % interval == 0 { try base.flush() }
    }

    func flush() throws(StorageError) { try base.flush() }
    func clear() throws(StorageError) { try base.clear() }
    func close() throws(StorageError) { try base.close() }
}

/// Lets no work through until it is opened, or for two minutes: a test that failed meanwhile opens it no more.
final class Gate: BlockingExecutor {
    private let isOpen = Atomic(false)

    func open() { isOpen.store(true, ordering: .releasing) }

    func run<Value: Sendable>(_ work: @escaping @Sendable () throws(StorageError) -> Value) async throws(StorageError) -> Value {
        let start = ContinuousClock.now
        while !isOpen.load(ordering: .acquiring), ContinuousClock.now - start < .seconds(120) { await Task.yield() }
        return try work()
    }
}

func error<Value>(_ body: () async throws(DocumentStoreError) -> Value) async -> DocumentStoreError? {
    do throws(DocumentStoreError) {
        _ = try await body()
        return nil
    } catch { return error }
}

extension World {
    /// The disk at this moment, to be crashed on its own: tables as of their last flush.
    func flushedCopy() throws(StorageError) -> World {
        metadata.withLock { $0 = $0.crash() }
        return try World(copyOf: self, keepsUnsynced: true)
    }
}
