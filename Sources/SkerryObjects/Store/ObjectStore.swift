import Logging
import SkerryCache
import SkerryChunks
import SkerryCRDT
import SkerryStorage
import Synchronization

/// Buckets, keys and versions over the two engines: what the faces (S3, the command line, later sites) stand on.
///
/// Every change is a commit of the one committer: when a call returns, its change is synced and visible, and conditions were evaluated
/// in the order of commits. Reads never wait for writes. Calls that may touch the disk run on the blocking executor.
public final class ObjectStore: Sendable {
    let metadata: any MetadataEngine
    let packs: any PackEngine
    let blocking: any BlockingExecutor
    let options: StoreOptions
    let registry: Registry
    let committer: Committer
    let blocks: BlockStore
    let slots: UploadSlots
    let epochs = ReaderEpochs()
    let objects: ObjectCache
    let collector: CollectorState
    let now: @Sendable () -> UInt64
    let randomIdentifier: @Sendable () -> UInt64
    let logger: Logger
    let committerThread: CommitThread
    private let isClosed = Atomic(false)

    init(
        metadata: any MetadataEngine, packs: any PackEngine, blocking: any BlockingExecutor, options: StoreOptions, applied: AppliedRow,
        origin: OriginID, logger: Logger
    ) throws(ObjectError) {
        self.metadata = metadata
        self.packs = packs
        self.blocking = blocking
        self.options = options
        self.logger = logger
        now = options.now
        randomIdentifier = options.randomIdentifier
        do throws(StorageError) { registry = try Registry(metadata) } catch { throw ObjectError(error) }
        let log = LogWriter(packs: packs)
        let committer = Committer(metadata: metadata, log: log, applied: applied, origin: origin, now: options.now, logger: logger)
        self.committer = committer
        let collector = CollectorState()
        self.collector = collector
        blocks = BlockStore(metadata: metadata, log: log, pins: PinTable { collector.released($0) }) { committer.checkpoint() }
        slots = UploadSlots(
            slots: max(1, options.uploadMemory / BodyWriter.windowMaximum), waitingMaximum: options.uploadsWaitingMaximum)
        objects = ObjectCache(capacity: options.objectCacheCapacity)
        committerThread = try CommitThread { committer.run() }
    }

    /// Finishes the commits under way, then flushes and closes both engines. Later changes are refused with `shuttingDown`. Idempotent.
    public func close() async throws(ObjectError) {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let store = self
        try await onDisk { () throws(StorageError) in
            store.committer.stop()
            store.committerThread.join()
            store.objects.removeAll()
            // The log first: it is the truth, and what the index lacks is replayed. Its error is the one to hear of.
            do throws(StorageError) {
                try store.packs.close()
            } catch {
                try? store.metadata.close()
                throw error
            }
            try store.metadata.close()
        }
    }

    /// Runs `work`, which may block, on the blocking executor.
    func onDisk<Result: Sendable>(
        _ work: @escaping @Sendable () throws(StorageError) -> Result
    ) async throws(ObjectError) -> Result {
        do throws(StorageError) {
            return try await blocking.run(work)
        } catch {
            throw ObjectError(error)
        }
    }

    /// Runs `work` on the blocking executor when it may fail in both ways.
    func onDisk<Result: Sendable>(
        answering work: @escaping @Sendable () throws(StorageError) -> Swift.Result<Result, ObjectError>
    ) async throws(ObjectError) -> Result {
        try (try await onDisk(work)).get()
    }
}

/// How a store is set up.
public struct StoreOptions: Sendable {
    /// Written to the log when it is founded.
    public var siteName = "site"
    public var bucketsMaximum = 10_000
    /// Bytes of upload buffers in use at once; an upload of more than 64 KiB holds about 1.7 MiB.
    public var uploadMemory = 96 << 20
    /// Uploads that may wait for a buffer; more are refused with slowDown.
    public var uploadsWaitingMaximum = 2048
    /// Bytes of versions and small bodies kept for reads.
    public var objectCacheCapacity = 24 << 20
    /// How long a chunk that nothing refers to stays before it may be removed, milliseconds.
    public var collectionGrace: UInt64 = 3_600_000
    /// Dead share of a pack from which on it is rewritten, percent.
    public var rewriteThreshold = 40
    /// How long feed rows and the answers of completed uploads are kept, milliseconds.
    public var feedRetention: UInt64 = 86_400_000
    /// Whether to start although wall time lies more than ``clockLagMaximum`` behind the newest stamp.
    public var allowClockBehind = false
    /// Milliseconds.
    public static let clockLagMaximum: UInt64 = 600_000

    /// Milliseconds since 1970.
    public var now: @Sendable () -> UInt64 = WallClock.now
    public var randomIdentifier: @Sendable () -> UInt64 = { UInt64.random(in: 1 ... .max) }

    public init() {}
}
