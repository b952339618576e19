public import SkerryCRDT

/// Where a member keeps the keys that are placed on it, and the hints that it keeps for others. An application may bring its own;
/// ``MemoryPlacementStore`` stands beside it, and SkerryReplication's EnginePlacementStore keeps them in a metadata engine.
///
/// As a ``RangeSummaryStore`` it holds an entry for each key at its ``PlacementRing/place(of:)``, with a digest of key place and copy
/// (``Siblings/encoded``): what two members compare in place of Dynamo's Merkle tree for each range.
///
/// Changes are visible at once and durable after ``commit()``. A crash leaves those up to some point and none behind it.
public protocol PlacementStore: RangeSummaryStore, ~Copyable {
    /// Whose writes the writes coordinated by this store are. A store that begins empty draws a new one, because sequences begin anew with it.
    var origin: OriginID { get }

    /// The sequence of the next write, above all earlier ones of this store.
    mutating func nextSequence() throws(Failure) -> UInt64

    /// Takes another origin for the writes from now on, of no other store that ever was. Sequences go on.
    mutating func renew(_ origin: OriginID) throws(Failure)

    /// What is kept of a key; nothing where there is nothing.
    func siblings(of key: [UInt8]) throws(Failure) -> Siblings

    /// Joins a copy into what is kept.
    ///
    /// - Returns: whether that changed.
    @discardableResult
    mutating func merge(_ copy: Siblings, into key: [UInt8]) throws(Failure) -> Bool

    /// Drops what is kept of a key. It stays out of every later context of this store's writes only under another origin: see ``renew(_:)``.
    mutating func drop(_ key: [UInt8]) throws(Failure)

    /// The key that stands at a place.
    func key(at place: WriteKey) throws(Failure) -> [UInt8]?

    /// Keeps a hint, in place of the earlier one for its home and key.
    mutating func keep(_ hint: HintTable.Hint) throws(Failure)

    /// Drops the hint for a home and a key, if there is one.
    mutating func drop(hintFor home: MemberID, of key: [UInt8]) throws(Failure)

    /// All hints, in an order of the store's own.
    func hints() throws(Failure) -> [HintTable.Hint]

    /// Returns when every change before it is durable.
    mutating func commit() throws(Failure)
}
