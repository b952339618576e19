import SkerryCSP
import SkerrySession

/// Counts calls by method: begun, failed by code, and the time they took.
public final class CallMetrics: Interceptor {
    /// What is known of one method.
    public struct Method: Sendable, Hashable {
        public var calls = 0
        public var running = 0
        public var failures = 0
        /// Of all calls that have ended.
        public var total = Duration.zero
        public var longest = Duration.zero

        public init() {}
    }

    private let clock: any CallClock
    private let methodsMaximum = 1_024
    private let state = Locked([String: Method]())

    /// - Parameter clock: by which calls are timed.
    public init(clock: any CallClock = SystemCallClock()) {
        self.clock = clock
    }

    /// By wire name. Names beyond 1,024 different ones, which a hostile peer could make up, are counted under an empty name.
    public var methods: [String: Method] { state.withLock { $0 } }

    public func intercept(
        _ call: Invocation, next: @Sendable (Invocation) async throws -> ServicePayload
    ) async throws -> ServicePayload {
        let start = clock.now
        let name = state.withLock { methods in
            let name = methods[call.method] != nil || methods.count < methodsMaximum ? call.method : ""
            methods[name, default: Method()].calls += 1
            methods[name, default: Method()].running += 1
            return name
        }
        do {
            let reply = try await next(call)
            note(name, clock.now - start, failed: false)
            return reply
        } catch {
            note(name, clock.now - start, failed: true)
            throw error
        }
    }

    private func note(_ name: String, _ duration: Duration, failed: Bool) {
        state.withLock { methods in
            var method = methods[name] ?? Method()
            method.running -= 1
            method.failures += failed ? 1 : 0
            method.total += duration
            method.longest = max(method.longest, duration)
            methods[name] = method
        }
    }
}
