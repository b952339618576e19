/// The named bounds of a session. Those that a peer must know are announced in HELLO; ``SessionConfiguration`` can lower or raise some of them.
public enum SessionLimits {
    // MARK: Packets and frames

    /// Most bytes of a packet on a stream: room for the largest frame and its wrapping.
    public static let packetMaximum = frameMaximum + 64 << 10
    /// Bytes at which a packet is full, so that nothing waits long behind another's bulk.
    public static let packetPreferred = 64 << 10
    /// Smallest `packetMaximum` of a link.
    public static let packetMinimum = 512
    /// Most bytes of a frame, and so of a value with its wrapping; larger ones stream over a channel.
    public static let frameMaximum = 1 << 20
    /// Bytes of a frame that are not its value: the most that ids, a method name and a message take.
    public static let frameOverhead = 8 << 10
    /// Most bytes of text in a reason or a failure.
    public static let messageMaximum = 1_024
    /// Most bytes of a method's wire name.
    public static let methodNameMaximum = 255
    /// Most bytes of what the application says in HELLO.
    public static let applicationDataMaximum = 1_024
    /// Most JSON containers open at once in a value of a text packet.
    public static let textDepth = 64
    /// Most entries in the reference table of a frame.
    public static let referencesPerFrame = 256

    // MARK: Calls

    /// Calls under way in one direction, unless the callee announces another number. Beyond it the caller waits.
    public static let callsInFlight = 256
    /// Places for calls in one direction, the first of which stays empty.
    public static let questionSlots = 4_096
    @usableFromInline static let questionSlotMask = questionSlots - 1
    static let questionSlotBits: UInt64 = 12
    /// Refusals of calls beyond the announced number that may wait to be sent; a peer that goes on is cut off.
    public static let refusalsWaiting = 1_024
    /// One-way calls in one direction that the callee has not reported as ended. Beyond it the caller waits.
    public static let oneWayCalls = 256
    /// Methods with numbers, in one direction.
    public static let methods = 4_096
    /// Bytes of calls, replies and control frames that may wait to be sent; beyond it callers wait.
    public static let messageQueueMaximum = 4 << 20
    /// Bytes that may wait to be sent when a reply is added; beyond it replies turn into failures, because the peer asks and does not read.
    public static let replyQueueMaximum = 64 << 20
    /// Bytes of pipelined calls that may wait for their promises.
    public static let heldBytes = 4 << 20

    // MARK: References and channels

    /// Places for what one side hosts in a session, the first of which stays empty.
    public static let exports = 65_536
    @usableFromInline static let referenceSlotMask = exports - 1
    static let referenceSlotBits: UInt64 = 16
    /// Ids stay below 2^53, so that a JavaScript number holds them.
    static let idBits: UInt64 = 53
    /// Elements that may be under way on a new channel.
    public static let channelElements = 16
    /// Bytes that may be under way on a new channel.
    public static let channelBytes = 64 << 10
    /// Most elements to which a window grows.
    public static let channelElementsMaximum = 16_384
    /// Most bytes to which a window grows.
    public static let channelBytesMaximum = 1 << 20
    /// Bytes under way on all channels in one direction together.
    public static let sessionBytes = 16 << 20
    /// Most bytes of a single element.
    public static let elementMaximum = frameMaximum - frameOverhead
    /// Credit that a producer may hold at most, in elements or bytes.
    public static let creditMaximum = 1 << 40
    /// Bytes a channel may send each time its turn comes.
    public static let fairnessQuantum = 4 << 10

    // MARK: Delivery

    /// Bytes kept until the peer confirms them; beyond it nothing numbered is sent.
    public static let retention = 4 << 20
    /// Packets kept until the peer confirms them.
    public static let retainedPackets = 16_384
    /// Packets that may be under way on a lossy link, and so the most that wait for one that is missing.
    public static let reorderWindow = 256
    /// Ranges beyond the cumulative acknowledgement that a packet tells.
    public static let acknowledgementRanges = 16
    /// Received bytes after which a packet is sent for the acknowledgement alone.
    public static let acknowledgementBytes = 256 << 10
    /// The same in packets, for those who send many small ones.
    public static let acknowledgementPackets = 1_024
    /// How long an acknowledgement may wait for company on a stream.
    public static let acknowledgementDelay = Duration.milliseconds(100)
    /// The same on a lossy link, where every second packet is confirmed at once.
    public static let acknowledgementDelayLossy = Duration.milliseconds(5)
    /// Least time before a packet is sent again for want of an answer.
    public static let retransmissionMinimum = Duration.milliseconds(30)
    /// Most time before a packet is sent again.
    public static let retransmissionMaximum = Duration.seconds(2)
    /// The same before anything is known about the link (RFC 6298 says 1 s for the world; sites are nearer).
    public static let retransmissionInitial = Duration.milliseconds(200)
    /// Packets under way on a lossy link at the beginning (RFC 6928).
    public static let congestionWindowInitial = 10
    /// Packets that must have overtaken one for it to count as lost (RFC 9002).
    public static let overtakenByLost = 3

    // MARK: Time

    /// Silence after which the peer is asked for a sign of life.
    public static let pingAfter = Duration.seconds(5)
    /// Time between two such questions.
    public static let pingInterval = Duration.seconds(3)
    /// How often it is asked before the link counts as dead: 5 + 3 · 3 = 14 s of silence.
    public static let pingAttempts = 3
    /// How long the peer's HELLO may take.
    public static let handshake = Duration.seconds(10)
    /// How long a session without a link waits for a new one.
    public static let resumeWindow = Duration.seconds(30)
    /// How long a closing session waits for the peer to confirm what was sent before.
    public static let closeLinger = Duration.seconds(3)
    /// The grain of deadlines.
    public static let deadlineTick = Duration.milliseconds(8)

    // MARK: Replies of durable calls

    /// Replies remembered by a ``ReplyCache``.
    public static let rememberedReplies = 65_536
    /// Bytes of remembered replies.
    public static let rememberedReplyBytes = 64 << 20
    /// How long a reply is remembered.
    public static let replyExpiry = Duration.seconds(24 * 60 * 60)
}
