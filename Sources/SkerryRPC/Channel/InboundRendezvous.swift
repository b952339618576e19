import SkerryCSP
import SkerryCodec
import SkerrySession

/// Moves elements of a rendezvous from the session to a sending half of this process, one at a time: asked for when a receiver waits, and told to be received
/// when it was.
// Touched only by effects of the session, one at a time.
final class InboundRendezvous: InboundEnd, @unchecked Sendable {
    private let session: Session
    private let id: ReferenceID
    /// Nil when the channel is over.
    private var sink: InboundSink?
    /// The half is the near side of a proxy for something the peer hosts.
    private let isImport: Bool
    private(set) var end: ChannelEnd?
    /// An element was asked for, and none has come.
    private var isDemanded = false
    /// The channel will call when somebody waits for an element.
    private var isWaiting = false
    /// The bytes of the element that stands in line.
    private var offered: Int?
    /// What is to be done when the element that came has been received.
    private var ending: ChannelEnding?
    private var watchesClose = false

    init(_ session: Session, _ id: ReferenceID, sink: InboundSink, isImport: Bool, end: ChannelEnd?) {
        self.session = session
        self.id = id
        self.sink = sink
        self.isImport = isImport
        self.end = end
    }

    func deliver(_ batch: ElementBatch) {
        guard let sink else { return }
        isDemanded = false
        do throws(ShapeError) {
            try sink.accept(batch, session.isText)
            pump()
        } catch {
            sink.close(error)
            session.closeChannel(id, CloseReason(code: 2, error.description))
            finish()
        }
    }

    func pump() {
        guard let sink else { return }
        watch(sink)
        while offered == nil {
            switch sink.offer({ [session] isTaken in session.report(self, isTaken) }) {
            case .taken(let bytes): session.taken(id, elements: 1, bytes: bytes)
            case .waits(let bytes): offered = bytes
            case .closed: return closedHere(sink)
            case .refused(let error):
                sink.close(error)
                return closedHere(sink)
            case .nothing:
                if let ending { return conclude(sink, ending) }
                if sink.closeReason() != nil { return closedHere(sink) }
                return demand(sink)
            }
        }
    }

    /// Asks for an element as soon as somebody waits for one.
    private func demand(_ sink: InboundSink) {
        guard !isDemanded, !isWaiting else { return }
        do throws(TooManyWaiters) {
            isWaiting = try sink.whenWritable { [session] in session.schedule(self, isReady: true) }
        } catch {
            sink.close(error)
            return closedHere(sink)
        }
        guard !isWaiting else { return }
        isDemanded = true
        session.demand(id)
    }

    /// Somebody waits for an element, or the channel closed.
    func ready() {
        isWaiting = false
        pump()
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

    func end(_ ending: ChannelEnding) {
        // A close that waits for its elements is not undone by the release that follows it.
        if self.ending == nil { self.ending = ending }
        guard let sink else { return }
        // A consumer that is gone needs no patience; else what came is still put through.
        if sink.closeReason() != nil { return finish() }
        pump()
    }

    /// Learns when the channel closes on this side.
    private func watch(_ sink: InboundSink) {
        guard !watchesClose else { return }
        watchesClose = true
        // When the channel has more watchers than it allows, its close is noticed with the next element.
        try? sink.onClose { [weak self, session] _ in
            guard let self else { return }
            session.schedule(self)
        }
    }

    /// Nobody receives any more, or somebody closed the channel on this side: the producer is told.
    private func closedHere(_ sink: InboundSink) {
        let reason = sink.closeReason()
        let isExplicit = reason?.origin == .call
        if ending == nil, !isImport || isExplicit { session.closeChannel(id, CloseReason(reason?.cause)) }
        finish()
    }

    /// Everything that came was received, and nothing more will come.
    private func conclude(_ sink: InboundSink, _ ending: ChannelEnding) {
        switch ending {
        case .closed(let reason): sink.close(reason.cause)
        case .lost(let error): if isImport { sink.close(error) }
        case .released: break
        }
        finish()
    }

    private func finish() {
        sink = nil
        end = nil
        if isImport { session.forget(self, id) }
    }
}
