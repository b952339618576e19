internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryStorage

/// What a replica begins with: read from its store, which is given what it lacks.
struct Opened {
    private(set) var identity: FeedIdentity
    /// All that the store holds, each entry once, by origin; see ``isApplied(_:)``.
    private(set) var entries: [FeedEntry] = []
    private(set) var members: MemberState?
    /// Entries beside the log that stand for the position of their origin alone.
    private(set) var superseded: Set<Dot>
    private let baseline: Baseline
    /// Entries that stand beside the log.
    private var kept: Set<Dot> = []

    /// Blocks.
    init(_ store: inout any ReplicaStore, _ configuration: ReplicaConfiguration) throws(StorageError) {
        let stored = try StoredMembers(store)
        (superseded, baseline) = (stored.superseded, stored.baseline)
        let known = try Self.identity(in: store, cluster: configuration.cluster)
        // A life that began after the configuration was written goes on.
        let isLater = !stored.formerSelves.isEmpty
        identity = (isLater ? known : nil) ?? configuration.identity ?? known ?? Self.newIdentity(configuration)
        var rows: [ReplicaRow] = []
        if configuration.members != nil || configuration.identity == nil { rows = identity == known ? [] : [Self.row(identity)] }
        if let rules = configuration.members {
            let (state, changes) = try Self.members(rules, stored, &identity, store, configuration)
            members = state
            rows += changes
        }
        if !rows.isEmpty {
            try store.append(.empty, rows: rows)
            try store.sync()
        }
        try readEntries(of: store)
    }

    /// Whether a part is given an entry.
    func isApplied(_ entry: FeedEntry) -> Bool {
        kept.contains(entry.dot) ? !superseded.contains(entry.dot) : baseline.isApplied(entry)
    }

    private mutating func readEntries(of store: any ReplicaStore) throws(StorageError) {
        let feeds = store.state
        entries = try store.kept().sorted { $0.dot < $1.dot }
        kept = Set(entries.map(\.dot))
        let floors = Dictionary(feeds.floors.map { ($0.origin, $0.sequence) }, uniquingKeysWith: max)
        for mark in feeds.marks {
            var next = (floors[mark.origin] ?? 0) + 1
            while next <= mark.position.sequence {
                let row = try store.read(mark.origin, from: next, charge: 1 << 20)
                guard let last = row.last else { break }
                entries += row.filter { !kept.contains($0.dot) }
                next = last.dot.sequence + 1
            }
        }
    }

    // MARK: Who

    /// The row in which a store keeps who it belongs to.
    private static let identityKey: [UInt8] = Array("\0identity".utf8)

    static func row(_ identity: FeedIdentity) -> ReplicaRow { ReplicaRow(key: identityKey, value: identity.row) }

    private static func identity(in store: any ReplicaStore, cluster: UInt64) throws(StorageError) -> FeedIdentity? {
        let row = try store.rows(withPrefix: identityKey, from: identityKey, limit: 1).first?.value
        return row.flatMap { FeedIdentity(row: $0, cluster: cluster) }
    }

    private static func newIdentity(_ configuration: ReplicaConfiguration) -> FeedIdentity {
        FeedIdentity(cluster: configuration.cluster, site: .random(in: 1 ... .max), origin: configuration.newOrigin(), epoch: 1)
    }

    // MARK: Members

    private static func members(
        _ rules: MemberRules, _ stored: StoredMembers, _ identity: inout FeedIdentity, _ store: any ReplicaStore,
        _ configuration: ReplicaConfiguration
    ) throws(StorageError) -> (MemberState, [ReplicaRow]) {
        let now = configuration.now().monotonic
        let floor = rules.floor.wholeMilliseconds
        let applied = CausalContext(covering: store.state.marks.map { Dot(origin: $0.origin, sequence: $0.position.sequence) })
        guard stored.isEmpty else {
            let retention: Retention
            do { retention = try Retention(records: stored.records, floor: floor) } catch { throw StorageError(.corrupt, "\(error)") }
            var state = MemberState(
                rules: rules, retention: retention, applied: applied, isAway: stored.isAway, formerSelves: stored.formerSelves, now: now)
            (state.news, state.conflicts, state.firstSeen) = (stored.news, stored.conflicts, stored.firstSeen)
            return (state, [])
        }
        var retention = Retention(floor: floor)
        if rules.start == .founds {
            retention.refound(origin: identity.origin, site: identity.site, epoch: identity.epoch, applied: applied)
        }
        var state = MemberState(
            rules: rules, retention: retention, applied: applied, isAway: rules.start == .joins, formerSelves: [], now: now)
        guard state.isAway else {
            state.stored = Retention(floor: floor)
            return (state, state.takeChanges())
        }
        // What is there was written before there were members: it is judged as a returner's is.
        return (state, applied.isEmpty ? [ReplicaRow(key: MemberRows.away, value: [])] : state.beginLife(&identity, configuration))
    }
}

extension MemberState {
    /// Begins another life, under another origin.
    ///
    /// - Returns: the rows that say so.
    mutating func beginLife(_ identity: inout FeedIdentity, _ configuration: ReplicaConfiguration) -> [ReplicaRow] {
        let former = identity.origin
        formerSelves.insert(former)
        isAway = true
        (host, turnedDown) = (nil, nil)
        identity = FeedIdentity(
            cluster: identity.cluster, site: identity.site, origin: configuration.newOrigin(), epoch: identity.epoch + 1)
        return [Opened.row(identity), MemberRows.formerSelf(former), ReplicaRow(key: MemberRows.away, value: [])]
    }
}

extension FeedIdentity {
    fileprivate var row: [UInt8] {
        withUnsafeBytes(of: (site.littleEndian, origin.rawValue.littleEndian, epoch.littleEndian)) { Array($0) }
    }

    fileprivate init?(row: [UInt8], cluster: UInt64) {
        guard row.count == 24 else { return nil }
        let words = row.withUnsafeBytes { bytes in
            (0..<3).map { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)) }
        }
        self.init(cluster: cluster, site: words[0], origin: OriginID(rawValue: words[1]), epoch: words[2])
    }
}
