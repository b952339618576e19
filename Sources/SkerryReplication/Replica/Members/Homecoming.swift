internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryStorage

/// The state of a member, all of which has come, and what is to be judged by it.
struct HomecomingPlan: Sendable {
    var session: UInt32
    var identity: FeedIdentity
    /// What the host knows of members.
    var retention: Retention
    /// The entries of its state, and which of them stand for a position alone.
    var staged: [FeedEntry]
    var superseded: Set<Dot>
    /// The last entry of each origin.
    var heads: [FeedEntry]
    /// What is alive here.
    var own: [FeedEntry]
    /// Prefixes of the keys of parts whose last entry of a key stands for all, and of those whose entries build on each other.
    var keyed: [[UInt8]]
    var whole: [[UInt8]]
    /// Prefixes of all parts.
    var parts: [[UInt8]]
    var formerSelves: Set<OriginID>
    /// What the store has of superseded entries.
    var standing: Set<Dot>
    /// The first free place of news and conflicts.
    var place: UInt64
    /// What the store knows of members.
    var stored: Retention

    /// What the host has durable.
    var applied: CausalContext { CausalContext(covering: heads.map(\.dot)) }
}

/// What came of it, durable in the store.
struct HomecomingResult: Sendable {
    var plan: HomecomingPlan
    /// What the store begins with now.
    var feeds: FeedState
    /// Entries of live members that only this replica may have: its log hands them on.
    var underway: [FeedEntry] = []
    /// What is known of members, and what is durable, with these.
    var retention: Retention
    var applied: CausalContext
    var news: [UInt64: FeedEntry] = [:]
    var conflicts: [UInt64: FeedEntry] = [:]
}

extension HomecomingResult {
    /// Judges what is in a store by the state of a member, and puts that in its place: in one commit.
    static func perform(_ plan: HomecomingPlan, on store: inout any ReplicaStore) throws(StorageError) -> HomecomingResult {
        let lanes = StoreLanes(store.state)
        let applied = plan.applied
        let home = Homecoming(applied: applied, retention: plan.retention, formerSelves: plan.formerSelves) { origin in
            lanes.positions[origin] ?? 0 > applied.sequence(of: origin) && lanes.floors[origin] ?? 0 <= applied.sequence(of: origin)
        }
        let kept = try store.kept().sorted { $0.dot < $1.dot }
        let building = try entries(of: plan.whole, among: kept, lanes, in: store)
        var judge = HomecomingJudge(home, plan)
        for entry in plan.own.sorted(by: { ($0.stamp, $0.dot) < ($1.stamp, $1.dot) }) { judge.look(at: entry) }
        for entry in building { judge.lookAtBuilding(entry) }
        var underway: [FeedEntry] = []
        for origin in home.live.sorted() {
            try store.read(origin, after: applied.sequence(of: origin), through: lanes.positions[origin] ?? 0) { underway.append($0) }
        }
        var result = HomecomingResult(plan: plan, feeds: FeedState(), underway: underway, retention: plan.retention, applied: applied)
        for entry in underway {
            result.applied.insert(entry.dot)
            // A statement that is none changes nothing, here and everywhere.
            try? result.retention.apply(entry, own: plan.identity.origin, applied: result.applied)
        }
        for (offset, entry) in judge.news.enumerated() { result.news[plan.place + UInt64(offset)] = entry }
        let next = plan.place + UInt64(judge.news.count)
        for (offset, entry) in judge.late.enumerated() { result.conflicts[next + UInt64(offset)] = entry }
        try result.commit(kept, building, lanes, to: &store)
        result.feeds = store.state
        return result
    }

    /// Entries of parts whose entries build on each other, by origin: beside the log and in it.
    private static func entries(
        of whole: [[UInt8]], among kept: [FeedEntry], _ lanes: StoreLanes, in store: any ReplicaStore
    ) throws(StorageError) -> [FeedEntry] {
        guard !whole.isEmpty else { return [] }
        var found = kept.filter { $0.isOf(whole) }
        for (origin, position) in lanes.positions.sorted(by: { $0.key < $1.key }) {
            try store.read(origin, after: lanes.floors[origin] ?? 0, through: position) { if $0.isOf(whole) { found.append($0) } }
        }
        return found
    }

    private func commit(
        _ kept: [FeedEntry], _ building: [FeedEntry], _ lanes: StoreLanes, to store: inout any ReplicaStore
    ) throws(StorageError) {
        let had = Set(kept.map(\.dot))
        let wanted = Set(plan.staged.map(\.dot))
        let marks = plan.heads.map(FeedMark.init(of:))
        let theirs = Set(marks.map(\.origin))
        // Of what the host knows nothing of, nothing is taken for known here either.
        let gone = lanes.positions.keys.filter { !theirs.contains($0) }.sorted().map { FeedMark(origin: $0, position: .start) }
        try store.replace(
            marks + gone, keeping: plan.staged + building.filter { !had.contains($0.dot) },
            forgetting: kept.filter { !$0.isOf(plan.whole) && !wanted.contains($0.dot) }, followedBy: tail, rows: rows)
    }

    /// What the log goes on with behind the host's positions.
    private var tail: FeedBatch {
        let ends = Dictionary(underway.map { ($0.dot.origin, FeedMark(of: $0)) }, uniquingKeysWith: { $1 })
        return FeedBatch(
            ticket: 0, entries: underway, marks: ends.values.sorted { $0.origin < $1.origin },
            highWater: underway.reduce(.zero) { max($0, $1.stamp) })
    }

    private var rows: [ReplicaRow] {
        var rows = [Opened.row(plan.identity), ReplicaRow(key: MemberRows.away, value: nil)]
        rows += retention.changes(since: plan.stored).map { ReplicaRow(key: MemberRows.record($0.key), value: $0.value) }
        rows.append(
            ReplicaRow(key: MemberRows.baseline, value: Baseline(covered: plan.applied, whole: plan.whole).bytes))
        rows += plan.standing.subtracting(plan.superseded).sorted().map { ReplicaRow(key: MemberRows.superseded($0), value: nil) }
        rows += plan.superseded.sorted().map { ReplicaRow(key: MemberRows.superseded($0), value: []) }
        rows += news.sorted { $0.key < $1.key }.map { ReplicaRow(key: MemberRows.news($0.key), value: MemberRows.value(of: $0.value)) }
        rows += conflicts.sorted { $0.key < $1.key }
            .map { ReplicaRow(key: MemberRows.conflict($0.key), value: MemberRows.value(of: $0.value)) }
        // Their views are told of the new state after this commit: a crash between makes them begin anew.
        rows += plan.parts.map { ReplicaRow(key: Replica.staleKey($0), value: []) }
        return rows
    }
}

/// Sorts what a returner has.
private struct HomecomingJudge {
    let home: Homecoming
    let plan: HomecomingPlan
    private let known: Set<Dot>
    /// The host's entries of keyed parts that are current, by body key.
    private var current: [[UInt8]: KeyTable.Row] = [:]
    private(set) var news: [FeedEntry] = []
    private(set) var late: [FeedEntry] = []

    init(_ home: Homecoming, _ plan: HomecomingPlan) {
        self.home = home
        self.plan = plan
        known = Set(plan.staged.map(\.dot))
        for entry in plan.staged where !plan.superseded.contains(entry.dot) && isKeyed(entry) {
            let row = KeyTable.Row(entry)
            if current[Array(entry.key)].map({ row.supersedes($0) }) ?? true { current[Array(entry.key)] = row }
        }
    }

    /// Of parts that are not here nobody knows: what is keyed is judged with more care.
    private func isKeyed(_ entry: FeedEntry) -> Bool { entry.isOf(plan.keyed) || !entry.isOf(plan.parts) }

    mutating func look(at entry: FeedEntry) {
        guard !known.contains(entry.dot) else { return }
        guard isKeyed(entry) else { return lookAtUnkeyed(entry) }
        switch home.verdict(KeyTable.Row(entry), current: current[Array(entry.key)]) {
        case .known, .deleted, .underway: break
        case .news: news.append(entry)
        case .late: late.append(entry)
        }
    }

    /// Nothing removes what stands beside all else: only whether the host had it counts.
    private mutating func lookAtUnkeyed(_ entry: FeedEntry) {
        guard !home.applied.covers(entry.dot), !home.live.contains(entry.dot.origin) else { return }
        // It may come from its own origin yet, and would stand there twice.
        if plan.retention.isMember(entry.dot.origin) { late.append(entry) } else { news.append(entry) }
    }

    /// Entries that build on each other may be said twice.
    mutating func lookAtBuilding(_ entry: FeedEntry) {
        guard !home.applied.covers(entry.dot), !home.live.contains(entry.dot.origin), !known.contains(entry.dot) else { return }
        news.append(entry)
    }
}

extension KeyTable.Row {
    fileprivate init(_ entry: FeedEntry) { self.init(dot: entry.dot, stamp: entry.stamp, isRemoval: entry.kind == .removal, value: []) }
}
