public import SkerryCRDT
public import SkerryGossip

/// What happened to a replica and its sessions.
public enum ReplicaEvent: Sendable, Hashable {
    /// The peer of a session is known.
    case opened(ReplicaSessionID, FeedIdentity)
    /// Both sides of a session were equal.
    case synchronised(ReplicaSessionID)
    /// What a peer sent was refused; nothing of it was taken.
    case refused(ReplicaSessionID, FeedError)
    /// A peer refused what this replica sent.
    case refusedByPeer(ReplicaSessionID, FeedError)
    /// An origin has two histories, and is frozen here until somebody decides.
    case equivocation(ReplicaSessionID, Dot)
    /// The log of the peer no longer held what was missing here: so many entries came of what its parts keep.
    case repaired(ReplicaSessionID, entries: Int)
    /// This replica was retired, by others or by an operator: it writes nothing until it has come home over a session.
    case retired
    /// This replica became a member, under this identity, with the state of another. So many of its own writes, which nobody had seen, are written again; about so
    /// many somebody has to decide (``Replica/conflicts``).
    case joined(FeedIdentity, news: Int, conflicts: Int)
    case ended(ReplicaSessionID, ReplicaError?)
    /// Nothing more becomes durable.
    case storeFailed(String)
}

/// A session of a replica; never used again.
public struct ReplicaSessionID: Sendable, Hashable, Comparable {
    public let rawValue: UInt32

    public static func < (left: ReplicaSessionID, right: ReplicaSessionID) -> Bool { left.rawValue < right.rawValue }
}

/// What happened since the last look: a sum of events.
public struct ReplicaNews: Coalescing, Hashable {
    /// Sessions that became equal with their peers, the latest last; at most ``sessionsMaximum``, the oldest go first.
    public var synchronised: [ReplicaSessionID] = []
    public var ended: [ReplicaSessionID] = []
    public var refusals = 0
    public var repairs = 0
    public var frozen: Set<OriginID> = []
    public var lastRefusal: FeedError?
    public var isStoreFailed = false
    /// Whether this replica was retired, and whether it became a member.
    public var isRetired = false
    public var hasJoined = false

    public static let sessionsMaximum = 256

    init(_ event: ReplicaEvent) {
        switch event {
        case .opened: break
        case .retired: isRetired = true
        case .joined: hasJoined = true
        case .synchronised(let session): synchronised = [session]
        case .ended(let session, _): ended = [session]
        case .refused(_, let error), .refusedByPeer(_, let error): (refusals, lastRefusal) = (1, error)
        case .equivocation(_, let dot): frozen = [dot.origin]
        case .repaired: repairs = 1
        case .storeFailed: isStoreFailed = true
        }
    }

    public mutating func absorb(_ next: ReplicaNews) {
        synchronised = Array((synchronised.filter { !next.synchronised.contains($0) } + next.synchronised).suffix(Self.sessionsMaximum))
        ended = Array((ended + next.ended).suffix(Self.sessionsMaximum))
        refusals += next.refusals
        repairs += next.repairs
        // Origins are bounded by FeedLimits.origins.
        frozen.formUnion(next.frozen)
        lastRefusal = next.lastRefusal ?? lastRefusal
        isStoreFailed = isStoreFailed || next.isStoreFailed
        isRetired = isRetired || next.isRetired
        hasJoined = hasJoined || next.hasJoined
    }
}
