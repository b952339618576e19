import SkerrySession

/// Moves elements from the session to a sending half of this process, and grants credit for those that the channel has taken.
// Touched only by effects of the session, one at a time.
final class InboundStream: InboundPump, @unchecked Sendable {
    override func pump() {
        guard let sink else { return }
        watch(sink)
        while true {
            let progress = sink.flush()
            if progress.elements > 0 { session.taken(id, elements: progress.elements, bytes: progress.bytes) }
            if progress.isClosed || sink.closeReason() != nil { return closedHere(sink) }
            guard progress.waiting > 0 else { break }
            if isWaiting || waitsForRoom(in: sink) { return }
        }
        if let ending { conclude(sink, ending) }
    }
}
