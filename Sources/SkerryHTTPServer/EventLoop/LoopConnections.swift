internal import NIOCore
internal import SkerryHTTP

/// Everything one event loop shares among its connections: executor, clock, date, figures, and the list of them for time and shutdown.
///
/// One clock ticks for all connections of the loop, and each holds its deadline as a number of ticks. Nothing is scheduled or cancelled per
/// request, at the price of deadlines that may come up to a tick late.
// @unchecked Sendable: apart from the constants and `counters`, which are Sendable, all state is touched on `eventLoop` only.
final class LoopConnections: @unchecked Sendable {
    let eventLoop: any EventLoop
    let executor: EventLoopExecutor
    let counters = LoopCounters()
    let patience: ConnectionMachine.Patience
    /// Ticks without progress after which a reply is given up.
    let replyPatience: ConnectionMachine.Tick

    private(set) var now: ConnectionMachine.Tick = 0
    private(set) var isShuttingDown = false
    var date = DateField()
    /// Where replies are put together, see ``takeScratch()``.
    private var scratch = ByteBuffer()

    private let tickLength: Duration
    private var clock: RepeatedTask?
    private var connections: [ObjectIdentifier: ConnectionHandler] = [:]
    /// Connection tasks that have not ended; a task may outlive its connection.
    private var taskCount = 0
    /// Connections that left HTTP, until they close.
    private var upgraded: [ObjectIdentifier: (channel: any Channel, upgrade: any ChannelUpgrade)] = [:]
    private var emptied: EventLoopPromise<Void>?

    init(eventLoop: any EventLoop, configuration: HTTPServerConfiguration) {
        self.eventLoop = eventLoop
        executor = EventLoopExecutor(eventLoop)
        tickLength = Self.tickLength(for: configuration.timeouts)
        patience = .init(configuration, tickLength: tickLength)
        replyPatience = configuration.timeouts.reply.ticks(of: tickLength)
    }

    /// Bytes of the largest buffer worth keeping for the next reply.
    private static let scratchSizeMaximum = 64 * 1024

    /// An empty buffer for a head and a small body. Comes back by ``giveBackScratch(_:)`` once it was handed to the channel:
    /// when the socket has taken its bytes by the next reply, which is the rule, that reply allocates nothing.
    func takeScratch() -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &scratch)
        buffer.clear(minimumCapacity: 1024)
        return buffer
    }

    func giveBackScratch(_ buffer: ByteBuffer) {
        if buffer.capacity <= Self.scratchSizeMaximum { scratch = buffer }
    }

    /// Deadlines need no more precision than a quarter of the shortest timeout; a clock slower than a second would serve nobody.
    private static func tickLength(for timeouts: HTTPServerConfiguration.Timeouts) -> Duration {
        min(max(timeouts.shortest / 4, .milliseconds(5)), .seconds(1))
    }
}

// MARK: - Connections

extension LoopConnections {
    func add(_ connection: ConnectionHandler) {
        connections[ObjectIdentifier(connection)] = connection
        taskCount += 1
        counters.connectionOpened()
        if clock == nil { startClock() }
    }

    func remove(_ connection: ConnectionHandler) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        counters.connectionClosed()
    }

    /// The task of a connection ended, which is the last that happens of it.
    func taskEnded() {
        taskCount -= 1
        guard taskCount == 0 else { return }
        clock?.cancel()
        clock = nil
        if isEmpty { becameEmpty() }
    }

    /// The connection goes on in another protocol, without the clock of this loop.
    func handOver(_ connection: ConnectionHandler, _ channel: any Channel, to upgrade: any ChannelUpgrade) {
        connections.removeValue(forKey: ObjectIdentifier(connection))
        upgraded[ObjectIdentifier(channel)] = (channel, upgrade)
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in
            upgraded.removeValue(forKey: ObjectIdentifier(channel))
            counters.connectionClosed()
            if isEmpty { becameEmpty() }
        }
    }

    private var isEmpty: Bool { taskCount == 0 && upgraded.isEmpty }

    private func becameEmpty() {
        emptied?.succeed()
        emptied = nil
    }

    private func startClock() {
        let interval = TimeAmount(tickLength)
        clock = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [self] _ in
            tick()
        }
    }

    private func tick() {
        now += 1
        executor.run {
            for connection in Array(connections.values) { connection.ticked() }
        }
    }
}

// MARK: - Shutdown

extension LoopConnections {
    /// Closes what has nothing under way; the future succeeds when the last connection's task has ended.
    func beginShutdown() -> EventLoopFuture<Void> {
        isShuttingDown = true
        guard !isEmpty else { return eventLoop.makeSucceededVoidFuture() }
        let promise = emptied ?? eventLoop.makePromise()
        emptied = promise
        executor.run {
            for connection in Array(connections.values) { connection.shutdownBegan() }
            for (_, upgrade) in Array(upgraded.values) { upgrade.shutdownBegan() }
        }
        return promise.futureResult
    }

    /// Cuts every connection; their tasks are cancelled.
    func cutAll() {
        executor.run {
            for connection in Array(connections.values) { connection.abort() }
            for (channel, _) in Array(upgraded.values) { channel.close(promise: nil) }
        }
    }
}

extension ConnectionMachine.Patience {
    init(_ configuration: HTTPServerConfiguration, tickLength: Duration) {
        let timeouts = configuration.timeouts
        self.init(
            idle: timeouts.idle.ticks(of: tickLength),
            head: timeouts.head.ticks(of: tickLength),
            body: timeouts.body.ticks(of: tickLength),
            bodyRateGrace: timeouts.bodyRateGrace.ticks(of: tickLength),
            linger: timeouts.linger.ticks(of: tickLength),
            bodyBytesPerTick: Double(configuration.limits.bodyRate ?? 0) * (tickLength / .seconds(1)),
            drainedBody: configuration.limits.drainedBody)
    }
}

extension Duration {
    /// Rounded up, and one more because the first tick may come at once.
    fileprivate func ticks(of length: Duration) -> Int {
        Int((self / length).rounded(.up)) + 1
    }
}
