internal import SkerryCRDT
internal import SkerryGossip
internal import Synchronization

extension Replica {
    /// All of a member's state has come: it is put in place of what is here.
    func planHomecoming(_ arrival: HistoryArrival, at id: UInt32, _ state: inout State) {
        guard let members = state.members, let retention = arrival.retention else { return }
        state.sessions[id]?.arrival = nil
        state.members?.isComingHome = true
        var own = state.unclaimed.entries(since: CausalContext())
        for part in state.partOrder.compactMap({ state.parts[$0] }) { own += part.history(since: CausalContext()) }
        let heads = arrival.heads.sorted { $0.dot < $1.dot }
        let standing = Set(heads.map(\.dot)).intersection(arrival.superseded)
        state.work.append(
            .comeHome(
                HomecomingPlan(
                    session: id, identity: identity, retention: retention, staged: arrival.staged, superseded: standing, heads: heads,
                    own: own.map(\.feed), keyed: state.partOrder.filter { state.parts[$0]?.isKeyed ?? false }, whole: state.wholePrefixes,
                    parts: state.partOrder, formerSelves: members.formerSelves, standing: state.superseded,
                    place: members.freePlace, stored: members.stored)))
    }

    /// The store holds a member's state in place of what was here, and what is to be written again.
    func cameHome(_ result: HomecomingResult, _ state: inout State, _ now: FeedInstant) {
        guard var members = state.members else { return }
        let plan = result.plan
        members.retention.adopt(result.retention)
        members.stored = result.retention
        members.applied = result.applied
        (members.isAway, members.isComingHome, members.host, members.turnedDown) = (false, false, nil, nil)
        members.news.merge(result.news) { $1 }
        members.conflicts.merge(result.conflicts) { $1 }
        (members.admitted, members.barred, members.fenceCount, members.withdrawnFences) = ([], [], 0, 0)
        state.members = members
        state.superseded = plan.superseded
        var rows = replaceParts(with: plan, &state)
        rows += result.underway.flatMap { state.apply($0) }
        rows += plan.parts.map { ReplicaRow(key: Self.staleKey($0), value: nil) }
        state.work.append(.rows(rows))
        state.heads = [:]
        for head in plan.heads + result.underway { state.hold(head) }
        begin(as: plan.identity, on: result.feeds, &state, now)
        state.core.observe(plan.staged.reduce(.zero) { max($0, $1.stamp) })
        events.add(.joined(plan.identity, news: result.news.count, conflicts: result.conflicts.count))
    }

    /// Gives the parts a member's entries in place of their own.
    ///
    /// - Returns: rows of their views.
    private func replaceParts(with plan: HomecomingPlan, _ state: inout State) -> [ReplicaRow] {
        let wanted = Set(plan.staged.map(\.dot)).subtracting(plan.superseded)
        var rows: [ReplicaRow] = []
        for prefix in state.partOrder where !plan.whole.contains(prefix) {
            guard let part = state.parts[prefix] else { continue }
            _ = part.forget { !wanted.contains($0.dot) }
            rows += part.takeRows()
        }
        for entry in state.unclaimed.entries(since: CausalContext()) where !wanted.contains(entry.dot) { state.unclaimed.remove(entry.dot) }
        for entry in plan.staged.sorted(by: { ($0.stamp, $0.dot) < ($1.stamp, $1.dot) }) where wanted.contains(entry.dot) {
            rows += state.apply(entry)
        }
        return rows
    }

    /// Begins to take part under an identity: with a core of its own, on the sessions that are there.
    func begin(as identity: FeedIdentity, on feeds: FeedState? = nil, _ state: inout State, _ now: FeedInstant) {
        if let feeds {
            state.core = FeedCore(identity: identity, state: feeds, trust: configuration.trust, now: now)
            // Tickets are the core's.
            (state.lastTicket, state.durableTicket, state.pendingHeads, state.exhausted) = (0, 0, [], [])
            for id in state.sessionIDs { state.sessions[id]?.transferTicket = 0 }
        }
        enforceMembers(&state)
        for id in state.sessionIDs where state.sessions[id]?.isAttached == false && state.sessions[id]?.isClosing == false {
            guard let session = state.sessions[id], session.options.direction == .both else { continue }
            do throws(ReplicaError) { try attach(id, &state, now) } catch {
                close(id, error, &state)
                continue
            }
            let early = session.early
            state.sessions[id]?.early = []
            for message in early { takeFeed(message, at: id, &state, now) }
        }
    }
}
