// Calls of the peer: answers.

extension SessionCore {
    /// Answers with a result. One-way calls are answered too, when their handler has ended, with nothing.
    ///
    /// A result that does not fit a frame, or refers to what this session does not know, is answered as a failure that says so.
    /// An id that is not open (any more) is ignored: the session may have ended meanwhile.
    ///
    /// - Parameters:
    ///   - payload: the result, encoded as `format`; copied.
    ///   - references: what the result refers to by index; those of this side are thereby introduced.
    ///   - confirmsDigest: this side's digest of the method equals that of its definition, so that the caller may send `.bin`.
    public mutating func answer(
        _ id: AnswerID, value payload: UnsafeRawBufferPointer, format: PayloadFormat, references: [SessionReference] = [],
        confirmsDigest: Bool = false
    ) {
        guard !id.isOneWay else { return oneWayEnded(id) }
        guard let slot = openAnswer(id.rawValue), answers[slot].state == .open else { return }
        if let failure = refusal(payload, format, references) {
            return answer(slot, failure, UnsafeRawBufferPointer(start: nil, count: 0), .none, [], confirmsDigest)
        }
        answer(slot, nil, payload, format, references, confirmsDigest)
    }

    /// Answers with a failure, which may carry a value (a typed error, say).
    public mutating func answer(
        _ id: AnswerID, failure: CallFailure, payload: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        format: PayloadFormat = .none, references: [SessionReference] = [], confirmsDigest: Bool = false
    ) {
        guard !id.isOneWay else { return oneWayEnded(id) }
        guard let slot = openAnswer(id.rawValue), answers[slot].state == .open else { return }
        if refusal(payload, format, references) != nil {
            return answer(slot, failure, UnsafeRawBufferPointer(start: nil, count: 0), .none, [], confirmsDigest)
        }
        answer(slot, failure, payload, format, references, confirmsDigest)
    }

    /// Says unasked that the call is being worked on. Questions of the peer about it are answered by the core itself.
    public mutating func working(_ id: AnswerID) {
        guard !id.isOneWay, let slot = openAnswer(id.rawValue), answers[slot].state == .open || answers[slot].state == .held,
            urgent.count < SessionLimits.messageQueueMaximum
        else { return }
        writer.begin(.working)
        writer.integer(id.rawValue)
        writer.end()
        queueUrgent()
    }

    /// Why a reply cannot be sent as it is.
    private func refusal(_ payload: UnsafeRawBufferPointer, _ format: PayloadFormat, _ references: [SessionReference]) -> CallFailure? {
        guard messages.count < SessionLimits.replyQueueMaximum else {
            return CallFailure(.overloaded, "\(messages.count) bytes of replies wait for the caller to read them")
        }
        do throws(SessionError) {
            guard !references.contains(where: { $0.promise != nil }) else {
                throw SessionError(.unknownReference, "a reply holds no promises")
            }
            try checkValue(payload, format, references)
            return nil
        } catch {
            return CallFailure(error.code == .tooLarge ? .resultTooLarge : .remote, error.message)
        }
    }

    @inline(__always)
    private mutating func answer(
        _ slot: Int, _ failure: CallFailure?, _ payload: UnsafeRawBufferPointer, _ format: PayloadFormat, _ references: [SessionReference],
        _ confirmsDigest: Bool
    ) {
        answerTimers.clear(slot)
        queueReturn(answers[slot].id, failure, payload, format, references, confirmsDigest)
        guard answers[slot].keepsAnswer, !answers[slot].isFinished else { return freeAnswer(slot, references, isFailure: failure != nil) }
        keep(slot, references, isFailure: failure != nil)
    }

    mutating func queueReturn(
        _ id: UInt64, _ failure: CallFailure?, _ payload: UnsafeRawBufferPointer, _ format: PayloadFormat, _ references: [SessionReference],
        _ confirmsDigest: Bool
    ) {
        var flags: UInt64 = confirmsDigest ? ReturnFlag.confirmsDigest : 0
        if !references.isEmpty { flags |= ReturnFlag.hasReferences }
        if let failure {
            flags |= ReturnFlag.isFailure | (failure.maybeExecuted ? 0 : ReturnFlag.notExecuted)
            writer.beginFailure()
            writer.integer(id)
            writer.integer(isText ? flags & ReturnFlag.text : flags)
            writeFailure(failure)
        } else {
            writer.begin(.return)
            writer.integer(id)
            writer.integer(isText ? flags & ReturnFlag.text : flags)
        }
        if !isText { writer.integer(UInt64(format.rawValue)) }
        writer.references(references)
        queueValue(payload)
        if !references.isEmpty { introduce(references, isMessage: true) }
    }

    private mutating func writeFailure(_ failure: CallFailure) {
        if isText {
            writer.text(failure.code.description, maximum: 64)
        } else {
            writer.integer(UInt64(failure.code.rawValue))
        }
        writer.text(failure.message, maximum: SessionLimits.messageMaximum)
        let milliseconds = UInt64(max(0, (failure.retryAfter?.nanoseconds ?? 0) / 1_000_000))
        if milliseconds == 0, isText { writer.absent() } else { writer.integer(milliseconds) }
    }
}

// MARK: - Slots

extension SessionCore {
    /// The slot of a call of the peer that is not free, by its id.
    @inline(__always)
    func openAnswer(_ id: UInt64) -> Int? {
        let slot = SlotID.slot(id, slotBits: SessionLimits.questionSlotBits)
        guard slot < answers.count, answers[slot].id == id, answers[slot].state != .free else { return nil }
        return slot
    }

    @inline(__always)
    private mutating func freeAnswer(_ slot: Int, _ references: [SessionReference], isFailure: Bool) {
        let id = answers[slot].id
        answers[slot].state = .free
        openAnswers -= 1
        if !held.isEmpty { settleHeld(id, references, isFailure: isFailure) }
    }

    /// The reply stays, because promises may name it.
    private mutating func keep(_ slot: Int, _ references: [SessionReference], isFailure: Bool) {
        answers[slot].state = .kept
        answers[slot].references = references
        answers[slot].isFailure = isFailure
        for reference in references { pin(reference, by: 1) }
        if !held.isEmpty { settleHeld(answers[slot].id, references, isFailure: isFailure) }
    }

    private mutating func forget(_ slot: Int, into events: inout [SessionEvent]) {
        for reference in answers[slot].references { pin(reference, by: -1) }
        let references = answers[slot].references
        answers[slot].references = []
        answers[slot].state = .free
        openAnswers -= 1
        for reference in references where reference.kind != .null && reference.id.rawValue & 1 == role.parity {
            freeExportIfUnused(reference.id.rawValue, into: &events)
        }
    }

    private mutating func oneWayEnded(_ id: AnswerID) {
        let slot = id.index - SessionLimits.questionSlots
        guard slot < oneWays.count, oneWays[slot].id == id.rawValue, oneWays[slot].isOpen, !oneWays[slot].isHeld else { return }
        freeOneWaySlot(slot)
    }

    mutating func freeOneWaySlot(_ slot: Int) {
        answerTimers.clear(slot + SessionLimits.questionSlots)
        oneWays[slot].isOpen = false
        oneWays[slot].isHeld = false
        oneWays[slot].nextFree = freeOneWay
        freeOneWay = slot
        openOneWays -= 1
        oneWaysEnded += 1
        guard oneWaysEnded >= SessionLimits.oneWayCalls / 4 || openOneWays == 0 && isGoingAway else { return }
        queueDone()
    }

    /// Tells how many one-way calls have ended since it was told last.
    mutating func queueDone() {
        guard oneWaysEnded > 0 else { return }
        writer.begin(.done)
        writer.integer(UInt64(oneWaysEnded))
        writer.end()
        queueUrgent()
        oneWaysEnded = 0
    }

    private mutating func takeOneWay() -> UInt64 {
        let slot: Int
        if freeOneWay >= 0 {
            slot = freeOneWay
            freeOneWay = oneWays[slot].nextFree
            oneWays[slot].generation += 1
        } else {
            slot = oneWays.count
            oneWays.append(OneWay())
        }
        oneWays[slot].isOpen = true
        oneWays[slot].id =
            1 << 63
            | SlotID.make(slot: slot, generation: oneWays[slot].generation, slotBits: SessionLimits.questionSlotBits, parity: 0)
        openOneWays += 1
        return oneWays[slot].id
    }
}

// MARK: - CALL

extension SessionCore {
    @inline(__always)
    mutating func receiveCall(
        _ reader: inout FrameReader, _ header: PacketHeader, isVoid: Bool, now: Moment, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        let id = try reader.identifier()
        let flags = try reader.integer()
        guard flags & ~CallFlag.all == 0 else { throw reader.malformed("flags \(flags)") }
        let target = try reader.target()
        let method = try receiveMethod(&reader, flags, into: &events)
        let deadline = try receiveDeadline(&reader, flags, now: now)
        let request = try receiveRequest(&reader, flags)
        let format = isText ? .json : try receiveFormat(&reader)
        let raw = try reader.references(isPresent: flags & CallFlag.hasReferences != 0)
        let payload = try reader.payload()
        try reader.endFrame()

        counters.callsReceived += 1
        let isOneWay = flags & CallFlag.oneWay != 0
        guard isOneWay == (id == 0) else { throw reader.malformed("call \(id) with flags \(flags)") }
        var call = IncomingCall(
            id: AnswerID(rawValue: id), target: .root, method: method, options: CallOptions(rawValue: UInt8(flags & CallFlag.options)),
            format: format, deadline: deadline, request: request, payload: payload, references: [])
        if isVoid { return try receiveVoid(id, raw, reader) }
        let slot = isOneWay ? try beginOneWay(&call, reader) : try beginAnswer(&call, header, raw, reader)
        guard slot >= 0 else { return }
        if deadline != .distantFuture { answerTimers.set(slot, at: deadline) }
        if call.options.contains(.acknowledged), !isOneWay { working(call.id) }
        try resolve(&call, slot, target, raw, reader, into: &events)
    }

    @inline(__always)
    private mutating func receiveMethod(
        _ reader: inout FrameReader, _ flags: UInt64, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) -> IncomingMethodID {
        guard !isText else { return try receiveName(&reader, into: &events) }
        let index = try reader.integer()
        if flags & CallFlag.definesMethod != 0 {
            try receiveDefinition(&reader, index, into: &events)
        } else {
            guard index < UInt64(incomingMethods) else { throw reader.violation(.unknownMethod, "method \(index) was not defined") }
        }
        return IncomingMethodID(index: Int(truncatingIfNeeded: index))
    }

    private mutating func receiveDefinition(
        _ reader: inout FrameReader, _ index: UInt64, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        guard index == UInt64(incomingMethods) else {
            throw reader.violation(.unknownMethod, "method \(index) is defined, \(incomingMethods) is next")
        }
        let name = try reader.text(maximum: SessionLimits.methodNameMaximum)
        let digest = try reader.word64()
        try define(name, digest, reader, into: &events)
    }

    private mutating func receiveName(_ reader: inout FrameReader, into events: inout [SessionEvent]) throws(ProtocolViolation)
        -> IncomingMethodID
    {
        let name = try reader.text(maximum: SessionLimits.methodNameMaximum)
        if let index = incomingNames[name] { return IncomingMethodID(index: index) }
        incomingNames[name] = incomingMethods
        try define(name, 0, reader, into: &events)
        return IncomingMethodID(index: incomingMethods - 1)
    }

    private mutating func define(
        _ name: String, _ digest: UInt64, _ reader: FrameReader, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        guard !name.isEmpty else { throw reader.malformed("a method without a name") }
        guard incomingMethods < SessionLimits.methods else {
            throw reader.violation(.tooManyMethods, "more than \(SessionLimits.methods) methods")
        }
        events.append(.methodDefined(MethodDefinition(id: IncomingMethodID(index: incomingMethods), name: name, digest: digest)))
        incomingMethods += 1
    }

    @inline(__always)
    private func receiveDeadline(_ reader: inout FrameReader, _ flags: UInt64, now: Moment) throws(ProtocolViolation) -> Moment {
        if isText {
            guard try !reader.isAbsent() else { return .distantFuture }
        } else {
            guard flags & CallFlag.hasDeadline != 0 else { return .distantFuture }
        }
        let milliseconds = try reader.natural(below: 1 << 40, "a deadline")
        return now + .milliseconds(milliseconds)
    }

    @inline(__always)
    private func receiveRequest(_ reader: inout FrameReader, _ flags: UInt64) throws(ProtocolViolation) -> RequestID? {
        if isText {
            guard try !reader.isAbsent() else { return nil }
        } else {
            guard flags & CallFlag.hasRequest != 0 else { return nil }
        }
        let bytes = try reader.fixed(16)
        return RequestID(high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }, low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// Gives the call its place; -1 when it was refused.
    @inline(__always)
    private mutating func beginAnswer(
        _ call: inout IncomingCall, _ header: PacketHeader, _ raw: [FrameReader.RawReference], _ reader: FrameReader
    ) throws(ProtocolViolation) -> Int {
        let id = call.id.rawValue
        let slot = try takeAnswerID(id, reader)
        if openAnswers >= configuration.callsInFlight || isGoingAway && header.acknowledged >= goAwaySequence {
            try refuse(id, raw, reader)
            return -1
        }
        answers[slot].id = id
        answers[slot].state = .open
        answers[slot].keepsAnswer = call.options.contains(.keepsAnswer)
        answers[slot].isFinished = false
        answers[slot].isCancelled = false
        openAnswers += 1
        return slot
    }

    /// The place of a call's id, which must be free and the id new.
    @inline(__always)
    private mutating func takeAnswerID(_ id: UInt64, _ reader: FrameReader) throws(ProtocolViolation) -> Int {
        guard id & 1 == peerParity else { throw reader.violation(.wrongParity, "a call with \(id), which is an id of this side") }
        let slot = SlotID.slot(id, slotBits: SessionLimits.questionSlotBits)
        let generation = SlotID.generation(id, slotBits: SessionLimits.questionSlotBits)
        guard slot > 0 else { throw reader.violation(.slotOutOfRange, "call \(id) has place 0") }
        if slot >= answers.count { answers.append(contentsOf: repeatElement(Answer(), count: slot + 1 - answers.count)) }
        guard answers[slot].state == .free, generation >= answers[slot].nextGeneration else {
            throw reader.violation(.idReused, "call \(id) comes twice")
        }
        answers[slot].nextGeneration = generation + 1
        return slot
    }

    /// A call that was called off before it left: its id is used, its method is defined, its references have come, and that is all.
    private mutating func receiveVoid(_ id: UInt64, _ raw: [FrameReader.RawReference], _ reader: FrameReader) throws(ProtocolViolation) {
        guard id != 0 else { throw reader.malformed("a one-way call that was called off") }
        _ = try takeAnswerID(id, reader)
        giveBack(try arrived(raw.filter { $0.tag != ReferenceTag.promise }, reader))
    }

    private mutating func refuse(_ id: UInt64, _ raw: [FrameReader.RawReference], _ reader: FrameReader) throws(ProtocolViolation) {
        refusalsQueued += 1
        guard refusalsQueued <= SessionLimits.refusalsWaiting else {
            throw reader.violation(.callFlood, "\(refusalsQueued) refused calls wait for the caller to read")
        }
        counters.callsRefused += 1
        giveBack(try arrived(raw.filter { $0.tag != ReferenceTag.promise }, reader))
        let failure =
            openAnswers >= configuration.callsInFlight
            ? CallFailure(.overloaded, "\(configuration.callsInFlight) calls are under way", maybeExecuted: false)
            : CallFailure(.goingAway, "this side takes no more calls", maybeExecuted: false)
        queueReturn(id, failure, UnsafeRawBufferPointer(start: nil, count: 0), .none, [], false)
    }

    private mutating func beginOneWay(_ call: inout IncomingCall, _ reader: FrameReader) throws(ProtocolViolation) -> Int {
        guard openOneWays + oneWaysEnded < SessionLimits.oneWayCalls else {
            throw reader.violation(.callFlood, "more than \(SessionLimits.oneWayCalls) one-way calls are under way")
        }
        call.id = AnswerID(rawValue: takeOneWay())
        return call.id.index
    }
}

// MARK: - CANCEL, FINISH, PROBE

extension SessionCore {
    mutating func receiveCancel(_ reader: inout FrameReader, into events: inout [SessionEvent]) throws(ProtocolViolation) {
        let id = try reader.identifier()
        try reader.endFrame()
        guard let slot = openAnswer(id) else { return try checkWasCalled(id, reader) }
        switch answers[slot].state {
        case .open:
            guard !answers[slot].isCancelled else { return }
            answers[slot].isCancelled = true
            events.append(.cancelled(AnswerID(rawValue: id), .caller))
        case .held: dropHeld(AnswerID(rawValue: id), CallFailure(.cancelled, "called off", maybeExecuted: false))
        case .kept, .free: break
        }
    }

    mutating func receiveFinish(_ reader: inout FrameReader, into events: inout [SessionEvent]) throws(ProtocolViolation) {
        let id = try reader.identifier()
        try reader.endFrame()
        guard let slot = openAnswer(id) else { return try checkWasCalled(id, reader) }
        guard answers[slot].keepsAnswer, !answers[slot].isFinished else {
            throw reader.violation(.unknownQuestion, "the reply of \(id) is not kept")
        }
        answers[slot].isFinished = true
        if answers[slot].state == .kept { forget(slot, into: &events) }
    }

    mutating func receiveProbe(_ reader: inout FrameReader) throws(ProtocolViolation) {
        let id = try reader.identifier()
        try reader.endFrame()
        guard openAnswer(id) != nil else { return try checkWasCalled(id, reader) }
        working(AnswerID(rawValue: id))
    }

    /// These frames may cross the reply, but the call must have been.
    private func checkWasCalled(_ id: UInt64, _ reader: FrameReader) throws(ProtocolViolation) {
        guard id & 1 == peerParity else { throw reader.violation(.wrongParity, "\(id) is an id of this side") }
        let slot = SlotID.slot(id, slotBits: SessionLimits.questionSlotBits)
        guard slot < answers.count, SlotID.generation(id, slotBits: SessionLimits.questionSlotBits) < answers[slot].nextGeneration else {
            throw reader.violation(.unknownQuestion, "call \(id) was never made")
        }
    }

    /// The deadline of a call of the peer has passed.
    mutating func answerExpired(_ index: Int, into events: inout [SessionEvent]) {
        let failure = CallFailure(.timeout, "the deadline passed before the call could begin", maybeExecuted: false)
        if index >= SessionLimits.questionSlots {
            let oneWay = oneWays[index - SessionLimits.questionSlots]
            let id = AnswerID(rawValue: oneWay.id)
            if oneWay.isHeld { dropHeld(id, failure) } else { events.append(.cancelled(id, .deadline)) }
            return
        }
        let id = AnswerID(rawValue: answers[index].id)
        if answers[index].state == .held { return dropHeld(id, failure) }
        guard answers[index].state == .open, !answers[index].isCancelled else { return }
        answers[index].isCancelled = true
        events.append(.cancelled(id, .deadline))
    }
}
