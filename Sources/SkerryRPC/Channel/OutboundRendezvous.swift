import SkerryCSP
import SkerryCodec
import SkerrySession

/// Moves elements of a rendezvous from a receiving half of this process to the session, one at a time: taken from a sender when somebody waits for it on
/// the other side, and answered for when the other side says that it was received.
// Touched only by effects of the session, one at a time.
final class OutboundRendezvous: ChannelPump, @unchecked Sendable {
    private let session: Session
    private let id: ReferenceID
    /// Nil when the channel is over.
    private var source: OutboundSource?
    private let format: PayloadFormat
    /// The half is the near side of a proxy for something the peer hosts.
    private let isImport: Bool
    private(set) var end: ChannelEnd?
    /// The sender whose element is on its way, or about to be.
    private var offer: PendingOffer?
    private var batch = ElementBatch()
    private var isSent = false
    /// The channel will call.
    private var isWaiting = false
    private var isExpecting = false
    private var watchesClose = false

    init(_ session: Session, _ id: ReferenceID, source: OutboundSource, format: PayloadFormat, isImport: Bool, end: ChannelEnd?) {
        self.session = session
        self.id = id
        self.source = source
        self.format = format
        self.isImport = isImport
        self.end = end
    }

    func pump() {
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
                if isWaiting { return }
                isWaiting = try source.whenReadable { [session] in session.schedule(self, isReady: true) }
                if isWaiting { return }
            } catch {
                // An element that cannot be written, or more hooks on the channel than it allows.
                source.close(error)
                session.closeChannel(id, CloseReason(error))
                return finish()
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

    func ready() {
        isWaiting = false
        pump()
    }

    func taken() {
        guard isSent, let accepted = offer else { return }
        forgetOffer()
        accepted.accept()
        pump()
    }

    func end(_ ending: ChannelEnding) {
        switch ending {
        case .closed(let reason): source?.close(reason.cause)
        case .lost(let error):
            if isImport { source?.close(error) }
            if isSent, let pending = offer {
                // It may have been received.
                forgetOffer()
                pending.fail(error)
            }
        case .released: break
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

    /// The half is closed and everything was sent.
    private func finish(_ reason: ChannelClosed) {
        // The last proxy of a half that others may still hold is only let go of.
        if !isImport || reason.origin == .call { session.closeChannel(id, CloseReason(reason.cause)) }
        finish()
    }

    private func finish() {
        expect(false)
        let pending = offer
        forgetOffer()
        source = nil
        // What was not received stays with its sender, who waits for another receiver or learns that the channel is closed.
        pending?.putBack()
        if isImport {
            end = nil
            session.forget(self, id)
        }
    }
}
