import SkerryChunks
import SkerryStorage

/// Chunks and manifests by name: stores each once per tenant, finds where it stands. Calls block.
final class BlockStore: Sendable {
    let metadata: any MetadataEngine
    let log: LogWriter
    let pins: PinTable
    /// Called when the blocks that wait for the index have become many.
    private let backlog: @Sendable () -> Void

    init(metadata: any MetadataEngine, log: LogWriter, pins: PinTable, backlog: @escaping @Sendable () -> Void) {
        self.metadata = metadata
        self.log = log
        self.pins = pins
        self.backlog = backlog
    }

    /// Appends those of the blocks that the tenant does not have, one behind the other, and pins all of them.
    ///
    /// They are durable with the commit that refers to them: its sync comes later in the same log.
    func store(_ blocks: [Block], pins: PinSet) throws(StorageError) {
        var missing: [Block] = []
        for block in blocks where try !isStored(block.name, pins) { missing.append(block) }
        guard !missing.isEmpty else { return }
        if try log.append(blocks: missing) { backlog() }
    }

    private func isStored(_ name: BlockName, _ pins: PinSet) throws(StorageError) -> Bool {
        let mayRely = pins.pin(name)
        if log.isWaiting(name) { return true }
        guard mayRely else { return false }
        return try row(name) != nil
    }

    /// Pins a block that is already stored; false when it is not there (any more).
    func pinStored(_ name: BlockName, pins: PinSet) throws(StorageError) -> Bool { try isStored(name, pins) }

    /// The block's row; nil when the index does not have it.
    func row(_ name: BlockName) throws(StorageError) -> ChunkRow? {
        guard let row = try metadata.get(.chunks, IndexKey.chunk(name.tenant, name.digest)) else { return nil }
        return try ChunkRow(row)
    }

    /// Where a block stands that a committed version refers to.
    func location(_ name: BlockName) throws(StorageError) -> RecordLocation {
        guard let row = try row(name) else {
            throw StorageError(.notFound, "chunk \(name.digest) of tenant \(name.tenant.rawValue) is not in the index")
        }
        return row.location
    }

    func manifest(_ name: BlockName) throws(StorageError) -> Manifest {
        try withRetry { () throws(StorageError) in
            let record = try log.packs.read(try location(name))
            return try Manifest(decoding: record.body, expected: name.digest)
        }
    }

    /// An open pack and the place in it for each block; not yet verified.
    func open(_ names: [BlockName]) throws(StorageError) -> [OpenBlock] {
        var blocks: [OpenBlock] = []
        blocks.reserveCapacity(names.count)
        for name in names {
            blocks.append(
                try withRetry { () throws(StorageError) in
                    let location = try location(name)
                    return OpenBlock(handle: try log.packs.open(pack: location.position.pack), location: location)
                })
        }
        return blocks
    }

    /// A pack may go between the look-up and the opening, because its live records were moved: the second look finds the new place.
    private func withRetry<Value>(_ body: () throws(StorageError) -> Value) throws(StorageError) -> Value {
        do throws(StorageError) {
            return try body()
        } catch {
            guard error.code == .notFound else { throw error }
            return try body()
        }
    }
}

/// A block whose pack is open; the bytes stay readable while this is held.
struct OpenBlock: Sendable {
    var handle: any PackHandle
    var location: RecordLocation

    /// Compares the bytes with their checksum, once in this process. Blocks the first time.
    func verify() throws(StorageError) { try handle.verifyOnce(location) }

    var isVerified: Bool { handle.isVerified(location) }
}
