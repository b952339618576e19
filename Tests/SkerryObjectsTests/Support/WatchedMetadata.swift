import Glibc
import SkerryStorage
import Synchronization

@testable import SkerryObjects

/// An index that tells what is done with it, and fails when it is told to.
final class WatchedMetadata: MetadataEngine {
    private struct State {
        var largestBatch = 0
        var onScan: (@Sendable (MetadataFamily) -> Void)?
        /// Applications that succeed before one fails; nil: all do.
        var applyFault: Int?
    }

    private let base: any MetadataEngine
    private let state = Mutex(State())

    init(_ base: any MetadataEngine) { self.base = base }

    /// Changes of the largest batch so far.
    var largestBatch: Int { state.withLock { $0.largestBatch } }

    /// Called behind each scan.
    func whenScanned(_ body: (@Sendable (MetadataFamily) -> Void)?) { state.withLock { $0.onScan = body } }

    /// Lets the application of a batch fail, and all that follow.
    func failApplying(after count: Int) { state.withLock { $0.applyFault = count } }

    func get(_ family: MetadataFamily, _ key: [UInt8]) throws(StorageError) -> [UInt8]? { try base.get(family, key) }

    func scan(
        _ family: MetadataFamily, _ range: KeyRange, reversed: Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) {
        try base.scan(family, range, reversed: reversed, body)
        state.withLock { $0.onScan }?(family)
    }

    func apply(_ batch: MetadataBatch) throws(StorageError) {
        let isFailing = state.withLock { state in
            state.largestBatch = max(state.largestBatch, batch.changes.count)
            guard let left = state.applyFault else { return false }
            state.applyFault = max(0, left - 1)
            return left == 0
        }
        if isFailing { throw StorageError(.failed, "injected failure of apply") }
        try base.apply(batch)
    }

    func flush() throws(StorageError) { try base.flush() }
    func clear() throws(StorageError) { try base.clear() }
    func close() throws(StorageError) { try base.close() }
}

/// A gate between a thread that waits and a task that opens it.
final class Gate: Sendable {
    private let isOpen = Atomic(false)

    func open() { isOpen.store(true, ordering: .releasing) }

    /// Blocks the thread until the gate is open, at most two minutes: a test that failed meanwhile opens it no more.
    func wait() {
        let start = ContinuousClock.now
        while !isOpen.load(ordering: .acquiring), ContinuousClock.now - start < .seconds(120) { sched_yield() }
    }
}
