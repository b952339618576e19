/// Copies kept for homes that could not be reached, until they can.
///
/// A key counts once for each home: a later copy is joined to the first. What does not fit is refused, so that the write fails where it has to and
/// memory does not grow with the length of an outage.
///
/// - Complexity: O(1) to insert and to remove, amortised; O(homes) to look a key up.
public struct HintTable: Sendable {
    /// A copy of a key on its way to a home that was away.
    public struct Hint: Sendable, Hashable {
        /// Whom it is for.
        public var home: MemberID
        /// 1 to ``PlacementLimits/keyBytesMaximum`` bytes.
        public var key: [UInt8]
        /// All that was written for the home meanwhile, joined.
        public var copy: Siblings

        public init(home: MemberID, key: [UInt8], copy: Siblings) {
            self.home = home
            self.key = key
            self.copy = copy
        }

        var byteCount: Int { key.count + copy.byteCount }
    }

    /// The hints of one home. Keys stand in the order they came; those that were delivered meanwhile are skipped.
    fileprivate struct Shelf {
        var copies: [[UInt8]: Siblings] = [:]
        var order = RangeQueue<[UInt8]>()
    }

    /// The most hints.
    public let maximum: Int
    /// The most bytes of keys and copies.
    public let bytesMaximum: Int
    /// How many are kept, of all homes.
    public private(set) var count = 0
    /// Of their keys and copies (``Siblings/byteCount``).
    public private(set) var bytes = 0
    private var shelves: [MemberID: Shelf] = [:]

    /// An empty table. Only what is loaded (``load(_:)``) may exceed the bounds.
    public init(maximum: Int = 65_536, bytesMaximum: Int = 256 << 20) {
        self.maximum = maximum
        self.bytesMaximum = bytesMaximum
    }

    /// The homes for which anything is kept, in order.
    public var homes: [MemberID] { shelves.keys.sorted() }

    /// How many are kept for one home.
    public func count(for home: MemberID) -> Int { shelves[home]?.copies.count ?? 0 }

    /// Takes a hint, or joins it to the one that is kept.
    ///
    /// - Returns: whether the hint was taken: not beyond the bounds, nor when the copies together break ``PlacementLimits``.
    public mutating func insert(_ copy: Siblings, of key: [UInt8], for home: MemberID) -> Bool {
        insert(Hint(home: home, key: key, copy: copy), isBounded: true)
    }

    /// Takes a hint that was kept before this process began, whatever the bounds: it was acknowledged. New ones wait until there is room.
    public mutating func load(_ hint: Hint) { _ = insert(hint, isBounded: false) }

    private mutating func insert(_ hint: Hint, isBounded: Bool) -> Bool {
        if var kept = shelves[hint.home]?.copies[hint.key] {
            let before = kept.byteCount
            guard kept.merge(hint.copy) else { return true }
            guard !isBounded || kept.isWithinLimits && bytes - before + kept.byteCount <= bytesMaximum else { return false }
            bytes += kept.byteCount - before
            shelves[hint.home]?.copies[hint.key] = kept
            return true
        }
        let hasRoom = count < maximum && bytes + hint.byteCount <= bytesMaximum
        guard !isBounded || hint.copy.isWithinLimits && hasRoom else { return false }
        shelves[hint.home, default: Shelf()].copies[hint.key] = hint.copy
        shelves[hint.home]?.order.append(hint.key)
        count += 1
        bytes += hint.byteCount
        return true
    }

    /// What is kept of a key for a home; nil for nothing.
    public func hint(of key: [UInt8], for home: MemberID) -> Hint? {
        shelves[home]?.copies[key].map { Hint(home: home, key: key, copy: $0) }
    }

    /// What is kept of a key for any home, joined.
    public func copy(of key: [UInt8]) -> Siblings {
        var joined = Siblings()
        for shelf in shelves.values { if let copy = shelf.copies[key] { joined.merge(copy) } }
        return joined
    }

    /// What is kept for a home that can be reached again, oldest first.
    public func hints(for home: MemberID, limit: Int) -> [Hint] {
        guard let shelf = shelves[home] else { return [] }
        var (found, seen): ([Hint], Set<[UInt8]>) = ([], [])
        for key in shelf.order.all where found.count < limit {
            if let copy = shelf.copies[key], seen.insert(key).inserted { found.append(Hint(home: home, key: key, copy: copy)) }
        }
        return found
    }

    /// The home has the copy. One that has grown meanwhile stays.
    ///
    /// - Returns: whether the hint is gone.
    @discardableResult
    public mutating func delivered(_ hint: Hint) -> Bool {
        guard var shelf = shelves[hint.home], shelf.copies[hint.key] == hint.copy else { return false }
        shelves[hint.home] = nil
        shelf.copies[hint.key] = nil
        count -= 1
        bytes -= hint.byteCount
        while let first = shelf.order.first, shelf.copies[first] == nil { shelf.order.removeFirst() }
        guard !shelf.copies.isEmpty else { return true }
        if shelf.order.count > 2 * shelf.copies.count + 16 { shelf.compact() }
        shelves[hint.home] = shelf
        return true
    }
}

extension HintTable.Shelf {
    /// Drops keys that are gone, and later mentions of those that came twice.
    mutating func compact() {
        var (kept, seen) = (RangeQueue<[UInt8]>(), Set<[UInt8]>())
        for key in order.all where copies[key] != nil && seen.insert(key).inserted { kept.append(key) }
        order = kept
    }
}
