public import SkerryCRDT
public import SkerryGossip

/// A replica's log in memory. Nothing of it outlives the process.
public struct MemoryReplicaStore: ReplicaStore {
    private var feeds: MemoryFeedStore
    /// By origin, ascending.
    private var keptEntries: [OriginID: [FeedEntry]] = [:]
    private var table = SortedTable()

    /// - Parameter log: names the log in cursors, new for each store.
    public init(log: UInt64 = .random(in: 1 ... .max)) { feeds = MemoryFeedStore(log: log, keepsBytes: false) }

    public var state: FeedState { feeds.state }
    public func kept() -> [FeedEntry] { keptEntries.values.flatMap { $0 } }

    public func kept(_ origin: OriginID, from first: UInt64, charge: Int) -> [FeedEntry] {
        guard let row = keptEntries[origin] else { return [] }
        var room = charge
        return Array(
            row[Self.place(of: first, in: row)...].prefix { entry in
                defer { room -= entry.charge }
                return room == charge || entry.charge <= room
            })
    }

    /// Entries held in the log.
    public var count: Int { feeds.count }

    public mutating func sync() { feeds.sync() }

    public func read(_ origin: OriginID, from first: UInt64, charge: Int) -> [FeedEntry] {
        feeds.read(origin, from: first, charge: charge)
    }

    public mutating func append(_ batch: FeedBatch, rows: [ReplicaRow]) {
        feeds.append(batch)
        table.apply(rows)
    }

    public mutating func adopt(_ marks: [FeedMark], keeping entries: [FeedEntry], rows: [ReplicaRow]) {
        for mark in marks { feeds.adopt(mark) }
        for entry in entries { keep(entry) }
        table.apply(rows)
    }

    public mutating func compact(trimming floors: [Dot], keeping entries: [FeedEntry], forgetting: [FeedEntry], rows: [ReplicaRow]) {
        replace([], keeping: entries, forgetting: forgetting, followedBy: .empty, rows: rows)
        for floor in floors { feeds.trim(floor.origin, through: floor.sequence) }
    }

    public mutating func replace(
        _ marks: [FeedMark], keeping entries: [FeedEntry], forgetting: [FeedEntry], followedBy batch: FeedBatch, rows: [ReplicaRow]
    ) {
        for (origin, gone) in Dictionary(grouping: forgetting.map(\.dot), by: \.origin) {
            let dots = Set(gone)
            keptEntries[origin]?.removeAll { dots.contains($0.dot) }
        }
        adopt(marks, keeping: entries, rows: rows)
        feeds.append(batch)
    }

    private mutating func keep(_ entry: FeedEntry) {
        var row = keptEntries.removeValue(forKey: entry.dot.origin) ?? []
        let place = Self.place(of: entry.dot.sequence, in: row)
        if place < row.count, row[place].dot == entry.dot { row[place] = entry } else { row.insert(entry, at: place) }
        keptEntries[entry.dot.origin] = row
    }

    /// The first place whose sequence is not less.
    private static func place(of sequence: UInt64, in row: [FeedEntry]) -> Int {
        var (low, high) = (0, row.count)
        while low < high {
            let middle = (low + high) / 2
            if row[middle].dot.sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }

    public func rows(withPrefix prefix: [UInt8], from lower: [UInt8], limit: Int) -> [ReplicaRow] {
        table.rows(withPrefix: prefix, from: lower, limit: limit)
    }
}

/// Rows by key, ascending.
struct SortedTable: Sendable {
    private var rows: [ReplicaRow] = []

    mutating func apply(_ changes: [ReplicaRow]) {
        for change in changes {
            let place = place(of: change.key)
            let isThere = place < rows.count && rows[place].key == change.key
            switch (change.value, isThere) {
            case (nil, true): rows.remove(at: place)
            case (nil, false): break
            case (_, true): rows[place] = change
            case (_, false): rows.insert(change, at: place)
            }
        }
    }

    func rows(withPrefix prefix: [UInt8], from lower: [UInt8], limit: Int) -> [ReplicaRow] {
        let start = place(of: prefix.lexicographicallyPrecedes(lower) ? lower : prefix)
        return Array(rows[start...].prefix(limit).prefix { $0.key.starts(with: prefix) })
    }

    private func place(of key: [UInt8]) -> Int {
        var low = 0, high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].key.lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
