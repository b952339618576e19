/// A store for each key; a key whose store has become empty is not there.
public struct DotMap<Key: StateElement, Store: DotStore>: DotStore {
    public struct Entry: Sendable, Equatable {
        public var key: Key
        public var store: Store

        public static func == (left: Entry, right: Entry) -> Bool { Key.isSame(left.key, right.key) && left.store == right.store }
    }

    /// Ascending by key; no store in it is empty.
    public internal(set) var entries: [Entry] = []

    public init() {}

    init(_ key: Key, _ store: Store) {
        if !store.isEmpty { entries = [Entry(key: key, store: store)] }
    }

    public var isEmpty: Bool { entries.isEmpty }

    /// The store of a key, nil when the key is not there. O(log n).
    public subscript(key: Key) -> Store? {
        var low = 0, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if Key.precedes(entries[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && Key.isSame(entries[low].key, key) ? entries[low].store : nil
    }

    public func insertDots(into dots: inout DotSet) { for entry in entries { entry.store.insertDots(into: &dots) } }

    public mutating func join(_ other: DotMap, seen: DotSet, otherSeen: DotSet) {
        var result: [Entry] = []
        var left = entries[...], right = other.entries[...]
        func append(_ key: Key, _ one: Store, _ two: Store) {
            var store = one
            store.join(two, seen: seen, otherSeen: otherSeen)
            if !store.isEmpty { result.append(Entry(key: key, store: store)) }
        }
        while let one = left.first, let two = right.first {
            if Key.precedes(one.key, two.key) {
                append(one.key, left.removeFirst().store, Store())
            } else if Key.precedes(two.key, one.key) {
                append(two.key, Store(), right.removeFirst().store)
            } else {
                append(one.key, left.removeFirst().store, right.removeFirst().store)
            }
        }
        for entry in left { append(entry.key, entry.store, Store()) }
        for entry in right { append(entry.key, Store(), entry.store) }
        entries = result
    }
}

extension DotMap: StateCodable {
    public static var stateType: [UInt8] { [0x2A] + Key.stateType + Store.stateType }

    public func encode(to writer: inout StateWriter) {
        writer.write(count: entries.count)
        for entry in entries {
            entry.key.encode(to: &writer)
            entry.store.encode(to: &writer)
        }
    }

    public init(from reader: inout StateReader) throws(DocumentError) {
        for _ in 0..<(try reader.count(ofAtLeast: 2)) {
            let key = try Key(from: &reader), store = try Store(from: &reader)
            guard entries.last.map({ Key.precedes($0.key, key) }) ?? true else { throw reader.damaged("keys are out of order") }
            guard !store.isEmpty else { throw reader.damaged("a key without contents") }
            entries.append(Entry(key: key, store: store))
        }
    }
}
