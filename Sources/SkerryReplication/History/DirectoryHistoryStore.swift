public import SkerryMerge
public import SkerryStorage
internal import Synchronization

/// A history in a directory: packs of records, and a file of names that is replaced as a whole (docs/formats/history.md, "Directory").
///
/// ```swift
/// let store = try DirectoryHistoryStore(directory: ".skerry-history", files: PosixFileLayer(), creates: true)
/// var history = try History(store: store)
/// ```
///
/// Several processes may open one directory. Whoever writes holds its lock for as long as that takes; readers take none and see what the
/// directory held when names were last read, and what they wrote themselves. A name moves only from where its change says it stands.
///
/// A crash at any point leaves a valid history: records are synced before names lead to them, files get their names when they are whole, and
/// what a crash leaves without a name is removed by the next writer or collected.
///
/// Copies are the same store. Calls block.
///
/// - Memory: about 100 bytes an object; at most some 100 open files.
/// - Complexity: a record is one read of its size. A commit costs two syncs of files and two of directories, whatever its size.
public struct DirectoryHistoryStore<Files: FileLayer>: HistoryStore {
    private let directory: HistoryDirectory<Files>

    /// - Parameters:
    ///   - creates: makes an empty history where there is none.
    ///   - whenBusy: asked after each failed try to get the lock, with the number of tries; waits, or returns false to give up. Gives up at once by
    ///     default.
    /// - Throws: ``HistoryError`` with `notFound` when there is no history, `incompatible` for one of a later version, `corrupt` for a damaged
    ///   one, `busy` when somebody else is making it right now.
    public init(
        directory path: String, files: Files, creates: Bool = false, whenBusy: @escaping @Sendable (_ tries: Int) -> Bool = { _ in false }
    ) throws(HistoryError) {
        directory = try storing { () throws(StorageError) in HistoryDirectory(path: path, files: files, whenBusy: whenBusy) }
        try directory.open(creates: creates)
    }

    public func record(_ id: ObjectID) throws(HistoryError) -> [UInt8]? { try directory.record(id) }

    public mutating func insert(_ records: [(id: ObjectID, record: [UInt8])]) throws(HistoryError) {
        try directory.insert(records, replaces: false)
    }

    public mutating func replace(_ records: [(id: ObjectID, record: [UInt8])]) throws(HistoryError) {
        try directory.insert(records, replaces: true)
    }

    public func names() throws(HistoryError) -> [HistoryName: ObjectID] { try directory.refresh().names }

    public func boundary() throws(HistoryError) -> Set<ObjectID> { directory.boundary }

    public mutating func update(names changes: [NameChange], boundary: Set<ObjectID>?) throws(HistoryError) {
        try directory.update(changes, boundary)
    }

    public func forEachID(_ body: (ObjectID) throws(HistoryError) -> Void) throws(HistoryError) {
        for id in directory.ids { try body(id) }
    }

    public mutating func remove(_ ids: [ObjectID]) throws(HistoryError) { try directory.remove(Set(ids)) }
}

/// The directory as this process knows it.
final class HistoryDirectory<Files: FileLayer>: Sendable {
    private let path: String
    private let packPath: String
    private let files: Files
    private let whenBusy: @Sendable (Int) -> Bool
    private let state: Mutex<State>

    private static var formatName: String { "format" }
    private static var formatText: String { "skerry history 1\n" }
    private static var lockName: String { "lock" }
    private static var draftName: String { "draft" }
    /// Packs of one size class that are merged into one: 16. A history has at most so many times the number of classes.
    static var fanout: Int { 16 }
    /// Largest pack of the smallest class: 64 KiB. Each next class holds 16 times as much; beyond 1 GiB nothing is merged.
    private static var classSize: UInt64 { 64 << 10 }
    private static var mergedMaximum: UInt64 { 1 << 30 }
    /// Bytes gathered before they are written: 1 MiB.
    private static var bufferSize: Int { 1 << 20 }

    private struct Location {
        var pack: UInt64
        var offset: UInt64
        var size: Int
    }

    private struct State {
        var packs: [UInt64: HistoryPack<Files.File>] = [:]
        var index: [ObjectID: Location] = [:]
        var names = HistoryNamesFile()
        /// Packs got names that are not synced.
        var isDirectoryDirty = false
        /// A sync failed: nobody knows what the disk holds.
        var failure: HistoryError?
    }

    init(path: String, files: Files, whenBusy: @escaping @Sendable (Int) -> Bool) {
        self.path = path
        packPath = path + "/packs"
        self.files = files
        self.whenBusy = whenBusy
        state = Mutex(State())
    }

    func open(creates: Bool) throws(HistoryError) {
        let format = try storing { () throws(StorageError) in
            do throws(StorageError) { return try files.contents(of: "\(path)/\(Self.formatName)", maximum: 4096) } catch {
                // Neither is the directory there.
                if error.code == .notFound { return nil }
                throw error
            }
        }
        if let format {
            let text = String(decoding: format, as: UTF8.self)
            guard text == Self.formatText else {
                throw HistoryError(
                    .incompatible, "\(path) is of the format \"\(text.prefix { $0 != "\n" })\", which this release does not know")
            }
        } else {
            guard creates else { throw HistoryError(.notFound, "there is no history in \(path)") }
            try create()
        }
        _ = try refresh()
    }

    /// The file that says what this is comes last: without it there is no history yet, and making one begins anew.
    private func create() throws(HistoryError) {
        try storing { () throws(StorageError) in try files.createDirectory(packPath) }
        try locked { _ throws(StorageError) in
            if try files.contents(of: "\(path)/\(Self.formatName)", maximum: 4096) != nil { return }
            try files.syncDirectory(path)
            try files.replace(HistoryNamesFile.fileName, in: path, with: HistoryNamesFile().encoded)
            try files.replace(Self.formatName, in: path, with: Array(Self.formatText.utf8))
        }
    }
}

// MARK: - Reading

extension HistoryDirectory {
    func record(_ id: ObjectID) throws(HistoryError) -> [UInt8]? {
        let found = state.withLock { state -> (Files.File, Location)? in
            guard let location = state.index[id], let pack = state.packs[location.pack] else { return nil }
            return (pack.file, location)
        }
        guard let (file, location) = found else { return nil }
        let bytes = try storing { () throws(StorageError) in try file.read(at: location.offset, count: location.size) }
        guard bytes.count == location.size else { throw HistoryError(.corrupt, "\(file.path) was cut", object: id) }
        return bytes
    }

    /// As it stood when names were last read: a later one would not fit them.
    var boundary: Set<ObjectID> { state.withLock { $0.names.boundary } }

    var ids: [ObjectID] { state.withLock { Array($0.index.keys) } }

    /// Reads names, then the packs that are new: whatever a name leads to is in one of them.
    func refresh() throws(HistoryError) -> HistoryNamesFile {
        let names = try readNames()
        try state.withLock { state throws(HistoryError) in
            // A collection may free the numbers of packs that another writer takes anew.
            if names.collections != state.names.collections {
                state.packs = [:]
                state.index = [:]
            }
            do throws(StorageError) { try load(&state) } catch { throw HistoryError(error) }
            state.names = names
        }
        return names
    }

    private func readNames() throws(HistoryError) -> HistoryNamesFile {
        let name = "\(path)/\(HistoryNamesFile.fileName)"
        let bytes = try storing { () throws(StorageError) in try files.contents(of: name, maximum: HistoryNamesFile.sizeMaximum) }
        guard let bytes else { throw HistoryError(.corrupt, "\(name) is missing") }
        return try HistoryNamesFile(encoded: bytes)
    }

    /// Opens packs that are new and forgets those that are gone. Where two have the same object, the later one is taken.
    private func load(_ state: inout State) throws(StorageError) {
        // Packs are merged and removed by others meanwhile: what a new pack took over is in it, so a second look finds everything.
        for isLast in [false, false, true] {
            let numbers = Set(try files.list(packPath).compactMap(HistoryPackFormat.number))
            guard numbers != Set(state.packs.keys) else { return }
            do throws(StorageError) {
                var packs = state.packs.filter { numbers.contains($0.key) }
                for number in numbers where packs[number] == nil {
                    packs[number] = try HistoryPackFormat.open(
                        files.open("\(packPath)/\(HistoryPackFormat.name(number))", .read), number: number)
                }
                state.packs = packs
                return reindex(&state)
            } catch {
                guard error.code == .notFound, !isLast else { throw error }
            }
        }
    }

    private func reindex(_ state: inout State) {
        state.index.removeAll(keepingCapacity: true)
        for (number, pack) in state.packs.sorted(by: { $0.key < $1.key }) {
            for entry in pack.entries { state.index[entry.id] = Location(pack: number, offset: entry.offset, size: entry.size) }
        }
    }
}

// MARK: - Writing

extension HistoryDirectory {
    func insert(_ records: [(id: ObjectID, record: [UInt8])], replaces: Bool) throws(HistoryError) {
        var seen: Set<ObjectID> = []
        let known = state.withLock { state in Set(records.map(\.id).filter { state.index[$0] != nil }) }
        let new = records.filter { (replaces || !known.contains($0.id)) && seen.insert($0.id).inserted }
        guard !new.isEmpty else { return }
        var refusal: HistoryError?
        try locked { state throws(StorageError) in
            do throws(HistoryError) { refusal = conflict([], try readNames(), state.names) } catch { refusal = error }
            guard refusal == nil else { return }
            // Packs that others merged since are gone, and must not be merged again.
            try load(&state)
            let sizes = new.map { (id: $0.id, size: $0.record.count) }
            try writePack(sizes, &state) { index, _ throws(StorageError) in new[index].record }
            if replaces { try syncPacks(&state) }
            try mergePacks(&state)
        }
        if let refusal { throw refusal }
    }

    func update(_ changes: [NameChange], _ boundary: Set<ObjectID>?) throws(HistoryError) {
        var refusal: HistoryError?
        try locked { state throws(StorageError) in
            var file: HistoryNamesFile
            do throws(HistoryError) { file = try readNames() } catch {
                refusal = error
                return
            }
            refusal = conflict(changes, file, state.names)
            guard refusal == nil else { return }
            for change in changes { file.names[change.name] = change.to }
            if let boundary { file.boundary = boundary }
            guard file != state.names || !changes.isEmpty else { return }
            file.version += 1
            try syncPacks(&state)
            try files.replace(HistoryNamesFile.fileName, in: path, with: file.encoded)
            state.names = file
        }
        if let refusal { throw refusal }
    }

    private func conflict(_ changes: [NameChange], _ file: HistoryNamesFile, _ known: HistoryNamesFile) -> HistoryError? {
        guard file.collections == known.collections else {
            return HistoryError(.changedMeanwhile, "objects were collected meanwhile; open the history again")
        }
        for change in changes where file.names[change.name] != change.from {
            return HistoryError(.changedMeanwhile, "\(change.name) moved", object: file.names[change.name])
        }
        return nil
    }

    /// Removes records by writing what stays of their packs anew.
    func remove(_ ids: Set<ObjectID>) throws(HistoryError) {
        guard !ids.isEmpty else { return }
        var refusal: HistoryError?
        try locked { state throws(StorageError) in
            do throws(HistoryError) {
                var file = try readNames()
                guard file == state.names else {
                    refusal = HistoryError(.changedMeanwhile, "names moved meanwhile; open the history again")
                    return
                }
                // Before anything goes: whoever relied on what goes must find out before it moves a name.
                file.version += 1
                file.collections += 1
                try storing { () throws(StorageError) in
                    try load(&state)
                    try syncPacks(&state)
                    try files.replace(HistoryNamesFile.fileName, in: path, with: file.encoded)
                }
                state.names = file
            } catch {
                refusal = error
                return
            }
            let affected = state.packs.values.filter { $0.entries.contains { ids.contains($0.id) } }.map(\.number)
            try rewrite(affected, &state) { !ids.contains($0) }
        }
        if let refusal { throw refusal }
    }

    /// Many small packs become one, in steps of size, so that each record is written again a few times at most.
    private func mergePacks(_ state: inout State) throws(StorageError) {
        var classes: [Int: [UInt64]] = [:]
        for pack in state.packs.values where pack.size < Self.mergedMaximum {
            classes[Self.sizeClass(pack.size), default: []].append(pack.number)
        }
        for (_, numbers) in classes.sorted(by: { $0.key < $1.key }) where numbers.count >= Self.fanout {
            try rewrite(numbers, &state) { _ in true }
        }
    }

    private static func sizeClass(_ size: UInt64) -> Int {
        var limit = classSize, level = 0
        while size > limit {
            limit *= UInt64(fanout)
            level += 1
        }
        return level
    }

    /// Puts what these packs hold into one new pack, and removes them.
    private func rewrite(_ numbers: [UInt64], _ state: inout State, keeping isKept: (ObjectID) -> Bool) throws(StorageError) {
        var kept: [(id: ObjectID, file: Files.File, offset: UInt64, size: Int)] = []
        for number in numbers.sorted() {
            guard let pack = state.packs[number] else { continue }
            // Of an object that stands in several packs only the record that is read.
            for entry in pack.entries where isKept(entry.id) && state.index[entry.id]?.pack == number {
                kept.append((entry.id, pack.file, entry.offset, entry.size))
            }
        }
        if !kept.isEmpty {
            let records = kept
            try writePack(records.map { ($0.id, $0.size) }, &state) { index, _ throws(StorageError) in
                let bytes = try records[index].file.read(at: records[index].offset, count: records[index].size)
                guard bytes.count == records[index].size else {
                    throw StorageError(.corrupt, "a pack was cut", path: records[index].file.path)
                }
                return bytes
            }
        }
        try syncPacks(&state)
        for number in numbers {
            try files.remove("\(packPath)/\(HistoryPackFormat.name(number))")
            state.packs[number] = nil
        }
        reindex(&state)
        state.isDirectoryDirty = true
    }

    /// Writes and syncs a pack under the next number.
    private func writePack(
        _ records: [(id: ObjectID, size: Int)], _ state: inout State, _ record: (Int, ObjectID) throws(StorageError) -> [UInt8]
    ) throws(StorageError) {
        let existing = try files.list(packPath)
        let number = (existing.compactMap(HistoryPackFormat.number).max() ?? 0) + 1
        let (index, _) = HistoryPackFormat.index(records)
        let draft = "\(packPath)/\(Self.draftName)"
        let file = try files.createAnew(draft)
        do throws(StorageError) {
            try withResource(file, close: { file throws(StorageError) in try file.close() }) { file throws(StorageError) in
                var buffer = index
                var written: UInt64 = 0
                for (position, entry) in records.enumerated() {
                    buffer += try record(position, entry.id)
                    guard buffer.count >= Self.bufferSize else { continue }
                    try file.write(buffer, at: written)
                    written += UInt64(buffer.count)
                    buffer.removeAll(keepingCapacity: buffer.count < 2 * Self.bufferSize)
                }
                try file.write(buffer, at: written)
                try file.syncData()
            }
        } catch {
            // On a full disk it is what others need most.
            try? files.remove(draft)
            throw error
        }
        let name = "\(packPath)/\(HistoryPackFormat.name(number))"
        try files.rename(draft, to: name)
        state.isDirectoryDirty = true
        let pack = try HistoryPackFormat.open(files.open(name, .read), number: number)
        state.packs[number] = pack
        for entry in pack.entries { state.index[entry.id] = Location(pack: number, offset: entry.offset, size: entry.size) }
    }

    private func syncPacks(_ state: inout State) throws(StorageError) {
        guard state.isDirectoryDirty else { return }
        try files.syncDirectory(packPath)
        state.isDirectoryDirty = false
    }

    /// Runs `body` with the directory's lock. After an error that leaves the disk unknown the store writes no more.
    private func locked(_ body: (inout State) throws(StorageError) -> Void) throws(HistoryError) {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        do throws(StorageError) {
            let lock = try files.open("\(path)/\(Self.lockName)", .create)
            try withResource(lock, close: { lock throws(StorageError) in try lock.close() }) { lock throws(StorageError) in
                var tries = 0
                while try !lock.lock() {
                    tries += 1
                    guard whenBusy(tries) else { throw StorageError(.locked, "another process is writing to this history", path: path) }
                }
                try state.withLock { state throws(StorageError) in try body(&state) }
            }
        } catch {
            let failure = HistoryError(error)
            if error.code == .failed { state.withLock { $0.failure = failure } }
            throw failure
        }
    }
}
