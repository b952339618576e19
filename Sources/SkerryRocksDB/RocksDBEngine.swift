internal import CRocksDB
internal import CRocksDBFlush
#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif
public import SkerryStorage
internal import Synchronization

/// The index in RocksDB, by its C API: a column family for each table, no log of its own.
///
/// A crash loses what was applied since the last flush, of all families alike: RocksDB flushes them at one point (`atomic_flush`), both when
/// it is asked to and when its memory is full. Whoever writes replays the log from the position that lies in the index.
///
/// After an error of the disk in the background RocksDB refuses writes; that is `full` or `failed` here, and reads go on.
public final class RocksDBEngine: MetadataEngine {
    private let database: RocksDBHandle
    /// Held through ``apply(_:)``: a range without an upper bound is settled against the last key there is.
    private let applying = Mutex(())

    /// Opens the database in `directory`, which is made when it is missing (its parent is not).
    ///
    /// - Throws: `corrupt`, `locked` (open in this or another process), `permissionDenied`, `full`, `failed`.
    public init(directory: String, configuration: RocksDBConfiguration = RocksDBConfiguration()) throws(StorageError) {
        database = try RocksDBHandle(directory: directory, configuration: configuration)
    }

    public func get(_ family: MetadataFamily, _ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        try database.use { database throws(StorageError) in
            let slice = try key.withCharacters { key, count throws(StorageError) in
                try rocksDB { rocksdb_get_pinned_cf(database.pointer, database.readOptions, database.families[family], key, count, &$0) }
            }
            guard let slice else { return nil }
            defer { rocksdb_pinnableslice_destroy(slice) }
            var count = 0
            let value = rocksdb_pinnableslice_value(slice, &count)
            return Array(UnsafeRawBufferPointer(start: value, count: count))
        }
    }

    public func scan(
        _ family: MetadataFamily, _ range: KeyRange, reversed: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) {
        try database.use { database throws(StorageError) in
            let iterator = RocksDBIterator(database, family, range)
            if reversed { try iterator.scanBackwards(body) } else { try iterator.scanForwards(body) }
        }
    }

    public func apply(_ batch: MetadataBatch) throws(StorageError) {
        guard !batch.isEmpty else { return }
        try database.use { database throws(StorageError) in
            try applying.withLock { _ throws(StorageError) in try RocksDBBatch(database).write(batch) }
        }
    }

    public func flush() throws(StorageError) {
        try database.use { database throws(StorageError) in try database.flush() }
    }

    /// The removal is one batch, and durable on return; room comes back as far as files are covered by it at once.
    public func clear() throws(StorageError) {
        var batch = MetadataBatch()
        for family in MetadataFamily.allCases { batch.remove(family, in: .all) }
        try apply(batch)
        try flush()
        try database.use { database throws(StorageError) in
            for family in MetadataFamily.allCases { rocksdb_compact_range_cf(database.pointer, database.families[family], nil, 0, nil, 0) }
        }
    }

    /// Waits for running calls. A body of a running ``scan(_:_:reversed:_:)`` must not call it.
    public func close() throws(StorageError) { try database.close() }

    /// Bytes that RocksDB holds in memory: cache, tables in memory, readers of files.
    public func memoryUsage() throws(StorageError) -> RocksDBMemoryUsage {
        try database.use { database throws(StorageError) in
            RocksDBMemoryUsage(
                blockCache: database.sum(of: "rocksdb.block-cache-usage", overFamilies: false),
                writeBuffers: database.sum(of: "rocksdb.cur-size-all-mem-tables", overFamilies: true),
                tableReaders: database.sum(of: "rocksdb.estimate-table-readers-mem", overFamilies: true))
        }
    }
}

/// Where RocksDB's memory goes, bytes.
public struct RocksDBMemoryUsage: Sendable, Hashable {
    public var blockCache: UInt64
    public var writeBuffers: UInt64
    public var tableReaders: UInt64
}

extension [UInt8] {
    /// The bytes as C characters; the address is valid during the call, and never nil.
    func withCharacters<Value>(
        _ body: (UnsafePointer<CChar>, Int) throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        guard !isEmpty else {
            var nothing: CChar = 0
            return try body(&nothing, 0)
        }
        return try withUnsafeBufferPointer { bytes throws(StorageError) in
            try bytes.baseAddress!.withMemoryRebound(to: CChar.self, capacity: bytes.count) { start throws(StorageError) in
                try body(start, bytes.count)
            }
        }
    }
}

/// Calls a function of the C API that reports by a malloc-ed text.
func rocksDB<Value>(_ body: (inout UnsafeMutablePointer<CChar>?) -> Value) throws(StorageError) -> Value {
    var message: UnsafeMutablePointer<CChar>?
    let value = body(&message)
    guard let message else { return value }
    defer { free(message) }
    throw StorageError(rocksDB: String(cString: message))
}

extension StorageError {
    /// RocksDB reports by text, which begins with the name of its status (util/status.cc).
    init(rocksDB message: String) {
        self.init(StorageError.code(ofRocksDB: message), "RocksDB: \(message)")
    }

    private static func code(ofRocksDB message: String) -> Code {
        if message.hasPrefix("Corruption") { return .corrupt }
        if message.contains("No space left") || message.contains("Space limit") { return .full }
        if message.contains("While lock file") || message.contains("lock hold by current process") { return .locked }
        if message.contains("Permission denied") || message.contains("Read-only file system") { return .permissionDenied }
        return .failed
    }
}
