internal import Synchronization

/// The index in memory: sorted rows, whose only durability is ``flush()``.
///
/// Tables are values, so a scan walks over the state it began with while others write, and a flush is a copy that shares all rows.
///
/// - Complexity: lookup O(log n); one change O(√n) moves, plus a copy of one block of rows when a scan or a flush shares it.
public final class MemoryMetadataEngine: MetadataEngine {
    private struct State: Sendable {
        var tables = [SortedRows](repeating: SortedRows(), count: MetadataFamily.allCases.count)
        var flushed = [SortedRows](repeating: SortedRows(), count: MetadataFamily.allCases.count)
        var isClosed = false
    }

    private let state: Mutex<State>

    public init() { state = Mutex(State()) }

    private init(tables: [SortedRows]) {
        state = Mutex(State(tables: tables, flushed: tables))
    }

    public func get(_ family: MetadataFamily, _ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        try table(family).value(of: key)
    }

    public func scan(
        _ family: MetadataFamily, _ range: KeyRange, reversed: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) {
        let rows = try table(family)
        if reversed { try rows.scanBackwards(range, body) } else { try rows.scanForwards(range, body) }
    }

    public func apply(_ batch: MetadataBatch) throws(StorageError) {
        try withOpenState { state throws(StorageError) in
            for change in batch.changes {
                switch change {
                case .put(let family, let key, let value): state.tables[Int(family.rawValue)].put(key, value)
                case .remove(let family, let key): state.tables[Int(family.rawValue)].remove(key)
                case .removeRange(let family, let range): state.tables[Int(family.rawValue)].remove(in: range)
                }
            }
        }
    }

    public func flush() throws(StorageError) {
        try withOpenState { state throws(StorageError) in state.flushed = state.tables }
    }

    public func clear() throws(StorageError) {
        try withOpenState { state throws(StorageError) in
            for index in state.tables.indices { state.tables[index] = SortedRows() }
            state.flushed = state.tables
        }
    }

    public func close() throws(StorageError) {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.flushed = state.tables
            state.isClosed = true
        }
    }

    /// Closes this engine without a flush, and opens another one on what the last flush left: a crash and a restart.
    ///
    /// After ``close()`` it is a plain restart.
    public func crash() -> MemoryMetadataEngine {
        let flushed = state.withLock { state in
            state.isClosed = true
            return state.flushed
        }
        return MemoryMetadataEngine(tables: flushed)
    }

    private func table(_ family: MetadataFamily) throws(StorageError) -> SortedRows {
        try withOpenState { state throws(StorageError) in state.tables[Int(family.rawValue)] }
    }

    private func withOpenState<Value: Sendable>(
        _ body: (inout State) throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        try state.withLock { state throws(StorageError) in
            guard !state.isClosed else { throw StorageError(.closed, "the index is closed") }
            return try body(&state)
        }
    }
}
