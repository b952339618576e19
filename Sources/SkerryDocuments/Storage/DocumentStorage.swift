import SkerryCRDT
import SkerryStorage

/// Where a store keeps its rows, chunks and snapshots: an engine, or a single file.
///
/// All calls block. ``commit(_:)``, ``tidy(force:)`` and ``close()`` come from one thread at a time, the others from any.
protocol DocumentStorage: Sendable {
    /// As they were when it was opened.
    var settings: StoreSettings { get }

    /// Makes the group durable and then visible: all of it when it returns.
    ///
    /// - Throws: `full` when nothing was written; anything else means that nobody knows, and every later call throws as well.
    func commit(_ group: StorageGroup) throws(StorageError)

    func row(_ name: String) throws(StorageError) -> DocumentRow?
    /// Rows in the order of their names' bytes, deleted ones too.
    func rows(prefix: String, after name: String?, limit: Int) throws(StorageError) -> [DocumentRow]

    /// The bytes of the snapshot, not verified.
    func snapshot(_ row: DocumentRow) throws(StorageError) -> [UInt8]
    /// The chunks whose numbers lie in the range, ascending, not verified; what is missing is left out.
    func chunks(_ row: DocumentRow, _ range: Range<UInt64>) throws(StorageError) -> [StorageCommit.Chunk]

    /// Entries of an origin, from the first after a sequence on.
    func feed(of origin: OriginID, after sequence: UInt64, limit: Int) throws(StorageError) -> [FeedEntry]

    /// Gives back room on disk when there is enough to win, or always.
    func tidy(force: Bool) throws(StorageError)

    /// Stretches that hold nothing sound, found when it was opened.
    var quarantine: [DocumentDamage] { get }

    /// Closes; idempotent.
    func close() throws(StorageError)
}
