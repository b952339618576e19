internal import SkerryCRDT

/// Where a member keeps the keys that are placed on it. An application brings its own; one in memory stands beside it.
public protocol PlacementStore: ~Copyable {
    func siblings(of key: [UInt8]) -> Siblings
    /// Joins a copy into what is kept.
    mutating func merge(_ copy: Siblings, into key: [UInt8])
}

/// Keys in memory, with the tree by which two members compare the ranges that both hold.
///
/// The tree sorts keys by their position on the ring, so a range of the ring is a range of the tree: ``ReconciliationCore`` takes ``treeRange(_:)``s
/// of the positions that two members share, in place of Dynamo's Merkle tree for each range.
public struct MemoryPlacementStore: PlacementStore, ~Copyable {
    private var copies: [[UInt8]: Siblings] = [:]
    private var keys: [WriteKey: [UInt8]] = [:]
    public private(set) var tree = ReconciliationTree()

    public init() {}

    public var count: Int { copies.count }

    public func siblings(of key: [UInt8]) -> Siblings { copies[key] ?? Siblings() }

    public mutating func merge(_ copy: Siblings, into key: [UInt8]) {
        guard copies[key, default: Siblings()].merge(copy), let merged = copies[key] else { return }
        let place = Self.treeKey(key)
        keys[place] = key
        tree.insert(place, EntryDigest(key: place, content: merged.content()))
    }

    /// The key that stands at a place of the tree.
    public func key(at place: WriteKey) -> [UInt8]? { keys[place] }

    /// Where a key stands in the tree: its position on the ring, then a second hash of it.
    public static func treeKey(_ key: [UInt8]) -> WriteKey {
        let digest = EntryDigest(key: .first, content: key).limbs
        return WriteKey(
            stamp: HybridTimestamp(rawValue: PlacementRing.position(of: key)), origin: OriginID(rawValue: digest.first),
            sequence: 0)
    }

    /// A range of the ring as a range of the tree.
    public static func treeRange(_ positions: ClosedRange<UInt64>) -> WriteRange {
        let upper: WriteKey? = positions.upperBound == .max ? nil : WriteKey(startOf: HybridTimestamp(rawValue: positions.upperBound + 1))
        return WriteRange(lower: WriteKey(startOf: HybridTimestamp(rawValue: positions.lowerBound)), upper: upper)
    }
}
