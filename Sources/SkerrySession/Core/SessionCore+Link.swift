// Links come and go; the session stays. HELLO begins each link, and its acknowledgement is the place from which the session goes on.

extension SessionCore {
    /// Takes a new link into use; one that was attached before is forgotten (close it).
    ///
    /// The initiator says HELLO on it, the acceptor answers, then packets that were not confirmed are sent again. Nothing else is sent before.
    ///
    /// - Throws: ``SessionError/Code/closed`` when the session is over or cannot resume, ``SessionError/Code/incompatibleLink`` when this link cannot
    ///   carry it. The session is unchanged then.
    public mutating func attach(_ traits: LinkTraits, now: Moment) throws(SessionError) {
        guard !isOver else { throw SessionError(.closed, "the session is over") }
        try checkCompatible(traits)
        if phase == .established || phase == .detached, resumeWindow == .zero {
            throw SessionError(.closed, "the session ends with its link: no resume window was agreed")
        }
        if phase == .established { resumeDeadline = now + resumeWindow }
        self.traits = traits
        phase = .handshaking
        phaseDeadline = now + configuration.handshake
        lastReceivedAt = now
        helloDue = role == .initiator
        helloAgainAt = .distantFuture
        forgetPings()
        pongDue = nil
        // Packets that wait for a missing one stay: they were confirmed, and the confirmation may still be on its way.
        recovery.linkReplaced()
        retransmitAt = .distantFuture
        retention.unconfirmAll()
        if !has(.forgetsRetained) { retention.loseAll() }
        confirmationReset()
    }

    private func checkCompatible(_ traits: LinkTraits) throws(SessionError) {
        guard traits.encoding == configuration.encoding else {
            throw SessionError(.incompatibleLink, "the session is \(configuration.encoding), the link is \(traits.encoding)")
        }
        guard traits.encoding == .binary || traits.delivery == .ordered else {
            throw SessionError(.incompatibleLink, "text packets need an ordered link")
        }
        guard traits.encoding == .binary || traits.packetMaximum >= SessionLimits.packetMaximum else {
            throw SessionError(.incompatibleLink, "text frames cannot be cut: the link must take \(SessionLimits.packetMaximum) bytes")
        }
        guard traits.packetMaximum >= SessionLimits.packetMinimum else {
            throw SessionError(.incompatibleLink, "packets of \(traits.packetMaximum) bytes are too small")
        }
        guard retention.largestBody + PacketLayout.overhead <= traits.packetMaximum else {
            throw SessionError(
                .incompatibleLink, "a packet of \(retention.largestBody) bytes must be sent again, the link takes \(traits.packetMaximum)")
        }
    }

    /// The link is lost: the resume window begins, or the session fails at once if it cannot resume.
    public mutating func detach(now: Moment, into events: inout [SessionEvent]) {
        switch phase {
        case .fresh, .detached, .closed: return
        case .closing: end()
        case .handshaking, .established:
            guard resumeWindow > .zero else { return fail(SessionError(.peerLost, "the link was lost"), bye: nil, into: &events) }
            if resumeDeadline == .distantFuture { resumeDeadline = now + resumeWindow }
            phase = .detached
            phaseDeadline = .distantFuture
            helloAgainAt = .distantFuture
        }
    }

    mutating func loseLink(_ reason: String, now: Moment, into events: inout [SessionEvent]) {
        events.append(.linkLost(reason: reason))
        detach(now: now, into: &events)
    }

    mutating func forgetPings() {
        pingsUnanswered = 0
        pingDue = false
    }
}

// MARK: - HELLO

extension SessionCore {
    /// What this side says of itself now.
    var hello: SessionHello {
        SessionHello(
            identity: identity, peerEpoch: peer?.identity.epoch ?? 0, received: received, callsInFlight: configuration.callsInFlight,
            channelElements: configuration.channelElements, channelBytes: configuration.channelBytes,
            sessionBytes: configuration.sessionBytes, resumeWindow: configuration.resumeWindow,
            applicationData: configuration.applicationData)
    }

    mutating func received(_ hello: SessionHello, at offset: Int, now: Moment, into events: inout [SessionEvent]) throws(ProtocolViolation)
    {
        guard hello.identity.session == identity.session else {
            throw ProtocolViolation(.unexpectedHello, at: offset, "session \(hello.identity.session), expected \(identity.session)")
        }
        guard knows(hello) else {
            let error = SessionError(.peerRestarted, "the peer does not know this session any more")
            return fail(error, bye: CloseReason(code: ByeCode.unknownSession, "unknown session"), into: &events)
        }
        helloAgainAt = .distantFuture
        if phase == .established { return try receivedAgain(hello, at: offset, now: now) }
        if hello.received >= confirmed {
            try acknowledged(hello.received, at: offset, now: now)
        } else if traits.delivery == .ordered {
            // On lossy links it may be the late HELLO of an earlier link.
            throw ProtocolViolation(.unexpectedHello, at: offset, "the peer has \(hello.received) packets, it confirmed \(confirmed)")
        }
        helloDue = role == .acceptor
        establish(hello, into: &events)
    }

    /// Packets flow from here.
    private mutating func establish(_ hello: SessionHello, into events: inout [SessionEvent]) {
        let isResumed = peer != nil
        if isResumed { counters.resumptions += 1 }
        peer = hello
        phase = .established
        phaseDeadline = .distantFuture
        resumeDeadline = .distantFuture
        events.append(.established(peer: hello, resumed: isResumed))
        if !isResumed { grantInitialCredit(hello, into: &events) }
    }

    /// On a lossy link a numbered packet shows as well as HELLO that the peer goes on with the session. The initiator still repeats HELLO until it is
    /// answered, so that an acceptor with nothing to say learns of the link too.
    mutating func establishWithoutHello(into events: inout [SessionEvent]) -> Bool {
        guard traits.delivery == .lossy, let peer else { return false }
        establish(peer, into: &events)
        return true
    }

    /// Whether both sides remember the same session. An acceptor that was never heard is known by epoch 0.
    private func knows(_ hello: SessionHello) -> Bool {
        if let peer, peer.identity.epoch != hello.identity.epoch { return false }
        if hello.peerEpoch == identity.epoch { return role == .initiator || peer != nil }
        return hello.peerEpoch == 0 && role == .acceptor
    }

    /// On lossy links HELLO comes as often as its answer is lost.
    private mutating func receivedAgain(_ hello: SessionHello, at offset: Int, now: Moment) throws(ProtocolViolation) {
        guard traits.delivery == .lossy else { throw ProtocolViolation(.unexpectedHello, at: offset, "a second HELLO on one link") }
        if hello.received > confirmed { try acknowledged(hello.received, at: offset, now: now) }
        helloDue = helloDue || role == .acceptor
    }
}

// MARK: - The end

/// Codes of BYE that the protocol itself uses; those of ``ProtocolViolation/Rule`` begin at 16.
enum ByeCode {
    /// The application closes; the code of its reason follows no rule.
    static let finished: UInt16 = 0
    static let unknownSession: UInt16 = 1
}

extension SessionCore {
    /// Ends the session from this side: what is queued is still sent, then BYE. On lossy links both are sent until they are confirmed.
    ///
    /// Calls under way fail at once with events, ``SessionEvent/failed(_:)`` is the last one. Send what ``nextPacket(into:now:)`` gives until ``isFinished``,
    /// but not longer than ``SessionLimits/closeLinger``, which ``advance(to:into:)`` sees to.
    public mutating func close(_ reason: CloseReason = .finished, now: Moment, into events: inout [SessionEvent]) {
        guard !isOver else { return }
        reportPending(into: &events)
        let wasEstablished = phase == .established
        settleAll(.peerLost, "the session was closed", into: &events)
        events.append(.failed(SessionError(.closed, "closed by this side: \(reason)")))
        closeReason = reason
        guard wasEstablished else { return end() }
        phase = .closing
        phaseDeadline = now + SessionLimits.closeLinger
    }

    /// Ends the session because of `error`. Never more than once.
    mutating func fail(_ error: SessionError, bye: CloseReason?, into events: inout [SessionEvent]) {
        guard phase != .closed else { return }
        // A call that was let go on must be reported before it is called off.
        reportPending(into: &events)
        let wasClosing = phase == .closing
        if !wasClosing {
            settleAll(.peerLost, error.message, into: &events)
            events.append(.failed(error))
        }
        let canSpeak = phase == .established || phase == .handshaking || wasClosing
        end()
        if canSpeak, let bye {
            byeDue = bye
            closeReason = bye
        }
    }

    mutating func fail(_ violation: ProtocolViolation, into events: inout [SessionEvent]) {
        fail(SessionError(violation), bye: CloseReason(code: violation.rule.rawValue, violation.description), into: &events)
    }

    mutating func receivedBye(_ reason: CloseReason, into events: inout [SessionEvent]) {
        let nonce = traits.delivery == .lossy ? pongDue : nil
        let isUnknown = reason.code == ByeCode.unknownSession
        let code: SessionError.Code = isUnknown ? .peerRestarted : .closedByPeer
        fail(SessionError(code, "closed by the peer: \(reason)"), bye: nil, into: &events)
        byeDue = nil
        byeAnswerDue = nonce
    }

    /// Reports every call under way as failed.
    private mutating func settleAll(_ code: CallFailure.Code, _ message: String, into events: inout [SessionEvent]) {
        for index in questions.indices where questions[index].state == .asked {
            let failure = CallFailure(code, message, maybeExecuted: questions[index].position < messagesSent)
            events.append(.returned(QuestionID(rawValue: questions[index].id), Outcome(failure)))
            questions[index].state = .abandoned
        }
        for index in answers.indices where answers[index].state == .open {
            events.append(.cancelled(AnswerID(rawValue: answers[index].id), .session))
        }
        for index in oneWays.indices where oneWays[index].isOpen && !oneWays[index].isHeld {
            events.append(.cancelled(AnswerID(rawValue: oneWays[index].id), .session))
        }
        if callPermitWanted {
            callPermitWanted = false
            events.append(.callsPermitted)
        }
    }

    /// Everything is let go.
    mutating func end() {
        phase = .closed
        phaseDeadline = .distantFuture
        resumeDeadline = .distantFuture
        helloDue = false
        helloAgainAt = .distantFuture
        forgetPings()
        pongDue = nil
        byeNonce = 0
        byeAgainAt = .distantFuture
        confirmationReset()
        retransmitAt = .distantFuture
        questions = []
        answers = []
        oneWays = []
        held = []
        exports = []
        imports = []
        channels = []
        (openQuestions, openAnswers, openOneWays, exportCount, importCount, channelCount) = (0, 0, 0, 0, 0, 0)
        (freeQuestion, freeOneWay, freeExport, freeChannel) = (-1, -1, -1, -1)
        heldBytes = 0
        questionTimers.clearAll()
        answerTimers.clearAll()
        urgent.removeAll()
        messages.removeAll()
        part.bytes.removeAll()
        releases = []
        unannounced.removeAll()
        turns.removeAll()
        parked.removeAll()
        retention.removeAll()
        reorder.removeAll()
        assembly = []
        pendingEvents = []
    }
}
