import Logging
import SkerryChunks
import SkerryRocksDB
import SkerryStorage
import Synchronization

@testable import SkerryObjects

/// The engines a suite runs over.
enum EngineKind: String, CaseIterable, Sendable {
    /// Files and index in memory.
    case memory
    /// Files in a temporary directory and RocksDB.
    case embedded
}

/// Wall time as the test says. Every look moves it by ``step`` milliseconds.
final class TestClock: Sendable {
    private let value: Mutex<UInt64>
    let step: UInt64

    init(_ start: UInt64 = 1_800_000_000_000, step: UInt64 = 0) {
        value = Mutex(start)
        self.step = step
    }

    var now: UInt64 {
        value.withLock { value in
            value += step
            return value
        }
    }

    func advance(by milliseconds: UInt64) { value.withLock { $0 += milliseconds } }
    func set(_ milliseconds: UInt64) { value.withLock { $0 = milliseconds } }
}

/// How a harness sets up its store.
struct HarnessConfiguration {
    var packCapacity: UInt64 = 64 << 20
    var openPacksMaximum = 256
    var options = StoreOptions()
    /// Threads of a pool; 0: everything on the caller.
    var threads = 0
    /// Of each look at the clock, milliseconds.
    var clockStep: UInt64 = 0
    /// What the index is wrapped into, to watch or disturb it.
    var wrap: (any MetadataEngine) -> any MetadataEngine = { $0 }
}

/// A store with everything under it, which can be closed, crashed, rebuilt and opened again.
final class Harness {
    let kind: EngineKind
    let configuration: HarnessConfiguration
    let clock: TestClock
    let files: MemoryFileLayer
    private(set) var memoryIndex: MemoryMetadataEngine
    private(set) var metadata: any MetadataEngine
    private(set) var packs: any PackEngine
    private(set) var store: ObjectStore
    private let directory: String

    private init(
        _ kind: EngineKind, _ configuration: HarnessConfiguration, directory: String, files: MemoryFileLayer = MemoryFileLayer(),
        memoryIndex: MemoryMetadataEngine = MemoryMetadataEngine(), clock: TestClock? = nil
    ) async throws {
        self.kind = kind
        self.configuration = configuration
        self.directory = directory
        self.files = files
        self.memoryIndex = memoryIndex
        let clock = clock ?? TestClock(step: configuration.clockStep)
        self.clock = clock
        (metadata, packs) = try Harness.engines(kind, configuration, directory, files, memoryIndex)
        store = try await Harness.open(metadata, packs, configuration, clock)
    }

    /// Runs `body` with a store over the engines and closes it.
    static func with<Value>(
        _ kind: EngineKind = .memory, _ configuration: HarnessConfiguration = HarnessConfiguration(),
        _ body: (Harness) async throws -> Value
    ) async throws -> Value {
        try await withTemporaryDirectory { directory in
            let harness = try await Harness(kind, configuration, directory: directory)
            let value: Value
            do {
                value = try await body(harness)
            } catch {
                harness.abandon()
                throw error
            }
            try await harness.store.close()
            return value
        }
    }

    /// A harness in memory over given files; the caller ends it with ``abandon()`` or closes its store.
    static func open(
        over files: MemoryFileLayer, _ index: MemoryMetadataEngine = MemoryMetadataEngine(), _ configuration: HarnessConfiguration,
        clock: TestClock? = nil
    ) async throws -> Harness {
        try await Harness(.memory, configuration, directory: "", files: files, memoryIndex: index, clock: clock)
    }

    // MARK: Restarts

    func reopen() async throws {
        try await store.close()
        if kind == .memory { memoryIndex = memoryIndex.crash() }
        try await start()
    }

    /// Power goes: of the files `residue` stays, of the index its last flush.
    func crash(keeping residue: CrashResidue) async throws {
        precondition(kind == .memory, "only memory forgets on demand")
        files.crash(keeping: residue)
        abandon()
        memoryIndex = memoryIndex.crash()
        try await start()
    }

    /// Makes the index anew from the log.
    func rebuild() async throws {
        try await store.close()
        if kind == .memory { memoryIndex = memoryIndex.crash() }
        let (metadata, packs) = try Harness.engines(kind, configuration, directory, files, memoryIndex)
        try ObjectStore.rebuild(metadata: metadata, packs: packs) { _, _ in }
        try packs.close()
        try metadata.close()
        if kind == .memory { memoryIndex = memoryIndex.crash() }
        try await start()
    }

    /// Ends the committer's thread without closing anything.
    func abandon() {
        store.committer.stop()
        store.committerThread.join()
    }

    private func start() async throws {
        (metadata, packs) = try Harness.engines(kind, configuration, directory, files, memoryIndex)
        store = try await Harness.open(metadata, packs, configuration, clock)
    }

    private static func engines(
        _ kind: EngineKind, _ configuration: HarnessConfiguration, _ directory: String, _ files: MemoryFileLayer,
        _ memoryIndex: MemoryMetadataEngine
    ) throws -> (any MetadataEngine, any PackEngine) {
        var log = PackLogConfiguration()
        log.packCapacity = configuration.packCapacity
        log.openPacksMaximum = configuration.openPacksMaximum
        switch kind {
        case .memory:
            let packs = try PackLog(
                files: files, directory: "packs", applied: try ObjectStore.appliedPosition(of: memoryIndex), configuration: log)
            return (configuration.wrap(memoryIndex), packs)
        case .embedded:
            let index = try RocksDBEngine(directory: directory + "/index")
            let packs = try PackLog(
                files: PosixFileLayer(), directory: directory + "/packs", applied: try ObjectStore.appliedPosition(of: index),
                configuration: log)
            return (configuration.wrap(index), packs)
        }
    }

    private static func open(
        _ metadata: any MetadataEngine, _ packs: any PackEngine, _ configuration: HarnessConfiguration, _ clock: TestClock
    ) async throws -> ObjectStore {
        var options = configuration.options
        options.now = { clock.now }
        let blocking: any BlockingExecutor =
            configuration.threads == 0 ? InlineExecutor() : try BlockingPool(threads: configuration.threads)
        return try await ObjectStore.open(
            metadata: metadata, packs: packs, blocking: blocking, options: options,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

extension Harness {
    /// A user and a bucket of theirs.
    func makeBucket(_ name: String = "bucket", owner: String = "alice", versioning: Bucket.Versioning = .unversioned) async throws -> Bucket
    {
        let user =
            if let present = store.user(owner) { present } else {
                try await store.createUser(id: owner, displayName: owner, email: "", isRoot: false)
            }
        let bucket = try await store.createBucket(name, owner: user, region: "here")
        return versioning == .unversioned ? bucket : try await store.setVersioning(versioning, of: bucket)
    }

    /// Bytes of the log.
    var logBytes: UInt64 { get throws { try packs.packs().reduce(0) { $0 + $1.length } } }
}
