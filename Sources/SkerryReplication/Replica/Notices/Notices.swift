internal import Synchronization

/// What can be taken together: the sum of two says what both said, in bounded space.
public protocol Coalescing: Sendable {
    /// Takes in what happened next.
    mutating func absorb(_ next: Self)
}

/// Tells observers of events in order, and streams of their sum.
///
/// Events are added under whatever lock and told by ``tell()`` under none. Of several threads that tell, one does it for all.
final class Notices<Event: Sendable, Sum: Coalescing>: Sendable {
    private struct State: Sendable {
        var waiting: [Event] = []
        var isTelling = false
        var observers: [(id: UInt64, body: @Sendable (Event) -> Void)] = []
        var streams: [(id: UInt64, stream: ChangeStream<Sum>.Source)] = []
        var nextID: UInt64 = 0
        var isFinished = false
    }

    private let state = Mutex(State())
    private let sum: @Sendable (Event) -> Sum

    init(sum: @escaping @Sendable (Event) -> Sum) { self.sum = sum }

    var isHeard: Bool { state.withLock { !$0.observers.isEmpty || !$0.streams.isEmpty } }

    func add(_ event: Event) {
        state.withLock { state in
            guard !state.observers.isEmpty || !state.streams.isEmpty else { return }
            state.waiting.append(event)
        }
    }

    func tell() {
        while true {
            let (events, observers, streams) = state.withLock {
                state -> ([Event], [@Sendable (Event) -> Void], [ChangeStream<Sum>.Source]) in
                guard !state.isTelling, !state.waiting.isEmpty else { return ([], [], []) }
                state.isTelling = true
                defer { state.waiting = [] }
                return (state.waiting, state.observers.map(\.body), state.streams.map(\.stream))
            }
            guard !events.isEmpty else { return }
            for event in events {
                for observer in observers { observer(event) }
                for stream in streams { stream.send(sum(event)) }
            }
            state.withLock { $0.isTelling = false }
        }
    }

    func observe(_ body: @escaping @Sendable (Event) -> Void) -> Observation {
        let id = state.withLock { state in
            state.nextID += 1
            state.observers.append((state.nextID, body))
            return state.nextID
        }
        return Observation { [weak self] in self?.state.withLock { $0.observers.removeAll { $0.id == id } } }
    }

    func stream() -> ChangeStream<Sum> {
        let source = ChangeStream<Sum>.Source()
        let id = state.withLock { state -> UInt64? in
            guard !state.isFinished else { return nil }
            state.nextID += 1
            state.streams.append((state.nextID, source))
            return state.nextID
        }
        guard let id else {
            source.finish()
            return ChangeStream(source, Observation {})
        }
        return ChangeStream(
            source, Observation { [weak self] in self?.state.withLock { $0.streams.removeAll { $0.id == id } } })
    }

    /// Ends all streams; observers stay, and hear nothing more.
    func finish() {
        let streams = state.withLock { state in
            state.isFinished = true
            defer { state.streams = [] }
            return state.streams.map(\.stream)
        }
        for stream in streams { stream.finish() }
    }

    var listeners: Int { state.withLock { $0.observers.count + $0.streams.count } }
}
