/// Copies kept for homes that could not be reached, until they can.
///
/// A key counts once for each home: a later copy is joined to the first. What does not fit is refused, so that the write fails where it has to and
/// memory does not grow with the length of an outage.
///
/// - Complexity: O(1) to insert and to remove, amortised; O(homes) to look a key up.
public struct HintTable: Sendable {
    public struct Hint: Sendable, Hashable {
        public var home: MemberID
        public var key: [UInt8]
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
    public private(set) var count = 0
    public private(set) var bytes = 0
    private var shelves: [MemberID: Shelf] = [:]

    public init(maximum: Int = 65_536, bytesMaximum: Int = 256 << 20) {
        self.maximum = maximum
        self.bytesMaximum = bytesMaximum
    }

    /// The homes for which anything is kept, in order.
    public var homes: [MemberID] { shelves.keys.sorted() }

    public func count(for home: MemberID) -> Int { shelves[home]?.copies.count ?? 0 }

    /// Whether the hint was taken.
    public mutating func insert(_ copy: Siblings, of key: [UInt8], for home: MemberID) -> Bool {
        if var kept = shelves[home]?.copies[key] {
            let before = kept.byteCount
            guard kept.merge(copy) else { return true }
            guard bytes - before + kept.byteCount <= bytesMaximum else { return false }
            bytes += kept.byteCount - before
            shelves[home]?.copies[key] = kept
            return true
        }
        let hint = Hint(home: home, key: key, copy: copy)
        guard count < maximum, bytes + hint.byteCount <= bytesMaximum else { return false }
        shelves[home, default: Shelf()].copies[key] = copy
        shelves[home]?.order.append(key)
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
