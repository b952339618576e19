public import SkerryCRDT
public import SkerryGossip
public import SkerryStorage
internal import Synchronization

/// A member that keeps placed keys, as a process runs it: a ``PlacementCore`` with a clock, a store that blocks, and whatever carries its messages.
///
/// ```swift
/// let node = try PlacementNode(id: id, life: startedAt, store: store, executor: pool) { member, bytes in links.send(bytes, to: member) }
/// node.setMap(PlacementMap(ring, copies: 3))
/// let copy = try await node.read(key)
/// try await node.write(key, value, replacing: copy.context)
/// ```
///
/// Everything happens in order, on the executor: what came in together is done together and made durable with one commit of the store, and only then do
/// answers and messages leave. So what was acknowledged outlives a crash, and a busy node commits less often than it answers.
public final class PlacementNode<Store: PlacementStore & Sendable & ~Copyable>: Sendable where Store.Failure == StorageError {
    /// Messages and requests that wait to be handled. Above it messages are lost and requests answered with `busy`.
    public static var inboxMaximum: Int { 16_384 }
    /// How many of them one commit covers at most.
    public static var batchMaximum: Int { 512 }

    private enum Job: Sendable {
        case message(PlacementMessage, from: MemberID)
        case lost(MemberID)
        case read([UInt8], ticket: UInt64)
        case write([UInt8], value: [UInt8]?, seen: CausalContext, ticket: UInt64)
        case map(PlacementMap)
        case unreachable(Set<MemberID>)
        case look(@Sendable (borrowing PlacementCore<Store>) throws(StorageError) -> Void, refused: @Sendable (PlacementError) -> Void)
        case tick
    }

    private struct State {
        var jobs: [Job] = []
        var isWorking = false
        var waiters: [UInt64: CheckedContinuation<Result<Siblings, PlacementError>, Never>] = [:]
        var nextTicket: UInt64 = 1
        var timer: Task<Void, Never>?
        var timerAt = UInt64.max
        var isStopped = false
        var failure: StorageError?
    }

    public let id: MemberID
    private let executor: any BlockingExecutor
    private let send: @Sendable (MemberID, [UInt8]) -> Void
    private let began = ContinuousClock.now
    /// Locked by the one job that runs, for as long as it takes.
    private let core: Mutex<PlacementCore<Store>>
    private let state = Mutex(State())

    /// - Parameters:
    ///   - life: as ``PlacementCore/init(id:life:store:configuration:now:)``.
    ///   - executor: where the store is called.
    ///   - send: carries a message to a member, without waiting; what it loses shows as silence, or by ``lost(_:)``. Called on the executor.
    /// - Throws: what the store threw.
    public init(
        id: MemberID, life: UInt64, store: consuming Store, configuration: PlacementConfiguration = PlacementConfiguration(),
        executor: any BlockingExecutor, send: @escaping @Sendable (MemberID, [UInt8]) -> Void
    ) throws(StorageError) {
        self.id = id
        self.executor = executor
        self.send = send
        core = Mutex(try PlacementCore(id: id, life: life, store: store, configuration: configuration, now: 0))
    }

    deinit { state.withLock { $0.timer }?.cancel() }

    // MARK: The application

    /// Reads a key at a quorum of its homes: the values that none of the others replaces, and the context to write their merge with.
    ///
    /// Cancellation has no effect: the answer comes within ``QuorumRequest/Profile/timeout``.
    public func read(_ key: [UInt8]) async throws(PlacementError) -> Siblings {
        try await ask { .read(key, ticket: $0) }
    }

    /// Writes a value, nil to delete, at a quorum of the key's homes.
    ///
    /// - Parameter seen: the context of the read it is made of. What it covers is replaced, everything else stays beside it.
    /// - Returns: what the key's coordinator holds with it.
    /// - Throws: ``PlacementError``; with `unavailable` and `timedOut` the write may show later all the same.
    @discardableResult
    public func write(
        _ key: [UInt8], _ value: [UInt8]?, replacing seen: CausalContext = CausalContext()
    ) async throws(PlacementError) -> Siblings {
        try await ask { .write(key, value: value, seen: seen, ticket: $0) }
    }

    private func ask(_ job: @escaping (UInt64) -> Job) async throws(PlacementError) -> Siblings {
        let result: Result<Siblings, PlacementError> = await withCheckedContinuation { continuation in
            let refusal = state.withLock { state -> PlacementError? in
                if state.isStopped { return PlacementError(.stopped) }
                guard state.jobs.count < Self.inboxMaximum else { return PlacementError(.busy) }
                let ticket = state.nextTicket
                state.nextTicket += 1
                state.waiters[ticket] = continuation
                state.jobs.append(job(ticket))
                return nil
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) } else { work() }
        }
        return try result.get()
    }

    /// What this member alone keeps of a key, without asking others: to look at, not to rely on.
    public func localCopy(of key: [UInt8]) async throws(PlacementError) -> Siblings {
        try await look { core throws(StorageError) in try core.store.siblings(of: key) }
    }

    public func statistics() async throws(PlacementError) -> PlacementStatistics {
        try await look { core throws(StorageError) in core.statistics }
    }

    /// How many copies are kept here for members that are away.
    public func hintCount() async throws(PlacementError) -> Int { try await look { core throws(StorageError) in core.hintCount } }

    /// As ``PlacementCore/isSettled(now:)``.
    public func isSettled() async throws(PlacementError) -> Bool {
        let now = now
        return try await look { core throws(StorageError) in core.isSettled(now: now) }
    }

    private func look<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing PlacementCore<Store>) throws(StorageError) -> Value
    ) async throws(PlacementError) -> Value {
        let result: Result<Value, PlacementError> = await withCheckedContinuation { continuation in
            let job = Job.look(
                { core throws(StorageError) in continuation.resume(returning: .success(try body(core))) },
                refused: { continuation.resume(returning: .failure($0)) })
            if !add(job) { continuation.resume(returning: .failure(PlacementError(.busy))) }
        }
        return try result.get()
    }

    // MARK: Membership and messages

    /// Takes the ring over, as ``PlacementCore/setMap(_:now:)``.
    public func setMap(_ map: PlacementMap) { add(.map(map), always: true) }

    /// Says which members do not answer, as ``PlacementCore/setUnreachable(_:)``.
    public func setUnreachable(_ members: Set<MemberID>) { add(.unreachable(members), always: true) }

    /// Takes a message of another member.
    ///
    /// - Throws: where it breaks the grammar: drop the link.
    public func receive(_ bytes: UnsafeRawBufferPointer, from member: MemberID) throws(MalformedPacket) {
        add(.message(try PlacementMessage(bytes), from: member))
    }

    /// Nothing can be sent to a member now.
    public func lost(_ member: MemberID) { add(.lost(member), always: true) }

    /// Refuses everything from now on, and what waits. What the store holds is durable already where it was acknowledged.
    public func stop() { end(nil) }

    /// Why it stopped by itself, when the store failed; nil otherwise.
    public var failure: StorageError? { state.withLock { $0.failure } }
}

// MARK: - Work

extension PlacementNode where Store: ~Copyable {
    private var now: UInt64 { Self.milliseconds(ContinuousClock.now - began) }

    private static func milliseconds(_ duration: Duration) -> UInt64 {
        UInt64(max(0, duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000))
    }

    /// - Parameter always: whether it is taken however long the queue is, because it comes seldom and must not be lost.
    @discardableResult
    private func add(_ job: Job, always: Bool = false) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isStopped, always || state.jobs.count < Self.inboxMaximum else { return false }
            state.jobs.append(job)
            return true
        }
        if isTaken { work() }
        return isTaken
    }

    /// Starts the one worker, unless it works already.
    private func work() {
        let isIdle = state.withLock { state in
            guard !state.isWorking, !state.jobs.isEmpty, !state.isStopped else { return false }
            state.isWorking = true
            return true
        }
        guard isIdle else { return }
        Task { [self] in
            do throws(StorageError) { try await executor.run { [self] in drain() } } catch { end(error) }
        }
    }

    private func drain() {
        while let jobs = next() {
            do throws(StorageError) { try perform(jobs) } catch { return end(error) }
        }
    }

    private func next() -> [Job]? {
        state.withLock { state in
            guard !state.jobs.isEmpty, !state.isStopped else {
                state.isWorking = false
                return nil
            }
            let batch = Array(state.jobs.prefix(Self.batchMaximum))
            state.jobs.removeFirst(batch.count)
            return batch
        }
    }

    private func perform(_ jobs: [Job]) throws(StorageError) {
        var output = PlacementOutput()
        let deadline = try core.withLock { core throws(StorageError) in
            for job in jobs { try perform(job, &core, &output) }
            var generator = SystemRandomNumberGenerator()
            let now = now
            if core.nextDeadline <= now { try core.advance(now: now, using: &generator, into: &output) }
            try core.commit()
            return core.nextDeadline
        }
        for message in output.messages { send(message.target, message.bytes) }
        for answer in output.answers { state.withLock { $0.waiters.removeValue(forKey: answer.ticket) }?.resume(returning: answer.result) }
        wake(at: deadline)
    }

    private func perform(
        _ job: Job, _ core: inout PlacementCore<Store>, _ output: inout PlacementOutput
    ) throws(StorageError) {
        let now = now
        switch job {
        case .message(let message, let member): try core.receive(message, from: member, now: now, into: &output)
        case .lost(let member): try core.lost(member, now: now, into: &output)
        case .read(let key, let ticket): try core.read(key, ticket: ticket, now: now, into: &output)
        case .write(let key, let value, let seen, let ticket):
            try core.write(key, value, replacing: seen, ticket: ticket, now: now, into: &output)
        case .map(let map): try core.setMap(map, now: now)
        case .unreachable(let members): core.setUnreachable(members)
        case .look(let body, let refused):
            do throws(StorageError) {
                try body(core)
            } catch {
                refused(PlacementError(.stopped))
                throw error
            }
        case .tick: break
        }
    }

    private func wake(at deadline: UInt64) {
        let delay = deadline < .max ? deadline - min(deadline, now) : .max
        state.withLock { state in
            guard deadline < state.timerAt || state.timerAt <= now, deadline < .max, !state.isStopped else { return }
            state.timer?.cancel()
            state.timerAt = deadline
            state.timer = Task { [weak self] in
                guard (try? await Task.sleep(for: .milliseconds(delay))) != nil else { return }
                self?.ring()
            }
        }
    }

    private func ring() {
        state.withLock { $0.timerAt = .max }
        add(.tick, always: true)
    }

    private func end(_ failure: StorageError?) {
        let (jobs, waiters, timer) = state.withLock { state in
            defer {
                state.jobs = []
                state.waiters = [:]
                state.timer = nil
            }
            state.isStopped = true
            state.isWorking = false
            state.failure = state.failure ?? failure
            return (state.jobs, state.waiters, state.timer)
        }
        timer?.cancel()
        for case .look(_, let refused) in jobs { refused(PlacementError(.stopped)) }
        for ticket in waiters.keys.sorted() { waiters[ticket]?.resume(returning: .failure(PlacementError(.stopped))) }
    }
}
