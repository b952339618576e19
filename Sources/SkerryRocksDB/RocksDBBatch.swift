internal import CRocksDB
internal import SkerryStorage

/// A batch on its way into RocksDB.
struct RocksDBBatch: ~Copyable {
    private let database: OpenRocksDB
    private let batch: OpaquePointer

    init(_ database: OpenRocksDB) {
        self.database = database
        batch = rocksdb_writebatch_create()
    }

    deinit { rocksdb_writebatch_destroy(batch) }

    func write(_ changes: MetadataBatch) throws(StorageError) {
        for (index, change) in changes.changes.enumerated() {
            switch change {
            case .put(let family, let key, let value): try put(family, key, value)
            case .remove(let family, let key): try remove(family, key)
            case .removeRange(let family, let range): try remove(family, range, after: changes.changes[..<index])
            }
        }
        try rocksDB { rocksdb_write(database.pointer, database.writeOptions, batch, &$0) }
    }

    private func put(_ family: MetadataFamily, _ key: [UInt8], _ value: [UInt8]) throws(StorageError) {
        try key.withCharacters { key, keyCount throws(StorageError) in
            try value.withCharacters { value, valueCount throws(StorageError) in
                rocksdb_writebatch_put_cf(batch, database.families[family], key, keyCount, value, valueCount)
            }
        }
    }

    private func remove(_ family: MetadataFamily, _ key: [UInt8]) throws(StorageError) {
        try key.withCharacters { key, count throws(StorageError) in
            rocksdb_writebatch_delete_cf(batch, database.families[family], key, count)
        }
    }

    private func remove(
        _ family: MetadataFamily, _ range: KeyRange, after earlier: ArraySlice<MetadataBatch.Change>
    ) throws(StorageError) {
        var upper = range.upper
        if upper == nil { upper = try upperBound(family, range.lower, earlier) }
        guard let upper, range.lower.lexicographicallyPrecedes(upper) else { return }
        try range.lower.withCharacters { lower, lowerCount throws(StorageError) in
            try upper.withCharacters { upper, upperCount throws(StorageError) in
                rocksdb_writebatch_delete_range_cf(batch, database.families[family], lower, lowerCount, upper, upperCount)
            }
        }
    }

    /// A key behind every one that is there or was put earlier in this batch; RocksDB knows no range without an end.
    private func upperBound(
        _ family: MetadataFamily, _ lower: [UInt8], _ earlier: ArraySlice<MetadataBatch.Change>
    ) throws(StorageError) -> [UInt8]? {
        var last = try RocksDBIterator(database, family, KeyRange(lower: lower, upper: nil)).lastKey()
        for case .put(family, let key, _) in earlier where last.map({ $0.lexicographicallyPrecedes(key) }) ?? true { last = key }
        return last.map { $0 + [0] }
    }
}
