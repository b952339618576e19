/// Remembers the replies of durable calls, so that a call that is made again over another session, or after a restart, acts once.
///
/// One for a node, shared by its sessions. A pure value: the clock and the store are outside. To survive a restart, write each
/// ``Record`` that ``complete(_:from:reply:now:)`` returns in the same transaction as the effects of the call, and put them back with
/// ``restore(_:now:)``. Exactly-once effects need both; without the store they last as long as the process.
///
/// Implements the reply cache of Birrell and Nelson ("Implementing remote procedure calls", 1984) with a bound and an expiry: a caller that
/// asks again after ``expiry`` finds nothing remembered, so callers give up long before.
///
/// - Invariant: at most ``capacity`` replies and ``byteCapacity`` bytes are remembered, the oldest go first.
/// - Complexity: O(1) expected time for each call, amortised.
public struct ReplyCache: Sendable {
    /// Who asked: two callers may draw the same request id without meeting.
    public struct Key: Hashable, Sendable {
        /// The hash of the caller's node key.
        public var caller: [UInt8]
        public var request: RequestID

        public init(caller: [UInt8], request: RequestID) {
            self.caller = caller
            self.request = request
        }
    }

    /// A reply as it is sent. Durable methods return values, not references: a reference would not outlive its session.
    public struct Reply: Hashable, Sendable {
        public var failure: CallFailure?
        public var format: PayloadFormat
        public var payload: [UInt8]

        public init(failure: CallFailure? = nil, format: PayloadFormat, payload: [UInt8]) {
            self.failure = failure
            self.format = format
            self.payload = payload
        }
    }

    /// What a store keeps. Times are of a clock that goes on over restarts, in milliseconds.
    public struct Record: Hashable, Sendable {
        public var key: Key
        public var reply: Reply
        /// When it may be forgotten.
        public var expiry: Int64
    }

    /// What to do with a durable call.
    public enum Decision: Sendable, Hashable {
        /// Not seen before: execute it, then complete or abandon it.
        case execute
        /// Under way, for an earlier attempt: do not execute it. Answer when that one completes (ask again then), or refuse it as overloaded.
        case running
        /// Done before: answer with this.
        case replay(Reply)
        /// As many calls are under way as may be remembered: refuse it as overloaded, it was not executed.
        case full
    }

    public let capacity: Int
    public let byteCapacity: Int
    /// How long replies are remembered, in milliseconds.
    public let expiry: Int64

    private enum Entry: Sendable {
        case running
        case done(Reply, order: UInt64)
    }

    private var entries: [Key: Entry] = [:]
    /// The remembered ones from old to new; a place whose number the entry does not bear is left over and skipped.
    private var order: [(key: Key, number: UInt64, expiry: Int64)] = []
    private var orderStart = 0
    private var lastNumber: UInt64 = 0
    private var running = 0
    /// Bytes of remembered replies.
    public private(set) var byteCount = 0

    public init(
        capacity: Int = SessionLimits.rememberedReplies, byteCapacity: Int = SessionLimits.rememberedReplyBytes,
        expiry: Duration = SessionLimits.replyExpiry
    ) {
        precondition(capacity > 0 && byteCapacity > 0, "a reply cache remembers something")
        self.capacity = capacity
        self.byteCapacity = byteCapacity
        self.expiry = expiry.nanoseconds / 1_000_000
    }

    /// Replies remembered and calls under way.
    public var count: Int { entries.count }

    /// A durable call has arrived.
    ///
    /// - Parameter now: milliseconds of a clock that goes on over restarts.
    public mutating func begin(_ key: Key, now: Int64) -> Decision {
        forgetExpired(now: now)
        switch entries[key] {
        case .running: return .running
        case .done(let reply, _): return .replay(reply)
        case nil:
            guard running < capacity else { return .full }
            makeRoom(for: 0, entries: 1)
            entries[key] = .running
            running += 1
            return .execute
        }
    }

    /// The call has ended with `reply`, which is remembered from here on.
    ///
    /// - Returns: what to store, or nil when the reply is larger than the cache or the call was not under way.
    @discardableResult
    public mutating func complete(_ key: Key, reply: Reply, now: Int64) -> Record? {
        guard case .running = entries[key] else { return nil }
        running -= 1
        entries[key] = nil
        let record = Record(key: key, reply: reply, expiry: now + expiry)
        return remember(record, now: now) ? record : nil
    }

    /// The call was not executed, or may be executed again: nothing is remembered of it.
    public mutating func abandon(_ key: Key) {
        guard case .running = entries[key] else { return }
        running -= 1
        entries[key] = nil
    }

    /// Puts back what a store kept, in any order.
    public mutating func restore(_ records: some Sequence<Record>, now: Int64) {
        for record in records.sorted(by: { $0.expiry < $1.expiry }) where entries[record.key] == nil { _ = remember(record, now: now) }
    }

    /// Forgets what has expired; returns the keys, so that a store forgets them too.
    @discardableResult
    public mutating func forgetExpired(now: Int64) -> [Key] {
        var forgotten: [Key] = []
        while orderStart < order.count, order[orderStart].expiry <= now { forgetOldest().map { forgotten.append($0) } }
        return forgotten
    }

    private mutating func remember(_ record: Record, now: Int64) -> Bool {
        let bytes = record.reply.byteCount
        guard record.expiry > now, bytes <= byteCapacity else { return false }
        makeRoom(for: bytes, entries: 1)
        guard entries.count < capacity else { return false }
        lastNumber += 1
        entries[record.key] = .done(record.reply, order: lastNumber)
        order.append((record.key, lastNumber, record.expiry))
        byteCount += bytes
        return true
    }

    private mutating func makeRoom(for bytes: Int, entries wanted: Int) {
        while entries.count + wanted > capacity || byteCount + bytes > byteCapacity, orderStart < order.count { _ = forgetOldest() }
    }

    private mutating func forgetOldest() -> Key? {
        let (key, number, _) = order[orderStart]
        orderStart += 1
        if orderStart > 64, orderStart * 2 > order.count {
            order.removeFirst(orderStart)
            orderStart = 0
        }
        guard case .done(let reply, number) = entries[key] else { return nil }
        byteCount -= reply.byteCount
        entries[key] = nil
        return key
    }
}

extension ReplyCache.Reply {
    /// What it is charged: its bytes and those of its entry.
    fileprivate var byteCount: Int { payload.count + (failure?.message.utf8.count ?? 0) + 128 }
}
