internal import SkerryCRDT

extension PlacementCore where Store: ~Copyable {
    /// Takes a message of another member, of which the link has made sure.
    public mutating func receive(
        _ message: PlacementMessage, from member: MemberID, now: UInt64, into output: inout PlacementOutput
    ) throws(Store.Failure) {
        guard member != id else { return }
        away[member] = nil
        let number = message.number
        switch message.content {
        case .read(let key): reply(.copy(try localCopy(of: key)), number, to: member, &output)
        case .store(let key, let home, let copy):
            let refusal = try keep(copy, of: key, for: home, now)
            reply(refusal.map(PlacementMessage.Content.refused) ?? .stored, number, to: member, &output)
        case .write(let key, let value, let seen):
            try coordinate(
                PlacementWrite(key: key, value: value, seen: seen, asker: .member(member, number: number)), now, &output)
        case .copy(let copy): try answered(number, by: member, .success(copy), now, &output)
        case .stored: try answered(number, by: member, .success(Siblings()), now, &output)
        case .refused(let error): try answered(number, by: member, .failure(error), now, &output)
        case .compare(let fromInitiator, let frame):
            try compare(PlacementComparison.Name(peer: member, number: number, isMine: !fromInitiator), frame, now, &output)
        case .compareEnded(let fromInitiator):
            comparisons[PlacementComparison.Name(peer: member, number: number, isMine: !fromInitiator)] = nil
        }
    }

    /// Nothing can be sent to a member: what waits for it fails now, not after a timeout.
    public mutating func lost(_ member: MemberID, now: UInt64, into output: inout PlacementOutput) throws(Store.Failure) {
        guard member != id else { return }
        away[member] = now + configuration.awayFor
        for name in comparisons.keys.filter({ $0.peer == member }) { comparisons[name] = nil }
        for number in pending.filter({ $0.value.member == member }).keys.sorted() {
            guard let entry = pending.removeValue(forKey: number) else { continue }
            try fail(entry, isLost: true, now, &output)
        }
    }

    /// What is held of a key here, for others too: what a stand-in keeps is part of what a quorum knows.
    func localCopy(of key: [UInt8]) throws(Store.Failure) -> Siblings {
        let own = try store.siblings(of: key)
        guard !has(.hintsNotRead), hints.count > 0 else { return own }
        let joined = own.merging(hints.copy(of: key))
        return joined.isWithinLimits ? joined : own
    }

    /// Keeps a copy as a home, or for one.
    ///
    /// - Returns: nil when it is kept. `busy` when there is no room for another hint; `tooManySiblings` when the join would break the limits of a copy, now
    ///   and later.
    mutating func keep(
        _ copy: Siblings, of key: [UInt8], for home: MemberID?, _ now: UInt64
    ) throws(Store.Failure) -> PlacementError? {
        guard let home, home != id else {
            switch try join(has(.siblingsOverwritten) ? try overwriting(key, with: copy) : copy, into: key) {
            case .refused: return PlacementError(.tooManySiblings)
            case .unchanged: break
            case .changed: bringHome(key, now)
            }
            return nil
        }
        guard !has(.hintNotKept) else { return nil }
        guard hints.insert(copy, of: key, for: home), let hint = hints.hint(of: key, for: home) else {
            statistics.hintsRefused += 1
            let isPossible = (hints.hint(of: key, for: home)?.copy ?? Siblings()).merging(copy).isWithinLimits
            return PlacementError(isPossible ? .busy : .tooManySiblings)
        }
        statistics.hintsKept += 1
        try store.keep(hint)
        return nil
    }

    enum Joined {
        case unchanged, changed
        /// The join would break the limits that hold for a copy that is read.
        case refused
    }

    /// Joins a copy into the store, unless nobody could read the result.
    mutating func join(_ copy: Siblings, into key: [UInt8]) throws(Store.Failure) -> Joined {
        var joined = try store.siblings(of: key)
        guard joined.merge(copy) else { return .unchanged }
        guard joined.isWithinLimits else { return .refused }
        try store.merge(copy, into: key)
        return .changed
    }

    /// Whoever sent a copy took this member for a home. If it is none any more, the homes must get it: reads do not come here.
    mutating func bringHome(_ key: [UInt8], _ now: UInt64) {
        let homes = map.homes(of: PlacementRing.position(of: key))
        guard !homes.isEmpty, !homes.contains(id) else { return }
        unsettle(homes)
        nextCompare = min(nextCompare, now + configuration.settleInterval)
    }

    private func overwriting(_ key: [UInt8], with copy: Siblings) throws(Store.Failure) -> Siblings {
        var context = copy.context
        context.merge(try store.siblings(of: key).context)
        return Siblings(versions: copy.versions, context: context)
    }

    // MARK: Answers

    private mutating func answered(
        _ number: UInt64, by member: MemberID, _ result: Result<Siblings, PlacementError>, _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        guard let entry = pending[number], entry.member == member else { return }
        pending[number] = nil
        if case .failure(let error) = result {
            return try refused(entry, error, now, &output)
        }
        guard case .success(let copy) = result else { return }
        switch entry.purpose {
        case .request(let request):
            try step(request, now, &output) { quorum, actions in quorum.answered(member, copy, into: &actions) }
        case .repair: break
        case .hint(let hint):
            statistics.hintsDelivered += 1
            try drop(hint)
            try hintEnded(hint.home, isDelivered: true, now, &output)
        case .transfer(let name): try transferEnded(name, isDelivered: true, now, &output)
        case .forwarded(let asker): try answer(asker, .success(copy), now, &output)
        }
    }

    private mutating func refused(
        _ entry: PlacementPending, _ error: PlacementError, _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        let isForGood = error.code == .tooManySiblings
        switch entry.purpose {
        case .forwarded(let asker): try answer(asker, .failure(error), now, &output)
        // What the other side can never take must not hold up the rest.
        case .hint(let hint) where isForGood:
            statistics.hintsRefused += 1
            try drop(hint)
            try hintEnded(hint.home, isDelivered: true, now, &output)
        case .transfer(let name) where isForGood: try transferEnded(name, isDelivered: true, now, &output)
        case .request, .repair, .hint, .transfer: try fail(entry, isLost: false, now, &output)
        }
    }

    /// No answer will come, or it was a refusal.
    ///
    /// - Parameter isLost: whether that is known, so that another member may be asked at once.
    mutating func fail(
        _ entry: PlacementPending, isLost: Bool, _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        switch entry.purpose {
        case .request(let request):
            try step(request, now, &output) { quorum, actions in quorum.failed(entry.member, into: &actions) }
        case .repair: break
        case .hint(let hint): try hintEnded(hint.home, isDelivered: false, now, &output)
        case .transfer(let name): try transferEnded(name, isDelivered: false, now, &output)
        case .forwarded(let asker): try answer(asker, .failure(PlacementError(isLost ? .unavailable : .timedOut)), now, &output)
        }
    }

    // MARK: Hints

    /// Sends the oldest hints of a home that can be reached, unless some are under way.
    mutating func sendHints(to home: MemberID, _ now: UInt64, _ output: inout PlacementOutput) throws(Store.Failure) {
        guard hintsInFlight[home] == nil, isReachable(home, now) else { return }
        for hint in hints.hints(for: home, limit: configuration.transferWindow) {
            guard
                send(
                    .store(key: hint.key, home: nil, copy: hint.copy), to: home, .hint(hint), wait: configuration.transferTimeout, now,
                    &output)
            else { return }
            hintsInFlight[home, default: 0] += 1
            if has(.hintDroppedWhenSent) { try drop(hint) }
        }
    }

    private mutating func hintEnded(
        _ home: MemberID, isDelivered: Bool, _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        guard let count = hintsInFlight[home] else { return }
        hintsInFlight[home] = count > 1 ? count - 1 : nil
        if count == 1, isDelivered { try sendHints(to: home, now, &output) }
    }

    /// Drops a hint that was delivered, unless it has grown.
    mutating func drop(_ hint: HintTable.Hint) throws(Store.Failure) {
        if hints.delivered(hint) { try store.drop(hintFor: hint.home, of: hint.key) }
    }
}
