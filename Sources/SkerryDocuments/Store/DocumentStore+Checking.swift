import SkerryCRDT
import SkerryStorage

extension DocumentStore {
    /// Reads everything on disk and says what is wrong: every chunk and snapshot of every document, whether they are whole, decode, and
    /// lead to the version that the document's row tells.
    ///
    /// - Complexity: reads and decodes the whole store, one document in memory at a time.
    /// - Throws: when the storage cannot be read at all.
    public func check() async throws(DocumentStoreError) -> [DocumentDamage] {
        try verifyOpen()
        return try await onDisk(answering: { () throws(DocumentStoreError) in
            var found = self.storage.quarantine
            var last: String?
            while true {
                let rows: [DocumentRow]
                do throws(StorageError) { rows = try self.storage.rows(prefix: "", after: last, limit: 256) } catch {
                    throw DocumentStoreError(error)
                }
                guard let end = rows.last else { return found }
                for row in rows where !row.isDeleted { found += self.check(row) }
                last = end.name
            }
        })
    }

    private func check(_ row: DocumentRow) -> [DocumentDamage] {
        do throws(StorageError) {
            // A commit may overtake: then look again at what is there now.
            var damage = try check(row, storage)
            if !damage.isEmpty, let now = try storage.row(row.name), now != row, !now.isDeleted { damage = try check(now, storage) }
            return damage
        } catch {
            if error.code == .notFound { return [] }
            return [DocumentDamage(document: row.name, part: .row, message: "\(error)")]
        }
    }

    private func check(_ row: DocumentRow, _ storage: any DocumentStorage) throws(StorageError) -> [DocumentDamage] {
        var found: [DocumentDamage] = []
        func note(_ part: DocumentDamage.Part, _ message: String) {
            found.append(DocumentDamage(document: row.name, part: part, message: message))
        }
        let chunks = try storage.chunks(row, 0..<row.nextChunk)
        if chunks.count < row.chunkCount {
            note(.missingChunks(row.chunkCount - chunks.count), "\(chunks.count) of \(row.chunkCount) are there")
        }
        if row.isCut { return found + checkCut(row, chunks, try storage.snapshot(row)) }
        let document = Document(origin: OriginID(rawValue: 0), now: { .max >> 16 })
        var boundary = CausalContext()
        for chunk in chunks {
            do throws(DocumentStoreError) { try merge(chunk, into: document, of: row.name) } catch {
                note(.chunk(chunk.number), error.message)
            }
            if chunk.number < row.boundary { boundary = document.version }
        }
        if found.isEmpty, !document.version.covers(row.version) { note(.version, "the chunks do not lead to the version of the row") }
        guard row.boundary > 0 else { return found }
        let snapshot = try storage.snapshot(row)
        do throws(DocumentError) {
            let opened = try Document(origin: OriginID(rawValue: 0), snapshot: snapshot, now: { .max >> 16 })
            if found.isEmpty, opened.version != boundary { note(.snapshot, "it is of another version than the chunks below it") }
        } catch {
            note(.snapshot, "\(error)")
        }
        return found
    }

    /// Where the history begins at a snapshot, that and its tail lead to the version.
    private func checkCut(_ row: DocumentRow, _ chunks: [StorageCommit.Chunk], _ snapshot: [UInt8]) -> [DocumentDamage] {
        var found: [DocumentDamage] = []
        let document: Document
        do throws(DocumentError) {
            document = try Document(origin: OriginID(rawValue: 0), snapshot: snapshot, now: { .max >> 16 })
        } catch {
            return [DocumentDamage(document: row.name, part: .snapshot, message: "\(error)")]
        }
        for chunk in chunks {
            do throws(DocumentError) {
                try document.restore(chunk.bytes)
            } catch {
                found.append(DocumentDamage(document: row.name, part: .chunk(chunk.number), message: "\(error)"))
            }
        }
        if found.isEmpty, !document.version.covers(row.version) {
            found.append(
                DocumentDamage(
                    document: row.name, part: .version, message: "the snapshot and its tail do not lead to the version of the row"))
        }
        return found
    }
}
