#if DEBUG
import SkerryStorage

/// A log whose sync does nothing: what the durability tests run the debug build with, to see that they can fail.
///
/// Chosen by ``variable`` in the environment. The optimised build does not contain it.
struct UnsyncedPacks: PackEngine {
    static let variable = "SKERRY_TEST_SKIP_SYNC"

    let log: any PackEngine

    func sync() throws(StorageError) {}

    var end: LogPosition { log.end }

    func append(_ records: [LogRecord]) throws(StorageError) -> [RecordLocation] { try log.append(records) }

    func read(_ location: RecordLocation) throws(StorageError) -> LogRecord { try log.read(location) }

    func open(pack: UInt64) throws(StorageError) -> any PackHandle { try log.open(pack: pack) }

    func replay(from position: LogPosition, _ body: (RecordLocation, LogRecord) throws(StorageError) -> Bool) throws(StorageError) {
        try log.replay(from: position, body)
    }

    func packs() throws(StorageError) -> [PackSummary] { try log.packs() }

    func seal() throws(StorageError) { try log.seal() }

    func remove(pack: UInt64) throws(StorageError) { try log.remove(pack: pack) }

    func close() throws(StorageError) { try log.close() }
}
#endif
