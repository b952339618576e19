public import SkerryCRDT
public import SkerryGossip
internal import SkerryStorage
internal import Synchronization

/// One node: an identity, a feed of its writes beside those of all others, a store, and named parts that live on them.
///
/// ```swift
/// let settings = ReplicatedModel<String>()
/// let log = ReplicatedEvents<String>()
/// let replica = try Replica(["settings": settings, "log": log])
/// try settings.set("theme", to: "dark")
/// try await replica.replicate(over: stream)
/// ```
///
/// All parts share one feed, one digest and one session with each peer. What a part writes is applied before the call returns, durable a little
/// later (``durable()``), and acknowledged to nobody before. Whatever way entries come and however often, replicas with the same entries are equal.
///
/// - Memory: what the parts hold, the last entry of each origin, and for each session at most ``outboxMaximum`` bytes that wait to be
///   written, and ``historyMaximum`` of a history.
/// - Isolation: any thread; no call waits for a disk except ``init(_:store:configuration:)``, and, without an executor, those that write.
public final class Replica: Sendable {
    /// Most parts of a replica.
    public static let partsMaximum = 1_024
    /// Bytes that may wait for a peer that takes nothing before its session ends. Entries alone never come near: they wait in the log.
    public static let outboxMaximum = 4 << 20

    /// Bytes that are in memory at once for a history, of what only the store has (``Replicated/needsLog``): for each session that gets one, and for one
    /// that leads to positions here.
    public static let historyMaximum = 2 << 20

    /// Bytes of a history that comes one way over a link, and that are not durable yet, before its session ends: nobody can hold a link back.
    public static let unsyncedMaximum = 16 << 20

    /// Least that a packet must carry where packets may be lost, bytes.
    public static let packetMinimum = 64

    /// How long ``dispose()`` and ``ReplicaSession/close()`` let a peer take what waits for it.
    public static let farewell = Duration.milliseconds(farewellTime)
    static let farewellTime: UInt64 = 2_000

    /// How long nothing may come over a link that loses packets before its session ends as disconnected: such a link may not know that its peer is gone.
    /// Three times as long as two peers ever have nothing to say.
    public static let silence = Duration.milliseconds(silenceTime)
    static let silenceTime = 3 * FeedLimits.digestInterval

    let configuration: ReplicaConfiguration
    let state: Mutex<State>
    /// Locked inside all others.
    let who: Mutex<FeedIdentity>
    let store: Mutex<any ReplicaStore>
    /// Positions taken over. Locked inside ``store``.
    let adopted = Mutex<[OriginID: UInt64]>([:])
    let events = Notices<ReplicaEvent, ReplicaNews> { ReplicaNews($0) }

    /// A replica with its parts by name, on a store that is empty or another replica's before it.
    ///
    /// Reads the store, which may block: on a disk use ``open(_:store:configuration:)``.
    ///
    /// - Throws: ``ReplicaError`` with `invalid` for names that are empty, too long or given twice, `storeFailed` when the store does not work.
    public init(
        _ parts: KeyValuePairs<String, any Replicated> = [:], store: some ReplicaStore = MemoryReplicaStore(),
        configuration: ReplicaConfiguration = ReplicaConfiguration()
    ) throws(ReplicaError) {
        var store: any ReplicaStore = store
        let opened: Opened
        do throws(StorageError) { opened = try Opened(&store, configuration) } catch {
            throw ReplicaError(.storeFailed, "\(error)")
        }
        who = Mutex(opened.identity)
        self.configuration = configuration
        let core = FeedCore(identity: opened.identity, state: store.state, trust: configuration.trust, now: configuration.now())
        state = Mutex(State(core: core))
        let positions = StoreLanes(store.state).positions
        self.store = Mutex(store)
        state.withLock { state in
            state.members = opened.members
            state.superseded = opened.superseded
            for entry in opened.entries {
                if opened.isApplied(entry), entry.kind != .registry || opened.members == nil {
                    state.unclaimed.insert(ReplicaEntry(entry, keyStart: PartName.prefix(of: entry)?.count ?? 0))
                }
                // Of a history that was torn some lie beside the log that no position here leads to.
                if entry.dot.sequence <= positions[entry.dot.origin] ?? 0 { state.hold(entry) }
            }
            state.core.observe(opened.entries.reduce(.zero) { max($0, $1.stamp) })
            enforceMembers(&state)
        }
        for (name, part) in parts { try add(part, named: name) }
        writeNews()
    }

    /// Opens a replica on a store that blocks, on the executor of the configuration.
    public static func open(
        _ parts: KeyValuePairs<String, any Replicated> = [:], store: some ReplicaStore, configuration: ReplicaConfiguration
    ) async throws(ReplicaError) -> Replica {
        guard let executor = configuration.executor else { return try Replica(parts, store: store, configuration: configuration) }
        let result: Result<Replica, ReplicaError>
        do throws(StorageError) {
            result = try await executor.run { () throws(StorageError) in
                Result { () throws(ReplicaError) in try Replica(parts, store: store, configuration: configuration) }
            }
        } catch {
            throw ReplicaError(.storeFailed, "\(error)")
        }
        return try result.get()
    }

    deinit { state.withLock { $0.ticker?.cancel() } }

    /// Adds a part under a name, the same on all replicas, and applies what is there of it.
    ///
    /// - Throws: ``ReplicaError`` with `invalid` for a name that is empty, too long or taken, or beyond ``partsMaximum``.
    public func add(_ part: any Replicated, named name: String) throws(ReplicaError) {
        guard let prefix = PartName.prefix(name) else {
            throw ReplicaError(.invalid, "a part has a name of 1 to \(PartName.maximum) bytes")
        }
        try state.withLock { state throws(ReplicaError) in
            guard state.parts[prefix] == nil, state.arriving[prefix] == nil else {
                throw ReplicaError(.invalid, "there is a part named \(name)")
            }
            guard state.parts.count + state.arriving.count < Self.partsMaximum else { throw ReplicaError(.invalid, "too many parts") }
            state.arriving[prefix] = []
        }
        let wasStale = isStale(prefix)
        part.attached(ReplicaPart(name: name, prefix: prefix, replica: self))
        state.withLock { state in
            state.parts[prefix] = part
            state.partOrder.append(prefix)
            state.claim(prefix, for: part, wasStale: wasStale)
        }
        settle()
    }

    // MARK: - Looking

    /// Who this replica is. With rules for members (``MemberRules``) it takes another origin when it was retired, or its store was another's.
    public var identity: FeedIdentity { who.withLock { $0 } }

    /// What is durable here, by origin.
    public var digest: CausalContext { state.withLock { $0.core.durable } }

    public var statistics: ReplicaStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.feeds = state.core.statistics
            statistics.sessions = state.sessions.count
            return statistics
        }
    }

    /// Origins with two histories: nothing of them is taken or given.
    public var frozenOrigins: [OriginID] { state.withLock { $0.core.frozenOrigins } }

    /// Hears what happens, in order, on the thread on which it happened and without any lock. Keep the observation.
    public func observe(_ body: @escaping @Sendable (ReplicaEvent) -> Void) -> Observation { events.observe(body) }

    /// What happened since the last look.
    public var news: ChangeStream<ReplicaNews> { events.stream() }

    // MARK: - Writing

    func publish(_ kind: FeedEntry.Kind, key: [UInt8], value: [UInt8], part: ReplicaPart) throws(FeedError) -> ReplicaEntry {
        guard kind != .registry else { throw FeedError(.limitExceeded, "statements about members are not a part's to make") }
        let now = configuration.now()
        let entry = try state.withLock { state throws(FeedError) in
            if state.isDisposed || state.failure != nil { throw FeedError(.overloaded, "the replica takes no more writes") }
            guard state.members?.isAway != true else {
                throw FeedError(.unregistered, "the replica is no member yet, or no longer: it has to meet one")
            }
            let entry = try state.core.publish(kind, key: part.prefix + key, value: value, now: now, into: &state.actions)
            settle(&state, now)
            return entry
        }
        settle()
        return ReplicaEntry(entry, keyStart: part.prefix.count)
    }

    /// Whether a write may be taken: not while the replica is no member, nor after its end.
    var takesWrites: Bool { state.withLock { !$0.isDisposed && $0.failure == nil && $0.members?.isAway != true } }

    /// Waits until a write is welcome: while a connected peer falls far behind, the rate of own writes gives way (``WriteRate``).
    ///
    /// Returns early when the task is cancelled.
    public func ready() async {
        while true {
            let now = configuration.now()
            guard let wait = state.withLock({ $0.core.admitWrite(now: now) }) else { return }
            do { try await Task.sleep(for: .milliseconds(wait)) } catch { return }
        }
    }

    /// Waits until all that was written before the call is durable.
    ///
    /// - Throws: ``ReplicaError`` with `storeFailed`.
    public func durable() async throws(ReplicaError) {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                let last = state.groupsBegun + (state.work.isEmpty ? 0 : 1)
                let isDone = state.failure != nil || state.groupsDone >= last
                if !isDone { state.durableWaiters.append((last, continuation)) }
                return isDone
            }
            if isDone { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw ReplicaError(.storeFailed, failure) }
    }

    /// Says whose entries are taken: those of members, own ones, and those of fenced origins up to their fence. Until it is called, everybody's.
    ///
    /// What others wrote is turned away, from whomever it comes, as feed or as history. Sessions stay: who writes nothing may read. When an origin becomes a
    /// member, peers are asked again for what it wrote; what a stream that goes one way brought of it before does not come again.
    ///
    /// Not kept in the store: say it after each start, before the first session, and whenever the members change. With the whole list, each time. A replica with
    /// rules for members (``MemberRules``) says it to itself: leave it alone then.
    ///
    /// - Complexity: O(members + sessions x origins).
    public func admit(_ members: some Sequence<OriginID>) {
        let (now, members) = (configuration.now(), Set(members))
        state.withLock { state in
            admit(members, &state, now)
            settle(&state, now)
        }
        settle()
    }

    func admit(_ members: Set<OriginID>, _ state: inout State, _ now: FeedInstant) {
        state.core.admit(members)
        for id in state.sessionIDs where !(state.sessions[id]?.strangers.isDisjoint(with: members) ?? true) {
            state.sessions[id]?.strangers.subtract(members)
            requestHistory(id, &state)
        }
        // What else was turned away is asked for at once.
        state.core.tick(now: now, into: &state.actions)
    }

    /// Lets a returned or retired member in no more: nothing of its origin behind `sequence` is taken. Not kept in the store: say it after each start.
    public func fence(_ origin: OriginID, through sequence: UInt64?) {
        let now = configuration.now()
        state.withLock { state in
            state.exhausted.remove(origin)
            state.core.fence(origin, through: sequence, into: &state.actions)
            settle(&state, now)
        }
        settle()
    }

    /// Ends all sessions and streams of changes. Nothing can be written any more; reading goes on. Idempotent.
    public func dispose() async {
        let sessions = state.withLock { state in
            state.isDisposed = true
            return state.sessions.values.map(\.handle)
        }
        for session in sessions { session.close() }
        // A peer that takes nothing holds nobody up for long.
        let cutter = Task { [weak self] in
            guard (try? await Task.sleep(for: Self.farewell)) != nil else { return }
            for session in sessions { self?.end(session.id.rawValue, nil) }
        }
        for session in sessions { await session.hasEnded() }
        cutter.cancel()
        // Not before: what is said last may be lost and must go again.
        state.withLock { state in
            state.ticker?.cancel()
            state.ticker = nil
        }
        try? await durable()
        events.finish()
        for part in state.withLock({ state in state.partOrder.compactMap { state.parts[$0] } }) { part.disposed() }
    }
}

/// What a replica has counted.
public struct ReplicaStatistics: Sendable, Hashable {
    public var feeds = FeedStatistics()
    /// Sessions now and ever.
    public var sessions = 0
    public var sessionsEver: UInt64 = 0
    /// Clones made of this replica.
    public var clones: UInt64 = 0
    /// Entries that a part said changed something, and that changed nothing.
    public var changes: UInt64 = 0
    public var unchanged: UInt64 = 0
    /// Removals that all members had seen, and that are gone.
    public var forgotten: UInt64 = 0
    /// Histories that came where the log of a peer no longer reached, and that went.
    public var repairs: UInt64 = 0
    public var repairsServed: UInt64 = 0
    /// The most bytes of a log that were in memory at once for a history, given or taken, see ``Replica/historyMaximum``.
    public var historyPeak = 0
    /// Groups in which the store wrote: a group becomes durable at once.
    public var writeGroups: UInt64 = 0

    public init() {}
}

// MARK: - Rows

extension Replica {
    /// The row that says that something came of a part while it was not here, which its views lack.
    static func staleKey(_ prefix: [UInt8]) -> [UInt8] { Array("\0stale".utf8) + prefix }

    /// Whether entries of a part came while it was not here; blocks.
    func isStale(_ prefix: [UInt8]) -> Bool {
        if state.withLock({ $0.stale.contains(prefix) }) { return true }
        let key = Self.staleKey(prefix)
        return storedRows(withPrefix: key, limit: 1).contains { $0.key == key }
    }

    /// What the store has now; blocks. A store that fails has nothing, and says so at the next write.
    func storedRows(withPrefix prefix: [UInt8], limit: Int) -> [ReplicaRow] {
        store.withLock { try? $0.rows(withPrefix: prefix, from: prefix, limit: limit) } ?? []
    }

    func rows(withPrefix prefix: [UInt8], from lower: [UInt8], limit: Int) async throws(ReplicaError) -> [ReplicaRow] {
        try await onStore { store throws(StorageError) in try store.rows(withPrefix: prefix, from: lower, limit: limit) }
    }

    /// Does something with the store, where it may block.
    func onStore<Value: Sendable>(
        _ body: @escaping @Sendable (any ReplicaStore) throws(StorageError) -> Value
    ) async throws(ReplicaError) -> Value {
        do throws(StorageError) {
            guard let executor = configuration.executor else {
                return try store.withLock { store throws(StorageError) in try body(store) }
            }
            return try await executor.run { () throws(StorageError) in
                try self.store.withLock { store throws(StorageError) in try body(store) }
            }
        } catch {
            throw ReplicaError(.storeFailed, "\(error)")
        }
    }
}
