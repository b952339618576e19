internal import SkerryCRDT
public import SkerryGossip
public import SkerryStorage

extension SummaryIndex: RangeSummaryStore {
    public typealias Failure = StorageError

    public func summary(of range: WriteRange) throws(StorageError) -> RangeSummary {
        guard !range.isEmpty else { return RangeSummary() }
        var summary = if let upper = range.upper { try before(upper) } else { try whole() }
        if range.lower > .first { summary.subtract(try before(range.lower)) }
        return summary
    }

    private func whole() throws(StorageError) -> RangeSummary {
        var summary = RangeSummary()
        try buckets(0, from: 0, to: 2) { _, bucket in
            summary.add(bucket)
            return true
        }
        return summary
    }

    /// Over the entries before a key: on each level the buckets before the key's own in the one above, at the end the entries beside it.
    private func before(_ key: WriteKey) throws(StorageError) -> RangeSummary {
        var (summary, parent) = (RangeSummary(), 0 as UInt64)
        for (level, shift) in Self.shifts.enumerated() {
            let own = key.stamp.rawValue >> shift
            try buckets(level, from: parent << 5, to: own) { _, bucket in
                summary.add(bucket)
                return true
            }
            parent = own
        }
        try visit(WriteRange(lower: Self.start(ofLeaf: parent), upper: key)) { entry in
            summary.insert(entry.digest)
            return true
        }
        return summary
    }

    private static func start(ofLeaf number: UInt64) -> WriteKey {
        WriteKey(startOf: HybridTimestamp(rawValue: number << (shifts.last ?? 0)))
    }

    public func key(at rank: UInt64) throws(StorageError) -> WriteKey? {
        var (rest, parent) = (rank, 0 as UInt64)
        for level in Self.shifts.indices {
            var found: UInt64?
            try buckets(level, from: parent << 5, to: level == 0 ? 2 : (parent << 5) + 32) { number, bucket in
                guard rest >= bucket.count else {
                    found = number
                    return false
                }
                rest -= bucket.count
                return true
            }
            guard let found else { return nil }
            parent = found
        }
        var key: WriteKey?
        try visit(WriteRange(lower: Self.start(ofLeaf: parent), upper: nil)) { entry in
            key = entry.key
            rest &-= 1
            return rest != .max
        }
        return key
    }

    public func digest(of key: WriteKey) throws(StorageError) -> EntryDigest? {
        guard let bytes = try engine.get(family, entryRow(key)) else { return nil }
        guard let digest = EntryDigest(bytes: bytes) else {
            throw StorageError(.corrupt, "the digest of an entry has \(bytes.count) bytes")
        }
        return digest
    }

    public func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) throws(StorageError) {
        guard !range.isEmpty else { return }
        let end = range.upper.map(entryRow) ?? prefix + [RowKind.entry.rawValue + 1]
        try engine.scan(family, KeyRange(lower: entryRow(range.lower), upper: end)) { row, value throws(StorageError) in
            guard let digest = EntryDigest(bytes: Array(value)) else {
                throw StorageError(.corrupt, "the digest of an entry has \(value.count) bytes")
            }
            return body(WriteEntry(key: try key(ofRow: row), digest: digest)) ? .next : .stop
        }
    }
}
