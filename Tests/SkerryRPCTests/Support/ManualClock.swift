import SkerryCSP
import SkerryRPC
import SkerrySession

/// A clock that a test moves.
final class ManualClock: CallClock {
    private struct State {
        var now = Moment.zero
        var nextID = 0
        var timers: [(id: Int, due: Moment, body: @Sendable () -> Void)] = []
    }

    private let state = Locked(State())

    var now: Moment { state.withLock { $0.now } }

    /// When the next timer is due.
    var nextDue: Moment? { state.withLock { $0.timers.map(\.due).min() } }

    /// Whether a timer is set for this very moment.
    func isDue(at moment: Moment) -> Bool { state.withLock { $0.timers.contains { $0.due == moment } } }

    func schedule(at moment: Moment, _ body: @escaping @Sendable () -> Void) -> any ScheduledCall {
        let id = state.withLock { state in
            state.nextID += 1
            state.timers.append((state.nextID, moment, body))
            return state.nextID
        }
        return Timer(clock: self, id: id)
    }

    /// Moves the time on, running what is due in the order of its time.
    func advance(to limit: Moment) {
        while true {
            let body = state.withLock { state -> (@Sendable () -> Void)? in
                let due = state.timers.indices.filter { state.timers[$0].due <= limit }.min {
                    (state.timers[$0].due, state.timers[$0].id) < (state.timers[$1].due, state.timers[$1].id)
                }
                guard let due else {
                    state.now = max(state.now, limit)
                    return nil
                }
                let timer = state.timers.remove(at: due)
                state.now = max(state.now, timer.due)
                return timer.body
            }
            guard let body else { return }
            body()
        }
    }

    func advance(by duration: Duration) { advance(to: now + duration) }

    private struct Timer: ScheduledCall {
        let clock: ManualClock
        let id: Int

        func cancel() { clock.state.withLock { state in state.timers.removeAll { $0.id == id } } }
    }
}
