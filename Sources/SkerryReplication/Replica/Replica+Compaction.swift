internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryStorage
internal import Synchronization

extension Replica {
    /// Trims the log to what the parts still keep: entries that were superseded go, those alive stay beside the log. Peers that lack what is gone
    /// get the parts' histories (``Replicated/history(since:)``).
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
        var alive = 0
        await withCheckedContinuation { continuation in
            let isWorkable = state.withLock { state in
                guard state.failure == nil else { return false }
                let plan = state.compaction(kept: kept)
                alive = plan.alive
                state.work.append(.compact(floors: plan.floors, keeping: plan.keeping, forgetting: plan.forgetting, done: continuation))
                return true
            }
            if isWorkable { settle() } else { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw ReplicaError(.storeFailed, failure) }
        return alive
    }
}

extension Replica.State {
    /// What to trim, and what then has to be kept beside the log.
    func compaction(kept: [FeedEntry]) -> (floors: [Dot], keeping: [FeedEntry], forgetting: [FeedEntry], alive: Int) {
        let marks = core.marks
        // One before the last, which is what others believe a position for.
        let isTrimmed = !parts.values.contains { $0.needsLog }
        let floors =
            !isTrimmed ? [] : marks.filter { $0.position.sequence > 1 }.map { Dot(origin: $0.origin, sequence: $0.position.sequence - 1) }
        let trimmed = CausalContext(covering: floors)
        let alive =
            partOrder.compactMap { parts[$0] }.flatMap { $0.history(since: CausalContext()) } + unclaimed.entries(since: CausalContext())
        let wanted = Set(alive.map(\.dot))
        let had = Set(kept.map(\.dot))
        let keeping = alive.filter { trimmed.covers($0.dot) && !had.contains($0.dot) }.map(\.feed)
        // What lies behind the position of its origin may be what leads to the next one.
        let durable = core.durable
        // Parts whose entries build on each other need all of theirs, and do not say which.
        let whole = wholePrefixes
        let forgetting = kept.filter {
            !$0.isOf(whole) && !wanted.contains($0.dot) && heads[$0.dot.origin]?.dot != $0.dot && durable.covers($0.dot)
        }
        return (floors, keeping.sorted { $0.dot < $1.dot }, forgetting, alive.count)
    }
}
