internal import SkerryCRDT

/// The rows of a ``KeyTable`` without an object for each: for a million keys.
///
/// Records stand one behind the other in slabs of 1 MiB, found by a table of 32-bit places under a hash of the key that is seeded anew in each process. A record takes 22 bytes, its key and its value,
/// rounded up to four; its place 5 to 10. What was replaced or removed is dead until it outweighs what lives; then all is moved together. A value: copies share slabs until one is written to.
///
/// - Complexity: look-up and change O(1) expected, amortised; moving together O(n), after as many bytes were written as it moves.
public struct PackedKeyTable: Sendable {
    /// The same as a ``KeyTable`` has.
    public typealias Row = KeyTable.Row

    private static let slabSize = 1 << 20
    private static let headSize = 22
    /// Most origins that a table knows.
    public static let originsMaximum = 65_536
    private static let empty = UInt32.max

    private var slabs: [[UInt8]] = []
    /// Places of records in units of four bytes, slab after slab; open addressing, at most three quarters full.
    private var places: [UInt32] = []
    private var origins = OriginTable()
    /// How many keys have a row, tombstones included.
    public private(set) var count = 0
    private var used = 0
    private var dead = 0

    /// A table without keys.
    public init() {}

    /// Memory held, in bytes.
    public var bytesAllocated: Int {
        slabs.reduce(slabs.capacity * 8) { $0 + $1.capacity } + places.capacity * 4 + origins.bytesAllocated
    }

    /// The current entry of a key, a tombstone too.
    public func row(of key: some Collection<UInt8>) -> Row? { find(Array(key)).place.map { row(at: $0) } }

    /// Takes an entry of a key, if it supersedes what is there. Returns whether it is current now. Commutative, associative and idempotent.
    ///
    /// - Precondition: at most ``FeedLimits/keyMaximum`` bytes of key, ``FeedLimits/bodyMaximum`` in all, and ``originsMaximum`` origins.
    @discardableResult
    public mutating func apply(_ row: Row, key: [UInt8]) -> Bool {
        precondition(key.count <= FeedLimits.keyMaximum && key.count + row.value.count <= FeedLimits.bodyMaximum, "a row is too large")
        let found = find(key)
        if let place = found.place {
            guard row.supersedes(self.row(at: place)) else { return false }
            dead += size(at: place)
            places[found.slot] = append(row, key)
        } else {
            if places.isEmpty || (count + 1) * 4 > places.count * 3 { grow() }
            let place = append(row, key)
            places[find(key).slot] = place
            count += 1
        }
        if dead > used / 2, dead > Self.slabSize { moveTogether() }
        return true
    }

    /// Forgets a key.
    public mutating func remove(_ key: [UInt8]) {
        let found = find(key)
        guard let place = found.place else { return }
        dead += size(at: place)
        count -= 1
        vacate(found.slot)
    }

    /// Calls `body` for each key, in the order in which the rows were written.
    public func forEach(_ body: (_ key: [UInt8], _ row: Row) -> Void) {
        for place in places.filter({ $0 != Self.empty }).sorted() { body(key(at: place), row(at: place)) }
    }

    /// As ``KeyTable/collect(_:now:)``.
    @discardableResult
    public mutating func collect(_ retention: inout Retention, now milliseconds: UInt64) -> Int {
        let cut = retention.cut
        var gone: [(key: [UInt8], stamp: HybridTimestamp)] = []
        forEach { key, row in
            if row.isRemoval, retention.isDroppable(row.dot, stamp: row.stamp, cut: cut, now: milliseconds) {
                gone.append((key, row.stamp))
            }
        }
        for (key, stamp) in gone {
            remove(key)
            retention.dropped(stamp)
        }
        return gone.count
    }

    // MARK: Places

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return hasher.finalize()
    }

    /// The slot of a key, or the one where it would stand.
    private func find(_ key: [UInt8]) -> (slot: Int, place: UInt32?) {
        guard !places.isEmpty else { return (0, nil) }
        let mask = places.count - 1
        var slot = key.withUnsafeBytes { Self.hash($0) } & mask
        while places[slot] != Self.empty {
            if holds(places[slot], key) { return (slot, places[slot]) }
            slot = (slot + 1) & mask
        }
        return (slot, nil)
    }

    private mutating func grow() {
        let old = places
        places = [UInt32](repeating: Self.empty, count: max(16, old.count * 2))
        for place in old where place != Self.empty { insert(place) }
    }

    /// A record whose key is in no slot yet.
    private mutating func insert(_ place: UInt32) {
        let mask = places.count - 1
        var slot = hash(at: place) & mask
        while places[slot] != Self.empty { slot = (slot + 1) & mask }
        places[slot] = place
    }

    /// Empties a slot and closes the gap: those behind it that were pushed along move back.
    private mutating func vacate(_ slot: Int) {
        let mask = places.count - 1
        var (gap, next) = (slot, (slot + 1) & mask)
        places[gap] = Self.empty
        while places[next] != Self.empty {
            let home = hash(at: places[next]) & mask
            // It may stand at the gap when its home is not between the gap and where it stands.
            if (next - home) & mask >= (next - gap) & mask {
                places[gap] = places[next]
                places[next] = Self.empty
                gap = next
            }
            next = (next + 1) & mask
        }
    }

    // MARK: Records

    private mutating func append(_ row: Row, _ key: [UInt8]) -> UInt32 {
        let size = (Self.headSize + key.count + row.value.count + 3) & ~3
        if slabs.last.map({ $0.count + size > Self.slabSize }) ?? true {
            var slab: [UInt8] = []
            slab.reserveCapacity(Self.slabSize)
            slabs.append(slab)
        }
        guard let number = origins.intern(row.dot.origin) else { preconditionFailure("more than \(Self.originsMaximum) origins") }
        let (index, start) = (slabs.count - 1, slabs[slabs.count - 1].count)
        let place = UInt64(number) << 48 | row.dot.sequence
        withUnsafeBytes(of: row.stamp.rawValue) { slabs[index].append(contentsOf: $0) }
        withUnsafeBytes(of: place) { slabs[index].append(contentsOf: $0) }
        withUnsafeBytes(of: UInt16(key.count) << 1 | (row.isRemoval ? 1 : 0)) { slabs[index].append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(row.value.count)) { slabs[index].append(contentsOf: $0) }
        slabs[index].append(contentsOf: key)
        slabs[index].append(contentsOf: row.value)
        while slabs[index].count < start + size { slabs[index].append(0) }
        used += size
        return UInt32((index * Self.slabSize + start) / 4)
    }

    private func withRecord<Value>(_ place: UInt32, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        let at = Int(place) * 4
        return slabs[at / Self.slabSize].withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[(at % Self.slabSize)...])) }
    }

    private static func lengths(_ record: UnsafeRawBufferPointer) -> (key: Int, value: Int) {
        (
            Int(record.loadUnaligned(fromByteOffset: 16, as: UInt16.self) >> 1),
            Int(record.loadUnaligned(fromByteOffset: 18, as: UInt32.self))
        )
    }

    private static func key(_ record: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: record[headSize..<headSize + lengths(record).key])
    }

    private func hash(at place: UInt32) -> Int { withRecord(place) { Self.hash(Self.key($0)) } }
    private func key(at place: UInt32) -> [UInt8] { withRecord(place) { Array(Self.key($0)) } }
    private func holds(_ place: UInt32, _ key: [UInt8]) -> Bool { withRecord(place) { Self.key($0).elementsEqual(key) } }

    private func size(at place: UInt32) -> Int {
        withRecord(place) { record in
            let (key, value) = Self.lengths(record)
            return (Self.headSize + key + value + 3) & ~3
        }
    }

    private func row(at place: UInt32) -> Row {
        withRecord(place) { record in
            let (key, value) = Self.lengths(record)
            let dot = record.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            return Row(
                dot: Dot(origin: OriginID(rawValue: origins.ids[Int(dot >> 48)]), sequence: dot & (1 << 48 - 1)),
                stamp: HybridTimestamp(rawValue: record.loadUnaligned(as: UInt64.self)),
                isRemoval: record.loadUnaligned(fromByteOffset: 16, as: UInt16.self) & 1 == 1,
                value: Array(record[Self.headSize + key..<Self.headSize + key + value]))
        }
    }

    private mutating func moveTogether() {
        var next = PackedKeyTable()
        next.places = [UInt32](repeating: Self.empty, count: places.count)
        for place in places.filter({ $0 != Self.empty }).sorted() {
            next.insert(next.append(row(at: place), key(at: place)), hash(at: place))
        }
        next.count = count
        self = next
    }

    private mutating func insert(_ place: UInt32, _ hash: Int) {
        let mask = places.count - 1
        var slot = hash & mask
        while places[slot] != Self.empty { slot = (slot + 1) & mask }
        places[slot] = place
    }
}
