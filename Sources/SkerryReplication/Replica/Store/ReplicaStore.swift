public import SkerryCRDT
public import SkerryGossip
public import SkerryStorage

/// Where a replica keeps its log, and what its parts need beside it: the seam between replicas and storage.
///
/// All calls may block; a replica makes them on its executor, one group after the other, and ends each group with ``sync()``. A call becomes durable as
/// a whole or not at all, and not before those in front of it. A replica whose store threw takes and acknowledges nothing any more: drop both, and open a new one on what is there.
public protocol ReplicaStore: Sendable {
    /// What a core begins with.
    var state: FeedState { get }

    /// Adds a batch and changes rows, in one commit.
    mutating func append(_ batch: FeedBatch, rows: [ReplicaRow]) throws(StorageError)

    /// Makes everything durable that was done since the last call.
    mutating func sync() throws(StorageError)

    /// Entries of one origin from a sequence on, in order and without a gap, as many as fit in `charge` bytes but at least one.
    /// Empty where the log does not hold `first`.
    func read(_ origin: OriginID, from first: UInt64, charge: Int) throws(StorageError) -> [FeedEntry]

    /// Takes positions over from another replica, and keeps entries that stand for what came before them, in one commit with rows.
    ///
    /// The log of these origins goes on behind their positions; what it held before may go. Without positions only the entries are kept.
    mutating func adopt(_ marks: [FeedMark], keeping entries: [FeedEntry], rows: [ReplicaRow]) throws(StorageError)

    /// Keeps some entries beside the log and forgets some that were kept, in one commit with rows; then drops those of the log up to some sequences.
    mutating func compact(
        trimming floors: [Dot], keeping entries: [FeedEntry], forgetting: [FeedEntry], rows: [ReplicaRow]
    ) throws(StorageError)

    /// Takes another replica's state over in place of this one's: positions as ``adopt(_:keeping:rows:)`` does, those of the start drop an origin; keeps some entries
    /// and forgets some that were kept, and goes on with a batch behind the positions, in one commit with rows.
    mutating func replace(
        _ marks: [FeedMark], keeping entries: [FeedEntry], forgetting: [FeedEntry], followedBy batch: FeedBatch, rows: [ReplicaRow]
    ) throws(StorageError)

    /// The entries that are kept beside the log, in any order.
    func kept() throws(StorageError) -> [FeedEntry]

    /// Those of one origin from a sequence on, ascending, as many as fit in `charge` bytes but at least one; empty where there are no more.
    func kept(_ origin: OriginID, from first: UInt64, charge: Int) throws(StorageError) -> [FeedEntry]

    /// Rows from a key on, ascending, at most so many, whose keys begin with a prefix.
    func rows(withPrefix prefix: [UInt8], from lower: [UInt8], limit: Int) throws(StorageError) -> [ReplicaRow]
}

/// A row of an index beside the log.
public struct ReplicaRow: Sendable, Hashable {
    public var key: [UInt8]
    /// Nil removes it.
    public var value: [UInt8]?

    public init(key: [UInt8], value: [UInt8]?) {
        self.key = key
        self.value = value
    }
}
