import SkerryCSP
import SkerryCodec
import SkerrySession

/// Moves elements from the session to a sending half of this process: how that begins and ends.
///
/// Abstract: an ``InboundStream`` or ``InboundRendezvous`` moves the elements.
// Touched only by effects of the session, one at a time.
class InboundPump: ChannelPump, @unchecked Sendable {
    final let session: Session
    final let id: ReferenceID
    /// Nil when the channel is over.
    final private(set) var sink: InboundSink?
    /// The half is the near side of a proxy for something the peer hosts.
    private let isImport: Bool
    final private(set) var end: ChannelEnd?
    /// The channel will call ``ready()``.
    final var isWaiting = false
    /// What is to be done when what came has been taken.
    final private(set) var ending: ChannelEnding?
    private var watchesClose = false

    init(_ session: Session, _ id: ReferenceID, sink: InboundSink, isImport: Bool, end: ChannelEnd?) {
        self.session = session
        self.id = id
        self.sink = sink
        self.isImport = isImport
        self.end = end
    }

    func pump() { preconditionFailure("abstract") }

    func deliver(_ batch: ElementBatch) {
        guard let sink else { return }
        do throws(ShapeError) {
            try sink.accept(batch, session.isText)
            pump()
        } catch {
            _ = sink.flush()
            sink.close(error)
            session.closeChannel(id, CloseReason(code: 2, error.description))
            finish()
        }
    }

    final func ready() {
        isWaiting = false
        pump()
    }

    /// Only what is sent is told to be received.
    final func taken() {}

    final func end(_ ending: ChannelEnding) {
        // A close that waits for its elements is not undone by the release that follows it.
        if self.ending == nil { self.ending = ending }
        guard let sink else { return }
        // A consumer that is gone needs no patience; else what came is still put through.
        if sink.closeReason() != nil { return finish() }
        pump()
    }

    /// Learns when the channel closes on this side.
    final func watch(_ sink: InboundSink) {
        guard !watchesClose else { return }
        watchesClose = true
        // When the channel has more watchers than it allows, its close is noticed with the next element.
        try? sink.onClose { [weak self, session] _ in
            guard let self else { return }
            session.schedule(self)
        }
    }

    /// Asks the channel to call when there is room. Whether it will: there is none now, or the channel is over because too many ask.
    final func waitsForRoom(in sink: InboundSink) -> Bool {
        do throws(TooManyWaiters) {
            isWaiting = try sink.whenWritable { [session] in session.schedule(self, isReady: true) }
            return isWaiting
        } catch {
            refused(sink, error)
            return true
        }
    }

    /// The channel has as many waiting as it allows.
    final func refused(_ sink: InboundSink, _ error: TooManyWaiters) {
        sink.close(error)
        closedHere(sink)
    }

    /// Nobody receives any more, or somebody closed the channel on this side: the producer is told.
    final func closedHere(_ sink: InboundSink) {
        let reason = sink.closeReason()
        let isExplicit = reason?.origin == .call
        if ending == nil, !isImport || isExplicit { session.closeChannel(id, CloseReason(reason?.cause)) }
        finish()
    }

    /// Everything that came was taken, and nothing more will come.
    final func conclude(_ sink: InboundSink, _ ending: ChannelEnding) {
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
