public import SkerryMerge
public import SkerryStorage
public import SkerryWire
internal import Synchronization

/// A history in conversation with another one over a link: push, pull, fetch and clone.
///
/// ```swift
/// let exchange = HistoryExchange(history, peer: "origin", executor: pool)
/// exchange.start(on: try await connector.connect())
/// let outcome = try await exchange.pull("main")
/// history = await exchange.close()
/// ```
///
/// The history belongs to the exchange until ``close()`` gives it back. The peer may fetch and push at the same time; both sides are the same.
/// Whatever goes wrong, the history is valid: names move when everything they lead to is stored. What came of a fetch that breaks off is kept,
/// and the next one goes on from there.
///
/// - Memory: at most 8 MiB of objects under way in each direction, or one object where that is larger, beside the shape of the history.
public final class HistoryExchange<Store: HistoryStore>: Sendable {
    private let driver: ExchangeDriver<Store>

    /// - Parameters:
    ///   - peer: what it is called in remote names, the same each time.
    ///   - pushRule: which of our branches the peer may move.
    ///   - executor: where the store is called, which blocks.
    ///   - patience: how long nothing may come and nothing be done before the link is cut; nil: for ever. Links say by themselves only that a peer is gone
    ///     to which something is being sent.
    ///   - progress: hears, on the executor, how much has crossed the link.
    ///   - accepted: hears, on the executor, of each push of the peer that moved a branch.
    public init(
        _ history: History<Store>, peer: String, pushRule: ExchangeSession.PushRule = .all, executor: any BlockingExecutor,
        patience: Duration? = .seconds(120), progress: @escaping @Sendable (HistoryEndpoint<Store>.Traffic) -> Void = { _ in },
        accepted: @escaping @Sendable (NameChange) -> Void = { _ in }
    ) {
        driver = ExchangeDriver(
            HistoryEndpoint(history, peer: peer, pushRule: pushRule), executor: executor, patience: patience, progress: progress,
            accepted: accepted)
    }

    /// Greets. Called once.
    public func start(on link: any Link) { driver.start(on: link) }

    /// Gets everything the peer's branches and tags lead to; of a depth, that many commits of each.
    ///
    /// - Returns: the peer's names, which are here as remote names now.
    /// - Throws: ``HistoryError`` with `disconnected` when the link ends first, `busy` while another wish is under way, and what the store throws.
    @discardableResult
    public func fetch(depth: Int? = nil) async throws(HistoryError) -> [HistoryName: ObjectID] {
        try await fetched { endpoint throws(HistoryError) in try endpoint.fetch(depth: depth) }
    }

    /// Gets what lies behind the boundary of a shallow clone: of each of the peer's heads so many commits in all, or all there are.
    @discardableResult
    public func deepen(to depth: Int? = nil) async throws(HistoryError) -> [HistoryName: ObjectID] {
        try await fetched { endpoint throws(HistoryError) in try endpoint.deepen(to: depth) }
    }

    /// Makes this empty history a copy of the peer's, or of its last `depth` commits.
    ///
    /// - Throws: ``HistoryError`` with `notEmpty`.
    @discardableResult
    public func clone(depth: Int? = nil) async throws(HistoryError) -> [HistoryName: ObjectID] {
        try await fetched { endpoint throws(HistoryError) in try endpoint.clone(depth: depth) }
    }

    private func fetched(_ wish: @escaping ExchangeDriver<Store>.Wish) async throws(HistoryError) -> [HistoryName: ObjectID] {
        guard case .fetched(let names) = try await driver.perform(wish, answer: { if case .fetched = $0 { true } else { false } }) else {
            return [:]
        }
        return names
    }

    /// Fetches, then merges the peer's branch of this name into ours.
    ///
    /// - Throws: ``HistoryError`` with `notFound` when the peer has no such branch.
    public func pull(_ branch: String, policy: MergePolicy = .refusing) async throws(HistoryError) -> MergeOutcome {
        let outcome = try await driver.perform({ endpoint throws(HistoryError) in try endpoint.pull(branch, policy: policy) }) {
            if case .pulled = $0 { true } else { false }
        }
        guard case .pulled(_, let merged) = outcome else { return .upToDate }
        return merged
    }

    /// Moves the peer's branch to where ours stands.
    ///
    /// - Throws: ``HistoryError`` with `notFastForward` when the peer has commits that are not here: pull first; `refused` when it does not allow it;
    ///   `notFound` when there is no such branch here.
    public func push(_ branch: String) async throws(HistoryError) {
        let outcome = try await driver.perform({ endpoint throws(HistoryError) in try endpoint.push(branch) }) {
            if case .pushed = $0 { true } else { false }
        }
        if case .pushed(_, let refusal?) = outcome { throw HistoryError(refusal, "the push of \(branch) was not accepted") }
    }

    /// Waits until the link ends.
    ///
    /// - Throws: ``HistoryError`` when it did not end by ``close()`` of either side.
    public func ended() async throws(HistoryError) { try await driver.ended() }

    /// Ends the link politely, if it has not ended, and gives the history back.
    public func close() async -> History<Store> {
        driver.close()
        try? await driver.ended()
        return driver.history
    }

    /// Ends the link at once, as when a process dies.
    public func cut() { driver.cut() }
}

/// What a link drives: packets in and out on its loop, everything else on the executor, one thing after the other.
final class ExchangeDriver<Store: HistoryStore>: LinkDriver {
    typealias Wish = @Sendable (inout HistoryEndpoint<Store>) throws(HistoryError) -> [ExchangeMessage]
    typealias Outcome = HistoryEndpoint<Store>.Outcome
    typealias Follow = @Sendable (Outcome, inout HistoryEndpoint<Store>) throws(HistoryError) -> [ExchangeMessage]

    /// Bytes of messages that wait to be handled, 64 MiB, unless there is only one: a peer that keeps to its credit stays far below.
    private static var inboxMaximum: Int { 64 << 20 }

    private let executor: any BlockingExecutor
    private let patience: Duration?
    private let progress: @Sendable (HistoryEndpoint<Store>.Traffic) -> Void
    private let accepted: @Sendable (NameChange) -> Void
    /// What is to be done at once when something came of a message or a wish, on the executor.
    private let follow: Follow?
    /// Locked by the one job that runs, for as long as it takes; nobody else waits for it but ``history``, at the end.
    private let endpoint: Mutex<HistoryEndpoint<Store>>
    private let state = Mutex(State())

    private enum Job {
        case start
        case message([UInt8])
        case wish(Wish)
        case work(Wish, refused: @Sendable (HistoryError) -> Void)
        case linkEnded(LinkError?)
        case broken(HistoryError)
    }

    private struct Waiter {
        let isAnswer: @Sendable (Outcome) -> Bool
        let continuation: CheckedContinuation<Result<Outcome, HistoryError>, Never>
    }

    private struct State {
        var link: (any Link)?
        var framing = MessageFraming()
        var jobs: [Job] = []
        var jobBytes = 0
        var isWorking = false
        /// Frames to be sent, and how much of the first is gone.
        var outbox: [[UInt8]] = []
        var sentOfFirst = 0
        var wish: Waiter?
        var failure: HistoryError?
        var isOver = false
        /// Packets that came and jobs that were done.
        var events: UInt64 = 0
        var watch: Task<Void, Never>?
        var endWaiters: [CheckedContinuation<Void, Never>] = []
    }

    init(
        _ endpoint: HistoryEndpoint<Store>, executor: any BlockingExecutor, patience: Duration?,
        progress: @escaping @Sendable (HistoryEndpoint<Store>.Traffic) -> Void, accepted: @escaping @Sendable (NameChange) -> Void,
        follow: Follow? = nil
    ) {
        self.follow = follow
        self.endpoint = Mutex(endpoint)
        self.executor = executor
        self.patience = patience
        self.progress = progress
        self.accepted = accepted
    }

    var history: History<Store> { endpoint.withLock { $0.history } }

    func start(on link: any Link) {
        state.withLock { $0.link = link }
        add(.start)
        link.start(self)
        watch()
    }

    /// Cuts the link when nothing has happened for too long.
    private func watch() {
        guard let patience else { return }
        let watch = Task { [self] in
            var seen: UInt64 = 0
            while (try? await Task.sleep(for: patience)) != nil {
                let (events, isOver) = state.withLock { ($0.events, $0.isOver) }
                if isOver { return }
                if events == seen { return add(.broken(HistoryError(.disconnected, "nothing came from the peer for \(patience)"))) }
                seen = events
            }
        }
        let isOver = state.withLock { state in
            state.watch = watch
            return state.isOver
        }
        if isOver { watch.cancel() }
    }

    /// Does something with the endpoint, behind what came before, whether there is a link or not.
    ///
    /// - Parameter refused: called instead when the executor does not take it.
    func perform(_ work: @escaping Wish, refused: @escaping @Sendable (HistoryError) -> Void = { _ in }) {
        add(.work(work, refused: refused))
    }

    func close() { state.withLock { $0.link }?.close() }

    func cut() { state.withLock { $0.link }?.cut() }

    func ended() async throws(HistoryError) {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver, state.link != nil { state.endWaiters.append(continuation) }
                return state.isOver || state.link == nil
            }
            if isOver { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    func perform(_ wish: @escaping Wish, answer: @escaping @Sendable (Outcome) -> Bool) async throws(HistoryError) -> Outcome {
        let result: Result<Outcome, HistoryError> = await withCheckedContinuation { continuation in
            let refusal = state.withLock { state -> HistoryError? in
                if state.isOver { return state.failure ?? HistoryError(.disconnected, "the link has ended") }
                if state.wish != nil { return HistoryError(.busy, "another wish is under way") }
                state.wish = Waiter(isAnswer: answer, continuation: continuation)
                return nil
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) } else { add(.wish(wish)) }
        }
        return try result.get()
    }
}

// MARK: - Called by the link, on its loop

extension ExchangeDriver {
    func received(_ packet: UnsafeRawBufferPointer) {
        let failure = state.withLock { state -> HistoryError? in
            state.events += 1
            var messages: [[UInt8]] = []
            do throws(HistoryError) { try state.framing.read(packet) { messages.append($0) } } catch { return error }
            for message in messages {
                state.jobs.append(.message(message))
                state.jobBytes += message.count
            }
            let isTooMuch = state.jobBytes > Self.inboxMaximum && state.jobs.count > 1
            return isTooMuch ? HistoryError(.protocolViolation, "more than there was credit for") : nil
        }
        if let failure { add(.broken(failure)) } else { work() }
    }

    func readCompleted() {}

    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        let limit = min(maximum, MessageFraming.packetSize)
        state.withLock { state in
            while packet.count < limit, let first = state.outbox.first {
                let count = min(limit - packet.count, first.count - state.sentOfFirst)
                packet.append(contentsOf: first[state.sentOfFirst..<state.sentOfFirst + count])
                state.sentOfFirst += count
                guard state.sentOfFirst == first.count else { break }
                state.outbox.removeFirst()
                state.sentOfFirst = 0
            }
        }
        return !packet.isEmpty
    }

    func linkClosed(_ error: LinkError?) { add(.linkEnded(error)) }
}

// MARK: - Jobs

extension ExchangeDriver {
    private func add(_ job: Job) {
        state.withLock { $0.jobs.append(job) }
        work()
    }

    /// Starts the one worker, unless it works already.
    private func work() {
        let isIdle = state.withLock { state in
            guard !state.isWorking, !state.jobs.isEmpty else { return false }
            state.isWorking = true
            return true
        }
        guard isIdle else { return }
        Task { [self] in
            do throws(StorageError) { try await executor.run { [self] in drain() } } catch {
                // The pool is full or shut down: nobody will ever do the work.
                let left = state.withLock { state in
                    defer { state.jobs = [] }
                    state.isWorking = false
                    return state.jobs
                }
                let refusal = HistoryError(.busy, "\(error)")
                for case .work(_, let refused) in left { refused(refusal) }
                end(refusal)
                cut()
            }
        }
    }

    private func drain() {
        while let job = next() { handle(job) }
    }

    private func next() -> Job? {
        state.withLock { state in
            guard !state.jobs.isEmpty else {
                state.isWorking = false
                return nil
            }
            state.events += 1
            let job = state.jobs.removeFirst()
            if case .message(let bytes) = job { state.jobBytes -= bytes.count }
            return job
        }
    }

    private func handle(_ job: Job) {
        switch job {
        case .start: run { endpoint throws(HistoryError) in try endpoint.start() }
        case .message(let bytes):
            run { endpoint throws(HistoryError) in
                let message: ExchangeMessage
                do throws(FormatError) { message = try ExchangeMessage(encoded: bytes) } catch {
                    throw HistoryError(error.code == .newerVersion ? .incompatible : .protocolViolation, "\(error)")
                }
                return try endpoint.receive(message)
            }
        case .wish(let wish): run(isWish: true, wish)
        case .work(let body, _): run(evenAfterEnd: true, body)
        case .broken(let error): fail(error)
        case .linkEnded(let error):
            // Without it the next fetch begins anew, which is all that is lost.
            try? endpoint.withLock { endpoint throws(HistoryError) in try endpoint.linkEnded() }
            end(error.map { HistoryError(.disconnected, "the link ended: \($0)") })
        }
    }

    private func run(isWish: Bool = false, evenAfterEnd: Bool = false, _ body: Wish) {
        // Whatever comes after an error is not heard.
        guard evenAfterEnd || state.withLock({ $0.failure == nil }) else { return }
        do throws(HistoryError) {
            let (messages, outcomes, traffic) = try endpoint.withLock { endpoint throws(HistoryError) in
                var messages = try body(&endpoint)
                var outcomes = endpoint.takeOutcomes()
                var index = 0
                while let follow, index < outcomes.count {
                    messages += try follow(outcomes[index], &endpoint)
                    outcomes += endpoint.takeOutcomes()
                    index += 1
                }
                return (messages, outcomes, endpoint.traffic)
            }
            progress(traffic)
            // Before the peer hears of it: who is told that a push went through finds it noted here.
            for outcome in outcomes { report(outcome) }
            send(messages)
        } catch {
            if isWish { answer(.failure(error)) } else { fail(error) }
        }
    }

    private func send(_ messages: [ExchangeMessage]) {
        guard !messages.isEmpty else { return }
        let frames = messages.map(MessageFraming.frame)
        let link = state.withLock { state -> (any Link)? in
            if state.isOver || state.link == nil { return nil }
            state.outbox += frames
            return state.link
        }
        link?.wake()
    }

    private func report(_ outcome: Outcome) {
        if case .accepted(let change) = outcome { accepted(change) }
        let isAnswer = state.withLock { $0.wish?.isAnswer(outcome) ?? false }
        if isAnswer { answer(.success(outcome)) }
    }

    private func answer(_ result: Result<Outcome, HistoryError>) {
        let waiter = state.withLock { state in
            defer { state.wish = nil }
            return state.wish
        }
        waiter?.continuation.resume(returning: result)
    }

    /// The conversation is over, and why; the link follows.
    private func fail(_ error: HistoryError) {
        let link = state.withLock { state in
            state.failure = state.failure ?? error
            state.outbox = []
            state.sentOfFirst = 0
            return state.link
        }
        // A peer that broke the rules is owed no goodbye.
        if [.protocolViolation, .corrupt, .dangling, .tooLarge, .disconnected].contains(error.code) { link?.cut() } else { link?.close() }
        answer(.failure(error))
    }

    private func end(_ error: HistoryError?) {
        let (failure, waiters) = state.withLock { state in
            state.isOver = true
            state.watch?.cancel()
            state.failure = state.failure ?? error
            state.outbox = []
            defer { state.endWaiters = [] }
            return (state.failure, state.endWaiters)
        }
        answer(.failure(failure ?? HistoryError(.disconnected, "the peer closed the link")))
        for waiter in waiters { waiter.resume() }
    }
}
