public import SkerryCRDT
public import SkerryGossip
internal import Synchronization

extension Replica {
    // MARK: - Looking

    /// The members, as this replica knows them; nil without ``ReplicaConfiguration/members``.
    public var membership: ReplicaMembership? {
        state.withLock { state in
            state.members.map {
                ReplicaMembership(
                    isMember: !$0.isAway, members: $0.retention.members, fences: $0.retention.fences, horizon: $0.retention.horizon,
                    cut: $0.retention.cut)
            }
        }
    }

    /// What came home with this replica and waits for a decision, in the order in which it was found.
    public var conflicts: [ReplicaConflict] {
        state.withLock { state in
            (state.members?.conflicts ?? [:]).sorted { $0.key < $1.key }.map { place, entry in
                let prefix = PartName.prefix(of: entry)
                let name = prefix.map { String(decoding: $0.dropFirst(), as: UTF8.self) } ?? ""
                return ReplicaConflict(id: place, part: name, entry: ReplicaEntry(entry, keyStart: prefix?.count ?? 0))
            }
        }
    }

    // MARK: - Deciding

    /// Settles a conflict: what is kept is written again, as new.
    ///
    /// Nothing happens when it was settled before.
    ///
    /// - Throws: ``FeedError`` when nothing can be written now; the conflict stays then.
    public func resolve(_ conflict: ReplicaConflict, keeping: Bool) throws(FeedError) {
        let now = configuration.now()
        try state.withLock { state throws(FeedError) in
            guard let entry = state.members?.conflicts[conflict.id] else { return }
            let row = ReplicaRow(key: MemberRows.conflict(conflict.id), value: nil)
            if keeping {
                guard state.members?.isAway == false else { throw FeedError(.unregistered, "the replica is no member yet, or no longer") }
                try writeAgain(entry, forgetting: row, &state, now)
            } else {
                state.work.append(.rows([row]))
            }
            state.members?.conflicts[conflict.id] = nil
        }
        settle()
    }

    /// Proposes that a member is retired: in force when all others know of it, and these are more than half of the members.
    ///
    /// - Parameter isForced: an operator's decision that those that remain are the cluster, however few they are.
    /// - Throws: ``FeedError``; `unregistered` where this replica, or the other, is no member.
    public func retire(_ origin: OriginID, isForced: Bool = false) throws(FeedError) {
        let now = configuration.now()
        try state.withLock { state throws(FeedError) in
            guard let members = state.members, !members.isAway, members.retention.isMember(origin) else {
                throw FeedError(.unregistered, "there is no such member")
            }
            try say(.retire(origin: origin, isForced: isForced), &state, now)
        }
        settle()
    }

    /// Says that the store is a copy that was restored: peers may have seen this replica write what it no longer knows, and must not see it write something else
    /// under the same numbers. It begins another life, and comes home over the next session. Before the first session and the first write.
    ///
    /// Holds when ``durable()`` has returned after it: where that throws, the store is opened again and this said again. Nothing happens without rules for members.
    public func renew() {
        state.withLock { beginLife(&$0, because: "this replica was restored from a copy: it comes home over the next session") }
        settle()
    }

    /// An operator's decision that this replica is the cluster, for when nobody is left who could make it a member: all other members are retired at once, and
    /// come home to it when they return.
    ///
    /// - Throws: ``ReplicaError``, `invalid` without rules for members, or while this replica takes a member's state over, `storeFailed`.
    public func refound() async throws(ReplicaError) {
        try await durable()
        let feeds = try await onStore { $0.state }
        let now = configuration.now()
        let isKnown = state.withLock { state in
            // A member's state that is being put in place of this one would undo it.
            guard var members = state.members, !members.isComingHome else { return false }
            let identity = identity
            members.retention.refound(
                origin: identity.origin, site: identity.site, epoch: identity.epoch, applied: members.applied)
            let wasAway = members.isAway
            (members.isAway, members.host) = (false, nil)
            let rows = [ReplicaRow(key: MemberRows.away, value: nil)] + members.takeChanges()
            state.members = members
            state.work.append(.rows(rows))
            // While it was away it wrote nothing and took nothing.
            begin(as: identity, on: wasAway ? feeds : nil, &state, now)
            return true
        }
        guard isKnown else { throw ReplicaError(.invalid, "the replica has no rules for members, or is coming home") }
        settle()
    }

    // MARK: - Saying

    /// Writes a statement about members.
    func say(_ change: RegistryChange, _ state: inout State, _ now: FeedInstant) throws(FeedError) {
        try state.core.publish(.registry, key: [], value: change.encoded, now: now, into: &state.actions)
        settle(&state, now)
    }

    /// Writes what another life had written, and forgets in the same commit that it was to be written.
    private func writeAgain(_ entry: FeedEntry, forgetting row: ReplicaRow, _ state: inout State, _ now: FeedInstant) throws(FeedError) {
        try state.core.publish(entry.kind, key: Array(entry.key), value: Array(entry.value), now: now, into: &state.actions)
        state.members?.pending.append(row)
        settle(&state, now)
    }

    /// Writes again what nobody has seen of former lives, as much as may be written now.
    func writeNews() {
        let now = configuration.now()
        state.withLock { writeNews(&$0, now) }
        settle()
    }

    private func writeNews(_ state: inout State, _ now: FeedInstant) {
        guard let members = state.members, !members.isAway, state.failure == nil else { return }
        for (place, entry) in members.news.sorted(by: { $0.key < $1.key }) {
            do throws(FeedError) {
                try writeAgain(entry, forgetting: ReplicaRow(key: MemberRows.news(place), value: nil), &state, now)
                state.members?.news[place] = nil
            } catch {
                // Too much waits to become durable: with the next tick.
                return
            }
        }
    }

    // MARK: - What follows

    /// Tells the core who the members are, after anything about them changed.
    func enforceMembers(_ state: inout State) {
        guard let members = state.members, !members.isAway else { return }
        let now = configuration.now()
        let admitted = members.retention.members.map(\.origin)
        state.core.horizon = members.retention.horizon
        bar(&state)
        if admitted != members.admitted {
            state.members?.admitted = admitted
            admit(Set(admitted), &state, now)
        }
        settle(&state, now)
        // Who is to come home is judged by others.
        if state.members?.barred.contains(identity.origin) ?? false { exile(&state) } else { withdraw(&state) }
    }

    /// Tells the core from whom nothing is taken any more, in the moment in which that is known: an acknowledgement of it must not leave out what is taken later.
    func bar(_ state: inout State) {
        guard let members = state.members, !members.isAway else { return }
        let barred = members.retention.barred
        guard barred != members.barred || members.retention.fences.count != members.fenceCount else { return }
        state.members?.barred = barred
        state.members?.fenceCount = members.retention.fences.count
        for origin in barred {
            state.exhausted.remove(origin)
            state.core.fence(origin, through: members.fence(of: origin), into: &state.actions)
        }
    }

    /// Takes out of the parts what a history that was torn brought of retired origins, and nobody else may take any more: it is written again, or decided about.
    private func withdraw(_ state: inout State) {
        guard var members = state.members, members.withdrawnFences != members.fenceCount else { return }
        members.withdrawnFences = members.fenceCount
        let fences = Dictionary(members.retention.fences.map { ($0.origin, $0.through) }, uniquingKeysWith: { $1 })
        let gone = state.forget { entry in fences[entry.origin].map { entry.dot.sequence > $0 } ?? false }
        var (rows, place) = (gone.rows, members.freePlace)
        for entry in gone.entries.map(\.feed) {
            defer { place += 1 }
            // What was forgotten here may have removed it.
            let isLate = entry.stamp <= members.retention.horizon
            rows.append(ReplicaRow(key: isLate ? MemberRows.conflict(place) : MemberRows.news(place), value: MemberRows.value(of: entry)))
            if isLate { members.conflicts[place] = entry } else { members.news[place] = entry }
        }
        state.members = members
        guard !gone.entries.isEmpty else { return }
        state.work.append(.withdraw(gone.entries.map(\.feed), rows))
    }

    /// This replica was retired: it comes home over the next session.
    private func exile(_ state: inout State) {
        guard state.members?.isAway == false else { return }
        beginLife(&state, because: "this replica was retired: it comes home over the next session")
        events.add(.retired)
    }

    /// Begins another life, under another origin, also where the one before had not joined yet. All sessions end.
    func beginLife(_ state: inout State, because reason: String) {
        guard var members = state.members, !state.isDisposed else { return }
        var identity = identity
        let rows = members.beginLife(&identity, configuration)
        state.members = members
        who.withLock { $0 = identity }
        state.work.append(.rows(rows))
        for id in state.sessionIDs { close(id, ReplicaError(.refused, reason), &state) }
    }

    /// A peer refuses what this replica wrote.
    func refusedOwn(_ error: FeedError, by peer: FeedPeerID, _ state: inout State, _ now: FeedInstant) {
        guard let members = state.members, !members.isAway, error.dot?.origin == identity.origin else { return }
        switch error.code {
        case .fenced: exile(&state)
        case .unregistered:
            // Whoever has nothing of what is here belongs to another cluster, whatever it says of itself.
            guard state.core.sharesOrigins(with: peer) else { return }
            // It may become a member there yet, unless its registration cannot arrive, or has not for long.
            let pause = 2 * FeedLimits.pauseInterval
            let first = members.turnedDown.flatMap { now.monotonic <= $0.last + pause ? $0.first : nil } ?? now.monotonic
            state.members?.turnedDown = (first, now.monotonic)
            if members.retention.isOrphaned(identity.origin) || now.monotonic > first + pause { exile(&state) }
        default: break
        }
    }

    /// Time passes.
    func tickMembers(_ state: inout State, _ now: FeedInstant) {
        guard var members = state.members, state.failure == nil else { return }
        let elapsed = now.monotonic - min(now.monotonic, members.tickedAt)
        let isInTouch = state.sessions.values.contains { $0.isSynchronised && !$0.isClosing }
        members.contact = isInTouch ? members.contact + min(elapsed, 2 * FeedLimits.tickInterval) : 0
        members.tickedAt = now.monotonic
        state.members = members
        guard !members.isAway else { return seekHost(&state, now) }
        let rules = members.rules
        let last = members.acknowledgedAt
        let isDue =
            members.retention.wantsAcknowledgement(since: last, interval: rules.acknowledgement.wholeMilliseconds, now: now.monotonic)
            || last + rules.retention.wholeMilliseconds / 4 <= now.monotonic
        if isDue {
            state.members?.acknowledgedAt = now.monotonic
            // What cannot be said now is said with the next tick that it is due.
            try? say(.acknowledge(state.core.durable), &state, now)
        }
        retireSilent(&state, now)
        writeNews(&state, now)
    }

    /// Proposes to retire who has been silent for too long, as far as this replica can know.
    private func retireSilent(_ state: inout State, _ now: FeedInstant) {
        guard let members = state.members else { return }
        let retention = members.rules.retention.wholeMilliseconds
        guard members.contact >= min(MemberState.contactMinimum, retention / 8) else { return }
        let overdue = members.retention.overdue(own: identity.origin, retention: retention) { origin in
            state.heads[origin].map { now.wall - min(now.wall, $0.stamp.milliseconds) } ?? members.silence(of: origin, now)
        }
        for origin in overdue { try? say(.retire(origin: origin, isForced: false), &state, now) }
        let rows = state.members?.noteFirstSight(of: members.retention.members.map(\.origin).filter { state.heads[$0] == nil }, now) ?? []
        if !rows.isEmpty { state.work.append(.rows(rows)) }
    }

    /// Whether ``compact()`` should run by itself.
    var isCollectionDue: Bool {
        let now = configuration.now().monotonic
        return state.withLock { state in
            guard let members = state.members, !members.isAway, state.failure == nil else { return false }
            return members.collectedAt + members.rules.collection.wholeMilliseconds <= now
        }
    }
}
