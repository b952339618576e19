public import SkerryCRDT
public import SkerryGossip
internal import Synchronization

/// A model that forgets: at most so many keys, those written last, and none older than an age.
///
/// ```swift
/// let presence = ExpiringModel<String>(countMaximum: 500, age: .seconds(60))
/// let replica = try Replica(["presence": presence])
/// try presence.set("ada", to: "here")
/// ```
///
/// What goes is decided by stamps alone, so replicas keep the same keys whatever order entries come in; reading keeps nothing alive. Removed keys count
/// until their removal is too old. Origins of which nothing is kept leave ``digest``.
///
/// - Complexity: writing O(log n) comparisons and O(n) moves of pointers, of n kept keys.
public final class ExpiringModel<Value: ReplicaValue>: Replicated {
    private struct State: Sendable {
        var winners: [String: ReplicaEntry] = [:]
        /// The same, the oldest first.
        var order: [(entry: ReplicaEntry, key: String)] = []
        var index = EntryIndex()
        /// The last entry that had to go for others: what is before it does not come back.
        var floor: ReplicaEntry?
        var part: ReplicaPart?
    }

    private let state = Mutex(State())
    private let notices = Notices<String, ModelChanges> { ModelChanges(keys: [$0]) }
    private let countMaximum: Int
    private let age: UInt64
    private let now: @Sendable () -> UInt64

    /// - Parameters:
    ///   - countMaximum: keys that are kept, at least one; the same on every replica.
    ///   - age: how old a write may become, the same on every replica.
    ///   - now: wall time in milliseconds since 1970.
    public init(countMaximum: Int = 500, age: Duration = .seconds(86_400), now: @escaping @Sendable () -> UInt64 = WallClock.milliseconds) {
        self.countMaximum = max(1, countMaximum)
        self.age = age.wholeMilliseconds
        self.now = now
    }

    public subscript(key: String) -> Value? {
        let oldest = oldest
        return state.withLock { $0.winners[key] }.flatMap { $0.stamp < oldest ? nil : Self.value($0) }
    }

    /// Ascending.
    public var keys: [String] {
        let oldest = oldest
        return state.withLock { $0.winners }.filter { !$0.value.isRemoval && $0.value.stamp >= oldest }.keys.sorted()
    }

    /// - Throws: ``FeedError``, also with ``FeedError/Code/overloaded`` for a model that is no replica's.
    public func set(_ key: String, to value: Value?) throws(FeedError) {
        guard let part = state.withLock({ $0.part }) else { throw FeedError(.overloaded, "the model is no part of a replica") }
        try part.publish(value == nil ? .removal : .write, key: Array(key.utf8), value: value?.replicaBytes ?? [])
    }

    /// Drops what is too old; writing does so too. ``Replica/compact()`` then takes it from the log.
    ///
    /// - Returns: how many keys went.
    @discardableResult
    public func expire() -> Int {
        let oldest = oldest
        return state.withLock { Self.expire(&$0, oldest, notices) }
    }

    /// Hears of keys that were written, removed or dropped, without any lock. Keep the observation.
    public func observe(_ body: @escaping @Sendable (String) -> Void) -> Observation { notices.observe(body) }

    /// The keys that changed since the last look.
    public var changes: ChangeStream<ModelChanges> { notices.stream() }

    // MARK: - Replicated

    public func attached(_ handle: ReplicaPart) { state.withLock { $0.part = handle } }

    public func apply(_ entry: ReplicaEntry) -> Bool {
        let oldest = oldest
        return state.withLock { state in
            Self.expire(&state, oldest, notices)
            guard entry.stamp >= oldest, state.floor.map({ $0 < entry }) ?? true,
                let key = String(validating: entry.key, as: UTF8.self)
            else {
                return false
            }
            if let previous = state.winners[key] {
                guard previous < entry else { return false }
                Self.drop(Self.place(of: previous, in: state.order), &state)
            }
            state.winners[key] = entry
            state.index.insert(entry)
            state.order.insert((entry, key), at: Self.place(of: entry, in: state.order))
            notices.add(key)
            while state.order.count > countMaximum {
                state.floor = state.order[0].entry
                notices.add(state.order[0].key)
                Self.drop(0, &state)
            }
            return state.winners[key] == entry
        }
    }

    public var isKeyed: Bool { true }

    /// A removal counts among the keys that are kept: forgotten here earlier than there, it would leave room for another key here alone. It goes by its age.
    public var forgetsRemovals: Bool { false }

    public func forget(_ isForgotten: (ReplicaEntry) -> Bool) -> [ReplicaEntry] {
        state.withLock { state in
            let gone = state.order.filter { isForgotten($0.entry) }
            for (entry, key) in gone {
                notices.add(key)
                Self.drop(Self.place(of: entry, in: state.order), &state)
            }
            return gone.map(\.entry)
        }
    }

    public func history(since digest: CausalContext) -> [ReplicaEntry] {
        expire()
        return state.withLock { $0.index.entries(since: digest) }
    }

    /// Only of origins of which something is kept.
    public var digest: CausalContext { state.withLock { CausalContext(covering: $0.order.map(\.entry.dot)) } }

    public func tell() { notices.tell() }
    public func disposed() { notices.finish() }

    private var oldest: HybridTimestamp {
        let now = now()
        return HybridTimestamp(milliseconds: now > age ? now - age : 0, count: 0)
    }

    @discardableResult
    private static func expire(_ state: inout State, _ oldest: HybridTimestamp, _ notices: Notices<String, ModelChanges>) -> Int {
        var count = 0
        while let first = state.order.first, first.entry.stamp < oldest {
            notices.add(first.key)
            drop(0, &state)
            count += 1
        }
        return count
    }

    private static func drop(_ place: Int, _ state: inout State) {
        let (entry, key) = state.order.remove(at: place)
        state.winners[key] = nil
        state.index.remove(entry.dot)
    }

    private static func place(of entry: ReplicaEntry, in order: [(entry: ReplicaEntry, key: String)]) -> Int {
        var low = 0, high = order.count
        while low < high {
            let middle = (low + high) / 2
            if order[middle].entry < entry { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func value(_ entry: ReplicaEntry) -> Value? { entry.isRemoval ? nil : Value.replicaValue(of: entry.value) }
}
