internal import SkerryCRDT
public import SkerryGossip
internal import Synchronization

/// The session of a replica with one peer, over one stream or link.
public final class ReplicaSession: Sendable {
    private struct State: Sendable {
        var identity: FeedIdentity?
        var metadata: [String: String] = [:]
        var isSynchronised = false
        var isTorn = false
        var result: Result<Void, ReplicaError>?
        var syncWaiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var endWaiters: [CheckedContinuation<Void, Never>] = []
        var nextWaiter: UInt64 = 0
        var wake: (@Sendable () -> Void)?
        var shut: (@Sendable (_ isPolite: Bool) -> Void)?
    }

    public let id: ReplicaSessionID
    private let state = Mutex(State())
    private let requestEnd: @Sendable (ReplicaError?) -> Void

    init(id: ReplicaSessionID, requestEnd: @escaping @Sendable (ReplicaError?) -> Void) {
        self.id = id
        self.requestEnd = requestEnd
    }

    /// Who the peer is; nil before it said so.
    public var peerIdentity: FeedIdentity? { state.withLock { $0.identity } }

    /// What the peer's header says.
    public var peerMetadata: [String: String] { state.withLock { $0.metadata } }

    /// Whether both sides were equal at some moment of the session; for what only reads, whether all that the other side had at first was taken.
    public var isSynchronised: Bool { state.withLock { $0.isSynchronised } }

    /// Whether what was read ended amid a message. What came before it counts.
    public var isTorn: Bool { state.withLock { $0.isTorn } }

    public var hasFinished: Bool { state.withLock { $0.result != nil } }

    /// Waits until both sides are equal.
    ///
    /// - Throws: ``ReplicaError``, `disconnected` when the session ends first, or what it ended with; also when the task is cancelled.
    public func synchronised() async throws(ReplicaError) {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    let goesOn = state.isSynchronised || state.result != nil || Task.isCancelled
                    if !goesOn { state.syncWaiters[id] = continuation }
                    return goesOn
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.syncWaiters.removeValue(forKey: id) }?.resume()
        }
        let (isSynchronised, result) = state.withLock { ($0.isSynchronised, $0.result) }
        guard !isSynchronised else { return }
        try result?.get()
        throw ReplicaError(.disconnected, "the session ended before both sides were equal")
    }

    /// Waits until the session is over. Cancelling the task ends it.
    ///
    /// - Throws: ``ReplicaError`` when it did not end by the will of either side.
    public func ended() async throws(ReplicaError) {
        await withTaskCancellationHandler {
            await hasEnded()
        } onCancel: {
            close()
        }
        if let result = state.withLock({ $0.result }) { try result.get() }
    }

    /// Ends the session politely: what waits is written, then the stream ends. Idempotent; returns at once.
    public func close() { requestEnd(nil) }

    func hasEnded() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.result == nil { state.endWaiters.append(continuation) }
                return state.result != nil
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: - Told by the replica

    func opened(by identity: FeedIdentity) { state.withLock { $0.identity = identity } }
    func heard(_ metadata: [String: String]) { state.withLock { $0.metadata = metadata } }
    func tore() { state.withLock { $0.isTorn = true } }

    func becameSynchronised() {
        let waiters = state.withLock { state in
            state.isSynchronised = true
            defer { state.syncWaiters = [:] }
            return state.syncWaiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The transport: what to call when there is output, and to end it.
    func carry(wake: @escaping @Sendable () -> Void, shut: @escaping @Sendable (_ isPolite: Bool) -> Void) {
        let isOver = state.withLock { state in
            guard state.result == nil else { return true }
            state.wake = wake
            state.shut = shut
            return false
        }
        if isOver { shut(true) } else { wake() }
    }

    /// Ends a session that only reads: nothing is to be written first.
    func stopReading() { state.withLock { $0.shut }?(true) }

    func wake() { state.withLock { $0.wake }?() }

    func finish(_ error: ReplicaError?) {
        let (shut, waiters) = state.withLock { state in
            if state.result == nil { state.result = error.map { .failure($0) } ?? .success(()) }
            defer { (state.shut, state.wake, state.syncWaiters, state.endWaiters) = (nil, nil, [:], []) }
            return (state.shut, Array(state.syncWaiters.values) + state.endWaiters)
        }
        for waiter in waiters { waiter.resume() }
        shut?(error == nil)
    }
}

/// What the lock of a replica guards of a session.
struct SessionState: Sendable {
    /// What to say next.
    enum Output: Sendable {
        case bytes([UInt8])
        case nothingYet
        case end
    }

    let handle: ReplicaSession
    let options: ReplicaOptions
    /// Makes a stream of bytes out of packets that may be lost; nil where nothing is.
    var packets: LossyPackets?
    /// When a packet last came, milliseconds. Only looked at where packets may be lost.
    var heardAt: UInt64
    /// When the session began to close, milliseconds: a peer that takes nothing does not keep it for ever.
    var closingSince: UInt64 = 0
    /// Whether the peer said ``ReplicaMessage/end``.
    var heardEnd = false
    var framing = MessageFraming { kind in
        kind == ReplicaMessage.Kind.header.rawValue ? SessionState.headerMaximum : SessionState.messageMaximum
    }
    private var outbox: [[UInt8]] = []
    private var sentOfFirst = 0
    private(set) var outboxSize = 0
    var header: ReplicaHeader?
    var openedEmpty = false
    var isSynchronised = false
    /// Acknowledgements should not wait.
    var isHasty = false
    var reception: HistoryReception?
    /// What came with it, with rules for members.
    var arrival: HistoryArrival?
    /// Names this side of the session in feeds; whether it takes part in them; and what came of them before it did, at most ``earlyMaximum`` messages.
    var feedSession: UInt32 = 0
    var isAttached = false
    var early: [[UInt8]] = []
    var transfer: HistoryTransfer?
    /// Origins of which the peer has only a history, and that were no members when it said so; at most ``FeedLimits/origins``.
    var strangers: Set<OriginID> = []
    /// Whether what comes over the transport comes when the peer likes.
    var isPushed = false
    /// Charges of histories that were taken and are not durable.
    var unsynced = 0
    /// Who reads a history that comes one way, while much of it is not durable.
    var roomWaiter: CheckedContinuation<Void, Never>?
    /// When a history was last put together for the peer, and what it asked for too soon after it.
    var servedAt: UInt64?
    var servedTag: UInt32?
    var waitingRequest: (tag: UInt32, dots: [Dot], subscription: [UInt8])?
    /// Nothing of the transfer goes before this is durable.
    var transferTicket: UInt64 = 0
    /// What a stream that is only written has been given.
    var written = CausalContext()
    var nextTag: UInt32
    var isClosing = false
    var closingError: ReplicaError?
    var needsWake = false

    /// A peer says little before it has heard of the other side.
    static let earlyMaximum = 64

    /// A header and its metadata.
    static let headerMaximum = ReplicaOptions.metadataSizeMaximum + 4_096
    /// A frame and a checksum.
    static let messageMaximum = FeedLimits.frameMaximum + 64

    init(handle: ReplicaSession, options: ReplicaOptions, isLossy: Bool, tag: UInt32, now: UInt64) {
        self.handle = handle
        self.options = options
        packets = isLossy ? LossyPackets() : nil
        heardAt = now
        nextTag = tag
    }

    /// Whether the peer only reads what is written here, or nobody does yet.
    var isOneWay: Bool { options.direction == .writeOnly }
    /// Whether histories come one way, and nobody can ask for them again.
    var isTaking: Bool { header?.direction == .writeOnly || options.direction == .readOnly }
    /// Whether all was said, and where that may be lost, also heard, by both sides.
    var isSettled: Bool { outbox.isEmpty && packets.map { $0.isSettled && heardEnd } ?? true }
    /// Whether there is no more than a frame or two to say.
    var isThirsty: Bool { outboxSize < 2 * FeedLimits.framePreferred }

    mutating func put(_ message: [UInt8]) {
        guard options.direction != .readOnly else { return }
        // A stream that may be a file tells rot by itself; the header has a magic of its own.
        let isChecked = isOneWay && message.first != ReplicaMessage.Kind.header.rawValue
        let message = isChecked ? ReplicaMessage.checked(message).encoded : message
        let frame = MessageFraming.frame(message)
        outbox.append(frame)
        outboxSize += frame.count
        needsWake = true
    }

    /// The next packet, or bytes for the stream: at most so many, none when there is nothing to say now.
    mutating func take(atMost maximum: Int, now: UInt64) -> [UInt8] {
        guard packets != nil else { return piece(atMost: maximum) }
        while packets?.hasRoom ?? false, !outbox.isEmpty {
            let bytes = piece(atMost: maximum - LossyPackets.overhead)
            packets?.send(bytes, now: now)
        }
        var packet: [UInt8] = []
        _ = packets?.nextPacket(into: &packet, now: now)
        return packet
    }

    /// The next bytes of the stream.
    private mutating func piece(atMost maximum: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var taken = 0
        while bytes.count < maximum, taken < outbox.count {
            let first = outbox[taken]
            let count = min(maximum - bytes.count, first.count - sentOfFirst)
            bytes.append(contentsOf: first[sentOfFirst..<sentOfFirst + count])
            sentOfFirst += count
            guard sentOfFirst == first.count else { break }
            taken += 1
            sentOfFirst = 0
        }
        outbox.removeFirst(taken)
        outboxSize -= bytes.count
        return bytes
    }
}
