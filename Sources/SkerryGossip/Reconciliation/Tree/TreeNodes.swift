internal import SkerryCRDT

/// An entry as it lies in a leaf. The key's order is that of ``WriteKey``, by way of the table of origins.
struct PackedEntry: BitwiseCopyable {
    var key: PackedKey
    var digest: Limbs
}

struct PackedKey: BitwiseCopyable, Equatable {
    var stamp: UInt64
    /// The origin's number in the upper 16 bits, the sequence in the lower 48.
    var place: UInt64

    init(stamp: UInt64, origin: UInt16, sequence: UInt64) {
        self.stamp = stamp
        place = UInt64(origin) << 48 | sequence
    }

    @inline(__always) var origin: Int { Int(place >> 48) }
    @inline(__always) var sequence: UInt64 { place & (1 << 48 - 1) }

    @inline(__always)
    func unpacked(_ origins: borrowing OriginTable) -> WriteKey {
        WriteKey(stamp: HybridTimestamp(rawValue: stamp), origin: OriginID(rawValue: origins.ids[origin]), sequence: sequence)
    }

    /// Whether this key stands before `key`.
    @inline(__always)
    func isBefore(_ key: WriteKey, _ origins: borrowing OriginTable) -> Bool {
        if stamp != key.stamp.rawValue { return stamp < key.stamp.rawValue }
        let own = origins.ids[origin]
        if own != key.origin.rawValue { return own < key.origin.rawValue }
        return sequence < key.sequence
    }
}

/// A view of a leaf: a count, then the entries.
struct LeafNode {
    static let capacity = 64
    static let byteCount = 16 + capacity * MemoryLayout<PackedEntry>.stride

    private let memory: UnsafeMutableRawPointer

    @inline(__always) init(_ memory: UnsafeMutableRawPointer) { self.memory = memory }

    @inline(__always) var count: Int {
        get { Int(memory.load(as: UInt32.self)) }
        nonmutating set { memory.storeBytes(of: UInt32(newValue), as: UInt32.self) }
    }

    @inline(__always) var entries: UnsafeMutablePointer<PackedEntry> { (memory + 16).assumingMemoryBound(to: PackedEntry.self) }

    /// The index of the first entry that is not before `key`.
    @inline(__always)
    func lowerBound(_ key: WriteKey, _ origins: borrowing OriginTable) -> Int {
        let entries = entries
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key.isBefore(key, origins) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    @inline(__always)
    func summary(_ range: Range<Int>) -> RangeSummary {
        var summary = RangeSummary()
        for index in range { summary.insert(EntryDigest(limbs: entries[index].digest)) }
        return summary
    }

    func insert(_ entry: PackedEntry, at index: Int) {
        (entries + index + 1).update(from: entries + index, count: count - index)
        entries[index] = entry
        count += 1
    }

    func remove(at index: Int) {
        (entries + index).update(from: entries + index + 1, count: count - index - 1)
        count -= 1
    }

    /// Moves the entries from `index` on behind those of `other`.
    func move(from index: Int, to other: LeafNode) {
        (other.entries + other.count).update(from: entries + index, count: count - index)
        other.count += count - index
        count = index
    }
}

/// A child as its parent sees it.
struct BranchChild: BitwiseCopyable {
    var summary: RangeSummary
    /// At or before its first entry, behind the last entry of the child before it.
    var low: PackedKey
    var link: UInt32
}

/// A view of a branch: a count, then the children.
struct BranchNode {
    static let capacity = 32
    static let byteCount = 64 + capacity * MemoryLayout<BranchChild>.stride

    private let memory: UnsafeMutableRawPointer

    @inline(__always) init(_ memory: UnsafeMutableRawPointer) { self.memory = memory }

    @inline(__always) var count: Int {
        get { Int(memory.load(as: UInt32.self)) }
        nonmutating set { memory.storeBytes(of: UInt32(newValue), as: UInt32.self) }
    }

    @inline(__always) var children: UnsafeMutablePointer<BranchChild> { (memory + 64).assumingMemoryBound(to: BranchChild.self) }

    /// The child in which `key` stands or would stand: the last one whose low key is not behind it, or the first.
    @inline(__always)
    func child(for key: WriteKey, _ origins: borrowing OriginTable) -> Int {
        let children = children
        var (low, high) = (1, count)
        while low < high {
            let middle = (low + high) / 2
            let isAtOrBefore = children[middle].low.isBefore(key, origins) || children[middle].low.unpacked(origins) == key
            if isAtOrBefore { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    func insert(_ child: BranchChild, at index: Int) {
        (children + index + 1).update(from: children + index, count: count - index)
        children[index] = child
        count += 1
    }

    func remove(at index: Int) {
        (children + index).update(from: children + index + 1, count: count - index - 1)
        count -= 1
    }

    func move(from index: Int, to other: BranchNode) {
        (other.children + other.count).update(from: children + index, count: count - index)
        other.count += count - index
        count = index
    }

    func summary(_ range: Range<Int>) -> RangeSummary {
        var summary = RangeSummary()
        for index in range { summary.add(children[index].summary) }
        return summary
    }
}
