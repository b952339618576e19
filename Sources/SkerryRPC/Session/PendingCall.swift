import SkerrySession

/// A call of this side from the moment it is made until it has ended.
// All fields are touched only under the lock of the session, but for `outcome`, which belongs to whoever resumes the task once the call has ended.
final class PendingCall: @unchecked Sendable {
    let target: ReferenceID
    let deadline: Duration
    let isOneWay: Bool
    /// The result that is called in place of ``target``, before or after it is there.
    let promise: PromisedResult?
    /// What becomes of the call, when its own result is used before it is there. Nobody waits for such a call, so it has no continuation.
    let result: PromisedResult?
    /// What is to be asked, of a call that waits for a place among those in flight.
    var request: Request?
    /// Nil until the core has taken the call, and after it has ended.
    var question: QuestionID?
    /// Nil before the task waits, and after the call has ended.
    var continuation: UnsafeContinuation<ServicePayload, any Error>?
    var isCancelled = false
    /// How the call ended.
    var outcome: Outcome?

    // What is rare is elsewhere, for a small object is one that any thread frees without asking others.
    enum Outcome {
        case value(ServicePayload)
        indirect case failure(CallFailure, ServicePayload)
        indirect case error(CallError)
    }

    /// Few calls wait, so those that do have it elsewhere.
    final class Request: Sendable {
        let invocation: Invocation

        init(_ invocation: Invocation) {
            self.invocation = invocation
        }
    }

    init(
        _ target: ReferenceID, deadline: Duration, isOneWay: Bool, promise: PromisedResult? = nil, result: PromisedResult? = nil
    ) {
        self.promise = promise
        self.result = result
        self.target = target
        self.deadline = deadline
        self.isOneWay = isOneWay
    }

    /// Whom the call is for, nil when that cannot be said any more.
    func destination(in session: Session) -> CallTarget? {
        promise == nil ? .reference(target) : promise?.destination(in: session)
    }

    /// Lets the task go on.
    func resume(_ continuation: UnsafeContinuation<ServicePayload, any Error>) {
        switch outcome {
        case .value(let payload): continuation.resume(returning: payload)
        case .failure(let failure, let payload): continuation.resume(throwing: Self.error(failure, payload))
        case .error(let error): continuation.resume(throwing: error)
        case nil: preconditionFailure("a call that has not ended is resumed")
        }
    }

    static func error(_ failure: CallFailure, _ payload: ServicePayload) -> any Error {
        failure.code == .typed ? DeclaredFailure(name: failure.message, payload: payload) : CallError(failure, payload)
    }
}
