public import SkerryCRDT

/// What a core wants done. Actions are done in the order in which they were given.
public enum FeedAction: Sendable, Hashable {
    /// A message for a peer. It may be lost, never changed.
    case send(FeedPeerID, [UInt8])
    /// Make these durable, and say so with ``FeedCore/persisted(_:now:into:)``. Batches become durable in order.
    case persist(FeedBatch)
    /// Read these from the log and hand them to ``FeedCore/supply(_:for:now:into:)``.
    case read(FeedRead)
    /// Read the entry at this dot and hand its link, or nil, to ``FeedCore/supply(link:for:now:into:)``.
    case readLink(FeedLinkQuery)
    /// Something that somebody should know.
    case report(FeedReport)
}

/// Entries for a frame: by origin, the longest backlog first.
public struct FeedRead: Sendable, Hashable {
    /// Whose frame they are for.
    public var peer: FeedPeerID
    /// The first entries wanted.
    public var starts: [Dot]
    /// The charge up to which to read, in the order of ``starts``; at least one entry.
    public var charge: Int
}

/// Whether a peer's history is ours.
public struct FeedLinkQuery: Sendable, Hashable {
    /// Who said it.
    public var peer: FeedPeerID
    /// The entry whose link is asked for: the peer has the origin up to here, and this node further.
    public var dot: Dot
    /// What the peer says of it.
    public var tag: UInt64
}

/// What happened.
public enum FeedReport: Sendable, Hashable {
    /// A peer and this node are in a session.
    case established(FeedPeerID, FeedIdentity, horizon: HybridTimestamp)
    /// Both were equal when this was said: each has all that the other announced.
    case synchronised(FeedPeerID)
    /// What a peer sent was refused.
    case refused(FeedPeerID, FeedError)
    /// A peer refused what this node sent.
    case refusedByPeer(FeedPeerID, FeedError, horizon: HybridTimestamp)
    /// An origin has two histories. It is frozen here: nothing of it is taken or given until somebody decides.
    case equivocation(FeedPeerID, Dot, ours: UInt64, theirs: UInt64)
    /// The peer's log begins behind what this node has: reconcile with it, then ``FeedCore/adopt(_:now:into:)``.
    case repairNeeded(FeedPeerID, Dot)
    /// The peer lacks what this node's log no longer holds.
    case peerNeedsRepair(FeedPeerID, Dot)
}

/// What a core has counted.
public struct FeedStatistics: Sendable, Hashable {
    /// Entries taken, own ones too, each once: durable or about to be.
    public var entriesApplied: UInt64 = 0
    /// Entries that came though they were there.
    public var entriesRepeated: UInt64 = 0
    /// Entries in frames, those that were sent again included.
    public var entriesSent: UInt64 = 0
    /// Of bodies and signatures sent.
    public var payloadSent: UInt64 = 0
    /// Of all messages.
    public var bytesSent: UInt64 = 0
    /// Messages of peers that were refused, whole or in part, for whatever reason.
    public var framesRefused: UInt64 = 0
    /// Those of them with a stamp too far ahead.
    public var futureStamps: UInt64 = 0
    /// Those of them with a signature that is missing or wrong.
    public var badSignatures: UInt64 = 0
    /// Forks that were found.
    public var equivocations: UInt64 = 0
    /// Runs that were dropped because something before them was missing; it is asked for again.
    public var gaps: UInt64 = 0
    /// Messages of sessions that are over.
    public var strays: UInt64 = 0
    /// How often a peer on a link that loses said nothing for so long that all it had not acknowledged was sent again.
    public var resends: UInt64 = 0
    /// Edges that were found superfluous, and edges that were asked to carry entries again.
    public var prunes: UInt64 = 0
    public var grafts: UInt64 = 0

    public init() {}
}
