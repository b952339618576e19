import SkerryCSP
import SkerrySession

/// Lets a number of calls through in each span of time, and refuses more with the time to wait.
///
/// A bucket of tokens: it holds `calls` of them, each call takes one, and they come back evenly over `span`.
public final class RateLimit: Interceptor {
    private let calls: Int
    private let span: Duration
    private let clock: any CallClock
    private let state: Locked<State>

    private struct State: Sendable {
        /// Thousandths of a token, so that slow limits add up.
        var tokens: Int64
        var countedAt: Moment
    }

    public init(calls: Int, per span: Duration, clock: any CallClock = SystemCallClock()) {
        precondition(calls > 0 && span > .zero, "a limit of \(calls) calls per \(span) lets none through")
        self.calls = calls
        self.span = span
        self.clock = clock
        state = Locked(State(tokens: Int64(calls) * 1_000, countedAt: clock.now))
    }

    public func intercept(
        _ call: Invocation, next: @Sendable (Invocation) async throws -> ServicePayload
    ) async throws -> ServicePayload {
        if let wait = take(clock.now) {
            throw CallError(.overloaded, "more than \(calls) calls per \(span)", method: call.method, retryAfter: wait)
        }
        return try await next(call)
    }

    /// Takes a token. How long to wait for one when there is none.
    private func take(_ now: Moment) -> Duration? {
        let capacity = Int64(calls) * 1_000
        return state.withLock { state in
            let gained = Int64(min(1, max(0, (now - state.countedAt) / span)) * Double(capacity))
            if gained > 0 {
                state.tokens = min(capacity, state.tokens + gained)
                state.countedAt = now
            }
            guard state.tokens >= 1_000 else { return span * (Double(1_000 - state.tokens) / Double(capacity)) }
            state.tokens -= 1_000
            return nil
        }
    }
}

extension Reference {
    /// A reference to the same object that lets `calls` calls through in each `span`, evenly, and refuses more as overloaded with the time to wait.
    public func limited(calls: Int, per span: Duration, clock: any CallClock = SystemCallClock()) -> Reference {
        intercepted(by: RateLimit(calls: calls, per: span, clock: clock))
    }
}
