import Logging
public import SkerryCRDT
import SkerryStorage
import Synchronization

extension DocumentStore {
    /// UTF-8 bytes of a document's name.
    public static let nameMaximum = 1024

    /// The document of a name; an empty one when there is none yet, which is on disk from its first commit on.
    ///
    /// One document for a name at a time: everyone who asks while somebody refers to it gets the same. Of one on disk the snapshot is read
    /// and the few chunks behind it, on the blocking executor.
    ///
    /// - Throws: `damaged`, with what is wrong, when not all that was committed can be read; see ``salvage(_:)``. `invalidName` for an
    ///   empty name or one of more than ``nameMaximum`` bytes; `limitExceeded` when documents in use fill the memory.
    public func document(_ name: String) async throws(DocumentStoreError) -> Document { try await open(name, isSalvage: false) }

    /// The document of a name with as much as can be read of it, when ``document(_:)`` says that it is damaged.
    ///
    /// What builds on lost events is left out. Merging with a peer brings it back; the next commit writes what there is then, and what
    /// could not be read goes.
    public func salvage(_ name: String) async throws(DocumentStoreError) -> Document { try await open(name, isSalvage: true) }

    private enum Admission {
        case open(Document)
        case wait(Promise<Document?>)
        case load(writer: OriginID, deletions: UInt64)
    }

    private func open(_ name: String, isSalvage: Bool) async throws(DocumentStoreError) -> Document {
        guard !name.isEmpty, name.utf8.count <= DocumentStore.nameMaximum else {
            throw DocumentStoreError(.invalidName, "a name has 1 to \(DocumentStore.nameMaximum) bytes", document: name)
        }
        while true {
            switch try admit(name) {
            case .open(let document): return document
            case .wait(let promise): if let document = try await promise.value().get() { return document }
            case .load(let writer, let deletions):
                let loaded: Result<OpenDocument, DocumentStoreError>
                do throws(DocumentStoreError) {
                    loaded = .success(
                        try await onDisk(answering: { () throws(DocumentStoreError) in
                            try self.load(name, writer: writer, isSalvage: isSalvage)
                        }))
                } catch { loaded = .failure(error) }
                if let document = try finish(name, loaded, deletions) { return document }
            }
        }
    }

    private func admit(_ name: String) throws(DocumentStoreError) -> Admission {
        let (admission, gone) = try state.withLock { state throws(DocumentStoreError) -> (Admission, [Document]) in
            if state.isClosed { throw DocumentStoreError(.closed, "the store is closed") }
            if let document = state.use(name) { return (.open(document), []) }
            if state.opening[name] != nil {
                let promise = Promise<Document?>()
                state.opening[name]?.append(promise)
                return (.wait(promise), [])
            }
            let gone = state.byteCount > options.memoryBudget ? state.evict(budget: options.memoryBudget) : []
            guard state.byteCount <= options.memoryMaximum else {
                throw DocumentStoreError(
                    .limitExceeded, "\(state.open.count) documents in use take about \(state.byteCount) bytes", document: name)
            }
            state.opening[name] = []
            return (.load(writer: state.writer, deletions: state.deletions), gone)
        }
        // Large documents take a while to go; nobody waits for the lock meanwhile.
        _ = consume gone
        return admission
    }

    /// Makes a loaded document the one of its name and tells those who wait; nil when a deletion came between, and it must be loaded again.
    private func finish(
        _ name: String, _ loaded: Result<OpenDocument, DocumentStoreError>, _ deletions: UInt64
    ) throws(DocumentStoreError) -> Document? {
        let (waiting, isStale) = state.withLock { state -> ([Promise<Document?>], Bool) in
            let isStale = state.deletions != deletions
            if !isStale, case .success(let open) = loaded { state.insert(open) }
            return (state.opening.removeValue(forKey: name) ?? [], isStale)
        }
        if isStale {
            for promise in waiting { promise.fill(.success(nil)) }
            return nil
        }
        let outcome = loaded.map(\.document)
        for promise in waiting { promise.fill(outcome.map { $0 }) }
        return try outcome.get()
    }

    // MARK: - From the disk

    /// Blocks.
    private func load(_ name: String, writer: OriginID, isSalvage: Bool) throws(DocumentStoreError) -> OpenDocument {
        guard let row = try storedRow(name), !row.isDeleted else {
            var row = DocumentRow(name: name, number: 0, dot: Dot(origin: writer, sequence: 0))
            row.buried = try storedRow(name)?.buried ?? CausalContext()
            let document = Document(origin: writer, now: clock.now)
            return OpenDocument(
                document: document, row: row, committed: CausalContext(), boundaryVersion: CausalContext(), base: 0,
                history: HistoryRequest(isRead: true))
        }
        var open = try openSnapshot(of: row, writer: writer, isSalvage: isSalvage)
        for chunk in try read(row, row.boundary..<row.nextChunk) { try take(chunk, into: open.document, name, isSalvage: isSalvage) }
        // It may be ahead of the row: a chunk that was written while others changed the document holds a little more, which no feed has told
        // yet. The next commit does.
        let isWhole = open.document.version.covers(row.version)
        open.committed = isWhole ? row.version : open.document.version
        guard isWhole || isSalvage else {
            throw DocumentStoreError(.damaged, "chunks of the document are missing", document: name)
        }
        if isSalvage {
            // Chunks that build on lost ones would be in the way of what takes their place.
            open.needsFold = true
            logger.warning("a document was salvaged", metadata: ["document": "\(name)"])
        }
        return open
    }

    private func take(_ chunk: StorageCommit.Chunk, into document: Document, _ name: String, isSalvage: Bool) throws(DocumentStoreError) {
        do throws(DocumentStoreError) { try merge(chunk, into: document, of: name) } catch {
            logger.error("a chunk cannot be read", metadata: ["document": "\(name)", "error": "\(error)"])
            if !isSalvage { throw error }
        }
    }

    /// The document at the row's boundary: from its snapshot, or from all chunks below where the snapshot is damaged.
    private func openSnapshot(of row: DocumentRow, writer: OriginID, isSalvage: Bool) throws(DocumentStoreError) -> OpenDocument {
        let request = HistoryRequest(isRead: row.boundary == 0)
        var open = OpenDocument(
            document: Document(origin: writer, now: clock.now), row: row, committed: CausalContext(), boundaryVersion: CausalContext(),
            base: 0, history: request)
        if row.boundary == 0 { return open }
        do throws(DocumentStoreError) {
            open = try openSnapshot(of: row, writer: writer, request)
        } catch {
            guard error.code == .damaged else { throw error }
            logger.error("a snapshot is damaged; its history is read instead", metadata: ["document": "\(row.name)", "error": "\(error)"])
            for chunk in try read(row, 0..<row.boundary) { try take(chunk, into: open.document, row.name, isSalvage: isSalvage) }
            request.noteRead()
            // All of it is written anew with the next commit.
            open.row.boundary = 0
            open.row.tailCount = row.chunkCount
            open.row.tailBytes = row.chunkBytes
            open.needsFold = true
            return open
        }
        open.boundaryVersion = open.document.version
        return open
    }

    private func openSnapshot(of row: DocumentRow, writer: OriginID, _ request: HistoryRequest) throws(DocumentStoreError) -> OpenDocument {
        let bytes: [UInt8]
        do throws(StorageError) { bytes = try storage.snapshot(row) } catch { throw DocumentStoreError(error, document: row.name) }
        let storage = storage
        do throws(DocumentError) {
            let document = try Document(origin: writer, snapshot: bytes, now: clock.now) { () throws(DocumentError) in
                guard !row.isCut else { throw DocumentError(code: .notFound, message: "the history of \(row.name) begins at its snapshot") }
                request.noteRead()
                do throws(StorageError) { return try storage.chunks(row, 0..<row.boundary).flatMap(\.bytes) } catch {
                    throw DocumentError(code: .notFound, message: "the history of \(row.name) cannot be read: \(error)")
                }
            }
            return OpenDocument(
                document: document, row: row, committed: CausalContext(), boundaryVersion: CausalContext(), base: row.boundary,
                history: request)
        } catch {
            throw DocumentStoreError(stored: error, document: row.name, "snapshot")
        }
    }
}
