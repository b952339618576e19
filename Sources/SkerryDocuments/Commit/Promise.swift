import Synchronization

/// A value that comes once, for one who waits.
final class Promise<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, DocumentStoreError>

    private enum State {
        case empty
        case waiting(CheckedContinuation<Outcome, Never>)
        case filled(Outcome)
        case taken
    }

    private let state = Mutex(State.empty)

    /// Fills it; only the first time counts.
    func fill(_ outcome: Outcome) {
        let waiter = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            switch state {
            case .empty:
                state = .filled(outcome)
                return nil
            case .waiting(let waiter):
                state = .taken
                return waiter
            case .filled, .taken: return nil
            }
        }
        waiter?.resume(returning: outcome)
    }

    /// Waits for it. For one caller; cancellation does not shorten it, since what a disk is doing cannot be taken back.
    func value() async -> Outcome {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Outcome? in
                guard case .filled(let outcome) = state else {
                    state = .waiting(continuation)
                    return nil
                }
                state = .taken
                return outcome
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}
