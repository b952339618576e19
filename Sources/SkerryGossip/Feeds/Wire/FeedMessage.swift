internal import SkerryCRDT

/// What two nodes say to each other about feeds: `docs/formats/gossip.md`.
enum FeedMessage: Hashable {
    case hello(FeedHello)
    case frame(FeedFrame)
    case refusal(FeedRefusal)
    case trimmed(FeedTrimmed)
    case subscribe(FeedSubscription)
    case matches(FeedMatches)

    enum Kind: UInt8, CaseIterable {
        case hello = 1
        case frame = 2
        case refusal = 3
        case trimmed = 4
        case subscribe = 5
        case matches = 6
    }
}

/// How far the sender has an origin durable, in a digest of all.
struct FeedPair: Hashable {
    /// By this number the sender speaks of the origin from now on.
    var number: Int
    var origin: OriginID
    var sequence: UInt64
    /// ``FeedHash/tag`` of the link at `sequence`; 0 with sequence 0.
    var tag: UInt64
}

/// The first word of a session, and the digest of all positions; in parts where it is larger than a frame.
struct FeedHello: Hashable {
    static let version: UInt64 = 1
    /// The feature of a sender that takes ``FeedEdge``.
    static let edges: UInt64 = 1

    var version: UInt64 = FeedHello.version
    /// Drawn anew by each side for each session.
    var session: UInt32
    /// The other side's session as far as it is known, or 0.
    var echo: UInt32
    var identity: FeedIdentity
    /// What the sender does beside what every node of this version does: ``edges``.
    var features: UInt64 = 0
    var horizon: HybridTimestamp
    /// The sender's write rate, entries a second, for fairness.
    var rate: UInt64
    /// Charges that the receiver may send, in all of the session.
    var grant: UInt64
    var part: Int
    var parts: Int
    var pairs: [FeedPair]
}

/// Acknowledgements, credit and runs of entries.
struct FeedFrame: Hashable {
    /// Which session both sides are in.
    var tag: UInt32
    /// Charges of entries sent in the session, this frame's included. Over a stream nil: no frame is lost, so the receiver counts by itself.
    var position: UInt64?
    /// Charges that the receiver may send in all; nil where little has changed since it was told.
    var grant: UInt64?
    /// The sender's write rate; nil where it has not changed.
    var rate: UInt64?
    /// Only to a peer with the feature ``FeedHello/edges``.
    var edge: FeedEdge?
    var haves: [FeedHave] = []
    var runs: [FeedRun] = []
}

/// What the sender of a frame wants the edge to the receiver to be. The numbers are those of the frame's parts.
enum FeedEdge: UInt8, Sendable {
    /// "I had all of it": entries go over this edge no more, unless they come no other way.
    case prune = 8
    /// "Send me what I lack, and from now on all that is new, at once".
    case graft = 16
}

/// How far the sender has an origin durable.
struct FeedHave: Hashable {
    var number: Int
    /// With the first use of a number, and always on lossy links.
    var definition: OriginID?
    /// The receiver's next run must begin behind `sequence`: something between was lost.
    var rewinds: Bool
    var sequence: UInt64
}

/// Consecutive entries of one origin.
struct FeedRun: Hashable {
    var number: Int
    var definition: OriginID?
    var first: UInt64
    /// ``FeedHash/tag`` of the first entry's link, where the receiver may have another past.
    var tag: UInt64?
    var isSigned: Bool
    /// Without origin, sequence, digest and link when it was read: those follow from the run and from what is before it.
    var entries: [FeedEntry]
}

/// What was not taken, and why.
struct FeedRefusal: Hashable {
    var tag: UInt32
    var code: FeedError.Code
    var dot: Dot
    var amount: UInt64
    /// The horizon of the one who refuses, for ``FeedError/Code/fenced``.
    var horizon: HybridTimestamp
}

/// The sender's log begins behind these: what is missing before comes by reconciliation alone.
struct FeedTrimmed: Hashable {
    var tag: UInt32
    var floors: [Dot]
}

/// Asks for what matches a filter, from a place in the receiver's log.
struct FeedSubscription: Hashable {
    var tag: UInt32
    var filter: InterestFilter
    var cursor: FeedCursor
    var grant: UInt64
}

/// What matched, and the place behind it.
struct FeedMatches: Hashable {
    var tag: UInt32
    var position: UInt64
    /// Of the first entry of the scan; a receiver that is elsewhere drops the message.
    var from: FeedCursor
    var cursor: FeedCursor
    /// The sender's log no longer reaches back to the cursor: reconcile the ranges of the filter, then go on from `cursor`.
    var isReset: Bool
    var entries: [FeedEntry]
}
