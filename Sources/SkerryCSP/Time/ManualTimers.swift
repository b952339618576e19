/// Timers whose time stands still until ``advance(by:)``: for tests and simulations, where it makes every run of one seed the same.
public final class ManualTimers: TimerService {
    private struct State {
        var heap = TimerHeap()
        var now = Duration.zero
    }

    private let state = Locked(State())

    public init() {}

    /// Time since the beginning.
    public var now: Duration { state.withLock { $0.now } }

    /// Timers that have not fired.
    public var pendingCount: Int { state.withLock { $0.heap.count } }

    /// How long until the next timer is due; nil when there is none.
    public var nextDelay: Duration? { state.withLock { state in state.heap.earliest.map { max(.zero, $0 - state.now) } } }

    public func schedule(after duration: Duration, _ body: @escaping @Sendable () -> Void) -> TimerID {
        state.withLock { $0.heap.add(at: $0.now + duration, body) }
    }

    public func cancel(_ id: TimerID) {
        _ = state.withLock { $0.heap.cancel(id) }
    }

    /// Moves time on, and calls the timers that fall due in their order, on this thread; each sees the time it was due at.
    public func advance(by duration: Duration) {
        let end = now + duration
        while let entry = popDue(until: end) { entry.body() }
        state.withLock { $0.now = max($0.now, end) }
    }

    private func popDue(until end: Duration) -> TimerHeap.Entry? {
        state.withLock { state in
            guard let entry = state.heap.popDue(at: end) else { return nil }
            state.now = max(state.now, entry.deadline)
            return entry
        }
    }
}
