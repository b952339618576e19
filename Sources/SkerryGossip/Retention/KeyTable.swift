public import SkerryCRDT

/// The current entry of each key, tombstones included: the state that collection, the horizon and homecoming act on.
///
/// The entry with the largest (stamp, origin) is current; equal stamps of two origins are decided by the origin, so the order of arrival never shows.
public struct KeyTable: Sendable, Hashable {
    /// An entry as far as it matters for its key.
    public struct Row: Sendable, Hashable {
        /// Which write it is.
        public var dot: Dot
        /// When it was written.
        public var stamp: HybridTimestamp
        /// Whether the key is gone since: a tombstone.
        public var isRemoval: Bool
        /// Of a removal nobody looks at it.
        public var value: [UInt8]

        public init(dot: Dot, stamp: HybridTimestamp, isRemoval: Bool, value: [UInt8]) {
            self.dot = dot
            self.stamp = stamp
            self.isRemoval = isRemoval
            self.value = value
        }

        /// Whether this row replaces another of its key.
        public func supersedes(_ other: Row) -> Bool { (stamp, dot) > (other.stamp, other.dot) }
    }

    /// By key. In no order: what goes to a wire, a file or a digest is sorted first.
    public private(set) var rows: [[UInt8]: Row] = [:]
    #if DEBUG
    var defects: FeedDefects = []
    #endif

    /// A table without keys.
    public init() {}

    /// Takes an entry of a key. Returns whether it is current now. Commutative, associative and idempotent.
    @discardableResult
    public mutating func apply(_ entry: FeedEntry) -> Bool {
        guard entry.kind != .registry else { return false }
        return apply(
            Row(dot: entry.dot, stamp: entry.stamp, isRemoval: entry.kind == .removal, value: Array(entry.value)), key: Array(entry.key))
    }

    /// Takes a row of a key. Returns whether it is current now. Commutative, associative and idempotent.
    @discardableResult
    public mutating func apply(_ row: Row, key: [UInt8]) -> Bool {
        if let old = rows[key], !replaces(row, old) { return false }
        rows[key] = row
        return true
    }

    private func replaces(_ row: Row, _ old: Row) -> Bool {
        #if DEBUG
        if defects.contains(.tieFlipped), row.stamp == old.stamp { return row.dot != old.dot }
        #endif
        return row.supersedes(old)
    }

    /// The value of a key, nil where it is gone or was never there.
    public subscript(_ key: [UInt8]) -> [UInt8]? { rows[key].flatMap { $0.isRemoval ? nil : $0.value } }

    /// Drops the tombstones that no member can be surprised by any more, and moves the horizon behind the last of them.
    ///
    /// - Returns: how many went.
    /// - Complexity: O(keys). Stores keep tombstones apart and by time; this is the rule, and fit for small tables.
    @discardableResult
    public mutating func collect(_ retention: inout Retention, now milliseconds: UInt64) -> Int {
        let cut = retention.cut
        let gone = rows.filter { _, row in
            row.isRemoval && retention.isDroppable(row.dot, stamp: row.stamp, cut: cut, now: milliseconds)
        }
        for (key, row) in gone {
            rows[key] = nil
            retention.dropped(row.stamp)
        }
        return gone.count
    }
}
