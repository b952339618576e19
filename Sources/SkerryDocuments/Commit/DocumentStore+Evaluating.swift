import SkerryCRDT
import SkerryStorage
import Synchronization

extension DocumentStore {
    /// How far the persisted mark runs ahead of wall time, milliseconds. Not of the stamps: those of a store that is opened again and again
    /// within a second would run away from the clock.
    static let markLead: UInt64 = 1000

    /// Adds what a wish takes to a group.
    func evaluate(
        _ wish: CommitTicket.Wish, _ promises: [Promise<CommitTicket.Answer>], _ draft: inout GroupDraft
    ) throws(DocumentStoreError) {
        switch wish {
        case .document(let name): draft.answer(promises, try evaluate(document: name, &draft))
        case .deletion(let name, let seen): draft.answer(promises, try evaluate(deletion: name, ifCoveredBy: seen, &draft))
        case .adoption(let name, let snapshot): draft.answer(promises, try evaluate(adoptionOf: snapshot, as: name, &draft))
        case .forgetting(let name): draft.answer(promises, try evaluate(forgetting: name, &draft))
        case .epoch:
            draft.group.settings.beginEpoch(OriginID(rawValue: options.randomIdentifier()))
            draft.isWritten = true
            let writer = OriginID(rawValue: options.randomIdentifier())
            draft.effects.append { $0.writer = writer }
            draft.answer(promises, CausalContext())
        case .tidying:
            do throws(StorageError) { try storage.tidy(force: true) } catch { throw DocumentStoreError(error) }
            draft.answer(promises, CausalContext())
        case .closing:
            do throws(StorageError) { try storage.close() } catch { throw DocumentStoreError(error) }
            draft.answer(promises, CausalContext())
        }
    }

    // MARK: - Documents

    private func evaluate(document name: String, _ draft: inout GroupDraft) throws(DocumentStoreError) -> CausalContext {
        // Not open any more: it was clean when it went.
        guard let open = state.withLock({ $0.open[name] }) else { return try storedRow(name)?.version ?? CausalContext() }
        do throws(DocumentError) {
            let extract = try DocumentExtract(of: open.document, since: open.committed)
            if extract.version == open.committed, !open.needsFold { return open.committed }
            if open.needsFold || HistoryPolicy.isFoldDue(open.row, adding: extract.history.count),
                let fold = try DocumentExtract(foldOf: open.document, since: open.boundaryVersion)
            {
                add(fold, of: open, isFold: true, to: &draft)
                return fold.version
            }
            // A document that does not stand still is folded another time.
            add(extract, of: open, isFold: false, to: &draft)
            return extract.version
        } catch {
            throw DocumentStoreError(.refused, "what changed cannot be written: \(error)", document: name, cause: error)
        }
    }

    private func add(_ extract: DocumentExtract, of open: OpenDocument, isFold: Bool, to draft: inout GroupDraft) {
        var row = open.row
        if row.number == 0 {
            row.number = draft.group.settings.nextDocument
            draft.group.settings.nextDocument += 1
        }
        var commit = StorageCommit(row: row)
        if isFold {
            // Behind a cut nobody asks for what is below a snapshot, for there is no beginning to read it from.
            let first = row.isCut ? 0 : row.boundary
            if first < row.nextChunk { commit.removed = first..<row.nextChunk }
            row.dropTail()
        }
        if !extract.history.isEmpty, !isFold || !row.isCut {
            commit.chunk = StorageCommit.Chunk(number: row.nextChunk, bytes: extract.history)
            row.addChunk(extract.history.count)
        }
        if isFold, let snapshot = extract.snapshot {
            commit.snapshot = snapshot
            row.snapshotBytes = snapshot.count
            row.endTail()
        }
        row.version = extract.version
        if extract.version != open.committed {
            row.dot = nextDot(&draft.group.settings)
            row.stamp = stamp(&draft.group.settings, open.document.highWater)
            commit.feed = FeedEntry(
                dot: row.dot, document: row.name, stretches: FeedEntry.stretches(from: open.committed, to: extract.version),
                isDeletion: false, stamp: row.stamp)
        }
        commit.row = row
        draft.add(commit)
        if isFold { draft.folded.append(row.name) }
        draft.effects.append { [row] state in
            guard let index = state.open.index(forKey: row.name), state.open.values[index].document === open.document else { return }
            state.open.values[index].row = row
            state.open.values[index].committed = extract.version
            state.open.values[index].needsFold = false
            if row.chunkCount <= 1 { state.open.values[index].needsJoin = false }
            if isFold { state.open.values[index].boundaryVersion = extract.version }
        }
    }

    // MARK: - Deletions

    private func evaluate(
        deletion name: String, ifCoveredBy seen: CausalContext?, _ draft: inout GroupDraft
    ) throws(DocumentStoreError) -> CausalContext {
        guard var row = try storedRow(name), !row.isDeleted else {
            throw DocumentStoreError(.notFound, "there is no document of that name", document: name)
        }
        let open = state.withLock { $0.open[name]?.document }
        guard seen.map({ $0.covers(row.version) && $0.covers(open?.version ?? CausalContext()) }) ?? true else {
            throw DocumentStoreError(.refused, "the document has events that the deletion had not seen", document: name)
        }
        var commit = StorageCommit(row: row)
        commit.removed = 0..<row.nextChunk
        commit.removesSnapshot = true
        row.delete()
        row.dot = nextDot(&draft.group.settings)
        row.stamp = stamp(&draft.group.settings, .zero)
        commit.row = row
        commit.feed = FeedEntry(dot: row.dot, document: name, stretches: [], isDeletion: true, stamp: row.stamp)
        draft.add(commit)
        // A document that takes the name again must not number its events as this one did.
        let writer = OriginID(rawValue: options.randomIdentifier())
        draft.effects.append { state in
            state.remove(name)
            state.deletions += 1
            state.writer = writer
        }
        return row.buried
    }

    // MARK: - Snapshots from elsewhere

    private func evaluate(
        adoptionOf snapshot: CommitTicket.Snapshot, as name: String, _ draft: inout GroupDraft
    ) throws(DocumentStoreError) -> CausalContext {
        let stored = try storedRow(name)
        var row = stored ?? DocumentRow(name: name, number: 0, dot: Dot(origin: draft.group.settings.origin, sequence: 0))
        let open = state.withLock { $0.open[name]?.document }
        guard snapshot.version.covers(row.version), open.map({ snapshot.version.covers($0.version) }) ?? true else {
            throw DocumentStoreError(.refused, "the snapshot lacks events that are here", document: name)
        }
        if row.number == 0 {
            row.number = draft.group.settings.nextDocument
            draft.group.settings.nextDocument += 1
        }
        let known = row.version
        var commit = StorageCommit(row: row)
        if row.nextChunk > 0 { commit.removed = 0..<row.nextChunk }
        commit.snapshot = snapshot.bytes
        row.adopt(snapshot.version, bytes: snapshot.bytes.count)
        if snapshot.version != known {
            row.dot = nextDot(&draft.group.settings)
            row.stamp = stamp(&draft.group.settings, snapshot.highWater)
            commit.feed = FeedEntry(
                dot: row.dot, document: name, stretches: FeedEntry.stretches(from: known, to: snapshot.version), isDeletion: false,
                stamp: row.stamp)
        }
        commit.row = row
        draft.add(commit)
        draft.effects.append { state in
            state.remove(name)
            // What is being opened now reads chunks that are gone.
            state.deletions += 1
        }
        return snapshot.version
    }

    private func evaluate(forgetting name: String, _ draft: inout GroupDraft) throws(DocumentStoreError) -> CausalContext {
        guard let row = try storedRow(name), row.isDeleted else {
            throw DocumentStoreError(.notFound, "no deletion of that name is remembered", document: name)
        }
        var commit = StorageCommit(row: row)
        commit.removesRow = true
        draft.add(commit)
        return row.buried
    }

    // MARK: -

    func storedRow(_ name: String) throws(DocumentStoreError) -> DocumentRow? {
        do throws(StorageError) { return try storage.row(name) } catch { throw DocumentStoreError(error, document: name) }
    }

    private func nextDot(_ settings: inout StoreSettings) -> Dot {
        settings.sequence += 1
        return Dot(origin: settings.origin, sequence: settings.sequence)
    }

    /// A stamp for a commit, and the mark moved ahead of it and of what the commit holds.
    private func stamp(_ settings: inout StoreSettings, _ highWater: HybridTimestamp) -> HybridTimestamp {
        let stamp = feedClock.withLock { $0.next(now: clock.now()) }
        let ahead = HybridTimestamp(milliseconds: options.now() + DocumentStore.markLead, count: 0)
        settings.mark = max(settings.mark, stamp, highWater, ahead)
        return stamp
    }
}

extension DocumentRow {
    /// The tail's chunks go; what replaces them is added next.
    mutating func dropTail() {
        chunkCount -= tailCount
        chunkBytes -= tailBytes
        tailCount = 0
        tailBytes = 0
    }

    /// A chunk at the end of the tail.
    mutating func addChunk(_ bytes: Int) {
        nextChunk += 1
        chunkCount += 1
        chunkBytes += bytes
        tailCount += 1
        tailBytes += bytes
    }

    /// A snapshot holds everything: there is no tail.
    mutating func endTail() {
        boundary = nextChunk
        tailCount = 0
        tailBytes = 0
    }

    /// A snapshot takes the place of all chunks; the history begins with it.
    mutating func adopt(_ version: CausalContext, bytes: Int) {
        isDeleted = false
        isCut = true
        self.version = version
        nextChunk += 1
        boundary = nextChunk
        snapshotBytes = bytes
        chunkCount = 0
        chunkBytes = 0
        tailCount = 0
        tailBytes = 0
    }

    mutating func delete() {
        isDeleted = true
        isCut = false
        buried.merge(version)
        version = CausalContext()
        boundary = nextChunk
        snapshotBytes = 0
        chunkCount = 0
        chunkBytes = 0
        tailCount = 0
        tailBytes = 0
    }
}
