public import SkerryCRDT
public import SkerryDocuments
internal import SkerryGossip
internal import SkerryStorage
internal import Synchronization

// A removal says what its author had seen of a document. What a document is follows from the updates that came of it and from all that removals had seen:
// nothing, where they had seen every event; the events that they had not seen, where those stand alone; and all events, where one that they had not seen
// builds on one that they had. So it does not matter in which order removals and updates come.
//
// What removals had seen stays for good, also when all members have acknowledged the removal (`Retention`), which is when keyed parts forget theirs. An
// acknowledgement says that nothing older than the removal is still to come of a member's feed. That is not enough here:
//
// - It says that the removal lies beside the document, not that the document is gone. A change that was in memory then is told behind it, and builds on what
//   the removal had seen. Without the row it would wait for that for ever, in place of bringing the document back.
// - Who has some documents by an exchange is no member, and nobody waits for it: it may give at any time all that it ever had.
// - Whoever comes home says again what it had written of documents, also what a removal had seen (`Homecoming` judges parts with keys alone).
//
// And it would save little: the log, which is never trimmed where there are documents, holds the same bytes in the removal's entry.

extension DocumentReplica {
    /// Deletes a document here and on all peers.
    ///
    /// What somebody changed whom the deletion had not reached, and whose change had not come here, is not lost: it brings the document back. Whoever holds
    /// the `Document` has one that is no longer the store's. What is written to the name later is another document.
    ///
    /// - Throws: as `DocumentStore.commit(_:)`; `notFound` when there is none, `refused` when the documents belong to no replica.
    public func delete(_ name: String) async throws(DocumentStoreError) {
        guard let (handle, rows) = place else { throw DocumentStoreError(.refused, "the documents belong to no replica", document: name) }
        let document = try await document(name)
        var seen = try await commit(document)
        guard !seen.isEmpty else { throw DocumentStoreError(.notFound, "there is no document of that name", document: name) }
        seen.merge(try await removals(of: name, rows, handle.replica).seen)
        let (key, value) = try await Self.mapped { () throws(DocumentFeedError) in
            (try DocumentFeed.key(of: name), try DocumentFeed.value(ofRemoval: seen))
        }
        try await publish(.removal, key, value, of: name, handle)
        // What is durable in the feed happens here too, now or in the next life.
        try await takeIn(name)
    }

    /// With whom and where, while it is a replica's.
    var place: (handle: ReplicaPart, rows: DocumentRows)? {
        state.withLock { state in
            guard let handle = state.handle, let rows = state.rows else { return nil }
            return (handle, rows)
        }
    }

    // MARK: - What removals had seen

    struct Removals: Sendable {
        /// What they had seen, all together.
        var seen = CausalContext()
        /// Whether a document was to be put together anew and may not have been.
        var isUnfinished = false

        var isEmpty: Bool { seen.isEmpty }

        /// Whether a version has events that they had seen.
        func touch(_ version: CausalContext) -> Bool { version.dots.contains { seen.sequence(of: $0.origin) > 0 } }
    }

    func removals(of name: String, _ rows: DocumentRows, _ replica: Replica?) async throws(DocumentStoreError) -> Removals {
        guard let replica else { return Removals() }
        let prefix = rows.removed(name)
        let found = try await Self.mapped { () throws(ReplicaError) in
            try await replica.onStore { store throws(StorageError) in try store.rows(withPrefix: prefix, from: prefix, limit: .max) }
        }
        var removals = Removals()
        for row in found {
            if row.key == prefix { removals.isUnfinished = true }
            if row.key.count == prefix.count + 8, let seen = DocumentRows.version(row.value ?? []) { removals.seen.merge(seen) }
        }
        return removals
    }

    // MARK: - What is left of a document

    /// How often a document that changes meanwhile is looked at anew.
    private static let attemptsMaximum = 8

    /// Lets a document be what removals leave of it. In its turn.
    func bury(_ name: String, _ removals: Removals, _ rows: DocumentRows, _ replica: Replica) async throws(DocumentStoreError) {
        if removals.isUnfinished { return try await restore(name, removals, rows, replica) }
        for _ in 0..<Self.attemptsMaximum {
            guard let summary = try await committed(name), removals.touch(summary.version) else { return }
            guard removals.seen.covers(summary.version) else {
                // Of a history that was cut nothing can be taken away.
                return summary.isCut ? () : try await restore(name, removals, rows, replica)
            }
            guard try await drop(name, removals.seen) else { continue }
            return note(.deleted(name))
        }
        throw DocumentStoreError(.busy, "the document changes while it is deleted", document: name)
    }

    /// What is on disk of a document, with what was in memory alone; nil when there is none.
    private func committed(_ name: String) async throws(DocumentStoreError) -> DocumentSummary? {
        if let document = documents.resident(name) {
            do throws(DocumentStoreError) { try await documents.commit(document) } catch {
                // It was replaced meanwhile: what is there now counts.
                guard error.code == .notFound else { throw error }
            }
        }
        return try await documents.summary(name).flatMap { $0.isDeleted ? nil : $0 }
    }

    /// - Returns: false where it has changed meanwhile, and stays.
    private func drop(_ name: String, _ seen: CausalContext) async throws(DocumentStoreError) -> Bool {
        do throws(DocumentStoreError) { try await documents.delete(name, ifCoveredBy: seen) } catch {
            guard error.code == .refused || error.code == .notFound else { throw error }
            return false
        }
        return true
    }

    /// Puts a document together from the log, as removals leave it. In its turn.
    ///
    /// - Complexity: reads the log, ``Replica/historyMaximum`` bytes at a time.
    func restore(_ name: String, _ removals: Removals, _ rows: DocumentRows, _ replica: Replica) async throws(DocumentStoreError) {
        // A crash between taking away and putting back must not end with nothing, nor an error: the next look goes on.
        replica.write(rows.marks(ofUnfinished: name))
        state.withLock { $0.unread[name, default: Unread()].isUnfinished = true }
        for _ in 0..<Self.attemptsMaximum {
            let present = try await committed(name)?.version ?? CausalContext()
            try await tellCommits()
            try await Self.mapped { () throws(ReplicaError) in try await replica.durable() }
            let logged = try await logged(name, rows, replica)
            guard logged.version.covers(present) else {
                throw DocumentStoreError(.busy, "not all of the document is in the log", document: name)
            }
            let (history, version) = try Self.left(of: logged, removals, name)
            if !version.covers(present) {
                guard try await drop(name, present) else { continue }
                note(.replaced(name))
            }
            try await put(history, version, into: name)
            return finish(name, rows, replica)
        }
        throw DocumentStoreError(.busy, "the document changes while it is put together", document: name)
    }

    /// A document is put together.
    func finish(_ name: String, _ rows: DocumentRows, _ replica: Replica) {
        state.withLock { state in
            state.unread[name]?.isUnfinished = false
            if state.unread[name]?.isEmpty ?? false { state.unread[name] = nil }
        }
        replica.write(rows.marks(ofUnfinished: name, are: nil))
    }

    private func put(_ history: [UInt8], _ version: CausalContext, into name: String) async throws(DocumentStoreError) {
        guard !history.isEmpty else { return }
        let document = try await documents.document(name)
        // It is in the feeds already.
        state.withLock { $0.heard[name, default: CausalContext()].merge(version) }
        try await Self.mapped { () throws(DocumentError) in try document.merge(history) }
        try await documents.commit(document)
    }

    /// All that the log has of a document.
    private func logged(_ name: String, _ rows: DocumentRows, _ replica: Replica) async throws(DocumentStoreError) -> Document {
        let document = Document(origin: OriginID(rawValue: 0), now: { .max >> 16 })
        var inbox = DocumentInbox(name: name)
        let key = rows.prefix + Array(name.utf8)
        // What was taken of a history whose positions did not come is there too.
        var through = digest
        through.merge(replica.digest)
        var reader = HistoryReader(of: [rows.prefix], since: CausalContext(), through: through)
        while !reader.isAtEnd {
            let start = reader
            let (page, next) = try await Self.mapped { () throws(ReplicaError) in
                try await replica.onStore { store throws(StorageError) in
                    var reader = start
                    return (try reader.read(from: store), reader)
                }
            }
            reader = next
            for entry in page where entry.kind == .write && entry.key.elementsEqual(key) {
                // What is no update was refused when it came.
                _ = try? inbox.receive(entry.dot, entry.value)
            }
            _ = inbox.settle(into: document)
        }
        return document
    }

    /// What removals leave of a document, and the version of that.
    private static func left(
        of document: Document, _ removals: Removals, _ name: String
    ) throws(DocumentStoreError) -> (history: [UInt8], version: CausalContext) {
        do throws(DocumentError) {
            let version = document.version
            let known = CausalContext(
                covering: version.dots.compactMap { dot in
                    let sequence = min(dot.sequence, removals.seen.sequence(of: dot.origin))
                    return sequence > 0 ? Dot(origin: dot.origin, sequence: sequence) : nil
                })
            let unseen = try document.history(since: known)
            let alone = Document(origin: OriginID(rawValue: 0), now: { .max >> 16 })
            if try alone.merge(unseen).missing == nil { return (unseen, alone.version) }
            return (try document.history(), version)
        } catch {
            throw DocumentStoreError(.failed, "what a deletion leaves cannot be put together: \(error)", document: name, cause: error)
        }
    }
}
