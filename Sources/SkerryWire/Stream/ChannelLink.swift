internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import SkerrySession
internal import Synchronization

/// A link over a NIO channel: the shell around a ``PacketFraming``.
///
/// It is the one handler behind TCP, or behind TLS. Reads hand packets to the driver in place; the pull after a read, or after a wake-up, gathers
/// the driver's packets in one buffer and writes it once.
///
/// ```
///  idle -> open -> draining -> closing -> closed
///    |       |                    ^
///    |       '--------------------'    the peer said goodbye, or broke the rules
///    '-> closing or closed             not started yet
/// ```
// @unchecked Sendable: apart from constants and atomics all state is touched on `eventLoop` only; `start`, `close` and `cut` hop there.
final class ChannelLink<Framing: PacketFraming>: Link, ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Made, not started.
        case idle
        case open
        /// Closed by this side; the driver's rest is being pulled.
        case draining
        /// Goodbye was said, or the peer broke the rules: waits for the peer's goodbye or the end of the connection.
        case closing
        case closed
    }

    let traits: LinkTraits
    let peer: LinkPeer
    let executor: (any TaskExecutor)?

    private let eventLoop: any EventLoop
    private let limits: LinkLimits
    private let isAccepted: Bool
    /// Set by the first wake-up since the last pull, and for good when the link is over: its loop may be gone then.
    private let isWoken = Atomic(false)
    private let isOver = Atomic(false)

    private var context: ChannelHandlerContext?
    private var framing: Framing
    private var driver: (any LinkDriver)?
    private var phase = Phase.idle
    /// How the link ended, known before the channel is gone.
    private var outcome: Outcome?

    /// Between a read and its completion: the pull comes by itself.
    private var isReading = false
    /// The driver hears that a read was delivered.
    private var isCompleting = false
    /// Inside ``pull()``. Writing may call back, and a driver may close the link it is asked by.
    private var isPulling = false
    /// No packet is delivered any more.
    private var isMuted = false
    private var isBroken = false
    private var pendingGoodbye = Goodbye.done

    /// What came before the start.
    private var early = ByteBuffer()
    /// The driver's packet, on its way into `output`.
    private var packet: [UInt8] = []
    private var output = ByteBuffer()

    private var packetCount: UInt64 = 0
    private var firstPacketTimer: Scheduled<Void>?
    private var packetTimer: Scheduled<Void>?
    private var closeTimer: Scheduled<Void>?

    init(channel: any Channel, framing: Framing, traits: LinkTraits, peer: LinkPeer, limits: LinkLimits, isAccepted: Bool) {
        self.traits = traits
        self.peer = peer
        self.framing = framing
        self.limits = limits
        self.isAccepted = isAccepted
        eventLoop = channel.eventLoop
        executor = LoopExecutor(channel.eventLoop)
    }

    private struct Outcome {
        var error: LinkError?
    }
}

// MARK: - Sizes

/// Bytes gathered before they are written: large enough that a write costs little per byte, small enough to stay in the cache.
private let writeSize = 64 * 1024
/// Bytes pulled in one turn, after which other connections of the loop have theirs.
private let turnSize = 1024 * 1024
/// How long a pull waits for a driver that gathers: what one or two writes cost. Without a wait a write may carry a few calls only.
private let gatheringTime = TimeAmount.microseconds(10)
/// Bytes of a buffer worth keeping between turns.
private let keptSize = 128 * 1024

// MARK: - Link

extension ChannelLink {
    func start(_ driver: any LinkDriver) {
        onLoop { [self] in begin(driver) }
    }

    func wake() {
        guard !isWoken.exchange(true, ordering: .acquiringAndReleasing) else { return }
        guard eventLoop.inEventLoop else { return eventLoop.execute { [self] in gather() } }
        if !isReading { eventLoop.execute { [self] in pull() } }
    }

    func flush() {
        guard eventLoop.inEventLoop, isCompleting else { return }
        pull()
    }

    func giveWay() {
        // The loop may be ready to run on this processor, behind this thread, while that of the peer idles.
        if !eventLoop.inEventLoop { sched_yield() }
    }

    func close() {
        close(.done)
    }

    func cut() {
        guard !isOver.load(ordering: .acquiring) else { return }
        if eventLoop.inEventLoop { isMuted = true }
        onLoop { [self] in
            end(LinkError(.cut, "this side cut the link to \(peer)"))
            abort()
        }
    }

    /// As ``close()``, with another last word.
    func close(_ goodbye: Goodbye) {
        guard !isOver.load(ordering: .acquiring) else { return }
        if eventLoop.inEventLoop { isMuted = true }
        onLoop { [self] in beginClosing(goodbye) }
    }

    func close(_ goodbye: Goodbye, after patience: Duration) {
        guard patience > .zero else { return close(goodbye) }
        eventLoop.scheduleTask(in: TimeAmount(patience)) { [weak self] in self?.close(goodbye) }
    }

    /// Later, even on the loop: the driver is never called from inside a call it made.
    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        eventLoop.execute(body)
    }

    private func begin(_ driver: any LinkDriver) {
        guard phase == .idle || phase == .closed, self.driver == nil else {
            // Closed between its making and its start.
            if phase == .closing { self.driver = driver }
            return
        }
        self.driver = driver
        if phase == .idle { phase = .open }
        if early.readableBytes > 0 {
            let bytes = early
            early = ByteBuffer()
            read(bytes)
            readCompleted()
        }
        guard let context else { return finish() }
        if isAccepted { watchFirstPacket() }
        // Fails only on a channel that is closed, which says so itself.
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
        pull()
    }
}

// MARK: - Events of the channel

extension ChannelLink {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        gone()
    }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        read(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        readCompleted()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { pull() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(LinkError(error, peer: peer.description))
        abort()
    }

    /// The channel is closed.
    private func gone() {
        guard phase != .closed else { return }
        let isStarted = phase != .idle
        phase = .closed
        isOver.store(true, ordering: .releasing)
        isWoken.store(true, ordering: .releasing)
        isReading = false
        context = nil
        firstPacketTimer?.cancel()
        packetTimer?.cancel()
        closeTimer?.cancel()
        if isStarted { finish() }
    }

    /// Tells the driver, once.
    private func finish() {
        guard phase == .closed || isBroken, let driver else { return }
        self.driver = nil
        end(unsaidEnding)
        isMuted = true
        driver.linkClosed(outcome?.error)
    }

    /// What the end of the connection means when nothing was settled before.
    private var unsaidEnding: LinkError? {
        if let goodbye = framing.peerGoodbye { return goodbye.error }
        if framing.isAmidPacket { return LinkError(.truncated, "\(peer) closed amid a packet") }
        return LinkError(.reset, "\(peer) is gone without a goodbye")
    }

    /// Settles how the link ended; the first word counts.
    private func end(_ error: LinkError?) {
        if outcome == nil { outcome = Outcome(error: error) }
    }
}

// MARK: - Reading

extension ChannelLink {
    private func read(_ bytes: ByteBuffer) {
        guard !isBroken, phase != .idle else { return keep(bytes) }
        do throws(LinkError) {
            isReading = true
            try bytes.withRawBytes { bytes throws(LinkError) in
                try framing.read(bytes) { packet in
                    packetCount &+= 1
                    if !isMuted { driver?.received(packet) }
                }
            }
        } catch {
            fail(error)
        }
    }

    private func readCompleted() {
        if phase == .open, !isMuted {
            isCompleting = true
            driver?.readCompleted()
            isCompleting = false
        }
        isReading = false
        if let goodbye = framing.peerGoodbye { return peerEnded(goodbye) }
        pull()
        if packetCount > 0, let timer = firstPacketTimer {
            firstPacketTimer = nil
            timer.cancel()
        }
        if framing.isAmidPacket, packetTimer == nil { watchPacket() }
    }

    /// Before the start at most one read comes, except that a peer that leaves makes the channel empty its socket unasked.
    private func keep(_ bytes: ByteBuffer) {
        guard phase == .idle else { return }
        guard early.readableBytes + bytes.readableBytes <= limits.packetMaximum + keptSize else {
            end(LinkError(.packetTooLarge, "\(peer) sent too much before the link was started"))
            return abort()
        }
        early.writeImmutableBuffer(bytes)
    }
}

// MARK: - Pulling

extension ChannelLink {
    /// Pulls when the driver has gathered what other threads are about to give it.
    ///
    /// They may need this very processor for that, so the loop yields between two questions.
    private func gather() {
        if phase == .open, let driver, driver.isGathering {
            let end = NIODeadline.now() + gatheringTime
            repeat { sched_yield() } while driver.isGathering && NIODeadline.now() < end
            driver.endGathering()
        }
        pull()
    }

    /// Asks the driver for packets while the channel takes them.
    private func pull() {
        guard !isPulling, phase == .open || phase == .draining, let context else { return }
        isPulling = true
        // An exchange and not a store, so that what was done before the wake-up is seen from here on.
        _ = isWoken.exchange(false, ordering: .acquiringAndReleasing)
        // To a peer that takes nothing nothing is answered, or its pings would fill the memory.
        if context.channel.isWritable { framing.writeReplies(into: &output) }
        var pulled = 0
        var hasMore = true
        while hasMore, pulled < turnSize, context.channel.isWritable, phase == .open || phase == .draining {
            hasMore = fillOutput()
            pulled += output.readableBytes
            flush(context)
        }
        flush(context)
        isPulling = false
        trim()
        if !hasMore {
            if phase == .draining { sayGoodbye() }
        } else if context.channel.isWritable, phase != .closed {
            eventLoop.execute { [self] in pull() }
        }
    }

    /// Fills `output` from the driver. False when the driver has nothing more.
    private func fillOutput() -> Bool {
        while output.readableBytes < writeSize {
            packet.removeAll(keepingCapacity: true)
            guard let driver, driver.nextPacket(into: &packet, maximum: traits.packetMaximum) else { return false }
            guard packet.count <= traits.packetMaximum else {
                fail(
                    LinkError(
                        .packetTooLarge, "the driver gave a packet of \(packet.count) bytes; the link carries \(traits.packetMaximum)"))
                return false
            }
            framing.write(packet, into: &output)
        }
        return true
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard output.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        // The channel has let go of the storage when the socket took all of it, which is the rule; then this allocates nothing.
        output.clear()
    }

    /// Buffers that a large packet made large go.
    private func trim() {
        if output.capacity > keptSize { output = ByteBuffer() }
        if packet.capacity > keptSize { packet = [] }
    }
}

// MARK: - Ending

extension ChannelLink {
    private func beginClosing(_ goodbye: Goodbye) {
        switch phase {
        case .open:
            phase = .draining
            isMuted = true
            pendingGoodbye = goodbye
            startCloseTimer()
            pull()
        case .idle:
            // Nothing was said on either side.
            end(nil)
            phase = .closing
            context?.close(promise: nil)
        case .draining, .closing, .closed:
            return
        }
    }

    /// Everything was pulled and written.
    private func sayGoodbye() {
        end(nil)
        phase = .closing
        writeGoodbye(pendingGoodbye)
        if framing.ending == .symmetric { context?.close(mode: .output, promise: nil) }
    }

    /// The peer's last word was read.
    private func peerEnded(_ goodbye: PeerGoodbye) {
        switch phase {
        case .open, .draining:
            end(goodbye.error)
            phase = .closing
            startCloseTimer()
            writeGoodbye(.done)
            closeOnceSaid()
        case .closing:
            closeOnceSaid()
        case .idle, .closed:
            return
        }
    }

    /// The peer broke the rules, or was too slow. Where it is told why, what it still sends is thrown away for a moment: closing at once would reset the
    /// connection, and the reset could destroy the reason on its way.
    private func fail(_ error: LinkError) {
        isBroken = true
        isMuted = true
        guard phase != .closing, phase != .closed else { return }
        end(error)
        phase = .closing
        // The session need not wait for a connection that is no use to it any more.
        finish()
        guard framing.explainsFailure else { return abort() }
        startCloseTimer()
        writeGoodbye(.failed(error.code))
        context?.close(mode: .output, promise: nil)
    }

    private func writeGoodbye(_ goodbye: Goodbye) {
        guard let context else { return }
        framing.writeGoodbye(goodbye, into: &output)
        flush(context)
    }

    /// Both sides have said goodbye.
    private func closeOnceSaid() {
        switch framing.ending {
        case .symmetric: context?.close(promise: nil)
        case .selfCloses: closeWhenSent()
        case .peerCloses: break
        }
    }

    private func closeWhenSent() {
        guard let context else { return }
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: promise)
    }

    /// Drops what is queued and resets the connection, past TLS, which would shake hands once more.
    private func abort() {
        guard let context else { return }
        (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        (TLSProfile.context(in: context.pipeline) ?? context).close(promise: nil)
    }
}

// MARK: - Time

extension ChannelLink {
    private func startCloseTimer() {
        guard closeTimer == nil else { return }
        closeTimer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.close)) { [self] in
            // A goodbye that was said is a polite end, whatever the peer makes of it; what could not be sent is not.
            end(LinkError(.timedOut, "\(peer) did not take the rest within \(limits.close)"))
            abort()
        }
    }

    private func watchFirstPacket() {
        guard packetCount == 0, phase == .open else { return }
        firstPacketTimer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.handshake)) { [self] in
            firstPacketTimer = nil
            fail(LinkError(.timedOut, "\(peer) sent no packet within \(limits.handshake)"))
        }
    }

    /// One timer for any number of split packets: it looks whether the one it was set for is still the same.
    private func watchPacket() {
        guard phase == .open else { return }
        let count = packetCount
        packetTimer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.packet)) { [self] in
            packetTimer = nil
            guard framing.isAmidPacket else { return }
            if packetCount == count {
                fail(LinkError(.timedOut, "\(peer) did not end a packet within \(limits.packet)"))
            } else {
                watchPacket()
            }
        }
    }
}
