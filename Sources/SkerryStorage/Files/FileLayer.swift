/// The few things an engine needs of a file system, so that the same log runs over a disk and over a model of one that crashes.
///
/// Paths are plain strings with `/` between their parts. All calls block, are safe from any thread and are whole: an interrupted call
/// is repeated, a short write is continued, so that an error always means the thing did not happen as asked.
///
/// What survives a crash is what was synced: bytes and length of a file by ``OpenFile/syncData()``, names by ``syncDirectory(_:)``.
/// Everything else may survive wholly, partly or not at all, in any order.
///
/// - Throws: `full` (no room), `permissionDenied`, `notFound`, `unavailable` (out of descriptors or memory), else `failed`.
public protocol FileLayer: Sendable {
    associatedtype File: OpenFile

    func open(_ path: String, _ mode: FileOpenMode) throws(StorageError) -> File
    /// Gives the file at `source` the name `target`; a file of that name is replaced.
    func rename(_ source: String, to target: String) throws(StorageError)
    /// Removes the name. Open files go on reading.
    func remove(_ path: String) throws(StorageError)
    /// Names in the directory, sorted by bytes, without `.` and `..`.
    func list(_ directory: String) throws(StorageError) -> [String]
    /// Makes the directory, and those above it that are missing, durably; nothing when it is there.
    func createDirectory(_ path: String) throws(StorageError)
    /// Makes the names in the directory durable.
    func syncDirectory(_ path: String) throws(StorageError)
}

/// How a file is opened.
public enum FileOpenMode: Sendable, Hashable {
    /// For reading; it must be there.
    case read
    /// For reading and writing; it must be there.
    case write
    /// For reading and writing, as an empty file: what was there is cut off.
    case create
}

/// An open file. The last reference closes it without a word; ``close()`` says how that went.
public protocol OpenFile: AnyObject, Sendable {
    /// The path it was opened by.
    var path: String { get }

    /// Reserves room and makes the file `length` bytes long; new bytes read as zero.
    func preallocate(_ length: UInt64) throws(StorageError)

    /// Writes `parts` one behind the other at `offset`. After an error any of the bytes may have been written.
    func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError)

    /// Reads into `destination` and returns the count of bytes, fewer only where the file ends.
    func read(at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int

    /// Makes bytes and length durable (fdatasync). After an error nobody knows what the disk holds.
    func syncData() throws(StorageError)

    /// Makes bytes and all attributes durable (fsync).
    func syncAll() throws(StorageError)

    /// Cuts the file at `length`, or extends it with zeros.
    func truncate(to length: UInt64) throws(StorageError)

    func size() throws(StorageError) -> UInt64

    /// Takes the file's exclusive lock without waiting; false when another open file holds it. Closing gives it back.
    func lock() throws(StorageError) -> Bool

    /// Closes; the file is closed even when this throws. Idempotent.
    func close() throws(StorageError)

    /// For sendfile; nil where there is no file of the operating system. Valid until the file is closed.
    var fileDescriptor: CInt? { get }
}

extension OpenFile {
    /// Writes one buffer.
    public func write(_ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
        let outcome = bytes.withUnsafeBytes { buffer in
            Result { () throws(StorageError) in try write([buffer], at: offset) }
        }
        try outcome.get()
    }

    /// Reads up to `count` bytes, fewer only where the file ends.
    public func read(at offset: UInt64, count: Int) throws(StorageError) -> [UInt8] {
        var failure: StorageError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(StorageError) {
                initialized = try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
