internal import SkerryCRDT

extension FeedCore {
    mutating func send(_ message: FeedMessage, to place: Int, into actions: inout [FeedAction]) {
        let bytes = message.encoded()
        count { $0.bytesSent += UInt64(bytes.count) }
        actions.append(.send(peers[place].id, bytes))
    }

    /// Asks the log for what the peer lacks, unless it comes so often that the next tick is soon enough: a frame for each entry would be a third more bytes.
    mutating func pumpOrGather(_ place: Int, now: FeedInstant, into actions: inout [FeedAction]) {
        guard
            !peers[place].gathers || peers[place].sentLastTick < FeedLimits.gatheredFrom || backlog(at: place) >= FeedLimits.gatheredMaximum
        else { return }
        pump(place, now: now, into: &actions)
    }

    /// Asks the log for what the peer lacks, if it may be sent now.
    mutating func pump(_ place: Int, now: FeedInstant, into actions: inout [FeedAction]) {
        guard peers[place].phase == .established, !peers[place].isReading else { return }
        growLanes(place)
        // Too little credit is no credit: it is used in whole frames, or a row of small ones would never end.
        let credit = credit(place)
        guard credit >= FeedLimits.frameMinimum else { return }
        let starts = backlogs(place, now: now, into: &actions)
        guard !starts.isEmpty else { return }
        peers[place].isReading = true
        actions.append(.read(FeedRead(peer: peers[place].id, starts: starts, charge: min(credit, FeedLimits.readCharge))))
    }

    /// The first entry of each origin that the peer lacks, the longest backlog first.
    private mutating func backlogs(_ place: Int, now: FeedInstant, into actions: inout [FeedAction]) -> [Dot] {
        var found: [(length: UInt64, dot: Dot)] = []
        var trimmed: [Dot] = []
        for number in origins.indices {
            let origin = origins[number]
            let lane = peers[place].lanes[number]
            guard origin.durable.sequence > lane.sent, !origin.isFrozen, lane.pausedUntil <= now.monotonic else { continue }
            guard lane.sent >= origin.floor else {
                if !lane.toldTrimmed { trimmed.append(Dot(origin: origin.id, sequence: origin.floor)) }
                peers[place].lanes[number].toldTrimmed = true
                continue
            }
            found.append((origin.durable.sequence - lane.sent, Dot(origin: origin.id, sequence: lane.sent + 1)))
        }
        if !trimmed.isEmpty {
            for dot in trimmed { actions.append(.report(.peerNeedsRepair(peers[place].id, dot))) }
            trimmed.removeLast(max(0, trimmed.count - (peers[place].frameMaximum - 16) / 15))
            send(.trimmed(FeedTrimmed(tag: peers[place].tag, floors: trimmed)), to: place, into: &actions)
        }
        found.sort { ($0.length, $1.dot) > ($1.length, $0.dot) }
        return found.prefix(FeedLimits.runsPerFrame).map(\.dot)
    }

    /// The answer to ``FeedAction/read(_:)``: for each start a row of entries, as many rows as fit.
    public mutating func supply(_ rows: [[FeedEntry]], for read: FeedRead, now: FeedInstant, into actions: inout [FeedAction]) {
        guard let place = peers.firstIndex(where: { $0.id == read.peer }), peers[place].isReading else { return }
        peers[place].isReading = false
        guard peers[place].phase == .established else { return }
        var runs: [FeedRun] = []
        var room = peers[place].frameMaximum - FeedLimits.frameOverhead
        var credit = self.credit(place)
        for row in rows where !row.isEmpty {
            guard let run = run(of: row, to: place, room: &room, credit: &credit, isAlone: runs.isEmpty, into: &actions) else { break }
            runs.append(run)
        }
        guard !runs.isEmpty else { return }
        sendFrame(runs, to: place, into: &actions)
        if peers[place].progressAt + FeedLimits.resendInterval < now.monotonic { peers[place].progressAt = now.monotonic }
        pump(place, now: now, into: &actions)
    }

    /// What may still be sent, in charges.
    private func credit(_ place: Int) -> Int {
        guard !has(.creditIgnored) else { return 16 << 20 }
        return Int(clamping: peers[place].granted - min(peers[place].granted, peers[place].position))
    }

    /// As much of a row as fits and is durable, if it still is what comes next.
    ///
    /// What a crash may still take is never given away: its numbers would go to other entries, which is a fork.
    private mutating func run(
        of row: [FeedEntry], to place: Int, room: inout Int, credit: inout Int, isAlone: Bool, into actions: inout [FeedAction]
    ) -> FeedRun? {
        guard let number = numbers[row[0].dot.origin], peers[place].lanes[number].sent + 1 == row[0].dot.sequence else { return nil }
        let isSigned = !row[0].signature.isEmpty
        room -= Self.runOverhead
        if isAlone, FeedWriter.sizeMaximum(row[0]) > room { widen(&room, for: row[0], place, into: &actions) }
        var count = 0
        let durable = has(.sentEarly) ? .max : origins[number].durable.sequence
        for entry in row {
            let size = FeedWriter.sizeMaximum(entry)
            guard entry.dot.sequence <= durable, size <= room, entry.charge <= credit, entry.signature.isEmpty != isSigned else { break }
            room -= size
            credit -= entry.charge
            count += 1
        }
        guard count > 0 else { return nil }
        let entries = count == row.count ? row : Array(row[..<count])
        let tag = peers[place].lanes[number].needsTag ? entries[0].link.tag : nil
        peers[place].lanes[number].sent = entries[count - 1].dot.sequence
        peers[place].lanes[number].needsTag = !peers[place].isOrdered
        note(entries)
        return FeedRun(
            number: number, definition: definition(number, place), first: entries[0].dot.sequence, tag: tag, isSigned: isSigned,
            entries: entries)
    }

    /// Most bytes of a run beside its entries.
    private static let runOverhead = 32

    /// On a stream an entry that is larger than a frame usually is gets one of its own; a datagram cannot carry it.
    private mutating func widen(_ room: inout Int, for entry: FeedEntry, _ place: Int, into actions: inout [FeedAction]) {
        guard peers[place].isOrdered else {
            actions.append(.report(.peerNeedsRepair(peers[place].id, entry.dot)))
            return
        }
        room = FeedLimits.frameMaximum - FeedLimits.frameOverhead - Self.runOverhead
    }

    private mutating func note(_ entries: [FeedEntry]) {
        let payload = entries.reduce(0) { $0 + $1.body.count + $1.signature.count }
        count {
            $0.entriesSent += UInt64(entries.count)
            $0.payloadSent += UInt64(payload)
        }
    }

    /// The origin behind a number, where the peer may not know it.
    private mutating func definition(_ number: Int, _ place: Int) -> OriginID? {
        guard !peers[place].isOrdered || !peers[place].lanes[number].isDefined else { return nil }
        peers[place].lanes[number].isDefined = true
        return origins[number].id
    }

    /// A frame with runs, and with what there is to acknowledge.
    mutating func sendFrame(_ runs: [FeedRun], to place: Int, into actions: inout [FeedAction]) {
        growLanes(place)
        for run in runs {
            peers[place].position += run.entries.reduce(0) { $0 + UInt64($1.charge) }
            if peers[place].isTicking {
                peers[place].sentLastTick += run.entries.count
            } else {
                peers[place].sentInTick += run.entries.count
            }
        }
        if !runs.isEmpty { peers[place].isTicking = false }
        var frame = header(place)
        // Few acknowledgements fit beside entries; what does not goes with the next tick.
        let room = (runs.isEmpty ? peers[place].frameMaximum - FeedLimits.frameOverhead : FeedLimits.frameOverhead / 3) / 18
        frame.haves = haves(atMost: min(room, FeedLimits.pairsPerFrame), to: place)
        frame.runs = runs
        send(.frame(frame), to: place, into: &actions)
    }

    /// What a frame says beside acknowledgements and runs. Over a stream only what is news: with ten entries a frame all of it would be a tenth of the bytes.
    private mutating func header(_ place: Int) -> FeedFrame {
        let (grant, isLossy) = (grant(place), !peers[place].isOrdered)
        var frame = FeedFrame(tag: peers[place].tag)
        if isLossy { frame.position = peers[place].position }
        if isLossy || grant >= peers[place].toldGrant + UInt64(FeedLimits.window / 8) {
            frame.grant = grant
            peers[place].toldGrant = grant
        }
        if isLossy || peers[place].toldRate != writeRate.rate {
            frame.rate = writeRate.rate
            peers[place].toldRate = writeRate.rate
        }
        frame.edge = peers[place].edge.take()
        return frame
    }

    /// What the peer was not told yet.
    private mutating func haves(atMost maximum: Int, to place: Int) -> [FeedHave] {
        var haves: [FeedHave] = []
        peers[place].needsFrame = false
        for number in origins.indices {
            let lane = peers[place].lanes[number]
            guard origins[number].durable.sequence > lane.told || lane.rewinds, !origins[number].isFrozen else { continue }
            guard haves.count < maximum else {
                peers[place].needsFrame = true
                break
            }
            let sequence = origins[number].durable.sequence
            haves.append(
                FeedHave(number: number, definition: definition(number, place), rewinds: lane.rewinds, sequence: sequence))
            peers[place].lanes[number].told = sequence
            peers[place].lanes[number].rewinds = false
        }
        return haves
    }

    /// How much the peer may send in all: what it sent, and a window less what is not durable yet.
    private mutating func grant(_ place: Int) -> UInt64 {
        let window = UInt64(max(0, FeedLimits.window - peers[place].unsynced))
        peers[place].permitted = max(peers[place].permitted, peers[place].received + window)
        return peers[place].permitted
    }

    /// Time passes: say what is due. Call it every ``FeedLimits/tickInterval``.
    public mutating func tick(now: FeedInstant, into actions: inout [FeedAction]) {
        var backlog: UInt64 = 0
        graft(now: now, into: &actions)
        for place in peers.indices {
            switch peers[place].phase {
            case .greeting where peers[place].helloDue <= now.monotonic:
                // Without an echo, or a peer that is in the session already would take it for a digest and not answer.
                peers[place].theirSession = 0
                sayHello(place, now: now, into: &actions)
            case .established:
                backlog = max(backlog, self.backlog(at: place))
                tick(place, now: now, into: &actions)
            default: break
            }
        }
        writeRate.adapt(backlog: backlog, now: now)
    }

    private mutating func tick(_ place: Int, now: FeedInstant, into actions: inout [FeedAction]) {
        growLanes(place)
        (peers[place].sentLastTick, peers[place].sentInTick) = (peers[place].sentInTick, 0)
        let isBehind = peers[place].lanes.contains { $0.sent > $0.known }
        if isBehind, !peers[place].isOrdered, peers[place].progressAt + FeedLimits.resendInterval <= now.monotonic, !has(.neverResent) {
            count { $0.resends += 1 }
            rewind(place)
            // Bytes that were lost never came into the peer's account; the frame asks it to say what it permits.
            peers[place].needsFrame = true
            peers[place].progressAt = now.monotonic
        }
        if peers[place].digestDue <= now.monotonic { sayHello(place, now: now, into: &actions) }
        if peers[place].isEager || isOverdue(place, now: now) {
            pump(place, now: now, into: &actions)
            peers[place].isTicking = peers[place].isReading
        }
        let lags = peers[place].lanes.indices.contains { origins[$0].durable.sequence > peers[place].lanes[$0].told }
        // What is being read goes in a frame that says the rest.
        if (peers[place].needsFrame || lags) && !peers[place].isTicking { sendFrame([], to: place, into: &actions) }
    }
}
