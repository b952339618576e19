import SkerryCSP
import SkerryCodec
import SkerrySession

/// Moves elements from a receiving half of this process to the session, as far as its credit goes.
// Touched only by effects of the session, one at a time.
final class OutboundPump: ChannelPump, @unchecked Sendable {
    /// Elements taken from the channel at once.
    private static let batchMaximum = 64
    /// Elements moved before other effects get their turn.
    private static let turnMaximum = 1_024

    private let session: Session
    private let id: ReferenceID
    /// Nil when the channel is over.
    private var source: OutboundSource?
    private let format: PayloadFormat
    /// The half is the near side of a proxy for something the peer hosts.
    private let isImport: Bool
    private(set) var end: ChannelEnd?
    /// Taken from the channel and not yet by the session.
    private var batch = ElementBatch()
    private var next = 0
    /// The channel or the session will call.
    private var isWaiting = false

    init(_ session: Session, _ id: ReferenceID, source: OutboundSource, format: PayloadFormat, isImport: Bool, end: ChannelEnd?) {
        self.session = session
        self.id = id
        self.source = source
        self.format = format
        self.isImport = isImport
        self.end = end
    }

    func pump() {
        var moved = 0
        while let source {
            if next < batch.ends.count {
                let sent = session.send(id, batch, from: next)
                guard let sent else { return finish() }
                next += sent
                moved += sent
                // The session says when there is credit again.
                if next < batch.ends.count { return }
            }
            batch.removeAll()
            next = 0
            if moved >= Self.turnMaximum { return session.schedule(self) }
            do {
                guard try source.take(Self.batchMaximum, format, &batch) == 0 else { continue }
                if let reason = source.ending() { return finish(reason) }
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

    /// The channel has something to receive.
    func ready() {
        isWaiting = false
        pump()
    }

    func end(_ ending: ChannelEnding) {
        switch ending {
        case .closed(let reason): source?.close(reason.cause)
        case .lost(let error): if isImport { source?.close(error) }
        case .released: break
        }
        finish()
    }

    /// The half is closed and everything was sent.
    private func finish(_ reason: ChannelClosed) {
        // The last proxy of a half that others may still hold is only let go of.
        if !isImport || reason.origin == .call { session.closeChannel(id, CloseReason(reason.cause)) }
        finish()
    }

    private func finish() {
        source = nil
        batch = ElementBatch()
        if isImport {
            end = nil
            session.forget(self, id)
        }
    }
}
