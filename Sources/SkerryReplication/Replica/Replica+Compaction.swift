internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryStorage
internal import Synchronization

extension Replica {
    /// Trims the log to what the parts still keep: entries that were superseded go, those alive stay beside the log. Peers that lack what is gone
    /// get the parts' histories (``Replicated/history(since:)``).
    ///
    /// With rules for members (``MemberRules``) removals that all members have seen are forgotten, and the log keeps what some have not. Runs by itself then.
    ///
    /// With a part that needs the log (``Replicated/needsLog``) nothing is trimmed. Returns when it is durable. The last entry of each origin always stays.
    ///
    /// - Returns: how many entries are still kept.
    /// - Complexity: O(entries alive); what is alive and leaves the log is written once more.
    /// - Throws: ``ReplicaError`` with `storeFailed`.
    @discardableResult
    public func compact() async throws(ReplicaError) -> Int {
        try await durable()
        let kept = try await onStore { store throws(StorageError) in try store.kept() }
        let now = configuration.now()
        var alive = 0
        await withCheckedContinuation { continuation in
            let isWorkable = state.withLock { state in
                guard state.failure == nil else { return false }
                let forgotten = state.forgetRemovals(now: now)
                state.statistics.forgotten += UInt64(forgotten)
                let plan = state.compaction(kept: kept)
                alive = plan.alive
                state.work.append(.compact(plan, done: continuation))
                return true
            }
            if isWorkable { settle() } else { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw ReplicaError(.storeFailed, failure) }
        return alive
    }
}

/// What to trim, and what then has to be kept beside the log.
struct CompactionPlan: Sendable {
    var floors: [Dot]
    var keeping: [FeedEntry]
    var forgetting: [FeedEntry]
    /// Committed with what is kept.
    var rows: [ReplicaRow]
    /// How many entries are alive.
    var alive: Int
}

extension Replica.State {
    /// Takes the removals out of the parts that all members have seen.
    ///
    /// - Returns: how many went.
    fileprivate mutating func forgetRemovals(now: FeedInstant) -> Int {
        // What members say counts from the moment on that all it stands on is here.
        guard var members, !members.isAway, adoptions == 0 else { return 0 }
        let cut = members.retention.cut
        var gone: [ReplicaEntry] = []
        for part in partOrder.compactMap({ parts[$0] }) where part.forgetsRemovals {
            gone += part.forget { entry in
                entry.isRemoval && members.retention.isDroppable(entry.dot, stamp: entry.stamp, cut: cut, now: now.wall)
            }
        }
        for entry in gone { members.retention.dropped(entry.stamp) }
        members.collectedAt = now.monotonic
        self.members = members
        return gone.count
    }

    fileprivate mutating func compaction(kept: [FeedEntry]) -> CompactionPlan {
        let floors = trimmableFloors
        let whole = wholePrefixes
        let durable = core.durable
        let trimmed = CausalContext(covering: floors)
        // What was forgotten must not come back out of the log when the replica is opened: no entry of it counts then, and all that are alive stand beside it.
        let isSettled = members?.isAway == false
        let covered = isSettled ? durable : trimmed
        let alive =
            partOrder.compactMap { parts[$0] }.flatMap { $0.history(since: CausalContext()) } + unclaimed.entries(since: CausalContext())
        let wanted = Set(alive.map(\.dot))
        let had = Set(kept.map(\.dot))
        let keeping = alive.filter { covered.covers($0.dot) && !had.contains($0.dot) }.map(\.feed)
        // What lies behind the position of its origin may be what leads to the next one, unless it lies behind its fence. Parts whose entries build on each other need all of theirs, and do
        // not say which.
        let forgetting = kept.filter {
            !$0.isOf(whole) && !wanted.contains($0.dot) && heads[$0.dot.origin]?.dot != $0.dot
                && (durable.covers($0.dot) || core.isFenced($0.dot))
        }
        let rows = isSettled ? settle(Baseline(covered: covered, whole: whole), alive: wanted) : []
        return CompactionPlan(
            floors: floors, keeping: keeping.sorted { $0.dot < $1.dot }, forgetting: forgetting, rows: rows, alive: alive.count)
    }

    /// Up to where the log may be trimmed: one before the last entry, which is what others believe a position for, and with rules for members no further
    /// than all have come.
    private var trimmableFloors: [Dot] {
        guard !parts.values.contains(where: \.needsLog), members?.isAway != true else { return [] }
        let cut = members?.retention.cut
        return core.marks.compactMap { mark in
            let through = min(mark.position.sequence - 1, cut?.sequence(of: mark.origin) ?? .max)
            return through > 0 ? Dot(origin: mark.origin, sequence: through) : nil
        }
    }

    /// Rows that say what counts when the replica is opened, and what is known of members.
    private mutating func settle(_ baseline: Baseline, alive: Set<Dot>) -> [ReplicaRow] {
        let standing = Set(heads.values.filter { !alive.contains($0.dot) && !$0.isOf(baseline.whole) }.map(\.dot))
        let gone = superseded.subtracting(standing).sorted().map { ReplicaRow(key: MemberRows.superseded($0), value: nil) }
        let new = standing.subtracting(superseded).sorted().map { ReplicaRow(key: MemberRows.superseded($0), value: []) }
        superseded = standing
        return [ReplicaRow(key: MemberRows.baseline, value: baseline.bytes)] + gone + new + (members?.takeChanges() ?? [])
    }
}
