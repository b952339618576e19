internal import SkerryCRDT
internal import SkerryDocuments
internal import SkerrySession
public import SkerryWire
internal import Synchronization

/// An exchange of documents with one peer over one link; made by ``DocumentReplica/subscribe(to:as:over:)`` and ``DocumentReplica/serve(over:)``.
///
/// It ends with its link; the next one over another link goes on where this one was. Messages are handled one after the other, in a task of their own.
public final class DocumentExchange: LinkDriver {
    fileprivate enum Role: Sendable {
        case source(DocumentSource)
        case sink(DocumentSink)
    }

    fileprivate struct State: Sendable {
        var role: Role
        var framing = ExchangeFraming()
        var actions: [DocumentExchangeAction] = []
        var isWorking = false
        var outbox: [[UInt8]] = []
        var outboxBytes = 0
        /// Of the first.
        var sent = 0
        var ticker: Task<Void, Never>?
        var isEnded = false
        /// Whether the store failed here: answers are taken in order, so none may follow the one that is missing, and the link is being cut.
        var isFailing = false
        var error: LinkError?
        var endWaiters: [CheckedContinuation<Void, Never>] = []
        var catchWaiters: [CheckedContinuation<Void, Never>] = []
        var reports: [DocumentFeedError] = []
        var messages = 0
        var bytes = 0
    }

    private let replica: DocumentReplica
    private let link: any Link
    private let peer: String
    private let state: Mutex<State>
    private static let start = ContinuousClock.now
    /// Bytes at which a packet is full.
    private static let packetSize = 64 << 10

    init(_ replica: DocumentReplica, source: DocumentSource, over link: any Link) {
        (self.replica, self.link, peer) = (replica, link, "")
        state = Mutex(State(role: .source(source)))
    }

    init(_ replica: DocumentReplica, sink: DocumentSink, peer: String, over link: any Link) {
        (self.replica, self.link, self.peer) = (replica, link, peer)
        state = Mutex(State(role: .sink(sink)))
    }

    func begin() {
        link.start(self)
        handle { $0.subscribe(ownEnd: replica.commitCount, now: Self.now, into: &$1) }
        guard isSink else { return }
        let ticker = Task { [weak self] in
            while (try? await Task.sleep(for: .milliseconds(DocumentLimits.tickInterval))) != nil {
                guard let self, !self.state.withLock({ $0.isEnded }) else { return }
                self.handle { $0.tick(now: Self.now, into: &$1) }
            }
        }
        state.withLock { $0.ticker = ticker }
    }

    private static var now: UInt64 {
        let elapsed = (ContinuousClock.now - start).components
        return UInt64(max(0, elapsed.seconds)) * 1_000 + UInt64(max(0, elapsed.attoseconds)) / 1_000_000_000_000_000
    }

    private var isSink: Bool { state.withLock { if case .sink = $0.role { true } else { false } } }

    // MARK: - For its owner

    /// What was refused of the peer, and what the peer refused; at most ``DocumentLimits/refusals``, the latest.
    public var reports: [DocumentFeedError] { state.withLock { $0.reports } }

    /// Messages of the peer, and their bytes.
    public var received: (messages: Int, bytes: Int) { state.withLock { ($0.messages, $0.bytes) } }

    /// Wants other documents from here on. What is no longer wanted stays as it is and is not kept up.
    ///
    /// - Throws: ``DocumentFeedError`` for an interest that became too large; nothing has changed then.
    public func change(to interest: DocumentInterest) throws(DocumentFeedError) {
        var failure: DocumentFeedError?
        handle { sink, actions in
            do throws(DocumentFeedError) { try sink.change(to: interest, now: Self.now, into: &actions) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Waits until all that is of interest is here as the peer had it when it was asked, and the peer has what was changed here; or until the link ends.
    public func caughtUp() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state -> Bool in
                if state.isEnded || state.isCaughtUp { return true }
                state.catchWaiters.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    /// Waits until the link has ended.
    ///
    /// - Throws: why it ended, unless one side closed it.
    public func ended() async throws(LinkError) {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if !state.isEnded { state.endWaiters.append(continuation) }
                return state.isEnded
            }
            if isDone { continuation.resume() }
        }
        if let error = state.withLock({ $0.error }) { throw error }
    }

    /// Ends the exchange; what is not taken yet comes with the next one.
    public func close() { link.close() }

    // MARK: - The link

    public func received(_ packet: UnsafeRawBufferPointer) {
        let isRefused = state.withLock { state in
            state.bytes += packet.count
            var framing = state.framing
            do throws(DocumentFeedError) {
                try framing.read(packet) { state.take($0, now: Self.now) }
            } catch {
                state.note(error)
                return true
            }
            state.framing = framing
            return state.actions.count > DocumentLimits.exchangeActions || state.outboxBytes > DocumentLimits.exchangeOutbox
        }
        if isRefused { link.cut() }
    }

    public func readCompleted() { work() }

    public func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        state.withLock { state in
            let size = min(maximum, Self.packetSize)
            while packet.count < size, let first = state.outbox.first {
                let end = min(first.count, state.sent + size - packet.count)
                packet.append(contentsOf: first[state.sent..<end])
                state.outboxBytes -= end - state.sent
                state.sent = end
                if end == first.count {
                    state.outbox.removeFirst()
                    state.sent = 0
                }
            }
            return !packet.isEmpty
        }
    }

    public func linkClosed(_ error: LinkError?) {
        let waiters = state.withLock { state in
            state.isEnded = true
            state.error = error
            state.ticker?.cancel()
            switch state.role {
            case .source(var source):
                source.detach()
                state.role = .source(source)
            case .sink(var sink):
                sink.detach()
                state.role = .sink(sink)
            }
            defer { (state.endWaiters, state.catchWaiters, state.actions, state.outbox) = ([], [], [], []) }
            return state.endWaiters + state.catchWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: - Doing

    func commitsGrew() {
        let end = replica.commitCount
        state.withLock { state in
            guard !state.isEnded, !state.isFailing else { return }
            switch state.role {
            case .source(var source):
                source.logGrew(to: end, into: &state.actions)
                state.role = .source(source)
            case .sink(var sink):
                sink.ownLogGrew(to: end, into: &state.actions)
                state.role = .sink(sink)
            }
        }
        work()
    }

    private func handle(_ body: (inout DocumentSink, inout [DocumentExchangeAction]) -> Void) {
        state.withLock { state in
            guard case .sink(var sink) = state.role, !state.isEnded, !state.isFailing else { return }
            body(&sink, &state.actions)
            state.role = .sink(sink)
        }
        work()
    }

    private func answer(
        source: (inout DocumentSource, inout [DocumentExchangeAction]) -> Void = { _, _ in },
        sink: (inout DocumentSink, inout [DocumentExchangeAction]) -> Void = { _, _ in }
    ) {
        state.withLock { state in
            guard !state.isEnded, !state.isFailing else { return }
            switch state.role {
            case .source(var core):
                source(&core, &state.actions)
                state.role = .source(core)
            case .sink(var core):
                sink(&core, &state.actions)
                state.role = .sink(core)
            }
        }
    }

    /// Does what is to be done, one thing after the other, unless that is under way; messages go at once.
    private func work() {
        sendOut()
        let isIdle = state.withLock { state in
            guard !state.isWorking, !state.actions.isEmpty, !state.isEnded, !state.isFailing else { return false }
            state.isWorking = true
            return true
        }
        if isIdle { Task { await self.drain() } } else if state.withLock({ !$0.isWorking }) { tellCaughtUp() }
    }

    private func drain() async {
        while let actions = nextActions() {
            for action in actions where !state.withLock({ $0.isFailing }) {
                await perform(action)
                sendOut()
            }
            tellCaughtUp()
        }
    }

    private func nextActions() -> [DocumentExchangeAction]? {
        sendOut()
        return state.withLock { state in
            // What came since then is sent with the first of what is done now.
            state.isWorking = !state.actions.isEmpty && !state.isEnded && !state.isFailing
            guard state.isWorking else { return nil }
            defer { state.actions.removeAll { if case .send = $0 { false } else { true } } }
            return state.actions.filter { if case .send = $0 { false } else { true } }
        }
    }

    /// Hands messages to the link, past what the store is at work on: a peer hears that this side is there, however long a read takes. None of them stands
    /// for something that is still to be done.
    private func sendOut() {
        let (isThere, isOver) = state.withLock { state in
            let isThere = state.sendOut()
            return (isThere, state.outboxBytes > DocumentLimits.exchangeOutbox)
        }
        // A peer that asks and does not read.
        if isOver { link.cut() } else if isThere { link.wake() }
    }

    private func tellCaughtUp() {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard state.isCaughtUp, state.actions.isEmpty else { return [] }
            defer { state.catchWaiters = [] }
            return state.catchWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func perform(_ action: DocumentExchangeAction) async {
        switch action {
        case .send: break
        case .report(let error): state.withLock { $0.note(error) }
        case .keep(let cursor, let interest):
            replica.keep(peer) { ($0.interest, $0.cursor) = (interest, cursor) }
        case .keepPushed(let pushed): replica.keep(peer) { $0.pushed = pushed }
        case .take(let gift): await take(gift)
        case .read(let name, let since): await read(name, since)
        default: await search(action)
        }
    }

    private func search(_ action: DocumentExchangeAction) async {
        do throws(DocumentStoreError) {
            switch action {
            case .list(let interest, let after, let limit):
                let (found, isEnd) = try await replica.list(interest, after: after, limit: limit)
                answer(source: { $0.supply(listing: found, isEnd: isEnd, into: &$1) })
            case .follow(let after, let limit):
                let (changes, end) = try await replica.changes(after: after, limit: limit)
                answer(source: { $0.supply(changes: changes, end: end, into: &$1) })
            case .followOwn(let after, let limit):
                let (changes, end) = try await replica.changes(after: after, limit: limit)
                answer(sink: { $0.supply(ownChanges: changes, end: end, into: &$1) })
            case .look(let names):
                let found = try await replica.standings(of: names)
                answer(source: { $0.supply(found: found, into: &$1) })
            case .compare(let offer, let names):
                let versions = try await replica.standings(of: names).map(\.version)
                answer(sink: { $0.supply(versions: versions, of: offer, into: &$1) })
            default: break
            }
        } catch {
            fail(error)
        }
    }

    private func take(_ gift: DocumentGift) async {
        var refusal: DocumentFeedError?
        do throws(DocumentStoreError) { refusal = try await replica.take(gift) } catch {
            guard error.isOfDocument else { return fail(error) }
            refusal = DocumentFeedError(.impossible, "the store: \(error)", document: gift.name, cause: error.cause as? DocumentError)
        }
        answer(source: { $0.taken(refusal, into: &$1) }, sink: { $0.taken(refusal, into: &$1) })
    }

    /// A document that cannot be read has nothing to give.
    private func read(_ name: String, _ since: CausalContext) async {
        var material = DocumentMaterial(.nothing, version: CausalContext())
        do throws(DocumentStoreError) { material = try await replica.material(name, since: since) } catch {
            guard error.isOfDocument else { return fail(error) }
            state.withLock { $0.note(DocumentFeedError(.incomplete, "the store: \(error)", document: name)) }
        }
        answer(source: { $0.supply(material: material, into: &$1) }, sink: { $0.supply(material: material, into: &$1) })
    }

    /// Without an answer nothing goes on: the link is cut, and the next one begins where this one was.
    private func fail(_ error: DocumentStoreError) {
        state.withLock { state in
            state.isFailing = true
            state.note(DocumentFeedError(.incomplete, "the store: \(error)", document: error.document))
        }
        link.cut()
    }
}

extension DocumentStoreError {
    /// Whether it is so of this document until somebody mends it; anything else is of the store and of the moment.
    fileprivate var isOfDocument: Bool { [.damaged, .refused, .invalidName].contains(code) }
}

extension DocumentExchange.State {
    fileprivate var isCaughtUp: Bool {
        guard case .sink(let sink) = role else { return true }
        return sink.isCaughtUp
    }

    fileprivate mutating func take(_ message: ArraySlice<UInt8>, now: UInt64) {
        guard !isEnded, !isFailing else { return }
        messages += 1
        switch role {
        case .source(var source):
            source.receive(message, into: &actions)
            role = .source(source)
        case .sink(var sink):
            sink.receive(message, now: now, into: &actions)
            role = .sink(sink)
        }
    }

    /// Moves messages from what is to be done to what the link takes; whether there were any.
    fileprivate mutating func sendOut() -> Bool {
        guard !isEnded, !isFailing else { return false }
        var rest: [DocumentExchangeAction] = []
        let before = outbox.count
        for action in actions {
            guard case .send(let bytes) = action else {
                rest.append(action)
                continue
            }
            let frame = ExchangeFraming.frame(bytes)
            outbox.append(frame)
            outboxBytes += frame.count
        }
        actions = rest
        return outbox.count > before
    }

    fileprivate mutating func note(_ error: DocumentFeedError) {
        reports.append(error)
        if reports.count > DocumentLimits.refusals { reports.removeFirst() }
    }
}
