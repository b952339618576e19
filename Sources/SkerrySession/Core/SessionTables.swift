/// A place for a call of this side.
struct Question: Sendable {
    enum State: UInt8, Sendable {
        case free
        /// The caller waits.
        case asked
        /// The caller waits no more, the peer has not replied.
        case abandoned
        /// Replied, and kept by the peer for promises.
        case kept
    }

    var id: UInt64 = 0
    /// Where its frame begins among the messages, to know whether it was sent.
    var position: UInt64 = 0
    var method: Int32 = 0
    var nextFree: Int32 = -1
    var state = State.free
    var keepsAnswer = false
    /// ``SessionCore/finish(_:)`` came before the reply.
    var isFinished = false
}

/// A place for a call of the peer.
struct Answer: Sendable {
    enum State: UInt8, Sendable {
        case free
        /// Reported and not answered.
        case open
        /// Waits for a promise and was not reported.
        case held
        /// Answered, its references kept for promises.
        case kept
    }

    var id: UInt64 = 0
    /// The next generation that the peer may use, so that no id comes twice.
    var nextGeneration: UInt64 = 0
    var references: [SessionReference] = []
    var state = State.free
    var keepsAnswer = false
    /// FINISH came before the answer.
    var isFinished = false
    var isFailure = false
    var isCancelled = false
}

/// A place for a call of the peer that wants no reply.
struct OneWay: Sendable {
    var id: UInt64 = 0
    var generation: UInt64 = 0
    var nextFree = -1
    var isOpen = false
    var isHeld = false
}

/// A call of the peer that waits for what an earlier call will return, or for another that does.
struct HeldCall: Sendable {
    var call: IncomingCall
    var target: HeldTarget
    var references: [HeldReference]
    /// What this side hosts and the call names: held as long as the call, whatever the caller releases behind it.
    var pins: [ReferenceID] = []
}

enum HeldTarget: Sendable, Equatable {
    case reference(ReferenceID)
    case promise(UInt64, index: Int)
}

enum HeldReference: Sendable {
    case known(SessionReference)
    case promise(UInt64, index: Int)
}

/// A method this side calls.
struct Method: Sendable {
    var name: String
    var digest: UInt64
    /// On the wire, in the order of first use; -1 before.
    var number = -1
    var isConfirmed = false
}

struct MethodKey: Hashable, Sendable {
    var name: String
    var digest: UInt64
}

/// Something this side hosts.
struct Export: Sendable {
    var id: UInt64 = 0
    var generation: UInt64 = 0
    var introductions = 0
    /// Kept answers that hold it.
    var pins = 0
    var channel = -1
    var nextFree = -1
    var kind = SessionReference.Kind.null
    var isRendezvous = false
    /// Its first introduction is in a packet, so frames that name it may follow.
    var isAnnounced = false
    /// The application gave it up while elements that wait to be sent introduced it.
    var isWithdrawn = false
    var isClosed = false
    /// CLOSE waits for the first introduction.
    var closePending: CloseReason?

    var isLive: Bool { kind != .null }
}

/// Something the peer hosts.
struct Import: Sendable {
    var id: UInt64 = 0
    /// The highest generation seen here, plus one.
    var nextGeneration: UInt64 = 0
    var introductions = 0
    /// Introductions that are given back as soon as nothing queued names it.
    var releasePending = 0
    /// Queued elements and kept answers that name it.
    var pins = 0
    var channel = -1
    var kind = SessionReference.Kind.null
    var isRendezvous = false
    var isClosed = false
    /// What the channel was when the last introduction was given back. It goes on from there if another one was crossing.
    var residue: ChannelResidue?
    /// It came with a call that is held: nobody here knows of it yet, and what comes on its channel waits with it.
    var isConcealed = false

    var isLive: Bool { kind != .null }
    /// Whether somebody here holds it.
    var isHeld: Bool { introductions > releasePending }
}

/// What must be remembered of a channel end that was given back, because its host may still count on it.
struct ChannelResidue: Sendable {
    /// Credit: the producer's, or what the consumer has left for the producer.
    var elements: Int
    var bytes: Int
    var windowElements: Int
    var windowBytes: Int
    /// This side closed it.
    var isClosedHere: Bool
    /// The other side closed it.
    var isClosedThere: Bool
}

/// Introductions that are given back.
struct Introductions: Sendable {
    var id: UInt64
    var count: Int
}

/// An export whose first introduction is queued.
struct Announcement: Sendable {
    var position: UInt64
    var slot: Int
    var id: UInt64
}

/// A channel with an end on this side.
struct Channel: Sendable {
    /// Elements in `pending` that go into one frame.
    struct Block: Sendable {
        var count: Int
        /// In `pending`, lengths included.
        var byteCount: Int
        var references: [SessionReference]
    }

    var id: UInt64 = 0
    var isProducer = false
    var isRendezvous = false
    var nextFree = -1

    // Producer.
    /// Whether the peer's window is known and in the credit.
    var hasCredit = false
    var creditElements = 0
    var creditBytes = 0
    /// Elements that wait to be sent, each behind its length.
    var pending: [UInt8] = []
    var pendingStart = 0
    var pendingElements = 0
    /// Their bytes without the lengths.
    var pendingPayloadBytes = 0
    var blocks = Fifo<Block>()
    /// Of a rendezvous channel: elements of which the consumer has not said that it took them.
    var untold = 0
    /// An element was refused for want of credit.
    var ranDry = false
    /// Bytes it may send in its turn.
    var deficit = 0
    var hasTurn = false
    /// The packet was full before its turn was over.
    var isMidTurn = false
    /// One of its elements is being sent in parts.
    var isInPart = false
    /// Closed from here, after what is pending.
    var finishing: CloseReason?
    /// The peer was told so.
    var didFinish = false
    /// The consumer closed: elements are for nobody.
    var isRefused = false

    // Consumer.
    /// What the peer may still send.
    var windowLeftElements = 0
    var windowLeftBytes = 0
    var windowElements = 0
    var windowBytes = 0
    var untakenElements = 0
    var untakenBytes = 0
    var unreportedElements = 0
    var unreportedBytes = 0
    /// The producer ran dry at this moment for want of elements or bytes.
    var dryAt = Moment.distantFuture
    var dryElements = false
    var dryBytes = false
    /// The producer has closed.
    var isEnded = false
    /// Closed from here: what still comes is dropped.
    var isDropped = false
    /// What came before the reference was reported.
    var concealed: [SessionEvent] = []

    /// Of a producer: whether everything was sent, the end included where it was closed.
    var isDrained: Bool { pendingElements == 0 && !isInPart && (finishing == nil || didFinish) }
}

/// A frame too large for a packet, on its way in several.
struct PartOutput: ~Copyable {
    var bytes = ByteQueue()
    /// Bytes of the message queue that count as sent with its last part.
    var messageBytes: UInt64 = 0
    /// The channel whose element it is, or one of ``ChannelOfPart``.
    var channel = ChannelOfPart.none
    /// What the element introduces or names.
    var references: [SessionReference] = []

    init() {}

    var isActive: Bool { !bytes.isEmpty }
}
