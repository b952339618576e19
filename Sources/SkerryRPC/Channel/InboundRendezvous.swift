import SkerrySession

/// Moves elements of a rendezvous from the session to a sending half of this process, one at a time: asked for when a receiver waits, and told to be received
/// when it was.
// Touched only by effects of the session, one at a time.
final class InboundRendezvous: InboundPump, @unchecked Sendable {
    /// An element was asked for, and none has come.
    private var isDemanded = false
    /// The bytes of the element that stands in line.
    private var offered: Int?

    override func deliver(_ batch: ElementBatch) {
        isDemanded = false
        super.deliver(batch)
    }

    override func pump() {
        guard let sink else { return }
        watch(sink)
        while offered == nil {
            switch sink.offer({ [session] isTaken in session.report(self, isTaken) }) {
            case .taken(let bytes): session.taken(id, elements: 1, bytes: bytes)
            case .waits(let bytes): offered = bytes
            case .closed: return closedHere(sink)
            case .refused(let error): return refused(sink, error)
            case .nothing:
                if let ending { return conclude(sink, ending) }
                if sink.closeReason() != nil { return closedHere(sink) }
                return demand(sink)
            }
        }
    }

    /// Asks for an element as soon as somebody waits for one.
    private func demand(_ sink: InboundSink) {
        guard !isDemanded, !isWaiting, !waitsForRoom(in: sink) else { return }
        isDemanded = true
        session.demand(id)
    }

    /// The element that stood in line was received, or the channel closed, or whoever passed the element on lost sight of it.
    func received(_ isTaken: Bool) {
        guard let bytes = offered else { return }
        offered = nil
        if isTaken {
            session.taken(id, elements: 1, bytes: bytes)
        } else if let sink, sink.closeReason() == nil {
            // Its sender must not wait for ever.
            sink.close(CallError(.peerLost, "a receiver was lost while an element was on its way to it", maybeExecuted: true))
        }
        pump()
    }
}
