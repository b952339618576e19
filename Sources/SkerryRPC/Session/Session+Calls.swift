import SkerryCSP
import SkerryCodec
import SkerrySession

// Calls of this side.

extension Session {
    /// How the arguments of a method are written: in the binary format when the peer has confirmed that its shape is the same.
    func format(for method: MethodDescriptor) -> PayloadFormat {
        if isText { return .json }
        if confirmed.contains(method.slot) { return .bin }
        return state.withLock { state in
            guard let id = state.methodsBySlot.at(method.slot), state.core.isConfirmed(id) else { return .cbor }
            // For good: what the peer has confirmed holds as long as the session.
            confirmed.insert(method.slot)
            return .bin
        }
    }

    /// Calls what the peer hosts under `target`.
    @inline(__always)
    func call(_ target: ReferenceID, _ invocation: Invocation, _ promise: PromisedResult? = nil) async throws -> ServicePayload {
        try await wait(for: PendingCall(target, deadline: Call.budget, isOneWay: false, promise: promise), invocation)
    }

    /// Calls without a reply; returns when the core has taken the call.
    func send(_ target: ReferenceID, _ invocation: Invocation, _ promise: PromisedResult? = nil) async throws(CallError) {
        do {
            _ = try await wait(for: PendingCall(target, deadline: Call.budget, isOneWay: true, promise: promise), invocation)
        } catch let error as CallError {
            throw error
        } catch {
            throw CallError(.remote, "\(error)")
        }
    }

    @inline(__always)
    private func wait(for call: PendingCall, _ invocation: Invocation) async throws -> ServicePayload {
        guard call.deadline > .zero else { throw CallError(.timeout, "the deadline had passed before the call") }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in begin(call, invocation, continuation) }
        } onCancel: {
            cancel(call)
        }
    }

    /// - Parameter continuation: nil for a call whose result is used before it is there.
    func begin(_ call: PendingCall, _ invocation: Invocation, _ continuation: UnsafeContinuation<ServicePayload, any Error>?) {
        let now = options.clock.now
        let departure = state.withLock { state in
            call.continuation = continuation
            if call.isCancelled {
                state.fail(call, CallError(.cancelled, "the call was cancelled before it was made"))
            } else if state.failure != nil {
                failAgain(call, &state)
            } else if !state.waiting.isEmpty || !ask(call, invocation, &state, now) {
                enqueue(call, invocation, &state)
            }
            return departing(&state, now)
        }
        depart(departure)
    }

    /// The session was over before the call.
    private func failAgain(_ call: PendingCall, _ state: inout SessionState) {
        guard var failure = state.failure else { return }
        failure.maybeExecuted = false
        state.fail(call, failure)
    }

    private func enqueue(_ call: PendingCall, _ invocation: Invocation, _ state: inout SessionState) {
        guard state.waiting.count < options.callersWaiting else {
            return state.fail(call, CallError(.overloaded, "\(options.callersWaiting) calls wait for this session already"))
        }
        call.request = PendingCall.Request(invocation)
        state.waiting.append(call)
    }

    /// Gives the call to the core. False says that it has to wait.
    private func ask(_ call: PendingCall, _ invocation: Invocation, _ state: inout SessionState, _ now: Moment) -> Bool {
        if let failure = call.promise?.failure {
            state.fail(call, failure)
            return true
        }
        do throws(SessionError) {
            guard let target = call.destination(in: self) else { throw SessionError(.unknownReference, "the promise was not made") }
            let method = try state.method(invocation)
            var made: [ReferenceID] = []
            do throws(SessionError) {
                let references = try self.references(
                    invocation.payload, agreed: state.core.isConfirmed(method), mayPromise: true, &state, &made)
                try state.ask(call, invocation, target, method, references, now)
            } catch {
                // What was exported for this call did not cross.
                for id in made { state.withdraw(id) }
                throw error
            }
        } catch {
            if error.code == .mustWait { return false }
            state.fail(call, CallError(error, maybeExecuted: false))
        }
        return true
    }

    /// Calls are permitted again.
    func askWaiting(_ state: inout SessionState, _ now: Moment) {
        while let call = state.waiting.first(&state.effects), let request = call.request {
            guard ask(call, request.invocation, &state, now) else { return }
            state.waiting.removeFirst()
        }
    }

    /// The task of the call was cancelled: it goes on at once, and the callee is told.
    private func cancel(_ call: PendingCall) {
        perform { state, _ in
            guard !call.isCancelled else { return }
            if let question = call.question {
                // Nil: it has ended, and the effect that says so is on its way.
                guard let maybeExecuted = state.core.cancel(question) else { return }
                call.isCancelled = true
                if state.questions.at(question.index) === call { state.questions[question.index] = nil }
                state.fail(call, CallError(.cancelled, "the call was cancelled", maybeExecuted: maybeExecuted))
            } else {
                call.isCancelled = true
                guard call.continuation != nil else { return }
                state.waiting.forget()
                state.fail(call, CallError(.cancelled, "the call was cancelled before it was sent"))
            }
        }
    }

    /// A call has ended.
    func receive(_ outcome: Outcome, of question: QuestionID, _ packet: UnsafeRawBufferPointer, _ state: inout SessionState) {
        // References are claimed even when nobody waits any more: letting go of them gives them back.
        let payload = ServicePayload(
            format: outcome.format, bytes: outcome.payload.copy(from: packet),
            references: outcome.references.isEmpty
                ? [] : claim(outcome.references, format: outcome.format == .bin ? .bin : .cbor, &state))
        guard let call = state.questions.at(question.index), call.question == question else {
            for object in payload.references { state.effects.append(.drop(object)) }
            return
        }
        state.questions[question.index] = nil
        call.question = nil
        guard let continuation = call.continuation else {
            if let result = call.result { receive(outcome, payload, for: result, &state) }
            return state.effects.append(.drop(call))
        }
        call.continuation = nil
        if let failure = outcome.failure {
            if failure.code == .peerLost, state.isClosedHere {
                call.outcome = .error(CallError(.closed, "the session was closed", maybeExecuted: failure.maybeExecuted))
            } else {
                call.outcome = .failure(failure, payload)
            }
        } else {
            call.outcome = .value(payload)
        }
        state.callersExpected += 1
        state.effects.append(.ended(call, continuation))
    }
}

extension SessionState {
    /// An effect that nobody else will come by to do.
    var hasUrgentEffects: Bool { !effects.isEmpty && !isDraining }

    mutating func method(_ invocation: Invocation) throws(SessionError) -> MethodID {
        guard let descriptor = invocation.descriptor, descriptor.digest.rawValue == invocation.digest else {
            return try method(MethodKey(digest: invocation.digest, name: invocation.method))
        }
        if let id = methodsBySlot.at(descriptor.slot) { return id }
        let id = try method(MethodKey(digest: invocation.digest, name: invocation.method))
        methodsBySlot.place(id, at: descriptor.slot)
        return id
    }

    private mutating func method(_ key: MethodKey) throws(SessionError) -> MethodID {
        if let id = methods[key] { return id }
        let id = try core.method(key.name, digest: key.digest)
        methods[key] = id
        return id
    }

    mutating func ask(
        _ call: PendingCall, _ invocation: Invocation, _ target: CallTarget, _ method: MethodID, _ references: [SessionReference],
        _ now: Moment
    ) throws(SessionError) {
        var options: CallOptions = invocation.options.contains(.idempotent) ? .idempotent : []
        if call.result != nil { options.insert(.keepsAnswer) }
        let format = invocation.payload.format
        let request = invocation.requestID
        let question = try invocation.payload.bytes.withUnsafeBufferPointer { (bytes) throws(SessionError) -> QuestionID? in
            let payload = UnsafeRawBufferPointer(bytes)
            if call.isOneWay {
                try core.callOneWay(
                    target, method: method, payload: payload, format: format, references: references,
                    deadline: call.deadline, options: options, request: request, now: now)
                return nil
            }
            return try core.call(
                target, method: method, payload: payload, format: format, references: references,
                deadline: call.deadline, options: options, request: request, now: now)
        }
        if let question {
            call.question = question
            call.result?.question = question
            questions.place(call, at: question.index)
        } else if let continuation = call.continuation {
            call.promise?.noteOneWay()
            call.continuation = nil
            call.outcome = .value(ServicePayload(format: .none, bytes: []))
            effects.append(.ended(call, continuation))
        }
    }

    /// Takes an export back that did not cross.
    mutating func withdraw(_ id: ReferenceID) {
        guard core.withdraw(id) else { return }
        released(id)
    }
}
