internal import Synchronization

/// Given once, waited for by any number of tasks.
final class ShutdownSignal: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Void, Never>])
        case sent
    }

    private let state = Mutex(State.waiting([]))

    var isSent: Bool {
        state.withLock { state in
            if case .sent = state { true } else { false }
        }
    }

    func send() {
        let waiters: [CheckedContinuation<Void, Never>] = state.withLock { state in
            guard case .waiting(let waiters) = state else { return [] }
            state = .sent
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { waiter in
            let isSent = state.withLock { state in
                guard case .waiting(let waiters) = state else { return true }
                state = .waiting(waiters + [waiter])
                return false
            }
            if isSent { waiter.resume() }
        }
    }
}
