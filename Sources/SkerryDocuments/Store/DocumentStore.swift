import Logging
public import SkerryCRDT
import SkerryStorage
import Synchronization

/// Documents by name, on disk: in an engine, or in a single file.
///
/// A ``Document`` from ``document(_:)`` is the one of its name in the process as long as anybody refers to it. Reading and changing it is
/// synchronous and in memory; ``commit(_:)`` makes what it has durable, together with a row of the feed. Opening reads a snapshot and the
/// few chunks behind it; the history before is read when a merge or a look at an old version asks for it, on the thread that asks.
///
/// Documents that nobody refers to and that are on disk as they are leave the memory when the budget is used up, and come back when they
/// are asked for.
///
/// Safe from any task; calls that touch the disk run on the blocking executor.
public final class DocumentStore: Sendable {
    let storage: any DocumentStorage
    let blocking: any BlockingExecutor
    let options: DocumentStoreOptions
    let logger: Logger
    let clock: StoreClock
    /// Touched by whoever commits.
    let feedClock: Mutex<HybridClock>
    let state: Mutex<StoreState>

    init(
        storage: any DocumentStorage, settings: StoreSettings, blocking: any BlockingExecutor, options: DocumentStoreOptions, logger: Logger
    ) {
        self.storage = storage
        self.blocking = blocking
        self.options = options
        self.logger = logger
        clock = StoreClock(wall: options.now, mark: settings.mark)
        feedClock = Mutex(HybridClock(highWater: settings.mark))
        state = Mutex(StoreState(settings: settings, writer: OriginID(rawValue: options.randomIdentifier())))
    }

    /// Who numbers this store's commits; new with each ``epoch``.
    public var origin: OriginID { state.withLock { $0.settings.origin } }

    /// Counts the store's lives: one more for each restore.
    public var epoch: UInt64 { state.withLock { $0.settings.epoch } }

    /// Whose name changes get in documents opened from now on: another at each opening of the store, so that events which a crash or a
    /// restore took away are never numbered again.
    public var writer: OriginID { state.withLock { $0.writer } }

    /// The last commit of this store in each of its lives, sorted by origin: the digest of its feed.
    public var feedHeads: [Dot] {
        state.withLock { state in
            let now = Dot(origin: state.settings.origin, sequence: state.settings.sequence)
            return (state.settings.past + [now]).filter { $0.sequence > 0 }.sorted()
        }
    }

    /// No stamp that a commit wrote is larger.
    public var highWater: HybridTimestamp { state.withLock { $0.settings.mark } }

    /// Documents in memory, and the bytes that they take by estimate.
    public var residents: (count: Int, byteCount: Int) {
        state.withLock { state in (state.open.count, state.open.values.reduce(0) { $0 + $1.byteCount }) }
    }

    /// Begins an epoch: a new origin for the feed, a new writer for documents opened from now on. For a store that learned that it was
    /// restored.
    ///
    /// Documents that are open keep their writer: let go of them first.
    public func beginEpoch() async throws(DocumentStoreError) { _ = try await submit(.epoch) }

    /// Compares with what a peer has of this store's feed, and begins an epoch when the peer knows of commits that the store does not: it
    /// was restored, and its numbers would collide with those.
    ///
    /// - Returns: whether it began one.
    @discardableResult
    public func learn(peerHas heads: [Dot]) async throws(DocumentStoreError) -> Bool {
        let isBehind = state.withLock { state in
            heads.contains { $0.origin == state.settings.origin && $0.sequence > state.settings.sequence }
        }
        guard isBehind else { return false }
        logger.warning("a peer knows commits of this store that it lacks: it was restored, and begins an epoch")
        try await beginEpoch()
        return true
    }

    /// Gives back room on disk now: joins the chunks of every document, then flushes an engine and trims its log, or writes the file anew.
    ///
    /// - Complexity: opens every document that has more than one chunk, one after the other.
    /// - Throws: the first error of a document or of the storage; a document that is damaged is left as it is.
    public func compact() async throws(DocumentStoreError) {
        let storage = storage
        var last: String?
        while true {
            let after = last
            let rows = try await onDisk { () throws(StorageError) in try storage.rows(prefix: "", after: after, limit: 256) }
            guard let end = rows.last else { break }
            for row in rows where !row.isDeleted && !row.isCut && row.chunkCount > 1 { try await join(row.name) }
            last = end.name
        }
        _ = try await submit(.tidying)
    }

    private func join(_ name: String) async throws(DocumentStoreError) {
        do throws(DocumentStoreError) {
            let document = try await document(name)
            state.withLock { state in
                guard let index = state.open.index(forKey: name), state.open.values[index].document === document else { return }
                state.open.values[index].needsFold = true
                state.open.values[index].needsJoin = true
            }
            _ = try await submit(.document(name))
        } catch {
            guard error.code == .damaged else { throw error }
            logger.warning("a damaged document is left as it is", metadata: ["document": "\(name)", "error": "\(error)"])
        }
    }

    /// Commits what is not on disk yet, then closes. Later calls throw `closed`. Idempotent.
    ///
    /// - Throws: the first error; what could not be committed is lost with the memory. The storage is closed either way.
    public func close() async throws(DocumentStoreError) {
        if state.withLock({ $0.isClosed }) { return }
        var failure: DocumentStoreError?
        do throws(DocumentStoreError) { try await commitAll() } catch { failure = error }
        do throws(DocumentStoreError) { _ = try await submit(.closing) } catch { failure = failure ?? error }
        if let failure { throw failure }
    }

    func verifyOpen() throws(DocumentStoreError) {
        guard !state.withLock({ $0.isClosed }) else { throw DocumentStoreError(.closed, "the store is closed") }
    }

    /// Runs work that blocks on the executor for it.
    func onDisk<Value: Sendable>(
        _ document: String? = nil, _ work: @escaping @Sendable () throws(StorageError) -> Value
    ) async throws(DocumentStoreError) -> Value {
        do throws(StorageError) { return try await blocking.run(work) } catch { throw DocumentStoreError(error, document: document) }
    }

    /// The same for work with errors of its own.
    func onDisk<Value: Sendable>(
        answering work: @escaping @Sendable () throws(DocumentStoreError) -> Value
    ) async throws(DocumentStoreError) -> Value {
        try await onDisk { () throws(StorageError) in
            Result { () throws(DocumentStoreError) in try work() }
        }.get()
    }
}
