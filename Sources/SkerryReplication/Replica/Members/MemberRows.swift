internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryStorage

/// The rows in which a replica keeps what it knows of members: docs/formats/replica.md, "Rows".
enum MemberRows {
    /// The start of them all.
    static let prefix = Array("\0member".utf8)

    private enum Kind: UInt8 {
        case record = 0x01
        case away = 0x02
        case formerSelf = 0x03
        case news = 0x04
        case conflict = 0x05
        case baseline = 0x06
        case superseded = 0x07
        case firstSeen = 0x08
    }

    static func record(_ key: [UInt8]) -> [UInt8] { prefix + [Kind.record.rawValue] + key }
    static var away: [UInt8] { prefix + [Kind.away.rawValue] }
    static var baseline: [UInt8] { prefix + [Kind.baseline.rawValue] }

    static func formerSelf(_ origin: OriginID) -> ReplicaRow {
        ReplicaRow(key: prefix + [Kind.formerSelf.rawValue] + word(origin.rawValue), value: [])
    }

    static func news(_ place: UInt64) -> [UInt8] { prefix + [Kind.news.rawValue] + word(place) }
    static func conflict(_ place: UInt64) -> [UInt8] { prefix + [Kind.conflict.rawValue] + word(place) }

    /// A kept entry that stands for the position of its origin alone.
    static func superseded(_ dot: Dot) -> [UInt8] {
        prefix + [Kind.superseded.rawValue] + word(dot.origin.rawValue) + word(dot.sequence)
    }

    /// Since when a member is known of which nothing has come; nil when something has.
    static func firstSeen(_ origin: OriginID, _ milliseconds: UInt64?) -> ReplicaRow {
        ReplicaRow(key: prefix + [Kind.firstSeen.rawValue] + word(origin.rawValue), value: milliseconds.map { word($0) })
    }

    /// An entry that belongs to no log.
    static func value(of entry: FeedEntry) -> [UInt8] { word(entry.dot.origin.rawValue) + word(entry.dot.sequence) + entry.stored }

    private static func word(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}

/// What the store of a replica says of members when it is opened.
struct StoredMembers: Sendable {
    var records: [Retention.Record] = []
    var isAway = false
    var formerSelves: Set<OriginID> = []
    var news: [UInt64: FeedEntry] = [:]
    var conflicts: [UInt64: FeedEntry] = [:]
    var baseline = Baseline()
    var superseded: Set<Dot> = []
    var firstSeen: [OriginID: UInt64] = [:]

    var isEmpty: Bool { records.isEmpty && !isAway }

    init(_ store: any ReplicaStore) throws(StorageError) {
        var lower = MemberRows.prefix
        while true {
            let page = try store.rows(withPrefix: MemberRows.prefix, from: lower, limit: 1_024)
            for row in page { try take(row) }
            guard page.count == 1_024, let last = page.last else { return }
            lower = last.key + [0]
        }
    }

    private mutating func take(_ row: ReplicaRow) throws(StorageError) {
        let rest = row.key.dropFirst(MemberRows.prefix.count)
        guard let kind = rest.first, let value = row.value else { return }
        do throws(StorageError) {
            try MemberRows.read(kind, rest.dropFirst(), value, into: &self)
        } catch {
            throw StorageError(.corrupt, "a row of members is damaged: \(error)")
        }
    }
}

extension MemberRows {
    fileprivate static func read(
        _ kind: UInt8, _ key: ArraySlice<UInt8>, _ value: [UInt8], into members: inout StoredMembers
    ) throws(StorageError) {
        switch Kind(rawValue: kind) {
        case .record: members.records.append(Retention.Record(key: Array(key), value: value))
        case .away: members.isAway = true
        case .formerSelf: members.formerSelves.insert(OriginID(rawValue: word(key)))
        case .news: members.news[word(key)] = try entry(value)
        case .conflict: members.conflicts[word(key)] = try entry(value)
        case .baseline:
            do { members.baseline = try Baseline(bytes: value) } catch { throw StorageError(.corrupt, "\(error)") }
        case .superseded:
            guard key.count == 16 else { throw StorageError(.corrupt, "a key of \(key.count) bytes") }
            members.superseded.insert(Dot(origin: OriginID(rawValue: word(key)), sequence: word(key.dropFirst(8))))
        case .firstSeen:
            guard key.count == 8, value.count == 8 else { throw StorageError(.corrupt, "a row of \(key.count) and \(value.count) bytes") }
            members.firstSeen[OriginID(rawValue: word(key))] = word(value[...])
        case nil: throw StorageError(.newerFormat, "no row of members is of kind \(kind)")
        }
    }

    private static func entry(_ value: [UInt8]) throws(StorageError) -> FeedEntry {
        guard value.count > 16 else { throw StorageError(.corrupt, "an entry of \(value.count) bytes") }
        let dot = Dot(origin: OriginID(rawValue: word(value[...])), sequence: word(value[8...]))
        let result = Array(value[16...]).withUnsafeBytes { bytes in
            Result { () throws(FeedError) in try FeedEntry(dot: dot, stored: bytes) }
        }
        do throws(FeedError) { return try result.get() } catch { throw StorageError(.corrupt, "\(error)") }
    }
}
