public import SkerryCRDT
import SkerryStorage
import Synchronization

extension DocumentStore {
    /// What the store knows of a document without opening it; nil when nothing was ever committed under that name.
    public func summary(_ name: String) async throws(DocumentStoreError) -> DocumentSummary? {
        try verifyOpen()
        let storage = storage
        return try await onDisk(name) { () throws(StorageError) in try storage.row(name) }.map { DocumentSummary($0) }
    }

    /// Documents on disk, in the order of their names' bytes.
    ///
    /// - Parameters:
    ///   - name: where the last page ended.
    ///   - includingDeleted: whether deletions that are remembered come too.
    ///   - limit: how many at most.
    public func documents(
        prefix: String = "", after name: String? = nil, includingDeleted: Bool = false, limit: Int = 1000
    ) async throws(DocumentStoreError) -> [DocumentSummary] {
        try verifyOpen()
        let storage = storage
        return try await onDisk { () throws(StorageError) in
            var found: [DocumentSummary] = []
            var last = name
            while found.count < limit {
                let rows = try storage.rows(prefix: prefix, after: last, limit: limit - found.count)
                guard let end = rows.last else { break }
                found += rows.filter { includingDeleted || !$0.isDeleted }.map { DocumentSummary($0) }
                last = end.name
            }
            return found
        }
    }

    /// Deletes a document: its history goes, and what remains is the name with what the deletion had seen, for peers to learn of it.
    ///
    /// A `Document` that somebody holds is no longer the store's; changes in it that were not committed are lost to the store. A document
    /// that takes the name later is another one, with another writer.
    ///
    /// - Throws: `notFound` when there is none.
    public func delete(_ name: String) async throws(DocumentStoreError) { _ = try await submit(.deletion(name, ifCoveredBy: nil)) }

    /// Deletes a document, unless it has events, on disk or in memory, that a version does not cover.
    ///
    /// - Throws: `refused` when it has; `notFound` when there is none.
    public func delete(_ name: String, ifCoveredBy seen: CausalContext) async throws(DocumentStoreError) {
        _ = try await submit(.deletion(name, ifCoveredBy: seen))
    }

    /// Forgets that a document was deleted. For when every peer knows it: a peer that does not would bring the document back.
    ///
    /// - Throws: `notFound` when no deletion of that name is remembered.
    public func forgetDeletion(_ name: String) async throws(DocumentStoreError) { _ = try await submit(.forgetting(name)) }

    /// The document of a name if it is in memory; its use counts as one.
    public func resident(_ name: String) -> Document? { state.withLock { $0.use(name) } }

    /// Takes a snapshot from elsewhere in place of all that is here of a document: its history is cut there.
    ///
    /// A peer that lacks something from before the cut gets the state instead of history. A `Document` that somebody holds is no longer the store's: ask
    /// for it again. With the document's own snapshot it cuts the history; that is safe when every peer has what the snapshot has.
    ///
    /// - Returns: the version that is on disk, the snapshot's.
    /// - Throws: `refused` when something is here that the snapshot lacks, or for bytes that are no snapshot; nothing has changed then.
    @discardableResult
    public func adopt(_ name: String, snapshot: [UInt8]) async throws(DocumentStoreError) -> CausalContext {
        guard !name.isEmpty, name.utf8.count <= DocumentStore.nameMaximum else {
            throw DocumentStoreError(.invalidName, "a name has 1 to \(DocumentStore.nameMaximum) bytes", document: name)
        }
        let checked = try await onDisk(answering: { () throws(DocumentStoreError) in
            do throws(DocumentError) {
                return CommitTicket.Snapshot(
                    snapshot, of: try Document(origin: OriginID(rawValue: 0), snapshot: snapshot, now: self.clock.now))
            } catch {
                throw DocumentStoreError(.refused, "no snapshot: \(error)", document: name, cause: error)
            }
        })
        return try await submit(.adoption(name, checked))
    }

    /// Lets a document leave the memory; it stays on disk and comes back when it is asked for.
    ///
    /// - Returns: false when it stays: it is referred to or observed, or has changes that are not committed.
    @discardableResult
    public func evict(_ name: String) -> Bool {
        let (gone, isGone) = state.withLock { state in
            let gone = state.evict(name)
            return (gone, gone != nil || state.open[name] == nil)
        }
        _ = consume gone
        return isGone
    }

    /// Commits of an origin in their order, from the first after a sequence on; see ``feedHeads`` for the origins.
    ///
    /// An engine keeps every row, a single file the last of each document, which says all that those before it said.
    public func feed(of origin: OriginID, after sequence: UInt64 = 0, limit: Int = 1000) async throws(DocumentStoreError) -> [FeedEntry] {
        try verifyOpen()
        let storage = storage
        return try await onDisk { () throws(StorageError) in try storage.feed(of: origin, after: sequence, limit: limit) }
    }
}
