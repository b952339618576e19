import SkerryChunks
import SkerryStorage
import Synchronization

/// The one door to the end of the log: keeps the order of records and knows which of them the index has not seen.
///
/// - Invariant: the index is made of the records before some position and of no others, so chunk records that uploads append wait here
///   for the next group's sync, and enter the index in log order with the records around them.
final class LogWriter: Sendable {
    /// Records waiting for the index that make a group of their own worthwhile.
    static let backlogMaximum = 512

    struct Entry: Sendable {
        var record: LogRecord
        var location: RecordLocation
        var arrival: RecordArrival
    }

    private struct State {
        var entries: [Entry] = []
        /// Blocks that are in the log and not yet in the index.
        var blocks: [BlockName: RecordLocation] = [:]
        /// Why nothing can be committed any more.
        var failure: StorageError?
    }

    let packs: any PackEngine
    private let state = Mutex(State())

    init(packs: any PackEngine) { self.packs = packs }

    /// Appends those of the blocks that are not waiting already; they lie one behind the other. Returns whether a backlog has built up.
    func append(blocks: [Block]) throws(StorageError) -> Bool {
        try state.withLock { state throws(StorageError) in
            var seen = Set<BlockName>()
            if let failure = state.failure { throw failure }
            let fresh = blocks.filter { state.blocks[$0.name] == nil && seen.insert($0.name).inserted }
            guard !fresh.isEmpty else { return false }
            let locations = try packs.append(fresh.map(\.record))
            for (block, location) in zip(fresh, locations) {
                state.blocks[block.name] = location
                state.entries.append(Entry(record: block.indexed, location: location, arrival: .new))
            }
            return state.entries.count >= LogWriter.backlogMaximum
        }
    }

    /// Whether the block is in the log and on its way to the index.
    func isWaiting(_ name: BlockName) -> Bool { state.withLock { $0.blocks[name] != nil } }

    /// Appends a group's records and takes everything that waits for the index, in log order.
    func append(group drafts: [CommitContext.Draft]) throws(StorageError) -> [Entry] {
        try state.withLock { state throws(StorageError) in
            if !drafts.isEmpty {
                for (draft, location) in zip(drafts, try packs.append(drafts.map(\.record))) {
                    state.entries.append(Entry(record: draft.record, location: location, arrival: draft.arrival))
                }
            }
            defer { state.entries = [] }
            return state.entries
        }
    }

    /// Takes no more blocks: nobody would bring them into the index.
    func stop(_ failure: StorageError) { state.withLock { $0.failure = failure } }

    /// The entries are in the index now.
    func settled(_ entries: [Entry]) {
        state.withLock { state in
            for entry in entries where entry.record.kind == .chunk || entry.record.kind == .manifest {
                guard let block = try? BlockRecord(fields: entry.record.fields) else { continue }
                let name = BlockName(tenant: block.tenant, digest: block.digest)
                if state.blocks[name] == entry.location { state.blocks[name] = nil }
            }
        }
    }
}

/// A chunk or manifest as one tenant knows it.
struct BlockName: Sendable, Hashable {
    var tenant: TenantID
    var digest: Digest
}

/// A chunk or manifest on its way to the log.
struct Block: Sendable {
    var name: BlockName
    var bytes: ArraySlice<UInt8>
    var isManifest: Bool

    var record: LogRecord {
        LogRecord(
            kind: isManifest ? .manifest : .chunk, fields: BlockRecord(tenant: name.tenant, digest: name.digest).fields, body: bytes)
    }

    /// What the index needs of it: a manifest's entries, of a chunk only the name.
    var indexed: LogRecord {
        var record = record
        if !isManifest { record.body = [] }
        return record
    }
}
