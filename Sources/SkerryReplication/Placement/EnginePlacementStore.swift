public import SkerryCRDT
public import SkerryGossip
public import SkerryStorage

/// Placed keys and hints in the rows of a metadata engine, with the tree of their digests in memory.
///
/// The tree takes about 50 bytes a key and is read from the rows when the store is opened: they carry the digests, so nothing is hashed. ``commit()`` makes everything
/// durable with one flush of the engine, so the more writes come together the less each costs.
///
/// ```swift
/// let store = try EnginePlacementStore(engine: engine, family: .settings, prefix: [0x70], newOrigin: .random(in: 1 ... .max))
/// ```
///
/// All calls block. One owner, and nobody else writes rows with its prefix.
public struct EnginePlacementStore<Engine: MetadataEngine>: PlacementStore, Sendable, ~Copyable {
    public typealias Failure = StorageError

    public private(set) var origin: OriginID
    /// The origin that the store began with: its name for as long as its rows live.
    public let identity: OriginID
    private let engine: Engine
    private let family: MetadataFamily
    private let prefix: [UInt8]
    private var sequence: UInt64
    private var tree: ReconciliationTree
    private var isDirty = false

    /// docs/formats/placement.md, "Rows".
    private enum RowKind: UInt8 {
        case identity = 0, key, hint
    }

    /// Opens what is there, or begins an empty store.
    ///
    /// - Parameters:
    ///   - prefix: of all its rows; nothing else in the family may begin with it.
    ///   - newOrigin: 64 random bits, taken when the store is empty: with the rows of the last one its sequences are gone.
    /// - Throws: `corrupt` when rows break their grammar, and what the engine throws.
    /// - Complexity: O(keys).
    public init(engine: Engine, family: MetadataFamily, prefix: [UInt8], newOrigin: UInt64) throws(StorageError) {
        var (origin, sequence) = (OriginID(rawValue: newOrigin), 0 as UInt64)
        var identity = origin
        if let row = try engine.get(family, prefix + [RowKind.identity.rawValue]) {
            guard row.count == 24 else { throw StorageError(.corrupt, "the identity of a placement store has \(row.count) bytes") }
            (origin, sequence) = (OriginID(rawValue: Self.word(row, 0)), Self.word(row, 8))
            identity = OriginID(rawValue: Self.word(row, 16))
        } else {
            var batch = MetadataBatch()
            batch.put(family, prefix + [RowKind.identity.rawValue], Self.identity(origin, sequence, identity))
            try engine.apply(batch)
            try engine.flush()
        }
        let tree = try Self.readTree(engine, family, prefix)
        self.engine = engine
        self.family = family
        self.prefix = prefix
        self.origin = origin
        self.identity = identity
        self.sequence = sequence
        self.tree = tree
    }

    private static func readTree(_ engine: Engine, _ family: MetadataFamily, _ prefix: [UInt8]) throws(StorageError) -> ReconciliationTree {
        var tree = ReconciliationTree()
        let start = prefix.count + 1
        try engine.scan(family, KeyRange(prefix: prefix + [RowKind.key.rawValue])) { row, value throws(StorageError) in
            guard row.count == start + 16, value.count >= 32, let digest = EntryDigest(bytes: Array(value.prefix(32))) else {
                throw StorageError(.corrupt, "the row of a placed key has \(row.count) and \(value.count) bytes")
            }
            let place = WriteKey(
                stamp: HybridTimestamp(rawValue: word(row, start)), origin: OriginID(rawValue: 0), sequence: word(row, start + 8))
            tree.insert(place, digest)
            return .next
        }
        return tree
    }

    /// How many keys it holds.
    public var count: Int { tree.count }

    // MARK: Keys

    /// The rows that say it come before any row written under the sequence: a crash that keeps these keeps that.
    public mutating func nextSequence() throws(StorageError) -> UInt64 {
        sequence += 1
        try put(prefix + [RowKind.identity.rawValue], Self.identity(origin, sequence, identity))
        return sequence
    }

    /// As ``nextSequence()``, the row comes before whatever is dropped because of it.
    public mutating func renew(_ origin: OriginID) throws(StorageError) {
        self.origin = origin
        try put(prefix + [RowKind.identity.rawValue], Self.identity(origin, sequence, identity))
    }

    private static func identity(_ origin: OriginID, _ sequence: UInt64, _ identity: OriginID) -> [UInt8] {
        var row: [UInt8] = []
        append(origin.rawValue, to: &row)
        append(sequence, to: &row)
        append(identity.rawValue, to: &row)
        return row
    }

    public func siblings(of key: [UInt8]) throws(StorageError) -> Siblings {
        guard let row = try engine.get(family, keyRow(PlacementRing.place(of: key))) else { return Siblings() }
        return try Self.parsed(row, from: 32).copy
    }

    @discardableResult
    public mutating func merge(_ copy: Siblings, into key: [UInt8]) throws(StorageError) -> Bool {
        var merged = try siblings(of: key)
        guard merged.merge(copy) else { return false }
        let (place, content) = (PlacementRing.place(of: key), merged.encoded)
        let digest = EntryDigest(key: place, content: content)
        try put(keyRow(place), digest.bytes + Self.row(key, content))
        tree.insert(place, digest)
        return true
    }

    public mutating func drop(_ key: [UInt8]) throws(StorageError) {
        let place = PlacementRing.place(of: key)
        try remove(keyRow(place))
        tree.remove(place)
    }

    public func key(at place: WriteKey) throws(StorageError) -> [UInt8]? {
        guard let row = try engine.get(family, keyRow(place)) else { return nil }
        return try Self.parsed(row, from: 32).key
    }

    // MARK: Hints

    public mutating func keep(_ hint: HintTable.Hint) throws(StorageError) {
        try put(hintRow(hint.home, hint.key), Self.row(hint.key, hint.copy.encoded))
    }

    public mutating func drop(hintFor home: MemberID, of key: [UInt8]) throws(StorageError) {
        try remove(hintRow(home, key))
    }

    public func hints() throws(StorageError) -> [HintTable.Hint] {
        var hints: [HintTable.Hint] = []
        let start = prefix.count + 1
        try engine.scan(family, KeyRange(prefix: prefix + [RowKind.hint.rawValue])) { row, value throws(StorageError) in
            guard row.count == start + 24 else { throw StorageError(.corrupt, "the key of a hint has \(row.count) bytes") }
            let (key, copy) = try Self.parsed(Array(value), from: 0)
            hints.append(HintTable.Hint(home: MemberID(rawValue: Self.word(row, start)), key: key, copy: copy))
            return .next
        }
        return hints
    }

    public mutating func commit() throws(StorageError) {
        guard isDirty else { return }
        try engine.flush()
        isDirty = false
    }

    // MARK: What reconciliation reads

    public func summary(of range: WriteRange) -> RangeSummary { tree.summary(of: range) }
    public func key(at rank: UInt64) -> WriteKey? { tree.key(at: rank) }
    public func digest(of key: WriteKey) -> EntryDigest? { tree.digest(of: key) }
    public func visit(_ range: WriteRange, _ body: (WriteEntry) -> Bool) { tree.visit(range, body) }

    // MARK: Rows

    private mutating func put(_ row: [UInt8], _ value: [UInt8]) throws(StorageError) {
        var batch = MetadataBatch()
        batch.put(family, row, value)
        try engine.apply(batch)
        isDirty = true
    }

    private mutating func remove(_ row: [UInt8]) throws(StorageError) {
        var batch = MetadataBatch()
        batch.remove(family, row)
        try engine.apply(batch)
        isDirty = true
    }

    private func keyRow(_ place: WriteKey) -> [UInt8] {
        var row = prefix + [RowKind.key.rawValue]
        Self.append(place.stamp.rawValue, to: &row)
        Self.append(place.sequence, to: &row)
        return row
    }

    private func hintRow(_ home: MemberID, _ key: [UInt8]) -> [UInt8] {
        var row = prefix + [RowKind.hint.rawValue]
        let place = PlacementRing.place(of: key)
        for word in [home.rawValue, place.stamp.rawValue, place.sequence] { Self.append(word, to: &row) }
        return row
    }

    /// The key behind its length in two bytes, then the copy.
    private static func row(_ key: [UInt8], _ copy: [UInt8]) -> [UInt8] { [UInt8(key.count >> 8), UInt8(key.count & 0xFF)] + key + copy }

    private static func parsed(_ row: [UInt8], from start: Int) throws(StorageError) -> (key: [UInt8], copy: Siblings) {
        guard row.count >= start + 2 else { throw StorageError(.corrupt, "the row of a placed key has \(row.count) bytes") }
        let end = start + 2 + Int(row[start]) << 8 + Int(row[start + 1])
        guard row.count >= end else { throw StorageError(.corrupt, "the row of a placed key ends in its key") }
        let copy = row[end...].withUnsafeBytes { bytes -> Result<Siblings, MalformedPacket> in
            Result { () throws(MalformedPacket) in try Siblings(encoded: bytes) }
        }
        do throws(MalformedPacket) {
            return (Array(row[(start + 2)..<end]), try copy.get())
        } catch {
            throw StorageError(.corrupt, "the copy of a placed key: \(error.reason) at byte \(error.offset)")
        }
    }

    private static func append(_ word: UInt64, to row: inout [UInt8]) { withUnsafeBytes(of: word.bigEndian) { row.append(contentsOf: $0) } }

    private static func word(_ row: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(bigEndian: row.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    private static func word(_ row: [UInt8], _ offset: Int) -> UInt64 { row.withUnsafeBytes { word($0, offset) } }
}
