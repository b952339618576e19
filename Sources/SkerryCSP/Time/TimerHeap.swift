/// Pending timers in the order they are due: a binary heap that can take one out of its middle.
///
/// Time is a number that the caller brings, counted from an origin of its choice. Timers due at the same time fire in the order they were added.
///
/// - Complexity: adding, cancelling and taking out are O(log n).
struct TimerHeap {
    struct Entry {
        let deadline: Duration
        let id: TimerID
        let body: @Sendable () -> Void

        func isDue(before other: Entry) -> Bool {
            deadline == other.deadline ? id.rawValue < other.id.rawValue : deadline < other.deadline
        }
    }

    private var entries: [Entry] = []
    /// Where in the heap each timer stands.
    private var positions: [TimerID: Int] = [:]
    private var nextID: UInt64 = 1

    var count: Int { entries.count }
    var earliest: Duration? { entries.first?.deadline }

    mutating func add(at deadline: Duration, _ body: @escaping @Sendable () -> Void) -> TimerID {
        let id = TimerID(rawValue: nextID)
        nextID += 1
        entries.append(Entry(deadline: deadline, id: id, body: body))
        positions[id] = entries.count - 1
        rise(from: entries.count - 1)
        return id
    }

    /// Takes the timer out. Nil when it has fired or was cancelled. What it captured goes with the result.
    mutating func cancel(_ id: TimerID) -> Entry? {
        guard let position = positions[id] else { return nil }
        return remove(at: position)
    }

    /// Takes out the first timer that is due at `now`.
    mutating func popDue(at now: Duration) -> Entry? {
        guard let first = entries.first, first.deadline <= now else { return nil }
        return remove(at: 0)
    }

    private mutating func remove(at position: Int) -> Entry {
        let last = entries.count - 1
        exchange(position, last)
        let entry = entries.removeLast()
        positions[entry.id] = nil
        if position < last {
            rise(from: position)
            sink(from: position)
        }
        return entry
    }

    private mutating func exchange(_ one: Int, _ other: Int) {
        guard one != other else { return }
        entries.swapAt(one, other)
        positions[entries[one].id] = one
        positions[entries[other].id] = other
    }

    private mutating func rise(from position: Int) {
        var child = position
        while child > 0, entries[child].isDue(before: entries[(child - 1) / 2]) {
            exchange(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func sink(from position: Int) {
        var parent = position
        while true {
            var first = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && entries[child].isDue(before: entries[first]) {
                first = child
            }
            guard first != parent else { return }
            exchange(parent, first)
            parent = first
        }
    }
}
