internal import SkerryCRDT
internal import SkerryGossip
internal import Synchronization

/// Histories: what the parts keep goes to whoever lacks what the log no longer holds, and to streams that are only written.
extension Replica {
    // MARK: - Asking

    /// Asks a peer whose log begins behind what is here.
    func requestHistory(_ id: UInt32, _ state: inout State) {
        guard let session = state.sessions[id], session.reception == nil, !session.isClosing else { return }
        let tag = UInt32.random(in: 1 ... .max - 1)
        guard var reception = HistoryReception(tag: tag, trust: configuration.trust) else { return }
        send(ReplicaMessage.request(tag: tag, state.core.durable.dots).encoded, to: id, &state)
        for message in reception.subscribe() { send(message, to: id, &state) }
        state.sessions[id]?.reception = reception
        state.sessions[id]?.arrival = nil
    }

    // MARK: - Taking

    func takeHistory(_ message: [UInt8], at id: UInt32, _ state: inout State, _ now: FeedInstant) throws(ReplicaError) {
        guard let session = state.sessions[id], var reception = session.reception else { return }
        if state.members != nil, session.arrival?.retention == nil { return try refuseHistory(id, &state) }
        let isState = state.members?.host?.session == id
        if session.isPushed, session.isTaking, session.unsynced > Self.unsyncedMaximum {
            throw ReplicaError(.overloaded, "\(session.unsynced) bytes of a history are not durable yet")
        }
        let entries: [FeedEntry]
        let strangers: Set<OriginID>
        do throws(FeedError) {
            entries = try reception.receive(message)
            strangers = isState ? [] : state.strangers(among: entries, at: id)
            let bound = now.wall + state.core.clock.futureBound
            if let early = entries.first(where: { $0.stamp.milliseconds > bound }) {
                throw FeedError(
                    .futureStamp, "a stamp is \(early.stamp.milliseconds - now.wall) ms ahead", dot: early.dot,
                    amount: early.stamp.milliseconds - bound)
            }
            for entry in entries where !strangers.contains(entry.dot.origin) && !state.core.admits(entry.dot.origin) {
                throw FeedError(.limitExceeded, "too many origins", dot: entry.dot)
            }
            // What was passed over leads to no position, even if its origin is a member when the positions come.
            reception.forget(strangers)
        } catch {
            events.add(.refused(session.handle.id, error))
            // Nothing of the message is taken, and no position that it would lead to.
            state.sessions[id]?.reception = nil
            if let end = ReplicaError(endingBecauseOf: error) { throw end }
            // What comes one way comes once: without an end nobody would hear that the rest was passed over.
            if session.isTaking { throw ReplicaError(.refused, "\(error)", feed: error) }
            return
        }
        state.sessions[id]?.reception = reception
        guard !entries.isEmpty else { return }
        if let first = entries.first(where: { strangers.contains($0.dot.origin) }) {
            events.add(.refused(session.handle.id, FeedError(.unregistered, "the origin is no member here", dot: first.dot)))
        }
        guard !isState else {
            return try stage(entries, HistoryCharge(session: id, tag: reception.tag, charge: entries.charge), &state, now)
        }
        let passed = strangers.union(state.core.frozenOrigins)
        // What is here already, or was and is forgotten, does not come again.
        let known = state.members == nil ? CausalContext() : state.core.durable
        let taken = entries.filter { !passed.contains($0.dot.origin) && !state.core.isFenced($0.dot) && !known.covers($0.dot) }
        // What is written next is stamped behind all that was seen.
        state.core.observe(taken.reduce(.zero) { max($0, $1.stamp) })
        let superseded = session.arrival?.superseded ?? []
        var rows = taken.flatMap { superseded.contains($0.dot) ? [] : state.apply($0) }
        for dot in taken.map(\.dot) where superseded.contains(dot) && state.superseded.insert(dot).inserted {
            rows.append(ReplicaRow(key: MemberRows.superseded(dot), value: []))
        }
        let charge = HistoryCharge(session: id, tag: reception.tag, charge: entries.charge)
        state.sessions[id]?.unsynced += charge.charge
        state.work.append(.keep(taken, rows, charge))
    }

    /// Entries of a state that takes the place of this one wait in memory until all have come, as those of the parts do that hold them. Those that build on
    /// each other may be taken at once.
    private func stage(
        _ entries: [FeedEntry], _ charge: HistoryCharge, _ state: inout State, _ now: FeedInstant
    ) throws(ReplicaError) {
        let whole = state.wholePrefixes
        let size = (state.sessions[charge.session]?.arrival?.stagedCharge ?? 0) + charge.charge
        guard let bound = state.members?.rules.stateMaximum, size <= bound else {
            let error = FeedError(.limitExceeded, "a state of at least \(size) bytes is larger than the rules allow")
            throw ReplicaError(.refused, "\(error)", feed: error)
        }
        state.sessions[charge.session]?.arrival?.stagedCharge = size
        state.members?.host?.askedAt = now.monotonic
        state.sessions[charge.session]?.arrival?.staged += entries.filter { !$0.isOf(whole) }
        let building = entries.filter { $0.isOf(whole) }
        state.sessions[charge.session]?.unsynced += charge.charge
        state.work.append(.keep(building, building.flatMap { state.apply($0) }, charge))
    }

    /// The store has what was handed out.
    ///
    /// - Returns: who may go on.
    func historyKept(_ charge: HistoryCharge, _ state: inout State) -> CheckedContinuation<Void, Never>? {
        let id = charge.session
        guard let session = state.sessions[id] else { return nil }
        state.sessions[id]?.unsynced -= charge.charge
        if session.reception?.tag == charge.tag {
            for message in state.sessions[id]?.reception?.persisted(charge: charge.charge) ?? [] { send(message, to: id, &state) }
        }
        guard session.unsynced - charge.charge <= FeedLimits.window else { return nil }
        state.sessions[id]?.roomWaiter = nil
        return session.roomWaiter
    }

    /// Waits while more than a window of a history that comes one way is not durable: nothing else holds its writer back.
    func historyRoom(_ id: UInt32) async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard let session = state.sessions[id], session.isTaking, session.unsynced > FeedLimits.window else { return true }
                state.sessions[id]?.roomWaiter = continuation
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func takeMarks(
        _ marks: [FeedMark], _ tag: UInt32, _ isLast: Bool, at id: UInt32, _ state: inout State, _ now: FeedInstant
    ) throws(ReplicaError) {
        guard let session = state.sessions[id], let reception = session.reception, reception.tag == tag else { return }
        if state.members != nil, session.arrival?.retention == nil { return try refuseHistory(id, &state) }
        let believed = reception.believed(marks).compactMap { reception.heads[$0.origin] }
        // What is known of members where it comes from stands on all positions.
        guard state.members == nil || believed.count == marks.count else {
            throw ReplicaError(.protocolViolation, "a history whose last entries do not lead to its positions")
        }
        if state.members?.host?.session == id {
            state.sessions[id]?.arrival?.heads += believed
        } else {
            take(positions: believed, at: id, &state)
        }
        guard state.sessions[id]?.arrival?.heads.count ?? 0 <= FeedLimits.origins else {
            throw ReplicaError(.protocolViolation, "a history leads to more positions than there are origins")
        }
        guard isLast else { return }
        if state.members?.host?.session == id, let arrival = state.sessions[id]?.arrival {
            planHomecoming(arrival, at: id, &state)
        } else {
            takePositions(at: id, &state)
            settle(&state, now)
        }
        state.statistics.repairs += 1
        events.add(.repaired(session.handle.id, entries: reception.count))
        // What comes one way goes on with the next tag.
        let isOneWay = session.isTaking
        state.sessions[id]?.reception = isOneWay ? HistoryReception(unaskedWith: tag &+ 1, trust: configuration.trust) : nil
        state.sessions[id]?.arrival = nil
        if isOneWay { synchronised(id, &state, now) }
    }

    /// Positions of a history, by the entries that lead to them. With rules for members they wait until all have come: what the giver knows of members counts from
    /// the moment on that all it stands on is here.
    private func take(positions believed: [FeedEntry], at id: UInt32, _ state: inout State) {
        for head in believed where state.core.isFenced(head.dot) { state.exhausted.insert(head.dot.origin) }
        let frozen = Set(state.core.frozenOrigins)
        let heads = believed.filter { head in
            !frozen.contains(head.dot.origin) && !state.core.isFenced(head.dot) && state.isAdmitted(head.dot.origin, at: id)
                && state.core.admits(head.dot.origin)
        }
        guard state.members == nil else {
            state.sessions[id]?.arrival?.heads += heads
            return
        }
        state.work.append(.adopt(heads, keeping: state.alive(upTo: heads), whole: state.wholePrefixes, rows: []))
    }

    private func takePositions(at id: UInt32, _ state: inout State) {
        guard var members = state.members, let arrival = state.sessions[id]?.arrival, let other = arrival.retention else { return }
        for head in arrival.heads { members.applied.insert(head.dot) }
        members.retention.merge(other, applied: members.applied)
        let rows = members.takeChanges()
        state.members = members
        state.adoptions += 1
        bar(&state)
        state.work.append(.adopt(arrival.heads, keeping: state.alive(upTo: arrival.heads), whole: state.wholePrefixes, rows: rows))
    }

    /// The store stands at the positions that these entries lead to.
    func historyAdopted(_ heads: [FeedEntry], _ state: inout State, _ now: FeedInstant) {
        if state.members != nil { state.adoptions -= 1 }
        state.core.adopt(heads.map(FeedMark.init(of:)), now: now, into: &state.actions)
        for head in heads {
            // Also where the core had passed it meanwhile: the rows are gone.
            state.core.trimmed(head.dot.origin, through: head.dot.sequence)
            state.hold(head)
        }
    }

    // MARK: - Giving

    /// Between two histories for one peer, milliseconds: each looks at all that is alive.
    private static let servingInterval: UInt64 = 1_000

    func takeRequest(_ tag: UInt32, _ dots: [Dot], at id: UInt32, _ state: inout State, _ now: FeedInstant) {
        // A packet may come twice.
        guard let session = state.sessions[id], session.options.direction == .both, tag != session.servedTag else { return }
        if state.adoptions > 0 || session.servedAt.map({ now.monotonic < $0 + Self.servingInterval }) ?? false {
            // Only the last one counts.
            if session.waitingRequest?.tag != tag { state.sessions[id]?.waitingRequest = (tag, dots, []) }
            return
        }
        let digest = CausalContext(covering: dots)
        guard mayRepair(id, since: digest, state) else { return }
        state.sessions[id]?.servedAt = now.monotonic
        state.sessions[id]?.servedTag = tag
        state.sessions[id]?.waitingRequest = nil
        give(state.history(since: digest), since: digest, tag: tag, to: id, &state)
        state.statistics.repairsServed += 1
    }

    /// Begins to give a history.
    private func give(_ history: History, since digest: CausalContext, tag: UInt32, to id: UInt32, _ state: inout State) {
        state.sessions[id]?.transferTicket = history.ticket
        let prefixes = state.wholePrefixes
        let reader = prefixes.isEmpty ? nil : HistoryReader(of: prefixes, since: digest, through: CausalContext(history.marks))
        var transfer = HistoryTransfer(
            entries: history.entries, reader: reader, marks: history.marks, tag: tag,
            preamble: state.registryMessages(tag, superseded: history.superseded))
        if state.sessions[id]?.isOneWay ?? false { transfer.grantAll() }
        state.sessions[id]?.transfer = transfer
    }

    /// The store has said more of a history.
    func historyRead(_ read: HistoryRead, _ state: inout State) {
        let id = read.session
        // Another history was asked for meanwhile, or nobody is there any more.
        guard let transfer = state.sessions[id]?.transfer, transfer.isReading, transfer.tag == read.tag else { return }
        state.statistics.historyPeak = max(state.statistics.historyPeak, read.reader.peak)
        state.sessions[id]?.transfer?.supply(read.entries, read.reader)
    }

    /// Answers what was asked for too soon, when its time has come.
    func serveRequests(_ state: inout State, _ now: FeedInstant) {
        for id in state.sessionIDs {
            guard let session = state.sessions[id], let request = session.waitingRequest, !session.isClosing, state.adoptions == 0,
                now.monotonic >= (session.servedAt ?? 0) + Self.servingInterval
            else { continue }
            takeRequest(request.tag, request.dots, at: id, &state, now)
            guard !request.subscription.isEmpty else { continue }
            do throws(ReplicaError) { try takeSubscription(request.subscription, at: id, &state) } catch { close(id, error, &state) }
        }
    }

    func takeSubscription(_ message: [UInt8], at id: UInt32, _ state: inout State) throws(ReplicaError) {
        if let tag = state.sessions[id]?.waitingRequest?.tag, HistoryTransfer.tag(of: message) == tag {
            state.sessions[id]?.waitingRequest?.subscription = message
            return
        }
        guard let transfer = state.sessions[id]?.transfer, HistoryTransfer.tag(of: message) == transfer.tag else { return }
        do throws(FeedError) {
            try message.withBytes { bytes throws(FeedError) in try state.sessions[id]?.transfer?.receive(bytes) }
        } catch {
            throw ReplicaError(.protocolViolation, "\(error)", feed: error)
        }
        pumpTransfer(id, &state)
    }

    /// Puts out as much of a history as the stream takes now.
    func pumpTransfer(_ id: UInt32, _ state: inout State) {
        while let session = state.sessions[id], session.isThirsty, session.transfer != nil, session.transferTicket <= state.durableTicket {
            let messages = state.sessions[id]?.transfer?.next() ?? []
            for message in messages { state.sessions[id]?.put(message) }
            if state.sessions[id]?.transfer?.isFinished ?? true {
                state.sessions[id]?.transfer = nil
                transferEnded(id, &state)
            }
            if let reader = state.sessions[id]?.transfer?.nextReading() {
                state.work.append(.readHistory(HistoryRead(session: id, tag: session.transfer?.tag ?? 0, reader: reader)))
            }
            if messages.isEmpty { return }
        }
    }

    private func transferEnded(_ id: UInt32, _ state: inout State) {
        guard let session = state.sessions[id], session.isOneWay else { return }
        synchronised(id, &state, configuration.now())
    }

    // MARK: - Streams that are only written

    func serveHistories(_ state: inout State) {
        for id in state.sessionIDs {
            pumpTransfer(id, &state)
            serveOneWay(id, &state)
        }
    }

    /// Begins another history when the one before is written and there is more: what was overwritten meanwhile never goes.
    func serveOneWay(_ id: UInt32, _ state: inout State) {
        guard state.members?.isAway != true, let session = state.sessions[id], session.isOneWay, session.transfer == nil,
            !session.isClosing, session.isThirsty, state.adoptions == 0
        else {
            return
        }
        let durable = state.core.durable
        guard !session.isSynchronised || !session.written.covers(durable) else { return }
        let history = state.history(since: session.written, isOneWay: true)
        guard !history.marks.isEmpty || !session.isSynchronised else { return }
        state.sessions[id]?.nextTag = session.nextTag &+ 1
        state.sessions[id]?.written.merge(CausalContext(history.marks))
        give(history, since: session.written, tag: session.nextTag, to: id, &state)
        pumpTransfer(id, &state)
    }
}

extension [FeedEntry] {
    fileprivate var charge: Int { reduce(0) { $0 + $1.charge } }
}

extension Replica.State {
    /// The origins of some entries of which nothing is taken.
    fileprivate func strangers(among entries: [FeedEntry], at id: UInt32) -> Set<OriginID> {
        Set(entries.map(\.dot.origin)).filter { !isAdmitted($0, at: id) }
    }

    /// Whether an origin's entries are taken of a history. With what the giver knows of members come those that are not known here yet: without theirs, what they
    /// have overwritten would be lacking.
    fileprivate func isAdmitted(_ origin: OriginID, at id: UInt32) -> Bool {
        if let known = sessions[id]?.arrival?.retention, known.isMember(origin) || known.isFenced(origin) { return true }
        return core.isAdmitted(origin, from: sessions[id]?.header?.origin)
    }
}
