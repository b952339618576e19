public import SkerryCRDT

/// The feeds of a node: who has which entries of which origin, what to send to whom next, and what to take.
///
/// A value: events in, actions out. Whoever owns it reads and writes the log (``FeedStore``), moves messages, keeps time and draws sessions. What it keeps is bounded by
/// origins and peers; entries that wait to be sent stand in the log alone, so a slow peer costs a number for each origin.
///
/// - An origin's entries are taken in the order of their sequence without a gap, whatever the network does, and each once.
/// - A frame is filled from the origin with the longest backlog ("scuttle-depth" of van Renesse et al. 2008), and never larger than its link takes.
/// - What was taken is acknowledged when it is durable, never before.
/// - Nothing goes back to whom it came from.
/// - Entries are pushed along a tree that the cores find among themselves, so that each comes to each node about once, however many links there are; the other links say what
///   there is, and mend the tree (``setEager(_:for:)``).
public struct FeedCore: Sendable {
    struct Origin: Sendable {
        let id: OriginID
        /// What was taken.
        var accepted = FeedPosition.start
        /// What is durable.
        var durable = FeedPosition.start
        /// What the log no longer holds.
        var floor: UInt64 = 0
        var isFrozen = false
        /// Entries behind this are not taken: the origin was retired.
        var fence: UInt64?
        /// What peers have of it, and has not come.
        var wait: FeedWait?
    }

    private struct Pending: Sendable {
        var ticket: UInt64
        var marks: [FeedMark]
        var charge: Int
        var peer: FeedPeerID?
        var session: UInt32
    }

    /// Who this node says that it is, for as long as the core lives.
    public let identity: FeedIdentity
    /// How own entries are signed, and those of others checked.
    public let trust: FeedTrust
    /// Counted since the core was made.
    public private(set) var statistics = FeedStatistics()
    /// Stamps own entries, behind all that was taken.
    public internal(set) var clock: HybridClock
    /// How many own entries a second this node allows itself: ask with ``admitWrite(now:)``.
    public internal(set) var writeRate: WriteRate
    /// What this node says of collected tombstones: the shell sets it as ``Retention`` moves it.
    public var horizon = HybridTimestamp.zero
    var origins: [Origin] = []
    var numbers: [OriginID: Int] = [:]
    var peers: [FeedPeer] = []
    /// Whose entries are taken; nil for everybody's.
    var members: Set<OriginID>?
    /// Origins that must not speak to us as themselves.
    var fenced: Set<OriginID> = []
    private var pending: [Pending] = []
    private var unsynced = 0
    private var ticket: UInt64 = 0
    #if DEBUG
    /// Errors put in on purpose, so that tests can show that they would be found.
    var defects: FeedDefects = []
    #endif

    /// - Parameters:
    ///   - state: what the store holds. Positions of a restored backup are those of another life: give `identity` a new origin then.
    ///   - now: from when time runs.
    public init(identity: FeedIdentity, state: FeedState = FeedState(), trust: FeedTrust = .members, now: FeedInstant) {
        self.identity = identity
        self.trust = trust
        clock = HybridClock(highWater: state.highWater)
        writeRate = WriteRate(now: now)
        for mark in state.marks {
            let number = register(mark.origin)
            origins[number].accepted = mark.position
            origins[number].durable = mark.position
            clock.restore(mark.position.stamp)
        }
        for floor in state.floors { origins[register(floor.origin)].floor = floor.sequence }
        for origin in state.frozen { origins[register(origin)].isFrozen = true }
        _ = register(identity.origin)
    }

    /// The number of an origin; one is made for a new one. The caller has checked ``FeedLimits/origins``.
    @discardableResult
    mutating func register(_ origin: OriginID) -> Int {
        if let number = numbers[origin] { return number }
        numbers[origin] = origins.count
        origins.append(Origin(id: origin))
        return origins.count - 1
    }

    @inline(__always)
    func has(_ defect: FeedDefects) -> Bool {
        #if DEBUG
        return defects.contains(defect)
        #else
        return false
        #endif
    }
}

// MARK: - Looking inside

extension FeedCore {
    /// What is durable here, by origin.
    public var durable: CausalContext {
        CausalContext(covering: origins.filter { $0.durable.sequence > 0 }.map { Dot(origin: $0.id, sequence: $0.durable.sequence) })
    }

    /// Where each origin stands, ascending by origin.
    public var marks: [FeedMark] {
        origins.filter { $0.durable.sequence > 0 }.sorted { $0.id < $1.id }.map { FeedMark(origin: $0.id, position: $0.durable) }
    }

    /// Origins that were found to have two histories, ascending: nothing of them is taken or given.
    public var frozenOrigins: [OriginID] { origins.filter(\.isFrozen).map(\.id).sorted() }

    /// How many durable entries a peer in a session has not acknowledged.
    public func backlog(of peer: FeedPeerID) -> UInt64 {
        guard let place = peers.firstIndex(where: { $0.id == peer }), peers[place].phase == .established else { return 0 }
        return backlog(at: place)
    }

    /// Whether a peer has anything of an origin that is durable here.
    public func sharesOrigins(with peer: FeedPeerID) -> Bool {
        guard let peer = peers.first(where: { $0.id == peer }) else { return false }
        return peer.lanes.indices.contains { peer.lanes[$0].known > 0 && origins[$0].durable.sequence > 0 }
    }

    func backlog(at place: Int) -> UInt64 {
        var sum: UInt64 = 0
        for (number, lane) in peers[place].lanes.enumerated()
        where origins[number].durable.sequence > lane.known && !origins[number].isFrozen {
            sum += origins[number].durable.sequence - lane.known
        }
        return sum
    }

    /// Whether both sides are in a session. False for a peer that is not attached, or was refused.
    public func isEstablished(_ peer: FeedPeerID) -> Bool { peers.contains { $0.id == peer && $0.phase == .established } }

    /// Charges of what was taken and is not durable: at most a window and a frame for each peer, and ``FeedLimits/unsyncedMaximum`` of own entries.
    public var unsyncedCharge: Int { unsynced }

    /// Whether something that came from a peer is not durable yet.
    func isUnsynced(from peer: FeedPeerID) -> Bool { pending.contains { $0.peer == peer } }
}

// MARK: - Writing

extension FeedCore {
    /// Writes an entry of this node's origin. It is acknowledged to nobody before it is durable: wait for its batch to be persisted.
    ///
    /// - Returns: the entry, with its stamp.
    /// - Throws: ``FeedError`` with ``FeedError/Code/limitExceeded`` for too many bytes, ``FeedError/Code/overloaded`` when too much waits to become durable,
    ///   ``FeedError/Code/equivocation`` or ``FeedError/Code/fenced`` when this node's origin may write no more.
    @discardableResult
    public mutating func publish(
        _ kind: FeedEntry.Kind, key: [UInt8], value: [UInt8] = [], now: FeedInstant, into actions: inout [FeedAction]
    ) throws(FeedError) -> FeedEntry {
        guard key.count <= FeedLimits.keyMaximum, key.count + value.count <= FeedLimits.bodyMaximum else {
            throw FeedError(.limitExceeded, "a key of \(key.count) and a value of \(value.count) bytes are too large for a feed")
        }
        guard unsynced <= FeedLimits.unsyncedMaximum else { throw FeedError(.overloaded, "\(unsynced) bytes wait to become durable") }
        let number = register(identity.origin)
        guard !origins[number].isFrozen else { throw FeedError(.equivocation, "this node's origin has two histories") }
        guard origins[number].fence == nil else { throw FeedError(.fenced, "this node's origin was retired") }
        let entry = own(kind, body: key + value, keyLength: key.count, after: origins[number].accepted, now: now)
        accept([entry], charge: entry.charge, from: nil, into: &actions)
        return entry
    }

    private mutating func own(_ kind: FeedEntry.Kind, body: [UInt8], keyLength: Int, after last: FeedPosition, now: FeedInstant)
        -> FeedEntry
    {
        let dot = Dot(origin: identity.origin, sequence: last.sequence + 1)
        let stamp = clock.next(now: now.wall)
        let digest = body.withUnsafeBytes { FeedHash.digest(stamp: stamp, dot: dot, kind: kind, keyLength: keyLength, body: $0) }
        let link = FeedHash.link(after: last.link, digest: digest)
        let signature = trust.sign?(FeedTrust.message(dot, digest: digest, link: link)) ?? []
        return FeedEntry(
            dot: dot, stamp: stamp, kind: kind, body: body, keyLength: keyLength, digest: digest, link: link, signature: signature)
    }

    /// Hands checked entries, in order, to the store.
    mutating func accept(_ entries: [FeedEntry], charge: Int, from place: Int?, into actions: inout [FeedAction]) {
        var marks: [FeedMark] = []
        for entry in entries {
            let number = register(entry.dot.origin)
            origins[number].accepted = FeedPosition(of: entry)
            if marks.last?.origin == entry.dot.origin { marks.removeLast() }
            marks.append(FeedMark(origin: entry.dot.origin, position: FeedPosition(of: entry)))
        }
        ticket += 1
        unsynced += charge
        statistics.entriesApplied += UInt64(entries.count)
        let peer = place.map { peers[$0].id }
        if let place { peers[place].unsynced += charge }
        pending.append(
            Pending(ticket: ticket, marks: marks, charge: charge, peer: peer, session: place.map { peers[$0].theirSession } ?? 0))
        actions.append(.persist(FeedBatch(ticket: ticket, entries: entries, marks: marks, highWater: clock.highWater)))
        if has(.acknowledgedEarly) { for mark in marks { origins[register(mark.origin)].durable = mark.position } }
    }

    /// All batches up to a ticket are durable.
    public mutating func persisted(_ ticket: UInt64, now: FeedInstant, into actions: inout [FeedAction]) {
        var count = 0
        while count < pending.count, pending[count].ticket <= ticket {
            let done = pending[count]
            count += 1
            unsynced -= done.charge
            for mark in done.marks {
                let number = register(mark.origin)
                if mark.position.sequence > origins[number].durable.sequence { origins[number].durable = mark.position }
            }
            guard let peer = done.peer, let place = peers.firstIndex(where: { $0.id == peer }), peers[place].theirSession == done.session
            else {
                continue
            }
            peers[place].unsynced -= done.charge
            peers[place].needsFrame = true
        }
        guard count > 0 else { return }
        pending.removeFirst(count)
        for place in peers.indices where peers[place].phase == .established {
            reportIfSynchronised(place, into: &actions)
            if peers[place].isEager { pumpOrGather(place, now: now, into: &actions) }
            // Whoever sends much need not wait for a tick to be granted more.
            let credit = peers[place].permitted - min(peers[place].permitted, peers[place].received)
            if peers[place].needsFrame, credit < UInt64(FeedLimits.window / 2) { sendFrame([], to: place, into: &actions) }
        }
    }
}

// MARK: - What others decide

extension FeedCore {
    /// Takes positions from a replica whose whole state was taken over and made durable (``MemoryFeedStore/adopt(_:)`` and its like): feeds go on from there.
    ///
    /// Those of origins for which there is no room (``admits(_:)``) are passed over.
    public mutating func adopt(_ marks: [FeedMark], now: FeedInstant, into actions: inout [FeedAction]) {
        for mark in marks where admits(mark.origin) {
            let number = register(mark.origin)
            guard mark.position.sequence > origins[number].accepted.sequence else { continue }
            origins[number].accepted = mark.position
            origins[number].durable = mark.position
            origins[number].floor = mark.position.sequence
            clock.restore(mark.position.stamp)
            // Pending batches of these origins lead to less than what is now there.
        }
        for place in peers.indices where peers[place].phase == .established {
            peers[place].needsFrame = true
            // The peer has said all it has to say, and will not say it again.
            reportIfSynchronised(place, into: &actions)
        }
    }

    /// The log no longer holds an origin's entries up to a sequence.
    public mutating func trimmed(_ origin: OriginID, through sequence: UInt64) {
        let number = register(origin)
        origins[number].floor = max(origins[number].floor, sequence)
    }

    /// Says whose entries are taken: those of members (``Retention/members``), and of retired origins up to their fence. Until it is called, everybody's.
    ///
    /// Entries of others are turned away (``FeedError/Code/unregistered``) and asked for as soon as their origin is a member, so a registration may arrive behind what it makes welcome.
    /// This is what makes forgetting safe against a minority that registers somebody whom the others never hear of: see ``Retention``.
    public mutating func admit(_ members: some Sequence<OriginID>) {
        self.members = Set(members)
        for place in peers.indices where peers[place].phase == .established {
            for number in peers[place].lanes.indices where peers[place].lanes[number].wasTurnedAway {
                guard isAdmitted(number, from: place) else { continue }
                peers[place].lanes[number].wasTurnedAway = false
                peers[place].lanes[number].rewinds = true
                peers[place].needsFrame = true
            }
        }
    }

    /// Whether entries of an origin are taken from a peer.
    ///
    /// What is still to be taken of an origin that is being retired comes from members alone: all of them say how far they took it, and nobody else is asked.
    func isAdmitted(_ number: Int, from place: Int) -> Bool {
        members == nil || isAdmitted(origins[number].id, from: peers[place].identity?.origin)
    }

    /// The same for entries that come beside the feeds. Whether an entry lies behind a fence is another question (``isFenced(_:)``).
    ///
    /// - Parameter giver: the peer that gives them; nil where nobody says who it is.
    public func isAdmitted(_ origin: OriginID, from giver: OriginID?) -> Bool {
        guard let members, !has(.strangersAdmitted) else { return true }
        if let number = numbers[origin], origins[number].fence != nil { return true }
        guard members.contains(origin) else { return origin == identity.origin }
        guard fenced.contains(origin) else { return true }
        return giver.map { members.contains($0) } ?? false
    }

    /// A retired origin: nothing behind `sequence` is taken, and no session with it as itself is kept.
    public mutating func fence(_ origin: OriginID, through sequence: UInt64?, into actions: inout [FeedAction]) {
        guard !has(.fenceIgnored) else { return }
        fenced.insert(origin)
        if let sequence { origins[register(origin)].fence = sequence }
        for place in peers.indices where peers[place].identity?.origin == origin && peers[place].phase == .established {
            refuse(FeedError(.fenced, "the origin was retired", dot: Dot(origin: origin, sequence: 0)), at: place, into: &actions)
            peers[place].phase = .refused
        }
    }

    /// Whether an entry lies behind the fence of a retired origin: it is not to be taken, whichever way it came.
    public func isFenced(_ dot: Dot) -> Bool {
        guard !has(.fenceIgnored), let number = numbers[dot.origin], let fence = origins[number].fence else { return false }
        return dot.sequence > fence
    }

    /// Whether an origin is known here, or becomes so: at most ``FeedLimits/origins`` are. Ask before anything of an origin is stored that came beside the feeds.
    public mutating func admits(_ origin: OriginID) -> Bool {
        guard numbers[origin] != nil || origins.count < FeedLimits.origins else { return false }
        register(origin)
        return true
    }

    /// Takes note of the stamp of an entry that came beside the feeds, as part of a state that was taken over, so that the next own one is greater.
    ///
    /// The caller has checked the entry: its signature, its origin, and that its stamp is not too far ahead (``HybridClock/futureBound``).
    public mutating func observe(_ stamp: HybridTimestamp) { clock.restore(stamp) }

    /// Stops an origin that was found to have two histories elsewhere.
    public mutating func freeze(_ origin: OriginID, into actions: inout [FeedAction]) {
        let number = register(origin)
        guard !origins[number].isFrozen else { return }
        origins[number].isFrozen = true
        ticket += 1
        pending.append(Pending(ticket: ticket, marks: [], charge: 0, peer: nil, session: 0))
        actions.append(.persist(FeedBatch(ticket: ticket, entries: [], marks: [], highWater: clock.highWater, frozen: [origin])))
    }

    /// Whether own writes should wait, and for how many milliseconds: what keeps a connected peer from falling behind for ever.
    public mutating func admitWrite(now: FeedInstant) -> UInt64? { writeRate.admit(now: now) }

    /// Eager peers get entries at once, lazy ones only what they have not found elsewhere after ``FeedLimits/lazyInterval``.
    ///
    /// Peers begin eager. The cores of both sides make an edge lazy over which came only what was there, and eager again when it is the one that brings news (Plumtree).
    public mutating func setEager(_ isEager: Bool, for peer: FeedPeerID) {
        guard let place = peers.firstIndex(where: { $0.id == peer }) else { return }
        peers[place].isEager = isEager
    }

    mutating func count(_ change: (inout FeedStatistics) -> Void) { change(&statistics) }
}
