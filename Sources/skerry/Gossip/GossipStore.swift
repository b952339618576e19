import SkerryCRDT
import SkerryGossip
import SkerryReplication
import SkerryRocksDB
import SkerryStorage
import Synchronization

/// The log of a peer in an engine, with entries and rows that a replica keeps beside it.
struct GossipStore: ReplicaStore {
    /// Rows that go along with the next batch: the feeds write both in one commit.
    private final class Companion: Sendable {
        private let rows = Mutex<[ReplicaRow]>([])

        func put(_ changes: [ReplicaRow]) { rows.withLock { $0 = changes } }

        func take() -> [ReplicaRow] {
            rows.withLock { rows in
                defer { rows = [] }
                return rows
            }
        }
    }

    private static let family = MetadataFamily.feed
    private static let feedsPrefix: [UInt8] = [0x66]
    private static let keptPrefix: [UInt8] = [0x6B]
    private static let rowsPrefix: [UInt8] = [0x72]

    private var feeds: EngineFeedStore<RocksDBEngine>
    private let engine: RocksDBEngine
    private let companion = Companion()

    /// Opens what the engine holds, or begins; blocks.
    init(_ engine: RocksDBEngine) throws(StorageError) {
        self.engine = engine
        feeds = try EngineFeedStore(engine: engine, family: Self.family, prefix: Self.feedsPrefix, log: .random(in: 1 ... .max)) {
            [companion] _, commit in
            Self.put(companion.take(), in: &commit)
        }
    }

    var state: FeedState { feeds.state }

    mutating func append(_ batch: FeedBatch, rows: [ReplicaRow]) throws(StorageError) {
        companion.put(rows)
        try feeds.append(batch)
    }

    mutating func sync() throws(StorageError) { try feeds.sync() }

    func read(_ origin: OriginID, from first: UInt64, charge: Int) throws(StorageError) -> [FeedEntry] {
        try feeds.read(origin, from: first, charge: charge)
    }

    mutating func adopt(_ marks: [FeedMark], keeping entries: [FeedEntry], rows: [ReplicaRow]) throws(StorageError) {
        try feeds.adopt(marks) { commit in
            for entry in entries { commit.put(Self.family, Self.key(of: entry), entry.stored) }
            Self.put(rows, in: &commit)
        }
    }

    /// Entries are kept before the log is trimmed, and forgotten after it: whenever a crash comes, what is alive is there.
    mutating func compact(trimming floors: [Dot], keeping entries: [FeedEntry], forgetting: [FeedEntry]) throws(StorageError) {
        try adopt([], keeping: entries, rows: [])
        for floor in floors { try feeds.trim(floor.origin, through: floor.sequence) }
        try feeds.adopt([]) { commit in
            for entry in forgetting { commit.remove(Self.family, Self.key(of: entry)) }
        }
    }

    func kept() throws(StorageError) -> [FeedEntry] {
        var entries: [FeedEntry] = []
        try engine.scan(Self.family, KeyRange(prefix: Self.keptPrefix)) { key, value throws(StorageError) in
            guard key.count == Self.keptPrefix.count + 16 else {
                throw StorageError(.corrupt, "the key of an entry that was kept is damaged")
            }
            let dot = Self.dot(UnsafeRawBufferPointer(rebasing: key[Self.keptPrefix.count...]))
            let entry: FeedEntry
            do throws(FeedError) { entry = try FeedEntry(dot: dot, stored: value) } catch {
                throw StorageError(.corrupt, "an entry that was kept is damaged: \(error)")
            }
            entries.append(entry)
            return .next
        }
        return entries
    }

    func rows(withPrefix prefix: [UInt8], from lower: [UInt8], limit: Int) throws(StorageError) -> [ReplicaRow] {
        var rows: [ReplicaRow] = []
        guard limit > 0 else { return rows }
        let start = prefix.lexicographicallyPrecedes(lower) ? lower : prefix
        let end = KeyRange(prefix: Self.rowsPrefix + prefix).upper
        try engine.scan(Self.family, KeyRange(lower: Self.rowsPrefix + start, upper: end)) { key, value throws(StorageError) in
            rows.append(ReplicaRow(key: Array(key.dropFirst(Self.rowsPrefix.count)), value: Array(value)))
            return rows.count < limit ? .next : .stop
        }
        return rows
    }

    // MARK: Rows

    private static func put(_ rows: [ReplicaRow], in commit: inout MetadataBatch) {
        for row in rows {
            if let value = row.value {
                commit.put(family, rowsPrefix + row.key, value)
            } else {
                commit.remove(family, rowsPrefix + row.key)
            }
        }
    }

    private static func key(of entry: FeedEntry) -> [UInt8] {
        keptPrefix + [entry.dot.origin.rawValue, entry.dot.sequence].flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }

    private static func dot(_ key: UnsafeRawBufferPointer) -> Dot {
        let words = [0, 8].map { UInt64(bigEndian: key.loadUnaligned(fromByteOffset: $0, as: UInt64.self)) }
        return Dot(origin: OriginID(rawValue: words[0]), sequence: words[1])
    }
}
