/// A map that grows: keys with states, joined key by key.
///
/// Sorted by key, so equal maps have equal bytes. A key never goes; what can go is said by its state, as in ``LWWMap``.
///
/// - Complexity: O(log n) to look up, O(n) to insert, O(n + m) to join, O(m log n) to join a small delta.
public struct StateMap<Key: StateElement, Value: DeltaState>: DeltaState {
    public struct Entry: Sendable, Equatable {
        public var key: Key
        public internal(set) var value: Value

        public static func == (left: Entry, right: Entry) -> Bool { Key.isSame(left.key, right.key) && left.value == right.value }
    }

    /// Ascending by key; no state in it is the bottom.
    public internal(set) var entries: [Entry] = []

    public init() {}

    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }

    /// The state of a key, the bottom when the key was never changed.
    public subscript(key: Key) -> Value {
        let index = position(of: key)
        return index < entries.count && Key.isSame(entries[index].key, key) ? entries[index].value : Value()
    }

    /// Changes the state of a key by a mutator that returns its delta.
    ///
    /// - Returns: the delta of the map.
    @discardableResult
    public mutating func update<E: Error>(_ key: Key, _ mutate: (inout Value) throws(E) -> Value) throws(E) -> StateMap {
        var value = self[key]
        var delta = StateMap()
        delta.join(try mutate(&value), at: key)
        join(delta)
        return delta
    }

    // MARK: - Joining

    public mutating func join(_ other: StateMap) {
        if other.entries.count <= StateMap.smallCount {
            for entry in other.entries { join(entry.value, at: entry.key) }
            return
        }
        var result: [Entry] = []
        result.reserveCapacity(max(entries.count, other.entries.count))
        var left = entries[...], right = other.entries[...]
        while let one = left.first, let two = right.first {
            if Key.precedes(one.key, two.key) {
                result.append(left.removeFirst())
            } else if Key.precedes(two.key, one.key) {
                result.append(right.removeFirst())
            } else {
                var both = left.removeFirst()
                both.value.join(right.removeFirst().value)
                result.append(both)
            }
        }
        result += left
        result += right
        entries = result
    }

    public func covers(_ other: StateMap) -> Bool { other.entries.allSatisfy { self[$0.key].covers($0.value) } }

    /// Joins a state to that of a key.
    mutating func join(_ value: Value, at key: Key) {
        let index = position(of: key)
        if index < entries.count, Key.isSame(entries[index].key, key) {
            entries[index].value.join(value)
        } else if !value.isBottom {
            entries.insert(Entry(key: key, value: value), at: index)
        }
    }

    /// Deltas of up to so many keys are put in one by one.
    private static var smallCount: Int { 4 }

    /// Where a key is or would be.
    func position(of key: Key) -> Int {
        var low = 0, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if Key.precedes(entries[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension StateMap: StateCodable where Value: StateCodable {
    public static var stateType: [UInt8] { [0x20] + Key.stateType + Value.stateType }

    public func encode(to writer: inout StateWriter) {
        writer.write(count: entries.count)
        for entry in entries {
            entry.key.encode(to: &writer)
            entry.value.encode(to: &writer)
        }
    }

    public init(from reader: inout StateReader) throws(DocumentError) {
        for _ in 0..<(try reader.count(ofAtLeast: 2)) {
            let key = try Key(from: &reader), value = try Value(from: &reader)
            guard entries.last.map({ Key.precedes($0.key, key) }) ?? true else { throw reader.damaged("keys are out of order") }
            guard !value.isBottom else { throw reader.damaged("a key says nothing") }
            entries.append(Entry(key: key, value: value))
        }
    }
}
