public import SkerryCRDT

/// Keys and hints in memory, with the tree by which two members compare the ranges that both hold. Gone with the process, so its origin must be new each time.
public struct MemoryPlacementStore: PlacementStore, Sendable, ~Copyable {
    public typealias Failure = Never

    public private(set) var origin: OriginID
    private var sequence: UInt64 = 0
    private var copies: [[UInt8]: Siblings] = [:]
    private var keys: [WriteKey: [UInt8]] = [:]
    private var kept: [MemberID: [[UInt8]: Siblings]] = [:]
    /// An entry for each key at its place: what comparisons go by.
    public private(set) var tree = ReconciliationTree()

    /// - Parameter origin: of no other store that ever was; 64 random bits are enough.
    public init(origin: OriginID) { self.origin = origin }

    /// How many keys are kept.
    public var count: Int { copies.count }

    public mutating func nextSequence() -> UInt64 {
        sequence += 1
        return sequence
    }

    public mutating func renew(_ origin: OriginID) { self.origin = origin }

    public func siblings(of key: [UInt8]) -> Siblings { copies[key] ?? Siblings() }

    @discardableResult
    public mutating func merge(_ copy: Siblings, into key: [UInt8]) -> Bool {
        guard copies[key, default: Siblings()].merge(copy), let merged = copies[key] else { return false }
        let place = PlacementRing.place(of: key)
        keys[place] = key
        tree.insert(place, EntryDigest(key: place, content: merged.encoded))
        return true
    }

    public mutating func drop(_ key: [UInt8]) {
        let place = PlacementRing.place(of: key)
        copies[key] = nil
        keys[place] = nil
        tree.remove(place)
    }

    public func key(at place: WriteKey) -> [UInt8]? { keys[place] }

    public mutating func keep(_ hint: HintTable.Hint) { kept[hint.home, default: [:]][hint.key] = hint.copy }

    public mutating func drop(hintFor home: MemberID, of key: [UInt8]) { kept[home]?[key] = nil }

    public func hints() -> [HintTable.Hint] {
        kept.flatMap { shelf in shelf.value.map { HintTable.Hint(home: shelf.key, key: $0.key, copy: $0.value) } }
            .sorted { ($0.home, PlacementRing.place(of: $0.key)) < ($1.home, PlacementRing.place(of: $1.key)) }
    }

    public mutating func commit() {}

    // MARK: What reconciliation reads

    public func summary(of range: WriteRange) -> RangeSummary { tree.summary(of: range) }
    public func key(at rank: UInt64) -> WriteKey? { tree.key(at: rank) }
    public func digest(of key: WriteKey) -> EntryDigest? { tree.digest(of: key) }
    public func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) { tree.visit(range, body) }
}
