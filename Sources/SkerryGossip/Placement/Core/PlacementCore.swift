internal import SkerryCRDT

/// A member that keeps the keys placed on it and coordinates reads and writes of all keys: the whole of a Dynamo node but disks, links and clocks.
///
/// It puts the parts together: the ring says who keeps a key, a ``QuorumRequest`` asks them, a ``HintTable`` keeps copies for those that are away and hands
/// them over when they come back, ``Siblings`` go to the application, and a ``ReconciliationCore`` for each pair of members finds what hints and repairs
/// missed, over the ranges that both keep. Writes are coordinated by the first member of a key's preference list that can be reached, as the
/// origin of the write: whoever is asked hands them over.
///
/// ```swift
/// var core = try PlacementCore(id: id, life: startedAt, store: store, configuration: configuration, now: now)
/// try core.setMap(PlacementMap(ring, copies: 3), now: now)
/// try core.write(key, value, replacing: seen, ticket: 7, now: now, into: &output)
/// try core.commit()                        // what follows is durable
/// for message in output.messages { … }     // and for output.answers
/// ```
///
/// A value: messages, moments and random numbers in, messages and answers out. The simulator and SkerryReplication's PlacementNode run this code.
///
/// - Note: when the ring changes, keys move by comparison, and meanwhile a new home may answer a read with less than the others hold. One change at a time, and
///   the next once ``isSettled`` holds everywhere, keeps R + W > N true.
/// - Note: what a member is no longer home of it keeps until it has compared with all other members, one that is away included, and the ring has not changed for
///   ``PlacementConfiguration/leaverPatience``: then all homes have it, and it is dropped. A member that has not heard of the ring for that long and asks here
///   is told of nothing.
public struct PlacementCore<Store: PlacementStore & ~Copyable>: ~Copyable {
    /// This member.
    public let id: MemberID
    /// The numbers it goes by.
    public let configuration: PlacementConfiguration
    /// What it keeps. Changes of it are durable after ``commit()``.
    public internal(set) var store: Store
    /// Counted since the core was made.
    public internal(set) var statistics = PlacementStatistics()
    /// Who keeps which key, as this member knows it: ``setMap(_:now:)``.
    public internal(set) var map: PlacementMap
    var hints: HintTable
    /// Members of the ring that are known not to answer, as membership has it.
    var unreachable: Set<MemberID> = []
    /// Until when members are taken for away because a message could not be sent.
    var away: [MemberID: UInt64] = [:]

    var nextNumber: UInt64
    var requests: [UInt64: PlacementRequest] = [:]
    /// Those of them that have no answer yet.
    var openRequests = 0
    /// Those that have one and were not over with it, the oldest first; some are over meanwhile.
    var lingering = RangeQueue<UInt64>()
    var pending: [UInt64: PlacementPending] = [:]
    /// No later than the first of them expires.
    var nextExpiry = UInt64.max
    /// Hints under way by home.
    var hintsInFlight: [MemberID: Int] = [:]
    var nextHints: UInt64
    /// When the ring became what it is.
    var mapSince: UInt64
    var comparisons: [PlacementComparison.Name: PlacementComparison] = [:]
    /// Members with which this one has not compared since it started or the ring changed.
    var unsettled: Set<MemberID> = []
    var nextCompare: UInt64
    /// Whether there may be copies of keys that have other homes, and when the next of them may be dropped.
    var keepsForeign = true
    var nextDrop: UInt64 = 0

    #if DEBUG
    var defects: PlacementDefects = []
    #endif

    /// - Parameter life: larger than in every earlier life of this member, for example its milliseconds since 1970: answers to what an earlier life asked are
    ///   not taken for others.
    /// - Throws: what the store threw when it was asked for its hints.
    public init(
        id: MemberID, life: UInt64, store: consuming Store, configuration: PlacementConfiguration = PlacementConfiguration(), now: UInt64
    ) throws(Store.Failure) {
        var hints = HintTable(maximum: configuration.hintsMaximum, bytesMaximum: configuration.hintBytesMaximum)
        for hint in try store.hints() { hints.load(hint) }
        self.hints = hints
        self.id = id
        self.store = store
        self.configuration = configuration
        map = PlacementMap(PlacementRing([]), copies: configuration.quorum.copies)
        // A life has a million numbers for each of its milliseconds.
        nextNumber = (life & (1 << 43 - 1)) << 20
        nextHints = now
        mapSince = now
        nextCompare = now + configuration.settleInterval
    }

    // MARK: Members

    /// Takes the ring over, this member's own place in it included: all that have joined and have neither left nor been removed, whether they can be reached or not.
    ///
    /// Keys move by comparison with every other member. What is kept for members that are gone from the ring moves with them.
    ///
    /// - Precondition: as many copies as ``QuorumRequest/Profile/copies``.
    public mutating func setMap(_ map: PlacementMap, now: UInt64) throws(Store.Failure) {
        precondition(map.copies == configuration.quorum.copies, "\(map.copies) copies in the map, \(configuration.quorum.copies) asked for")
        let before = self.map
        self.map = map
        if has(.zonesIgnored) {
            let nodes = map.ring.nodes.map { PlacementRing.Node(member: $0.member, weight: $0.weight) }
            self.map = PlacementMap(PlacementRing(nodes), copies: map.copies)
        }
        unsettled = []
        keepsForeign = true
        unsettle(map.ring.nodes.map(\.member))
        nextCompare = min(nextCompare, now + configuration.settleInterval)
        mapSince = now
        // Of those that were in the ring: the first rings of a member that has just started lack most others.
        try takeHints { home in before.contains(home) && !map.contains(home) }
    }

    /// Takes over what is kept for members that will not come for it: comparison brings it to the homes that the keys have now.
    private mutating func takeHints(_ isGone: (MemberID) -> Bool) throws(Store.Failure) {
        for home in hints.homes where isGone(home) && !has(.hintsOfLeaversStay) {
            for hint in hints.hints(for: home, limit: .max) {
                if try join(hint.copy, into: hint.key) == .refused { statistics.hintsRefused += 1 }
                try drop(hint)
            }
            unsettle(map.ring.nodes.map(\.member))
        }
    }

    /// Notes that these may lack what they should keep, and that comparisons under way do not change that.
    mutating func unsettle(_ members: [MemberID]) {
        keepsForeign = true
        for member in members where member != id { unsettled.insert(member) }
        for name in comparisons.keys where members.contains(name.peer) { comparisons[name]?.settles = false }
    }

    /// Says which members of the ring do not answer, in place of what was said before. For others a stand-in is only found when messages fail or take long.
    public mutating func setUnreachable(_ members: Set<MemberID>) { unreachable = members }

    func isReachable(_ member: MemberID, _ now: UInt64) -> Bool {
        member == id || !unreachable.contains(member) && away[member].map { $0 <= now } ?? true
    }

    /// Whether everything that others should keep is with those of them that can be reached: a member that leaves may go, once the ring is without it.
    public func isSettled(now: UInt64) -> Bool {
        !unsettled.contains { isReachable($0, now) } && hints.homes.allSatisfy { !isReachable($0, now) }
    }

    /// How many hints are kept for others.
    public var hintCount: Int { hints.count }

    // MARK: Time

    /// The next moment at which ``advance(now:using:into:)`` has something to do.
    public var nextDeadline: UInt64 {
        var next = min(nextExpiry, nextCompare)
        if hints.count > 0 { next = min(next, nextHints) }
        if keepsForeign, unsettled.isEmpty || has(.droppedEarly) {
            next = min(next, max(nextDrop, mapSince + configuration.leaverPatience))
        }
        for request in requests.values { next = min(next, request.quorum.nextDeadline) }
        for comparison in comparisons.values { next = min(next, comparison.expiresAt) }
        return next
    }

    /// Does what is due.
    public mutating func advance(
        now: UInt64, using generator: inout some RandomNumberGenerator, into output: inout PlacementOutput
    ) throws(Store.Failure) {
        if now >= nextExpiry { try expire(now, &output) }
        for number in requests.filter({ $0.value.quorum.nextDeadline <= now }).keys.sorted() {
            try step(number, now, &output) { quorum, actions in quorum.advance(now: now, into: &actions) }
        }
        if now >= nextHints {
            nextHints = now + configuration.hintInterval
            if now >= mapSince + configuration.leaverPatience {
                let map = map
                try takeHints { !map.contains($0) }
            }
            for home in hints.homes { try sendHints(to: home, now, &output) }
        }
        for name in comparisons.filter({ $0.value.expiresAt <= now }).keys.sorted() { giveUp(name, &output) }
        if now >= nextCompare { try beginComparison(now, &generator, &output) }
        if keepsForeign, unsettled.isEmpty || has(.droppedEarly), now >= max(nextDrop, mapSince + configuration.leaverPatience) {
            try dropForeign(now, &generator)
        }
    }

    /// Drops copies of keys that have other homes, as many as go into a window.
    ///
    /// A write of this member covers the earlier ones of its origin, as long as it stands on their copy. One that does not know them any more must be another origin's,
    /// or it would replace what nobody has seen.
    private mutating func dropForeign(_ now: UInt64, _ generator: inout some RandomNumberGenerator) throws(Store.Failure) {
        var places: [WriteKey] = []
        let limit = configuration.transferWindow
        for range in map.places(notKeptBy: id) where places.count < limit {
            try store.visit(range) { entry in
                places.append(entry.key)
                return places.count < limit
            }
        }
        for place in places {
            guard let key = try store.key(at: place) else { continue }
            if try store.siblings(of: key).context.sequence(of: store.origin) > 0, !has(.originKept) {
                try store.renew(OriginID(rawValue: generator.next()))
            }
            try store.drop(key)
            statistics.copiesDropped += 1
        }
        keepsForeign = places.count == limit
        nextDrop = now + configuration.settleInterval
    }

    private mutating func expire(_ now: UInt64, _ output: inout PlacementOutput) throws(Store.Failure) {
        let expired = pending.filter { $0.value.expiresAt <= now }.keys.sorted()
        nextExpiry = .max
        for entry in pending.values where entry.expiresAt > now { nextExpiry = min(nextExpiry, entry.expiresAt) }
        for number in expired {
            guard let entry = pending.removeValue(forKey: number) else { continue }
            try fail(entry, isLost: false, now, &output)
        }
    }

    /// Makes everything so far durable. What ``PlacementOutput`` holds may leave then.
    public mutating func commit() throws(Store.Failure) { try store.commit() }

    func has(_ defect: @autoclosure () -> PlacementDefects) -> Bool {
        #if DEBUG
        return defects.contains(defect())
        #else
        return false
        #endif
    }
}
