import SkerryCSP
import SkerrySession
import SkerryWire

extension Session {
    /// Turns what the core has reported into effects. Under the lock; `packet` is what the events refer to.
    func translate(_ state: inout SessionState, _ packet: UnsafeRawBufferPointer, _ now: Moment) {
        // Handling an event may report further ones.
        var index = 0
        var mayAsk = false
        while index < state.events.count {
            let event = state.events[index]
            index += 1
            switch event {
            case .call(let call): receive(call, packet, &state)
            case .returned(let question, let outcome): receive(outcome, of: question, packet, &state)
            case .elements(let id, let block): receive(block, of: id, packet, &state)
            case .methodDefined(let definition): state.define(definition)
            case .cancelled(let answer, _): state.callOff(answer)
            case .callsPermitted: mayAsk = true
            case .writable(let id): if let pump = state.pump(of: id) { state.effects.append(.pump(pump)) }
            case .taken(let id): if let pump = state.pump(of: id) { state.effects.append(.taken(pump)) }
            case .closed(let id, let reason): state.closed(id, reason)
            case .released(let id): state.released(id)
            case .established: established(&state)
            case .linkLost(let reason): loseLink(&state, reason)
            case .goingAway: state.isGoingAway = true
            case .drained: state.core.close(CloseReason(code: 1, "drained"), now: now, into: &state.events)
            case .failed(let error): end(&state, error)
            case .working: break
            }
        }
        state.events.removeAll(keepingCapacity: true)
        // Last, because new calls take the places of those whose ends were just told.
        if mayAsk { askWaiting(&state, now) }
    }

    /// The session is over: calls that wait, proxies and exported objects end with it.
    private func end(_ state: inout SessionState, _ error: SessionError) {
        guard state.failure == nil else { return }
        let failure = CallError(error, maybeExecuted: true)
        state.failure = failure
        while let call = state.waiting.first(&state.effects) {
            state.waiting.removeFirst()
            state.fail(call, CallError(error, maybeExecuted: false))
        }
        for call in state.questions { if let call { state.fail(call, failure) } }
        state.questions = []
        for export in state.exports {
            switch export?.object {
            case .service(let target): state.effects.append(.drop(target))
            case .channel(let pump): state.effects.append(.end(pump, .lost(failure)))
            case nil: break
            }
        }
        for slot in state.imports { if let pump = slot?.pump { state.effects.append(.end(pump, .lost(failure))) } }
        state.exports = []
        state.exported = [:]
        for index in state.imports.indices { state.imports[index]?.pump = nil }
        for running in state.answers { if let task = running?.task { state.effects.append(.cancel(task)) } }
        let beginners = state.beginners
        state.beginners = []
        for continuation in beginners { state.effects.append(.run { continuation.resume(throwing: failure) }) }
        state.effects.append(.run { [self] in leave() })
        if let link = state.attachment?.link {
            // Where packets get lost, what is still to be said is said until it is confirmed.
            state.closesLinkWhenFinished = link.traits.delivery == .lossy
            if !state.closesLinkWhenFinished { state.effects.append(.run { link.close() }) }
        } else {
            state.tellWatchers()
        }
    }
}

extension SessionState {
    mutating func define(_ definition: MethodDefinition) {
        if definition.id.index < definitions.count {
            definitions[definition.id.index] = KnownMethod(definition: definition)
        } else {
            definitions.append(KnownMethod(definition: definition))
        }
    }

    mutating func callOff(_ id: AnswerID) {
        guard let running = answers.at(id.index), running.id == id else { return }
        if let task = running.task {
            effects.append(.cancel(task))
        } else {
            answers[id.index]?.isCancelled = true
        }
    }

    mutating func fail(_ call: PendingCall, _ error: CallError) {
        guard let continuation = call.continuation else {
            if let result = call.result { settle(result, .failure(error), in: nil) }
            return effects.append(.drop(call))
        }
        call.continuation = nil
        call.question = nil
        call.outcome = .error(error)
        effects.append(.ended(call, continuation))
    }

    /// The core has said its last word.
    mutating func closeLinkIfFinished() {
        guard closesLinkWhenFinished, core.isFinished else { return }
        closesLinkWhenFinished = false
        if let link = attachment?.link { effects.append(.run { link.close() }) }
    }

    mutating func tellWatchers() {
        for watcher in watchers { effects.append(.resume(watcher)) }
        watchers = []
    }

    /// What moves the elements of a channel, nil when it has none or the id is no channel's.
    func pump(of id: ReferenceID) -> (any ChannelPump)? {
        if id.isHosted(by: role) {
            guard let export = exports.at(id.index), export.id == id, case .channel(let pump) = export.object else { return nil }
            return pump
        }
        guard let slot = imports.at(id.index), slot.id == id else { return nil }
        return slot.pump
    }

    /// The peer closed a channel end. What this side hosts is looked up now, for the next event may say that it was released; what the
    /// peer hosts when the effect is done, for nobody may have looked at it yet.
    mutating func closed(_ id: ReferenceID, _ reason: CloseReason) {
        guard id.isHosted(by: role) else { return effects.append(.closed(id, reason)) }
        if let pump = pump(of: id) { effects.append(.end(pump, .closed(reason))) }
    }

    mutating func released(_ id: ReferenceID) {
        guard let export = exports.at(id.index), export.id == id else { return }
        exports[id.index] = nil
        exported[export.key] = nil
        switch export.object {
        case .service(let target): effects.append(.drop(target))
        case .channel(let pump): effects.append(.end(pump, .released))
        }
    }
}
