import SkerryCSP
import SkerryCodec
import SkerrySession

/// Moves elements from the session to a sending half of this process, and grants credit for those that the channel has taken.
// Touched only by effects of the session, one at a time.
final class InboundPump: InboundEnd, @unchecked Sendable {
    private let session: Session
    private let id: ReferenceID
    /// Nil when the channel is over.
    private var sink: InboundSink?
    /// The half is the near side of a proxy for something the peer hosts.
    private let isImport: Bool
    private(set) var end: ChannelEnd?
    private var isWaiting = false
    /// What is to be done when the last element that came has been taken.
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

    func pump() {
        guard let sink else { return }
        watch(sink)
        while true {
            let progress = sink.flush()
            if progress.elements > 0 { session.taken(id, elements: progress.elements, bytes: progress.bytes) }
            if progress.isClosed || sink.closeReason() != nil { return closedHere(sink) }
            guard progress.waiting > 0 else { break }
            if isWaiting { return }
            do throws(TooManyWaiters) {
                isWaiting = try sink.whenWritable { [session] in session.schedule(self, isReady: true) }
                if isWaiting { return }
            } catch {
                sink.close(error)
                return closedHere(sink)
            }
        }
        if let ending { conclude(sink, ending) }
    }

    /// The channel has room.
    func ready() {
        isWaiting = false
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

    /// Everything that came was taken, and nothing more will come.
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
