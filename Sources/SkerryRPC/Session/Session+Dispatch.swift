import SkerryCSP
import SkerryCodec
import SkerrySession

// Calls of the peer.

extension Session {
    /// A call came: finds the object and queues the start of its handler. Under the lock.
    func receive(_ call: IncomingCall, _ packet: UnsafeRawBufferPointer, _ state: inout SessionState) {
        guard call.method.index < state.definitions.count, let target = state.target(of: call.target) else {
            for object in claim(call.references, format: .cbor, &state) { state.effects.append(.drop(object)) }
            let failure = CallFailure(.noSuchReference, "\(call.target) is not here", maybeExecuted: false)
            return state.core.answer(call.id, failure: failure)
        }
        let definition = state.definitions[call.method.index]
        let descriptor = target.descriptor(of: definition.name)
        let isAgreed = descriptor.map { $0.digest.rawValue == definition.digest } ?? false
        let replyFormat: PayloadFormat = call.format == .json ? .json : isAgreed ? .bin : .cbor
        let payload = ServicePayload(
            format: call.format, bytes: call.payload.copy(from: packet),
            references: call.references.isEmpty ? [] : claim(call.references, format: replyFormat, &state))
        var options = descriptor?.options ?? []
        if call.options.contains(.oneWay) { options.insert(.oneWay) }
        if call.options.contains(.idempotent) { options.insert(.idempotent) }
        let invocation = Invocation(
            method: definition.name, digest: definition.digest, options: options, payload: payload, replyFormat: replyFormat,
            requestID: call.request)
        state.answers.place(SessionState.RunningAnswer(id: call.id), at: call.id.index)
        state.effects.append(
            .call(
                InboundCall(
                    id: call.id, target: target, invocation: invocation, descriptor: descriptor, isAgreed: isAgreed, deadline: call.deadline
                )))
    }

    /// Starts the handler of a call. It runs here up to its first suspension, unless its method is marked to run elsewhere.
    func start(_ call: InboundCall) -> Task<Void, Never> {
        if call.invocation.options.contains(.offload) {
            return Task { await answer(call) }
        }
        return Task.immediate { await answer(call) }
    }

    /// Keeps the tasks of handlers that have not ended, so that they can be cancelled.
    func keep(_ started: [(AnswerID, Task<Void, Never>)]) {
        var cancelled: [Task<Void, Never>] = []
        state.withLock { state in
            for (id, task) in started {
                guard let running = state.answers.at(id.index), running.id == id else { continue }
                if running.isCancelled { cancelled.append(task) }
                state.answers[id.index]?.task = task
            }
        }
        for task in cancelled { task.cancel() }
    }

    private func answer(_ call: InboundCall) async {
        let scope = CallScope(deadline: call.deadline, clock: options.clock, session: self)
        do {
            let reply = try await Call.$scope.withValue(scope) { try await execute(call) }
            answer(call, value: reply)
        } catch let failure as DeclaredFailure {
            answer(call, failure: CallFailure(.typed, failure.name), failure.payload)
        } catch {
            var error = error as? CallError ?? CallError(.cancelled, "the callee was cancelled", maybeExecuted: true)
            // The callee's clock may be the first to notice; what happened is the same as when the caller's is.
            if error.code == .cancelled, call.deadline <= options.clock.now { error.code = .timeout }
            let payload = try? ServicePayload(error.detail, call.invocation.replyFormat == .json ? .json : .cbor)
            answer(call, failure: error.failure, payload ?? ServicePayload(format: .none, bytes: []))
        }
    }

    private func execute(_ call: InboundCall) async throws -> ServicePayload {
        let target = call.target
        if options.interceptors.isEmpty, call.invocation.requestID == nil { return try await target.perform(call.invocation) }
        return try await options.replies.once(call.invocation, from: peerKey ?? []) { invocation in
            try await options.interceptors.perform(invocation) { try await target.perform($0) }
        }
    }

    private func answer(_ call: InboundCall, value: ServicePayload) {
        finish(call) { state in
            var made: [ReferenceID] = []
            do throws(SessionError) {
                let references = try self.references(value, agreed: call.isAgreed, &state, &made)
                value.bytes.withUnsafeBytes {
                    state.core.answer(call.id, value: $0, format: value.format, references: references, confirmsDigest: call.isAgreed)
                }
            } catch {
                for id in made { state.withdraw(id) }
                state.core.answer(call.id, failure: CallFailure(.overloaded, error.message))
            }
        }
    }

    private func answer(_ call: InboundCall, failure: CallFailure, _ payload: ServicePayload) {
        finish(call) { state in
            payload.bytes.withUnsafeBytes {
                state.core.answer(call.id, failure: failure, payload: $0, format: payload.format, confirmsDigest: call.isAgreed)
            }
        }
    }

    private func finish(_ call: InboundCall, _ body: (inout SessionState) -> Void) {
        let now = options.clock.now
        let mustDrain = state.withLock { state in
            if let running = state.answers.at(call.id.index), running.id == call.id { state.answers[call.id.index] = nil }
            body(&state)
            settle(&state, now)
            return state.hasUrgentEffects
        }
        if mustDrain { drain() }
    }
}

extension SessionState {
    /// What the peer calls by this id.
    func target(of id: ReferenceID) -> (any ReferenceTarget)? {
        if id == .root { return root }
        if id.isHosted(by: role) {
            guard let export = exports.at(id.index), export.id == id, case .service(let target) = export.object else { return nil }
            return target
        }
        // A promise of the peer turned out to be an object of its own.
        guard let slot = imports.at(id.index), slot.id == id else { return nil }
        return slot.object as? RemoteTarget
    }
}
