import SkerryCRDT
import SkerryGossip
import SkerryReplication
import SkerryStorage
import Synchronization

/// What a crash leaves of a replica's store: all that was synced, nothing else. Power can go at any call.
final class ReplicaDisk: Sendable {
    struct State: Sendable {
        var synced = MemoryReplicaStore(log: 0xD15C)
        /// Calls that change something, so far, and after how many of them power is gone.
        var calls = 0
        var cut: Int?
    }

    let state = Mutex(State())

    var calls: Int { state.withLock { $0.calls } }

    func cut(after calls: Int?) {
        state.withLock { state in
            state.calls = 0
            state.cut = calls
        }
    }

    /// Counts a call.
    func note() throws(StorageError) {
        let isOff = state.withLock { state in
            state.calls += 1
            return state.cut.map { state.calls > $0 } ?? false
        }
        if isOff { throw StorageError(.failed, "power is gone") }
    }

    func store() -> DiskReplicaStore { DiskReplicaStore(live: state.withLock { $0.synced }, disk: self) }
}

struct DiskReplicaStore: ReplicaStore {
    var live: MemoryReplicaStore
    let disk: ReplicaDisk

    var state: FeedState { live.state }

    mutating func append(_ batch: FeedBatch, rows: [ReplicaRow]) throws(StorageError) {
        try disk.note()
        live.append(batch, rows: rows)
    }

    mutating func sync() throws(StorageError) {
        try disk.note()
        live.sync()
        let live = live
        disk.state.withLock { $0.synced = live }
    }

    func read(_ origin: OriginID, from first: UInt64, charge: Int) throws(StorageError) -> [SkerryGossip.FeedEntry] {
        live.read(origin, from: first, charge: charge)
    }

    mutating func adopt(_ marks: [FeedMark], keeping entries: [SkerryGossip.FeedEntry], rows: [ReplicaRow]) throws(StorageError) {
        try disk.note()
        live.adopt(marks, keeping: entries, rows: rows)
    }

    mutating func compact(
        trimming floors: [Dot], keeping entries: [SkerryGossip.FeedEntry], forgetting: [SkerryGossip.FeedEntry], rows: [ReplicaRow]
    ) throws(StorageError) {
        try disk.note()
        live.compact(trimming: floors, keeping: entries, forgetting: forgetting, rows: rows)
    }

    mutating func replace(
        _ marks: [FeedMark], keeping entries: [SkerryGossip.FeedEntry], forgetting: [SkerryGossip.FeedEntry], followedBy batch: FeedBatch,
        rows: [ReplicaRow]
    ) throws(StorageError) {
        try disk.note()
        live.replace(marks, keeping: entries, forgetting: forgetting, followedBy: batch, rows: rows)
    }

    func kept() throws(StorageError) -> [SkerryGossip.FeedEntry] { live.kept() }
    func kept(_ origin: OriginID, from first: UInt64, charge: Int) throws(StorageError) -> [SkerryGossip.FeedEntry] {
        live.kept(origin, from: first, charge: charge)
    }

    func rows(withPrefix prefix: [UInt8], from lower: [UInt8], limit: Int) throws(StorageError) -> [ReplicaRow] {
        live.rows(withPrefix: prefix, from: lower, limit: limit)
    }
}
