internal import NIOCore
internal import SkerryHTTP

/// The protocol of one connection as a value: what the parser found goes in, what to do comes out.
///
/// Requests are answered in order: the head of the next one stays in `parts` until the reply before it was sent. At most one read (64 KiB) stands
/// in `parts`, because the socket is read only while `parts` is empty.
///
/// ```
///  idle -> head -> serving -> idle                 request read, connection kept
///                     |-----> draining -> idle     reply sent, short rest of the body thrown away
///                     |-----> lingering -> closed  reply sent, output shut, input thrown away
///                     '-----> closed
/// ```
struct ConnectionMachine {
    /// A point on the coarse clock of the event loop, in ticks.
    typealias Tick = Int

    /// The timeouts, in ticks.
    struct Patience {
        var idle: Tick
        var head: Tick
        var body: Tick
        var bodyRateGrace: Tick
        var linger: Tick
        /// Bytes of a body per tick of waiting, 0 for any.
        var bodyBytesPerTick: Double
        /// Bytes of an unread body thrown away to keep the connection.
        var drainedBody: Int
    }

    /// What the parser found, in order.
    enum Part {
        case head(RequestHead)
        case body(ByteBuffer)
        case end
        case refused(Refusal)
    }

    enum Phase: Equatable {
        /// Between requests.
        case idle
        /// Bytes of a head have come, or the connection is new.
        case head
        /// A request is with the service, or its reply is being sent.
        case serving
        /// The reply was sent, the rest of the body is thrown away; the number is what may still be dropped.
        case draining(Int)
        /// The reply was sent and output shut; input is thrown away so that closing does not destroy the reply.
        case lingering
        case closed
    }

    /// How far the body of the request in service has been handed over.
    private enum BodyState: Equatable {
        case open
        case complete
        case failed(HTTPBodyError)
    }

    private(set) var phase = Phase.head
    private var deadline: Tick
    private let patience: Patience

    private var parts = CircularBuffer<Part>(initialCapacity: 4)

    /// Not a byte has come yet.
    private var isFresh = true
    /// Bytes of bodies in `parts`.
    private var bytesWaiting = 0

    private var body = BodyState.complete
    private var isBodyAwaited = false
    /// The service has asked for the body at least once.
    private var isBodyWanted = false
    private var isContinuePending = false
    private var isKeptAlive = true
    /// Bytes of the body of the request in service that have come and, for a known length, those still to come.
    private var bodyReceived: UInt64 = 0
    private var bodyExpected: UInt64?
    private var bodyDeadline = Tick.max
    private var ticksAwaited: Tick = 0

    private var isShuttingDown = false

    init(patience: Patience, now: Tick) {
        self.patience = patience
        deadline = now + patience.head
    }
}

// MARK: - Input

extension ConnectionMachine {
    /// The parser found a part. After the last reply everything is dropped.
    mutating func received(_ part: Part) {
        switch phase {
        case .lingering, .closed:
            return
        case .idle, .head, .serving, .draining:
            if case .body(let bytes) = part { bytesWaiting += bytes.readableBytes }
            parts.append(part)
        }
    }

    /// More waits than one read can bring. It happens only when the client has left: the channel then empties the socket unasked.
    var isFlooded: Bool {
        bytesWaiting > ReceiveSizing.largeSize
    }

    /// A read event ended. Bytes that made no whole head start the clock of the head.
    mutating func readCompleted(now: Tick) {
        isFresh = false
        if phase == .idle, parts.isEmpty {
            phase = .head
            deadline = now + patience.head
        }
        if isBodyAwaited { bodyDeadline = now + patience.body }
    }

    /// Whether the socket should be read: always but while something read waits to be taken, or nothing more will be answered.
    var wantsRead: Bool {
        switch phase {
        case .idle, .head, .draining: parts.isEmpty
        // After the last request only its body matters.
        case .serving: parts.isEmpty && (isKeptAlive || body == .open)
        case .lingering: true
        case .closed: false
        }
    }

    /// Bytes worth reading at once: a body is read in large pieces once somebody asks for it.
    var readSizeWanted: Int {
        guard phase == .serving && isBodyWanted || isDraining else { return ReceiveSizing.smallSize }
        guard let bodyExpected else { return ReceiveSizing.largeSize }
        let rest = bodyExpected > bodyReceived ? bodyExpected - bodyReceived : 0
        return rest >= UInt64(ReceiveSizing.largeSize) ? ReceiveSizing.largeSize : Int(rest) + ReceiveSizing.smallSize
    }

    private var isDraining: Bool {
        if case .draining = phase { true } else { false }
    }
}

// MARK: - Requests

extension ConnectionMachine {
    enum NextStep {
        case wait
        case dispatch(RequestHead)
        case refuse(Refusal)
        case linger
        case close
    }

    /// What to do with the parts that stand ready, when no request is in service.
    mutating func nextStep(now: Tick) -> NextStep {
        switch phase {
        case .serving, .lingering, .closed: .wait
        case .draining(let budget): drain(budget: budget, now: now)
        case .idle, .head: nextRequest(now: now)
        }
    }

    private mutating func nextRequest(now: Tick) -> NextStep {
        switch parts.popFirst() {
        case nil:
            return .wait
        case .head(let head):
            start(head)
            return .dispatch(head)
        case .refused(let refusal):
            phase = .serving
            isKeptAlive = false
            return .refuse(refusal)
        case .body, .end:
            preconditionFailure("a request begins without a head")
        }
    }

    private mutating func start(_ head: RequestHead) {
        phase = .serving
        deadline = .max
        body = .open
        isBodyWanted = false
        bodyReceived = 0
        bodyExpected = head.bodyLength
        bodyDeadline = .max
        ticksAwaited = 0
        isKeptAlive = head.isKeptAlive && !isShuttingDown
        isContinuePending = head.expectsContinue
        // Without a body the end stands right behind the head.
        if case .end = parts.first {
            parts.removeFirst()
            body = .complete
        }
    }

    private mutating func drain(budget: Int, now: Tick) -> NextStep {
        var budget = budget
        while let part = parts.popFirst() {
            switch part {
            case .body(let bytes):
                bytesWaiting -= bytes.readableBytes
                budget -= bytes.readableBytes
                guard budget >= 0 else { return .linger }
            case .end:
                becomeIdle(now: now)
                return isShuttingDown && parts.isEmpty ? .close : nextRequest(now: now)
            case .refused:
                return .linger
            case .head:
                preconditionFailure("a request begins inside the body of another")
            }
        }
        phase = .draining(budget)
        return .wait
    }

    private mutating func becomeIdle(now: Tick) {
        phase = .idle
        deadline = now + patience.idle
    }
}

// MARK: - Body of the request in service

extension ConnectionMachine {
    enum Piece {
        case bytes(ByteBuffer)
        /// Of an empty body too the client may await `100 Continue`: botocore takes an answer without it for the next request's.
        case end(sendContinue: Bool)
        case failed(HTTPBodyError)
        /// Nothing there yet; `100 Continue` has to be sent first when asked for.
        case wait(sendContinue: Bool)
    }

    /// The service asks for the next piece.
    mutating func takePiece(now: Tick) -> Piece {
        switch body {
        case .complete: return endOfBody()
        case .failed(let error): return .failed(error)
        case .open: break
        }
        isBodyWanted = true
        switch parts.popFirst() {
        case .body(let bytes):
            bytesWaiting -= bytes.readableBytes
            bodyReceived += UInt64(bytes.readableBytes)
            isContinuePending = false
            return .bytes(bytes)
        case .end:
            body = .complete
            return endOfBody()
        case .refused:
            return fail(.malformed)
        case nil:
            return awaitPiece(now: now)
        case .head:
            preconditionFailure("a request begins inside the body of another")
        }
    }

    /// The piece that came is handed to the waiting service: ``takePiece(now:)`` follows. False while there is nothing to hand over.
    mutating func endWaiting() -> Bool {
        guard isBodyAwaited, !parts.isEmpty || body != .open else { return false }
        isBodyAwaited = false
        bodyDeadline = .max
        return true
    }

    private mutating func endOfBody() -> Piece {
        defer { isContinuePending = false }
        return .end(sendContinue: isContinuePending)
    }

    private mutating func awaitPiece(now: Tick) -> Piece {
        isBodyAwaited = true
        bodyDeadline = now + patience.body
        defer { isContinuePending = false }
        return .wait(sendContinue: isContinuePending)
    }

    private mutating func fail(_ error: HTTPBodyError) -> Piece {
        body = .failed(error)
        isKeptAlive = false
        return .failed(error)
    }
}

// MARK: - Replies

extension ConnectionMachine {
    /// The reply to the request in service begins: whether the connection outlives it. Settles the `Connection` field.
    mutating func replyStarts(closesConnection: Bool) -> Bool {
        skipArrivedEnd()
        if closesConnection || isShuttingDown || !canDrain { isKeptAlive = false }
        return isKeptAlive
    }

    /// The framing of the reply says its end by closing, or its body failed.
    mutating func keepAliveEnds() {
        isKeptAlive = false
    }

    enum AfterReply: Equatable {
        /// The next request may be read.
        case next
        /// Close once everything is sent.
        case close
        /// Shut output once everything is sent, then read until the client closes.
        case linger
    }

    /// The last byte of the reply was handed to the socket.
    mutating func replyEnded(now: Tick) -> AfterReply {
        isBodyAwaited = false
        bodyDeadline = .max
        skipArrivedEnd()
        guard isKeptAlive else {
            return body == .complete && parts.isEmpty ? .close : .linger
        }
        if body == .complete {
            becomeIdle(now: now)
            return isShuttingDown && parts.isEmpty ? .close : .next
        }
        phase = .draining(patience.drainedBody)
        deadline = now + patience.body
        return .next
    }

    /// The reply to the request in service was an upgrade: whether the connection can leave HTTP. If so, this was its last request.
    ///
    /// The body has to be over, or its rest would be taken for the other protocol.
    mutating func handsOver() -> Bool {
        skipArrivedEnd()
        guard phase == .serving, body == .complete, parts.isEmpty, !isShuttingDown else { return false }
        phase = .closed
        return true
    }

    mutating func lingeringBegan(now: Tick) {
        phase = .lingering
        parts.removeAll(keepingCapacity: false)
        bytesWaiting = 0
        deadline = now + patience.linger
    }

    /// The connection is gone: the service's next look at the body finds it cut off.
    mutating func closed() {
        phase = .closed
        parts.removeAll(keepingCapacity: false)
        bytesWaiting = 0
        if body == .open { body = .failed(.truncated) }
        isKeptAlive = false
    }

    /// The service may have stopped right before the end of the body, which then stands in `parts`.
    private mutating func skipArrivedEnd() {
        if body == .open, case .end = parts.first {
            parts.removeFirst()
            body = .complete
        }
    }

    /// Whether throwing away the rest of the body is cheaper than a new connection.
    ///
    /// While `100 Continue` is owed nobody can tell whether the client will send the body, so the connection cannot be kept.
    /// A chunked body is tried: it ends within the limit or the connection closes then.
    private var canDrain: Bool {
        switch body {
        case .complete: true
        case .failed: false
        case .open:
            if isContinuePending {
                false
            } else if let bodyExpected {
                bodyExpected - min(bodyReceived, bodyExpected) <= UInt64(patience.drainedBody)
            } else {
                true
            }
        }
    }
}

// MARK: - Time and shutdown

extension ConnectionMachine {
    enum TickAction {
        case none
        case close
        case refuse(Refusal)
        /// The service waits for a body that does not come: hand it the error.
        case failBody
    }

    /// One tick of the clock passed.
    mutating func ticked(now: Tick) -> TickAction {
        if isBodyAwaited { return bodyTicked(now: now) }
        guard now >= deadline else { return .none }
        switch phase {
        case .head where isFresh:
            return .close
        case .head:
            phase = .serving
            isKeptAlive = false
            deadline = .max
            return .refuse(.headTimedOut)
        case .idle, .draining, .lingering:
            return .close
        case .serving, .closed:
            return .none
        }
    }

    private mutating func bodyTicked(now: Tick) -> TickAction {
        ticksAwaited += 1
        let isTooSlow =
            ticksAwaited > patience.bodyRateGrace
            && Double(bodyReceived) < Double(ticksAwaited) * patience.bodyBytesPerTick
        guard now >= bodyDeadline || isTooSlow else { return .none }
        _ = fail(.timedOut)
        return .failBody
    }

    /// The server stops: true when this connection has nothing under way and may be closed at once.
    mutating func shutdownBegan() -> Bool {
        isShuttingDown = true
        switch phase {
        case .idle: return parts.isEmpty
        case .head: return isFresh
        case .serving, .draining, .lingering, .closed: return false
        }
    }
}
