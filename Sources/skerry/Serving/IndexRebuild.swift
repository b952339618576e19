import SkerryObjects
import SkerryRocksDB
import SkerryStorage

/// Makes the index of a data directory anew from its log.
///
/// The new index grows beside the old one and takes its place when it is whole, so a rebuild that fails leaves what was there. Order of
/// events at the end: the new index is closed (and so on disk), the old one gives up its name, the new one takes it. A crash in between leaves no
/// index, which the next start makes from the log by itself.
struct IndexRebuild {
    private let directory: DataDirectory
    private let files = PosixFileLayer()

    private var indexName: String { String(directory.indexPath.dropFirst(directory.path.count + 1)) }
    private var newIndexPath: String { directory.indexPath + ".new" }
    private var oldIndexPath: String { directory.indexPath + ".old" }

    /// Returns the number of records read; blocks.
    ///
    /// - Throws: As a data directory and the engines do; `notFound` where there is no data directory.
    static func run(path: String, progress: (_ records: UInt64, _ bytes: UInt64) -> Void) throws(StorageError) -> UInt64 {
        let directory = try DataDirectory(path: path, now: Timestamp.now.milliseconds / 1000, creates: false)
        return try withResource(directory, close: { directory throws(StorageError) in try directory.close() }) {
            directory throws(StorageError) in
            try IndexRebuild(directory: directory).run(progress)
        }
    }

    private func run(_ progress: (UInt64, UInt64) -> Void) throws(StorageError) -> UInt64 {
        try remove(newIndexPath)
        try remove(oldIndexPath)
        let records = try make(progress)
        try exchange()
        return records
    }

    private func make(_ progress: (UInt64, UInt64) -> Void) throws(StorageError) -> UInt64 {
        let packs = try PackLog(files: files, directory: directory.packsPath, applied: soundUpTo)
        return try withResource(packs, close: { packs throws(StorageError) in try packs.close() }) { packs throws(StorageError) in
            let index = try RocksDBEngine(directory: newIndexPath)
            return try withResource(index, close: { index throws(StorageError) in try index.close() }) { index throws(StorageError) in
                do throws(ObjectError) {
                    return try ObjectStore.rebuild(metadata: index, packs: packs, progress: progress)
                } catch {
                    throw error.cause ?? StorageError(.failed, error.message)
                }
            }
        }
    }

    /// Where the old index, if it can still be asked, knows the log to be whole: damage before it is an error, not the torn end of a crash.
    private var soundUpTo: LogPosition {
        guard let index = try? RocksDBEngine(directory: directory.indexPath) else { return .start }
        let position = (try? ObjectStore.appliedPosition(of: index)) ?? .start
        // An index that does not close is about to be replaced.
        try? index.close()
        return position
    }

    private func exchange() throws(StorageError) {
        if try files.list(directory.path).contains(indexName) { try files.rename(directory.indexPath, to: oldIndexPath) }
        try files.rename(newIndexPath, to: directory.indexPath)
        try files.syncDirectory(directory.path)
        try remove(oldIndexPath)
    }

    /// Removes an index; none is as good.
    private func remove(_ path: String) throws(StorageError) {
        do {
            try FileAccess.removeDirectory(path)
        } catch {
            throw StorageError(.permissionDenied, "cannot remove it: \(error.reason)", path: path, errno: error.errno)
        }
    }
}
