internal import Synchronization

/// The log over any file layer: one directory of pack files.
///
/// Order of events that makes it crash-safe:
/// 1. A pack is written under a temporary name, preallocated, its header synced, renamed, and its name synced before its first record.
///    A file named `.pack` therefore always has a sound header.
/// 2. One appender at a time writes records behind one another, so there is no hole below a synced offset.
/// 3. Before a new pack is begun, the old one is cut at its last record and synced. Only the last pack can have a torn tail.
/// 4. After a crash the tail is cut off and synced before anything else, and the next append begins a new pack: bytes that a torn
///    write left behind are never again in front of a reader.
///
/// A sync that fails ends the log for writing: after it the operating system may have dropped the dirty pages and call them clean, so
/// a second sync that succeeds would prove nothing.
///
/// The same code is the memory engine (over ``MemoryFileLayer``) and the embedded engine (over a POSIX file layer).
public final class PackLog<Files: FileLayer>: PackEngine {
    let files: Files
    /// The directory of the pack files.
    public let directory: String
    let configuration: PackLogConfiguration
    let verified: VerifiedRecords
    let handles: Mutex<HandleCache<PackFile<Files.File>>>
    /// Held through appends and through rotation: the order of the log.
    let state: Mutex<PackLogState<Files.File>>
    /// Held through a sync, so that those who wait for it find their data covered. Taken before ``state``, never after.
    private let syncing = Mutex(())

    /// Opens the log in `directory`, which is made if it is missing, and mends the tail that a crash left.
    ///
    /// - Parameter applied: a position up to which the log is known to be sound and synced, such as the one an index holds; the search for
    ///   the end starts there. Damage before it, or a log that ends before it, is `corrupt`.
    /// - Throws: `corrupt` naming pack and offset; `newerFormat`; what the file layer throws.
    /// - Complexity: one header read per pack, and reading the last pack from `applied` on.
    public convenience init(
        files: Files, directory: String, applied: LogPosition = .start, configuration: PackLogConfiguration = PackLogConfiguration()
    ) throws(StorageError) {
        try files.createDirectory(directory)
        let recovery = PackLogRecovery(files: files, directory: directory)
        self.init(
            files: files, directory: directory, configuration: configuration, packs: try recovery.run(applied: applied))
    }

    private init(files: Files, directory: String, configuration: PackLogConfiguration, packs: [PackSummary]) {
        self.files = files
        self.directory = directory
        self.configuration = configuration
        verified = VerifiedRecords(capacity: configuration.verifiedRecordsMaximum)
        handles = Mutex(HandleCache(capacity: configuration.openPacksMaximum))
        state = Mutex(PackLogState(packs: packs))
    }

    // MARK: Writing

    public func append(_ records: [LogRecord]) throws(StorageError) -> [RecordLocation] {
        guard !records.isEmpty else { return [] }
        // Checksums of the bodies are the long part and need no order.
        let frames = records.map(PackLog.frame)
        let length = frames.reduce(0) { $0 + $1.recordLength }
        return try withState { state throws(StorageError) in
            try state.verifyWritable()
            let pack = try self.activePack(&state, fitting: length)
            do throws(StorageError) {
                return try pack.append(records, frames)
            } catch {
                // The pack ends where it ended before; whatever part was written is cut off.
                try self.seal(&state)
                throw error.code == .full ? error : error.with(code: .unavailable)
            }
        }
    }

    public func sync() throws(StorageError) {
        let target = end
        try syncing.withLock { _ throws(StorageError) in try syncIfNeeded(target) }
    }

    public var end: LogPosition { state.withLock { $0.end } }

    public func seal() throws(StorageError) {
        try withState { state throws(StorageError) in
            try state.verifyWritable()
            try self.seal(&state)
        }
    }

    public func remove(pack number: UInt64) throws(StorageError) {
        try withState { state throws(StorageError) in
            try state.verifyWritable()
            guard let index = state.packs.firstIndex(where: { $0.number == number }) else {
                throw StorageError(.notFound, "no pack \(number)", path: self.path(of: number))
            }
            guard state.active?.number != number else {
                throw StorageError(.unavailable, "pack \(number) is being written", path: self.path(of: number))
            }
            // Numbers are never used again: the largest one stays on disk, so its successor is begun first.
            if index == state.packs.count - 1 { _ = try self.activePack(&state, fitting: 0) }
            try self.files.remove(self.path(of: number))
            state.packs.remove(at: index)
            try state.failing { () throws(StorageError) in try self.files.syncDirectory(self.directory) }
        }
        handles.withLock { $0.remove(number) }
    }

    public func close() throws(StorageError) {
        try withState { state throws(StorageError) in
            guard state.status != .closed else { return }
            defer {
                state.status = .closed
                state.active = nil
            }
            if state.status == .open { try self.seal(&state) }
        }
        handles.withLock { $0.removeAll() }
    }

    // MARK: Reading

    public func read(_ location: RecordLocation) throws(StorageError) -> LogRecord {
        try handle(location.position.pack).readRecord(location)
    }

    public func open(pack: UInt64) throws(StorageError) -> any PackHandle { try handle(pack) }

    public func packs() throws(StorageError) -> [PackSummary] {
        try withState { state throws(StorageError) in
            try state.verifyOpen()
            return state.summaries
        }
    }

    public func replay(
        from position: LogPosition, _ body: (RecordLocation, LogRecord) throws(StorageError) -> Bool
    ) throws(StorageError) {
        for pack in try packs() where pack.number >= position.pack {
            let start = pack.number == position.pack ? position.offset : 0
            guard start < pack.length else { continue }
            let file = try files.open(path(of: pack.number), .read)
            let header = try PackFile.readHeader(of: file, number: pack.number)
            var reader = PackReader(file: file, header: header, from: start, limit: pack.length)
            while reader.offset < pack.length {
                guard case .record(let location, _, let record) = try reader.next() else {
                    throw StorageError(
                        .corrupt, "pack \(pack.number) is damaged at offset \(reader.offset)", path: path(of: pack.number))
                }
                guard try body(location, record) else { return }
            }
        }
    }

    /// The open pack, from the cache or opened now, which costs an open and a read of its header.
    func handle(_ number: UInt64) throws(StorageError) -> PackFile<Files.File> {
        if let handle = handles.withLock({ $0.handle(for: number) }) { return handle }
        try withState { state throws(StorageError) in try state.verifyOpen() }
        let opened = try PackFile(files.open(path(of: number), .read), number: number, verified: verified)
        let handle = handles.withLock { $0.insert(opened, for: number) }
        // A pack removed between the two would stay in the cache, and its room on the disk.
        let isListed = state.withLock { state in state.packs.contains { $0.number == number } }
        if !isListed { handles.withLock { $0.remove(number) } }
        return handle
    }

    // MARK: Packs

    private static func frame(_ record: LogRecord) -> RecordHeader {
        precondition(
            record.fields.count <= LogRecord.fieldsMaximum && record.body.count <= LogRecord.bodyMaximum,
            "record of \(record.fields.count) bytes of fields and \(record.body.count) of body is over the limit")
        return RecordHeader(
            kind: record.kind.rawValue, fieldsLength: UInt32(record.fields.count), bodyLength: UInt32(record.body.count),
            bodyChecksum: crc32c(record.body), syncedOffset: 0)
    }

    private func path(of number: UInt64) -> String { PackName.path(of: number, in: directory) }

    /// The pack to append `length` bytes to; a new one when the current one has no room for them.
    private func activePack(
        _ state: inout PackLogState<Files.File>, fitting length: UInt64
    ) throws(StorageError) -> ActivePack<Files.File> {
        if let active = state.active {
            if length <= active.capacity - active.end { return active }
            try seal(&state)
        }
        let pack = try create(&state, fitting: length)
        state.active = pack
        state.packs.append(PackSummary(number: pack.number, length: pack.end, isSealed: false))
        return pack
    }

    /// Cuts the active pack at its last record and makes it durable.
    private func seal(_ state: inout PackLogState<Files.File>) throws(StorageError) {
        guard let active = state.active else { return }
        try state.failing { () throws(StorageError) in
            try active.file.truncate(to: active.end)
            try active.file.syncAll()
        }
        active.synced = active.end
        state.packs[state.packs.count - 1] = PackSummary(number: active.number, length: active.end, isSealed: true)
        state.active = nil
        // Everything is on disk, so a complaint of close has no bearing on the log.
        try? active.file.close()
    }

    private func create(
        _ state: inout PackLogState<Files.File>, fitting length: UInt64
    ) throws(StorageError) -> ActivePack<Files.File> {
        let number = (state.packs.last?.number ?? 0) + 1
        let temporary = PackName.temporaryPath(of: number, in: directory)
        let needed = UInt64(PackHeader.length) + length
        let header = PackHeader(number: number, salt: configuration.salt(), previous: state.end)
        let file = try files.open(temporary, .create)
        do throws(StorageError) {
            let capacity = try preallocate(file, needed: needed)
            try file.write(header.encoded(), at: 0)
            try state.failing { () throws(StorageError) in try file.syncData() }
            try files.rename(temporary, to: path(of: number))
            try state.failing { () throws(StorageError) in try self.files.syncDirectory(self.directory) }
            return ActivePack(number: number, salt: header.salt, file: file, capacity: capacity)
        } catch {
            try? file.close()
            try? files.remove(temporary)
            throw error
        }
    }

    /// A nearly full disk may still have room for a smaller pack.
    private func preallocate(_ file: Files.File, needed: UInt64) throws(StorageError) -> UInt64 {
        let capacity = max(needed, configuration.packCapacity)
        do throws(StorageError) {
            try file.preallocate(capacity)
            return capacity
        } catch  where error.code == .full {
            try file.truncate(to: 0)
            let smaller = max(needed, configuration.packCapacity / PackLogConfiguration.smallPackDivisor)
            try file.preallocate(smaller)
            return smaller
        }
    }

    // MARK: Sync

    private func syncIfNeeded(_ target: LogPosition) throws(StorageError) {
        let pending = try withState { state throws(StorageError) -> PendingSync<Files.File>? in
            try state.verifyWritable()
            guard let active = state.active, state.synced < target else { return nil }
            return PendingSync(pack: active, file: active.file, offset: active.end)
        }
        guard let pending else { return }
        let outcome = Result { () throws(StorageError) in try pending.file.syncData() }
        try withState { state throws(StorageError) in
            try state.failing { () throws(StorageError) in try outcome.get() }
            // The error of a write-back is told to one caller only: a rotation that ran meanwhile may have got ours.
            try state.verifyWritable()
            pending.pack.synced = max(pending.pack.synced, pending.offset)
        }
    }

    private func withState<Value: Sendable>(
        _ body: (inout PackLogState<Files.File>) throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        try state.withLock { state throws(StorageError) in try body(&state) }
    }
}
