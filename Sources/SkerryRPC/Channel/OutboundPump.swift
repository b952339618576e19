import SkerryCSP
import SkerryCodec
import SkerrySession

/// Moves elements from a receiving half of this process to the session: how that begins and ends.
///
/// Abstract: an ``OutboundStream`` or ``OutboundRendezvous`` moves the elements.
// Touched only by effects of the session, one at a time.
class OutboundPump: ChannelPump, @unchecked Sendable {
    final let session: Session
    final let id: ReferenceID
    /// Nil when the channel is over.
    final private(set) var source: OutboundSource?
    final let format: PayloadFormat
    /// The half is the near side of a proxy for something the peer hosts.
    private let isImport: Bool
    final private(set) var end: ChannelEnd?
    /// Taken from the channel and not yet by the session.
    final var batch = ElementBatch()
    /// The channel will call ``ready()``.
    private var isWaiting = false

    init(_ session: Session, _ id: ReferenceID, source: OutboundSource, format: PayloadFormat, isImport: Bool, end: ChannelEnd?) {
        self.session = session
        self.id = id
        self.source = source
        self.format = format
        self.isImport = isImport
        self.end = end
    }

    func pump() { preconditionFailure("abstract") }

    final func ready() {
        isWaiting = false
        pump()
    }

    /// Elements of a stream are not answered for.
    func taken() {}

    func end(_ ending: ChannelEnding) {
        close(ending)
        finish()
    }

    /// Asks the channel to call when there is something to receive. False says that there is already.
    final func waitsForElements(of source: OutboundSource) throws(TooManyWaiters) -> Bool {
        if !isWaiting { isWaiting = try source.whenReadable { [session] in session.schedule(self, isReady: true) } }
        return isWaiting
    }

    /// Closes the half as the other side ended the channel.
    final func close(_ ending: ChannelEnding) {
        switch ending {
        case .closed(let reason): source?.close(reason.cause)
        case .lost(let error): if isImport { source?.close(error) }
        case .released: break
        }
    }

    /// An element cannot be written, or the channel has more hooks than it allows.
    final func fail(_ source: OutboundSource, _ error: any Error) {
        source.close(error)
        session.closeChannel(id, CloseReason(error))
        finish()
    }

    /// The half is closed and everything was sent.
    final func finish(_ reason: ChannelClosed) {
        // The last proxy of a half that others may still hold is only let go of.
        if !isImport || reason.origin == .call { session.closeChannel(id, CloseReason(reason.cause)) }
        finish()
    }

    func finish() {
        source = nil
        batch = ElementBatch()
        if isImport {
            end = nil
            session.forget(self, id)
        }
    }
}
