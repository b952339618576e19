package import SkerrySession

/// What holds for the calls made in a scope: until when they may take.
public enum Call {
    /// How long a call may take when nobody said: 30 s.
    public static let deadlineDefault = Duration.seconds(30)

    @TaskLocal package static var scope = CallScope()

    /// Calls made in `body` have to be done within `deadline` from now, all together.
    ///
    /// The earlier deadline wins over one that surrounds it. Calls carry it to the callee, whose own calls inherit what is left; when it passes,
    /// callers throw ``CallError`` with code ``CallError/Code/timeout`` and callees are cancelled, each side by its own clock. `body` itself is
    /// not interrupted: between calls it may look at ``remaining``.
    public static func with<Result, Failure: Error>(
        deadline: Duration, _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        var inner = scope
        inner.deadline = min(inner.deadline, inner.clock.now + deadline)
        return try await run(inner, body)
    }

    /// Calls, sessions' timers and ``gofor(_:timeout:_:)`` in `body` take their time from `clock`; for tests.
    public static func with<Result, Failure: Error>(
        clock: some CallClock, _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await run(CallScope(deadline: .distantFuture, clock: clock, session: scope.session), body)
    }

    /// What is left of the deadline of the surrounding scope, nil outside any. Not negative.
    public static var remaining: Duration? {
        let scope = scope
        return scope.deadline == .distantFuture ? nil : max(.zero, scope.deadline - scope.clock.now)
    }

    /// The session whose call is being answered, nil outside a call from a peer.
    public static var session: Session? { scope.session }

    /// What a call made now may take.
    package static var budget: Duration { remaining ?? deadlineDefault }

    /// Runs `body` at the deadline of the surrounding scope; nil when there is none.
    static func afterDeadline(_ body: @escaping @Sendable () -> Void) -> (any ScheduledCall)? {
        let scope = scope
        guard scope.deadline != .distantFuture else { return nil }
        return scope.clock.schedule(at: scope.deadline, body)
    }

    /// Typed throws around the task-local's own rethrowing.
    package static func run<Result, Failure: Error>(
        _ scope: CallScope, _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let result = await $scope.withValue(scope) { () async -> Swift.Result<Result, Failure> in
            do throws(Failure) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// What ``Call`` keeps for the tasks of a scope.
package struct CallScope: Sendable {
    package var deadline: Moment
    package var clock: any CallClock
    package var session: Session?

    package init(deadline: Moment = .distantFuture, clock: any CallClock = SystemCallClock(), session: Session? = nil) {
        self.deadline = deadline
        self.clock = clock
        self.session = session
    }
}
