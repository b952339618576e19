import SkerryCSP
import SkerrySession

// Calls of this side whose results are used before they are there.

extension Session {
    /// Calls, and gives what the call will return.
    ///
    /// - Parameter parent: what is called, in place of `target`.
    func promise(
        _ target: ReferenceID, _ invocation: Invocation, of method: MethodDescriptor, on parent: PromisedTarget? = nil
    ) -> PromisedTarget {
        let outcome = Ivar<Result<Reference, any Error>>(waiterLimit: options.callersWaiting)
        let result = PromisedResult(method, on: parent?.result, outcome)
        let call = PendingCall(target, deadline: Call.budget, isOneWay: false, promise: parent?.result, result: result)
        begin(call, invocation, Task.isCancelled)
        return PromisedTarget(self, call, result, outcome, on: parent)
    }

    private func begin(_ call: PendingCall, _ invocation: Invocation, _ isCancelled: Bool) {
        if !isCancelled, call.deadline > .zero { return begin(call, invocation, nil) }
        let error =
            isCancelled
            ? CallError(.cancelled, "the call was cancelled before it was made")
            : CallError(.timeout, "the deadline had passed before the call")
        perform { state, _ in state.fail(call, error) }
    }

    /// Why a call through the result failed, when that is because there is no result.
    func failure(of call: CallFailure, through result: PromisedResult) -> CallError? { state.withLock { _ in result.failure(of: call) } }

    /// The call of a promise has ended. Under the lock.
    func receive(_ outcome: Outcome, _ payload: ServicePayload, for result: PromisedResult, _ state: inout SessionState) {
        // Not under the lock: whatever of it is not kept.
        for object in payload.references { state.effects.append(.drop(object)) }
        if let failure = outcome.failure {
            if failure.code == .peerLost, state.isClosedHere {
                return state.settle(
                    result, .failure(CallError(.closed, "the session was closed", maybeExecuted: failure.maybeExecuted)), in: self)
            }
            return state.settle(result, .failure(result.parent?.failure(of: failure) ?? PendingCall.error(failure, payload)), in: self)
        }
        do throws(CallError) {
            state.settle(result, .success(try payload.promisedReference(of: result.method)), in: self)
        } catch {
            state.settle(result, .failure(error), in: self)
        }
    }

    /// Nobody holds the result any more. A call that nobody else needs is called off.
    func abandon(_ result: PromisedResult, of call: PendingCall) {
        let now = options.clock.now
        let mustDrain = state.withLock { state in
            if let outcome = result.outcome { state.effects.append(.drop(outcome)) }
            result.outcome = nil
            let former = result.state
            result.state = .abandoned
            if case .known(let reference) = former { state.effects.append(.drop(reference)) }
            if case .failed(let error) = former { state.effects.append(.run { withExtendedLifetime(error) {} }) }
            guard state.failure == nil else { return state.hasUrgentEffects }
            if let question = result.question {
                result.question = nil
                state.letGo(of: question, call, isNeeded: result.hasOneWays)
            } else if case .pending = former {
                call.isCancelled = true
                state.waiting.forget()
            }
            settle(&state, now)
            return state.hasUrgentEffects
        }
        if mustDrain { drain() }
    }
}

extension SessionState {
    /// What a call returned, or why it did not, is known to everybody who waits for it.
    mutating func settle(_ result: PromisedResult, _ outcome: Result<Reference, any Error>, in session: Session?) {
        guard case .pending = result.state else { return }
        switch outcome {
        case .success(let reference):
            result.state = .known(reference)
            // From here on it is called by its own name.
            if let session, reference.target(in: session) != nil { finish(result) }
        case .failure(let error):
            result.state = .failed(error)
            finish(result)
        }
        if let settled = result.outcome { effects.append(.run { settled.fillIfEmpty(outcome) }) }
    }

    private mutating func finish(_ result: PromisedResult) {
        if let question = result.question, failure == nil { core.finish(question) }
        result.question = nil
    }

    /// Promises do not name the call any more.
    fileprivate mutating func letGo(of question: QuestionID, _ call: PendingCall, isNeeded: Bool) {
        guard !isNeeded, core.cancel(question) != nil else { return core.finish(question) }
        call.question = nil
        if questions.at(question.index) === call { questions[question.index] = nil }
    }
}
