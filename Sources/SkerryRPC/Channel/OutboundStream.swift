import SkerryCSP
import SkerrySession

/// Moves elements from a receiving half of this process to the session, as far as its credit goes.
// Touched only by effects of the session, one at a time.
final class OutboundStream: OutboundPump, @unchecked Sendable {
    /// Elements taken from the channel at once.
    private static let batchMaximum = 64
    /// Elements moved before other effects get their turn.
    private static let turnMaximum = 1_024

    /// The first element of the batch that the session has not taken.
    private var next = 0

    override func pump() {
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
                if try waitsForElements(of: source) { return }
            } catch {
                return fail(source, error)
            }
        }
    }
}
