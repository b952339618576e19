/// Which loads of which keys are under way, who waits for them, and which of them may still fill the cache: the machine behind
/// ``CoalescingCache``.
///
/// A load is valid from its beginning until its key is invalidated or it is finished. Only a valid load may insert what it read, and only a
/// valid load may be joined: what it reads may be older than the invalidation, and those who ask after that must see what came of
/// it. Those who joined before keep waiting, and get the value they would have got had they been quicker.
///
/// Nothing is kept of a key without a valid load, so there are no generations to count and none to forget.
package struct CoalescingCore<Key: Hashable & Sendable, Value: Sendable, Waiter: Sendable>: Sendable {
    package typealias Token = LoadToken<Key>

    /// Names a caller that may come to wait, so that it can be called off.
    package struct WaiterID: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    /// What a caller that missed is to do.
    package enum JoinAction: Sendable {
        /// Take this: the value came meanwhile.
        case hit(Value)
        /// Load, then finish or abandon the load of this token.
        case lead(Token)
        /// Wait until the load that is under way ends.
        case wait
    }

    private struct Loads: Sendable {
        /// The loads that may insert, by number; nearly always one.
        var valid: [UInt64] = []
        /// The one of them that others may join.
        var joinable: UInt64?
    }

    package private(set) var cache: TwoQueueCache<Key, Value>
    private var loads: [Key: Loads] = [:]
    /// Who waits, by the number of the load.
    private var waiters: [UInt64: [WaiterID: Waiter]] = [:]
    /// The load each of them waits for.
    private var awaited: [WaiterID: UInt64] = [:]
    private var lastNumber: UInt64 = 0

    package init(cache: TwoQueueCache<Key, Value>) {
        self.cache = cache
    }

    private mutating func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }
}

// MARK: - Lookup and change

extension CoalescingCore {
    package mutating func value(for key: Key) -> Value? { cache.value(for: key) }

    /// The value is no longer true, and neither may be what loads under way read.
    package mutating func invalidate(_ key: Key) {
        loads[key] = nil
        cache.invalidate(key)
    }

    /// As ``invalidate(_:)``, with the value that is true now.
    package mutating func update(_ key: Key, to value: Value, charge: Int) {
        loads[key] = nil
        cache.insert(value, for: key, charge: charge)
    }

    package mutating func invalidateAll() {
        loads.removeAll()
        cache.removeAll()
    }
}

// MARK: - Loads

extension CoalescingCore {
    /// Opens a load that nobody joins.
    package mutating func begin(_ key: Key) -> Token {
        let number = nextNumber()
        loads[key, default: Loads()].valid.append(number)
        return Token(key: key, number: number)
    }

    package mutating func makeWaiterID() -> WaiterID { WaiterID(number: nextNumber()) }

    /// Joins the load of `key` that is under way, or begins one.
    package mutating func join(_ key: Key, waiter: Waiter, as id: WaiterID) -> JoinAction {
        if let value = cache.value(for: key) { return .hit(value) }
        if let number = loads[key]?.joinable {
            waiters[number, default: [:]][id] = waiter
            awaited[id] = number
            return .wait
        }
        let token = begin(key)
        loads[key]?.joinable = token.number
        return .lead(token)
    }

    /// The waiter, if it still waits; it then waits no more.
    package mutating func cancel(_ id: WaiterID) -> Waiter? {
        guard let number = awaited.removeValue(forKey: id) else { return nil }
        return waiters[number]?.removeValue(forKey: id)
    }

    /// Ends a load with what it read, which is inserted if the load is still valid; returns those who wait for it.
    package mutating func finish(_ token: Token, with value: Value, charge: Int) -> (inserted: Bool, waiters: [Waiter]) {
        let wasValid = close(token)
        if wasValid { cache.insert(value, for: token.key, charge: charge) }
        return (wasValid, takeWaiters(of: token))
    }

    /// Ends a load that read nothing; returns those who wait for it.
    package mutating func abandon(_ token: Token) -> [Waiter] {
        _ = close(token)
        return takeWaiters(of: token)
    }

    /// Keys with a load that may still insert.
    package var loadingCount: Int { loads.count }
    package var waiterCount: Int { awaited.count }

    /// Returns whether the load was valid; it is not afterwards.
    private mutating func close(_ token: Token) -> Bool {
        guard let index = loads[token.key]?.valid.firstIndex(of: token.number) else { return false }
        loads[token.key]?.valid.remove(at: index)
        if loads[token.key]?.joinable == token.number { loads[token.key]?.joinable = nil }
        if loads[token.key]?.valid.isEmpty == true { loads[token.key] = nil }
        return true
    }

    private mutating func takeWaiters(of token: Token) -> [Waiter] {
        guard let taken = waiters.removeValue(forKey: token.number) else { return [] }
        for id in taken.keys { awaited[id] = nil }
        return Array(taken.values)
    }
}

/// The right to insert what a load will read, until the key is invalidated.
///
/// Of use once: finishing or abandoning it a second time does nothing.
public struct LoadToken<Key: Hashable & Sendable>: Sendable {
    /// What is being loaded.
    public let key: Key
    let number: UInt64
}
