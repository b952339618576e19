import SkerryCSP

/// Lets at most `limit` calls run at once; others wait their turn in the order they came. With a limit of 1 calls run one after the other.
///
/// Waiting counts towards the deadline, and a call that is cancelled while it waits leaves the line.
public final class ConcurrencyLimit: Interceptor {
    public let limit: Int
    /// Calls that may wait; one more is refused as overloaded.
    public let waitersMaximum: Int
    private let state = Locked(State())

    private struct State: Sendable {
        var running = 0
        var peak = 0
        var waiters: [Waiter] = []
    }

    // Touched under the lock.
    private final class Waiter: @unchecked Sendable {
        var continuation: UnsafeContinuation<Bool, Never>?
        var isCancelled = false
    }

    public init(_ limit: Int, waitersMaximum: Int = 1_024) {
        precondition(limit > 0, "a limit of \(limit) lets no call run")
        self.limit = limit
        self.waitersMaximum = waitersMaximum
    }

    /// Calls that run now.
    public var running: Int { state.withLock { $0.running } }
    /// The most that ever ran at once.
    public var peak: Int { state.withLock { $0.peak } }
    /// Calls that wait.
    public var waiting: Int { state.withLock { $0.waiters.count } }

    public func intercept(
        _ call: Invocation, next: @Sendable (Invocation) async throws -> ServicePayload
    ) async throws -> ServicePayload {
        try await enter()
        defer { leave() }
        return try await next(call)
    }

    private func enter() async throws(CallError) {
        let waiter = Waiter()
        let mayRun = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let answer = state.withLock { state -> Bool?? in
                    if waiter.isCancelled { return .some(false) }
                    if state.running < limit {
                        state.running += 1
                        state.peak = max(state.peak, state.running)
                        return .some(true)
                    }
                    guard state.waiters.count < waitersMaximum else { return .some(nil) }
                    waiter.continuation = continuation
                    state.waiters.append(waiter)
                    return nil
                }
                if let answer { continuation.resume(returning: answer ?? false) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                waiter.isCancelled = true
                state.waiters.removeAll { $0 === waiter }
                defer { waiter.continuation = nil }
                return waiter.continuation
            }
            continuation?.resume(returning: false)
        }
        if mayRun { return }
        if Task.isCancelled { throw CallError(.cancelled, "the call was cancelled while it waited for its turn") }
        throw CallError(.overloaded, "\(waitersMaximum) calls wait for \(limit) places")
    }

    private func leave() {
        let next = state.withLock { state -> UnsafeContinuation<Bool, Never>? in
            guard !state.waiters.isEmpty else {
                state.running -= 1
                return nil
            }
            // The place passes to the first in line.
            let waiter = state.waiters.removeFirst()
            defer { waiter.continuation = nil }
            return waiter.continuation
        }
        next?.resume(returning: true)
    }
}
