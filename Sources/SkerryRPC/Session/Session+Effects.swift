import Logging
import SkerryCSP
import SkerrySession
import SkerryWire

extension Session {
    /// Does something with the core and lets everything follow that follows from it.
    func perform(_ body: (inout SessionState, Moment) -> Void) {
        let now = options.clock.now
        state.withLock { state in
            body(&state, now)
            settle(&state, now)
        }
        drain()
    }

    /// Turns the events of the core into effects, does what is due, sets the timer, wakes the link. Under the lock, after every use of the core.
    ///
    /// - Parameter packet: what the events refer to, when they came of one.
    func settle(
        _ state: inout SessionState, _ now: Moment, _ packet: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        settleAsleep(&state, now, packet)?.wake()
    }

    /// As ``settle(_:_:_:)``, but leaves it to the caller to wake the link that is returned, after the lock.
    func settleAsleep(
        _ state: inout SessionState, _ now: Moment, _ packet: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) -> (any Link)? {
        if !state.events.isEmpty { translate(&state, packet, now) }
        // The core says so when something is to be reported that came about elsewhere. Each round may lead to more, but not for ever.
        var rounds = 0
        var next = state.core.nextDeadline
        while next <= now, rounds < 16 {
            rounds += 1
            state.core.advance(to: now, into: &state.events)
            if !state.events.isEmpty { translate(&state, UnsafeRawBufferPointer(start: nil, count: 0), now) }
            next = state.core.nextDeadline
        }
        arm(&state, next)
        if state.closesLinkWhenFinished { state.closeLinkIfFinished() }
        guard !state.isLinkWoken, state.core.hasOutput, let link = state.attachment?.link else { return nil }
        state.isLinkWoken = true
        return link
    }

    /// Does the effects that are due, unless somebody does already; then they do these too.
    ///
    /// So effects happen in one order, one at a time, and what they lead to joins the end of the queue.
    func drain() {
        var batch: [SessionEffect] = []
        var isMine = false
        while true {
            let goesOn = state.withLock { state in
                if state.effects.isEmpty || !isMine && state.isDraining {
                    if isMine {
                        state.isDraining = false
                        if state.spareEffects.capacity == 0, batch.capacity <= Self.keptEffects { swap(&batch, &state.spareEffects) }
                    }
                    return false
                }
                state.isDraining = true
                swap(&batch, &state.effects)
                if state.effects.capacity == 0 { swap(&state.effects, &state.spareEffects) }
                return true
            }
            guard goesOn else { return }
            isMine = true
            apply(batch)
            // Here and not under the lock: what goes may have a `deinit` that asks for it.
            batch.removeAll(keepingCapacity: true)
        }
    }

    /// Room for so many effects is kept for the next.
    private static var keptEffects: Int { 1_024 }

    private func apply(_ batch: [SessionEffect]) {
        var calls: [InboundCall] = []
        if let first = batch.first, first.isCall { calls.reserveCapacity(batch.count) }
        var watch: StallWatch?
        for effect in batch {
            if !calls.isEmpty, !effect.isCall { start(&calls) }
            switch effect {
            case .ended(let call, let continuation): call.resume(continuation)
            case .call(let call):
                if watch == nil { watch = StallWatch(options.clock.now, call.invocation.method) }
                calls.append(call)
            case .cancel(let task): task.cancel()
            case .elements(let end, let elements): end.deliver(elements)
            case .deliver(let id, let elements): deliver(elements, to: id)
            case .pump(let pump): pump.pump()
            case .ready(let pump): pump.ready()
            case .taken(let pump): pump.taken()
            case .closed(let id, let reason): closed(id, reason)
            case .end(let pump, let ending): pump.end(ending)
            case .drop: break
            case .resume(let continuation): continuation.resume()
            case .reconnect: reconnect()
            case .run(let body): body()
            }
        }
        if !calls.isEmpty { start(&calls) }
        if let watch { note(watch) }
    }

    /// Times the handlers of one batch, which hold up the loop together.
    struct StallWatch {
        let start: Moment
        let method: String

        init(_ start: Moment, _ method: String) {
            self.start = start
            self.method = method
        }
    }

    private func note(_ watch: StallWatch) {
        let stall = options.clock.now - watch.start
        guard stall > options.stallThreshold else { return }
        state.withLock { state in
            state.stalls += 1
            state.longestStall = max(state.longestStall, stall)
            state.lastStalled = watch.method
        }
        options.logger.info("a handler held up the loop of its link", metadata: ["method": "\(watch.method)", "duration": "\(stall)"])
    }

    // MARK: - Time

    /// Sets the timer for `next`, the core's deadline, unless it is set for one at least as early.
    func arm(_ state: inout SessionState, _ next: Moment) {
        guard next < state.armed else { return state.failure == nil ? () : disarm(&state, next) }
        state.timer?.cancel()
        state.armed = next
        state.timer = options.clock.schedule(at: next) { [self] in timerFired() }
    }

    /// Nothing of a session that is over is due, and its timer would keep it.
    private func disarm(_ state: inout SessionState, _ next: Moment) {
        guard next == .distantFuture, let timer = state.timer else { return }
        timer.cancel()
        state.timer = nil
        state.armed = .distantFuture
    }

    private func timerFired() {
        perform { state, now in
            state.armed = .distantFuture
            state.timer = nil
            state.core.advance(to: now, into: &state.events)
        }
    }
}
