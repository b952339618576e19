internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryMerge
internal import Synchronization

/// What came of a history with what is known of members where it comes from.
struct HistoryArrival: Sendable {
    var records: [Retention.Record] = []
    /// Entries that stand for a position alone.
    var superseded: Set<Dot> = []
    /// What the records say, when all have come and this replica may take the history.
    var retention: Retention?
    /// Entries that positions are believed for.
    var heads: [FeedEntry] = []
    /// Of a state that takes the place of this one: what came of parts that hold all of it in memory.
    var staged: [FeedEntry] = []
    /// Their charges.
    var stagedCharge = 0
}

extension Replica.State {
    /// What goes in front of a history: what is known of members, in as many messages as it takes. None without rules for members.
    func registryMessages(_ tag: UInt32, superseded: [Dot]) -> [[UInt8]] {
        guard let members, !members.isAway else { return [] }
        var messages: [[UInt8]] = []
        var (records, size) = ([Retention.Record](), 0)
        for record in members.retention.records {
            records.append(record)
            size += record.key.count + record.value.count
            guard size >= FeedLimits.framePreferred else { continue }
            messages.append(ReplicaMessage.registry(tag: tag, isLast: false, records, superseded: []).encoded)
            (records, size) = ([], 0)
        }
        messages.append(ReplicaMessage.registry(tag: tag, isLast: true, records, superseded: superseded).encoded)
        return messages
    }
}

extension Replica {
    // MARK: - Asking

    /// Asks the next peer for its state, while the one before does not answer.
    func seekHost(_ state: inout State, _ now: FeedInstant) {
        guard state.members?.isComingHome != true else { return }
        let former = state.members?.host
        if let former, let session = state.sessions[former.session], !session.isClosing,
            now.monotonic < former.askedAt + MemberState.joinInterval
        {
            return
        }
        if let former { giveUpHost(former.session, &state) }
        let candidates = state.sessionIDs.filter { id in
            state.sessions[id].map { $0.options.direction == .both && $0.header?.direction == .both && !$0.isClosing } ?? false
        }
        // One after the other.
        guard let next = candidates.first(where: { $0 > former?.session ?? 0 }) ?? candidates.first else { return }
        askHost(next, &state, now)
    }

    func askHost(_ id: UInt32, _ state: inout State, _ now: FeedInstant) {
        let tag = UInt32.random(in: 1 ... .max - 1)
        guard let members = state.members, var reception = HistoryReception(tag: tag, trust: configuration.trust) else { return }
        let identity = identity
        let request = JoinRequest(site: identity.site, epoch: identity.epoch, formerSelves: members.formerSelves.sorted())
        state.members?.host = (id, now.monotonic)
        send(ReplicaMessage.join(tag: tag, request).encoded, to: id, &state)
        for message in reception.subscribe() { send(message, to: id, &state) }
        state.sessions[id]?.reception = reception
        state.sessions[id]?.arrival = HistoryArrival()
    }

    private func giveUpHost(_ id: UInt32, _ state: inout State) {
        state.members?.host = nil
        state.sessions[id]?.reception = nil
        state.sessions[id]?.arrival = nil
    }

    func takeRefusal(_ tag: UInt32, _ refusal: JoinRefusal, at id: UInt32, _ state: inout State, _ now: FeedInstant) {
        guard let session = state.sessions[id], session.reception?.tag == tag, state.members?.host?.session == id else { return }
        switch refusal {
        case .retired:
            // Registered once, it could not come home for so long that it was retired again.
            beginLife(&state, because: "the origin was retired: this replica joins under another over the next session")
        case .unwelcome:
            giveUpHost(id, &state)
            close(id, ReplicaError(.refused, "the peer does not make this replica a member"), &state)
        // The next tick asks somebody else, in turn with this one.
        case .noMember: break
        }
    }

    // MARK: - Answering

    /// Makes a peer a member and gives it the state, when both are durable.
    func takeJoin(_ tag: UInt32, _ request: JoinRequest, at id: UInt32, _ state: inout State, _ now: FeedInstant) {
        guard let session = state.sessions[id], session.options.direction == .both, let header = session.header else { return }
        guard let members = state.members, !members.isAway else { return turnAway(tag, .noMember, id, &state) }
        guard !members.retention.barred.contains(header.origin) else { return turnAway(tag, .retired, id, &state) }
        let guest = FeedIdentity(cluster: header.cluster, site: request.site, origin: header.origin, epoch: request.epoch)
        do throws(FeedError) {
            // In its own feed, whoever else may have said so: who takes a later acknowledgement of this replica must have taken that there is a guest.
            let known = members.retention.members.first { $0.origin == guest.origin }
            if known?.registration.origin != identity.origin {
                let isWelcome = members.rules.welcomes(guest) && state.core.admits(guest.origin)
                guard isWelcome else { return turnAway(tag, .unwelcome, id, &state) }
                try say(.register(origin: guest.origin, site: guest.site, epoch: guest.epoch), &state, now)
            }
            for former in request.formerSelves where former != guest.origin {
                let member = members.retention.members.first { $0.origin == former }
                // All lives of a replica are of one site: nobody retires another's.
                guard let member, member.site == guest.site, !member.isRetiring else { continue }
                try say(.retire(origin: former, isForced: false), &state, now)
            }
        } catch {
            // Too much waits to become durable: the peer asks again.
            return
        }
        takeRequest(tag, [], at: id, &state, now)
    }

    private func turnAway(_ tag: UInt32, _ refusal: JoinRefusal, _ id: UInt32, _ state: inout State) {
        send(ReplicaMessage.turnedAway(tag: tag, refusal).encoded, to: id, &state)
    }

    /// Whether a peer is given a history from a digest on. What all members have seen is forgotten: to others, who may not have, it would never be said.
    func mayRepair(_ id: UInt32, since digest: CausalContext, _ state: State) -> Bool {
        guard let members = state.members else { return true }
        guard !members.isAway, let origin = state.sessions[id]?.header?.origin else { return false }
        return digest.isEmpty || members.retention.isMember(origin)
    }

    // MARK: - Taking

    /// What is known of members where a history comes from.
    func takeRegistry(
        _ tag: UInt32, _ isLast: Bool, _ records: [Retention.Record], _ superseded: [Dot], at id: UInt32, _ state: inout State
    ) throws(ReplicaError) {
        guard let members = state.members, let session = state.sessions[id], session.reception?.tag == tag else { return }
        var arrival = session.arrival ?? HistoryArrival()
        guard arrival.retention == nil else { throw ReplicaError(.protocolViolation, "records of members behind the last ones") }
        arrival.records += records
        arrival.superseded.formUnion(superseded)
        guard arrival.records.count <= 2 * FeedLimits.origins + 1, arrival.superseded.count <= FeedLimits.origins else {
            throw ReplicaError(
                .protocolViolation, "\(arrival.records.count) records of members, \(arrival.superseded.count) superseded entries")
        }
        state.sessions[id]?.arrival = arrival
        guard isLast else { return }
        let known: Retention
        do throws(FeedError) {
            known = try Retention(records: arrival.records, floor: members.rules.floor.wholeMilliseconds)
        } catch {
            throw ReplicaError(.protocolViolation, "\(error)", feed: error)
        }
        arrival.records = []
        let isHost = members.host?.session == id
        let mayTake = isHost ? known.isMember(identity.origin) : session.header.map { members.mayTake(known, from: $0.origin) } ?? false
        if mayTake { arrival.retention = known }
        state.sessions[id]?.arrival = arrival
        guard mayTake else { return try refuseHistory(id, &state) }
    }

    /// Nothing of a history is taken whose giver is no member here, and none without what is known of members where it comes from.
    func refuseHistory(_ id: UInt32, _ state: inout State) throws(ReplicaError) {
        guard let session = state.sessions[id] else { return }
        let error = FeedError(.unregistered, "a history of one that is no member here")
        events.add(.refused(session.handle.id, error))
        state.sessions[id]?.reception = nil
        state.sessions[id]?.arrival = nil
        if state.members?.host?.session == id { state.members?.host = nil }
        if session.isTaking { throw ReplicaError(.refused, "\(error)", feed: error) }
    }
}
