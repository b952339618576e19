public import SkerryCRDT
public import SkerryGossip
internal import Synchronization

/// A state that a ``Reducer`` makes of everybody's updates.
///
/// ```swift
/// let beats = ReplicatedReduce(Heartbeats())
/// let replica = try Replica(["beats": beats])
/// try beats.update(Beat(node: "10.0.0.1:80", at: now))
/// ```
///
/// An update that changes nothing here is written nowhere; one from elsewhere that changes nothing is told to nobody and leaves the history. Peers get what
/// they lack by digest, never the whole state.
public final class ReplicatedReduce<R: Reducer>: Replicated {
    /// What came of an update.
    public struct Change: Sendable {
        /// The part that changed something.
        public var update: R.Update
        public var state: R.State
        public var origin: OriginID
    }

    private struct State: Sendable {
        var state: R.State
        var index = EntryIndex()
        var digest = CausalContext()
        var part: ReplicaPart?
    }

    public let reducer: R
    private let state: Mutex<State>
    private let notices = Notices<Change, CountedChanges> { _ in CountedChanges(count: 1) }

    public init(_ reducer: R) {
        self.reducer = reducer
        state = Mutex(State(state: reducer.initial))
    }

    public var current: R.State { state.withLock { $0.state } }

    /// Updates that the history still holds.
    public var historyCount: Int { state.withLock { $0.index.count } }

    /// Takes an update in, here and everywhere.
    ///
    /// - Returns: whether it changed anything. Where it did not, nothing was written.
    /// - Throws: ``FeedError``, also with ``FeedError/Code/overloaded`` for a state that is no part of a replica.
    @discardableResult
    public func update(_ update: R.Update) throws(FeedError) -> Bool {
        let (part, change) = state.withLock { state in
            var copy = state.state
            return (state.part, reducer.reduce(&copy, update))
        }
        guard let part else { throw FeedError(.overloaded, "the state is no part of a replica") }
        // Less than the whole says the same.
        guard let change else { return false }
        try part.publish(.write, key: Self.updateKey, value: change.replicaBytes)
        return true
    }

    /// Writes one update that stands for all so far, and drops those from the history. ``Replica/compact()`` then takes them from the log.
    ///
    /// Others drop them too when they take it. Does nothing where the reducer has no summary, or the history is no longer than an update.
    ///
    /// - Returns: whether it did.
    @discardableResult
    public func compact() throws(FeedError) -> Bool {
        let (part, count, summary, digest) = state.withLock { state in
            (state.part, state.index.count, reducer.summary(of: state.state), state.digest)
        }
        guard let part else { throw FeedError(.overloaded, "the state is no part of a replica") }
        guard count > 1, let summary else { return false }
        var key = Self.summaryKey
        for dot in digest.dots {
            withUnsafeBytes(of: (dot.origin.rawValue.bigEndian, dot.sequence.bigEndian)) { key.append(contentsOf: $0) }
        }
        // What it covers must fit in a key: with more origins the history stays as it is.
        guard key.count <= Self.coverageMaximum else { return false }
        try part.publish(.write, key: key, value: summary.replicaBytes)
        return true
    }

    /// Hears of every change, own ones too, in order, without any lock. Keep the observation.
    public func observe(_ body: @escaping @Sendable (Change) -> Void) -> Observation { notices.observe(body) }

    /// Says that the state changed since the last look.
    public var changes: ChangeStream<CountedChanges> { notices.stream() }

    // MARK: - Replicated

    private static var updateKey: [UInt8] { [0] }
    private static var summaryKey: [UInt8] { [1] }
    /// Bytes of a key that says what a summary covers, less than a key may have.
    private static var coverageMaximum: Int { 3 << 10 }

    public func attached(_ handle: ReplicaPart) { state.withLock { $0.part = handle } }

    public func apply(_ entry: ReplicaEntry) -> Bool {
        state.withLock { state in
            state.digest.insert(entry.dot)
            guard state.index[entry.dot] == nil, let update = R.Update.replicaValue(of: entry.value) else { return false }
            let covered = Self.covered(by: entry)
            // It stands for others, whether it changes anything here or not.
            if let covered {
                for old in state.index.entries(since: CausalContext()) where covered.covers(old.dot) { state.index.remove(old.dot) }
                state.index.insert(entry)
            }
            guard let change = reducer.reduce(&state.state, update) else { return false }
            state.index.insert(entry)
            if notices.isHeard { notices.add(Change(update: change, state: state.state, origin: entry.origin)) }
            return true
        }
    }

    /// What a summary stands for; nil for an update.
    private static func covered(by entry: ReplicaEntry) -> CausalContext? {
        guard entry.key.first == 1, (entry.key.count - 1) % 16 == 0 else { return nil }
        let bytes = Array(entry.key.dropFirst())
        let words = stride(from: 0, to: bytes.count, by: 8).map { place in
            bytes[place..<place + 8].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        }
        return CausalContext(
            covering: stride(from: 0, to: words.count, by: 2).map { Dot(origin: OriginID(rawValue: words[$0]), sequence: words[$0 + 1]) })
    }

    public func forget(_ isForgotten: (ReplicaEntry) -> Bool) -> [ReplicaEntry] {
        state.withLock { state in
            let entries = state.index.entries(since: CausalContext())
            let gone = entries.filter(isForgotten)
            guard !gone.isEmpty else { return [] }
            for entry in gone { state.index.remove(entry.dot) }
            // Nothing can be taken out of a state: it is made anew of what is left.
            state.state = reducer.initial
            for entry in state.index.entries(since: CausalContext()) {
                if let update = R.Update.replicaValue(of: entry.value) { _ = reducer.reduce(&state.state, update) }
            }
            return gone
        }
    }

    public func history(since digest: CausalContext) -> [ReplicaEntry] { state.withLock { $0.index.entries(since: digest) } }
    public var digest: CausalContext { state.withLock { $0.digest } }
    public func tell() { notices.tell() }
    public func disposed() { notices.finish() }
}

/// How often something changed.
public struct CountedChanges: Coalescing, Hashable {
    public var count: Int

    public mutating func absorb(_ next: CountedChanges) { count += next.count }
}
