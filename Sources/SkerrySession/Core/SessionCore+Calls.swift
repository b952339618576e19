// Calls of this side: questions. A question has a slot from the call to the reply, so that the peer's table is dense too.

extension SessionCore {
    /// The number of a method that this side calls; the same for the same name and digest. Keep it beside the stub.
    ///
    /// - Parameters:
    ///   - name: the wire name, 1 to ``SessionLimits/methodNameMaximum`` bytes.
    ///   - digest: of the shapes of parameters and result; 0 where nobody compares.
    /// - Throws: ``SessionError/Code/tooMany`` beyond ``SessionLimits/methods``, ``SessionError/Code/tooLarge`` for a longer name.
    /// - Complexity: one hash of the name.
    public mutating func method(_ name: String, digest: UInt64) throws(SessionError) -> MethodID {
        let key = MethodKey(name: name, digest: digest)
        if let index = methodIndex[key] { return MethodID(index: index) }
        guard methods.count < SessionLimits.methods else { throw SessionError(.tooMany, "more than \(SessionLimits.methods) methods") }
        guard (1...SessionLimits.methodNameMaximum).contains(name.utf8.count) else {
            throw SessionError(.tooLarge, "a method name has 1 to \(SessionLimits.methodNameMaximum) bytes, not \(name.utf8.count)")
        }
        methods.append(Method(name: name, digest: digest))
        methodIndex[key] = methods.count - 1
        return MethodID(index: methods.count - 1)
    }

    /// Whether the peer has confirmed that its digest of this method is equal, so that arguments may be sent as ``PayloadFormat/bin``.
    @inline(__always)
    public func isConfirmed(_ method: MethodID) -> Bool { methods[method.index].isConfirmed }

    /// Asks. One ``SessionEvent/returned(_:_:)`` follows, unless it is called off before.
    ///
    /// Calls may be made before the handshake and without a link; they wait in the queue.
    ///
    /// - Parameters:
    ///   - target: the root, something the peer hosts, or what an earlier call is about to return.
    ///   - payload: the arguments, encoded as `format`; copied. At most ``SessionLimits/frameMaximum`` less ``SessionLimits/frameOverhead``.
    ///   - references: what the arguments refer to by index; those of this side are thereby introduced.
    ///   - deadline: how long a reply is worth waiting for, by both clocks separately; nil for ever.
    ///   - request: names a durable call in all its attempts.
    /// - Throws: ``SessionError/Code/mustWait`` when too much is under way, and other codes for what can never be sent. Nothing has happened then.
    public mutating func call(
        _ target: CallTarget, method: MethodID, payload: UnsafeRawBufferPointer, format: PayloadFormat,
        references: [SessionReference] = [], deadline: Duration?, options: CallOptions = [], request: RequestID? = nil, now: Moment
    ) throws(SessionError) -> QuestionID {
        try checkCall(target, payload, format, references)
        guard openQuestions < min(peer?.callsInFlight ?? SessionLimits.callsInFlight, SessionLimits.questionSlots - 1) else {
            callPermitWanted = true
            throw SessionError(.mustWait, "\(openQuestions) calls are under way")
        }
        let slot = try takeQuestion()
        let options = options.subtracting(.oneWay)
        let id = questions[slot].id
        questions[slot].state = .asked
        questions[slot].keepsAnswer = options.contains(.keepsAnswer)
        questions[slot].isFinished = false
        questions[slot].method = Int32(truncatingIfNeeded: method.index)
        questions[slot].position = messagesQueued
        openQuestions += 1
        if let deadline { questionTimers.set(slot, at: now + deadline) }
        queueCall(id, target, method, payload, format, references, deadline, options, request)
        return QuestionID(rawValue: id)
    }

    /// Tells without a reply: no event follows, whatever becomes of it. ``CallOptions/oneWay`` is implied.
    ///
    /// - Throws: as ``call(_:method:payload:format:references:deadline:options:request:now:)``.
    public mutating func callOneWay(
        _ target: CallTarget, method: MethodID, payload: UnsafeRawBufferPointer, format: PayloadFormat,
        references: [SessionReference] = [], deadline: Duration?, options: CallOptions = [], request: RequestID? = nil, now: Moment
    ) throws(SessionError) {
        try checkCall(target, payload, format, references)
        guard oneWaysUnreported < SessionLimits.oneWayCalls else {
            callPermitWanted = true
            throw SessionError(.mustWait, "\(oneWaysUnreported) one-way calls are under way")
        }
        oneWaysUnreported += 1
        let options = options.subtracting([.keepsAnswer, .acknowledged]).union(.oneWay)
        queueCall(0, target, method, payload, format, references, deadline, options, request)
    }

    /// Calls off: no event follows, except what `working` had to tell before. The peer is told and its reply is dropped.
    ///
    /// - Returns: whether the call may have been executed, or nil when it is settled already and its event was reported. False is certain: the call had not
    ///   left and never will.
    public mutating func cancel(_ question: QuestionID) -> Bool? {
        guard let slot = openQuestion(question.rawValue), questions[slot].state == .asked else { return nil }
        return abandon(slot)
    }

    /// Asks whether the peer still works on it; ``SessionEvent/working(_:)`` follows if so, and the reply in any case.
    public mutating func probe(_ question: QuestionID) {
        guard let slot = openQuestion(question.rawValue), questions[slot].state == .asked else { return }
        guard urgent.count < SessionLimits.messageQueueMaximum else { return }
        writer.begin(.probe)
        writer.integer(question.rawValue)
        writer.end()
        queueControl(about: questions[slot].position)
    }

    /// Lets go of a reply that was asked for with ``CallOptions/keepsAnswer``. No promise may name it after this.
    public mutating func finish(_ question: QuestionID) {
        guard let slot = openQuestion(question.rawValue), questions[slot].keepsAnswer, !questions[slot].isFinished else { return }
        questions[slot].isFinished = true
        writer.begin(.finish)
        writer.integer(question.rawValue)
        writer.end()
        queueMessage()
        if questions[slot].state == .kept { freeQuestionSlot(slot) }
    }
}

// MARK: - Making the frame

extension SessionCore {
    private mutating func checkCall(
        _ target: CallTarget, _ payload: UnsafeRawBufferPointer, _ format: PayloadFormat, _ references: [SessionReference]
    ) throws(SessionError) {
        guard !isOver else { throw SessionError(.closed, "the session is over") }
        guard !isPeerGoingAway else { throw SessionError(.goingAway, "the peer takes no more calls") }
        guard messages.count < SessionLimits.messageQueueMaximum else {
            callPermitWanted = true
            throw SessionError(.mustWait, "\(messages.count) bytes wait to be sent")
        }
        try checkValue(payload, format, references)
        switch target {
        case .reference(.root): break
        case .reference(let id):
            guard id.rawValue & 1 == peerParity, let slot = liveImport(id.rawValue) else {
                throw SessionError(.unknownReference, "\(id) is nothing the peer hosts")
            }
            guard imports[slot].kind == .service else { throw SessionError(.wrongKind, "\(id) is not a service") }
        case .promise(let question, let index): try checkPromise(question, index)
        }
    }

    func checkValue(_ payload: UnsafeRawBufferPointer, _ format: PayloadFormat, _ references: [SessionReference]) throws(SessionError) {
        guard payload.count <= SessionLimits.frameMaximum - SessionLimits.frameOverhead else {
            throw SessionError(.tooLarge, "a value of \(payload.count) bytes")
        }
        guard !isText || format == .json || format == .none else {
            throw SessionError(.wrongKind, "text packets carry JSON, not \(format)")
        }
        if !references.isEmpty { try checkReferences(references) }
    }

    private func checkPromise(_ question: QuestionID, _ index: Int) throws(SessionError) {
        guard let slot = openQuestion(question.rawValue), questions[slot].keepsAnswer, !questions[slot].isFinished,
            questions[slot].state == .asked || questions[slot].state == .kept
        else { throw SessionError(.unknownReference, "the reply of \(question) is not kept") }
        guard (0..<SessionLimits.referencesPerFrame).contains(index) else {
            throw SessionError(.unknownReference, "no table has a place \(index)")
        }
    }

    private func checkReferences(_ references: [SessionReference]) throws(SessionError) {
        guard references.count <= SessionLimits.referencesPerFrame else {
            throw SessionError(.tooMany, "\(references.count) references, a frame takes \(SessionLimits.referencesPerFrame)")
        }
        for reference in references {
            if let promise = reference.promise {
                try checkPromise(promise, reference.promiseIndex)
            } else if reference.kind != .null {
                guard kind(of: reference.id) == reference.kind else {
                    throw SessionError(.unknownReference, "\(reference.id) is no \(reference.kind) of this session")
                }
            }
        }
    }

    private mutating func queueCall(
        _ id: UInt64, _ target: CallTarget, _ method: MethodID, _ payload: UnsafeRawBufferPointer, _ format: PayloadFormat,
        _ references: [SessionReference], _ deadline: Duration?, _ options: CallOptions, _ request: RequestID?
    ) {
        counters.callsMade += 1
        var flags = UInt64(options.rawValue)
        let defines = !isText && methods[method.index].number < 0
        if defines { flags |= CallFlag.definesMethod }
        if deadline != nil { flags |= CallFlag.hasDeadline }
        if request != nil { flags |= CallFlag.hasRequest }
        if !references.isEmpty { flags |= CallFlag.hasReferences }
        writer.begin(.call)
        writer.integer(id)
        writer.integer(isText ? flags & CallFlag.options : flags)
        writer.target(target)
        writeMethod(method, defines: defines)
        if let deadline { writer.integer(UInt64(max(0, (deadline.nanoseconds + 999_999) / 1_000_000))) } else { writer.absent() }
        if let request { writer.word128(request.high, request.low) } else { writer.absent() }
        if !isText { writer.integer(UInt64(format.rawValue)) }
        writer.references(references)
        queueValue(payload)
        if !references.isEmpty { introduce(references, isMessage: true) }
    }

    private mutating func writeMethod(_ method: MethodID, defines: Bool) {
        guard !isText else { return writer.text(methods[method.index].name, maximum: SessionLimits.methodNameMaximum) }
        if defines {
            methods[method.index].number = methodsDefined
            methodsDefined += 1
        }
        writer.integer(UInt64(methods[method.index].number))
        guard defines else { return }
        writer.text(methods[method.index].name, maximum: SessionLimits.methodNameMaximum)
        writer.word64(methods[method.index].digest)
    }

    /// Ends the frame in the writer with its value and queues it; a binary value is copied once.
    mutating func queueValue(_ payload: UnsafeRawBufferPointer) {
        guard isText else { return queueMessage(payload) }
        writer.payload(payload)
        writer.end()
        queueMessage()
    }
}

// MARK: - Slots

extension SessionCore {
    private mutating func takeQuestion() throws(SessionError) -> Int {
        if freeQuestion >= 0 {
            let slot = freeQuestion
            freeQuestion = Int(questions[slot].nextFree)
            let generation = SlotID.generation(questions[slot].id, slotBits: SessionLimits.questionSlotBits) + 1
            questions[slot].id = questionID(slot, generation)
            return slot
        }
        // Place 0 stays empty: its first id would be 0, which names one-way calls.
        if questions.isEmpty { questions.append(Question()) }
        guard questions.count < SessionLimits.questionSlots else { throw SessionError(.exhausted, "all ids of calls were used") }
        let slot = questions.count
        questions.append(Question(id: questionID(slot, 0)))
        return slot
    }

    private func questionID(_ slot: Int, _ generation: UInt64) -> UInt64 {
        SlotID.make(slot: slot, generation: generation, slotBits: SessionLimits.questionSlotBits, parity: role.parity)
    }

    /// The slot of a question that is not free, by its id.
    @inline(__always)
    func openQuestion(_ id: UInt64) -> Int? {
        let slot = SlotID.slot(id, slotBits: SessionLimits.questionSlotBits)
        guard slot < questions.count, questions[slot].id == id, questions[slot].state != .free else { return nil }
        return slot
    }

    @inline(__always)
    mutating func freeQuestionSlot(_ slot: Int) {
        questions[slot].state = .free
        openQuestions -= 1
        if callPermitWanted { permitCalls() }
        let last = SlotID.lastGeneration(slotBits: SessionLimits.questionSlotBits)
        guard SlotID.generation(questions[slot].id, slotBits: SessionLimits.questionSlotBits) < last else { return }
        questions[slot].nextFree = Int32(truncatingIfNeeded: freeQuestion)
        freeQuestion = slot
    }

    mutating func permitCalls() {
        callPermitWanted = false
        pendingEvents.append(.callsPermitted)
    }

    /// Nobody waits for the reply any more. Returns whether the call may be executed all the same.
    private mutating func abandon(_ slot: Int) -> Bool {
        questionTimers.clear(slot)
        if void(slot) { return false }
        questions[slot].state = .abandoned
        writer.begin(.cancel)
        writer.integer(questions[slot].id)
        writer.end()
        queueControl(about: questions[slot].position)
        guard questions[slot].keepsAnswer, !questions[slot].isFinished else { return true }
        questions[slot].isFinished = true
        writer.begin(.finish)
        writer.integer(questions[slot].id)
        writer.end()
        queueMessage()
        return true
    }

    /// Turns a call that still waits in the queue into one that says nothing, except what it defines and introduces.
    private mutating func void(_ slot: Int) -> Bool {
        let front = messagesQueued - UInt64(messages.count)
        guard questions[slot].position >= front else { return false }
        let start = FrameLength.read(messages.bytes, at: Int(questions[slot].position - front)).start
        if isText {
            messages.replace(at: start + 2, with: FrameType.void.word)
        } else {
            messages.replace(at: start, with: FrameType.void.rawValue)
        }
        freeQuestionSlot(slot)
        return true
    }

    /// The deadline of a question has passed.
    mutating func questionExpired(_ slot: Int, into events: inout [SessionEvent]) {
        guard questions[slot].state == .asked else { return }
        let id = QuestionID(rawValue: questions[slot].id)
        let maybeExecuted = abandon(slot)
        events.append(.returned(id, Outcome(CallFailure(.timeout, "no reply before the deadline", maybeExecuted: maybeExecuted))))
    }
}

// MARK: - Replies

extension SessionCore {
    @inline(__always)
    mutating func receiveReturn(_ reader: inout FrameReader, isFailure isError: Bool, into events: inout [SessionEvent])
        throws(ProtocolViolation)
    {
        let id = try reader.identifier()
        let flags = try reader.integer()
        guard flags & ~ReturnFlag.all == 0 else { throw reader.malformed("flags \(flags)") }
        let isFailure = isError || flags & ReturnFlag.isFailure != 0
        let failure = isFailure ? try receiveFailure(&reader, maybeExecuted: flags & ReturnFlag.notExecuted == 0) : nil
        let format = isText ? .json : try receiveFormat(&reader)
        let raw = try reader.references(isPresent: flags & ReturnFlag.hasReferences != 0)
        let payload = try reader.payload()
        try reader.endFrame()
        guard let slot = openQuestion(id), questions[slot].state != .kept else { throw unknownQuestion(id, reader) }
        let references = raw.isEmpty ? [] : try arrived(raw, reader)
        if flags & ReturnFlag.confirmsDigest != 0 { methods[Int(questions[slot].method)].isConfirmed = true }
        guard questions[slot].state == .asked else {
            giveBack(references)
            return freeQuestionSlot(slot)
        }
        questionTimers.clear(slot)
        if questions[slot].keepsAnswer, !questions[slot].isFinished {
            questions[slot].state = .kept
        } else {
            freeQuestionSlot(slot)
        }
        let isEmpty = isText && isFailure && payload.count == 4 && reader.bytesAreNull(payload)
        events.append(
            .returned(
                QuestionID(rawValue: id),
                Outcome(failure: failure, payload: isEmpty ? .empty : payload, format: isEmpty ? .none : format, references: references)))
        revealAgain(into: &events)
    }

    func unknownQuestion(_ id: UInt64, _ reader: FrameReader) -> ProtocolViolation {
        if id & 1 != role.parity { return reader.violation(.wrongParity, "a reply to \(id), which is an id of the peer") }
        return reader.violation(.unknownQuestion, "a reply to \(id), which was not asked or is settled")
    }

    private mutating func receiveFailure(_ reader: inout FrameReader, maybeExecuted: Bool) throws(ProtocolViolation) -> CallFailure {
        let code =
            isText
            ? CallFailure.Code(word: try reader.text(maximum: 64))
            : CallFailure.Code(rawValue: UInt16(try reader.natural(below: 1 << 16, "a code")))
        let message = try reader.text(maximum: SessionLimits.messageMaximum)
        let isAbsent = try reader.isAbsent()
        let retryAfter = isAbsent ? 0 : try reader.natural(below: 1 << 40, "a time")
        return CallFailure(code, message, maybeExecuted: maybeExecuted, retryAfter: retryAfter == 0 ? nil : .milliseconds(retryAfter))
    }

    @inline(__always)
    func receiveFormat(_ reader: inout FrameReader) throws(ProtocolViolation) -> PayloadFormat {
        let format = try reader.integer()
        guard format < 4, let known = PayloadFormat(rawValue: UInt8(truncatingIfNeeded: format)) else {
            throw reader.malformed("a format \(format)")
        }
        return known
    }

    mutating func receiveWorking(_ reader: inout FrameReader, into events: inout [SessionEvent]) throws(ProtocolViolation) {
        let id = try reader.identifier()
        try reader.endFrame()
        guard let slot = openQuestion(id) else { return try checkWasAsked(id, reader) }
        if questions[slot].state == .asked { events.append(.working(QuestionID(rawValue: id))) }
    }

    /// WORKING may cross the end of its question, but the question must have been.
    private func checkWasAsked(_ id: UInt64, _ reader: FrameReader) throws(ProtocolViolation) {
        let slot = SlotID.slot(id, slotBits: SessionLimits.questionSlotBits)
        guard id & 1 == role.parity, slot < questions.count, questions[slot].id >= id else { throw unknownQuestion(id, reader) }
    }

    mutating func receiveDone(_ reader: inout FrameReader, into events: inout [SessionEvent]) throws(ProtocolViolation) {
        let count = try reader.integer()
        try reader.endFrame()
        guard count <= UInt64(oneWaysUnreported) else {
            throw reader.violation(.unknownQuestion, "\(count) one-way calls have ended, \(oneWaysUnreported) were under way")
        }
        oneWaysUnreported -= Int(count)
        if callPermitWanted { permitCalls() }
    }

    mutating func receiveGoAway(_ reader: inout FrameReader, into events: inout [SessionEvent]) throws(ProtocolViolation) {
        let reason = try reader.reason()
        try reader.endFrame()
        guard !isPeerGoingAway else { return }
        isPeerGoingAway = true
        events.append(.goingAway(reason))
        if callPermitWanted { permitCalls() }
    }
}

extension FrameReader {
    /// Whether a text payload of this packet is the word null.
    func bytesAreNull(_ payload: Payload) -> Bool {
        payload.withBytes(in: bytes) { $0.elementsEqual("null".utf8) }
    }
}
