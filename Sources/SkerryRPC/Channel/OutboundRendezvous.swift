import SkerryCSP
import SkerrySession

/// Moves elements of a rendezvous from a receiving half of this process to the session, one at a time: taken from a sender when somebody waits for it on
/// the other side, and answered for when the other side says that it was received.
// Touched only by effects of the session, one at a time.
final class OutboundRendezvous: OutboundPump, @unchecked Sendable {
    /// The sender whose element is on its way, or about to be.
    private var offer: PendingOffer?
    private var isSent = false
    private var isExpecting = false
    private var watchesClose = false

    override func pump() {
        while let source {
            if offer != nil { return isSent ? () : send() }
            do {
                try watch(source)
                // Looked at before the credit: a closed channel is told of though nobody waits for an element.
                if let reason = source.ending() { return finish(reason) }
                // Else the session says when somebody waits.
                guard session.mayProduce(id) else { return expect(false) }
                if let taken = try source.takeOffer(format, &batch) {
                    offer = taken
                    expect(false)
                    continue
                }
                expect(true)
                if try waitsForElements(of: source) { return }
            } catch {
                return fail(source, error)
            }
        }
    }

    /// Learns when the channel closes on this side.
    private func watch(_ source: OutboundSource) throws(TooManyWaiters) {
        guard !watchesClose else { return }
        watchesClose = true
        try source.onClose { [weak self, session] _ in
            guard let self else { return }
            session.schedule(self)
        }
    }

    private func send() {
        guard let sent = session.send(id, batch, from: 0) else { return finish() }
        // Else the session says when there is credit again.
        isSent = sent == 1
    }

    override func taken() {
        guard isSent, let accepted = offer else { return }
        forgetOffer()
        accepted.accept()
        pump()
    }

    override func end(_ ending: ChannelEnding) {
        close(ending)
        if case .lost(let error) = ending, isSent, let pending = offer {
            // It may have been received.
            forgetOffer()
            pending.fail(error)
        }
        finish()
    }

    private func expect(_ isExpected: Bool) {
        guard isExpected != isExpecting else { return }
        isExpecting = isExpected
        source?.expect(isExpected)
    }

    private func forgetOffer() {
        offer = nil
        isSent = false
        batch.removeAll()
    }

    override func finish() {
        expect(false)
        let pending = offer
        forgetOffer()
        super.finish()
        // What was not received stays with its sender, who waits for another receiver or learns that the channel is closed.
        pending?.putBack()
    }
}
