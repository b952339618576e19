import SkerryObjects
import SkerryRocksDB
import SkerryStorage

/// A data directory with its engines open and its lock held.
///
/// The lock is what keeps two processes from writing one log; it is given back last.
final class StoreDirectory: Sendable {
    /// Threads for calls that wait for the disk: a sync, and reads beside it.
    static let blockingThreads = 16

    let path: String
    let metadata: RocksDBEngine
    let packs: PackLog<PosixFileLayer>
    let blocking: BlockingPool
    private let directory: DataDirectory

    /// Takes the lock and opens the engines; blocks.
    ///
    /// - Parameter creates: Whether a missing or empty directory is made one.
    /// - Throws: As ``DataDirectory`` and the engines do. Nothing is left open then.
    init(path: String, creates: Bool) throws(StorageError) {
        self.path = path
        directory = try DataDirectory(path: path, now: Timestamp.now.milliseconds / 1000, creates: creates)
        do throws(StorageError) {
            (metadata, packs, blocking) = try StoreDirectory.engines(directory)
        } catch {
            try? directory.close()
            throw error
        }
    }

    private static func engines(
        _ directory: DataDirectory
    ) throws(StorageError) -> (RocksDBEngine, PackLog<PosixFileLayer>, BlockingPool) {
        let metadata = try RocksDBEngine(directory: directory.indexPath)
        do throws(StorageError) {
            // What the index holds was synced: damage before that place is damage, not the torn end that a crash leaves.
            let applied = try ObjectStore.appliedPosition(of: metadata)
            let packs = try PackLog(files: PosixFileLayer(), directory: directory.packsPath, applied: applied)
            return (metadata, packs, try BlockingPool(threads: blockingThreads))
        } catch {
            try? metadata.close()
            throw error
        }
    }

    /// Ends the threads and gives the lock back, once the store has closed the engines.
    func release() async throws(StorageError) {
        await blocking.shutdown()
        try directory.close()
    }

    /// Closes engines over which no store is open, and gives the lock back.
    func closeEngines() async throws(StorageError) {
        do throws(StorageError) {
            try withResource(metadata, close: { metadata throws(StorageError) in try metadata.close() }) { _ throws(StorageError) in
                try packs.close()
            }
        } catch {
            try? await release()
            throw error
        }
        try await release()
    }
}

extension CommandFailure {
    /// What a failed opening of a data directory means to whoever started the command.
    init(_ error: StorageError, directory: String) {
        switch error.code {
        case .locked:
            self.init("\(directory) is in use: \(error.message); stop that process or choose another directory with --data")
        case .foreign:
            self.init("\(directory) is not a Skerry data directory: \(error.message); choose an empty or a new directory with --data")
        case .newerFormat:
            self.init("\(directory) belongs to a newer release of Skerry: \(error.message); use that release")
        case .permissionDenied:
            self.init("\(directory) cannot be used: \(error.message); check the owner and the permissions of \(error.path ?? directory)")
        case .notFound:
            self.init("there is no Skerry data directory at \(directory); `skerry serve --data \(directory)` makes one")
        case .full:
            self.init("\(directory) cannot be used: the disk is full; free some room")
        case .corrupt:
            self.init("\(directory) is damaged: \(error); if packs are whole, `skerry rebuild --data \(directory)` makes the index anew")
        default:
            self.init("\(directory) cannot be used: \(error)")
        }
    }

    init(_ error: ObjectError, directory: String) {
        if let cause = error.cause {
            self.init(cause, directory: directory)
        } else {
            self.init("\(directory) cannot be used: \(error.message)")
        }
    }
}
