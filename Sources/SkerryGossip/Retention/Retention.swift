public import SkerryCRDT

/// Who must have seen what before it may be forgotten: members, their acknowledgements, the stable cut, retirement and the horizon.
///
/// A value that every member computes for itself from the registry entries of the feeds, in the order in which it takes them. Its rules, and why they are safe:
///
/// - A member acknowledges by an entry in **its own feed**. Whoever has taken the acknowledgement has therefore taken all that the member wrote before it, and what the member
///   writes later is stamped later than all that it acknowledged. So when all members have acknowledged a tombstone, anything still unknown here is newer than it: forgetting the tombstone
///   brings nothing back. (Acknowledgements that travel apart from the feed do not have this property: a member may acknowledge a removal, be cut off, and years later deliver
///   an older write of its own.)
/// - A joiner is registered in the feed of the member that gives it its state, before that state is taken. Whoever takes a later acknowledgement of that member has
///   taken the registration too. It asks one member alone under one origin, and another one only under another: whoever knows it by the registration of a member that did
///   not give it its state would count it in, and miss what it lacks.
/// - A retirement is in force here when all other members have acknowledged the entry that proposes it, more than half of all, and this node has all that any of them took of
///   the retired origin. For a member that is being retired itself and has not, it is enough that all who stay know of that. From the proposal on nobody takes anything from the
///   origin itself, so nothing of it can turn up later except through ``Homecoming``. A proposal counts also where it comes before the registration of whom it retires.
///
/// - Nothing is taken from an origin that is no member here (``FeedCore/admit(_:)``), nor is its state joined unless its registration comes with it in time (``mayJoin(_:of:)``). A member may register a joiner, be cut off with it, and be retired by the others before any of them
///   has taken the registration: they never count the joiner, so what it wrote meanwhile may be older than a tombstone that they dropped. They do not take it, and will not, because the registration stands
///   behind the fence. The joiner is an orphan then (``isOrphaned(_:)``) and comes home anew, under the rules of ``Homecoming``. And what is left of an origin that is being retired is taken
///   from members alone: whoever first took an entry of it says so in an acknowledgement that the retirement waits for, or took it from somebody who does.
///
/// Causal stability of Baquero, Almeida and Shoker, "Pure Operation-Based Replicated Data Types" (2017), with members that come and go.
public struct Retention: Sendable, Hashable {
    /// A member, by its origin.
    public struct Member: Sendable, Hashable {
        public var origin: OriginID
        public var site: UInt64
        public var epoch: UInt64
        /// The entry that registered it; sequence 0 for a founder.
        public var registration: Dot
        /// What it acknowledged last.
        public var acknowledged: CausalContext
        /// Entries that propose its retirement.
        public var proposals: [Proposal] = []
        /// Whether somebody proposes to retire it: no session is kept with it from then on.
        public var isRetiring: Bool { !proposals.isEmpty }
        /// Whether its registration has not come, only that it is to be retired: `site` and `epoch` are 0.
        var isAwaited: Bool { proposals.contains { $0.dot == registration } }
    }

    /// A statement that a member is to be retired; ``Retention`` says when it comes into force.
    public struct Proposal: Sendable, Hashable {
        /// The entry that it stands in.
        public var dot: Dot
        /// Whether an operator decided that fewer than the majority may do it.
        public var isForced: Bool
    }

    /// A retired origin.
    public struct Fence: Sendable, Hashable {
        public var origin: OriginID
        public var site: UInt64
        public var epoch: UInt64
        /// The last entry of it that the cluster has.
        public var through: UInt64
        /// The horizon when the retirement came into force.
        public var horizon: HybridTimestamp
    }

    /// Ascending by origin.
    public internal(set) var members: [Member] = []
    /// Ascending by origin. Grows by one for each life of a site: 40 bytes.
    public internal(set) var fences: [Fence] = []
    /// No tombstone stamped later was ever dropped here.
    public internal(set) var horizon = HybridTimestamp.zero
    /// Milliseconds that an entry stays at least, on top of the cut.
    public var floor: UInt64
    /// Entries taken since this node last acknowledged that were not acknowledgements themselves.
    public internal(set) var unacknowledged: UInt64 = 0
    #if DEBUG
    var defects: FeedDefects = []
    #endif

    /// A day.
    public static let floorDefault: UInt64 = 24 * 3_600_000
    /// 30 days without an acknowledgement.
    public static let retentionDefault: UInt64 = 30 * 24 * 3_600_000

    /// - Parameter floor: milliseconds that an entry stays at least.
    public init(floor: UInt64 = Retention.floorDefault) { self.floor = floor }

    func has(_ defect: FeedDefects) -> Bool {
        #if DEBUG
        return defects.contains(defect)
        #else
        return false
        #endif
    }
}

// MARK: - Entries

extension Retention {
    /// Takes an entry that became durable, of any kind, in the order of the feeds.
    ///
    /// - Parameters:
    ///   - own: this node's origin.
    ///   - applied: what is durable here, the entry included.
    /// - Throws: ``FeedError`` with ``FeedError/Code/malformed`` for a registry entry that is none; nothing has changed.
    public mutating func apply(_ entry: FeedEntry, own: OriginID, applied: CausalContext) throws(FeedError) {
        guard entry.kind == .registry else {
            unacknowledged += 1
            return
        }
        let change = try RegistryChange(decoding: entry.body[entry.keyLength...])
        apply(change, dot: entry.dot, own: own, applied: applied)
    }

    /// Takes a statement that stands in the entry at `dot`.
    public mutating func apply(_ change: RegistryChange, dot: Dot, own: OriginID, applied: CausalContext) {
        switch change {
        case .register(let origin, let site, let epoch):
            unacknowledged += 1
            register(origin, site: site, epoch: epoch, by: dot)
        case .acknowledge(let context):
            if dot.origin == own { unacknowledged = 0 }
            if let index = index(of: dot.origin) { members[index].acknowledge(context) }
        case .retire(let origin, let isForced):
            unacknowledged += 1
            propose(Proposal(dot: dot, isForced: isForced), retiring: origin)
        }
        settle(applied: applied)
    }

    /// More proposals to retire one origin than this are not kept: one is enough. Those of operators stay before others, then the least, so that all keep the same.
    static let proposalsMaximum = 64

    /// The proposal may come before the registration, by another feed. Then the origin is barred all the same: this node's next acknowledgement says that it is.
    private mutating func propose(_ proposal: Proposal, retiring origin: OriginID) {
        register(origin, site: 0, epoch: 0, by: proposal.dot)
        if let index = index(of: origin) { members[index].propose(proposal) }
    }

    private mutating func register(_ origin: OriginID, site: UInt64, epoch: UInt64, by registration: Dot) {
        // A retired origin never comes back as itself.
        guard !isFenced(origin) else { return }
        if let index = index(of: origin) {
            guard members[index].isAwaited else { return }
            (members[index].site, members[index].epoch, members[index].registration) = (site, epoch, registration)
            return
        }
        guard !has(.joinerForgotten) || members.count < 3 else { return }
        // More than there can be: whoever registers them breaks the rules, and what is known must stay readable.
        guard members.count + fences.count < FeedLimits.origins else { return }
        let place = members.firstIndex { $0.origin > origin } ?? members.count
        let member = Member(origin: origin, site: site, epoch: epoch, registration: registration, acknowledged: CausalContext())
        members.insert(member, at: place)
    }

    /// Brings retirements into force whose conditions are met.
    public mutating func settle(applied: CausalContext) {
        while let index = members.firstIndex(where: { isRetirementStable($0, applied: applied) }) {
            let member = members.remove(at: index)
            let fence = Fence(
                origin: member.origin, site: member.site, epoch: member.epoch, through: applied.sequence(of: member.origin),
                horizon: horizon)
            fences.insert(fence, at: fences.firstIndex { $0.origin > fence.origin } ?? fences.count)
        }
    }

    private func isRetirementStable(_ member: Member, applied: CausalContext) -> Bool {
        guard member.isRetiring else { return false }
        if has(.retiredAtOnce) { return true }
        let others = members.filter { $0.origin != member.origin }
        let count = deciders()
        guard others.contains(where: { !$0.isRetiring }) else { return false }
        return member.proposals.contains { proposal in
            let backers = others.filter { $0.acknowledged.covers(proposal.dot) }
            guard backers.count * 2 > count || proposal.isForced else { return false }
            let holdsAll = backers.allSatisfy {
                applied.sequence(of: member.origin) >= $0.acknowledged.sequence(of: member.origin)
            }
            return holdsAll && others.allSatisfy { $0.acknowledged.covers(proposal.dot) || isLeft($0) }
        }
    }

    /// How many members there are of which more than half decide. Who was registered, said nothing and is given up never was one of them.
    ///
    /// - Parameter silent: members that are about to be given up too.
    private func deciders(givingUp silent: Set<OriginID> = []) -> Int {
        members.count { member in
            let isGivenUp = member.isRetiring || silent.contains(member.origin)
            return !isGivenUp || member.registration.sequence == 0 || !member.acknowledged.isEmpty
        }
    }

    /// Whether a member is being retired itself and everybody who stays knows: what it took of others, and has not said, reaches nobody from it any more.
    private func isLeft(_ member: Member) -> Bool {
        member.isRetiring
            && members.allSatisfy { other in
                other.isRetiring || member.proposals.contains { other.acknowledged.covers($0.dot) }
            }
    }

    func index(of origin: OriginID) -> Int? { members.firstIndex { $0.origin == origin } }
}

extension Retention.Member {
    /// Takes what the member says it has; not what names more origins than there can be.
    fileprivate mutating func acknowledge(_ context: CausalContext) {
        var merged = acknowledged
        merged.merge(context)
        if merged.dots.count <= FeedLimits.origins { acknowledged = merged }
    }

    fileprivate mutating func propose(_ proposal: Retention.Proposal) {
        guard !proposals.contains(proposal) else { return }
        proposals.append(proposal)
        proposals.sort { $0.dot < $1.dot }
        guard proposals.count > Retention.proposalsMaximum else { return }
        // The one that stands for a registration says that it has not come.
        let dispensable = proposals.indices.filter { proposals[$0].dot != registration }
        if let place = dispensable.last(where: { !proposals[$0].isForced }) ?? dispensable.last { proposals.remove(at: place) }
    }
}

// MARK: - Questions

extension Retention {
    /// Whether the origin was retired, and comes back as itself no more.
    public func isFenced(_ origin: OriginID) -> Bool { fences.contains { $0.origin == origin } }

    /// Whether nothing is forgotten without it.
    public func isMember(_ origin: OriginID) -> Bool { index(of: origin) != nil }

    /// Whether a member's registration will never reach those who refuse it: whoever wrote it is barred, and no member that is sure to stay has taken it.
    ///
    /// For a node whose own origin was refused as ``FeedError/Code/unregistered``: it comes home under a new origin, as it does after having been refused for long for whatever reason: a group of orphans that
    /// vouch for each other looks like a cluster to itself. To do so without need is harmless.
    public func isOrphaned(_ origin: OriginID) -> Bool {
        guard let index = index(of: origin), isRegistrarBarred(members[index]) else { return false }
        let registration = members[index].registration
        return !members.contains { other in
            other.origin != origin && !other.isRetiring && other.acknowledged.covers(registration) && isRooted(other, besides: origin)
        }
    }

    private func isRegistrarBarred(_ member: Member) -> Bool {
        member.registration.sequence > 0 && barred.contains(member.registration.origin)
    }

    /// Whether a member leads back to a founder, registrar by registrar, none of them barred, nor the one in question: one orphan does not vouch for another.
    private func isRooted(_ member: Member, besides origin: OriginID) -> Bool {
        var member = member
        for _ in members.indices {
            guard member.registration.sequence > 0 else { return true }
            let registrar = member.registration.origin
            guard registrar != origin, !isRegistrarBarred(member), let index = index(of: registrar) else { return false }
            member = members[index]
        }
        return false
    }

    /// Whether the whole state of a peer may be joined (``merge(_:applied:)``), with what it knows of the members.
    ///
    /// A member's, and a stranger's whose registrars lead, one by one, to a member that is not barred here: with the state comes the registration, and the next acknowledgement
    /// from here covers it, so that nobody retires its registrar without it. A stranger may be the only way to what its registrar wrote.
    public func mayJoin(_ other: Retention, of peer: OriginID) -> Bool {
        var origin = peer
        for _ in 0...other.members.count {
            guard !barred.contains(origin) else { return false }
            if isMember(origin) { return true }
            guard let index = other.index(of: origin), other.members[index].registration.sequence > 0 else { return false }
            origin = other.members[index].registration.origin
        }
        return false
    }

    /// Origins with which no session is kept: retired, or about to be.
    public var barred: [OriginID] { fences.map(\.origin) + members.filter(\.isRetiring).map(\.origin) }

    /// For each origin the largest sequence that every member has acknowledged. Empty without members.
    ///
    /// - Complexity: O(members × origins).
    public var cut: CausalContext {
        guard let first = members.first else { return CausalContext() }
        let dots = first.acknowledged.dots.compactMap { dot -> Dot? in
            let sequence = members.reduce(dot.sequence) { min($0, $1.acknowledged.sequence(of: dot.origin)) }
            return sequence > 0 ? Dot(origin: dot.origin, sequence: sequence) : nil
        }
        return CausalContext(covering: dots)
    }

    /// Whether a tombstone may go, or a superseded entry of the log.
    ///
    /// - Parameters:
    ///   - cut: ``cut``, computed once for many.
    ///   - milliseconds: wall time. It only ever makes an entry stay longer: the cut alone is what safety rests on.
    public func isDroppable(_ dot: Dot, stamp: HybridTimestamp, cut: CausalContext, now milliseconds: UInt64) -> Bool {
        let sequence = has(.collectedOneEarly) ? dot.sequence - 1 : dot.sequence
        return cut.covers(Dot(origin: dot.origin, sequence: sequence)) && stamp.milliseconds + floor <= milliseconds
    }

    /// How far an origin's log may be trimmed.
    public func trimmable(_ origin: OriginID, cut: CausalContext) -> UInt64 {
        cut.sequence(of: origin) + (has(.trimmedEarly) && cut.sequence(of: origin) > 0 ? 3 : 0)
    }

    /// A tombstone with this stamp is dropped: the horizon moves there. It travels in HELLO.
    public mutating func dropped(_ stamp: HybridTimestamp) { horizon = max(horizon, stamp) }

    /// Whether this node should write an acknowledgement now: something that counts was taken, and the last one is `interval` ago.
    public func wantsAcknowledgement(since last: UInt64, interval: UInt64, now: UInt64) -> Bool {
        unacknowledged > 0 && last + interval <= now
    }

    /// Members that this node should propose to retire: silent for longer than `retention`, provided that the rest are more than half.
    ///
    /// The majority keeps two halves of a cluster from retiring each other. An operator may force what remains, which is a decision about which half is the cluster.
    ///
    /// - Parameters:
    ///   - silence: milliseconds since the last entry of an origin was taken, by this node's monotonic clock.
    public func overdue(own: OriginID, retention: UInt64, silence: (OriginID) -> UInt64) -> [OriginID] {
        let silent = members.filter { $0.origin != own && !$0.isRetiring && silence($0.origin) > retention }.map(\.origin)
        let staying = members.count { !$0.isRetiring } - silent.count
        return staying * 2 > deciders(givingUp: Set(silent)) ? silent : []
    }

    /// Takes over what another replica knows, together with its whole state.
    public mutating func adopt(_ other: Retention) {
        let kept = self
        self = other
        floor = kept.floor
        unacknowledged = 1
        #if DEBUG
        defects = kept.defects
        #endif
    }

    /// Joins with what another member knows, together with all of its state that is missing here: the repair of what no log holds any more.
    ///
    /// Both must be members. Rows of the other's table may be applied as if they had come by feed: what it dropped, this member has acknowledged.
    ///
    /// - Parameter applied: what is durable here, with the other's part.
    public mutating func merge(_ other: Retention, applied: CausalContext) {
        for fence in other.fences where !isFenced(fence.origin) && fences.count < FeedLimits.origins {
            members.removeAll { $0.origin == fence.origin }
            fences.insert(fence, at: fences.firstIndex { $0.origin > fence.origin } ?? fences.count)
        }
        for member in other.members where !isFenced(member.origin) {
            register(member.origin, site: member.site, epoch: member.epoch, by: member.registration)
            guard let index = index(of: member.origin) else { continue }
            members[index].acknowledge(member.acknowledged)
            for proposal in member.proposals { members[index].propose(proposal) }
        }
        horizon = max(horizon, other.horizon)
        unacknowledged += 1
        settle(applied: applied)
    }

    /// An operator's decision that this replica is the cluster: all other members are retired at once, and come home to it when they return.
    ///
    /// For when nobody is left who could register anybody. What the others wrote and this replica does not have is news, or late, when they come.
    public mutating func refound(origin: OriginID, site: UInt64, epoch: UInt64, applied: CausalContext) {
        for member in members where member.origin != origin {
            let fence = Fence(
                origin: member.origin, site: member.site, epoch: member.epoch, through: applied.sequence(of: member.origin),
                horizon: horizon)
            fences.insert(fence, at: fences.firstIndex { $0.origin > fence.origin } ?? fences.count)
        }
        members = [
            Member(
                origin: origin, site: site, epoch: epoch, registration: Dot(origin: origin, sequence: 0), acknowledged: CausalContext())
        ]
        unacknowledged = 1
    }
}
