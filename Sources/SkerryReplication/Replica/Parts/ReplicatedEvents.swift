public import SkerryCRDT
public import SkerryGossip
internal import Synchronization

/// A reliable log: every event is kept and reaches every replica, late ones too, in one order.
///
/// ```swift
/// let log = ReplicatedEvents<String>(compaction: { events in events.dropLast(1_000).map(\.dot) })
/// let replica = try Replica(["log": log])
/// try log.append("login", topic: "audit")
/// ```
///
/// Events are ordered by stamp, origin and sequence; one that comes late from elsewhere may be put before others (``Insertion/position``).
///
/// - Complexity: insertion at the end O(1) amortised, elsewhere O(events behind it).
public final class ReplicatedEvents<Value: ReplicaValue>: Replicated {
    public struct Event: Sendable {
        public var dot: Dot
        public var stamp: HybridTimestamp
        /// What it is about.
        public var topic: String
        public var value: Value
    }

    /// An event came.
    public struct Insertion: Sendable {
        public var event: Event
        /// Its place among the events that were there then.
        public var position: Int
    }

    /// Which of all events, in order, are needed no more. The same function of the same events on every replica, and one that goes on to drop what it
    /// dropped: an event that a peer has not heard of as dropped comes again, and is dropped again at the next ``compact()``.
    public typealias Compaction = @Sendable (_ events: [Event]) -> [Dot]

    fileprivate struct State: Sendable {
        var entries: [ReplicaEntry] = []
        var index = EntryIndex()
        var digest = CausalContext()
        /// Dropped by the rule, by origin as runs of sequences: they are not taken again.
        var dropped = SequenceRuns()
        var part: ReplicaPart?
    }

    private let state = Mutex(State())
    private let notices = Notices<Insertion, EventChanges> { EventChanges(first: $0.position, count: 1) }
    private let rule: Compaction?

    public init(compaction rule: Compaction? = nil) { self.rule = rule }

    // MARK: - Reading

    public var count: Int { state.withLock { $0.entries.count } }

    /// All events in order; of one topic, if given. What cannot be read as a value is left out.
    public func events(topic: String? = nil) -> [Event] {
        state.withLock { $0.entries }.compactMap(Self.event).filter { topic == nil || $0.topic == topic }
    }

    // MARK: - Writing

    /// Appends an event.
    ///
    /// - Throws: ``FeedError``, also with ``FeedError/Code/overloaded`` for a log that is no replica's.
    /// - Returns: where it came from and which it is there.
    @discardableResult
    public func append(_ value: Value, topic: String = "") throws(FeedError) -> Dot {
        guard let part = state.withLock({ $0.part }) else { throw FeedError(.overloaded, "the log is no part of a replica") }
        return try part.publish(.write, key: Array(topic.utf8), value: value.replicaBytes).dot
    }

    /// Drops what the rule needs no more. ``Replica/compact()`` then takes it from the log.
    ///
    /// - Returns: how many events went.
    @discardableResult
    public func compact() -> Int {
        guard let rule else { return 0 }
        let gone = Set(rule(events()))
        return state.withLock { state in
            let before = state.entries.count
            for entry in state.entries where gone.contains(entry.dot) {
                state.index.remove(entry.dot)
                state.dropped.insert(entry.dot)
            }
            state.entries.removeAll { gone.contains($0.dot) }
            return before - state.entries.count
        }
    }

    // MARK: - Hearing

    /// Hears of every event once, in the order in which this replica took them, without any lock. Keep the observation.
    public func observe(_ body: @escaping @Sendable (Insertion) -> Void) -> Observation { notices.observe(body) }

    /// Hears of every event: those that are there, in order, then those that come.
    public func replay(_ body: @escaping @Sendable (Event) -> Void) -> Observation {
        // Under one lock with the look at what is there, so that none is missed or told twice; told before those that come.
        let (past, observation) = state.withLock { state in (state.entries, notices.observe { body($0.event) }) }
        for event in past.compactMap(Self.event) { body(event) }
        return observation
    }

    /// From where on the order of events changed since the last look.
    public var changes: ChangeStream<EventChanges> { notices.stream() }

    // MARK: - Replicated

    public func attached(_ handle: ReplicaPart) { state.withLock { $0.part = handle } }

    public func apply(_ entry: ReplicaEntry) -> Bool {
        state.withLock { state in
            state.digest.insert(entry.dot)
            guard !state.dropped.contains(entry.dot), state.index.insert(entry) else { return false }
            let position = state.position(of: entry)
            state.entries.insert(entry, at: position)
            if notices.isHeard, let event = Self.event(entry) { notices.add(Insertion(event: event, position: position)) }
            return true
        }
    }

    public func forget(_ isForgotten: (ReplicaEntry) -> Bool) -> [ReplicaEntry] {
        state.withLock { state in
            let gone = state.entries.filter(isForgotten)
            guard !gone.isEmpty else { return [] }
            for entry in gone { state.index.remove(entry.dot) }
            let dots = Set(gone.map(\.dot))
            state.entries.removeAll { dots.contains($0.dot) }
            return gone
        }
    }

    public func history(since digest: CausalContext) -> [ReplicaEntry] { state.withLock { $0.index.entries(since: digest) } }
    public var digest: CausalContext { state.withLock { $0.digest } }
    public func tell() { notices.tell() }
    public func disposed() { notices.finish() }

    private static func event(_ entry: ReplicaEntry) -> Event? {
        guard !entry.isRemoval, let value = Value.replicaValue(of: entry.value), let topic = String(validating: entry.key, as: UTF8.self)
        else {
            return nil
        }
        return Event(dot: entry.dot, stamp: entry.stamp, topic: topic, value: value)
    }
}

extension ReplicatedEvents.State {
    /// The first place whose entry is not before it; usually the end.
    fileprivate func position(of entry: ReplicaEntry) -> Int {
        if entries.last.map({ $0 < entry }) ?? true { return entries.count }
        var low = 0, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle] < entry { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Where the order of events changed: all before `first` is as it was.
public struct EventChanges: Coalescing, Hashable {
    public var first: Int
    /// Events that came.
    public var count: Int

    public mutating func absorb(_ next: EventChanges) {
        first = min(first, next.first)
        count += next.count
    }
}

/// Sets of dots that are mostly runs: by origin, ascending ranges of sequences.
struct SequenceRuns: Sendable {
    private var runs: [OriginID: [ClosedRange<UInt64>]] = [:]

    mutating func insert(_ dot: Dot) {
        var row = runs.removeValue(forKey: dot.origin) ?? []
        let place = Self.place(of: dot.sequence, in: row)
        defer { runs[dot.origin] = row }
        guard place == row.count || row[place].lowerBound > dot.sequence else { return }
        let joinsLeft = place > 0 && row[place - 1].upperBound + 1 == dot.sequence
        let joinsRight = place < row.count && row[place].lowerBound == dot.sequence + 1
        switch (joinsLeft, joinsRight) {
        case (true, true):
            row[place - 1] = row[place - 1].lowerBound...row[place].upperBound
            row.remove(at: place)
        case (true, false): row[place - 1] = row[place - 1].lowerBound...dot.sequence
        case (false, true): row[place] = dot.sequence...row[place].upperBound
        case (false, false): row.insert(dot.sequence...dot.sequence, at: place)
        }
    }

    func contains(_ dot: Dot) -> Bool {
        guard let row = runs[dot.origin] else { return false }
        let place = Self.place(of: dot.sequence, in: row)
        return place < row.count && row[place].lowerBound <= dot.sequence
    }

    var runCount: Int { runs.values.reduce(0) { $0 + $1.count } }

    /// The first run that does not end before a sequence.
    private static func place(of sequence: UInt64, in row: [ClosedRange<UInt64>]) -> Int {
        var low = 0, high = row.count
        while low < high {
            let middle = (low + high) / 2
            if row[middle].upperBound < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
