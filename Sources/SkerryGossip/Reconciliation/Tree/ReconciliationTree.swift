internal import SkerryCRDT

/// A B+-tree of entries in write-time order whose branches hold the count and the 256-bit sum of what lies below.
///
/// Leaves hold up to 64 entries of 48 bytes: the stamp, the origin as a number of 16 bits with the sequence in the 48 bits beside it, and the digest.
/// Branches hold up to 32 children of 64 bytes: sum, count, first key, link. Nodes lie in slabs and are linked by 32-bit numbers. Written in time
/// order, which is the normal case, leaves fill up before the next one begins, so an entry costs little more than its 48 bytes.
///
/// Fingerprints over ranges: Meyer, "Range-Based Set Reconciliation" (2023).
///
/// - Complexity: insertion, removal, look-up, rank and summary of a range O(log n).
public struct ReconciliationTree: ~Copyable {
    /// The most origins that a tree knows.
    public static let originsMaximum = 65_536
    /// Sequences stay below this.
    public static let sequenceLimit: UInt64 = 1 << 48

    var leaves = NodeSlabs(nodeSize: LeafNode.byteCount)
    var branches = NodeSlabs(nodeSize: BranchNode.byteCount)
    /// A leaf when `height` is 0; meaningless while the tree is empty.
    var root: UInt32 = 0
    var height = 0
    /// Over all entries.
    public internal(set) var total = RangeSummary()
    var origins = OriginTable()

    #if DEBUG
    var defects: ReconciliationDefects = []
    #endif

    /// A tree without entries.
    public init() {}

    /// The number of entries.
    public var count: Int { Int(total.count) }
    /// Whether there are no entries.
    public var isEmpty: Bool { total.count == 0 }
    /// Memory held, in bytes.
    public var bytesAllocated: Int { leaves.bytesAllocated + branches.bytesAllocated + origins.bytesAllocated }

    /// What an insertion found.
    public enum Insertion: Sendable, Hashable {
        case inserted
        /// The same entry stood there.
        case unchanged
        /// The key stood there with this other digest, which is replaced.
        case replaced(EntryDigest)
        /// More origins than ``originsMaximum``, or a sequence beyond ``sequenceLimit``; nothing changed.
        case refused
    }

    /// Drops all entries, and the memory for them.
    public mutating func removeAll() {
        leaves.removeAll()
        branches.removeAll()
        origins = OriginTable()
        (root, height, total) = (0, 0, RangeSummary())
    }
}

// Its memory has one owner and holds plain values.
extension ReconciliationTree: @unchecked Sendable {}

/// The origins of a tree by number, so that an entry carries two bytes for eight.
struct OriginTable {
    private(set) var ids: [UInt64] = []
    private var numbers: [UInt64: UInt16] = [:]

    var bytesAllocated: Int { ids.capacity * 8 + numbers.capacity * 24 }

    func number(of origin: OriginID) -> UInt16? {
        // Most trees know a handful of origins, and runs of entries share one.
        if let last = ids.indices.last, ids[last] == origin.rawValue { return UInt16(last) }
        return numbers[origin.rawValue]
    }

    mutating func intern(_ origin: OriginID) -> UInt16? {
        if let number = number(of: origin) { return number }
        guard ids.count < ReconciliationTree.originsMaximum else { return nil }
        let number = UInt16(ids.count)
        ids.append(origin.rawValue)
        numbers[origin.rawValue] = number
        return number
    }
}
