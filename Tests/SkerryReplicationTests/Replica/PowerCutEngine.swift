import SkerryStorage
import Synchronization

/// An engine whose power may fail in front of a commit: all commits before it are on the disk then, whether they were synced or not, as a disk may have it.
final class PowerCutEngine: MetadataEngine {
    private struct State {
        /// Commits before the power fails.
        var left: Int?
        var isOff = false
    }

    private let base: MemoryMetadataEngine
    private let state = Mutex(State())

    init(_ base: MemoryMetadataEngine = MemoryMetadataEngine()) { self.base = base }

    /// Lets so many commits happen; nil: all.
    func cut(after commits: Int?) { state.withLock { $0.left = commits } }

    var isOff: Bool { state.withLock { $0.isOff } }

    /// What a crash leaves.
    func crash() -> PowerCutEngine { PowerCutEngine(base.crash()) }

    func apply(_ batch: MetadataBatch) throws(StorageError) {
        let fails = state.withLock { state in
            guard !state.isOff, let left = state.left else { return state.isOff }
            state.left = left - 1
            state.isOff = left == 0
            return state.isOff
        }
        guard fails else { return try base.apply(batch) }
        try base.flush()
        throw StorageError(.failed, "power is gone")
    }

    func flush() throws(StorageError) {
        if isOff { throw StorageError(.failed, "power is gone") }
        try base.flush()
    }

    func get(_ family: MetadataFamily, _ key: [UInt8]) throws(StorageError) -> [UInt8]? { try base.get(family, key) }

    func scan(
        _ family: MetadataFamily, _ range: KeyRange, reversed: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) {
        try base.scan(family, range, reversed: reversed, body)
    }

    func clear() throws(StorageError) { try base.clear() }
    func close() throws(StorageError) { try base.close() }
}
