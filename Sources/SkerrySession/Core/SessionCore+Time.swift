// Time: deadlines of calls, signs of life, confirmations that waited long enough, packets that must be sent again, and the windows in which a session may live
// without a link.

extension SessionCore {
    /// Does what is due by `now`, and hands over events of operations that had nowhere to put them.
    ///
    /// Call it when ``nextDeadline`` has come; earlier does no harm. What it wants sent comes from ``nextPacket(into:now:)``.
    public mutating func advance(to now: Moment, into events: inout [SessionEvent]) {
        reportPending(into: &events)
        guard phase != .closed else { return }
        expireCalls(now, into: &events)
        if confirmationAt <= now {
            confirmationAt = .distantFuture
            confirmationDue = true
        }
        if retransmitAt <= now { retransmit() }
        if helloAgainAt <= now { repeatHello() }
        switch phase {
        case .fresh, .detached, .closed: break
        case .handshaking: advanceHandshake(now, into: &events)
        case .established: advanceSilence(now, into: &events)
        case .closing: if phaseDeadline <= now { byeAfterLinger() } else if byeAgainAt <= now { repeatBye() }
        }
        if resumeDeadline <= now, phase == .detached || phase == .handshaking {
            fail(SessionError(.peerLost, "no link came within the resume window"), bye: nil, into: &events)
        }
        reportPending(into: &events)
        if isDrained { reportDrained(into: &events) }
    }

    /// When ``advance(to:into:)`` has to be called at the latest, or the distant future. May be early, never late.
    ///
    /// Ask again after every other call: each may change it.
    public var nextDeadline: Moment {
        if !pendingEvents.isEmpty || isDrained || callPermitWanted && mayPermitCalls { return Moment(nanoseconds: .min) }
        var next = min(questionTimers.nextDue, answerTimers.nextDue, confirmationAt, min(retransmitAt, helloAgainAt))
        switch phase {
        case .closed: return .distantFuture
        case .fresh: break
        case .detached: next = min(next, resumeDeadline)
        case .handshaking: next = min(next, phaseDeadline, resumeDeadline)
        case .established: next = min(next, pingAt)
        case .closing: next = min(next, phaseDeadline, byeAgainAt)
        }
        return next
    }

    mutating func reportPending(into events: inout [SessionEvent]) {
        if callPermitWanted, mayPermitCalls { permitCalls() }
        guard !pendingEvents.isEmpty else { return }
        events.append(contentsOf: pendingEvents)
        pendingEvents.removeAll(keepingCapacity: true)
    }

    /// Whether a call that had to wait could be made now, as far as the queue is concerned.
    private var mayPermitCalls: Bool {
        !isOver && messages.count * 2 < SessionLimits.messageQueueMaximum && oneWaysUnreported < SessionLimits.oneWayCalls
            && openQuestions < min(peer?.callsInFlight ?? SessionLimits.callsInFlight, SessionLimits.questionSlots - 1)
    }
}

// MARK: - Deadlines

extension SessionCore {
    private mutating func expireCalls(_ now: Moment, into events: inout [SessionEvent]) {
        guard !isOver else { return }
        if questionTimers.count > 0 {
            questionTimers.advance(to: now, into: &expired)
            for slot in expired { questionExpired(slot, into: &events) }
            expired.removeAll(keepingCapacity: true)
        }
        if answerTimers.count > 0 {
            answerTimers.advance(to: now, into: &expired)
            for index in expired {
                answerExpired(index, into: &events)
                // Calls that waited behind it are reported before they expire themselves.
                reportPending(into: &events)
            }
            expired.removeAll(keepingCapacity: true)
        }
    }
}

// MARK: - The link

extension SessionCore {
    private mutating func advanceHandshake(_ now: Moment, into events: inout [SessionEvent]) {
        if phaseDeadline <= now { loseLink("the peer said no HELLO", now: now, into: &events) }
    }

    /// No answer came on a lossy link.
    private mutating func repeatHello() {
        helloAgainAt = .distantFuture
        helloDue = true
        recovery.timedOut()
    }

    /// When silence must be answered next.
    private var pingAt: Moment {
        pingsUnanswered == 0 ? lastReceivedAt + configuration.pingAfter : pingedAt + configuration.pingInterval
    }

    /// Asks a silent peer for a sign of life, and gives the link up when it was asked often enough. Time that passed while nobody called does not count
    /// against the peer: each question gets its interval.
    private mutating func advanceSilence(_ now: Moment, into events: inout [SessionEvent]) {
        guard pingAt <= now else { return }
        guard pingsUnanswered < SessionLimits.pingAttempts else {
            return loseLink("the peer is silent since \(now - lastReceivedAt)", now: now, into: &events)
        }
        pingsUnanswered += 1
        pingedAt = now
        pingDue = true
    }

    /// Nothing was confirmed for too long: everything under way counts as lost.
    private mutating func retransmit() {
        retransmitAt = .distantFuture
        guard phase == .established || phase == .closing, retention.underWay > 0 else { return }
        recovery.timedOut()
        retention.loseAll()
    }

    /// BYE or its answer was lost.
    private mutating func repeatBye() {
        byeAgainAt = .distantFuture
        byeDue = closeReason
        recovery.timedOut()
    }

    /// What was queued could not be sent in time, or nobody answers BYE any more.
    private mutating func byeAfterLinger() {
        end()
        byeDue = closeReason
    }
}

// MARK: - Draining

extension SessionCore {
    /// Asks the peer for no more calls; ``SessionEvent/drained`` follows when all is settled on both sides. For upgrades without errors.
    ///
    /// Calls that the peer made before it could know are still served. Calls of this side go on and new ones may be made.
    public mutating func goAway(_ reason: CloseReason = .finished) {
        guard !isOver, !isGoingAway else { return }
        isGoingAway = true
        goAwayQueued = true
        writer.begin(.goAway)
        writer.integer(UInt64(reason.code))
        writer.text(reason.message, maximum: SessionLimits.messageMaximum)
        writer.end()
        queueUrgent()
        queueDone()
    }

    var isDrained: Bool {
        isGoingAway && !wasDrained && confirmed >= goAwaySequence && openQuestions == 0 && openAnswers == 0 && openOneWays == 0
            && isQueueEmpty
            && phase == .established
    }

    mutating func reportDrained(into events: inout [SessionEvent]) {
        wasDrained = true
        events.append(.drained)
    }
}
