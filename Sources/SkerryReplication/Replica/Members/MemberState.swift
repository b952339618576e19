internal import SkerryCRDT
internal import SkerryGossip

/// What a replica with rules for members knows of them; guarded by the replica's lock.
struct MemberState: Sendable {
    let rules: MemberRules
    var retention: Retention
    /// What the store has of it, with the work that is on its way there.
    var stored: Retention
    /// What was taken, durable or not.
    var applied: CausalContext
    /// Whether this replica is no member, and has to take a member's state over before it writes.
    var isAway: Bool
    /// Origins under which this replica wrote in former lives.
    var formerSelves: Set<OriginID>
    /// Written in former lives, seen by nobody, and not written again yet: by place in the store.
    var news: [UInt64: FeedEntry] = [:]
    /// What somebody has to decide about.
    var conflicts: [UInt64: FeedEntry] = [:]
    /// Rows that go with the next commit of entries.
    var pending: [ReplicaRow] = []
    /// The session over which a member's state comes, and when it was asked.
    var host: (session: UInt32, askedAt: UInt64)?
    /// Whether all of a member's state has come, and the store puts it in place of this one's: no other is asked for.
    var isComingHome = false

    // MARK: What the core was told

    var admitted: [OriginID] = []
    var barred: [OriginID] = []
    var fenceCount = 0
    /// How many fences there were when last it was looked for what lies behind them.
    var withdrawnFences = 0

    // MARK: Time, milliseconds of the monotonic clock

    var acknowledgedAt: UInt64
    var collectedAt: UInt64
    var tickedAt: UInt64
    /// Since when this replica has been in touch with the others without a break, counted in ticks: a process that did not run accuses nobody.
    var contact: UInt64 = 0
    /// When members were first seen of which nothing has come, wall time; as the store has it.
    var firstSeen: [OriginID: UInt64] = [:]
    /// When peers first and last said that this replica is no member, in a row.
    var turnedDown: (first: UInt64, last: UInt64)?

    /// Not before so long in touch is anybody held for silent: news of it may be on the way.
    static let contactMinimum: UInt64 = 600_000
    /// Until another session is asked for a member's state.
    static let joinInterval: UInt64 = 5_000

    init(rules: MemberRules, retention: Retention, applied: CausalContext, isAway: Bool, formerSelves: Set<OriginID>, now: UInt64) {
        self.rules = rules
        self.retention = retention
        stored = retention
        self.applied = applied
        self.isAway = isAway
        self.formerSelves = formerSelves
        (acknowledgedAt, collectedAt, tickedAt) = (now, now, now)
    }

    /// Takes entries that go to the store, in order.
    ///
    /// - Returns: rows to commit with them.
    mutating func apply(_ entries: [FeedEntry], own: OriginID) -> [ReplicaRow] {
        for entry in entries {
            applied.insert(entry.dot)
            // A statement that is none changes nothing, here and everywhere.
            try? retention.apply(entry, own: own, applied: applied)
        }
        return takeChanges()
    }

    /// Rows that bring the store to what is known.
    mutating func takeChanges() -> [ReplicaRow] {
        defer { (stored, pending) = (retention, []) }
        return pending + retention.changes(since: stored).map { ReplicaRow(key: MemberRows.record($0.key), value: $0.value) }
    }

    /// How long a member of which nothing ever came has been known.
    func silence(of origin: OriginID, _ now: FeedInstant) -> UInt64 { firstSeen[origin].map { now.wall - min(now.wall, $0) } ?? 0 }

    /// Notes since when members are known of which nothing has come: they are there to be retired after any number of restarts.
    ///
    /// - Returns: the rows that change.
    mutating func noteFirstSight(of silent: [OriginID], _ now: FeedInstant) -> [ReplicaRow] {
        let gone = Set(firstSeen.keys).subtracting(silent)
        // A clock that was ahead when it was noted must not keep a member for as long.
        let new = silent.filter { firstSeen[$0].map { $0 > now.wall } ?? true }
        for origin in gone { firstSeen[origin] = nil }
        for origin in new { firstSeen[origin] = now.wall }
        return gone.sorted().map { MemberRows.firstSeen($0, nil) } + new.map { MemberRows.firstSeen($0, now.wall) }
    }

    /// The first free place of news and conflicts.
    var freePlace: UInt64 { max(news.keys.max() ?? 0, conflicts.keys.max() ?? 0) + 1 }

    func fence(of origin: OriginID) -> UInt64? { retention.fences.first { $0.origin == origin }?.through }

    /// Whether the state of a peer may be joined here.
    func mayTake(_ other: Retention, from giver: OriginID) -> Bool { !isAway && retention.mayJoin(other, of: giver) }
}
