internal import CRocksDB
internal import SkerryStorage

/// A walk over the rows of a range, of the state at its beginning.
struct RocksDBIterator: ~Copyable {
    private let iterator: OpaquePointer
    private let options: OpaquePointer
    /// RocksDB keeps pointers to the bounds, so they stand still here as long as the iterator lives.
    private let lower: UnsafeMutableBufferPointer<CChar>
    private let upper: UnsafeMutableBufferPointer<CChar>?

    init(_ database: OpenRocksDB, _ family: MetadataFamily, _ range: KeyRange) {
        options = rocksdb_readoptions_create()
        lower = RocksDBIterator.standing(range.lower)
        upper = range.upper.map(RocksDBIterator.standing)
        rocksdb_readoptions_set_iterate_lower_bound(options, lower.baseAddress, lower.count)
        if let upper { rocksdb_readoptions_set_iterate_upper_bound(options, upper.baseAddress, upper.count) }
        iterator = rocksdb_create_iterator_cf(database.pointer, options, database.families[family])
    }

    deinit {
        rocksdb_iter_destroy(iterator)
        rocksdb_readoptions_destroy(options)
        lower.deallocate()
        upper?.deallocate()
    }

    func scanForwards(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) {
        rocksdb_iter_seek(iterator, lower.baseAddress, lower.count)
        while rocksdb_iter_valid(iterator) != 0 {
            switch try body(key, value) {
            case .stop: return
            case .seek(let target) where key.precedes(target):
                try target.withCharacters { target, count throws(StorageError) in rocksdb_iter_seek(iterator, target, count) }
            case .next, .seek: rocksdb_iter_next(iterator)
            }
        }
        try verify()
    }

    func scanBackwards(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) {
        rocksdb_iter_seek_to_last(iterator)
        while rocksdb_iter_valid(iterator) != 0 {
            switch try body(key, value) {
            case .stop: return
            case .seek(let target) where key.follows(target):
                try target.withCharacters { target, count throws(StorageError) in rocksdb_iter_seek_for_prev(iterator, target, count) }
            case .next, .seek: rocksdb_iter_prev(iterator)
            }
        }
        try verify()
    }

    /// The last key, nil when the range is empty.
    func lastKey() throws(StorageError) -> [UInt8]? {
        rocksdb_iter_seek_to_last(iterator)
        guard rocksdb_iter_valid(iterator) != 0 else {
            try verify()
            return nil
        }
        return Array(key)
    }

    // MARK: -

    private var key: UnsafeRawBufferPointer {
        var count = 0
        return UnsafeRawBufferPointer(start: rocksdb_iter_key(iterator, &count), count: count)
    }

    private var value: UnsafeRawBufferPointer {
        var count = 0
        return UnsafeRawBufferPointer(start: rocksdb_iter_value(iterator, &count), count: count)
    }

    /// An iterator that ends may have met an error.
    private func verify() throws(StorageError) {
        try rocksDB { rocksdb_iter_get_error(iterator, &$0) }
    }

    private static func standing(_ bytes: [UInt8]) -> UnsafeMutableBufferPointer<CChar> {
        // One byte at least: an empty slice still needs an address.
        let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: max(1, bytes.count))
        for (index, byte) in bytes.enumerated() { buffer[index] = CChar(bitPattern: byte) }
        return UnsafeMutableBufferPointer(rebasing: buffer[..<bytes.count])
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func precedes(_ key: [UInt8]) -> Bool { lexicographicallyPrecedes(key) }
    fileprivate func follows(_ key: [UInt8]) -> Bool { key.lexicographicallyPrecedes(self) }
}
