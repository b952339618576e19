import SkerryCSP
import SkerrySession
import SkerryWire

/// The session of a reference that repeats calls: opened when a call needs it, once for all that wait, and opened anew when it was lost.
final class RetryConnection: Sendable {
    /// Where calls go.
    struct Place: Sendable {
        let session: Session
        let reference: Reference
    }

    typealias Opening = Ivar<Result<Place, RetryFailure>>

    private enum Phase {
        case away
        case opening(Opening)
        case there(Place)
    }

    private struct State: Sendable {
        var phase = Phase.away
        var attempts: ReconnectPolicy.Attempts
        var budget: RetryBudget
        /// No session is opened before.
        var notBefore = Moment.zero
        var hasGivenUp = false
        /// Nobody holds the reference any more.
        var isReleased = false
        var task: Task<Void, Never>?
    }

    let policy: RetryPolicy
    private let options: SessionOptions
    private let open: @Sendable () async throws -> Place
    private let state: Locked<State>

    init(policy: RetryPolicy, options: SessionOptions, _ open: @escaping @Sendable () async throws -> Place) {
        self.policy = policy
        self.options = options
        self.open = open
        state = Locked(State(attempts: policy.reconnect.attempts(), budget: RetryBudget(policy)))
    }

    /// Where calls would go now.
    var current: Place? {
        state.withLock { state in
            if case .there(let place) = state.phase { place } else { nil }
        }
    }

    func earnRetry() { state.withLock { $0.budget.earn() } }

    func spendRetry() -> Bool { state.withLock { $0.budget.spend() } }

    // MARK: - Opening

    /// Where to call, waiting for a session.
    ///
    /// - Throws: ``RetryFailure``; nothing was called then.
    func place(until deadline: Moment, by clock: any CallClock) async throws -> Place {
        let opening: Opening
        switch enter() {
        case .there(let place): return place
        case .opening(let others): opening = others
        case .mine(let own, let moment):
            opening = own
            start(own, at: moment)
        case .givenUp:
            throw RetryFailure(CallError(.peerLost, "the peer was not reached again, and is not looked for any more"), mayRepeat: false)
        }
        do {
            guard let result = try await opening.read(until: deadline, by: clock) else {
                throw RetryFailure(CallError(.timeout, "the deadline passed while the peer was looked for"), mayRepeat: false)
            }
            return try result.get()
        } catch is CancellationError {
            throw RetryFailure(CallError(.cancelled, "the call was cancelled while the peer was looked for"), mayRepeat: false)
        } catch is TooManyWaiters {
            throw RetryFailure(CallError(.overloaded, "too many calls wait for a session"), mayRepeat: false)
        }
    }

    private enum Entry: Sendable {
        case there(Place)
        case opening(Opening)
        /// Whoever gets this opens a session, not before the moment.
        case mine(Opening, Moment)
        case givenUp
    }

    private func enter() -> Entry {
        state.withLock { state -> Entry in
            switch state.phase {
            case .there(let place): return .there(place)
            case .opening(let opening): return .opening(opening)
            case .away:
                guard !state.hasGivenUp else { return .givenUp }
                let opening = Opening(waiterLimit: SessionOptions().callersWaiting)
                state.phase = .opening(opening)
                return .mine(opening, state.notBefore)
            }
        }
    }

    /// In a task of its own, and detached: it is for all who wait, so neither the end nor the deadline of the first of them may end it.
    private func start(_ opening: Opening, at moment: Moment) {
        let task = Task.detached { [self] in
            var result: Result<Place, RetryFailure>
            do {
                try await options.clock.pause(until: moment)
                result = .success(try await Call.with(clock: options.clock, open))
            } catch {
                result = .failure(error as? RetryFailure ?? RetryFailure(opening: error))
            }
            let unwanted = opened(result)
            opening.fill(result)
            await unwanted?.session.close()
        }
        state.withLock { state in
            if case .opening(let present) = state.phase, present === opening { state.task = task }
        }
    }

    /// Takes note of how opening a session went. A session that nobody wants any more is the caller's to close.
    private func opened(_ result: Result<Place, RetryFailure>) -> Place? {
        let now = options.clock.now
        return state.withLock { state in
            state.phase = .away
            state.task = nil
            switch result {
            case .success(let place):
                guard !state.isReleased else { return place }
                state.attempts.connected(now: now - .zero)
                state.phase = .there(place)
            case .failure:
                failed(&state, now)
            }
            return nil
        }
    }

    private func failed(_ state: inout State, _ now: Moment) {
        switch state.attempts.failed(now: now - .zero, random: policy.random()) {
        case .retry(let delay): state.notBefore = now + delay
        case .giveUp: state.hasGivenUp = true
        }
    }

    // MARK: - Ending

    /// A call found that nothing can be called at `place` any more.
    ///
    /// - Parameter error: what it found. A peer that is going away ends the session itself, when the calls under way have ended.
    func lost(_ place: Place, _ error: CallError) {
        let now = options.clock.now
        let isPresent = state.withLock { state in
            guard case .there(let present) = state.phase, present.reference === place.reference else { return false }
            state.phase = .away
            failed(&state, now)
            return true
        }
        // The session may live on when it is another node behind the peer that was lost.
        if isPresent, error.code != .goingAway { Task.detached { await place.session.close() } }
    }

    /// Nobody holds the reference any more.
    func release() {
        let (place, task) = state.withLock { state -> (Place?, Task<Void, Never>?) in
            state.isReleased = true
            guard case .there(let place) = state.phase else { return (nil, state.task) }
            state.phase = .away
            return (place, nil)
        }
        task?.cancel()
        if let place { Task.detached { await place.session.close() } }
    }
}

extension Ivar {
    /// The value, waiting for it until `deadline`; nil when it did not come.
    fileprivate func read(until deadline: Moment, by clock: any CallClock) async throws -> Value? {
        if let value = peek { return value }
        let expired = Ivar<Void>(waiterLimit: 1)
        let timer = clock.schedule(at: deadline) { expired.fillIfEmpty(()) }
        defer { timer.cancel() }
        return try await select {
            on { Optional($0) }
            expired.on { Value?.none }
        }
    }
}

extension CallClock {
    /// Returns at `moment`.
    ///
    /// - Throws: `CancellationError` when the task is cancelled before.
    func pause(until moment: Moment) async throws {
        guard moment > now else { return try Task.checkCancellation() }
        let due = Ivar<Void>(waiterLimit: 1)
        let timer = schedule(at: moment) { due.fillIfEmpty(()) }
        defer { timer.cancel() }
        try await due.read()
    }
}
