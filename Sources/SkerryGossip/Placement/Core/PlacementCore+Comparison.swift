internal import SkerryCRDT

/// Comparing with other members: what hints and repairs missed, and how keys move when the ring changes.
extension PlacementCore where Store: ~Copyable {
    /// Compares with one member drawn at random: first with those that have not been compared with, over all that they should keep, whoever keeps it now;
    /// then over what both keep.
    mutating func beginComparison(
        _ now: UInt64, _ generator: inout some RandomNumberGenerator, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        let fresh = unsettled.filter { isReachable($0, now) && map.contains($0) }.sorted()
        let interval = fresh.isEmpty ? configuration.compareInterval : configuration.settleInterval
        nextCompare = now + interval * 4 / 5 + generator.next(upperBound: max(1, interval * 2 / 5))
        guard !comparisons.keys.contains(where: \.isMine) else { return }
        let known = map.ring.nodes.map(\.member).filter { $0 != id && isReachable($0, now) }
        // Not with one that has just begun a comparison itself: both would send the same copies.
        let candidates = (fresh.isEmpty ? known : fresh).filter { peer in !comparisons.keys.contains { $0.peer == peer } }
        guard !candidates.isEmpty else { return }
        let peer = candidates[Int(generator.next(upperBound: UInt64(candidates.count)))]
        let places = fresh.isEmpty ? map.places(keptBy: id, peer) : map.places(keptBy: peer)
        guard !places.isEmpty else {
            unsettled.remove(peer)
            return
        }
        let name = PlacementComparison.Name(peer: peer, number: takeNumber(), isMine: true)
        let core = ReconciliationCore(
            initiator: ReconciliationNonce(using: &generator), secret: configuration.secret, over: places)
        comparisons[name] = PlacementComparison(core: core, expiresAt: now + configuration.compareTimeout)
        var events: [ReconciliationEvent] = []
        try go(on: name, &events, now, &output)
    }

    /// Takes a frame of the other side.
    mutating func compare(
        _ name: PlacementComparison.Name, _ frame: [UInt8], _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        if comparisons[name] == nil {
            guard !name.isMine, comparisons.keys.count(where: { !$0.isMine }) < configuration.comparisonsMaximum else {
                return reply(.compareEnded(fromInitiator: name.isMine), name.number, to: name.peer, &output)
            }
            // Of two that begin with each other at one time, the one with the smaller id goes on: both would send the same copies.
            if let mine = comparisons.keys.first(where: { $0.isMine && $0.peer == name.peer }) {
                guard name.peer < id else { return reply(.compareEnded(fromInitiator: false), name.number, to: name.peer, &output) }
                giveUp(mine, &output)
            }
            comparisons[name] = PlacementComparison(core: ReconciliationCore(responder: configuration.secret), expiresAt: 0)
        }
        var events: [ReconciliationEvent] = []
        do throws(ReconciliationViolation) {
            try comparisons[name]?.core.receive(frame, events: &events)
        } catch {
            statistics.violations += 1
            return giveUp(name, &output)
        }
        try go(on: name, &events, now, &output)
    }

    mutating func giveUp(_ name: PlacementComparison.Name, _ output: inout PlacementOutput) {
        comparisons[name] = nil
        reply(.compareEnded(fromInitiator: name.isMine), name.number, to: name.peer, &output)
    }

    /// Says what there is to say, and sends what the other side lacks.
    private mutating func go(
        on name: PlacementComparison.Name, _ events: inout [ReconciliationEvent], _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        guard var comparison = comparisons.removeValue(forKey: name) else { return }
        var frame: [UInt8] = []
        while try comparison.core.nextFrame(into: &frame, from: store, events: &events) {
            reply(.compare(fromInitiator: name.isMine, frame: frame), name.number, to: name.peer, &output)
        }
        for event in events where !has(.comparisonSendsNothing) {
            switch event {
            case .peerLacks(let range, _): comparison.transfers.append(range)
            // Of two copies of a key each side sends its own: both come to the join.
            case .wanted(let place), .differs(let place, _):
                comparison.transfers.append(WriteRange(lower: place, upper: place.successor))
            case .completed:
                if has(.comparisonSendsAll), name.isMine { comparison.transfers = map.places(keptBy: name.peer) }
            case .greeted, .offered, .lacks: break
            }
        }
        try proceed(comparison, name, now, &output)
    }

    private mutating func proceed(
        _ comparison: consuming PlacementComparison, _ name: PlacementComparison.Name, _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        comparison.expiresAt = now + configuration.compareTimeout
        // When nothing can be sent, its turn comes again with the next comparison.
        guard try transfer(&comparison, name, now, &output) else { return giveUp(name, &output) }
        if comparison.isOver { finish(name) } else { comparisons[name] = comparison }
    }

    private mutating func finish(_ name: PlacementComparison.Name) {
        guard name.isMine else { return }
        statistics.comparisons += 1
        unsettled.remove(name.peer)
    }

    // MARK: Sending copies

    /// Sends as many copies as the window has room for; false when they cannot be sent.
    private mutating func transfer(
        _ comparison: inout PlacementComparison, _ name: PlacementComparison.Name, _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) -> Bool {
        while comparison.inFlight < configuration.transferWindow, let range = comparison.transfers.popLast() {
            var places: [WriteKey] = []
            let limit = configuration.transferWindow - comparison.inFlight
            try store.visit(range) { entry in
                places.append(entry.key)
                return places.count < limit
            }
            if places.count == limit, let last = places.last {
                let rest = WriteRange(lower: last.successor, upper: range.upper)
                if !rest.isEmpty { comparison.transfers.append(rest) }
            }
            for place in places where map.homes(of: place.stamp.rawValue).contains(name.peer) {
                guard let key = try store.key(at: place) else { continue }
                let content = PlacementMessage.Content.store(key: key, home: nil, copy: try store.siblings(of: key))
                guard send(content, to: name.peer, .transfer(name), wait: configuration.transferTimeout, now, &output) else { return false }
                comparison.inFlight += 1
                statistics.copiesTransferred += 1
            }
        }
        return true
    }

    mutating func transferEnded(
        _ name: PlacementComparison.Name, isDelivered: Bool, _ now: UInt64, _ output: inout PlacementOutput
    ) throws(Store.Failure) {
        guard var comparison = comparisons.removeValue(forKey: name) else { return }
        guard isDelivered else { return giveUp(name, &output) }
        comparison.inFlight -= 1
        try proceed(comparison, name, now, &output)
    }
}
