internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import SkerryHTTP

/// Carries one connection: the shell around ``ConnectionMachine``.
///
/// One task serves all requests of the connection, on the connection's event loop: it waits for a head, calls the service, sends the reply.
/// Reads, timers and the service's calls all arrive on that loop, so no state here is shared between threads.
// @unchecked Sendable: every stored property that changes is touched on `eventLoop` only. The task runs there by its executor preference,
// which `ensureOnLoop` checks once a request, and `ConnectionBody` hops there.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = IOData
    typealias PieceResult = Result<ArraySlice<UInt8>?, HTTPBodyError>

    let eventLoop: any EventLoop
    let loop: LoopConnections
    var machine: ConnectionMachine
    var context: ChannelHandlerContext?

    private let service: any HTTPService
    private let identifiers: RequestIdentifiers
    private let logger: Logger
    private let sizing: ReceiveSizing
    private let isSecure: Bool
    private let isOverLimit: Bool

    private var task: Task<Void, Never>?
    private var requestWaiter: UnsafeContinuation<RequestHead?, Never>?
    private var pieceWaiter: UnsafeContinuation<PieceResult, Never>?
    private var writableWaiter: UnsafeContinuation<Void, Never>?

    /// Numbers the requests of this connection, so that the body of an earlier one cannot read from a later.
    private var exchange = 0
    private var peer: String?
    /// Something was handed to the socket since the clock last found it empty.
    var isSending = false
    private var unsentBytes = 0
    private var ticksWithoutProgress = 0
    private var closesWhenSent = false

    init(
        loop: LoopConnections, sizing: ReceiveSizing, service: any HTTPService, identifiers: RequestIdentifiers,
        logger: Logger, isSecure: Bool, isOverLimit: Bool
    ) {
        self.loop = loop
        self.sizing = sizing
        self.service = service
        self.identifiers = identifiers
        self.logger = logger
        self.isSecure = isSecure
        self.isOverLimit = isOverLimit
        eventLoop = loop.eventLoop
        machine = ConnectionMachine(patience: loop.patience, now: loop.now)
    }

    /// Whether replies can still be handed to the socket.
    var isOpen: Bool { context != nil && machine.phase != .closed }

    func ensureOnLoop() {
        eventLoop.preconditionInEventLoop()
    }
}

// MARK: - Events of the channel

extension ConnectionHandler {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            do throws(Refusal) {
                machine.received(.head(try RequestHead(head, isSecure: isSecure)))
            } catch {
                machine.received(.refused(error))
            }
        case .body(let bytes):
            machine.received(.body(bytes))
            if machine.isFlooded { context.close(promise: nil) }
        case .end:
            machine.received(.end)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        machine.readCompleted(now: loop.now)
        advance()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable, let waiter = writableWaiter else { return }
        writableWaiter = nil
        loop.executor.run { waiter.resume() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.invalidEOFState:
            // The client left amid a message; that the connection is gone follows at once and says the same.
            return
        case is HTTPParserError, is ByteToMessageDecoderError:
            machine.received(.refused(Refusal(parserError: error)))
            advance()
        default:
            // The socket broke, which happens to every server all day; the channel closes itself or is closed here.
            logger.debug("connection failed", metadata: ["peer": "\(peerAddress)", "error": "\(error)"])
            context.close(promise: nil)
        }
    }
}

// MARK: - Life

extension ConnectionHandler {
    private func begin() {
        guard task == nil else { return }
        loop.add(self)
        loop.executor.run {
            task = Task(executorPreference: loop.executor) { await self.serve() }
        }
        if isOverLimit { refuseConnection() }
        readIfWanted()
    }

    private func end() {
        guard machine.phase != .closed || context != nil else { return }
        machine.closed()
        context = nil
        task?.cancel()
        loop.remove(self)
        loop.executor.run { resumeAll() }
    }

    /// Nobody may be left waiting on a connection that is gone.
    private func resumeAll() {
        requestWaiter?.resume(returning: nil)
        requestWaiter = nil
        pieceWaiter?.resume(returning: .failure(.truncated))
        pieceWaiter = nil
        writableWaiter?.resume()
        writableWaiter = nil
    }

    /// The connection's task: one request after the other.
    private func serve() async {
        while let head = await nextRequest() {
            let reply = await service.respond(to: head.request, body: body(of: head), context: requestContext())
            await send(reply, to: head)
            loop.counters.requestEnded()
        }
        loop.taskEnded()
    }

    private func body(of head: RequestHead) -> any HTTPRequestBody {
        head.bodyLength == 0 && !head.expectsContinue
            ? Self.emptyBody : ConnectionBody(length: head.bodyLength, connection: self, exchange: exchange)
    }

    private static let emptyBody = EmptyBody()

    private func requestContext() -> HTTPRequestContext {
        HTTPRequestContext(requestID: identifiers.next(), peer: peerAddress, isSecure: isSecure)
    }

    private var peerAddress: String {
        if let peer { return peer }
        let address = context?.remoteAddress.map(Self.describe) ?? "unknown"
        peer = address
        return address
    }

    /// `127.0.0.1:51234` or `[::1]:51234`.
    private static func describe(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "unknown"
        return host.contains(":") ? "[\(host)]:\(address.port ?? 0)" : "\(host):\(address.port ?? 0)"
    }
}

// MARK: - Requests

extension ConnectionHandler {
    private func nextRequest() async -> RequestHead? {
        ensureOnLoop()
        if let head = takeRequest() { return head }
        guard isOpen else { return nil }
        return await withUnsafeContinuation { waiter in requestWaiter = waiter }
    }

    /// The head of the next request when it stands ready; otherwise does what the machine wants instead.
    private func takeRequest() -> RequestHead? {
        switch machine.nextStep(now: loop.now) {
        case .wait:
            break
        case .dispatch(let head):
            exchange += 1
            loop.counters.requestStarted()
            return head
        case .refuse(let refusal):
            refuse(refusal)
        case .linger:
            beginLingering()
        case .close:
            closeWhenSent()
        }
        readIfWanted()
        return nil
    }

    /// Moves on after input: hands a piece to the service that waits for one, or a request to the task that waits for that.
    private func advance() {
        if let waiter = pieceWaiter, machine.endWaiting() {
            pieceWaiter = nil
            guard let piece = takePiece() else { preconditionFailure("a piece was there and is gone") }
            loop.executor.run { waiter.resume(returning: piece) }
        } else if let waiter = requestWaiter, let head = takeRequest() {
            requestWaiter = nil
            loop.executor.run { waiter.resume(returning: head) }
        }
        readIfWanted()
    }

    private func readIfWanted() {
        guard let context, machine.wantsRead else { return }
        sizing.wanted = machine.readSizeWanted
        context.read()
    }
}

// MARK: - Body

extension ConnectionHandler {
    /// The next piece of the body, nil when it has to be waited for. Called on the event loop.
    func readyPiece(of exchange: Int) -> PieceResult? {
        guard exchange == self.exchange, isServing else { return .failure(.truncated) }
        return takePiece()
    }

    /// Resumes the waiter with the next piece when it comes. Called on the event loop.
    func awaitPiece(of exchange: Int, _ waiter: UnsafeContinuation<PieceResult, Never>) {
        precondition(pieceWaiter == nil, "two readers of one request body")
        if let piece = readyPiece(of: exchange) {
            waiter.resume(returning: piece)
        } else {
            pieceWaiter = waiter
            readIfWanted()
        }
    }

    private var isServing: Bool { machine.phase == .serving || machine.phase == .closed }

    private func takePiece() -> PieceResult? {
        switch machine.takePiece(now: loop.now) {
        case .bytes(let buffer):
            // The next piece travels while the service works on this one.
            readIfWanted()
            return .success(Array(buffer.readableBytesView)[...])
        case .end(let sendContinue):
            if sendContinue { writeContinue() }
            return .success(nil)
        case .failed(let error):
            return .failure(error)
        case .wait(let sendContinue):
            if sendContinue { writeContinue() }
            return nil
        }
    }

    private func writeContinue() {
        write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
        context?.flush()
    }

    /// The reply came: a reader left over from this request gets nothing of the next.
    func dropPieceWaiter() {
        guard let waiter = pieceWaiter else { return }
        pieceWaiter = nil
        waiter.resume(returning: .failure(.truncated))
    }
}

// MARK: - Output

extension ConnectionHandler {
    func write(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>? = nil) {
        guard let context else { return failed(promise) }
        isSending = true
        loop.counters.sent(byteCount: buffer.readableBytes)
        context.write(wrapOutboundOut(.byteBuffer(buffer)), promise: promise)
    }

    func write(_ region: FileRegion, promise: EventLoopPromise<Void>) {
        guard let context else { return failed(promise) }
        isSending = true
        loop.counters.sent(byteCount: region.readableBytes)
        context.write(wrapOutboundOut(.fileRegion(region)), promise: promise)
    }

    private func failed(_ promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.ioOnClosedChannel)
    }

    /// Returns when the socket took enough that more may be queued. False when the connection is gone.
    func becomesWritable() async -> Bool {
        guard let context, isOpen else { return false }
        if !context.channel.isWritable {
            await withUnsafeContinuation { waiter in writableWaiter = waiter }
        }
        return isOpen
    }

    /// Closes after what was written so far is in the socket's hands.
    func closeWhenSent() {
        guard let context, !closesWhenSent else { return }
        closesWhenSent = true
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: promise)
    }

    /// Shuts output after what was written so far, then throws input away until the client closes or the time is over.
    func beginLingering() {
        guard let context else { return }
        machine.lingeringBegan(now: loop.now)
        context.flush()
        context.close(mode: .output, promise: nil)
        readIfWanted()
    }

    /// Cuts the connection so that the client cannot take what it has for the whole: what is queued is dropped and the socket reset.
    func abort() {
        guard let context else { return }
        (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        context.close(promise: nil)
    }

    private func refuse(_ refusal: Refusal) {
        write(ReplyHead.refusal(refusal, date: loop.date.value()))
        beginLingering()
    }

    private func refuseConnection() {
        loop.counters.connectionRefused()
        refuse(.tooManyConnections)
    }
}

// MARK: - Time and shutdown

extension ConnectionHandler {
    func ticked() {
        if isSending, !makesProgress() { return abort() }
        switch machine.ticked(now: loop.now) {
        case .none: break
        case .close: context?.close(promise: nil)
        case .refuse(let refusal): refuse(refusal)
        case .failBody: advance()
        }
    }

    /// Whether the client took anything within its time.
    private func makesProgress() -> Bool {
        guard let unsent = try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes), unsent > 0 else {
            isSending = false
            unsentBytes = 0
            ticksWithoutProgress = 0
            return true
        }
        ticksWithoutProgress = unsent == unsentBytes ? ticksWithoutProgress + 1 : 0
        unsentBytes = unsent
        return ticksWithoutProgress < loop.replyPatience
    }

    func shutdownBegan() {
        if machine.shutdownBegan() { closeWhenSent() }
    }
}
