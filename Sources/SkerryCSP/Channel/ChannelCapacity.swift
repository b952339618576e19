/// How many elements wait inside a channel, and what a send does when there is no room.
@frozen
public enum ChannelCapacity: Sendable, Hashable {
    /// None: a send returns when a receiver has taken the element, also where one of the two is behind a session. Each element costs two switches of task, and there a round
    /// trip; mean it.
    case rendezvous
    /// At most this many, at least one; a send waits for room.
    case buffer(Int)
    /// At most this many, at least one; without room the element that is being sent is dropped, and the send returns.
    case dropping(Int)
    /// At most this many, at least one; without room the oldest element is dropped.
    case sliding(Int)
    /// Any number, until memory ends. For elements that are bounded by something else.
    case unbounded
}

extension ChannelCapacity {
    /// What a send does when there is no room.
    @usableFromInline
    enum Overflow: Sendable {
        case wait
        case dropNewest
        case dropOldest
    }

    @usableFromInline
    var overflow: Overflow {
        switch self {
        case .rendezvous, .buffer, .unbounded: .wait
        case .dropping: .dropNewest
        case .sliding: .dropOldest
        }
    }

    /// Elements that may wait in the ring.
    @usableFromInline
    var limit: Int {
        switch self {
        case .rendezvous:
            return 0
        case .buffer(let count), .dropping(let count), .sliding(let count):
            precondition(count > 0, "a channel for \(count) elements; one that holds none is .rendezvous")
            return count
        case .unbounded:
            return .max
        }
    }
}
