internal import SkerryCRDT
public import SkerryGossip
public import SkerryStorage

/// A change of the set that a ``SummaryIndex`` sums up.
public enum SummaryChange: Sendable, Hashable {
    case insert(WriteEntry)
    case remove(WriteKey)
}

/// The tree of counts and sums over a metadata engine: what reconciliation reads where the entries do not fit into memory.
///
/// Its shape follows from time alone, so it has no splits and two engines with the same entries hold the same rows: an entry stands in the bucket of
/// its stamp's four milliseconds, thirty-two buckets stand in one above them, and so on for ten levels. Each bucket that holds anything has a row of
/// count and sum. All rows begin with a prefix that the owner chooses.
///
/// It is folded from a feed in the background, never in the path of a write: ``fold(_:position:)`` takes a batch of changes and applies them, and the
/// place of the feed up to which they go, in one commit. A crash leaves it whole at an earlier place.
///
/// - Complexity: a fold reads and writes about one row for each level and each bucket touched, so few for a batch of one time. A summary, a rank and a
///   look-up read at most 32 rows of each level, and the entries of one bucket.
public struct SummaryIndex<Engine: MetadataEngine>: Sendable {
    /// The lowest bits of a stamp that a bucket of each level leaves out, from the top. A stamp has 16 bits of count below its milliseconds.
    static var shifts: [UInt64] { [63, 58, 53, 48, 43, 38, 33, 28, 23, 18] }
    /// The most changes of one fold: a bound on the memory of its batch.
    public static var changesMaximum: Int { 65_536 }

    public let engine: Engine
    public let family: MetadataFamily
    public let prefix: [UInt8]

    /// - Parameter prefix: of all its rows; nothing else in the family may begin with it.
    public init(engine: Engine, family: MetadataFamily, prefix: [UInt8]) {
        self.engine = engine
        self.family = family
        self.prefix = prefix
    }

    /// The place of the feed up to which changes were folded, as ``fold(_:position:)`` was given it; nil before the first fold.
    public func position() throws(StorageError) -> [UInt8]? { try engine.get(family, prefix + [RowKind.position.rawValue]) }

    /// Applies changes, in order, and notes the place up to which they go. Changes that were applied before change nothing.
    ///
    /// One fold at a time. Durable after the engine's flush.
    ///
    /// - Precondition: at most ``changesMaximum`` changes.
    public func fold(_ changes: [SummaryChange], position: [UInt8]) throws(StorageError) {
        precondition(changes.count <= Self.changesMaximum, "a fold of \(changes.count) changes")
        var fold = Fold()
        for change in changes { try note(change, in: &fold) }
        var batch = MetadataBatch()
        for (key, digest) in fold.entries.sorted(by: { $0.key < $1.key }) {
            if let digest { batch.put(family, entryRow(key), digest.bytes) } else { batch.remove(family, entryRow(key)) }
        }
        for (bucket, delta) in fold.buckets.sorted(by: { ($0.key.level, $0.key.number) < ($1.key.level, $1.key.number) }) {
            try apply(delta, to: bucket, &batch)
        }
        batch.put(family, prefix + [RowKind.position.rawValue], position)
        try engine.apply(batch)
    }

    // MARK: Folding

    enum RowKind: UInt8 {
        case position = 0, entry, bucket
    }

    struct Bucket: Hashable {
        var level: UInt8
        var number: UInt64
    }

    private struct Fold {
        var entries: [WriteKey: EntryDigest?] = [:]
        /// What goes in and what comes out, apart, because counts do not go below nothing.
        var buckets: [Bucket: (added: RangeSummary, removed: RangeSummary)] = [:]
    }

    private func note(_ change: SummaryChange, in fold: inout Fold) throws(StorageError) {
        let (key, digest): (WriteKey, EntryDigest?) =
            switch change {
            case .insert(let entry): (entry.key, entry.digest)
            case .remove(let key): (key, nil)
            }
        let noted = fold.entries[key]
        let old: EntryDigest? = if let noted { noted } else { try self.digest(of: key) }
        guard old != digest else { return }
        fold.entries[key] = .some(digest)
        for (level, shift) in Self.shifts.enumerated() {
            let bucket = Bucket(level: UInt8(level), number: key.stamp.rawValue >> shift)
            if let old { fold.buckets[bucket, default: (RangeSummary(), RangeSummary())].removed.insert(old) }
            if let digest { fold.buckets[bucket, default: (RangeSummary(), RangeSummary())].added.insert(digest) }
        }
    }

    private func apply(
        _ delta: (added: RangeSummary, removed: RangeSummary), to bucket: Bucket, _ batch: inout MetadataBatch
    ) throws(StorageError) {
        let row = bucketRow(bucket)
        var summary = if let bytes = try engine.get(family, row) { try parsed(bytes) } else { RangeSummary() }
        summary.add(delta.added)
        summary.subtract(delta.removed)
        if summary.count == 0 { batch.remove(family, row) } else { batch.put(family, row, Self.bytes(of: summary)) }
    }

    // MARK: Rows

    func entryRow(_ key: WriteKey) -> [UInt8] {
        var row = prefix + [RowKind.entry.rawValue]
        for word in [key.stamp.rawValue, key.origin.rawValue, key.sequence] { Self.append(word, to: &row) }
        return row
    }

    func bucketRow(_ bucket: Bucket) -> [UInt8] {
        var row = prefix + [RowKind.bucket.rawValue, bucket.level]
        Self.append(bucket.number, to: &row)
        return row
    }

    private static func append(_ word: UInt64, to row: inout [UInt8]) { withUnsafeBytes(of: word.bigEndian) { row.append(contentsOf: $0) } }

    private static func bytes(of summary: RangeSummary) -> [UInt8] {
        var bytes: [UInt8] = []
        append(summary.count, to: &bytes)
        return bytes + summary.sumBytes
    }

    private func parsed(_ bytes: [UInt8]) throws(StorageError) -> RangeSummary {
        guard bytes.count == 40 else { throw StorageError(.corrupt, "a row of counts and sums has \(bytes.count) bytes") }
        let count = bytes.withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard let summary = RangeSummary(count: count, sumBytes: Array(bytes[8...])) else {
            throw StorageError(.corrupt, "a row of counts and sums has \(bytes.count) bytes")
        }
        return summary
    }

    func key(ofRow row: UnsafeRawBufferPointer) throws(StorageError) -> WriteKey {
        let start = prefix.count + 1
        guard row.count == start + 24 else { throw StorageError(.corrupt, "the key of an entry has \(row.count) bytes") }
        func word(_ index: Int) -> UInt64 { UInt64(bigEndian: row.loadUnaligned(fromByteOffset: start + index * 8, as: UInt64.self)) }
        return WriteKey(stamp: HybridTimestamp(rawValue: word(0)), origin: OriginID(rawValue: word(1)), sequence: word(2))
    }

    /// Calls `body` for the buckets of a level from one number to another that hold anything, until it returns false.
    func buckets(
        _ level: Int, from first: UInt64, to last: UInt64, _ body: (UInt64, RangeSummary) -> Bool
    ) throws(StorageError) {
        guard first < last else { return }
        let range = KeyRange(
            lower: bucketRow(Bucket(level: UInt8(level), number: first)), upper: bucketRow(Bucket(level: UInt8(level), number: last)))
        let numberAt = prefix.count + 2
        try engine.scan(family, range) { row, value throws(StorageError) in
            guard row.count == numberAt + 8 else { throw StorageError(.corrupt, "the key of a bucket has \(row.count) bytes") }
            let number = UInt64(bigEndian: row.loadUnaligned(fromByteOffset: numberAt, as: UInt64.self))
            return body(number, try parsed(Array(value))) ? .next : .stop
        }
    }
}
