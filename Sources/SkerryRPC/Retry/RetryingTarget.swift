import SkerryCSP
import SkerrySession

/// An object behind a session that is opened when it is needed, and whose calls are repeated as far as that is harmless.
final class RetryingTarget: ReferenceTarget {
    private let connection: RetryConnection

    init(_ connection: RetryConnection) {
        self.connection = connection
    }

    deinit { connection.release() }

    var implementation: (any Sendable)? { nil }

    func format(for method: MethodDescriptor) -> PayloadFormat { connection.current?.reference.target.format(for: method) ?? .cbor }

    func descriptor(of method: String) -> MethodDescriptor? { connection.current?.reference.target.descriptor(of: method) }

    func perform(_ invocation: Invocation) async throws -> ServicePayload {
        try await repeating(invocation) { try await $0.perform(invocation) }
    }

    func send(_ invocation: Invocation) async throws(CallError) {
        do {
            _ = try await repeating(invocation) { target in
                try await target.send(invocation)
                return ServicePayload(format: .none, bytes: [])
            }
        } catch {
            throw error as? CallError ?? CallError(.remote, "\(error)", maybeExecuted: true)
        }
    }

    /// Calls until it succeeds, or must not or need not be tried again. All attempts share one deadline.
    private func repeating(
        _ invocation: Invocation, _ call: (any ReferenceTarget) async throws -> ServicePayload
    ) async throws -> ServicePayload {
        var scope = Call.scope
        scope.deadline = scope.clock.now + Call.budget
        connection.earnRetry()
        var attempt = 1
        var maybeExecuted = false
        while true {
            do {
                return try await once(invocation, scope, call)
            } catch var failure as RetryFailure {
                maybeExecuted = maybeExecuted || failure.error.maybeExecuted
                failure.error.maybeExecuted = maybeExecuted
                guard let moment = retry(failure, of: invocation, attempt, scope) else { throw failure.error }
                do {
                    try await scope.clock.pause(until: moment)
                } catch {
                    throw CallError(.cancelled, "the call was cancelled before it was repeated", maybeExecuted: maybeExecuted)
                }
                attempt += 1
            }
        }
    }

    private func once(
        _ invocation: Invocation, _ scope: CallScope, _ call: (any ReferenceTarget) async throws -> ServicePayload
    ) async throws -> ServicePayload {
        let place = try await connection.place(until: scope.deadline, by: scope.clock)
        do {
            if invocation.payload.format == .bin, place.session.isText {
                throw CallError(.digestMismatch, "the session before carried binary values, and this one does not")
            }
            return try await Call.run(scope) { try await call(place.reference.target) }
        } catch let error as CallError {
            switch error.code {
            case .peerLost, .goingAway, .closed: connection.lost(place, error)
            default: break
            }
            throw RetryFailure(error)
        }
    }

    /// When to try again, nil for never.
    private func retry(_ failure: RetryFailure, of invocation: Invocation, _ attempt: Int, _ scope: CallScope) -> Moment? {
        guard failure.mayRepeat, attempt < connection.policy.attemptMaximum else { return nil }
        guard !failure.error.maybeExecuted || invocation.isHarmlessTwice else { return nil }
        var moment = scope.clock.now
        if failure.error.code == .overloaded, let pause = failure.error.retryAfter { moment = moment + pause }
        guard moment < scope.deadline, connection.spendRetry() else { return nil }
        return moment
    }
}

extension Invocation {
    /// Whether the call may be made again though it may have been executed. Not when it hands over ends of channels: elements may have come through them.
    fileprivate var isHarmlessTwice: Bool {
        !options.isDisjoint(with: [.idempotent, .readOnly]) && !payload.references.contains { $0 is ChannelEnd }
    }
}
