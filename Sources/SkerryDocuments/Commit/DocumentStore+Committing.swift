import Logging
public import SkerryCRDT
import SkerryStorage
import Synchronization

// Group commit without a thread of its own. Who finds nobody committing leads: takes everything that waits, writes it with one sync on the
// blocking executor, answers, and hands on to the first of those that came meanwhile. So the window is nothing when the store is idle and
// as long as a sync when it is busy, and no task runs that nobody waits for.

extension DocumentStore {
    /// Commits in one group.
    static let groupMaximum = 512
    /// Bytes of chunks and snapshots in one group, about.
    static let groupBytesMaximum = 8 << 20

    /// Makes everything that the document has now durable: history and feed row in one batch with one sync, which it shares with other
    /// commits.
    ///
    /// Cancellation does not shorten it.
    ///
    /// - Returns: the version that is on disk; it may include changes made meanwhile.
    /// - Throws: `notFound` when the document is not (or no longer) one of this store's, also when it was replaced or deleted while the
    ///   commit waited: make the change anew on the document that there is now; `full`, `failed`, `busy`, `closed`. The changes stay in
    ///   memory.
    @discardableResult
    public func commit(_ document: Document) async throws(DocumentStoreError) -> CausalContext {
        let name = state.withLock { state -> String? in
            guard let name = state.names[ObjectIdentifier(document)], state.open[name]?.document === document else { return nil }
            return name
        }
        guard let name else {
            throw DocumentStoreError(.notFound, "the document is none of this store's, or was deleted from it")
        }
        let wanted = document.version
        let version = try await submit(.document(name))
        // A snapshot or a deletion that was first in line took the document out of the store, whose answer is of another one then.
        guard version.covers(wanted) else {
            throw DocumentStoreError(.notFound, "the document was replaced or deleted meanwhile", document: name)
        }
        return version
    }

    /// Makes what all open documents have durable.
    ///
    /// - Throws: the first error; the others are committed all the same. `notFound`, as from ``commit(_:)``, where a document was replaced or deleted
    ///   meanwhile.
    public func commitAll() async throws(DocumentStoreError) {
        let open = state.withLock { state in state.open.values.map { (name: $0.row.name, document: $0.document, committed: $0.committed) } }
        var failure: DocumentStoreError?
        let dirty = open.filter { $0.document.version != $0.committed }.sorted { $0.name < $1.name }.map(\.document)
        await withTaskGroup(of: DocumentStoreError?.self) { group in
            for document in dirty {
                group.addTask {
                    do throws(DocumentStoreError) {
                        _ = try await self.commit(document)
                        return nil
                    } catch { return error }
                }
            }
            for await error in group { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    /// Changes a document and returns when that is on disk. Where the document is replaced or deleted meanwhile, the body runs once more, on the
    /// one that there is then.
    @discardableResult
    public func change<Value: Sendable>(
        _ name: String, _ body: @Sendable (Change) -> Value
    ) async throws(DocumentStoreError) -> Value {
        for isLast in [false, true] {
            let document = try await document(name)
            let value = document.change(body)
            do throws(DocumentStoreError) { try await commit(document) } catch {
                guard error.code == .notFound, !isLast else { throw error }
                continue
            }
            return value
        }
        throw DocumentStoreError(.notFound, "the document was replaced or deleted meanwhile", document: name)
    }

    // MARK: - Waiting in line

    /// Waits until a wish is on disk.
    func submit(_ wish: CommitTicket.Wish) async throws(DocumentStoreError) -> CausalContext {
        var promise = Promise<CommitTicket.Answer>()
        if try enqueue(CommitTicket(wish: wish, promise: promise)) { await lead() }
        while true {
            switch try await promise.value().get() {
            case .committed(let version): return version
            case .lead(let next):
                promise = next
                await lead()
            }
        }
    }

    /// Puts a ticket in line; true when its owner leads.
    private func enqueue(_ ticket: CommitTicket) throws(DocumentStoreError) -> Bool {
        try state.withLock { state throws(DocumentStoreError) in
            if ticket.wish == .closing {
                state.isClosed = true
            } else if state.isClosed {
                throw DocumentStoreError(.closed, "the store is closed")
            }
            guard state.waiting.count < StoreState.waitingMaximum else {
                throw DocumentStoreError(.busy, "\(StoreState.waitingMaximum) commits wait for the disk")
            }
            state.waiting.append(ticket)
            defer { state.isCommitting = true }
            return !state.isCommitting
        }
    }

    /// Commits one group, which the caller's ticket is the first of, and hands on.
    private func lead() async {
        do throws(StorageError) {
            try await blocking.run { () throws(StorageError) in self.commitGroup() }
        } catch {
            // The executor took no more work: the first in line hears of it, the next one tries for itself.
            let first = state.withLock { $0.waiting.removeFirst() }
            first.promise.fill(.failure(DocumentStoreError(error)))
        }
        let heir = state.withLock { state -> (Promise<CommitTicket.Answer>, Promise<CommitTicket.Answer>)? in
            guard !state.waiting.isEmpty else {
                state.isCommitting = false
                return nil
            }
            let promise = Promise<CommitTicket.Answer>()
            defer { state.waiting[0].promise = promise }
            return (state.waiting[0].promise, promise)
        }
        if let heir { heir.0.fill(.success(.lead(heir.1))) }
    }

    // MARK: - Committing

    /// Takes a group from the line and commits it. Blocks; one at a time.
    func commitGroup() {
        let group = takeGroup()
        var draft = GroupDraft(settings: state.withLock { $0.settings })
        for (index, (wish, promises)) in group.enumerated() {
            if draft.byteCount >= DocumentStore.groupBytesMaximum {
                putBack(group[index...])
                break
            }
            do throws(DocumentStoreError) {
                try evaluate(wish, promises, &draft)
            } catch {
                for promise in promises { promise.fill(.failure(error)) }
            }
        }
        write(draft)
        for name in draft.folded { keepHouse(name) }
        keepHouse { storage throws(StorageError) in try storage.tidy(force: false) }
        let gone = state.withLock { $0.evict(budget: options.memoryBudget) }
        _ = consume gone
    }

    /// The wishes of one group, each with those who wait for it.
    ///
    /// A group holds one wish of each document, so that each is evaluated after those before it are on disk; equal wishes are one.
    private func takeGroup() -> [(CommitTicket.Wish, [Promise<CommitTicket.Answer>])] {
        state.withLock { state in
            var group: [(CommitTicket.Wish, [Promise<CommitTicket.Answer>])] = []
            var places = NameTable<Int>()
            var taken = 0
            for ticket in state.waiting {
                guard let name = ticket.wish.name else {
                    if taken == 0 {
                        group.append((ticket.wish, [ticket.promise]))
                        taken = 1
                    }
                    break
                }
                if let place = places[name] {
                    guard group[place].0 == ticket.wish else { break }
                    group[place].1.append(ticket.promise)
                } else {
                    guard group.count < DocumentStore.groupMaximum else { break }
                    places[name] = group.count
                    group.append((ticket.wish, [ticket.promise]))
                }
                taken += 1
            }
            state.waiting.removeFirst(taken)
            return group
        }
    }

    /// Puts wishes for which a group has no room first in line again.
    private func putBack(_ wishes: ArraySlice<(CommitTicket.Wish, [Promise<CommitTicket.Answer>])>) {
        let tickets = wishes.flatMap { wish, promises in promises.map { CommitTicket(wish: wish, promise: $0) } }
        state.withLock { $0.waiting.insert(contentsOf: tickets, at: 0) }
    }

    private func write(_ draft: GroupDraft) {
        let failure = state.withLock { $0.failure } ?? persist(draft.group, isNeeded: draft.isWritten)
        if failure == nil {
            state.withLock { state in
                state.settings = draft.group.settings
                for effect in draft.effects { effect(&state) }
            }
        }
        for (promise, answer) in draft.answers {
            if let failure { promise.fill(.failure(failure)) } else { promise.fill(.success(.committed(answer))) }
        }
    }

    private func persist(_ group: StorageGroup, isNeeded: Bool) -> DocumentStoreError? {
        guard isNeeded else { return nil }
        do throws(StorageError) {
            try storage.commit(group)
            return nil
        } catch {
            let failure = DocumentStoreError(error)
            if failure.code == .full || failure.code == .busy {
                logger.error("commit refused by the storage", metadata: ["error": "\(error)"])
            } else {
                logger.critical("the store takes no more commits", metadata: ["error": "\(error)"])
                state.withLock { $0.failure = failure }
            }
            return failure
        }
    }

    /// Housekeeping that failed is told to the log alone: what was promised is on disk.
    func keepHouse(_ body: (any DocumentStorage) throws(StorageError) -> Void) {
        guard state.withLock({ $0.failure == nil }) else { return }
        do throws(StorageError) { try body(storage) } catch {
            logger.warning("housekeeping failed", metadata: ["error": "\(error)"])
        }
    }
}

/// A group on its way to the disk.
struct GroupDraft {
    var group: StorageGroup
    var isWritten = false
    var byteCount = 0
    /// What becomes of memory once it is there.
    var effects: [@Sendable (inout StoreState) -> Void] = []
    var answers: [(Promise<CommitTicket.Answer>, CausalContext)] = []
    /// Documents whose tail was folded.
    var folded: [String] = []

    init(settings: StoreSettings) { group = StorageGroup(settings: settings) }

    mutating func answer(_ promises: [Promise<CommitTicket.Answer>], _ version: CausalContext) {
        for promise in promises { answers.append((promise, version)) }
    }

    mutating func add(_ commit: StorageCommit) {
        byteCount += commit.byteCount
        isWritten = true
        group.commits.append(commit)
    }
}
