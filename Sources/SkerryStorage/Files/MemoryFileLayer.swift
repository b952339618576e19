internal import Synchronization

/// A file system in memory that forgets what was not synced when it is told to crash, and fails when it is told to fail.
///
/// Fault model:
/// - A file's bytes and length are as of its last sync, plus any subset of later writes and truncations; a lost or kept write may be
///   torn at sectors of 512 bytes (``CrashResidue/drawn(seed:)``) or at any byte (``CrashResidue/prefix(operations:bytes:)``).
/// - A directory's names are as of its last sync, plus any subset of later changes. Syncing a file does not make its name durable.
/// - A failed sync makes nothing durable, and a repeated one that succeeds does not cover what the failed one lost: those writes are
///   dropped by the next crash whatever its residue (the behaviour of Linux after a write-back error; Rebello et al., "Can Applications
///   Recover from fsync Failures?", USENIX ATC 2020).
/// - Directories themselves never vanish.
///
/// Memory: the bytes that were written (preallocated room costs nothing), plus those overwritten or cut off since the last sync.
public final class MemoryFileLayer: FileLayer {
    private let state: Mutex<MemoryFileState>

    /// - Parameter capacity: bytes of all files together, with their preallocated room; more is `full`. nil: no limit.
    public init(capacity: UInt64? = nil) {
        state = Mutex(MemoryFileState(capacity: capacity))
    }

    public func open(_ path: String, _ mode: FileOpenMode) throws(StorageError) -> MemoryFile {
        let inode = try withState { state throws(StorageError) in try state.open(path, mode) }
        return MemoryFile(path: path, inode: inode, layer: self, canWrite: mode != .read)
    }

    public func rename(_ source: String, to target: String) throws(StorageError) {
        try withState { state throws(StorageError) in try state.rename(source, to: target) }
    }

    public func remove(_ path: String) throws(StorageError) {
        try withState { state throws(StorageError) in try state.remove(path) }
    }

    public func list(_ directory: String) throws(StorageError) -> [String] {
        try withState { state throws(StorageError) in try state.list(directory) }
    }

    public func createDirectory(_ path: String) throws(StorageError) {
        try withState { state throws(StorageError) in try state.createDirectory(path) }
    }

    public func syncDirectory(_ path: String) throws(StorageError) {
        try withState { state throws(StorageError) in try state.syncDirectory(path) }
    }

    // MARK: What tests do to it

    /// Loses power: open files become useless, and of what was not synced only `residue` stays. Faults are lifted.
    public func crash(keeping residue: CrashResidue) {
        state.withLock { $0.crash(keeping: residue) }
    }

    /// A second file system in the state of this one, open files aside; it can be crashed on its own.
    public func copy() -> MemoryFileLayer {
        let copy = MemoryFileLayer()
        let snapshot = state.withLock { $0 }
        copy.state.withLock { $0 = snapshot }
        return copy
    }

    /// Arms `fault`; several may be armed at once.
    public func inject(_ fault: FileFault) {
        state.withLock { $0.faults.append(fault) }
    }

    /// Lifts all faults.
    public func heal() {
        state.withLock { $0.faults.removeAll() }
    }

    public func setCapacity(_ capacity: UInt64?) {
        state.withLock { $0.capacity = capacity }
    }

    /// How often the operation was called, failures included.
    public func count(of operation: FileFault.Operation) -> Int {
        state.withLock { $0.counts[operation, default: 0] }
    }

    /// All operations called so far.
    public var operationCount: Int {
        state.withLock { $0.counts.values.reduce(0, +) }
    }

    /// Operations that a crash may still undo.
    public var unsyncedCount: Int {
        state.withLock { $0.journal.count }
    }

    /// Bytes of the `index`th unsynced operation, when it is a write.
    public func unsyncedBytes(at index: Int) -> Int {
        state.withLock { $0.journal[index].byteCount }
    }

    /// Files open now.
    public var openCount: Int {
        state.withLock { $0.openCount }
    }

    /// Changes bytes on the medium itself, synced or not: rot.
    public func corrupt(_ path: String, at offset: UInt64, _ change: (inout UInt8) -> Void) throws(StorageError) {
        try withState { state throws(StorageError) in try state.corrupt(path, at: offset, change) }
    }

    func withState<Value: Sendable>(
        _ body: (inout MemoryFileState) throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        try state.withLock { state throws(StorageError) in try body(&state) }
    }
}

/// A file of a ``MemoryFileLayer``.
public final class MemoryFile: OpenFile {
    public let path: String
    public var fileDescriptor: CInt? { nil }

    private let inode: Int
    private let generation: Int
    private let layer: MemoryFileLayer
    private let canWrite: Bool
    private let isClosed = Atomic(false)
    /// Names this open file to the lock table.
    private let identity: Int

    init(path: String, inode: MemoryFileState.Opened, layer: MemoryFileLayer, canWrite: Bool) {
        self.path = path
        self.inode = inode.inode
        generation = inode.generation
        identity = inode.identity
        self.layer = layer
        self.canWrite = canWrite
    }

    deinit {
        guard !isClosed.load(ordering: .relaxed) else { return }
        try? layer.withState { state throws(StorageError) in state.forget(inode, generation: generation, identity: identity) }
    }

    public func preallocate(_ length: UInt64) throws(StorageError) {
        try change(.preallocate) { state throws(StorageError) in try state.preallocate(inode, length) }
    }

    public func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts { bytes.append(contentsOf: part) }
        try layer.withState { state throws(StorageError) in
            try verifyOpen(state)
            try verifyWritable()
            try state.write(inode, path, bytes, at: offset)
        }
    }

    public func read(at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        try use(.read) { state throws(StorageError) in state.read(inode, at: offset, into: destination) }
    }

    public func syncData() throws(StorageError) { try sync(.syncData) }

    public func syncAll() throws(StorageError) { try sync(.syncAll) }

    public func truncate(to length: UInt64) throws(StorageError) {
        try change(.truncate) { state throws(StorageError) in try state.truncate(inode, to: length) }
    }

    public func size() throws(StorageError) -> UInt64 {
        try use(.size) { state throws(StorageError) in state.size(inode) }
    }

    public func lock() throws(StorageError) -> Bool {
        try use(.lock) { state throws(StorageError) in state.lock(inode, by: identity) }
    }

    public func close() throws(StorageError) {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        try layer.withState { state throws(StorageError) in
            state.forget(inode, generation: generation, identity: identity)
            guard generation == state.generation else { return }
            try state.begin(.close, path)
        }
    }

    // MARK: -

    private func sync(_ operation: FileFault.Operation) throws(StorageError) {
        try layer.withState { state throws(StorageError) in
            try verifyOpen(state)
            try state.sync(operation, inode, path)
        }
    }

    private func use<Value: Sendable>(
        _ operation: FileFault.Operation, _ body: (inout MemoryFileState) throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        try layer.withState { state throws(StorageError) in
            try verifyOpen(state)
            try state.begin(operation, path)
            return try body(&state)
        }
    }

    private func change(
        _ operation: FileFault.Operation, _ body: (inout MemoryFileState) throws(StorageError) -> Void
    ) throws(StorageError) {
        try verifyWritable()
        try use(operation, body)
    }

    private func verifyWritable() throws(StorageError) {
        guard canWrite else { throw StorageError(.permissionDenied, "file is open for reading only", path: path) }
    }

    private func verifyOpen(_ state: borrowing MemoryFileState) throws(StorageError) {
        guard !isClosed.load(ordering: .relaxed) else { throw StorageError(.closed, "file is closed", path: path) }
        guard generation == state.generation else { throw StorageError(.failed, "file was open before the crash", path: path) }
    }
}
