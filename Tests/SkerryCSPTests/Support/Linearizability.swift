/// One operation on a channel as it was seen from outside.
struct HistoryEntry: Sendable, CustomStringConvertible {
    enum Event: Sendable, Equatable {
        case sent(Int)
        /// The send that does not wait found no room.
        case full
        case sendRefused
        case received(Int)
        /// The receive that does not wait found nothing.
        case empty
        case ended
        case closed
        /// Without effect.
        case cancelled
    }

    var event: Event
    /// Numbers from one counter, drawn before the call and after its return.
    var start: Int
    var end: Int

    var description: String { "\(start)–\(end) \(event)" }
}

/// Whether a history could have come from a queue with a bound on which each operation happens in one moment between its call and its return.
///
/// Searches for an order of the operations that respects real time and that the queue explains (Wing and Gong, 1993), remembering the pairs of
/// "operations placed" and "state" that lead nowhere. Exponential; for histories of up to 20 operations.
struct LinearizabilityChecker {
    private struct State: Hashable {
        var placed: UInt64 = 0
        var queue: [Int] = []
        var isClosed = false
    }

    let history: [HistoryEntry]
    let limit: Int
    private var dead: Set<State> = []

    private init(_ history: [HistoryEntry], limit: Int) {
        precondition(history.count < 64)
        self.history = history.filter { $0.event != .cancelled }
        self.limit = limit
    }

    static func accepts(_ history: [HistoryEntry], limit: Int) -> Bool {
        var checker = Self(history, limit: limit)
        return checker.search(State())
    }

    private mutating func search(_ state: State) -> Bool {
        if state.placed.nonzeroBitCount == history.count { return true }
        guard !dead.contains(state) else { return false }
        let pending = history.indices.filter { state.placed & (1 << UInt64($0)) == 0 }
        // Nothing may be placed after something that began when it was over.
        let firstEnd = pending.map { history[$0].end }.min()!
        for index in pending where history[index].start < firstEnd {
            var next = state
            next.placed |= 1 << UInt64(index)
            if apply(history[index].event, to: &next), search(next) { return true }
        }
        dead.insert(state)
        return false
    }

    /// False when the queue would not have answered so.
    private func apply(_ event: HistoryEntry.Event, to state: inout State) -> Bool {
        switch event {
        case .sent(let element):
            guard !state.isClosed, state.queue.count < limit else { return false }
            state.queue.append(element)
            return true
        case .full: return !state.isClosed && state.queue.count >= limit
        case .sendRefused: return state.isClosed
        case .received(let element):
            guard state.queue.first == element else { return false }
            state.queue.removeFirst()
            return true
        case .empty: return !state.isClosed && state.queue.isEmpty
        case .ended: return state.isClosed && state.queue.isEmpty
        case .closed:
            state.isClosed = true
            return true
        case .cancelled: return true
        }
    }
}
