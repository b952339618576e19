import Logging
import SkerryCRDT
import SkerryStorage
import Synchronization

extension DocumentStore {
    /// Joins the segments of a document into one chunk when there are many. Blocks; part of a commit's turn, after its answers.
    func keepHouse(_ name: String) {
        let open = state.withLock { state -> OpenDocument? in
            guard let index = state.open.index(forKey: name) else { return nil }
            defer { state.open.values[index].needsJoin = false }
            return state.open.values[index]
        }
        // Chunks behind a cut say nothing by themselves: they cannot be read as a whole to be joined.
        guard let open, !open.row.isCut, open.needsJoin || HistoryPolicy.isJoinDue(open.row) else { return }
        do throws(DocumentStoreError) {
            try join(open)
        } catch {
            logger.warning("segments were not joined", metadata: ["document": "\(name)", "error": "\(error)"])
        }
    }

    /// Replaces the chunks below the snapshot's boundary by one, or by two where a document in memory may yet ask for those below its own
    /// boundary and no others.
    private func join(_ open: OpenDocument) throws(DocumentStoreError) {
        let isBound = open.base > 0 && !open.history.isRead
        let bounds = isBound && open.base < open.row.boundary ? [open.base, open.row.boundary] : [open.row.boundary]
        // Not an author, so any name serves; and what is on disk was let in once, whatever the clock says now.
        let scratch = Document(origin: OriginID(rawValue: 0), now: { .max >> 16 })
        var group = StorageGroup(settings: state.withLock { $0.settings })
        var row = open.row
        var start: UInt64 = 0
        /// What will stand before the range at hand.
        var before: [UInt8] = []
        for end in bounds {
            let known = scratch.version
            let chunks = try read(row, start..<end)
            for chunk in chunks { try merge(chunk, into: scratch, of: row.name) }
            var bytes = chunks.flatMap(\.bytes)
            if chunks.count > 1, let joined = try joined(scratch, since: known, behind: before, row.name) {
                bytes = joined
                row.chunkCount -= chunks.count - 1
                row.chunkBytes += joined.count - chunks.reduce(0) { $0 + $1.bytes.count }
                var commit = StorageCommit(row: row)
                commit.removed = start..<end
                commit.chunk = StorageCommit.Chunk(number: end - 1, bytes: joined)
                group.commits.append(commit)
            }
            start = end
            before += bytes
        }
        guard !group.commits.isEmpty else { return }
        do throws(StorageError) { try storage.commit(group) } catch {
            let failure = DocumentStoreError(error, document: row.name)
            if failure.code != .full, failure.code != .busy { state.withLock { $0.failure = failure } }
            throw failure
        }
        let result = row
        state.withLock { state in
            if let index = state.open.index(forKey: result.name) { state.open.values[index].row = result }
        }
    }

    /// What a scratch document has since a version as one chunk, read back before anything is replaced by it.
    private func joined(_ scratch: Document, since known: CausalContext, behind before: [UInt8], _ name: String) throws(DocumentStoreError)
        -> [UInt8]?
    {
        do throws(DocumentError) {
            let bytes = try scratch.history(since: known)
            guard bytes.count <= HistoryPolicy.joinedMaximum else { return nil }
            let check = Document(origin: OriginID(rawValue: 0), now: { .max >> 16 })
            try check.merge(before)
            let result = try check.merge(bytes)
            guard result.missing == nil, check.version == scratch.version else { return nil }
            return bytes
        } catch {
            throw DocumentStoreError(stored: error, document: name, "joined history")
        }
    }

    func read(_ row: DocumentRow, _ range: Range<UInt64>) throws(DocumentStoreError) -> [StorageCommit.Chunk] {
        do throws(StorageError) { return try storage.chunks(row, range) } catch { throw DocumentStoreError(error, document: row.name) }
    }

    func merge(_ chunk: StorageCommit.Chunk, into document: Document, of name: String) throws(DocumentStoreError) {
        do throws(DocumentError) {
            if let missing = try document.restore(chunk.bytes).missing {
                throw DocumentError(
                    code: .corrupt, message: "it builds on event \(missing.sequence) of \(missing.origin), which is not there")
            }
        } catch {
            throw DocumentStoreError(stored: error, document: name, "chunk \(chunk.number)")
        }
    }
}
