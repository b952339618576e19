public import SkerryCRDT
public import SkerryGossip
internal import Synchronization

/// Values by key, of which the last writer wins: by stamp, then by origin, so that replicas agree whatever order entries come in.
///
/// ```swift
/// let model = ReplicatedModel<String>()
/// let replica = try Replica(["settings": model])
/// let observation = model.observe { print($0.key, $0.value ?? "gone") }
/// try model.set("theme", to: "dark")
/// ```
///
/// A removal is an update like any other: it wins over what was stamped before it, and late peers get it. What is overwritten leaves the history.
/// Bytes that are no value win and lose as all others do, and read as nil.
///
/// - Complexity: reading and writing O(1) expected; ``keys`` and ``values`` O(n log n).
public final class ReplicatedModel<Value: ReplicaValue>: Replicated {
    /// A key has another value.
    public struct Update: Sendable {
        public var key: String
        /// Before; nil for none, or none that can be read.
        public var previous: Value?
        /// Now; nil when it was removed.
        public var value: Value?
        public var stamp: HybridTimestamp
        public var origin: OriginID
    }

    private struct State: Sendable {
        var winners: [String: ReplicaEntry] = [:]
        /// Keys whose winner is a removal.
        var removed = 0
        var index = EntryIndex()
        var digest = CausalContext()
        var part: ReplicaPart?
        var rows: [ReplicaRow] = []
    }

    private let state = Mutex(State())
    private let notices = Notices<Update, ModelChanges> { ModelChanges(keys: [$0.key]) }

    private let views: [ReplicaView]

    /// - Parameter views: indexes over the model, each of this model alone.
    public init(views: [ReplicaView] = []) { self.views = views }

    // MARK: - Reading

    /// The value of a key; nil where there is none.
    public subscript(key: String) -> Value? {
        state.withLock { $0.winners[key] }.flatMap(Self.value)
    }

    /// Keys that have values, not those that were removed.
    public var count: Int { state.withLock { $0.winners.count - $0.removed } }

    /// Ascending.
    public var keys: [String] {
        state.withLock { state in state.winners.filter { !$0.value.isRemoval }.keys.sorted() }
    }

    /// All values by key.
    public var values: [String: Value] {
        state.withLock { $0.winners }.compactMapValues(Self.value)
    }

    /// When and by whom a key was last written or removed.
    public func lastWrite(of key: String) -> (stamp: HybridTimestamp, origin: OriginID)? {
        state.withLock { $0.winners[key] }.map { ($0.stamp, $0.origin) }
    }

    // MARK: - Writing

    /// Gives a key a value; nil removes it. Both are updates.
    ///
    /// - Throws: ``FeedError``, also with ``FeedError/Code/overloaded`` for a model that is no replica's.
    public func set(_ key: String, to value: Value?) throws(FeedError) {
        guard let part = state.withLock({ $0.part }) else { throw FeedError(.overloaded, "the model is no part of a replica") }
        if let value {
            try part.publish(.write, key: Array(key.utf8), value: value.replicaBytes)
        } else {
            try part.publish(.removal, key: Array(key.utf8))
        }
    }

    public func remove(_ key: String) throws(FeedError) { try set(key, to: nil) }

    // MARK: - Hearing

    /// Hears of every update that changed something, in the order in which this replica took them, without any lock. Keep the observation.
    ///
    /// - Parameter key: nil for all keys.
    public func observe(_ key: String? = nil, _ body: @escaping @Sendable (Update) -> Void) -> Observation {
        notices.observe { if key == nil || $0.key == key { body($0) } }
    }

    /// The keys that changed since the last look.
    public var changes: ChangeStream<ModelChanges> { notices.stream() }

    // MARK: - Replicated

    public func attached(_ handle: ReplicaPart) {
        let rows = views.flatMap { $0.attached(handle) }
        state.withLock { state in
            state.part = handle
            state.rows = rows
        }
    }

    public func caughtUp() { for view in views { view.caughtUp() } }

    public func apply(_ entry: ReplicaEntry) -> Bool {
        state.withLock { state in
            state.digest.insert(entry.dot)
            guard let key = String(validating: entry.key, as: UTF8.self) else { return false }
            let previous = state.winners[key]
            if let previous {
                guard previous < entry else { return false }
                state.index.remove(previous.dot)
            }
            state.winners[key] = entry
            state.removed += (entry.isRemoval ? 1 : 0) - (previous?.isRemoval ?? false ? 1 : 0)
            state.index.insert(entry)
            for view in views { view.change(key, from: previous, to: entry, rows: &state.rows) }
            if notices.isHeard {
                notices.add(
                    Update(
                        key: key, previous: previous.flatMap(Self.value), value: Self.value(entry), stamp: entry.stamp,
                        origin: entry.origin))
            }
            return true
        }
    }

    public var isKeyed: Bool { true }

    public func forget(_ isForgotten: (ReplicaEntry) -> Bool) -> [ReplicaEntry] {
        state.withLock { state in
            let gone = state.winners.filter { isForgotten($0.value) }.sorted { $0.value < $1.value }
            for (key, entry) in gone {
                state.winners[key] = nil
                state.index.remove(entry.dot)
                state.removed -= entry.isRemoval ? 1 : 0
                guard !entry.isRemoval else { continue }
                for view in views { view.change(key, from: entry, to: nil, rows: &state.rows) }
                if notices.isHeard {
                    notices.add(
                        Update(key: key, previous: Self.value(entry), value: nil, stamp: entry.stamp, origin: entry.origin))
                }
            }
            return gone.map(\.value)
        }
    }

    public func history(since digest: CausalContext) -> [ReplicaEntry] { state.withLock { $0.index.entries(since: digest) } }
    public var digest: CausalContext { state.withLock { $0.digest } }
    public func tell() { notices.tell() }
    public func disposed() { notices.finish() }

    public func takeRows() -> [ReplicaRow] {
        state.withLock { state in
            defer { state.rows = [] }
            return state.rows
        }
    }

    private static func value(_ entry: ReplicaEntry) -> Value? { entry.isRemoval ? nil : Value.replicaValue(of: entry.value) }
}

/// Which keys changed.
public struct ModelChanges: Coalescing, Hashable {
    /// At most ``keysMaximum``; beyond it all may have.
    public var keys: Set<String>
    /// Whether any key may have changed: look at all.
    public var isEverything = false

    public static let keysMaximum = 1_024

    init(keys: Set<String>) { self.keys = keys }

    public mutating func absorb(_ next: ModelChanges) {
        keys.formUnion(next.keys)
        isEverything = isEverything || next.isEverything || keys.count > Self.keysMaximum
        if isEverything { keys = [] }
    }
}
