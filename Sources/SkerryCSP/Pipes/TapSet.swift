/// Receivers to which each element goes: the common part of multiples, publications and hubs.
///
/// A tap whose receiver is gone leaves by itself, at once.
final class TapSet<Element: Sendable>: Sendable {
    private struct State {
        /// In the order they came.
        var taps: [Sender<Element>] = []
        var closed: ChannelClosed?
    }

    private let state = Locked(State())
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    var isEmpty: Bool { state.withLock { $0.taps.isEmpty } }

    /// The taps of this moment, or why there are none any more.
    var taps: [Sender<Element>] {
        get throws(ChannelClosed) {
            let (taps, closed) = state.withLock { ($0.taps, $0.closed) }
            if let closed { throw closed }
            return taps
        }
    }

    /// Adds a tap. If the set is closed, the tap is too.
    func add(_ capacity: ChannelCapacity) throws(TooManyTaps) -> Receiver<Element> {
        let (sender, receiver) = Channel<Element>(capacity).halves
        let (isFull, closed) = state.withLock { state in
            if state.closed == nil, state.taps.count < limit { state.taps.append(sender) }
            return (state.closed == nil && state.taps.last !== sender, state.closed)
        }
        if isFull { throw TooManyTaps(limit: limit) }
        if let closed { close(sender, closed) } else { leaveWhenClosed(sender) }
        return receiver
    }

    private func leaveWhenClosed(_ sender: Sender<Element>) {
        let id = sender.channelID
        // A new channel has room for a hook.
        try? sender.onClose { [weak self] _ in self?.remove(id) }
    }

    func remove(_ id: ChannelID) {
        // The sender is let go of after unlocking: it may be the last reference, and closes.
        let removed = state.withLock { state in
            state.taps.firstIndex { $0.channelID == id }.map { state.taps.remove(at: $0) }
        }
        removed?.close()
    }

    /// Closes all taps, now and to come.
    func closeAll(throwing error: (any Error)? = nil) {
        let reason = ChannelClosed(.call, cause: error)
        let taps: [Sender<Element>] = state.withLock { state in
            guard state.closed == nil else { return [] }
            state.closed = reason
            defer { state.taps = [] }
            return state.taps
        }
        for tap in taps { close(tap, reason) }
    }

    private func close(_ tap: Sender<Element>, _ reason: ChannelClosed) {
        if let cause = reason.cause { tap.close(throwing: cause) } else { tap.close() }
    }
}

/// As many receivers listen as may; this one was not added.
public struct TooManyTaps: Error, Sendable, Hashable, CustomStringConvertible {
    /// Receivers allowed.
    public let limit: Int

    public var description: String { "\(limit) receivers listen already" }
}

/// Sends `element` to each of the taps and returns when all have it. They are served as they have room, so that a slow one delays
/// the next element but not this one for the others. Taps that are closed are passed over.
func deliver<Element: Sendable>(_ element: Element, to taps: [Sender<Element>]) async throws {
    var waiting = taps.filter { tap in
        // A closed one throws.
        (try? tap.trySend(element)) == false
    }
    while !waiting.isEmpty {
        do {
            try await select(.priority) {
                for tap in waiting {
                    tap.onSend(element) { waiting.removeAll { $0 === tap } }
                }
            }
        } catch is ChannelClosed {
            waiting.removeAll { $0.closeReason != nil }
        }
    }
}
