public import SkerryCRDT

extension PlacementCore where Store: ~Copyable {
    // MARK: Asked by the application

    /// Reads a key at a quorum of its homes. The answer comes under the ticket.
    public mutating func read(
        _ key: [UInt8], ticket: UInt64, now: UInt64, into output: inout PlacementOutput
    ) throws(Store.Failure) {
        let asker = PlacementAsker.application(ticket)
        guard isValid(key) else { return try answer(asker, .failure(PlacementError(.tooLarge)), now, &output) }
        try begin(.read, of: key, for: asker, now, &output)
    }

    /// Writes a value, nil to delete, at a quorum of the key's homes. The answer comes under the ticket.
    ///
    /// - Parameter seen: the context that came with the read it is made of: what it covers is replaced, everything else stays beside it.
    public mutating func write(
        _ key: [UInt8], _ value: [UInt8]?, replacing seen: CausalContext, ticket: UInt64, now: UInt64, into output: inout PlacementOutput
    ) throws(Store.Failure) {
        let asker = PlacementAsker.application(ticket)
        let write = PlacementWrite(key: key, value: value, seen: seen, asker: asker)
        guard isValid(key), (value?.count ?? 0) <= PlacementLimits.valueBytesMaximum, seen.dots.count <= PlacementLimits.originsMaximum
        else {
            return try answer(asker, .failure(PlacementError(.tooLarge)), now, &output)
        }
        let able = preference(of: key).filter { isReachable($0, now) }
        guard let first = able.first, !able.prefix(configuration.quorum.copies).contains(id) else {
            return try coordinate(write, now, &output)
        }
        statistics.writesForwarded += 1
        let content = PlacementMessage.Content.write(key: key, value: value, seen: seen)
        // Its coordinator may have to read before it writes.
        guard send(content, to: first, .forwarded(asker), wait: 2 * configuration.quorum.timeout, now, &output) else {
            return try answer(asker, .failure(PlacementError(.busy)), now, &output)
        }
    }

    private func isValid(_ key: [UInt8]) -> Bool { !key.isEmpty && key.count <= PlacementLimits.keyBytesMaximum }

    func preference(of key: [UInt8]) -> [MemberID] {
        map.ring.preferenceList(for: PlacementRing.position(of: key), count: configuration.quorum.copies)
    }

    // MARK: Coordinating

    /// Gives the write its name and its place beside what stands here, and sends it to the homes.
    ///
    /// The store keeps the copy even when this member is no home of the key, until the homes have it: whoever has seen its next write has seen all before it.
    mutating func coordinate(_ write: PlacementWrite, _ now: UInt64, _ output: inout PlacementOutput) throws(Store.Failure) {
        let own = try localCopy(of: write.key)
        // Its writer may have seen more than this member; after a quorum has been asked, what nobody knows of is not believed.
        if case .write = write.asker {
        } else if !own.context.covers(write.seen), !has(.contextBelieved) {
            return try begin(.read, of: write.key, for: .write(write), now, &output)
        }
        var asker = write.asker
        if case .write(let inner) = asker { asker = inner.asker }
        let seen = has(.contextIgnored) ? own.context : has(.contextBelieved) ? write.seen : write.seen.clipped(to: own.context)
        // Before anything is changed: what is refused has no effect.
        guard hasRoom else { return try answer(asker, .failure(PlacementError(.busy)), now, &output) }
        var copy = own
        let earlier = own.context.sequence(of: store.origin)
        var sequence = max(try store.nextSequence(), earlier + 1)
        if has(.sequenceReused), earlier > 0 { sequence = earlier }
        guard sequence < PlacementLimits.sequenceLimit else { return try answer(asker, .failure(PlacementError(.busy)), now, &output) }
        copy.write(write.value, replacing: seen, as: Dot(origin: store.origin, sequence: sequence), unchecked: has(.sequenceReused))
        let isTooMuch = copy.versions.count > PlacementLimits.siblingsMaximum || copy.byteCount > PlacementLimits.copyBytesMaximum
        guard copy.isWithinLimits, !isTooMuch || copy.versions.count <= own.versions.count else {
            return try answer(asker, .failure(PlacementError(.tooManySiblings)), now, &output)
        }
        try store.merge(copy, into: write.key)
        bringHome(write.key, now)
        try begin(.write(copy), of: write.key, for: asker, now, &output)
    }

    /// Whether one more read or write may be under way.
    private var hasRoom: Bool { openRequests < configuration.requestsMaximum }

    mutating func begin(
        _ purpose: QuorumRequest.Purpose, of key: [UInt8], for asker: PlacementAsker, _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        guard hasRoom else { return try answer(asker, .failure(PlacementError(.busy)), now, &output) }
        var preference = preference(of: key)
        let isRead = purpose == .read
        if isRead { sortHomes(&preference, now) }
        var quorum = QuorumRequest(purpose, preference: preference, profile: configuration.quorum, now: now)
        #if DEBUG
        quorum.defects = defects
        #endif
        let number = takeNumber()
        requests[number] = PlacementRequest(key: key, isRead: isRead, quorum: quorum, asker: asker)
        openRequests += 1
        try step(number, now, &output) { quorum, actions in quorum.start(into: &actions) }
    }

    /// For a read: this member first, which costs nothing, and those that do not answer last.
    private func sortHomes(_ preference: inout [MemberID], _ now: UInt64) {
        let homes = preference.prefix(configuration.quorum.copies)
        let others = homes.filter { $0 != id }
        preference.replaceSubrange(
            homes.indices,
            with: homes.filter { $0 == id } + others.filter { isReachable($0, now) } + others.filter { !isReachable($0, now) })
    }

    /// Lets something happen to a request, and does what it wants done.
    mutating func step(
        _ number: UInt64, _ now: UInt64, _ output: inout PlacementOutput,
        _ body: (inout QuorumRequest, inout [QuorumRequest.Action]) -> Void
    ) throws(Store.Failure) {
        guard var request = requests.removeValue(forKey: number) else { return }
        let wasDone = request.quorum.isDone
        var (actions, index): ([QuorumRequest.Action], Int) = ([], 0)
        body(&request.quorum, &actions)
        while index < actions.count {
            try perform(actions[index], number, &request, &actions, now, &output)
            index += 1
        }
        guard !request.quorum.isOver else { return }
        requests[number] = request
        if request.quorum.isDone, !wasDone { try linger(number, now, &output) }
    }

    /// Notes that a request has its answer and waits for its last members, and ends the one that has waited longest when there are too many.
    private mutating func linger(_ number: UInt64, _ now: UInt64, _ output: inout PlacementOutput) throws(Store.Failure) {
        lingering.append(number)
        while let oldest = lingering.first, requests[oldest] == nil || lingering.count > configuration.lingeringMaximum {
            lingering.removeFirst()
            try step(oldest, now, &output) { quorum, actions in quorum.stopWaiting(into: &actions) }
        }
    }

    private mutating func perform(
        _ action: QuorumRequest.Action, _ number: UInt64, _ request: inout PlacementRequest, _ actions: inout [QuorumRequest.Action],
        _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        switch action {
        case .read(let member):
            if member == id { return request.quorum.answered(id, try localCopy(of: request.key), into: &actions) }
            let isSent = send(.read(key: request.key), to: member, .request(number), wait: configuration.quorum.timeout, now, &output)
            if !isSent { request.quorum.failed(member, into: &actions) }
        case .store(let copy, let member, let hint):
            if member == id {
                let refusal = try keep(copy, of: request.key, for: hint, now)
                return refusal == nil ? request.quorum.answered(id, into: &actions) : request.quorum.failed(id, into: &actions)
            }
            // What a read joins may be more than a member takes.
            guard copy.isWithinLimits else { return request.quorum.failed(member, into: &actions) }
            if request.isRead { statistics.repairs += 1 }
            let isSent = send(
                .store(key: request.key, home: hint, copy: copy), to: member, request.isRead ? .repair : .request(number),
                wait: configuration.quorum.timeout, now, &output)
            if !isSent { request.quorum.failed(member, into: &actions) }
        case .keep(let copy, let home): _ = try keep(copy, of: request.key, for: home, now)
        case .succeeded(let copy):
            openRequests -= 1
            if request.isRead { statistics.readsSucceeded += 1 } else { statistics.writesSucceeded += 1 }
            try answer(request.asker, .success(copy), now, &output)
        case .failed(let answers):
            openRequests -= 1
            statistics.requestsFailed += 1
            try answer(request.asker, .failure(PlacementError(.unavailable, answers: answers)), now, &output)
        }
    }

    mutating func answer(
        _ asker: PlacementAsker, _ result: Result<Siblings, PlacementError>, _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        switch (asker, result) {
        case (.application(let ticket), _): output.answers.append(PlacementOutput.Answer(ticket: ticket, result: result))
        case (.member(let member, let number), .success(let copy)): reply(.copy(copy), number, to: member, &output)
        case (.member(let member, let number), .failure(let error)): reply(.refused(error), number, to: member, &output)
        case (.write(let write), .success(let copy)):
            guard try join(copy, into: write.key) != .refused else {
                return try answer(write.asker, .failure(PlacementError(.tooManySiblings)), now, &output)
            }
            var informed = write
            informed.asker = .write(write)
            try coordinate(informed, now, &output)
        case (.write(let write), .failure): try answer(write.asker, result, now, &output)
        }
    }

    // MARK: Messages

    mutating func takeNumber() -> UInt64 {
        nextNumber += 1
        return nextNumber - 1
    }

    /// Sends a message that wants an answer; false when the member is away, or too many wait already.
    mutating func send(
        _ content: PlacementMessage.Content, to member: MemberID, _ purpose: PlacementPending.Purpose, wait: UInt64, _ now: UInt64,
        _ output: inout PlacementOutput
    ) -> Bool {
        guard isReachable(member, now), pending.count < configuration.pendingMaximum else { return false }
        let number = takeNumber()
        pending[number] = PlacementPending(member: member, purpose: purpose, expiresAt: now + wait)
        nextExpiry = min(nextExpiry, now + wait)
        reply(content, number, to: member, &output)
        return true
    }

    func reply(_ content: PlacementMessage.Content, _ number: UInt64, to member: MemberID, _ output: inout PlacementOutput) {
        output.messages.append(PlacementOutput.Envelope(target: member, bytes: PlacementMessage(number, content).encoded))
    }
}
