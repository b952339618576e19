/// Ordered tables of byte rows with atomic batches: the index over the log.
///
/// Keys are compared as raw unsigned bytes. All calls block (a miss reads the disk) and are meant for a ``BlockingPool``;
/// all are safe from any thread.
///
/// The index has no log of its own: after a crash it holds every batch up to some point and none after, over all families alike.
/// Whoever writes puts the log position that the batch reflects into the batch and replays the rest on start.
public protocol MetadataEngine: Sendable {
    func get(_ family: MetadataFamily, _ key: [UInt8]) throws(StorageError) -> [UInt8]?

    /// Calls `body` for each row in `range` in key order (or backwards) of one consistent state, as `body` directs.
    ///
    /// The buffers are valid during the call only. Seeking costs O(log n), stepping O(1) amortised.
    func scan(
        _ family: MetadataFamily, _ range: KeyRange, reversed: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError)

    /// Applies all changes of the batch or none. Visible to every reader on return; durable after ``flush()``.
    func apply(_ batch: MetadataBatch) throws(StorageError)

    /// Makes everything applied so far durable, over all families at one point.
    func flush() throws(StorageError)

    /// Removes every row of every family.
    func clear() throws(StorageError)

    /// Flushes and closes; later calls throw `closed`. Idempotent.
    func close() throws(StorageError)
}

extension MetadataEngine {
    /// ``scan(_:_:reversed:_:)`` in key order.
    public func scan(
        _ family: MetadataFamily, _ range: KeyRange,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) {
        try scan(family, range, reversed: false, body)
    }
}

/// The tables of the index. The list is closed: an engine makes all of them when it is created.
public enum MetadataFamily: UInt8, CaseIterable, Sendable {
    /// (bucket, key, version) -> version row.
    case versions
    /// (bucket, key) -> what a listing prints.
    case current
    /// (chunk or manifest, referrer) -> nothing: edges, never counters.
    case references
    /// (tenant, digest) -> where the chunk or manifest stands in the log.
    case chunks
    /// Multipart uploads and their parts.
    case uploads
    /// (origin, sequence) -> what changed.
    case feed
    /// Buckets, users, access keys, the applied log position.
    case settings

    public var name: String { "\(self)" }
}

/// Keys from `lower` (included) to `upper` (excluded; nil: to the end).
public struct KeyRange: Sendable, Hashable {
    public var lower: [UInt8]
    public var upper: [UInt8]?

    public init(lower: [UInt8], upper: [UInt8]?) {
        self.lower = lower
        self.upper = upper
    }

    public static let all = KeyRange(lower: [], upper: nil)

    /// All keys that begin with `prefix`.
    public init(prefix: [UInt8]) {
        self.init(lower: prefix, upper: KeyRange.successor(ofPrefix: prefix))
    }

    /// The smallest key greater than every key that begins with `prefix`; nil when there is none (all bytes 0xFF, or empty).
    public static func successor(ofPrefix prefix: [UInt8]) -> [UInt8]? {
        guard let last = prefix.lastIndex(where: { $0 != 0xFF }) else { return nil }
        var successor = Array(prefix[...last])
        successor[last] += 1
        return successor
    }
}

/// What a scan does after a row.
public enum ScanStep: Sendable, Equatable {
    case next
    /// Go on at the first row at or after the key (at or before it, when scanning backwards). Never moves against the scan's direction.
    case seek([UInt8])
    case stop
}

/// Changes that are applied together.
public struct MetadataBatch: Sendable {
    public enum Change: Sendable {
        case put(MetadataFamily, key: [UInt8], value: [UInt8])
        case remove(MetadataFamily, key: [UInt8])
        /// Removes every key in the range.
        case removeRange(MetadataFamily, KeyRange)
    }

    public private(set) var changes: [Change] = []

    public init() {}

    public var isEmpty: Bool { changes.isEmpty }

    public mutating func put(_ family: MetadataFamily, _ key: [UInt8], _ value: [UInt8]) {
        changes.append(.put(family, key: key, value: value))
    }

    public mutating func remove(_ family: MetadataFamily, _ key: [UInt8]) {
        changes.append(.remove(family, key: key))
    }

    public mutating func remove(_ family: MetadataFamily, in range: KeyRange) {
        changes.append(.removeRange(family, range))
    }
}
