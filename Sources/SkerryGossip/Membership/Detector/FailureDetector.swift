/// Who lives: SWIM with Lifeguard's improvements, as a value.
///
/// Each probe interval a member probes one other drawn at random, each once in a round, and its neighbour on the ring of ids, so that every member is
/// probed at least once an interval whatever chance does. Who does not answer, neither directly nor to others that are asked, is suspected, and dead
/// when it does not object in time. News travel on probes, on their answers and on gossip packets of their own.
///
/// What differs from SWIM and Lifeguard: the ring neighbour, which bounds the time until the first probe; and the two members before that neighbour
/// on the ring probe a suspect at once, so that independent confirmation takes one interval and not as many as chance needs.
///
/// Time, randomness and packets are arguments and results; ``Membership`` puts the member map and exchanges beside it.
public struct FailureDetector: Sendable {
    struct Member: Sendable {
        var id: MemberID
        var address: String
        var opinion: MemberOpinion
        /// When the opinion was formed.
        var since: UInt64
        var suspicion: Suspicion?
    }

    struct Probe: Sendable {
        var number: UInt64
        var target: MemberID
        /// When others are asked; nil once they were.
        var indirectAt: UInt64?
        var endsAt: UInt64
        var negativesDue = 0
        var negativesReceived = 0
    }

    /// A probe for another member.
    struct Relay: Sendable {
        var number: UInt64
        var asker: MemberID
        var askerNumber: UInt64
        var negativeAt: UInt64
        var endsAt: UInt64
    }

    /// This member.
    public let id: MemberID
    /// Where the others reach it: said to whoever hears of it.
    public let address: String
    /// The numbers it goes by.
    public let profile: GossipProfile
    /// Of this member: grows whenever it has to object.
    public internal(set) var incarnation: UInt64
    /// How badly this member fares itself: 0 is well. It slows its own accusations down (Lifeguard's local health).
    public internal(set) var awareness = 0

    /// The others, sorted by id. Dead ones stay until they are forgotten.
    var members: [Member] = []
    /// How many of them are alive or suspected, and how many are suspected: asked for with every packet.
    var reachableCount = 0
    var suspectCount = 0
    var news = NewsQueue()
    var probes: [Probe] = []
    var relays: [Relay] = []
    /// The rest of this round, in the order drawn.
    var round: [MemberID] = []
    /// Suspects to be probed at once.
    var urgent: [MemberID] = []
    var nextNumber: UInt64 = 1
    var nextProbe: UInt64
    var nextGossip: UInt64
    var isLeaving = false

    #if DEBUG
    var defects: MembershipDefects = []
    #endif

    /// - Parameters:
    ///   - incarnation: with which this life begins: see ``Membership/init(id:address:epoch:incarnation:profile:secret:now:)``.
    ///   - now: milliseconds of the clock that ``advance(now:using:into:)`` goes by.
    public init(id: MemberID, address: String, incarnation: UInt64 = 0, profile: GossipProfile = .lan, now: UInt64) {
        self.id = id
        self.address = address
        self.incarnation = incarnation
        self.profile = profile
        // Spread by id, so that members that start together do not probe together.
        nextProbe = now + id.rawValue % profile.probeInterval
        nextGossip = now + id.rawValue % profile.gossipInterval
    }
}

/// What the detector wants done, appended in order.
public struct MembershipOutput: Sendable {
    /// Bytes for another member. Where it is to be reached says ``FailureDetector/address(of:)``.
    public struct Envelope: Sendable, Hashable {
        /// Never this member itself.
        public var target: MemberID
        /// A packet of at most ``GossipProfile/packetBytes``, or a message of an exchange, which the table of a large cluster makes larger. Sealed already where there is a secret.
        public var bytes: [UInt8]
    }

    /// Datagrams: they may be lost.
    public var packets: [Envelope] = []
    /// Messages of exchanges: over a stream where there is one.
    public var messages: [Envelope] = []
    /// What changed, in the order in which it did.
    public var events: [MembershipEvent] = []

    public init() {}

    /// Empties it for the next use.
    public mutating func removeAll() {
        packets.removeAll(keepingCapacity: true)
        messages.removeAll(keepingCapacity: true)
        events.removeAll(keepingCapacity: true)
    }
}

/// What changed in what a member knows of the others. Each member tells it for itself: others may come to know it earlier or later.
///
/// All but ``refuted(incarnation:)`` are about another member.
public enum MembershipEvent: Sendable, Hashable {
    /// A member unknown before, or one that was dead or had left.
    case joined(MemberID)
    /// Somebody, perhaps this member, got no answer from it. It is still reachable, and has some time to object.
    case suspected(MemberID, by: MemberID)
    /// The suspicion was wrong.
    case cleared(MemberID)
    /// It did not object in time, here or elsewhere. It stays known, as dead, until it comes back or is forgotten (``Membership/forget(_:)``).
    case died(MemberID)
    /// It said that it leaves.
    case left(MemberID)
    /// This member was accused and objected.
    case refuted(incarnation: UInt64)
    /// Fields of a member changed.
    case changed(MemberID)
}

// MARK: - Questions

extension FailureDetector {
    /// The opinion held of a member; nil for strangers.
    public func opinion(of member: MemberID) -> MemberOpinion? {
        if member == id { return MemberOpinion(incarnation: incarnation, status: isLeaving ? .left : .alive) }
        return index(of: member).map { members[$0].opinion }
    }

    /// Where a member is to be reached, as it said last; nil for strangers.
    public func address(of member: MemberID) -> String? {
        member == id ? address : index(of: member).map { members[$0].address }
    }

    /// The other members that are alive or suspected, in order.
    public var reachable: [MemberID] { members.filter { $0.opinion.status.isReachable }.map(\.id) }

    /// How many members there are with this one, without the dead.
    public var count: Int { reachableCount + 1 }

    /// Keeps the counts while opinions come and go.
    mutating func tally(_ status: MemberStatus, _ change: Int) {
        if status.isReachable { reachableCount += change }
        if status == .suspect { suspectCount += change }
    }

    /// The next moment at which ``advance(now:using:into:)`` has something to do.
    public var nextDeadline: UInt64 {
        var next = min(nextProbe, nextGossip)
        for probe in probes { next = min(next, probe.indirectAt ?? probe.endsAt) }
        for relay in relays { next = min(next, relay.negativeAt, relay.endsAt) }
        guard suspectCount > 0 else { return next }
        for member in members { if let suspicion = member.suspicion { next = min(next, suspicion.deadline) } }
        return next
    }

    func index(of member: MemberID) -> Int? {
        let index = position(of: member)
        return index < members.count && members[index].id == member ? index : nil
    }

    func position(of member: MemberID) -> Int {
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            if members[middle].id < member { low = middle + 1 } else { high = middle }
        }
        return low
    }

    var transmissionsMaximum: Int { profile.retransmissionFactor * FailureDetector.decimals(count) }

    /// log10(members + 1), rounded up.
    private static func decimals(_ members: Int) -> Int {
        var (result, bound) = (1, 10)
        while bound < members + 1 {
            bound *= 10
            result += 1
        }
        return result
    }

    func has(_ defect: @autoclosure () -> MembershipDefects) -> Bool {
        #if DEBUG
        return defects.contains(defect())
        #else
        return false
        #endif
    }
}

/// Errors put in on purpose, to see that the tests find them. Without effect in release builds.
struct MembershipDefects: OptionSet, Sendable {
    let rawValue: UInt32

    /// A member that is accused says nothing.
    static let refutationIgnored = MembershipDefects(rawValue: 1)
    /// A suspicion never ends.
    static let suspicionNeverExpires = MembershipDefects(rawValue: 1 << 1)
    /// An older incarnation overrides a newer one.
    static let incarnationFlipped = MembershipDefects(rawValue: 1 << 2)
    /// Nobody else is asked.
    static let indirectProbeSkipped = MembershipDefects(rawValue: 1 << 3)
    /// News are told once.
    static let newsToldOnce = MembershipDefects(rawValue: 1 << 4)
    /// A member takes an answer to another's probe for its own.
    static let acknowledgementUnmatched = MembershipDefects(rawValue: 1 << 5)
    /// A refutation keeps the incarnation.
    static let incarnationKept = MembershipDefects(rawValue: 1 << 6)
    /// Exchanges never try the dead.
    static let deadNeverTried = MembershipDefects(rawValue: 1 << 7)
    /// The member map takes fields whatever their version.
    static let versionIgnored = MembershipDefects(rawValue: 1 << 8)
    /// A delta leaves out the first of several fields: a gap.
    static let gapInDelta = MembershipDefects(rawValue: 1 << 9)
    /// Exchanges are with the next member on the ring, always.
    static let exchangesInARow = MembershipDefects(rawValue: 1 << 10)
}
