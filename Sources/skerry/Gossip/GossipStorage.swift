import Glibc
import SkerryReplication
import SkerryRocksDB
import SkerryStorage

/// The directory of a peer: who it is, and its feeds in an engine whose lock keeps other processes out.
final class GossipStorage: Sendable {
    let identity: GossipIdentity
    /// Where the engine is called.
    let pool: BlockingPool
    private let directory: String
    private let engine: RocksDBEngine

    /// Of all rows in the engine.
    private static let prefix = Array("board/".utf8)
    /// Threads that wait for the disk: a replica calls its store one call at a time.
    private static let threads = 2

    private init(_ identity: GossipIdentity, _ pool: BlockingPool, _ directory: String, _ engine: RocksDBEngine) {
        (self.identity, self.pool, self.directory, self.engine) = (identity, pool, directory, engine)
    }

    /// Makes the directory if it is missing, takes its lock, and counts this start.
    static func open(_ directory: String) async throws(CommandFailure) -> GossipStorage {
        let result: Result<(GossipIdentity, RocksDBEngine), CommandFailure>
        let pool: BlockingPool
        do throws(StorageError) {
            pool = try BlockingPool(threads: threads)
            result = try await pool.run { Result { () throws(CommandFailure) in try opened(directory) } }
        } catch {
            throw CommandFailure(error, gossip: directory)
        }
        let (identity, engine) = try result.get()
        return GossipStorage(identity, pool, directory, engine)
    }

    private static func opened(_ directory: String) throws(CommandFailure) -> (GossipIdentity, RocksDBEngine) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw CommandFailure("\(directory) cannot be made: \(FileAccess.Failure(errno: errno).reason)")
        }
        let engine: RocksDBEngine
        do throws(StorageError) { engine = try RocksDBEngine(directory: directory + "/feeds") } catch {
            throw CommandFailure(error, gossip: directory)
        }
        do throws(CommandFailure) { return (try GossipIdentity.begin(in: directory), engine) } catch {
            try? engine.close()
            throw error
        }
    }

    /// A replica with its feeds here.
    func replica(_ board: GossipBoard, _ configuration: ReplicaConfiguration) async throws(CommandFailure) -> Replica {
        let (engine, prefix) = (engine, Self.prefix)
        var configuration = configuration
        configuration.executor = pool
        do {
            let store = try await pool.run { () throws(StorageError) in try EngineReplicaStore(engine: engine, prefix: prefix) }
            return try await Replica.open([GossipBoard.partName: board.model], store: store, configuration: configuration)
        } catch {
            throw CommandFailure("\(directory): the board cannot be opened: \(error)")
        }
    }

    /// Gives the lock back. What goes wrong now was durable before, or was not acknowledged.
    func close() async {
        try? await pool.run { [engine] () throws(StorageError) in try engine.close() }
        await pool.shutdown()
    }
}

extension CommandFailure {
    fileprivate init(_ error: StorageError, gossip directory: String) {
        switch error.code {
        case .locked: self.init("\(directory) is in use by another peer; choose another directory with --data")
        default: self.init("\(directory) cannot be used: \(error.message)")
        }
    }
}
