import SkerryCRDT
import Synchronization

/// A document in memory, and what is on disk of it.
struct OpenDocument: Sendable {
    /// Bytes in memory for each byte of a snapshot and of history, about: text lies in a rope as it is, events take the room that
    /// compression saved.
    static let snapshotExpansion = 3
    static let historyExpansion = 24
    /// Bytes of an empty document.
    static let emptyBytes = 6 << 10

    /// Whether somebody else refers to it decides whether it may go; see ``StoreState/evict()``.
    var document: Document
    var row: DocumentRow
    /// What of it is on disk.
    var committed: CausalContext
    /// How far the document was at the row's boundary.
    var boundaryVersion: CausalContext
    /// The boundary of the snapshot that the document was opened from. History below it may still be asked for, exactly so far.
    let base: UInt64
    let history: HistoryRequest
    var lastUse: UInt64 = 0
    /// True when the next commit folds the tail and makes the snapshot anew: damage is replaced, or somebody asked for it.
    var needsFold = false
    /// True when the segments are then joined, however few they are.
    var needsJoin = false

    /// Bytes in memory, by estimate.
    var byteCount: Int {
        let history = history.isRead ? row.chunkBytes : row.tailBytes
        return OpenDocument.emptyBytes + row.snapshotBytes * OpenDocument.snapshotExpansion + history * OpenDocument.historyExpansion
    }
}

/// Whether the history of a document was read, which is what fills the memory.
final class HistoryRequest: Sendable {
    private let flag: Atomic<Bool>

    init(isRead: Bool) { flag = Atomic(isRead) }

    var isRead: Bool { flag.load(ordering: .relaxed) }
    func noteRead() { flag.store(true, ordering: .relaxed) }
}
