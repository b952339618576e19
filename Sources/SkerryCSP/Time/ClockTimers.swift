/// Timers that follow a clock. All of them share one sleeping task.
///
/// A select with a timeout adds a timer and takes it back again and again, and hardly ever lets one fire. So adding is an entry in a
/// heap (under a microsecond, against about two for a task that sleeps), and the one task that sleeps is started anew only for a deadline that is earlier
/// than the one it sleeps for. When it wakes for a timer that was taken back, it goes on to the next.
///
/// Timers that are pending are as many as there are tasks that wait for them.
public final class ClockTimers<Base: Clock<Duration>>: TimerService {
    private struct State {
        var heap = TimerHeap()
        /// What the sleeping task sleeps for; nil when there is none.
        var wakeAt: Duration?
        var sleeper: Task<Void, Never>?
    }

    private let clock: Base
    private let origin: Base.Instant
    private let state = Locked(State())

    public init(clock: Base) {
        self.clock = clock
        origin = clock.now
    }

    deinit {
        state.withLock { $0.sleeper.take() }?.cancel()
    }

    public func schedule(after duration: Duration, _ body: @escaping @Sendable () -> Void) -> TimerID {
        let deadline = origin.duration(to: clock.now) + duration
        let (id, superseded) = state.withLock { state in
            let id = state.heap.add(at: deadline, body)
            return (id, sleepUntilEarliest(&state))
        }
        superseded?.cancel()
        return id
    }

    public func cancel(_ id: TimerID) {
        // What the timer captured is let go after unlocking.
        _ = state.withLock { $0.heap.cancel(id) }
    }

    /// Sees to it that somebody wakes for the earliest timer. Returns who sleeps too long for that, to be cancelled after unlocking.
    private func sleepUntilEarliest(_ state: inout State) -> Task<Void, Never>? {
        guard let earliest = state.heap.earliest else { return nil }
        if let wakeAt = state.wakeAt, wakeAt <= earliest { return nil }
        let superseded = state.sleeper
        state.wakeAt = earliest
        let deadline = origin.advanced(by: earliest)
        state.sleeper = Task { [clock, weak self] in
            do { try await clock.sleep(until: deadline, tolerance: nil) } catch { return }
            self?.fire(for: earliest)
        }
        return superseded
    }

    /// The task that slept for `wakeAt` is awake.
    private func fire(for wakeAt: Duration) {
        let now = max(wakeAt, origin.duration(to: clock.now))
        let (due, superseded) = state.withLock { state in
            var due: [@Sendable () -> Void] = []
            while let entry = state.heap.popDue(at: now) { due.append(entry.body) }
            // Another task may have been started for an earlier deadline meanwhile; it stays.
            if state.wakeAt == wakeAt {
                state.wakeAt = nil
                state.sleeper = nil
            }
            return (due, sleepUntilEarliest(&state))
        }
        superseded?.cancel()
        for body in due { body() }
    }
}

extension TimerService where Self == ClockTimers<ContinuousClock> {
    /// The timers of the process, by its monotonic clock, which goes on while the machine sleeps.
    public static var continuous: ClockTimers<ContinuousClock> { continuousTimers }
}

private let continuousTimers = ClockTimers(clock: ContinuousClock())
