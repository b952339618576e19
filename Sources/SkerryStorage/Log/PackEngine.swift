/// The log: an ordered row of packs of records, and the truth from which every index can be made anew.
///
/// All calls block and are meant for a ``BlockingPool``; all are safe from any thread.
///
/// - Invariant: after ``sync()`` returned, every record whose ``append(_:)`` returned before the call began survives a crash, and so do
///   all records before it. Of records appended later, a crash leaves a prefix (whole records, in order) or nothing.
public protocol PackEngine: Sendable {
    /// Appends `records` one behind the other, all in one pack, and returns where they stand. Not durable before ``sync()``.
    ///
    /// - Throws: `full` when nothing was written and the log is as before; `failed` when it takes no more writes.
    func append(_ records: [LogRecord]) throws(StorageError) -> [RecordLocation]

    /// Returns when everything appended before the call is on disk, with the directory entries needed to find it.
    ///
    /// - Throws: `failed`; from then on the engine refuses every append, since nobody knows what the disk holds.
    func sync() throws(StorageError)

    /// First position after the last appended record.
    var end: LogPosition { get }

    /// The record at `location`, verified by both checksums.
    func read(_ location: RecordLocation) throws(StorageError) -> LogRecord

    /// A handle on the body's pack for reads of ranges and for sendfile; the bytes stay readable through it after the pack was removed.
    func open(pack: UInt64) throws(StorageError) -> any PackHandle

    /// Calls `body` with each record at or after `position`, in log order, until it returns false. Verifies checksums.
    ///
    /// An end of the log that was torn by a crash ends the replay; damage before that is `corrupt` and names the place.
    func replay(from position: LogPosition, _ body: (RecordLocation, LogRecord) throws(StorageError) -> Bool) throws(StorageError)

    /// The packs, oldest first.
    func packs() throws(StorageError) -> [PackSummary]

    /// Closes the pack that is being written, so that it may be rewritten and removed; the next append begins a new one.
    func seal() throws(StorageError)

    /// Removes a sealed pack. Handles opened before keep reading it.
    func remove(pack: UInt64) throws(StorageError)

    /// Syncs and closes; later calls throw `closed`. Idempotent.
    func close() throws(StorageError)
}

/// A pack as listings show it.
public struct PackSummary: Sendable, Hashable {
    public var number: UInt64
    /// Bytes up to the end of its last record.
    public var length: UInt64
    public var isSealed: Bool

    public init(number: UInt64, length: UInt64, isSealed: Bool) {
        self.number = number
        self.length = length
        self.isSealed = isSealed
    }
}

/// An open pack; closing happens when the last reference goes.
public protocol PackHandle: AnyObject, Sendable {
    /// Reads exactly `count` bytes at `offset` of the pack file, into `destination`.
    func read(at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) throws(StorageError)
    /// The file descriptor for sendfile, nil where there is no file. Valid as long as the handle lives.
    var fileDescriptor: CInt? { get }
    /// Whether the record's body was verified by this process already; verifies it (one read) when it was not.
    ///
    /// The answer is kept as a bit per record, so that bodies can be sent without being read.
    func verifyOnce(_ location: RecordLocation) throws(StorageError)
    /// Whether ``verifyOnce(_:)`` has already passed for the record: then it will not block.
    func isVerified(_ location: RecordLocation) -> Bool
}
