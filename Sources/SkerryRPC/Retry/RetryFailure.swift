import SkerrySession
import SkerryWire

/// Why an attempt of a call failed, and whether another may do better.
struct RetryFailure: Error {
    var error: CallError
    let mayRepeat: Bool

    init(_ error: CallError, mayRepeat: Bool) {
        self.error = error
        self.mayRepeat = mayRepeat
    }

    /// Of a call that was made.
    init(_ error: CallError) {
        self.error = error
        // Nobody closed the reference: the peer was lost, and the call found the session over.
        if error.code == .closed, !error.maybeExecuted { self.error.code = .peerLost }
        mayRepeat =
            switch error.code {
            case .peerLost, .goingAway: true
            // Made on a session that was over. One that was under way when this side closed its session was meant to end.
            case .closed: !error.maybeExecuted
            // Only when the callee says when.
            case .overloaded: error.retryAfter != nil
            default: false
            }
    }

    /// Of an attempt to open a session: the call was not made.
    init(opening error: any Error) {
        switch error {
        case let error as LinkError:
            self.init(CallError(.peerLost, "the peer cannot be reached: \(error.message)"), mayRepeat: error.isRetryable)
        case var error as CallError:
            error.maybeExecuted = false
            // Nobody but the session itself closes it so early.
            if error.code == .closed { error.code = .peerLost }
            let mayRepeat =
                switch error.code {
                case .peerLost, .goingAway, .timeout, .overloaded: true
                default: false
                }
            self.init(error, mayRepeat: mayRepeat)
        default:
            self.init(CallError(.remote, "\(error)"), mayRepeat: false)
        }
    }
}
