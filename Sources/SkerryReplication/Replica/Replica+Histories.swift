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
    }

    // MARK: - Taking

    func takeHistory(_ message: [UInt8], at id: UInt32, _ state: inout State, _ now: FeedInstant) throws(ReplicaError) {
        guard var reception = state.sessions[id]?.reception, let handle = state.sessions[id]?.handle else { return }
        let entries: [FeedEntry]
        do throws(FeedError) {
            entries = try reception.receive(message)
            let bound = now.wall + state.core.clock.futureBound
            if let early = entries.first(where: { $0.stamp.milliseconds > bound }) {
                throw FeedError(
                    .futureStamp, "a stamp is \(early.stamp.milliseconds - now.wall) ms ahead", dot: early.dot,
                    amount: early.stamp.milliseconds - bound)
            }
        } catch {
            events.add(.refused(handle.id, error))
            // Nothing of the message is taken, and no position that it would lead to.
            state.sessions[id]?.reception = nil
            if let end = ReplicaError(endingBecauseOf: error) { throw end }
            return
        }
        state.sessions[id]?.reception = reception
        guard !entries.isEmpty else { return }
        let frozen = Set(state.core.frozenOrigins)
        let taken = entries.filter { !frozen.contains($0.dot.origin) }
        let rows = taken.flatMap { state.apply($0) }
        state.work.append(.keep(taken, rows, session: id))
    }

    /// The store has what was handed out.
    func historyKept(_ id: UInt32, _ state: inout State) {
        for message in state.sessions[id]?.reception?.persisted() ?? [] { send(message, to: id, &state) }
    }

    func takeMarks(_ marks: [FeedMark], _ tag: UInt32, _ isLast: Bool, at id: UInt32, _ state: inout State, _ now: FeedInstant) {
        guard let session = state.sessions[id], let reception = session.reception, reception.tag == tag else { return }
        let frozen = Set(state.core.frozenOrigins)
        let believed = reception.believed(marks).filter { !frozen.contains($0.origin) }
        for mark in believed { if let head = reception.heads[mark.origin] { state.pendingAdoptions[mark.origin] = head } }
        state.work.append(.adopt(believed, session: id))
        guard isLast else { return }
        state.statistics.repairs += 1
        events.add(.repaired(session.handle.id, entries: reception.count))
        // What comes one way goes on with the next tag.
        let isOneWay = session.header?.direction == .writeOnly || session.options.direction == .readOnly
        state.sessions[id]?.reception = isOneWay ? HistoryReception(unaskedWith: tag &+ 1, trust: configuration.trust) : nil
        if isOneWay { synchronised(id, &state, now) }
    }

    func historyAdopted(_ marks: [FeedMark], _ id: UInt32, _ state: inout State) {
        for mark in marks {
            if let head = state.pendingAdoptions.removeValue(forKey: mark.origin) { state.hold(head) }
        }
    }

    // MARK: - Giving

    func takeRequest(_ tag: UInt32, _ dots: [Dot], at id: UInt32, _ state: inout State) {
        guard state.sessions[id]?.options.direction == .both else { return }
        let (entries, marks, ticket) = state.history(since: CausalContext(covering: dots))
        state.sessions[id]?.transfer = HistoryTransfer(entries: entries, marks: marks, tag: tag)
        state.sessions[id]?.transferTicket = ticket
        state.statistics.repairsServed += 1
    }

    func takeSubscription(_ message: [UInt8], at id: UInt32, _ state: inout State) throws(ReplicaError) {
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
        guard let session = state.sessions[id], session.isOneWay, session.transfer == nil, !session.isClosing, session.isThirsty else {
            return
        }
        let durable = state.core.durable
        guard !session.isSynchronised || !session.written.covers(durable) else { return }
        let (entries, marks, ticket) = state.history(since: session.written)
        guard !marks.isEmpty || !session.isSynchronised else { return }
        var transfer = HistoryTransfer(entries: entries, marks: marks, tag: session.nextTag)
        transfer.grantAll()
        state.sessions[id]?.nextTag = session.nextTag &+ 1
        state.sessions[id]?.written.merge(CausalContext(covering: marks.map { Dot(origin: $0.origin, sequence: $0.position.sequence) }))
        state.sessions[id]?.transfer = transfer
        state.sessions[id]?.transferTicket = ticket
        pumpTransfer(id, &state)
    }
}
