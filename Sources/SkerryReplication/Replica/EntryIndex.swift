public import SkerryCRDT

/// Entries by origin and sequence: what a part keeps to answer ``Replicated/history(since:)`` without looking at all of them.
///
/// - Complexity: insertion at the end of an origin and removal O(1) amortised; ``entries(since:)`` O(result log result + origins log n).
public struct EntryIndex: Sendable {
    /// Sequences ascending, those removed still among them until half are.
    private struct Row: Sendable {
        var sequences: [UInt64] = []
        var removed = 0
    }

    private var rows: [OriginID: Row] = [:]
    private var entries: [Dot: ReplicaEntry] = [:]

    public init() {}

    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }

    public subscript(dot: Dot) -> ReplicaEntry? { entries[dot] }

    /// Adds an entry.
    ///
    /// - Returns: false when it is there already.
    @discardableResult
    public mutating func insert(_ entry: ReplicaEntry) -> Bool {
        guard entries.updateValue(entry, forKey: entry.dot) == nil else { return false }
        let sequence = entry.dot.sequence
        var row = rows.removeValue(forKey: entry.origin) ?? Row()
        if row.sequences.last.map({ $0 < sequence }) ?? true {
            row.sequences.append(sequence)
        } else {
            let place = Self.place(of: sequence, in: row.sequences)
            // It was removed and comes again.
            if row.sequences[place] == sequence { row.removed -= 1 } else { row.sequences.insert(sequence, at: place) }
        }
        rows[entry.origin] = row
        return true
    }

    @discardableResult
    public mutating func remove(_ dot: Dot) -> ReplicaEntry? {
        guard let entry = entries.removeValue(forKey: dot) else { return nil }
        var row = rows.removeValue(forKey: dot.origin) ?? Row()
        row.removed += 1
        if row.removed * 2 > row.sequences.count {
            row.sequences.removeAll { entries[Dot(origin: dot.origin, sequence: $0)] == nil }
            row.removed = 0
        }
        if !row.sequences.isEmpty { rows[dot.origin] = row }
        return entry
    }

    /// Ascending in write-time order.
    public func entries(since digest: CausalContext) -> [ReplicaEntry] {
        var found: [ReplicaEntry] = []
        for (origin, row) in rows {
            let start = Self.place(of: digest.sequence(of: origin) + 1, in: row.sequences)
            for sequence in row.sequences[start...] {
                if let entry = entries[Dot(origin: origin, sequence: sequence)] { found.append(entry) }
            }
        }
        // The order of the dictionary goes no further.
        return found.sorted()
    }

    /// The first place whose sequence is not less.
    private static func place(of sequence: UInt64, in sequences: [UInt64]) -> Int {
        var low = 0, high = sequences.count
        while low < high {
            let middle = (low + high) / 2
            if sequences[middle] < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
