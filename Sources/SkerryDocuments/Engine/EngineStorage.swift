import SkerryCRDT
import SkerryStorage
import Synchronization

/// Documents over the engine seams: rows, chunks and snapshots are values of tables, and the log carries every batch until the tables are
/// flushed.
///
/// Order on disk: the batch as records of the log, one sync, only then the tables. A crash before the sync leaves nothing of a group that
/// was not promised; a crash after it leaves the log, from which the next start applies the batch again.
///
/// The log is no second truth that grows for ever: after a flush of the tables, packs that lie below what is applied are removed.
final class EngineStorage: DocumentStorage {
    /// Bytes of a value in a table; what is longer lies in parts.
    static let partMaximum = 1 << 20
    /// Bytes that the log grows by before the tables are flushed and its old packs removed.
    static let checkpointBytes: UInt64 = 32 << 20

    fileprivate struct State {
        var writers: WriterTable
        /// Writers whose rows are in the tables.
        var writersStored: Int
        /// Bytes logged since the last checkpoint.
        var logged: UInt64 = 0
        /// Why nothing can be written any more.
        var failure: StorageError?
        var isClosed = false
    }

    let metadata: any MetadataEngine
    let packs: any PackEngine
    let settings: StoreSettings
    let quarantine: [DocumentDamage] = []
    private let state: Mutex<State>

    /// Opens what the engines hold, and founds it when they hold nothing.
    ///
    /// - Parameter origin: for a new store.
    init(metadata: any MetadataEngine, packs: any PackEngine, origin: OriginID) throws(StorageError) {
        self.metadata = metadata
        self.packs = packs
        var row = try metadata.get(.settings, EngineKey.settings).map { bytes throws(StorageError) in try EngineSettingsRow(bytes) }
        // What the tables hold at a start was flushed: packs below it are not needed again.
        if let applied = row?.applied { try EngineStorage.trim(packs, below: applied) }
        row = try EngineStorage.replay(metadata, packs, row)
        settings = row?.settings ?? StoreSettings(origin: origin)
        let writers = try EngineStorage.readWriters(metadata)
        state = Mutex(State(writers: writers, writersStored: writers.origins.count))
    }

    /// How far into the log the tables go: a log opened with this need not look at what lies before.
    static func applied(_ metadata: any MetadataEngine) throws(StorageError) -> LogPosition {
        guard let bytes = try metadata.get(.settings, EngineKey.settings) else { return .start }
        return try EngineSettingsRow(bytes).applied
    }

    // MARK: - Opening

    private static func replay(
        _ metadata: any MetadataEngine, _ packs: any PackEngine, _ row: EngineSettingsRow?
    ) throws(StorageError) -> EngineSettingsRow? {
        var row = row
        var group: [LogRecord] = []
        try packs.replay(from: row?.applied ?? .start) { location, record throws(StorageError) in
            let head = try EngineLog.head(of: record)
            // The rest of a group whose last records were lost goes with them.
            if head.index == 0 { group = [] }
            guard head.index == group.count else { throw StorageError(.corrupt, "a group in the log lacks its record \(group.count)") }
            group.append(record)
            guard group.count == head.count else { return true }
            var batch = MetadataBatch()
            for record in group { try EngineLog.read(record, into: &batch) }
            let next = EngineSettingsRow(applied: location.end, settings: head.settings)
            batch.put(.settings, EngineKey.settings, next.bytes)
            try metadata.apply(batch)
            row = next
            group = []
            return true
        }
        return row
    }

    private static func readWriters(_ metadata: any MetadataEngine) throws(StorageError) -> WriterTable {
        var origins: [OriginID] = []
        try metadata.scan(.settings, EngineKey.writers) { key, value throws(StorageError) in
            var reader = FieldReader(Array(value))
            origins.append(OriginID(rawValue: try reader.readFixed()))
            return .next
        }
        return WriterTable(origins)
    }

    // MARK: - Writing

    func commit(_ group: StorageGroup) throws(StorageError) {
        // One committer at a time; the lock is not held while the disk works, since readers ask for writers under it.
        var (batch, writerCount) = try state.withLock { state throws(StorageError) in
            try state.verifyOpen()
            var batch = MetadataBatch()
            for commit in group.commits { EngineStorage.add(commit, to: &batch, &state.writers) }
            for number in state.writersStored..<state.writers.origins.count {
                var value = FieldWriter()
                value.write(fixed: state.writers.origins[number].rawValue)
                batch.put(.settings, EngineKey.writer(number), value.bytes)
            }
            return (batch, state.writers.origins.count)
        }
        let records = EngineLog.records(batch, group.settings)
        let end: LogPosition
        do throws(StorageError) {
            end = try packs.append(records).last?.end ?? packs.end
        } catch {
            // Refused as a whole; the log is as it was, unless it says that it failed.
            if error.code != .full, error.code != .unavailable { fail(error) }
            throw error
        }
        do throws(StorageError) {
            try packs.sync()
            batch.put(.settings, EngineKey.settings, EngineSettingsRow(applied: end, settings: group.settings).bytes)
            try metadata.apply(batch)
        } catch {
            // It is in the log or it is not: only the next start can tell.
            fail(error)
            throw error.with(code: .failed)
        }
        state.withLock { state in
            state.writersStored = writerCount
            for record in records { state.logged += UInt64(record.fields.count + record.body.count) }
        }
    }

    private func fail(_ error: StorageError) { state.withLock { $0.failure = error.with(code: .failed) } }

    private static func add(_ commit: StorageCommit, to batch: inout MetadataBatch, _ writers: inout WriterTable) {
        let row = commit.row
        if let removed = commit.removed, !removed.isEmpty { batch.remove(.chunks, in: EngineKey.chunks(row.number, removed)) }
        if let chunk = commit.chunk {
            for (part, bytes) in parts(of: chunk.bytes) { batch.put(.chunks, EngineKey.chunk(row.number, chunk.number, part: part), bytes) }
        }
        if commit.snapshot != nil || commit.removesSnapshot { batch.remove(.versions, in: EngineKey.snapshot(row.number)) }
        if let snapshot = commit.snapshot {
            for (part, bytes) in parts(of: snapshot) { batch.put(.versions, EngineKey.snapshot(row.number, part: part), bytes) }
        }
        if let feed = commit.feed {
            var value = FieldWriter()
            feed.write(to: &value, &writers)
            batch.put(.feed, EngineKey.feed(feed.dot), value.bytes)
        }
        if commit.removesRow {
            batch.remove(.current, EngineKey.document(row.name))
        } else {
            var value = FieldWriter()
            row.write(to: &value, &writers)
            batch.put(.current, EngineKey.document(row.name), value.bytes)
        }
    }

    private static func parts(of bytes: [UInt8]) -> [(Int, [UInt8])] {
        if bytes.count <= partMaximum { return [(0, bytes)] }
        return stride(from: 0, to: bytes.count, by: partMaximum).enumerated().map { part, start in
            (part, Array(bytes[start..<min(start + partMaximum, bytes.count)]))
        }
    }

    func tidy(force: Bool) throws(StorageError) {
        let isDue = state.withLock { $0.failure == nil && (force || $0.logged >= EngineStorage.checkpointBytes) }
        guard isDue else { return }
        let applied = try EngineStorage.applied(metadata)
        try metadata.flush()
        try packs.seal()
        try EngineStorage.trim(packs, below: applied)
        state.withLock { $0.logged = 0 }
    }

    private static func trim(_ packs: any PackEngine, below applied: LogPosition) throws(StorageError) {
        // The newest stays, since its successor would have to be made first.
        for pack in try packs.packs().dropLast() where pack.isSealed && LogPosition(pack: pack.number, offset: pack.length) <= applied {
            try packs.remove(pack: pack.number)
        }
    }

    func close() throws(StorageError) {
        let wasClosed = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed
        }
        if wasClosed { return }
        do throws(StorageError) { try packs.close() } catch {
            try? metadata.close()
            throw error
        }
        try metadata.close()
    }

    // MARK: - Reading

    func row(_ name: String) throws(StorageError) -> DocumentRow? {
        guard let bytes = try metadata.get(.current, EngineKey.document(name)) else { return nil }
        var reader = FieldReader(bytes)
        return try DocumentRow(name: name, &reader, writers)
    }

    func rows(prefix: String, after name: String?, limit: Int) throws(StorageError) -> [DocumentRow] {
        var range = EngineKey.documents(prefix: prefix)
        if let name {
            let next = EngineKey.document(name) + [0]
            if range.lower.lexicographicallyPrecedes(next) { range.lower = next }
        }
        var rows: [DocumentRow] = []
        if let upper = range.upper, !range.lower.lexicographicallyPrecedes(upper) { return [] }
        try metadata.scan(.current, range) { key, value throws(StorageError) in
            guard rows.count < limit else { return .stop }
            var reader = FieldReader(Array(value))
            rows.append(try DocumentRow(name: EngineKey.name(key), &reader, writers))
            return .next
        }
        return rows
    }

    func snapshot(_ row: DocumentRow) throws(StorageError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(row.snapshotBytes)
        try metadata.scan(.versions, EngineKey.snapshot(row.number)) { _, value throws(StorageError) in
            bytes.append(contentsOf: value)
            return .next
        }
        return bytes
    }

    func chunks(_ row: DocumentRow, _ range: Range<UInt64>) throws(StorageError) -> [StorageCommit.Chunk] {
        var chunks: [StorageCommit.Chunk] = []
        if range.isEmpty { return [] }
        try metadata.scan(.chunks, EngineKey.chunks(row.number, range)) { key, value throws(StorageError) in
            let number = try EngineKey.chunkNumber(key)
            if chunks.last?.number == number {
                chunks[chunks.count - 1].bytes.append(contentsOf: value)
            } else {
                chunks.append(StorageCommit.Chunk(number: number, bytes: Array(value)))
            }
            return .next
        }
        return chunks
    }

    func feed(of origin: OriginID, after sequence: UInt64, limit: Int) throws(StorageError) -> [FeedEntry] {
        guard sequence < .max else { return [] }
        var entries: [FeedEntry] = []
        try metadata.scan(.feed, EngineKey.feed(origin, after: sequence)) { key, value throws(StorageError) in
            guard entries.count < limit else { return .stop }
            var reader = FieldReader(Array(value))
            entries.append(try FeedEntry(dot: Dot(origin: origin, sequence: EngineKey.sequence(key)), &reader, writers))
            return .next
        }
        return entries
    }

    /// Asked for after a row was read, so that it knows every writer that the row names.
    private var writers: WriterTable { state.withLock { $0.writers } }
}

extension EngineStorage.State {
    fileprivate func verifyOpen() throws(StorageError) {
        if let failure { throw failure }
        guard !isClosed else { throw StorageError(.closed, "the store is closed") }
    }
}
