// Promise pipelining: a call may be for what an earlier call of the same side will return. It is held until that is known, and so is every
// later call for the same target, because calls for one reference begin in the order in which they were made.

extension SessionCore {
    private enum Resolution {
        case ready(ReferenceID)
        case pending
        case failed(CallFailure)
    }

    /// Finds out whom the call is for and reports it, holds it, or answers that there is nobody.
    @inline(__always)
    mutating func resolve(
        _ call: inout IncomingCall, _ slot: Int, _ target: (id: UInt64, promise: Int?), _ raw: [FrameReader.RawReference],
        _ reader: FrameReader, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        guard target.promise == nil, held.isEmpty, raw.isEmpty || !raw.contains(where: { $0.tag == ReferenceTag.promise }) else {
            return try resolveSlowly(&call, target, raw, reader)
        }
        if !raw.isEmpty { call.references = try arrived(raw, reader) }
        guard try isCallable(target.id, reader) else {
            return fail(call, CallFailure(.noSuchReference, "\(ReferenceID(rawValue: target.id)) is not there", maybeExecuted: false))
        }
        call.target = ReferenceID(rawValue: target.id)
        events.append(.call(call))
        revealAgain(into: &events)
        if has(.callsTwice), counters.callsReceived % 16 == 0 { events.append(.call(call)) }
    }

    private mutating func resolveSlowly(
        _ call: inout IncomingCall, _ target: (id: UInt64, promise: Int?), _ raw: [FrameReader.RawReference], _ reader: FrameReader
    ) throws(ProtocolViolation) {
        var references: [HeldReference] = []
        let known = known(raw)
        for entry in raw {
            if entry.tag == ReferenceTag.promise {
                try checkPromise(entry.id, reader)
                references.append(.promise(entry.id, index: entry.index))
            } else {
                references.append(.known(try arrived(entry, reader)))
            }
        }
        var heldCall = HeldCall(call: call, target: .reference(ReferenceID(rawValue: target.id)), references: references)
        if let index = target.promise {
            try checkPromise(target.id, reader)
            heldCall.target = .promise(target.id, index: index)
        } else if try !isCallable(target.id, reader) {
            let failure = CallFailure(.noSuchReference, "\(ReferenceID(rawValue: target.id)) is not there", maybeExecuted: false)
            return refuseHeld(heldCall, failure)
        }
        conceal(references.compactMap { if case .known(let reference) = $0 { reference } else { nil } }, known: known)
        hold(&heldCall, reader)
        settle()
    }

    /// A promise must be of a call that was made.
    private func checkPromise(_ id: UInt64, _ reader: FrameReader) throws(ProtocolViolation) {
        guard id & 1 == peerParity else { throw reader.violation(.wrongParity, "a promise of \(id), which is an id of this side") }
        let slot = SlotID.slot(id, slotBits: SessionLimits.questionSlotBits)
        guard slot < answers.count, SlotID.generation(id, slotBits: SessionLimits.questionSlotBits) < answers[slot].nextGeneration else {
            throw reader.violation(.unknownQuestion, "a promise of call \(id), which was never made")
        }
    }

    /// Whether a call may be for this id: the root, or something that is hosted here.
    @inline(__always)
    private func isCallable(_ id: UInt64, _ reader: FrameReader) throws(ProtocolViolation) -> Bool {
        guard id != 0 else { return true }
        guard id & 1 == role.parity else { throw reader.violation(.wrongParity, "a call for \(id), which the caller itself hosts") }
        guard let slot = liveExport(id) else {
            try checkWasExported(id, reader)
            return false
        }
        guard exports[slot].kind == .service else { throw reader.violation(.wrongKind, "a call for \(id), which is a channel end") }
        return !exports[slot].isClosed
    }
}

// MARK: - Holding

extension SessionCore {
    private mutating func hold(_ heldCall: inout HeldCall, _ reader: FrameReader) {
        let bytes = heldCall.call.payload.copy(from: reader.bytes)
        guard heldBytes + bytes.count <= SessionLimits.heldBytes else {
            let failure = CallFailure(.overloaded, "\(heldBytes) bytes of calls wait for promises", maybeExecuted: false)
            return refuseHeld(heldCall, failure)
        }
        heldBytes += bytes.count
        heldCall.call.payload = Payload(bytes)
        markHeld(heldCall.call.id, true)
        held.append(heldCall)
        pinHeld(held.count - 1)
    }

    /// Holds what a held call names and this side hosts, once each.
    private mutating func pinHeld(_ index: Int) {
        var named: [ReferenceID] = held[index].references.compactMap { if case .known(let reference) = $0 { reference.id } else { nil } }
        if case .reference(let id) = held[index].target { named.append(id) }
        for id in named where id.rawValue & 1 == role.parity && !held[index].pins.contains(id) {
            guard let slot = liveExport(id.rawValue) else { continue }
            exports[slot].pins += 1
            held[index].pins.append(id)
        }
    }

    private mutating func unpinHeld(_ heldCall: HeldCall) {
        var events: [SessionEvent] = []
        for id in heldCall.pins {
            guard let slot = liveExport(id.rawValue) else { continue }
            exports[slot].pins -= 1
            freeExportIfUnused(id.rawValue, into: &events)
        }
        pendingEvents.append(contentsOf: events)
    }

    private mutating func markHeld(_ id: AnswerID, _ isHeld: Bool) {
        if id.isOneWay {
            oneWays[id.index - SessionLimits.questionSlots].isHeld = isHeld
        } else {
            answers[id.index].state = isHeld ? .held : .open
        }
    }

    /// A reply became known: what waited for it goes on, with the next pull of events.
    mutating func settleHeld(_ id: UInt64, _ references: [SessionReference], isFailure: Bool) {
        for index in held.indices {
            if case .promise(id, let place) = held[index].target, !isFailure, place < references.count, references[place].kind == .service {
                held[index].target = .reference(references[place].id)
            }
            for entry in held[index].references.indices {
                guard case .promise(id, let place) = held[index].references[entry] else { continue }
                held[index].references[entry] = .known(!isFailure && place < references.count ? references[place] : .null)
            }
            pinHeld(index)
        }
        settle()
    }

    /// Reports held calls that need not wait any more, and answers those that wait in vain.
    ///
    /// An answer may let others go on, which brings us here again from within. All of it is reported through ``pendingEvents``, so that it stays in order.
    private mutating func settle() {
        var index = 0
        while index < held.count {
            switch resolution(of: held[index].target) {
            case .pending: index += 1
            case .failed(let failure):
                let heldCall = takeHeld(index)
                refuseHeld(heldCall, failure)
                index = 0
            case .ready(let id):
                held[index].target = .reference(id)
                pinHeld(index)
                guard !isBehindAnother(index), let references = known(held[index].references) else {
                    index += 1
                    continue
                }
                let heldCall = takeHeld(index)
                var call = heldCall.call
                call.target = id
                call.references = references
                markHeld(call.id, false)
                var events: [SessionEvent] = [.call(call)]
                reveal(references, into: &events)
                pendingEvents.append(contentsOf: events)
                unpinHeld(heldCall)
                index = 0
            }
        }
    }

    private func resolution(of target: HeldTarget) -> Resolution {
        switch target {
        case .reference(.root): return .ready(.root)
        case .reference(let id):
            let isLive = kind(of: id) == .service && (liveExport(id.rawValue).map { !exports[$0].isClosed } ?? true)
            return isLive ? .ready(id) : .failed(CallFailure(.noSuchReference, "\(id) is not there any more", maybeExecuted: false))
        case .promise(let question, let index):
            guard let slot = openAnswer(question), answers[slot].keepsAnswer else {
                return .failed(CallFailure(.noSuchReference, "the reply that was to hold the target was not kept", maybeExecuted: false))
            }
            guard answers[slot].state == .kept else { return .pending }
            guard !answers[slot].isFailure else {
                return .failed(CallFailure(.brokenPromise, "the call that was to return the target failed", maybeExecuted: false))
            }
            guard index < answers[slot].references.count, answers[slot].references[index].kind == .service else {
                return .failed(CallFailure(.noSuchReference, "the reply has no service at \(index)", maybeExecuted: false))
            }
            return .ready(answers[slot].references[index].id)
        }
    }

    /// Whether an earlier call for the same target is held.
    private func isBehindAnother(_ index: Int) -> Bool {
        held[..<index].contains { $0.target == held[index].target }
    }

    /// The references of a held call when none of them is a promise any more.
    private func known(_ references: [HeldReference]) -> [SessionReference]? {
        var all: [SessionReference] = []
        for reference in references {
            switch reference {
            case .known(let reference): all.append(reference)
            case .promise(let question, let place):
                guard let slot = openAnswer(question), answers[slot].keepsAnswer else {
                    all.append(.null)
                    continue
                }
                guard answers[slot].state == .kept else { return nil }
                all.append(place < answers[slot].references.count ? answers[slot].references[place] : .null)
            }
        }
        return all
    }

    private mutating func takeHeld(_ index: Int) -> HeldCall {
        let heldCall = held.remove(at: index)
        heldBytes -= heldCall.call.payload.count
        return heldCall
    }

    /// A held call is called off or expires.
    mutating func dropHeld(_ id: AnswerID, _ failure: CallFailure) {
        guard let index = held.firstIndex(where: { $0.call.id == id }) else { return }
        refuseHeld(takeHeld(index), failure)
        settle()
    }

    private mutating func refuseHeld(_ heldCall: HeldCall, _ failure: CallFailure) {
        unpinHeld(heldCall)
        var call = heldCall.call
        call.references = heldCall.references.compactMap { if case .known(let reference) = $0 { reference } else { nil } }
        fail(call, failure)
    }

    /// Answers a call that was not reported.
    private mutating func fail(_ call: IncomingCall, _ failure: CallFailure) {
        giveBack(call.references)
        markHeld(call.id, false)
        if call.id.isOneWay {
            freeOneWaySlot(call.id.index - SessionLimits.questionSlots)
        } else {
            answer(call.id, failure: failure)
        }
    }
}
