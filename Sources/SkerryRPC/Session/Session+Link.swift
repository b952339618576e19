import Logging
import SkerryCSP
import SkerrySession
import SkerryWire

extension Session {
    /// Takes the first link into use and waits for the peer to answer.
    func begin(_ link: any Link) async throws {
        try await withUnsafeThrowingContinuation { continuation in
            state.withLock { $0.beginners.append(continuation) }
            let attachment = SessionAttachment(link, to: self)
            attach(attachment)
            link.start(attachment)
        }
    }

    /// Takes a link into use in place of the one before. The caller starts it, unless it runs already.
    func attach(_ attachment: SessionAttachment) {
        perform { state, now in
            if let former = state.attachment, former !== attachment { state.effects.append(.run { former.link.cut() }) }
            do throws(SessionError) {
                guard state.failure == nil else { throw SessionError(.closed, "the session is over") }
                try state.core.attach(attachment.link.traits, now: now)
                state.attachment = attachment
                state.isLinkWoken = false
                state.lastPeer = attachment.link.peer
            } catch {
                options.logger.warning("a link does not fit its session", metadata: ["error": "\(error)"])
                state.effects.append(.run { attachment.link.cut() })
                if !state.wasEstablished { state.core.close(CloseReason(code: 1, error.message), now: now, into: &state.events) }
            }
        }
    }

    // MARK: - What the link does, on its loop

    func received(_ packet: UnsafeRawBufferPointer, from attachment: SessionAttachment) {
        let now = options.clock.now
        state.withLock { state in
            guard state.attachment === attachment else { return }
            state.core.receive(packet, now: now, into: &state.events)
            settle(&state, now, packet)
        }
    }

    /// Everything of one read came: what it leads to is done together.
    func readCompleted() { drain() }

    func nextPacket(into packet: inout [UInt8], for attachment: SessionAttachment) -> Bool {
        var found = pull(into: &packet, for: attachment, mayDrain: true)
        if found == .effects {
            drain()
            found = pull(into: &packet, for: attachment, mayDrain: false)
        }
        if found == .effects { drain() }
        return found == .packet
    }

    /// What a link that asks for a packet finds.
    private enum Pulled {
        case packet, nothing
        /// Nothing, but effects that are to be done, from which more may follow.
        case effects
    }

    /// - Parameter mayDrain: effects that are due come before packets.
    private func pull(into packet: inout [UInt8], for attachment: SessionAttachment, mayDrain: Bool) -> Pulled {
        let now = options.clock.now
        return state.withLock { state -> Pulled in
            if mayDrain, state.hasUrgentEffects { return .effects }
            guard state.attachment === attachment else { return .nothing }
            state.isLinkWoken = false
            state.callsUnsent = 0
            let has = state.core.nextPacket(into: &packet, now: now)
            let next = state.core.nextDeadline
            if next <= now { settle(&state, now) } else { arm(&state, next) }
            if state.closesLinkWhenFinished { state.closeLinkIfFinished() }
            return has ? .packet : state.hasUrgentEffects ? .effects : .nothing
        }
    }

    func linkClosed(_ error: LinkError?, _ attachment: SessionAttachment) {
        perform { state, now in
            guard state.attachment === attachment else { return }
            options.logger.debug("a link closed", metadata: ["error": "\(error.map(\.message) ?? "none")"])
            state.attachment = nil
            if state.failure == nil {
                state.core.detach(now: now, into: &state.events)
                if connector == nil, state.role == .initiator {
                    // Nobody will bring another link.
                    state.core.close(CloseReason(code: 1, error?.message ?? "the link closed"), now: now, into: &state.events)
                } else {
                    reconnectSoon(&state, now)
                }
            } else {
                state.tellWatchers()
            }
        }
    }

    // MARK: - What the core says of the link

    func established(_ state: inout SessionState) {
        state.wasEstablished = true
        state.attempts.connected(now: options.clock.now - .zero)
        let beginners = state.beginners
        state.beginners = []
        for continuation in beginners { state.effects.append(.run { continuation.resume() }) }
    }

    /// The link is of no use any more.
    func loseLink(_ state: inout SessionState, _ reason: String) {
        guard let attachment = state.attachment else { return }
        options.logger.info("a link was lost", metadata: ["reason": "\(reason)"])
        state.attachment = nil
        state.effects.append(.run { attachment.link.cut() })
        reconnectSoon(&state, options.clock.now)
    }

    // MARK: - Connecting again

    private func reconnectSoon(_ state: inout SessionState, _ now: Moment) {
        guard connector != nil, !state.isReconnecting, state.failure == nil else { return }
        state.isReconnecting = true
        state.effects.append(.reconnect)
    }

    /// Tries until there is a link, or the session is over, the peer's process is found gone, or the policy gives up.
    func reconnect() {
        guard let connector else { return }
        Task {
            while case .retry(let delay) = nextAttempt() {
                await pause(delay)
                guard failure == nil else { return }
                do throws(LinkError) {
                    let link = try await connector.connect()
                    let attachment = SessionAttachment(link, to: self)
                    state.withLock { $0.isReconnecting = false }
                    attach(attachment)
                    return link.start(attachment)
                } catch {
                    options.logger.debug("connecting again failed", metadata: ["error": "\(error)"])
                    // Where nobody listens any more the process is gone, and what it knew of the session with it.
                    if error.code == .refused || !error.isRetryable { break }
                }
            }
            perform { state, now in
                state.isReconnecting = false
                guard state.failure == nil else { return }
                state.core.close(CloseReason(code: 1, "the peer cannot be reached again"), now: now, into: &state.events)
            }
        }
    }

    private func nextAttempt() -> ReconnectPolicy.Decision {
        let elapsed = options.clock.now - .zero
        return state.withLock { $0.attempts.failed(now: elapsed, random: .random(in: 0..<1)) }
    }

    private func pause(_ duration: Duration) async {
        await withUnsafeContinuation { continuation in
            _ = options.clock.schedule(at: options.clock.now + duration) { continuation.resume() }
        }
    }
}
