internal import SkerryCRDT

extension FeedCore {
    /// A link to a peer is there. Both sides do this, and both say HELLO.
    ///
    /// - Parameters:
    ///   - session: drawn anew for each link, not 0.
    ///   - isOrdered: whether the link neither loses nor reorders.
    ///   - frameMaximum: the most bytes of a message, at least ``FeedLimits/frameMinimum``.
    ///   - gathers: whether entries that come often wait for the next tick, to go in one frame: for links whose bytes count.
    /// - Throws: ``FeedError`` with ``FeedError/Code/limitExceeded`` beyond ``FeedLimits/peers``.
    public mutating func attach(
        _ peer: FeedPeerID, session: UInt32, isOrdered: Bool, frameMaximum: Int = FeedLimits.framePreferred, gathers: Bool = false,
        now: FeedInstant, into actions: inout [FeedAction]
    ) throws(FeedError) {
        detach(peer)
        guard peers.count < FeedLimits.peers else { throw FeedError(.limitExceeded, "too many peers") }
        guard session != 0, frameMaximum >= FeedLimits.frameMinimum else {
            throw FeedError(.limitExceeded, "a session is not 0, and a frame holds at least \(FeedLimits.frameMinimum) bytes")
        }
        peers.append(
            FeedPeer(
                id: peer, isOrdered: isOrdered, frameMaximum: min(frameMaximum, FeedLimits.frameMaximum), session: session, gathers: gathers
            ))
        sayHello(peers.count - 1, now: now, into: &actions)
    }

    /// The link is gone, and what was known of the peer with it.
    public mutating func detach(_ peer: FeedPeerID) { peers.removeAll { $0.id == peer } }

    /// Says HELLO with the digest of all positions, in as many parts as it takes.
    ///
    /// - Parameter isNew: whether it goes to a session that has not begun here, whose credit is a window whatever was granted in the one before.
    mutating func sayHello(_ place: Int, isNew: Bool = false, now: FeedInstant, into actions: inout [FeedAction]) {
        growLanes(place)
        let peer = peers[place]
        let known = origins.indices.filter { origins[$0].durable.sequence > 0 && !origins[$0].isFrozen }
        // By number and not by place among the known ones, so that an origin stays in its part when others come before it.
        let perPart = min(FeedLimits.pairsPerFrame, max(1, (peer.frameMaximum - FeedHello.headSize) / FeedHello.pairSize))
        let parts = (known.last ?? 0) / perPart + 1
        var rest = known[...]
        for part in 0..<parts {
            let numbers = rest.prefix { $0 / perPart == part }
            rest = rest.dropFirst(numbers.count)
            let pairs = numbers.map { number in
                FeedPair(
                    number: number, origin: origins[number].id,
                    sequence: origins[number].durable.sequence + (has(.digestOffByOne) ? 1 : 0),
                    tag: origins[number].durable.link.tag)
            }
            let hello = FeedHello(
                session: peer.session, echo: peer.theirSession, identity: identity, features: FeedHello.edges, horizon: horizon,
                rate: writeRate.rate,
                grant: isNew ? UInt64(FeedLimits.window) : peer.permitted, part: part, parts: parts, pairs: pairs)
            send(.hello(hello), to: place, into: &actions)
        }
        // On a stream the digest comes before all frames of the session, and names the numbers.
        for number in known where peer.isOrdered && peer.phase == .established { peers[place].lanes[number].isDefined = true }
        for number in peers[place].lanes.indices { peers[place].lanes[number].toldTrimmed = false }
        peers[place].helloAt = now.monotonic
        peers[place].helloDue = now.monotonic + FeedLimits.helloInterval
        peers[place].digestDue = now.monotonic + FeedLimits.digestInterval
    }

    mutating func received(_ hello: FeedHello, at place: Int, now: FeedInstant, into actions: inout [FeedAction]) throws(FeedError) {
        guard hello.identity.cluster == identity.cluster else {
            throw FeedError(.mismatch, "the peer belongs to another cluster")
        }
        guard !fenced.contains(hello.identity.origin) else {
            peers[place].theirSession = hello.session
            peers[place].phase = .refused
            throw FeedError(.fenced, "the origin was retired", dot: Dot(origin: hello.identity.origin, sequence: 0))
        }
        guard hello.echo == peers[place].session else {
            // The peer does not know this session yet: it learns of it, and says HELLO again.
            guard peers[place].helloAt + FeedLimits.helloInterval / 2 <= now.monotonic || peers[place].theirSession != hello.session else {
                return
            }
            if peers[place].phase != .established { peers[place].theirSession = hello.session }
            answerHello(hello.session, at: place, now: now, into: &actions)
            return
        }
        if peers[place].phase != .established || peers[place].theirSession != hello.session {
            let wasUnanswered = peers[place].theirSession != hello.session
            peers[place].begin(hello.session, grant: hello.grant, now: now.monotonic)
            peers[place].identity = hello.identity
            actions.append(.report(.established(peers[place].id, hello.identity, horizon: hello.horizon)))
            if wasUnanswered { sayHello(place, now: now, into: &actions) }
        }
        peers[place].horizon = hello.horizon
        peers[place].features = hello.features
        peers[place].granted = max(peers[place].granted, hello.grant)
        growLanes(place)
        if peers[place].digest.begin(of: hello.parts) { forgetNames(place) }
        for pair in hello.pairs { try take(pair, at: place, into: &actions) }
        if peers[place].digest.take(hello.part) {
            resetUnnamed(place)
            reportIfSynchronised(place, into: &actions)
        }
        if peers[place].isEager { pump(place, now: now, into: &actions) }
    }

    private mutating func forgetNames(_ place: Int) {
        for number in peers[place].lanes.indices { peers[place].lanes[number].isNamed = false }
    }

    /// All parts of the peer's digest are here: what is named in none of them is at 0.
    private mutating func resetUnnamed(_ place: Int) {
        for number in peers[place].lanes.indices where peers[place].lanes[number].known > 0 && !peers[place].lanes[number].isNamed {
            reset(number, to: 0, at: place)
        }
    }

    /// HELLO to a session that is not this peer's yet.
    private mutating func answerHello(_ session: UInt32, at place: Int, now: FeedInstant, into actions: inout [FeedAction]) {
        let before = peers[place].theirSession
        peers[place].theirSession = session
        sayHello(place, isNew: true, now: now, into: &actions)
        if peers[place].phase == .established { peers[place].theirSession = before }
    }

    /// A pair of the peer's digest: what it has, by which number it speaks of it, and whether its history is ours.
    private mutating func take(_ pair: FeedPair, at place: Int, into actions: inout [FeedAction]) throws(FeedError) {
        let number = try define(pair.number, as: pair.origin, at: place)
        peers[place].lanes[number].isNamed = true
        if pair.sequence < peers[place].lanes[number].known {
            // Whatever was heard before, overtaken or made up: the digest is what counts.
            reset(number, to: pair.sequence, at: place)
        } else {
            advance(number, to: pair.sequence, at: place)
        }
        let origin = origins[number]
        guard pair.sequence > 0, !origin.isFrozen else { return }
        if pair.sequence == origin.accepted.sequence {
            if pair.tag != origin.accepted.link.tag {
                fork(number, at: pair.sequence, ours: origin.accepted.link.tag, theirs: pair.tag, place, into: &actions)
            }
        } else if pair.sequence < origin.durable.sequence, pair.sequence > origin.floor {
            actions.append(
                .readLink(FeedLinkQuery(peer: peers[place].id, dot: Dot(origin: pair.origin, sequence: pair.sequence), tag: pair.tag)))
        }
    }

    /// The answer to ``FeedAction/readLink(_:)``; nil where the log no longer holds the entry.
    public mutating func supply(link: FeedHash?, for query: FeedLinkQuery, now: FeedInstant, into actions: inout [FeedAction]) {
        guard let link, link.tag != query.tag, let number = numbers[query.dot.origin], !origins[number].isFrozen else { return }
        guard let place = peers.firstIndex(where: { $0.id == query.peer }) else { return }
        fork(number, at: query.dot.sequence, ours: link.tag, theirs: query.tag, place, into: &actions)
    }

    /// One origin, two histories: it is frozen.
    mutating func fork(
        _ number: Int, at sequence: UInt64, ours: UInt64, theirs: UInt64, _ place: Int, into actions: inout [FeedAction]
    ) {
        guard !has(.forkIgnored) else { return }
        count { $0.equivocations += 1 }
        let dot = Dot(origin: origins[number].id, sequence: sequence)
        actions.append(.report(.equivocation(peers[place].id, dot, ours: ours, theirs: theirs)))
        freeze(origins[number].id, into: &actions)
        refuse(FeedError(.equivocation, "the origin has two histories", dot: dot), at: place, into: &actions)
    }

    /// The number of an origin by the peer's number of it.
    mutating func define(_ number: Int, as origin: OriginID, at place: Int) throws(FeedError) -> Int {
        guard admits(origin) else { throw FeedError(.limitExceeded, "too many origins", dot: Dot(origin: origin, sequence: 0)) }
        let own = register(origin)
        growLanes(place)
        while peers[place].numbers.count <= number { peers[place].numbers.append(-1) }
        let before = peers[place].numbers[number]
        guard before < 0 || before == Int32(own) else { throw FeedError(.malformed, "a number stands for two origins") }
        peers[place].numbers[number] = Int32(own)
        return own
    }

    mutating func growLanes(_ place: Int) {
        while peers[place].lanes.count < origins.count { peers[place].lanes.append(FeedPeer.Lane()) }
    }

    /// The peer has an origin's entries up to a sequence.
    mutating func advance(_ number: Int, to sequence: UInt64, at place: Int) {
        guard sequence > peers[place].lanes[number].known else { return }
        peers[place].lanes[number].known = sequence
        peers[place].lanes[number].sent = max(peers[place].lanes[number].sent, sequence)
    }

    /// The peer has an origin's entries up to a sequence and no further.
    mutating func reset(_ number: Int, to sequence: UInt64, at place: Int) {
        peers[place].lanes[number].known = sequence
        peers[place].lanes[number].sent = sequence
        peers[place].lanes[number].needsTag = true
    }

    /// Tells the peer what was not taken, and everybody else too.
    mutating func refuse(_ error: FeedError, at place: Int, into actions: inout [FeedAction]) {
        count {
            $0.framesRefused += 1
            if error.code == .futureStamp { $0.futureStamps += 1 }
            if error.code == .badSignature { $0.badSignatures += 1 }
        }
        // Last, for it may end the session.
        defer { actions.append(.report(.refused(peers[place].id, error))) }
        guard peers[place].theirSession != 0 else { return }
        let dot = error.dot ?? Dot(origin: OriginID(rawValue: 0), sequence: 0)
        let refusal = FeedRefusal(tag: peers[place].tag, code: error.code, dot: dot, amount: error.amount, horizon: horizon)
        send(.refusal(refusal), to: place, into: &actions)
    }

    mutating func received(_ refusal: FeedRefusal, at place: Int, now: FeedInstant, into actions: inout [FeedAction]) {
        let error = FeedError(refusal.code, "the peer refused it", dot: refusal.dot, amount: refusal.amount)
        actions.append(.report(.refusedByPeer(peers[place].id, error, horizon: refusal.horizon)))
        guard let number = numbers[refusal.dot.origin], number < peers[place].lanes.count else { return }
        let wait = refusal.code == .futureStamp ? min(refusal.amount + 1, FeedLimits.pauseInterval) : FeedLimits.pauseInterval
        peers[place].lanes[number].pausedUntil = now.monotonic + wait
        guard refusal.code != .unregistered else { return rewind(number, at: place) }
        // The whole frame was refused: whatever else it held comes again.
        rewind(place)
        pump(place, now: now, into: &actions)
    }

    /// What was sent and not acknowledged is as good as never sent.
    mutating func rewind(_ place: Int) {
        for number in peers[place].lanes.indices { rewind(number, at: place) }
    }

    mutating func rewind(_ number: Int, at place: Int) {
        guard peers[place].lanes[number].sent > peers[place].lanes[number].known else { return }
        peers[place].lanes[number].sent = peers[place].lanes[number].known
        peers[place].lanes[number].needsTag = true
        peers[place].lanes[number].isDefined = false
    }
}
