/// The calls, references, credits and packets of one session: the whole protocol as a value.
///
/// Both sides run the same machine. It is driven by whoever owns it: packets go in with ``receive(_:now:into:)`` and come out of ``nextPacket(into:now:)``, time
/// comes in with ``advance(to:into:)``, and what happened comes out as ``SessionEvent``s, to be acted on in their order. It reads no clock, draws no random
/// numbers, does no I/O and calls nobody back, so a run can be repeated to the byte.
///
/// ```swift
/// var core = SessionCore(role: .initiator, identity: identity, now: now)
/// try core.attach(link.traits, now: now)
/// let add = try core.method("add", digest: digest)
/// let question = try core.call(.root, method: add, payload: arguments, format: .cbor, deadline: .seconds(30), now: now)
/// while core.nextPacket(into: &packet, now: now) { link.send(packet) }
/// core.receive(reply, now: now, into: &events)           // … .returned(question, outcome)
/// ```
///
/// Numbered packets are kept until the peer confirms them, and sent again over the next link: inside a session each acts exactly once.
/// On lossy links the same machinery sends them again by timers and confirmations.
///
/// - Isolation: a value; whoever shares it guards it with a lock. Nothing here waits.
/// - Complexity: every operation is O(1) amortised and its own payload; none of them hashes, except the first use of a method name.
public struct SessionCore: ~Copyable, Sendable {
    public let role: SessionRole
    public let identity: SessionIdentity
    public let configuration: SessionConfiguration
    /// What the peer said of itself, from the first handshake on.
    public internal(set) var peer: SessionHello?

    enum Phase: UInt8, Sendable {
        /// No link yet.
        case fresh
        /// The link is lost, the resume window runs.
        case detached
        /// A link is attached, the peer has not said HELLO on it.
        case handshaking
        case established
        /// Closed from here; what is queued is being sent.
        case closing
        case closed
    }

    let isText: Bool
    var phase = Phase.fresh
    var traits = LinkTraits()
    var counters = SessionStatistics()

    // Link.
    var lastReceivedAt: Moment
    /// When the phase must have ended: handshaking, detached and closing are bounded.
    var phaseDeadline = Moment.distantFuture
    /// When a session without an established link is given up. Runs on over attempts that come to nothing.
    var resumeDeadline = Moment.distantFuture
    var helloDue = false
    /// When HELLO is sent again on a lossy link.
    var helloAgainAt = Moment.distantFuture
    var pingsUnanswered = 0
    var pingedAt = Moment.zero
    var pingDue = false
    var pingNonce: UInt64 = 0
    var pingSentAt = Moment.zero
    var pongDue: UInt64?
    var byeDue: CloseReason?
    /// On lossy links BYE is repeated until the peer answers the PING beside it: its nonce, 0 before BYE was said.
    var byeNonce: UInt64 = 0
    var byeAgainAt = Moment.distantFuture
    /// The nonce beside the peer's BYE, which is to be answered although the session is over.
    var byeAnswerDue: UInt64?
    /// Why the session ended, for who did not hear it.
    var closeReason: CloseReason?

    // Delivery.
    var nextSequence: UInt64 = 1
    /// All packets of the peer up to this one were received.
    var received: UInt64 = 0
    /// All packets of this side up to this one were confirmed.
    var confirmed: UInt64 = 0
    var retention = Retention()
    var reorder = ReorderBuffer()
    var recovery = Recovery()
    /// When silence on a lossy link means that all under way is lost.
    var retransmitAt = Moment.distantFuture
    var unconfirmedPackets = 0
    var unconfirmedBytes = 0
    var confirmationDue = false
    var confirmationAt = Moment.distantFuture
    /// A large frame of the peer as far as it has come.
    var assembly: [UInt8] = []
    var isAssembling = false

    // Output.
    var writer: FrameWriter
    /// Control frames that may overtake messages.
    var urgent = ByteQueue()
    /// Calls, replies and what must keep its place among them, as frames.
    var messages = ByteQueue()
    /// Bytes ever put into `messages`, and how many of them are in packets.
    var messagesQueued: UInt64 = 0
    var messagesSent: UInt64 = 0
    /// The frame that is being sent in parts.
    var part = PartOutput()
    var releases: [Introductions] = []
    /// Exports whose first introduction is still in `messages`, with the position behind it.
    var unannounced = Fifo<Announcement>()
    /// Channels with something to send, whose turn comes in this order.
    var turns = Fifo<Int>()
    /// Channels whose next element goes in parts and waits for the part under way to end. They have a turn and are not in the row.
    var parked = Fifo<Int>()

    // Calls.
    var questions: [Question] = []
    var freeQuestion = -1
    var openQuestions = 0
    var callPermitWanted = false
    var oneWaysUnreported = 0
    var methods: [Method] = []
    var methodsDefined = 0
    var methodIndex: [MethodKey: Int] = [:]
    var answers: [Answer] = []
    var openAnswers = 0
    var oneWays: [OneWay] = []
    var freeOneWay = -1
    var openOneWays = 0
    var oneWaysEnded = 0
    var refusalsQueued = 0
    var incomingMethods = 0
    /// Text names every call's method; the number of each name.
    var incomingNames: [String: Int] = [:]
    var held: [HeldCall] = []
    var heldBytes = 0
    var questionTimers: TimerWheel
    var answerTimers: TimerWheel
    var expired: [Int] = []

    // References and channels.
    var exports: [Export] = []
    var freeExport = -1
    var exportCount = 0
    var imports: [Import] = []
    var importCount = 0
    /// Places of concealed imports that another frame has brought into the open.
    var revealed: [Int] = []
    var channels: [Channel] = []
    var freeChannel = -1
    var channelCount = 0
    /// Bytes this side may still send on all channels.
    var sessionCredit = 0
    /// Bytes the peer may still send on all channels, and how many were taken without being granted again.
    var sessionWindow: Int
    var sessionUnreported = 0
    /// Bytes that came and were not taken.
    var sessionUntaken = 0

    // The end.
    var isPeerGoingAway = false
    var isGoingAway = false
    var goAwaySequence = UInt64.max
    var goAwayQueued = false
    var wasDrained = false
    var pendingEvents: [SessionEvent] = []

    #if DEBUG
    /// Errors put in on purpose, so that tests can show that they would be found.
    var defects: Defects = []
    #endif

    /// - Parameters:
    ///   - role: initiators connect and come back, acceptors are connected to.
    ///   - identity: the session, the node and its life.
    ///   - now: the moment from which time runs.
    public init(role: SessionRole, configuration: SessionConfiguration = SessionConfiguration(), identity: SessionIdentity, now: Moment) {
        precondition(
            configuration.applicationData.count <= SessionLimits.applicationDataMaximum,
            "HELLO carries at most \(SessionLimits.applicationDataMaximum) bytes of the application, not \(configuration.applicationData.count)"
        )
        precondition(
            (1..<SessionLimits.questionSlots).contains(configuration.callsInFlight)
                && (1..<SessionLimits.exports).contains(configuration.exports),
            "calls in flight or exports out of range")
        self.role = role
        self.identity = identity
        self.configuration = configuration
        isText = configuration.encoding == .text
        writer = FrameWriter(isText: configuration.encoding == .text)
        lastReceivedAt = now
        questionTimers = TimerWheel(now: now)
        answerTimers = TimerWheel(now: now)
        sessionWindow = configuration.sessionBytes
    }

    /// Whether a link is attached and the peer has said HELLO.
    public var isEstablished: Bool { phase == .established }
    /// Whether the session is over and has nothing to say any more.
    public var isFinished: Bool { phase == .closed && byeDue == nil && byeAnswerDue == nil }
    /// Whether it takes no more part: over, or closing.
    var isOver: Bool { phase == .closed || phase == .closing }

    @inline(__always)
    var peerParity: UInt64 { role.parity ^ 1 }

    /// Whether packets are kept for sending again.
    var keepsPackets: Bool { traits.delivery == .lossy || resumeWindow > .zero }

    /// How long the session outlives its link: the shorter wish of both sides.
    var resumeWindow: Duration {
        guard let peer else { return configuration.resumeWindow }
        return min(configuration.resumeWindow, peer.resumeWindow)
    }

    @inline(__always)
    func has(_ defect: Defects) -> Bool {
        #if DEBUG
        return defects.contains(defect)
        #else
        return false
        #endif
    }
}

/// Errors that tests put into a core, to see that their checkers find them. Release builds have none of it.
struct Defects: OptionSet, Sendable {
    var rawValue: Int

    /// Packets that were received before act again.
    static let actsTwice = Defects(rawValue: 1)
    /// A packet is confirmed before it has come.
    static let confirmsAhead = Defects(rawValue: 2)
    /// Elements are sent without being charged.
    static let creditNotCharged = Defects(rawValue: 4)
    /// A kept packet is forgotten before it is confirmed.
    static let forgetsEarly = Defects(rawValue: 8)
    /// A release is sent twice.
    static let releasesTwice = Defects(rawValue: 16)
    /// Giving back too much is not noticed.
    static let releaseUnchecked = Defects(rawValue: 32)
    /// A call is reported twice.
    static let callsTwice = Defects(rawValue: 64)
    /// Packets are not sent again over a new link.
    static let forgetsRetained = Defects(rawValue: 128)
    /// No timer sends a lost packet again.
    static let noRetransmission = Defects(rawValue: 256)
    /// What the consumer takes is not granted again.
    static let dropsCredit = Defects(rawValue: 512)
    /// A closed end does not tell the other.
    static let closesSilently = Defects(rawValue: 1_024)
}
