public import SkerryGossip
public import SkerryStorage
internal import Synchronization

/// What a ``ReconciliationExchange`` compares and moves: an index, what its entries hold, and the taking of others. Calls block, and come from one thread at a time.
public protocol ReconciliationStore: ReconciledEntries, Sendable where Failure == StorageError {
    /// Makes entries of the peer durable, in the index too. One that is there already, or that something supersedes, is left out; applying one twice must be harmless.
    ///
    /// It judges them as what came from outside: a content that does not follow its grammar or a stamp of the future is an error, or is left out.
    func take(_ entries: [ReconciledEntry]) throws(StorageError)

    /// What this side says of its state, taken before the index is read: the peer is handed it when it has all of that state. Such as ``FeedMark/encoded(_:)`` of positions that the index covers.
    func statement() throws(StorageError) -> [UInt8]
}

extension ReconciliationStore {
    public func statement() throws(StorageError) -> [UInt8] { [] }
}

/// Entries in memory, with a tree over them.
public final class MemoryReconciliationStore: ReconciliationStore {
    public typealias Failure = StorageError

    // The tree is not copyable, so it stands beside what it sums up in a value of its own.
    private struct State: ~Copyable {
        var tree = ReconciliationTree()
        var contents: [WriteKey: [UInt8]] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// How many entries there are.
    public var count: Int { state.withLock { $0.tree.count } }

    public func summary(of range: WriteRange) -> RangeSummary { state.withLock { $0.tree.summary(of: range) } }
    public func key(at rank: UInt64) -> WriteKey? { state.withLock { $0.tree.key(at: rank) } }
    public func digest(of key: WriteKey) -> EntryDigest? { state.withLock { $0.tree.digest(of: key) } }
    public func content(of key: WriteKey) -> [UInt8]? { state.withLock { $0.contents[key] } }

    /// ``RangeSummaryStore/visit(_:_:)``; `body` must not call the store.
    public func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) { state.withLock { $0.tree.visit(range, body) } }

    /// Takes entries, replacing what stands under their keys.
    public func take(_ entries: [ReconciledEntry]) {
        state.withLock { state in
            for entry in entries {
                state.tree.insert(entry.key, EntryDigest(key: entry.key, content: entry.content))
                state.contents[entry.key] = entry.content
            }
        }
    }

    public func remove(_ key: WriteKey) {
        state.withLock { state in
            state.tree.remove(key)
            state.contents[key] = nil
        }
    }
}
