internal import SkerryCRDT

/// What a core knows of one peer. Grows with the origins, never with the backlog.
struct FeedPeer: Sendable {
    /// By origin.
    struct Lane: Sendable {
        /// What the peer has for certain.
        var known: UInt64 = 0
        /// Whether the peer has named the origin since the first part of its digest came.
        var isNamed = false
        /// What was sent, at least as much as `known`.
        var sent: UInt64 = 0
        /// What the peer was told that this node has.
        var told: UInt64 = 0
        /// Not offered before this moment.
        var pausedUntil: UInt64 = 0
        /// Whether the peer knows the number.
        var isDefined = false
        /// Whether the next run carries the tag of its first link.
        var needsTag = true
        /// Whether the peer has been told that the log begins behind what it has.
        var toldTrimmed = false
        var rewinds = false
        /// Whether entries of it were turned away because it is no member here.
        var wasTurnedAway = false
    }

    enum Phase: Sendable {
        case greeting
        case established
        /// Refused for good: another cluster, or fenced.
        case refused
    }

    let id: FeedPeerID
    let isOrdered: Bool
    let frameMaximum: Int
    /// Whether entries go at once, or only when the peer has not found them elsewhere.
    var isEager = true
    /// What the peer does beside what every node does (``FeedHello/features``).
    var features: UInt64 = 0
    /// What the next frame says of the edge.
    var edge: FeedEdge?
    /// Whether what comes often waits for the next tick.
    let gathers: Bool
    /// Entries sent since the last tick, and with it and between the two ticks before.
    var sentInTick = 0
    var sentLastTick = 0
    /// Whether the next frame is the one that the last tick asked for.
    var isTicking = false
    /// Since when the peer has lacked something and found nothing.
    var behindSince: UInt64?
    var session: UInt32
    var theirSession: UInt32 = 0
    var phase = Phase.greeting
    var identity: FeedIdentity?
    var horizon = HybridTimestamp.zero
    var digest = DigestParts()
    var lanes: [Lane] = []
    /// The peer's numbers of origins.
    var numbers: [Int32] = []
    /// Charges sent and permitted by the peer, in the session.
    var position: UInt64 = 0
    var granted: UInt64 = 0
    /// Charges received and permitted.
    var received: UInt64 = 0
    var permitted: UInt64 = UInt64(FeedLimits.window)
    /// What the peer was told of ``permitted`` and of the write rate, and what it said of its own rate.
    var toldGrant: UInt64 = 0
    var toldRate: UInt64?
    var theirRate: UInt64?
    /// Charges of what came from it and is not durable.
    var unsynced = 0
    var isReading = false
    var needsFrame = false
    var helloAt: UInt64 = 0
    var helloDue: UInt64 = 0
    var digestDue: UInt64 = 0
    var progressAt: UInt64 = 0
    var approachedAt: UInt64 = 0
    var wasSynchronised = false

    init(id: FeedPeerID, isOrdered: Bool, frameMaximum: Int, session: UInt32, gathers: Bool) {
        self.gathers = gathers
        self.id = id
        self.isOrdered = isOrdered
        self.frameMaximum = frameMaximum
        self.session = session
    }

    /// Both sessions in one word, the same on both sides.
    var tag: UInt32 { (session &* 0x9E37_79B1) ^ (theirSession &* 0x9E37_79B1) }

    /// Forgets what belonged to the session before.
    mutating func begin(_ theirSession: UInt32, grant: UInt64, now: UInt64) {
        self.theirSession = theirSession
        phase = .established
        lanes = [Lane](repeating: Lane(), count: lanes.count)
        numbers = []
        digest = DigestParts()
        (position, received, unsynced) = (0, 0, 0)
        granted = grant
        permitted = UInt64(FeedLimits.window)
        (toldGrant, toldRate, theirRate) = (0, nil, nil)
        isReading = false
        progressAt = now
        digestDue = now + FeedLimits.digestInterval
        wasSynchronised = false
        (edge, behindSince) = (nil, nil)
    }
}
