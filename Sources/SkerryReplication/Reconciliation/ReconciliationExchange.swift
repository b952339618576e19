public import SkerryCRDT
public import SkerryGossip
internal import SkerrySession
public import SkerryStorage
public import SkerryWire
internal import Synchronization

/// Makes two replicas equal over a link: finds the difference of their indexes, and moves the entries.
///
/// ```swift
/// let exchange = ReconciliationExchange(store, initiator: nonce, secret: secret, executor: pool)
/// let report = try await exchange.run(on: try await connector.connect(), with: .holders(of: [key]))
/// ```
///
/// For owners of a store with an index (``SummaryIndex``): when a feed cannot close the gap, when a peer comes back under another epoch, and every now and then as a
/// proof of equality, which costs some hundred bytes. When to run it is the owner's to say. A ``Replica`` keeps no index, and repairs by histories. Any link does: over one that loses packets it repeats them itself. One exchange a link; the initiator closes it at the end.
///
/// Whatever goes wrong, what was taken is kept, so the next exchange is that much shorter.
///
/// - Memory: ``TransferLimits/window`` of entries, and the bounds of ``ReconciliationCore``.
public final class ReconciliationExchange<Store: ReconciliationStore>: Sendable {
    private let driver: TransferDriver<Store>

    /// The side that begins.
    ///
    /// - Parameters:
    ///   - nonce: random, new for every session.
    ///   - secret: what the two replicas share (``FingerprintKey``).
    ///   - horizon: the stamp before which this side has forgotten deleted entries; zero for an index that holds none.
    ///   - executor: where the store is called, which blocks.
    ///   - patience: how long nothing may come and nothing be done before the link is cut.
    public init(
        _ store: Store, initiator nonce: ReconciliationNonce, secret: [UInt8], horizon: HybridTimestamp = .zero,
        executor: any BlockingExecutor, patience: Duration = .seconds(60)
    ) {
        driver = TransferDriver(
            store, ReconciliationCore(initiator: nonce, secret: secret, horizon: horizon), executor: executor, patience: patience)
    }

    /// The side that answers.
    public init(
        _ store: Store, responder secret: [UInt8], horizon: HybridTimestamp = .zero, executor: any BlockingExecutor,
        patience: Duration = .seconds(60)
    ) {
        driver = TransferDriver(store, ReconciliationCore(responder: secret, horizon: horizon), executor: executor, patience: patience)
    }

    /// Runs to the end: both sides have what the other had when it began. Called once. Cancelling cuts the link.
    ///
    /// - Parameter peer: who may be at the other end. The link of anybody else is cut before anything is said or heard on it.
    /// - Throws: ``ReconciliationError``.
    public func run(on link: any Link, with peer: ReconciliationPeer) async throws(ReconciliationError) -> ReconciliationReport {
        guard peer.allows(link.peer) else {
            link.cut()
            throw .unauthorised(link.peer)
        }
        let result = await withTaskCancellationHandler {
            await driver.run(on: link)
        } onCancel: {
            driver.cut()
        }
        return try result.get()
    }

    /// Ends the link at once, as when a process dies.
    public func cut() { driver.cut() }

    /// Bytes of packets sent and received.
    public var traffic: (sent: UInt64, received: UInt64) { driver.traffic }
}

/// What a link drives: packets in and out on its loop, the transfer and the store on the executor.
private final class TransferDriver<Store: ReconciliationStore>: LinkDriver {
    /// Bytes of the stream that wait to be sent, above which no more are made.
    private static var outboxMaximum: Int { 256 << 10 }
    /// Bytes that wait to be taken: more than a window of entries and all frames that the core allows.
    private static var inboxMaximum: Int { 16 << 20 }

    private let store: Store
    private let executor: any BlockingExecutor
    private let patience: Duration
    private let core: ReconciliationCore
    /// Locked by the one job that runs, for as long as it takes; nobody else waits for it. Nil before the statement was made.
    private let transfer = Mutex<ReconciliationTransfer?>(nil)
    private let state = Mutex(State())
    private let clock = ContinuousClock()
    private let began = ContinuousClock.now

    private struct State {
        var link: (any Link)?
        /// Set where the link loses packets.
        var packets: LossyPackets?
        var framing = TransferFraming()
        var inbox: [[UInt8]] = []
        var inboxBytes = 0
        var outbox: [[UInt8]] = []
        var outboxBytes = 0
        var sentOfFirst = 0
        var isWorking = false
        var wantsWork = false
        var brokenRule: ReconciliationViolation.Rule?
        /// How the link ended.
        var linkEnd: String?
        var events: UInt64 = 0
        var report: ReconciliationReport?
        var isInitiator = false
        var isClosing = false
        /// Cut, perhaps before there was a link.
        var isCut = false
        var result: Result<ReconciliationReport, ReconciliationError>?
        var waiter: CheckedContinuation<Result<ReconciliationReport, ReconciliationError>, Never>?
        var timer: Task<Void, Never>?
        var traffic: (sent: UInt64, received: UInt64) = (0, 0)
    }

    init(_ store: Store, _ core: ReconciliationCore, executor: any BlockingExecutor, patience: Duration) {
        (self.store, self.core, self.executor, self.patience) = (store, core, executor, patience)
        state.withLock { $0.isInitiator = core.isInitiator }
    }

    var traffic: (sent: UInt64, received: UInt64) { state.withLock { $0.traffic } }

    private var now: UInt64 {
        let elapsed = ContinuousClock.now - began
        return UInt64(elapsed.components.seconds) * 1_000 + UInt64(elapsed.components.attoseconds / 1_000_000_000_000_000)
    }

    func run(on link: any Link) async -> Result<ReconciliationReport, ReconciliationError> {
        await withCheckedContinuation { continuation in
            let isLossy = link.traits.delivery == .lossy
            state.withLock { state in
                state.link = link
                state.waiter = continuation
                if isLossy { state.packets = LossyPackets() }
            }
            watch(isLossy: isLossy)
            link.start(self)
            work()
            if state.withLock({ $0.isCut }) { link.cut() }
        }
    }

    func cut() {
        let link = state.withLock { state in
            state.isCut = true
            return state.link
        }
        link?.cut()
    }

    /// Looks now and then whether anything has happened, and over a lossy link whether something must go again.
    private func watch(isLossy: Bool) {
        let (pause, patience) = (isLossy ? Duration.milliseconds(50) : patience, patience)
        let timer = Task { [weak self] in
            var (seen, quiet): (UInt64, Duration) = (0, .zero)
            while (try? await Task.sleep(for: pause)) != nil {
                guard let self else { return }
                let (events, isOver, report) = state.withLock { ($0.events, $0.result != nil, $0.report) }
                if isOver { return }
                quiet = events == seen ? quiet + pause : .zero
                seen = events
                if quiet >= patience {
                    // A goodbye may be lost where packets are.
                    let silence = ReconciliationError.disconnected("nothing came from the peer for \(patience)")
                    return end(report.map { .success($0) } ?? .failure(silence), isCut: true)
                }
                if isLossy { state.withLock { $0.link }?.wake() }
            }
        }
        let isOver = state.withLock { state in
            state.timer = timer
            return state.result != nil
        }
        if isOver { timer.cancel() }
    }

    // MARK: Called by the link, on its loop

    func received(_ packet: UnsafeRawBufferPointer) {
        let now = now
        state.withLock { state in
            state.events += 1
            state.traffic.received += UInt64(packet.count)
            if state.packets != nil {
                var pieces: [[UInt8]] = []
                state.packets?.receive(packet, now: now) { pieces.append($0) }
                for piece in pieces { piece.withUnsafeBytes { take($0, &state) } }
            } else {
                take(packet, &state)
            }
        }
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ state: inout State) {
        guard let messages = state.framing.read(bytes) else { return state.brokenRule = state.brokenRule ?? .malformedFrame }
        state.inbox += messages
        state.inboxBytes += messages.reduce(0) { $0 + $1.count }
        if state.inboxBytes > Self.inboxMaximum { state.brokenRule = state.brokenRule ?? .windowOverrun }
    }

    func readCompleted() { work() }

    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        let now = now
        let (isThere, hasRoom) = state.withLock { state in
            if state.packets != nil {
                fill(&state, maximum - LossyPackets.overhead, now)
                _ = state.packets?.nextPacket(into: &packet, now: now)
            } else {
                packet += piece(&state, min(maximum, SessionLimits.packetPreferred))
            }
            state.traffic.sent += UInt64(packet.count)
            return (!packet.isEmpty, state.outboxBytes < Self.outboxMaximum / 2)
        }
        if hasRoom { work() }
        return isThere
    }

    private func fill(_ state: inout State, _ maximum: Int, _ now: UInt64) {
        while state.packets?.hasRoom == true, state.outboxBytes > 0 {
            let bytes = piece(&state, maximum)
            state.packets?.send(bytes, now: now)
        }
    }

    /// The next bytes of the stream.
    private func piece(_ state: inout State, _ maximum: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < maximum, let first = state.outbox.first {
            let count = min(maximum - bytes.count, first.count - state.sentOfFirst)
            bytes += first[state.sentOfFirst..<state.sentOfFirst + count]
            state.sentOfFirst += count
            state.outboxBytes -= count
            guard state.sentOfFirst == first.count else { break }
            state.outbox.removeFirst()
            state.sentOfFirst = 0
        }
        return bytes
    }

    func linkClosed(_ error: LinkError?) {
        state.withLock { state in
            state.linkEnd = error.map { "\($0)" } ?? "the peer closed the link"
            // What came before the end counts.
            state.wantsWork = true
        }
        work()
    }

    // MARK: Work, on the executor

    /// Starts the one worker, or lets it look again.
    private func work() {
        let isIdle = state.withLock { state in
            state.wantsWork = true
            guard !state.isWorking, state.result == nil else { return false }
            state.isWorking = true
            return true
        }
        guard isIdle else { return }
        Task { [self] in
            do throws(StorageError) { try await executor.run { [self] in drain() } } catch {
                // The pool is full or shut down: nobody will ever do the work.
                end(.failure(.storage(error)), isCut: true)
            }
        }
    }

    private func drain() {
        while hasWork() {
            do throws(ReconciliationError) {
                try turn()
                endWithLink()
            } catch {
                end(.failure(error), isCut: true)
            }
        }
    }

    private func hasWork() -> Bool {
        state.withLock { state in
            guard state.wantsWork, state.result == nil else {
                state.isWorking = false
                return false
            }
            state.wantsWork = false
            return true
        }
    }

    private func turn() throws(ReconciliationError) {
        try transfer.withLock { transfer throws(ReconciliationError) in
            var current =
                if let transfer { transfer } else {
                    ReconciliationTransfer(core, statement: try storing { () throws(StorageError) in try store.statement() })
                }
            transfer = nil
            var events: [ReconciliationTransfer.Event] = []
            while let message = try nextMessage() {
                try receive(message, &current, &events)
                try perform(&events, &current)
            }
            try speak(&current, &events)
            transfer = current
        }
        closeIfDone()
    }

    /// Whoever is finished does not mind how the link ends: the other side may go first.
    private func endWithLink() {
        let (reason, report) = state.withLock { state in (state.inbox.isEmpty && !state.wantsWork ? state.linkEnd : nil, state.report) }
        guard let reason else { return }
        end(report.map { .success($0) } ?? .failure(.disconnected(reason)))
    }

    private func nextMessage() throws(ReconciliationError) -> [UInt8]? {
        let (message, rule) = state.withLock { state -> ([UInt8]?, ReconciliationViolation.Rule?) in
            guard state.brokenRule == nil, let first = state.inbox.first else { return (nil, state.brokenRule) }
            state.inbox.removeFirst()
            state.inboxBytes -= first.count
            return (first, nil)
        }
        if let rule { throw .violation(ReconciliationViolation(rule)) }
        return message
    }

    private func receive(
        _ message: [UInt8], _ transfer: inout ReconciliationTransfer, _ events: inout [ReconciliationTransfer.Event]
    ) throws(ReconciliationError) {
        let result = message.withUnsafeBytes { bytes in
            Result { () throws(ReconciliationViolation) in try transfer.receive(bytes, events: &events) }
        }
        if case .failure(let violation) = result { throw .violation(violation) }
    }

    private func perform(_ events: inout [ReconciliationTransfer.Event], _ transfer: inout ReconciliationTransfer)
        throws(ReconciliationError)
    {
        for event in events {
            switch event {
            case .take(let entries):
                try storing { () throws(StorageError) in try store.take(entries) }
                transfer.persisted()
            case .finished(let report): state.withLock { $0.report = report }
            }
        }
        events.removeAll(keepingCapacity: true)
    }

    /// Writes what there is to say, as long as the link takes it.
    private func speak(
        _ transfer: inout ReconciliationTransfer, _ events: inout [ReconciliationTransfer.Event]
    ) throws(ReconciliationError) {
        var message: [UInt8] = []
        while state.withLock({ $0.outboxBytes < Self.outboxMaximum }) {
            let isThere: Bool
            do throws(StorageError) { isThere = try transfer.nextMessage(into: &message, from: store, events: &events) } catch {
                throw .storage(error)
            }
            // What was said last is on its way before anybody hears that all is done.
            if isThere {
                let frame = TransferFraming.frame(message)
                state.withLock { state in
                    state.outbox.append(frame)
                    state.outboxBytes += frame.count
                }
            }
            try perform(&events, &transfer)
            guard isThere else { break }
            state.withLock { $0.link }?.wake()
        }
    }

    private func storing<Value>(_ body: () throws(StorageError) -> Value) throws(ReconciliationError) -> Value {
        do throws(StorageError) { return try body() } catch { throw .storage(error) }
    }

    /// The initiator closes when both are done; the other side waits for that, so that nothing it said is lost.
    private func closeIfDone() {
        let link = state.withLock { state -> (any Link)? in
            guard state.report != nil, state.isInitiator, !state.isClosing else { return nil }
            // Over a lossy link all must have arrived first.
            if let packets = state.packets, !packets.isSettled || state.outboxBytes > 0 { return nil }
            state.isClosing = true
            return state.link
        }
        link?.close()
    }

    private func end(_ result: Result<ReconciliationReport, ReconciliationError>, isCut: Bool = false) {
        let (waiter, link) = state.withLock { state in
            if state.result == nil { state.result = result }
            state.timer?.cancel()
            defer { state.waiter = nil }
            return (state.waiter, state.link)
        }
        if isCut { link?.cut() }
        waiter?.resume(returning: result)
    }
}
