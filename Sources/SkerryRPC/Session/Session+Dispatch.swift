import SkerryCSP
import SkerryCodec
import SkerrySession
import SkerryWire

// Calls of the peer.

extension Session {
    /// A call came: finds the object and queues the start of its handler. Under the lock.
    func receive(_ call: IncomingCall, _ packet: UnsafeRawBufferPointer, _ state: inout SessionState) {
        guard call.method.index < state.definitions.count, let target = state.target(of: call.target) ?? borrowed(call.target, &state)
        else {
            for object in claim(call.references, format: .cbor, &state) { state.effects.append(.drop(object)) }
            let failure = CallFailure(.noSuchReference, "\(call.target) is not here", maybeExecuted: false)
            return state.core.answer(call.id, failure: failure)
        }
        let definition = state.definitions[call.method.index].definition
        let descriptor = state.descriptor(of: call.method.index, at: target)
        let isAgreed = descriptor.map { $0.digest.rawValue == definition.digest } ?? false
        let replyFormat: PayloadFormat = call.format == .json ? .json : isAgreed ? .bin : .cbor
        let payload = ServicePayload(
            format: call.format, bytes: call.payload.copy(from: packet),
            references: call.references.isEmpty ? [] : claim(call.references, format: replyFormat, &state))
        var options = descriptor?.options ?? []
        if call.options.contains(.oneWay) { options.insert(.oneWay) }
        if call.options.contains(.idempotent) { options.insert(.idempotent) }
        let invocation = Invocation(
            of: isAgreed ? descriptor : nil, method: definition.name, digest: definition.digest, options: options, payload: payload,
            replyFormat: replyFormat, requestID: call.request)
        state.answers.place(SessionState.RunningAnswer(id: call.id), at: call.id.index)
        state.effects.append(
            .call(InboundCall(id: call.id, target: target, invocation: invocation, isAgreed: isAgreed, deadline: call.deadline)))
    }

    /// Starts the handlers of calls, in their order. They run here up to their first suspension, unless their method is marked to run elsewhere.
    ///
    /// Of many calls the replies to the first half leave before the others are begun, so that the peer does not stand idle meanwhile.
    func start(_ calls: inout [InboundCall]) {
        let half = calls.count >= 2 * Self.callsPerWrite ? (calls.count + 1) / 2 : calls.count
        start(calls[..<half])
        if half < calls.count {
            flush()
            start(calls[half...])
        }
        // Not its room: runs may hold that yet.
        calls = []
    }

    /// So many replies are worth a write of their own.
    private static let callsPerWrite = 24

    private func start(_ calls: ArraySlice<InboundCall>) {
        var rest = calls
        while let first = rest.first {
            if first.isOffloaded {
                rest.removeFirst()
                settle([], [(first.id, Task { finish(first, await answer(first)) })])
                continue
            }
            let run = HandlerRun(rest.prefix { !$0.isOffloaded })
            rest.removeFirst(run.count)
            run.start(in: self)
            settle(run.answered, run.running)
        }
    }

    /// Gives the replies of handlers that answered at once to the core, and keeps the tasks of the others, so that they can be cancelled.
    private func settle(_ answered: [(InboundCall, InboundCall.Reply)], _ running: [(AnswerID, Task<Void, Never>)]) {
        var cancelled: [Task<Void, Never>] = []
        let now = options.clock.now
        state.withLock { state in
            for (call, reply) in answered { answer(call, reply, &state) }
            for (id, task) in running {
                guard let entry = state.answers.at(id.index), entry.id == id else { continue }
                if entry.isCancelled { cancelled.append(task) }
                state.answers[id.index]?.task = task
            }
            settle(&state, now)
        }
        for task in cancelled { task.cancel() }
    }

    /// What was answered leaves now, if this is the loop of the link.
    private func flush() {
        state.withLock { $0.attachment?.link }?.flush()
    }

    /// Runs the handler of a call.
    @inline(__always)
    func answer(_ call: InboundCall) async -> InboundCall.Reply {
        do {
            return .value(
                try await Call.$scope.withValue(CallScope(deadline: call.deadline, clock: options.clock, session: self)) {
                    try await execute(call)
                })
        } catch {
            return reply(to: call, error)
        }
    }

    private func reply(to call: InboundCall, _ error: any Error) -> InboundCall.Reply {
        if let failure = error as? DeclaredFailure { return .failure(CallFailure(.typed, failure.name), failure.payload) }
        var error = error as? CallError ?? CallError(.cancelled, "the callee was cancelled", maybeExecuted: true)
        // The callee's clock may be the first to notice; what happened is the same as when the caller's is.
        if error.code == .cancelled, call.deadline <= options.clock.now { error.code = .timeout }
        let payload = try? ServicePayload(error.detail, call.invocation.replyFormat == .json ? .json : .cbor)
        return .failure(error.failure, payload ?? ServicePayload(format: .none, bytes: []))
    }

    @inline(__always)
    private func execute(_ call: InboundCall) async throws -> ServicePayload {
        let target = call.target
        if options.interceptors.isEmpty, call.invocation.requestID == nil { return try await target.perform(call.invocation) }
        return try await options.replies.once(call.invocation, from: peerKey ?? []) { invocation in
            try await options.interceptors.perform(invocation) { try await target.perform($0) }
        }
    }

    /// Gives the reply of a handler that had suspended to the core.
    func finish(_ call: InboundCall, _ reply: InboundCall.Reply) {
        let now = options.clock.now
        let mustDrain = state.withLock { state in
            answer(call, reply, &state)
            settle(&state, now)
            return state.hasUrgentEffects
        }
        if mustDrain { drain() }
    }

    private func answer(_ call: InboundCall, _ reply: InboundCall.Reply, _ state: inout SessionState) {
        if let running = state.answers.at(call.id.index), running.id == call.id { state.answers[call.id.index] = nil }
        switch reply {
        case .value(let value):
            answer(call, value, &state)
        case .failure(let failure, let payload):
            payload.bytes.withUnsafeBytes {
                state.core.answer(call.id, failure: failure, payload: $0, format: payload.format, confirmsDigest: call.isAgreed)
            }
        }
    }

    private func answer(_ call: InboundCall, _ value: ServicePayload, _ state: inout SessionState) {
        var made: [ReferenceID] = []
        do throws(SessionError) {
            let references = try self.references(value, agreed: call.isAgreed, &state, &made)
            value.bytes.withUnsafeBytes {
                state.core.answer(call.id, value: $0, format: value.format, references: references, confirmsDigest: call.isAgreed)
            }
        } catch {
            for id in made { state.withdraw(id) }
            // Of a session that is over the caller hears by its end.
            if error.code == .closed { return }
            state.core.answer(call.id, failure: CallFailure(.overloaded, error.message))
        }
    }
}

extension SessionState {
    /// What the method of this number is to `target`.
    mutating func descriptor(of index: Int, at target: any ReferenceTarget) -> MethodDescriptor? {
        let name = definitions[index].definition.name
        guard let table = target.table else { return target.descriptor(of: name) }
        if definitions[index].table !== table {
            definitions[index].table = table
            definitions[index].descriptor = table[name]
        }
        return definitions[index].descriptor
    }

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
