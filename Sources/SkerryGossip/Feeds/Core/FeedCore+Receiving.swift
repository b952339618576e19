internal import SkerryCRDT

extension FeedCore {
    /// A message from a peer. Whatever its bytes are, nothing traps, and what is refused changes nothing.
    public mutating func receive(
        _ bytes: UnsafeRawBufferPointer, from peer: FeedPeerID, now: FeedInstant, into actions: inout [FeedAction]
    ) {
        guard let place = peers.firstIndex(where: { $0.id == peer }) else { return }
        do throws(FeedError) {
            guard bytes.count <= max(peers[place].frameMaximum, FeedLimits.frameMaximum) else {
                throw FeedError(.limitExceeded, "a message is larger than the link takes")
            }
            try receive(try FeedMessage(decoding: bytes), at: place, now: now, into: &actions)
        } catch {
            refuse(error, at: place, into: &actions)
        }
    }

    private mutating func receive(
        _ message: FeedMessage, at place: Int, now: FeedInstant, into actions: inout [FeedAction]
    ) throws(FeedError) {
        switch message {
        case .hello(let hello): try received(hello, at: place, now: now, into: &actions)
        case .frame(let frame) where isCurrent(frame.tag, place): try received(frame, at: place, now: now, into: &actions)
        case .refusal(let refusal) where refusal.code == .fenced || isCurrent(refusal.tag, place):
            received(refusal, at: place, now: now, into: &actions)
        case .trimmed(let trimmed) where isCurrent(trimmed.tag, place):
            for floor in trimmed.floors where (numbers[floor.origin].map { origins[$0].accepted.sequence } ?? 0) < floor.sequence {
                actions.append(.report(.repairNeeded(peers[place].id, floor)))
            }
        default: count { $0.strays += 1 }
        }
    }

    private func isCurrent(_ tag: UInt32, _ place: Int) -> Bool { peers[place].phase == .established && tag == peers[place].tag }

    private mutating func received(
        _ frame: FeedFrame, at place: Int, now: FeedInstant, into actions: inout [FeedAction]
    ) throws(FeedError) {
        let charges = frame.runs.reduce(0) { sum, run in run.entries.reduce(sum) { $0 + UInt64($1.charge) } }
        let position = frame.position ?? peers[place].received + charges
        guard position <= peers[place].permitted else {
            throw FeedError(.creditExceeded, "\(position) were charged and \(peers[place].permitted) granted")
        }
        // Without runs it tells of frames that were lost: what they took of the credit is given back.
        if position > peers[place].received || !frame.runs.isEmpty {
            peers[place].received = max(peers[place].received, position)
            peers[place].needsFrame = true
        }
        if let grant = frame.grant { peers[place].granted = max(peers[place].granted, grant) }
        peers[place].theirRate = frame.rate ?? peers[place].theirRate
        if let rate = peers[place].theirRate, now.monotonic >= peers[place].approachedAt + writeRate.interval {
            peers[place].approachedAt = now.monotonic
            writeRate.approach(rate)
        }
        let isAsking = frame.edge == .graft
        if let edge = frame.edge { peers[place].isEager = edge == .graft }
        for have in frame.haves { try take(have, at: place, now: now) }
        if !frame.runs.isEmpty { try take(frame.runs, at: place, now: now, into: &actions) }
        reportIfSynchronised(place, into: &actions)
        guard peers[place].isEager else { return }
        // Credit that grows is used at once while there is much to send.
        if isAsking { pump(place, now: now, into: &actions) } else { pumpOrGather(place, now: now, into: &actions) }
    }

    private mutating func take(_ have: FeedHave, at place: Int, now: FeedInstant) throws(FeedError) {
        guard let number = try resolve(have.number, have.definition, at: place) else { return }
        peers[place].lanes[number].isNamed = true
        if have.sequence > peers[place].lanes[number].known { peers[place].progressAt = now.monotonic }
        if have.rewinds {
            reset(number, to: have.sequence, at: place)
            peers[place].lanes[number].pausedUntil = 0
        } else {
            advance(number, to: have.sequence, at: place)
        }
    }

    /// Our number of an origin of the peer's; nil where its definition was lost.
    private mutating func resolve(_ number: Int, _ definition: OriginID?, at place: Int) throws(FeedError) -> Int? {
        if let definition { return try define(number, as: definition, at: place) }
        guard number < peers[place].numbers.count, peers[place].numbers[number] >= 0 else { return nil }
        growLanes(place)
        return Int(peers[place].numbers[number])
    }

    // MARK: - Entries

    /// Checks all runs of a frame, and then takes all that is new in them, or nothing.
    private mutating func take(
        _ runs: [FeedRun], at place: Int, now: FeedInstant, into actions: inout [FeedAction]
    ) throws(FeedError) {
        var fresh: [FeedEntry] = []
        var reached: [(number: Int, position: FeedPosition)] = []
        var gaps: [Int] = []
        var strangers: [Dot] = []
        var isRepeated = false
        for run in runs {
            guard let number = try resolve(run.number, run.definition, at: place) else { continue }
            let origin = origins[number]
            let last = run.first + UInt64(run.entries.count) - 1
            guard !origin.isFrozen else { continue }
            if let fence = origin.fence, last > fence {
                throw FeedError(.fenced, "the origin was retired at \(fence)", dot: Dot(origin: origin.id, sequence: last))
            }
            guard isAdmitted(number, from: place) else {
                strangers.append(Dot(origin: origin.id, sequence: run.first))
                peers[place].lanes[number].wasTurnedAway = true
                continue
            }
            let before = reached.last { $0.number == number }?.position ?? origin.accepted
            if run.first > before.sequence + 1, !has(.gapAllowed) {
                gaps.append(number)
                continue
            }
            let skipped = has(.gapAllowed) || has(.appliedTwice) ? 0 : Int(min(before.sequence + 1 - run.first, UInt64(run.entries.count)))
            if skipped > 0 {
                count { $0.entriesRepeated += UInt64(skipped) }
                isRepeated = true
                // The peer does not know that they are here: it is told again.
                peers[place].lanes[number].told = 0
                // Whoever sends an entry has it: it is not sent back.
                advance(number, to: min(last, before.sequence), at: place)
            }
            guard skipped < run.entries.count else { continue }
            if skipped == 0, let tag = run.tag, isFork(run, number, tag, before) {
                fork(number, at: run.first, ours: before.link.tag, theirs: tag, place, into: &actions)
                continue
            }
            let position = try check(run, from: skipped, after: before, number, now: now, into: &fresh)
            reached.append((number, position))
        }
        for dot in strangers {
            refuse(FeedError(.unregistered, "the origin is no member here", dot: dot), at: place, into: &actions)
        }
        for number in gaps {
            count { $0.gaps += 1 }
            peers[place].lanes[number].rewinds = true
            peers[place].needsFrame = true
        }
        guard !fresh.isEmpty else {
            if isRepeated, gaps.isEmpty { prune(place, into: &actions) }
            return
        }
        broughtNews(place)
        let charge = fresh.reduce(0) { $0 + $1.charge }
        guard peers[place].unsynced + charge <= FeedLimits.window + FeedLimits.frameMaximum else {
            throw FeedError(.creditExceeded, "\(peers[place].unsynced + charge) bytes would wait to become durable")
        }
        clock.restore(fresh.reduce(.zero) { max($0, $1.stamp) })
        for (number, position) in reached where !has(.echo) { advance(number, to: position.sequence, at: place) }
        accept(fresh, charge: charge, from: place, into: &actions)
    }

    /// Whether the first entry of a run links to another past than ours: its own link then is not the one that its sender has.
    private func isFork(_ run: FeedRun, _ number: Int, _ tag: UInt64, _ before: FeedPosition) -> Bool {
        let entry = run.entries[0]
        let dot = Dot(origin: origins[number].id, sequence: run.first)
        let digest = entry.body.withUnsafeBytes {
            FeedHash.digest(stamp: entry.stamp, dot: dot, kind: entry.kind, keyLength: entry.keyLength, body: $0)
        }
        return FeedHash.link(after: before.link, digest: digest).tag != tag
    }

    /// Gives entries their digests and links and checks stamps and signatures. Nothing has changed when it throws, no clock either.
    private mutating func check(
        _ run: FeedRun, from skipped: Int, after before: FeedPosition, _ number: Int, now: FeedInstant, into fresh: inout [FeedEntry]
    ) throws(FeedError) -> FeedPosition {
        let origin = origins[number].id
        var position = before
        if has(.clockFirst), let last = run.entries.last { clock.restore(last.stamp) }
        fresh.reserveCapacity(fresh.count + run.entries.count - skipped)
        for index in skipped..<run.entries.count {
            var entry = run.entries[index]
            entry.dot = Dot(origin: origin, sequence: run.first + UInt64(index))
            try checkStamp(entry, after: position, now: now)
            entry.digest = entry.body.withUnsafeBytes {
                FeedHash.digest(stamp: entry.stamp, dot: entry.dot, kind: entry.kind, keyLength: entry.keyLength, body: $0)
            }
            entry.link = FeedHash.link(after: position.link, digest: entry.digest)
            if let verify = trust.verify, !has(.signatureSkipped) {
                guard run.isSigned, verify(entry.signature, FeedTrust.message(entry.dot, digest: entry.digest, link: entry.link), origin)
                else {
                    throw FeedError(.badSignature, "the signature is not its origin's", dot: entry.dot)
                }
            }
            position = FeedPosition(of: entry)
            fresh.append(entry)
        }
        return position
    }

    @inline(__always)
    private func checkStamp(_ entry: FeedEntry, after position: FeedPosition, now: FeedInstant) throws(FeedError) {
        guard entry.stamp > position.stamp || has(.staleAllowed) || has(.appliedTwice) || has(.gapAllowed) else {
            throw FeedError(.staleStamp, "a stamp is not greater than the one before it", dot: entry.dot)
        }
        let bound = now.wall + clock.futureBound
        guard entry.stamp.milliseconds <= bound || has(.futureAdopted) else {
            throw FeedError(
                .futureStamp, "a stamp is \(entry.stamp.milliseconds - now.wall) ms ahead", dot: entry.dot,
                amount: entry.stamp.milliseconds - bound)
        }
    }

    /// Says once in a session that both are equal. While a part of the peer's digest is missing nobody knows: it may have origins that were never heard of here.
    mutating func reportIfSynchronised(_ place: Int, into actions: inout [FeedAction]) {
        guard !peers[place].wasSynchronised, peers[place].digest.wasWhole else { return }
        let isEqual = origins.indices.allSatisfy { number in
            let known = number < peers[place].lanes.count ? peers[place].lanes[number].known : 0
            return origins[number].isFrozen || (known == origins[number].durable.sequence)
        }
        guard isEqual else { return }
        peers[place].wasSynchronised = true
        actions.append(.report(.synchronised(peers[place].id)))
    }
}
