import SkerryCSP
import SkerrySession

/// What a call on a session will return: calls through it are sent behind that call, before it has answered.
final class PromisedTarget: ReferenceTarget {
    let session: Session
    let result: PromisedResult
    private let call: PendingCall
    private let outcome: Ivar<Result<Reference, any Error>>
    /// What the call was made on. It is needed as long as this is.
    private let parent: PromisedTarget?

    init(
        _ session: Session, _ call: PendingCall, _ result: PromisedResult, _ outcome: Ivar<Result<Reference, any Error>>,
        on parent: PromisedTarget?
    ) {
        self.parent = parent
        self.session = session
        self.call = call
        self.result = result
        self.outcome = outcome
    }

    deinit { session.abandon(result, of: call) }

    var implementation: (any Sendable)? { nil }

    func format(for method: MethodDescriptor) -> PayloadFormat { session.format(for: method) }

    func descriptor(of method: String) -> MethodDescriptor? { nil }

    func perform(_ invocation: Invocation) async throws -> ServicePayload {
        do {
            return try await session.perform(invocation, at: .root, result)
        } catch let error as CallError where error.code == .brokenPromise || error.code == .noSuchReference {
            throw session.failure(of: error.failure, through: result) ?? error
        }
    }

    func send(_ invocation: Invocation) async throws(CallError) {
        try await session.send(.root, try invocation.adapted(to: session), result)
    }

    func promise(_ invocation: Invocation, of method: MethodDescriptor) -> any ReferenceTarget {
        session.promise(.root, invocation, of: method, on: self)
    }

    func settled() async throws -> (any ReferenceTarget)? {
        do {
            return try await outcome.read().get().target
        } catch is TooManyWaiters {
            throw CallError(.overloaded, "too many wait for the result of \(result.method.callName)")
        } catch is CancellationError {
            throw CallError(.cancelled, "the result of \(result.method.callName) is not awaited any more", maybeExecuted: true)
        } catch {
            throw result.method.thrown(error)
        }
    }
}
