/// The calls, references, credits and packets of one session: the whole protocol as a value.
public struct SessionCore: ~Copyable, Sendable {
    public let role: SessionRole
    public let identity: SessionIdentity
    public let configuration: SessionConfiguration
    /// What the peer said of itself, from the first handshake on.
    public private(set) var peer: SessionHello?

    public init(role: SessionRole, configuration: SessionConfiguration = SessionConfiguration(), identity: SessionIdentity, now: Moment) {
        self.role = role
        self.identity = identity
        self.configuration = configuration
    }

    // MARK: Link

    /// Whether a link is attached and the peer has said HELLO.
    public var isEstablished: Bool { fatalError() }
    /// Whether the session is over. What it still has to say comes from `nextPacket`.
    public var isFinished: Bool { fatalError() }
    /// Takes a new link into use; one that was attached before is forgotten (close it).
    public mutating func attach(_ traits: LinkTraits, now: Moment) throws(SessionError) { fatalError() }
    /// The link is lost: the resume window begins, or the session fails at once if it cannot resume.
    public mutating func detach(now: Moment, into events: inout [SessionEvent]) { fatalError() }
    /// Takes a packet from the attached link. Never traps; a packet that breaks the protocol ends the session with ``SessionEvent/failed(_:)``.
    public mutating func receive(_ packet: UnsafeRawBufferPointer, now: Moment, into events: inout [SessionEvent]) { fatalError() }
    /// Appends the next packet to `buffer`, or returns false when there is nothing to send now.
    public mutating func nextPacket(into buffer: inout [UInt8], now: Moment) -> Bool { fatalError() }
    /// Whether `nextPacket` would give one, as far as is cheaply known: false is certain.
    public var hasOutput: Bool { fatalError() }
    /// Does what is due by `now`.
    public mutating func advance(to now: Moment, into events: inout [SessionEvent]) { fatalError() }
    /// When `advance` has to be called at the latest. May be early, never late.
    public var nextDeadline: Moment { fatalError() }

    // MARK: Calls of this side

    /// The number of a method that this side calls; the same for the same name and digest. Keep it beside the stub.
    public mutating func method(_ name: String, digest: UInt64) throws(SessionError) -> MethodID { fatalError() }
    /// Whether the peer has confirmed that its digest of this method is equal, so that arguments may be sent as `.bin`.
    public func isConfirmed(_ method: MethodID) -> Bool { fatalError() }
    /// Asks. One ``SessionEvent/returned(_:_:)`` follows.
    public mutating func call(
        _ target: CallTarget, method: MethodID, payload: UnsafeRawBufferPointer, format: PayloadFormat,
        references: [SessionReference] = [], deadline: Duration?, options: CallOptions = [], request: RequestID? = nil, now: Moment
    ) throws(SessionError) -> QuestionID { fatalError() }
    /// Tells without a reply (``CallOptions/oneWay`` is implied).
    public mutating func callOneWay(
        _ target: CallTarget, method: MethodID, payload: UnsafeRawBufferPointer, format: PayloadFormat,
        references: [SessionReference] = [], deadline: Duration?, options: CallOptions = [], request: RequestID? = nil, now: Moment
    ) throws(SessionError) { fatalError() }
    /// Calls off: no event follows. Returns whether the call may have been executed, or nil when it is settled already (its event was reported).
    public mutating func cancel(_ question: QuestionID) -> Bool? { fatalError() }
    /// Asks whether the peer still works on it; ``SessionEvent/working(_:)`` may follow.
    public mutating func probe(_ question: QuestionID) { fatalError() }
    /// Lets go of a reply that was kept for promises (``CallOptions/keepsAnswer``). No promise may name it after this.
    public mutating func finish(_ question: QuestionID) { fatalError() }

    // MARK: Calls of the peer

    /// Answers with a result. One-way calls are answered too, with an empty payload. An id that is not open (any more) is ignored.
    public mutating func answer(
        _ id: AnswerID, value payload: UnsafeRawBufferPointer, format: PayloadFormat, references: [SessionReference] = [],
        confirmsDigest: Bool = false
    ) { fatalError() }
    /// Answers with a failure, which may carry a value.
    public mutating func answer(
        _ id: AnswerID, failure: CallFailure, payload: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        format: PayloadFormat = .none, references: [SessionReference] = [], confirmsDigest: Bool = false
    ) { fatalError() }
    /// Says unasked that the call is being worked on. Questions of the peer about it are answered by the core itself.
    public mutating func working(_ id: AnswerID) { fatalError() }

    // MARK: References

    /// Makes an id for something that this side hosts. It crosses when it is put into the references of a call, a reply or an element.
    public mutating func export(_ kind: SessionReference.Kind, isRendezvous: Bool = false) throws(SessionError) -> ReferenceID { fatalError() }
    /// Takes an export back that never crossed; false if it did.
    public mutating func withdraw(_ id: ReferenceID) -> Bool { fatalError() }
    /// Gives back introductions of a reference that the peer hosts. At zero it is gone; a channel end is thereby closed.
    public mutating func release(_ id: ReferenceID, introductions: Int) { fatalError() }
    /// Closes a channel end from this side (a producer's after what was sent, a consumer's at once), or withdraws a hosted service from use.
    public mutating func close(_ id: ReferenceID, reason: CloseReason = .finished) { fatalError() }

    // MARK: Channels

    /// Queues an element if there is credit. After false, ``SessionEvent/writable(_:)`` follows when there is some again.
    public mutating func send(_ channel: ReferenceID, element: UnsafeRawBufferPointer, references: [SessionReference] = []) throws(SessionError) -> Bool
    { fatalError() }
    /// The consumer took elements: the producer may send as many more.
    public mutating func taken(_ channel: ReferenceID, elements: Int, bytes: Int, now: Moment) { fatalError() }
    /// The consumer of a rendezvous channel waits for so many elements.
    public mutating func demand(_ channel: ReferenceID, elements: Int) { fatalError() }

    // MARK: The end

    /// Asks the peer for no more calls, and takes none itself; ``SessionEvent/drained`` follows when all is settled.
    public mutating func goAway(_ reason: CloseReason) { fatalError() }
    /// Ends the session: what is queued is still sent, then BYE. Calls under way fail at once.
    public mutating func close(_ reason: CloseReason = .finished, now: Moment, into events: inout [SessionEvent]) { fatalError() }

    // MARK: Introspection

    public var statistics: SessionStatistics { fatalError() }
    /// All references of both sides, by id.
    public func references() -> [ReferenceDescription] { fatalError() }
}

extension SessionHello {
    /// Reads the HELLO of the first packet of a link.
    public init(readingFrom packet: UnsafeRawBufferPointer, traits: LinkTraits) throws(ProtocolViolation) { fatalError() }
}
