import Synchronization

/// A ``TwoQueueCache`` for many threads, where concurrent misses of a key load it once and a load never brings back what was invalidated.
///
/// The race it is made for: a reader misses and reads the old row, a writer commits a new one and invalidates the key, and the reader
/// inserts the old row, to stay. Here a load that began before an invalidation of its key does not insert, and those who ask
/// after the invalidation do not join it.
///
/// Writers call ``invalidate(_:)`` or ``update(_:to:)`` after their change is visible to loaders and before they report it done; then a
/// read that begins after the report sees the change. Updates of one key must come in the order of the changes; where that is not
/// known, invalidate.
///
/// To keep negative answers, make `Value` optional; errors are never kept.
///
/// Keys are spread over shards, each with its lock and its share of the capacity; all calls but `load` return without waiting.
public final class CoalescingCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    fileprivate typealias Core = CoalescingCore<Key, Value, CheckedContinuation<Outcome, Never>>

    /// How the wait of a caller that missed ends.
    fileprivate enum Outcome: Sendable {
        case loaded(Value)
        case failed(any Error)
        /// The caller is to load.
        case lead(LoadToken<Key>)
        /// The caller that loaded was cancelled: ask again.
        case abandoned
        /// This caller was cancelled.
        case cancelled
    }

    fileprivate final class Shard: Sendable {
        let core: Mutex<Core>

        init(capacity: Int) {
            core = Mutex(Core(cache: TwoQueueCache(capacity: capacity)))
        }
    }

    private let shards: [Shard]
    private let charge: @Sendable (Key, Value) -> Int

    /// - Parameters:
    ///   - capacity: bytes, by the measure of `charge`. An entry larger than the share of a shard is not kept.
    ///   - shardCount: locks to spread the keys over.
    ///   - charge: bytes that an entry takes, its key included; called without a lock held.
    public init(capacity: Int, shardCount: Int = 8, charge: @escaping @Sendable (Key, Value) -> Int) {
        precondition(shardCount > 0, "a cache of \(shardCount) shards")
        shards = (0..<shardCount).map { _ in Shard(capacity: capacity / shardCount) }
        self.charge = charge
    }

    private func shard(of key: Key) -> Shard {
        shards[Int(UInt(bitPattern: key.hashValue) % UInt(shards.count))]
    }
}

// MARK: - Lookup and change

extension CoalescingCache {
    /// The value of `key` if the cache holds it.
    public func value(for key: Key) -> Value? {
        shard(of: key).core.withLock { $0.value(for: key) }
    }

    /// The value of `key` is no longer true. Loads of it that are under way will not insert what they read.
    public func invalidate(_ key: Key) {
        shard(of: key).core.withLock { $0.invalidate(key) }
    }

    /// The value of `key` is now `value`. Loads of it that are under way will not insert what they read.
    public func update(_ key: Key, to value: Value) {
        let charge = charge(key, value)
        shard(of: key).core.withLock { $0.update(key, to: value, charge: charge) }
    }

    /// No value is true any more. Loads that are under way will not insert what they read.
    public func invalidateAll() {
        for shard in shards { shard.core.withLock { $0.invalidateAll() } }
    }

    /// Entries held now.
    public var count: Int { shards.reduce(0) { sum, shard in sum + shard.core.withLock { $0.cache.count } } }
    /// Bytes the entries are charged now.
    public var charged: Int { shards.reduce(0) { sum, shard in sum + shard.core.withLock { $0.cache.charge } } }
}

extension CoalescingCache {
    /// Callers that wait now for a load of a key in the shard of `key`; lets tests know that a wait has begun.
    package func waiterCount(of key: Key) -> Int {
        shard(of: key).core.withLock { $0.waiterCount }
    }
}

// MARK: - Loading

extension CoalescingCache {
    /// The value of `key`, from the cache or else from `loader`, which runs once for all callers that miss at the same time.
    ///
    /// The loader runs in the task of the first of them. Its error goes to all and is not kept; the next call tries anew. When that task is
    /// cancelled and its loader fails, one of the others loads in its place.
    ///
    /// - Throws: what the loader throws; `CancellationError` when the task is cancelled while it waits for another's load.
    public func load(_ key: Key, _ loader: () async throws -> Value) async throws -> Value {
        if let value = value(for: key) { return value }
        while true {
            switch await join(key) {
            case .loaded(let value): return value
            case .failed(let error): throw error
            case .lead(let token): return try await lead(token, loader)
            case .abandoned: continue
            case .cancelled: throw CancellationError()
            }
        }
    }

    /// Announces a load of `key` that the caller does itself: before it reads, so that an invalidation in between is seen.
    ///
    /// The token must be finished or abandoned, else the cache remembers it until the key is invalidated.
    public func beginLoad(_ key: Key) -> LoadToken<Key> {
        shard(of: key).core.withLock { $0.begin(key) }
    }

    /// Inserts what a load read, unless its key was invalidated since it began.
    ///
    /// - Returns: whether it was inserted.
    @discardableResult
    public func finishLoad(_ token: LoadToken<Key>, with value: Value) -> Bool {
        let charge = charge(token.key, value)
        let (inserted, waiters) = shard(of: token.key).core.withLock { $0.finish(token, with: value, charge: charge) }
        for waiter in waiters { waiter.resume(returning: .loaded(value)) }
        return inserted
    }

    /// Ends a load that read nothing.
    public func abandonLoad(_ token: LoadToken<Key>) {
        abandon(token, outcome: .abandoned)
    }

    private func lead(_ token: LoadToken<Key>, _ loader: () async throws -> Value) async throws -> Value {
        do {
            let value = try await loader()
            finishLoad(token, with: value)
            return value
        } catch {
            abandon(token, outcome: Task.isCancelled ? .abandoned : .failed(error))
            throw error
        }
    }

    private func abandon(_ token: LoadToken<Key>, outcome: Outcome) {
        let waiters = shard(of: token.key).core.withLock { $0.abandon(token) }
        for waiter in waiters { waiter.resume(returning: outcome) }
    }

    private func join(_ key: Key) async -> Outcome {
        let core = shard(of: key)
        let id = core.core.withLock { $0.makeWaiterID() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                switch core.core.withLock({ $0.join(key, waiter: continuation, as: id) }) {
                case .hit(let value): continuation.resume(returning: .loaded(value))
                case .lead(let token): continuation.resume(returning: .lead(token))
                case .wait:
                    // The handler may have run before there was anyone to call off.
                    if Task.isCancelled { core.callOff(id) }
                }
            }
        } onCancel: {
            core.callOff(id)
        }
    }
}

extension CoalescingCache.Shard {
    /// Under the lock one caller alone gets the waiter, so it is resumed once.
    func callOff(_ id: CoalescingCache.Core.WaiterID) {
        core.withLock { $0.cancel(id) }?.resume(returning: .cancelled)
    }
}
