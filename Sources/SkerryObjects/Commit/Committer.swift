import Logging
import SkerryChunks
import SkerryCRDT
import SkerryStorage
import Synchronization

/// The single writer of a data directory: takes all waiting commits at once, evaluates them in order, appends their records,
/// syncs the log once, brings the index up to date and then answers. (Group commit: DeWitt et al., 1984.)
///
/// Order on disk: chunks of uploads, then the group's records, then one sync of the log; only then the index, then memory, then the
/// answers. A crash before the sync leaves no acknowledged write; a crash after it leaves the log, from which the start replays the index.
///
/// The group is a function (``commit(_:)``) that the committer's thread calls in a loop; tests call it themselves.
final class Committer: Sendable {
    private struct State {
        var clock: HybridClock
        var updater: IndexUpdater
        /// Why nothing can be committed any more.
        var failure: ObjectError?
    }

    let metadata: any MetadataEngine
    let log: LogWriter
    let origin: OriginID
    private let queue = CommitQueue()
    private let now: @Sendable () -> UInt64
    private let logger: Logger
    /// Touched by the committer's thread alone while it runs.
    private let state: Mutex<State>
    private let isCheckpointQueued = Atomic(false)

    init(
        metadata: any MetadataEngine, log: LogWriter, applied: AppliedRow, origin: OriginID, now: @escaping @Sendable () -> UInt64,
        logger: Logger
    ) {
        self.metadata = metadata
        self.log = log
        self.origin = origin
        self.now = now
        self.logger = logger
        state = Mutex(
            State(
                clock: HybridClock(highWater: applied.clock),
                updater: IndexUpdater(metadata: metadata, packs: log.packs, applied: applied)))
    }

    /// Waits in line, runs `body` on the committer's thread and returns its value once everything it added is on disk and visible.
    ///
    /// When `body` throws, nothing of it remains. An error of the engine means the outcome is unknown until the next start.
    func commit<Value: Sendable>(
        _ footprint: CommitTicket.Footprint, byteCount: Int = 0,
        _ body: @escaping @Sendable (inout CommitContext) throws(ObjectError) -> Value
    ) async throws(ObjectError) -> Value {
        let result = await withUnsafeContinuation { (continuation: UnsafeContinuation<Result<Value, ObjectError>, Never>) in
            submit(footprint, byteCount: byteCount, body) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// ``commit(_:byteCount:_:)`` of many wishes at once, which share groups where they can: a result for each, in order.
    func commit<Wish: Sendable, Value: Sendable>(
        each wishes: [Wish], _ footprint: (Wish) -> CommitTicket.Footprint,
        _ body: @escaping @Sendable (Wish, inout CommitContext) throws(ObjectError) -> Value
    ) async -> [Result<Value, ObjectError>] {
        guard !wishes.isEmpty else { return [] }
        return await withUnsafeContinuation { (continuation: UnsafeContinuation<[Result<Value, ObjectError>], Never>) in
            let batch = CommitBatch<Value>(count: wishes.count, waiter: continuation)
            for (index, wish) in wishes.enumerated() {
                submit(footprint(wish), byteCount: 0, { context throws(ObjectError) in try body(wish, &context) }) {
                    batch.fill(index, $0)
                }
            }
        }
    }

    private func submit<Value: Sendable>(
        _ footprint: CommitTicket.Footprint, byteCount: Int,
        _ body: @escaping @Sendable (inout CommitContext) throws(ObjectError) -> Value,
        answer: @escaping @Sendable (Result<Value, ObjectError>) -> Void
    ) {
        let ticket = CommitTicket(footprint: footprint, byteCount: byteCount) { context in
            let mark = context.mark
            do throws(ObjectError) {
                let value = try body(&context)
                context.close(since: mark)
                return { error in answer(error.map { .failure($0) } ?? .success(value)) }
            } catch {
                context.revert(to: mark)
                return { [error] _ in answer(.failure(error)) }
            }
        }
        do throws(ObjectError) {
            try queue.submit(ticket)
        } catch {
            answer(.failure(error))
        }
    }

    /// Brings waiting blocks into the index although nobody commits, so that their backlog stays bounded. Does not wait.
    func checkpoint() {
        guard !isCheckpointQueued.exchange(true, ordering: .relaxed) else { return }
        let ticket = CommitTicket(footprint: .everything, byteCount: 0) { _ in
            { [self] _ in isCheckpointQueued.store(false, ordering: .relaxed) }
        }
        // A full or closed queue will run a group anyway, or nothing is to be done any more.
        do throws(ObjectError) { try queue.submit(ticket) } catch { isCheckpointQueued.store(false, ordering: .relaxed) }
    }

    /// Serves commits until ``stop()`` and then those that still wait. Blocks: for a thread of its own.
    func run() {
        while let group = queue.nextGroup() { commit(group) }
    }

    func stop() { queue.close() }

    /// Commits that wait now.
    var waitingCount: Int { queue.waitingCount }

    /// Evaluates and commits one group.
    func commit(_ group: [CommitTicket]) {
        let answers = state.withLock { state in commit(group, &state) }
        for answer in answers { answer() }
    }

    private func commit(_ group: [CommitTicket], _ state: inout State) -> [() -> Void] {
        if let failure = state.failure { return group.map { ticket in reject(ticket, failure, state) } }
        let sequence = state.updater.applied.sequence
        var context = CommitContext(
            metadata: metadata, packs: log.packs, origin: origin, now: now(), clock: state.clock, sequence: sequence)
        let tickets = group.map { $0.evaluate(&context) }
        state.clock = context.clock
        let outcome = Result { () throws(ObjectError) in try write(context, &state) }
        var failure: ObjectError?
        if case .failure(let error) = outcome { failure = error } else { for effect in context.effects { effect() } }
        return tickets.map { ticket in { ticket(failure) } }
    }

    private func reject(_ ticket: CommitTicket, _ failure: ObjectError, _ state: State) -> () -> Void {
        var context = CommitContext(
            metadata: metadata, packs: log.packs, origin: origin, now: now(), clock: state.clock, sequence: 0)
        let answer = ticket.evaluate(&context)
        return { answer(failure) }
    }

    /// Log, sync, index. An error before the sync leaves the store usable; from the sync on it stops all writing,
    /// since nobody knows what the disk holds.
    private func write(_ context: CommitContext, _ state: inout State) throws(ObjectError) {
        let entries: [LogWriter.Entry]
        do throws(StorageError) {
            entries = try log.append(group: context.records)
        } catch {
            if error.code == .failed { stop(error, &state) }
            logger.error("commit refused by the log", metadata: ["error": "\(error)"])
            throw ObjectError(error)
        }
        do throws(StorageError) {
            if !entries.isEmpty { try log.packs.sync() }
            try index(entries, context.removals, &state)
        } catch {
            logger.critical("the store takes no more writes", metadata: ["error": "\(error)"])
            stop(error, &state)
            throw ObjectError(error)
        }
    }

    private func stop(_ error: StorageError, _ state: inout State) {
        let failure = StorageError(.failed, "an earlier write failed: \(error.message)", path: error.path, errno: error.errno)
        state.failure = ObjectError(failure)
        log.stop(failure)
    }

    private func index(
        _ entries: [LogWriter.Entry], _ removals: [CommitContext.Removal], _ state: inout State
    ) throws(StorageError) {
        guard !entries.isEmpty || !removals.isEmpty else { return }
        // Removals first: a block that is appended anew in this group must be there after it.
        for removal in removals {
            switch removal {
            case .block(let tenant, let digest, let manifest): try state.updater.removeBlock(tenant, digest, manifest: manifest)
            case .row(let family, let key): state.updater.removeRow(family, key)
            }
        }
        for entry in entries { try state.updater.add(entry.record, at: entry.location, entry.arrival) }
        try state.updater.apply()
        log.settled(entries)
    }
}
