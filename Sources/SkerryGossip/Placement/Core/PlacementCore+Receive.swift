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
            let isKept = try keep(copy, of: key, for: home)
            reply(isKept ? .stored : .refused(PlacementError(.busy)), number, to: member, &output)
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
        var copy = try store.siblings(of: key)
        if !has(.hintsNotRead), hints.count > 0 { copy.merge(hints.copy(of: key)) }
        return copy
    }

    /// Keeps a copy as a home, or for one; false when there is no room for another hint.
    mutating func keep(_ copy: Siblings, of key: [UInt8], for home: MemberID?) throws(Store.Failure) -> Bool {
        guard let home, home != id else {
            try store.merge(has(.siblingsOverwritten) ? try overwriting(key, with: copy) : copy, into: key)
            return true
        }
        guard !has(.hintNotKept) else { return true }
        guard hints.insert(copy, of: key, for: home), let hint = hints.hint(of: key, for: home) else {
            statistics.hintsRefused += 1
            return false
        }
        statistics.hintsKept += 1
        try store.keep(hint)
        return true
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
            guard case .forwarded(let asker) = entry.purpose else { return try fail(entry, isLost: false, now, &output) }
            return try answer(asker, .failure(error), now, &output)
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
