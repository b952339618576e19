import SkerryCRDT
import SkerryStorage
import Synchronization

/// Documents in a single file: records behind one another, a directory of them in memory, and a footer from which the next start takes it.
///
/// Order of events that makes it crash-safe:
/// 1. A file is written under a temporary name, synced, renamed, and its name synced: a file of the right name has a sound header.
/// 2. One committer appends records behind one another; one fdatasync is the commit of all of them. Only then are they visible.
/// 3. After a crash the tail that nobody was promised is cut off and the cut synced before anything is appended.
/// 4. A footer is a record like any other. The slot that points to it is written when the footer is on disk; there are two, in turns, so a
///    torn one costs a longer scan and no more.
/// 5. Compaction writes a new file beside the old one and renames it over: either is whole.
///
/// A lock on a file of its own beside it keeps other processes out, since the name of the file itself moves from one to the next.
final class FileStorage<Files: FileLayer>: DocumentStorage {
    /// A footer is due when this much, and four times its own length, lies behind the last.
    static var footerInterval: UInt64 { 256 << 10 }
    /// The same at a close, where a footer saves the next start a scan.
    static var closingFooterInterval: UInt64 { 4 << 10 }
    /// A file is compacted when half of it and at least this much is dead.
    static var deadMinimum: UInt64 { 64 << 10 }

    fileprivate struct State {
        var file: Files.File
        var salt: UInt64
        var directory: FileDirectory
        /// Writers below this number are named in the file.
        var writersStored: Int
        /// Where the next record goes.
        var end: UInt64
        /// How far the file is on disk.
        var synced: UInt64
        var footerEnd: UInt64
        var slotCounter: UInt64
        /// Why nothing can be written any more.
        var failure: StorageError?
        var isClosed = false
    }

    let path: String
    let settings: StoreSettings
    let quarantine: [DocumentDamage]
    private let files: Files
    private let lockFile: Files.File
    private let randomIdentifier: @Sendable () -> UInt64
    private let state: Mutex<State>

    /// Opens the file, and makes it when it is missing.
    ///
    /// - Parameter origin: for a new store.
    /// - Throws: `locked`, `foreign`, `newerFormat`, `corrupt` (the header is damaged), what the file layer throws.
    init(files: Files, path: String, origin: OriginID, randomIdentifier: @escaping @Sendable () -> UInt64) throws(StorageError) {
        self.files = files
        self.path = path
        self.randomIdentifier = randomIdentifier
        let lockFile = try FileStorage.lock(files, path)
        self.lockFile = lockFile
        do throws(StorageError) {
            let file = try FileStorage.openOrCreate(files, path, salt: randomIdentifier())
            let state = try FileStorage.read(file, path)
            settings = state.directory.settings ?? StoreSettings(origin: origin)
            quarantine = state.directory.quarantine.map {
                DocumentDamage(document: nil, part: .range($0), message: "no sound record in \(path)")
            }
            self.state = Mutex(state)
        } catch {
            try? lockFile.close()
            throw error
        }
    }

    // MARK: - Opening

    private static func lock(_ files: Files, _ path: String) throws(StorageError) -> Files.File {
        let name = path + ".lock"
        let file: Files.File
        do throws(StorageError) { file = try files.open(name, .write) } catch  where error.code == .notFound {
            file = try files.open(name, .create)
        }
        guard try file.lock() else {
            try? file.close()
            throw StorageError(.locked, "another process has it open", path: path)
        }
        return file
    }

    private static func openOrCreate(_ files: Files, _ path: String, salt: UInt64) throws(StorageError) -> Files.File {
        do throws(StorageError) { return try files.open(path, .write) } catch  where error.code == .notFound {
            let file = try files.open(path + ".new", .create)
            try file.write(FileFormat.header(salt: salt), at: 0)
            try file.syncAll()
            try files.rename(path + ".new", to: path)
            try files.syncDirectory(directory(of: path))
            return file
        }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Takes the directory from the last footer and the records behind it, and cuts off what a crash left.
    private static func read(_ file: Files.File, _ path: String) throws(StorageError) -> State {
        let header = try file.read(at: 0, count: FileFormat.headerLength)
        let salt = try FileFormat.salt(ofHeader: header, path: path)
        let size = try file.size()
        let scanner = FileScanner(file: file, salt: salt, size: size)
        let slots = FileFormat.Slot.read(header, salt: salt)
        var directory = FileDirectory()
        var start = UInt64(FileFormat.headerLength)
        for slot in slots {
            guard let record = try scanner.record(at: slot.offset), record.frame.kind == FileFormat.Kind.footer else { continue }
            directory = try FileDirectory(footer: record.fields, end: record.offset)
            start = record.end
            break
        }
        let footerEnd = start
        var unread: [Range<UInt64>] = []
        let (end, quarantine) = try scanner.scan(from: start) { record throws(StorageError) in
            do throws(StorageError) {
                if record.frame.kind == FileFormat.Kind.settings {
                    var reader = FieldReader(record.fields)
                    directory.settings = try StoreSettings(&reader)
                }
                guard record.frame.kind == FileFormat.Kind.commit else { return }
                var writers = directory.writers
                let commit = try CommitRecord(record.fields, &writers)
                directory.writers = writers
                directory.apply(commit, bodyAt: record.bodyOffset)
            } catch  where error.code == .corrupt {
                // Sound bytes that make no sense beside the others: kept and named.
                unread.append(record.offset..<record.end)
            }
        }
        directory.quarantine += (quarantine + unread).sorted { $0.lowerBound < $1.lowerBound }
        if end < size {
            try file.truncate(to: end)
            try file.syncAll()
        }
        return State(
            file: file, salt: salt, directory: directory, writersStored: directory.writers.origins.count, end: end, synced: end,
            footerEnd: footerEnd, slotCounter: slots.first?.counter ?? 0)
    }

    // MARK: - Writing

    func commit(_ group: StorageGroup) throws(StorageError) {
        let (file, offset, bytes, records, writerCount) = try state.withLock { state throws(StorageError) in
            try state.verifyOpen()
            let encoded = FileStorage.encode(group, &state)
            return (state.file, state.end, encoded.bytes, encoded.records, encoded.writers)
        }
        try append(bytes, to: file, at: offset)
        state.withLock { state in
            for (record, body) in records { state.directory.apply(record, bodyAt: body) }
            state.directory.settings = group.settings
            state.writersStored = writerCount
            state.end = offset + UInt64(bytes.count)
            state.synced = state.end
        }
    }

    /// The group's records, to be written where the file ends.
    private static func encode(
        _ group: StorageGroup, _ state: inout State
    ) -> (bytes: [UInt8], records: [(CommitRecord, UInt64)], writers: Int) {
        var bytes: [UInt8] = []
        var records: [(CommitRecord, UInt64)] = []
        var stored = state.writersStored
        for commit in group.commits {
            // Meets the row's writers first, so that new ones can be named before it.
            var probe = FieldWriter()
            commit.row.write(to: &probe, &state.directory.writers)
            let fresh = Array(state.directory.writers.origins[stored...])
            let record = CommitRecord(commit, settings: group.settings, firstWriter: stored, newWriters: fresh)
            stored += fresh.count
            let fields = record.fields(&state.directory.writers)
            let body = (commit.chunk?.bytes ?? []) + (commit.snapshot ?? [])
            let offset = state.end + UInt64(bytes.count)
            records.append((record, offset + UInt64(FileFormat.frameLength + fields.count)))
            bytes += FileFormat.record(
                kind: FileFormat.Kind.commit, fields: fields, body: body, synced: state.synced, salt: state.salt, offset: offset)
        }
        if group.commits.isEmpty {
            var fields = FieldWriter()
            group.settings.write(to: &fields)
            bytes = FileFormat.record(
                kind: FileFormat.Kind.settings, fields: fields.bytes, body: [], synced: state.synced, salt: state.salt, offset: state.end)
        }
        return (bytes, records, stored)
    }

    /// Writes and syncs; a write that was refused leaves the file as it was.
    private func append(_ bytes: [UInt8], to file: Files.File, at offset: UInt64) throws(StorageError) {
        do throws(StorageError) { try file.write(bytes, at: offset) } catch {
            do throws(StorageError) {
                try file.truncate(to: offset)
                try file.syncAll()
            } catch let second {
                fail(second)
                throw second.with(code: .failed)
            }
            throw error.code == .full ? error : error.with(code: .unavailable)
        }
        do throws(StorageError) { try file.syncData() } catch {
            fail(error)
            throw error.with(code: .failed)
        }
    }

    private func fail(_ error: StorageError) { state.withLock { $0.failure = error.with(code: .failed) } }

    func tidy(force: Bool) throws(StorageError) {
        let (isDead, isFar) = state.withLock { state -> (Bool, Bool) in
            guard state.failure == nil, !state.isClosed else { return (false, false) }
            let live = UInt64(state.directory.liveBytes)
            // What cannot be read is not thrown away behind anybody's back.
            let isDead = state.directory.quarantine.isEmpty && (force || state.end >= 2 * live + FileStorage.deadMinimum)
            let behind = state.end - state.footerEnd
            return (isDead, behind >= FileStorage.footerInterval && behind >= live)
        }
        if isDead { return try compact() }
        if isFar { try writeFooter() }
    }

    /// Appends the directory, and points to it when it is on disk.
    private func writeFooter() throws(StorageError) {
        let (file, salt, offset, bytes, slot) = try state.withLock { state throws(StorageError) in
            try state.verifyOpen()
            let bytes = FileFormat.record(
                kind: FileFormat.Kind.footer, fields: state.directory.footer(), body: [], synced: state.synced, salt: state.salt,
                offset: state.end)
            return (state.file, state.salt, state.end, bytes, FileFormat.Slot(counter: state.slotCounter + 1, offset: state.end))
        }
        try append(bytes, to: file, at: offset)
        // A slot that never arrives or is torn is one the next start does not use.
        do throws(StorageError) { try file.write(slot.bytes(salt: salt), at: slot.position) } catch { fail(error) }
        state.withLock { state in
            state.end = offset + UInt64(bytes.count)
            state.synced = state.end
            state.footerEnd = state.end
            state.slotCounter = slot.counter
        }
    }

    func close() throws(StorageError) {
        let isSound = state.withLock { !$0.isClosed && $0.failure == nil }
        var failure: StorageError?
        if isSound {
            do throws(StorageError) {
                let isFar = state.withLock { $0.end - $0.footerEnd >= FileStorage.closingFooterInterval && $0.directory.settings != nil }
                if isFar { try writeFooter() }
                try state.withLock({ $0.file }).syncData()
            } catch { failure = error }
        }
        let wasClosed = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed
        }
        if wasClosed { return }
        try? state.withLock { $0.file }.close()
        try? lockFile.close()
        if let failure { throw failure }
    }

    // MARK: - Compaction

    /// Copies what is live into a new file and takes that in place of this one.
    ///
    /// Chunks are copied as they are, whole or damaged: their own checksums tell which.
    private func compact() throws(StorageError) {
        let old = try state.withLock { state throws(StorageError) in
            try state.verifyOpen()
            return (file: state.file, directory: state.directory)
        }
        guard let settings = old.directory.settings else { return }
        let temporary = path + ".new"
        let salt = randomIdentifier()
        let file = try files.open(temporary, .create)
        var fresh: State
        do throws(StorageError) {
            try file.write(FileFormat.header(salt: salt), at: 0)
            fresh = State(
                file: file, salt: salt, directory: FileDirectory(), writersStored: 0, end: UInt64(FileFormat.headerLength), synced: 0,
                footerEnd: 0, slotCounter: 1)
            fresh.directory.settings = settings
            fresh.directory.writers = old.directory.writers
            for name in old.directory.sortedNames {
                guard let document = old.directory.documents[name] else { continue }
                try FileStorage.copy(document, from: old.file, to: &fresh, settings: settings)
            }
            let footer = FileFormat.record(
                kind: FileFormat.Kind.footer, fields: fresh.directory.footer(), body: [], synced: 0, salt: salt, offset: fresh.end)
            try file.write(footer, at: fresh.end)
            let slot = FileFormat.Slot(counter: 1, offset: fresh.end)
            try file.write(slot.bytes(salt: salt), at: slot.position)
            try file.syncAll()
            fresh.end += UInt64(footer.count)
            fresh.synced = fresh.end
            fresh.footerEnd = fresh.end
            fresh.writersStored = fresh.directory.writers.origins.count
            try files.rename(temporary, to: path)
        } catch {
            // The old file is as it was.
            try? file.close()
            try? files.remove(temporary)
            throw error.code == .full ? error : error.with(code: .unavailable)
        }
        do throws(StorageError) { try files.syncDirectory(FileStorage.directory(of: path)) } catch {
            // Which of the two a crash would leave is not known, so nothing is added to either.
            fail(error)
            throw error.with(code: .failed)
        }
        // Readers that hold the old file go on reading it.
        state.withLock { $0 = fresh }
    }

    private static func copy(
        _ document: FileDirectory.Document, from file: Files.File, to fresh: inout State, settings: StoreSettings
    ) throws(StorageError) {
        var rest = document.chunks[...]
        repeat {
            var commit = StorageCommit(row: document.row)
            if let chunk = rest.popFirst() {
                commit.chunk = StorageCommit.Chunk(number: chunk.number, bytes: try file.read(at: chunk.offset, count: chunk.length))
            }
            if rest.isEmpty, let snapshot = document.snapshot {
                commit.snapshot = try file.read(at: snapshot.offset, count: snapshot.length)
            }
            let encoded = encode(StorageGroup(settings: settings, commits: [commit]), &fresh)
            try fresh.file.write(encoded.bytes, at: fresh.end)
            for (record, body) in encoded.records { fresh.directory.apply(record, bodyAt: body) }
            fresh.writersStored = encoded.writers
            fresh.end += UInt64(encoded.bytes.count)
        } while !rest.isEmpty
    }

    // MARK: - Reading

    func row(_ name: String) throws(StorageError) -> DocumentRow? {
        try state.withLock { state throws(StorageError) in
            try state.verifyReadable()
            return state.directory.documents[name]?.row
        }
    }

    func rows(prefix: String, after name: String?, limit: Int) throws(StorageError) -> [DocumentRow] {
        let documents = try state.withLock { state throws(StorageError) in
            try state.verifyReadable()
            return state.directory.documents
        }
        let names = documents.names.filter { key in
            key.utf8.starts(with: prefix.utf8) && name.map { $0.utf8.lexicographicallyPrecedes(key.utf8) } ?? true
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.prefix(limit).compactMap { documents[$0]?.row }
    }

    func snapshot(_ row: DocumentRow) throws(StorageError) -> [UInt8] {
        let (file, extent) = try find(row) { $0.snapshot }
        guard let extent else { return [] }
        return try file.read(at: extent.offset, count: extent.length)
    }

    func chunks(_ row: DocumentRow, _ range: Range<UInt64>) throws(StorageError) -> [StorageCommit.Chunk] {
        let (file, extents) = try find(row) { document in document.chunks.filter { range.contains($0.number) } }
        return try extents.map { extent throws(StorageError) in
            StorageCommit.Chunk(number: extent.number, bytes: try file.read(at: extent.offset, count: extent.length))
        }
    }

    /// Where a document's snapshot and chunks stand; for tests that damage them.
    func places(_ name: String) -> (snapshot: UInt64?, chunks: [UInt64]) {
        state.withLock { state in
            let document = state.directory.documents[name]
            return (document?.snapshot?.offset, document?.chunks.map(\.offset) ?? [])
        }
    }

    /// The file and what it holds of a document, of one moment.
    private func find<Value: Sendable>(
        _ row: DocumentRow, _ body: (FileDirectory.Document) -> Value
    ) throws(StorageError) -> (Files.File, Value) {
        try state.withLock { state throws(StorageError) in
            try state.verifyReadable()
            guard let document = state.directory.documents[row.name], document.row.number == row.number else {
                throw StorageError(.notFound, "document \(row.name) is gone", path: self.path)
            }
            return (state.file, body(document))
        }
    }

    /// A file keeps of each document the last entry: an earlier one says nothing that it does not.
    func feed(of origin: OriginID, after sequence: UInt64, limit: Int) throws(StorageError) -> [FeedEntry] {
        let documents = try state.withLock { state throws(StorageError) in
            try state.verifyReadable()
            return state.directory.documents
        }
        let rows = documents.values.map(\.row).filter { $0.dot.origin == origin && $0.dot.sequence > sequence }
        return rows.sorted { $0.dot.sequence < $1.dot.sequence }.prefix(limit).map { row in
            FeedEntry(
                dot: row.dot, document: row.name,
                stretches: row.isDeleted ? [] : FeedEntry.stretches(from: CausalContext(), to: row.version),
                isDeletion: row.isDeleted, stamp: row.stamp)
        }
    }
}

extension FileStorage.State {
    fileprivate func verifyOpen() throws(StorageError) {
        if let failure { throw failure }
        try verifyReadable()
    }

    fileprivate func verifyReadable() throws(StorageError) {
        guard !isClosed else { throw StorageError(.closed, "the store is closed") }
    }
}
