internal import CRocksDB
internal import CRocksDBFlush
#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif
internal import SkerryStorage

/// An open database and the gate before it: calls pass together, close waits for all of them.
// @unchecked Sendable: `open` is read under the read lock and written under the write lock; RocksDB's objects are safe from any thread.
final class RocksDBHandle: @unchecked Sendable {
    private let gate = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
    private var open: OpenRocksDB?

    init(directory: String, configuration: RocksDBConfiguration) throws(StorageError) {
        open = try OpenRocksDB(directory: directory, configuration: configuration)
        pthread_rwlock_init(gate, nil)
    }

    deinit {
        open?.destroy()
        pthread_rwlock_destroy(gate)
        gate.deallocate()
    }

    func use<Value>(_ body: (OpenRocksDB) throws(StorageError) -> Value) throws(StorageError) -> Value {
        pthread_rwlock_rdlock(gate)
        defer { pthread_rwlock_unlock(gate) }
        guard let open else { throw StorageError(.closed, "the index is closed") }
        return try body(open)
    }

    func close() throws(StorageError) {
        pthread_rwlock_wrlock(gate)
        defer { pthread_rwlock_unlock(gate) }
        guard let closing = open else { return }
        open = nil
        defer { closing.destroy() }
        try closing.flush()
    }
}

/// RocksDB's handle of each table.
struct FamilyHandles {
    let all: [OpaquePointer?]

    subscript(family: MetadataFamily) -> OpaquePointer? { all[Int(family.rawValue)] }
}

/// The C objects of an open database.
struct OpenRocksDB {
    let pointer: OpaquePointer
    let families: FamilyHandles
    private let defaultFamily: OpaquePointer?
    let readOptions: OpaquePointer
    let writeOptions: OpaquePointer

    init(directory: String, configuration: RocksDBConfiguration) throws(StorageError) {
        let (pointer, handles) = try OpenRocksDB.open(directory, configuration)
        self.pointer = pointer
        defaultFamily = handles[0]
        families = FamilyHandles(all: Array(handles.dropFirst()))
        readOptions = rocksdb_readoptions_create()
        writeOptions = rocksdb_writeoptions_create()
        rocksdb_writeoptions_disable_WAL(writeOptions, 1)
    }

    /// Flushes every family that has changes, at one point.
    func flush() throws(StorageError) {
        try families.all.withUnsafeBufferPointer { handles throws(StorageError) in
            try rocksDB { skerry_rocksdb_flush_families(pointer, handles.baseAddress, handles.count, &$0) }
        }
    }

    /// Closes without asking for a flush.
    func destroy() {
        for family in families.all { rocksdb_column_family_handle_destroy(family) }
        rocksdb_column_family_handle_destroy(defaultFamily)
        rocksdb_close(pointer)
        rocksdb_readoptions_destroy(readOptions)
        rocksdb_writeoptions_destroy(writeOptions)
    }

    /// The value of a numeric property; 0 where there is none.
    func sum(of property: String, overFamilies: Bool) -> UInt64 {
        let chosen = overFamilies ? families.all : Array(families.all.prefix(1))
        return chosen.reduce(0) { sum, family in
            var value: UInt64 = 0
            return rocksdb_property_int_cf(pointer, family, property, &value) == 0 ? sum + value : sum
        }
    }

    private static func open(
        _ directory: String, _ configuration: RocksDBConfiguration
    ) throws(StorageError) -> (OpaquePointer, [OpaquePointer?]) {
        do throws(StorageError) {
            return try open(directory, RocksDBOptions(configuration, compressed: true))
        } catch  where error.message.contains("not linked") {
            // A library built without LZ4; files that it wrote before are uncompressed as well.
            return try open(directory, RocksDBOptions(configuration, compressed: false))
        }
    }

    private static func open(
        _ directory: String, _ options: borrowing RocksDBOptions
    ) throws(StorageError) -> (OpaquePointer, [OpaquePointer?]) {
        let names = (["default"] + MetadataFamily.allCases.map(\.name)).map { strdup($0) }
        defer { for name in names { free(name) } }
        var constantNames = names.map { UnsafePointer($0) }
        var familyOptions = options.all.map { Optional($0) }
        var handles = [OpaquePointer?](repeating: nil, count: names.count)
        let database = try rocksDB {
            rocksdb_open_column_families(
                familyOptions[0], directory, CInt(constantNames.count), &constantNames, &familyOptions, &handles, &$0)
        }
        guard let database else { throw StorageError(.failed, "RocksDB gave neither a database nor an error", path: directory) }
        return (database, handles)
    }
}
