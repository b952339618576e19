import SkerryCSP
import SkerrySession

/// What becomes of a call on a session whose result is used before it is there.
///
/// Shared by the ``PromisedTarget``, which stands for the result, by the call itself, and by the calls through the result.
// All of it is touched only under the lock of the session, but for what never changes. It holds objects only as long as the target lives, which takes
// them out when it goes: so whoever lets go of the last reference to it, maybe under the lock, lets go of nothing else.
final class PromisedResult: @unchecked Sendable {
    enum State {
        case pending
        case known(Reference)
        case failed(any Error)
        /// Nobody holds the result any more.
        case abandoned
    }

    /// The method whose result it is.
    let method: MethodDescriptor
    /// The result on which the call was made, when it was made on one.
    let parent: PromisedResult?
    var state = State.pending
    /// The call, as long as promises may name it.
    var question: QuestionID?
    /// Calls were made through it that nobody waits for.
    var hasOneWays = false
    /// Tells those who wait for the result itself; nil when the target is gone.
    var outcome: Ivar<Result<Reference, any Error>>?

    init(_ method: MethodDescriptor, on parent: PromisedResult?, _ outcome: Ivar<Result<Reference, any Error>>) {
        self.method = method
        self.parent = parent
        self.outcome = outcome
    }

    /// Whom a call through the result is for, nil when it can be for nobody.
    ///
    /// What the peer hosts is called by its own name as soon as it is known. Anything else still goes by the promise, over the peer: calls that are on
    /// their way there would be overtaken otherwise.
    func destination(in session: Session) -> CallTarget? {
        if case .known(let reference) = state, let remote = reference.target(in: session) { return .reference(remote.id) }
        return question.map { .promise($0, index: 0) }
    }

    /// A one-way call was made through it: nobody waits for that, and still the calls that lead to it have to be done.
    func noteOneWay() {
        var result: PromisedResult? = self
        while let next = result, !next.hasOneWays {
            next.hasOneWays = true
            result = next.parent
        }
    }

    /// Why a call through the result failed, when that is because there is no result. The peer does not say what it was called for.
    func failure(of call: CallFailure) -> CallError? {
        guard call.code == .brokenPromise || call.code == .noSuchReference, var failure else { return nil }
        failure.maybeExecuted = call.maybeExecuted
        return failure
    }

    /// Why a call through the result cannot be made.
    var failure: CallError? {
        switch state {
        case .pending, .known: nil
        case .failed(let error): CallError(brokenPromise: method.callName, method.thrown(error))
        case .abandoned: CallError(.cancelled, "the result of \(method.callName) was let go of")
        }
    }
}

extension Reference {
    /// The target, when the peer of `session` hosts it under a name of its own.
    func target(in session: Session) -> RemoteTarget? {
        guard let remote = target as? RemoteTarget, remote.session === session, remote.id != .root else { return nil }
        return remote
    }
}
