public import SkerryCRDT
public import SkerryGossip
internal import Synchronization

/// One value, of which the last writer wins (r-value), with some of the values before it if wanted.
///
/// ```swift
/// let title = ReplicatedValue<String>(history: 3)
/// let replica = try Replica(["title": title])
/// try title.set("Plan")
/// ```
///
/// Everything but the present value and those that are kept leaves the history.
public final class ReplicatedValue<Value: ReplicaValue>: Replicated {
    private struct State: Sendable {
        /// Ascending: the last is the present one.
        var entries: [ReplicaEntry] = []
        var index = EntryIndex()
        var digest = CausalContext()
        var part: ReplicaPart?
    }

    private let state = Mutex(State())
    private let notices = Notices<Value?, CountedChanges> { _ in CountedChanges(count: 1) }
    private let depth: Int

    /// - Parameter history: how many values before the present one are kept, on every replica the same number.
    public init(history depth: Int = 0) { self.depth = max(0, depth) }

    /// Nil before the first, after a removal, or when it cannot be read.
    public var value: Value? { state.withLock { $0.entries.last }.flatMap(Self.value) }

    /// The values that are kept, the present one last; as far as they can be read.
    public var values: [Value] { state.withLock { $0.entries }.compactMap(Self.value) }

    /// When and by whom it was last written.
    public var lastWrite: (stamp: HybridTimestamp, origin: OriginID)? { state.withLock { $0.entries.last }.map { ($0.stamp, $0.origin) } }

    /// - Throws: ``FeedError``, also with ``FeedError/Code/overloaded`` for a value that is no part of a replica.
    public func set(_ value: Value?) throws(FeedError) {
        guard let part = state.withLock({ $0.part }) else { throw FeedError(.overloaded, "the value is no part of a replica") }
        try part.publish(value == nil ? .removal : .write, key: [], value: value?.replicaBytes ?? [])
    }

    /// Hears of every value that became the present one, without any lock. Keep the observation.
    public func observe(_ body: @escaping @Sendable (Value?) -> Void) -> Observation { notices.observe(body) }

    /// Says that the value changed since the last look.
    public var changes: ChangeStream<CountedChanges> { notices.stream() }

    // MARK: - Replicated

    public func attached(_ handle: ReplicaPart) { state.withLock { $0.part = handle } }

    public func apply(_ entry: ReplicaEntry) -> Bool {
        state.withLock { state in
            state.digest.insert(entry.dot)
            guard state.index[entry.dot] == nil else { return false }
            let place = state.entries.firstIndex { entry < $0 } ?? state.entries.count
            state.entries.insert(entry, at: place)
            state.index.insert(entry)
            if state.entries.count > depth + 1 { state.index.remove(state.entries.removeFirst().dot) }
            guard state.entries.last == entry else { return false }
            if notices.isHeard { notices.add(Self.value(entry)) }
            return true
        }
    }

    public var isKeyed: Bool { true }

    public func forget(_ isForgotten: (ReplicaEntry) -> Bool) -> [ReplicaEntry] {
        state.withLock { state in
            // Without a removal what stands before it would be the present value again: it goes as well.
            let removal = state.entries.last { $0.isRemoval && isForgotten($0) }
            let gone = state.entries.filter { entry in removal.map { entry <= $0 } ?? false || isForgotten(entry) }
            guard !gone.isEmpty else { return [] }
            let present = state.entries.last
            for entry in gone { state.index.remove(entry.dot) }
            state.entries.removeAll(where: gone.contains)
            if notices.isHeard, state.entries.last != present { notices.add(state.entries.last.flatMap(Self.value)) }
            return gone
        }
    }

    public func history(since digest: CausalContext) -> [ReplicaEntry] { state.withLock { $0.index.entries(since: digest) } }
    public var digest: CausalContext { state.withLock { $0.digest } }
    public func tell() { notices.tell() }
    public func disposed() { notices.finish() }

    private static func value(_ entry: ReplicaEntry) -> Value? { entry.isRemoval ? nil : Value.replicaValue(of: entry.value) }
}
