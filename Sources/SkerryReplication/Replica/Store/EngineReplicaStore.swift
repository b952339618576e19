public import SkerryCRDT
public import SkerryGossip
public import SkerryStorage
internal import Synchronization

/// A replica's log in a metadata engine, beside whatever else the engine holds.
///
/// ```swift
/// let store = try EngineReplicaStore(engine: engine, prefix: Array("replica/".utf8))
/// let replica = try await Replica.open(["settings": settings], store: store, configuration: ReplicaConfiguration(executor: pool))
/// ```
///
/// Entries, positions, rows of views and the replica's identity are in one commit each time (docs/formats/replica.md, "Rows"). One replica at a time.
public struct EngineReplicaStore<Engine: MetadataEngine>: ReplicaStore {
    /// What the next commit of the feeds takes with it.
    private final class Rider: Sendable {
        let rows = Mutex<[ReplicaRow]>([])
    }

    /// Beneath the prefix: what a row is.
    private enum Space: UInt8 {
        case feeds = 0
        case rows = 1
        case kept = 2
    }

    private var feeds: EngineFeedStore<Engine>
    private let family: MetadataFamily
    private let prefix: [UInt8]
    private let rider: Rider

    /// Opens what is there, or begins anew.
    ///
    /// - Parameters:
    ///   - prefix: of all rows; nobody else's rows begin so.
    ///   - log: names the log in cursors where there is none yet.
    public init(
        engine: Engine, family: MetadataFamily = .feed, prefix: [UInt8], log: UInt64 = .random(in: 1 ... .max)
    ) throws(StorageError) {
        let rider = Rider()
        self.rider = rider
        self.family = family
        self.prefix = prefix
        let rowPrefix = prefix + [Space.rows.rawValue]
        feeds = try EngineFeedStore(engine: engine, family: family, prefix: prefix + [Space.feeds.rawValue], log: log) { _, commit in
            for row in rider.rows.withLock({ $0 }) { commit.change(row, family, rowPrefix) }
        }
    }

    public var state: FeedState { feeds.state }

    public mutating func append(_ batch: FeedBatch, rows: [ReplicaRow]) throws(StorageError) {
        rider.rows.withLock { $0 = rows }
        defer { rider.rows.withLock { $0 = [] } }
        try feeds.append(batch)
    }

    public mutating func sync() throws(StorageError) { try feeds.sync() }

    public func read(_ origin: OriginID, from first: UInt64, charge: Int) throws(StorageError) -> [FeedEntry] {
        try feeds.read(origin, from: first, charge: charge)
    }

    public mutating func adopt(_ marks: [FeedMark], keeping entries: [FeedEntry], rows: [ReplicaRow]) throws(StorageError) {
        try replace(marks, keeping: entries, forgetting: [], followedBy: .empty, rows: rows)
    }

    public mutating func replace(
        _ marks: [FeedMark], keeping entries: [FeedEntry], forgetting: [FeedEntry], followedBy batch: FeedBatch, rows: [ReplicaRow]
    ) throws(StorageError) {
        let (family, prefix) = (family, prefix)
        let change = { @Sendable (commit: inout MetadataBatch) in
            for entry in forgetting { commit.remove(family, Self.keptKey(entry.dot, prefix)) }
            for entry in entries { commit.put(family, Self.keptKey(entry.dot, prefix), entry.stored) }
            for row in rows { commit.change(row, family, prefix + [Space.rows.rawValue]) }
        }
        guard marks.isEmpty && batch.entries.isEmpty else {
            return try feeds.adopt(marks, followedBy: batch) { (commit) throws(StorageError) in change(&commit) }
        }
        var commit = MetadataBatch()
        change(&commit)
        if !commit.isEmpty { try feeds.engine.apply(commit) }
    }

    public mutating func compact(
        trimming floors: [Dot], keeping entries: [FeedEntry], forgetting: [FeedEntry], rows: [ReplicaRow]
    ) throws(StorageError) {
        try replace([], keeping: entries, forgetting: forgetting, followedBy: .empty, rows: rows)
        for floor in floors { try feeds.trim(floor.origin, through: floor.sequence) }
    }

    public func kept() throws(StorageError) -> [FeedEntry] {
        try kept(in: KeyRange(prefix: prefix + [Space.kept.rawValue]), charge: .max)
    }

    public func kept(_ origin: OriginID, from first: UInt64, charge: Int) throws(StorageError) -> [FeedEntry] {
        let lower = Self.keptKey(Dot(origin: origin, sequence: first), prefix)
        var range = KeyRange(prefix: Array(lower.dropLast(8)))
        range.lower = lower
        return try kept(in: range, charge: charge)
    }

    private func kept(in range: KeyRange, charge: Int) throws(StorageError) -> [FeedEntry] {
        let start = prefix + [Space.kept.rawValue]
        var entries: [FeedEntry] = []
        var room = charge
        try feeds.engine.scan(family, range) { key, value throws(StorageError) in
            guard key.count == start.count + 16 else { throw StorageError(.corrupt, "the key of an entry that is kept is damaged") }
            let words = [0, 8].map { UInt64(bigEndian: key.loadUnaligned(fromByteOffset: start.count + $0, as: UInt64.self)) }
            do throws(FeedError) {
                let entry = try FeedEntry(dot: Dot(origin: OriginID(rawValue: words[0]), sequence: words[1]), stored: value)
                guard entries.isEmpty || entry.charge <= room else { return .stop }
                entries.append(entry)
                room -= entry.charge
                return room > 0 ? .next : .stop
            } catch {
                throw StorageError(.corrupt, "an entry that is kept is damaged: \(error)")
            }
        }
        return entries
    }

    public func rows(withPrefix prefix: [UInt8], from lower: [UInt8], limit: Int) throws(StorageError) -> [ReplicaRow] {
        let space = self.prefix + [Space.rows.rawValue]
        let start = prefix.lexicographicallyPrecedes(lower) ? lower : prefix
        var range = KeyRange(prefix: space + prefix)
        range.lower = space + start
        var rows: [ReplicaRow] = []
        guard limit > 0 else { return rows }
        try feeds.engine.scan(family, range) { key, value throws(StorageError) in
            rows.append(ReplicaRow(key: Array(key.dropFirst(space.count)), value: Array(value)))
            return rows.count < limit ? .next : .stop
        }
        return rows
    }

    private static func keptKey(_ dot: Dot, _ prefix: [UInt8]) -> [UInt8] {
        prefix + [Space.kept.rawValue] + withUnsafeBytes(of: (dot.origin.rawValue.bigEndian, dot.sequence.bigEndian)) { Array($0) }
    }
}

extension MetadataBatch {
    fileprivate mutating func change(_ row: ReplicaRow, _ family: MetadataFamily, _ prefix: [UInt8]) {
        if let value = row.value { put(family, prefix + row.key, value) } else { remove(family, prefix + row.key) }
    }
}
