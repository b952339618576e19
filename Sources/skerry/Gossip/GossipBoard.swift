import Crypto
import SkerryCRDT
import SkerryGossip
import SkerryReplication
import Synchronization

/// The board that all members of `skerry gossip` write on: keys and values, the last writer's.
///
/// Kept are the last write of each key, removals too, so that boards that took the same writes in whatever order are equal.
final class GossipBoard: Replicated {
    /// Keys of the largest board that may still be added to; what others add is taken, or boards would differ.
    static let keysMaximum = 10_000

    private struct State {
        var entries = EntryIndex()
        var last: [String: ReplicaEntry] = [:]
        /// Without what was taken off.
        var count = 0
        var digest = CausalContext()
        var part: ReplicaPart?
        var version: UInt64 = 0
    }

    private let state = Mutex(State())

    // MARK: Replicated

    func attached(_ handle: ReplicaPart) { state.withLock { $0.part = handle } }

    var digest: CausalContext { state.withLock { $0.digest } }

    func history(since digest: CausalContext) -> [ReplicaEntry] { state.withLock { $0.entries.entries(since: digest) } }

    func apply(_ entry: ReplicaEntry) -> Bool {
        state.withLock { state in
            state.digest.insert(entry.dot)
            guard let key = String(validating: entry.key, as: UTF8.self) else { return false }
            let former = state.last[key]
            if let former, former >= entry { return false }
            if let former { state.entries.remove(former.dot) }
            state.entries.insert(entry)
            state.last[key] = entry
            state.count += (entry.isRemoval ? 0 : 1) - (former.map { $0.isRemoval ? 0 : 1 } ?? 0)
            state.version += 1
            return true
        }
    }

    // MARK: The board

    /// - Throws: ``CommandFailure`` with why it cannot be written now.
    func set(_ key: String, _ value: String) throws(CommandFailure) {
        guard state.withLock({ $0.count < Self.keysMaximum || $0.last[key]?.isRemoval == false }) else {
            throw CommandFailure("the board has \(Self.keysMaximum) keys; unset some")
        }
        try publish(.write, key, value)
    }

    /// - Returns: whether there was anything to take off.
    func unset(_ key: String) throws(CommandFailure) -> Bool {
        guard value(of: key) != nil else { return false }
        try publish(.removal, key, "")
        return true
    }

    private func publish(_ kind: FeedEntry.Kind, _ key: String, _ value: String) throws(CommandFailure) {
        guard let part = state.withLock({ $0.part }) else { throw CommandFailure("the board is not open") }
        do throws(FeedError) { try part.publish(kind, key: Array(key.utf8), value: Array(value.utf8)) } catch {
            throw CommandFailure("\(error)")
        }
    }

    func value(of key: String) -> String? {
        state.withLock { state in
            guard let entry = state.last[key], !entry.isRemoval else { return nil }
            return String(decoding: entry.value, as: UTF8.self)
        }
    }

    /// Grows with every change.
    var version: UInt64 { state.withLock { $0.version } }

    /// All keys with their values and the origins that wrote them, by key.
    var rows: [(key: String, value: String, origin: OriginID)] {
        state.withLock { state in
            state.last.filter { !$0.value.isRemoval }.sorted { $0.key < $1.key }
                .map { ($0.key, String(decoding: $0.value.value, as: UTF8.self), $0.value.origin) }
        }
    }

    /// SHA-256 over all keys, what was last written there and by whom, in the order of the keys' bytes; 16 digits of it.
    var hash: String {
        let last = state.withLock { $0.last }
        var hash = SHA256()
        for (key, entry) in last.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            for field in [Array(key.utf8), Array(entry.value)] {
                withUnsafeBytes(of: UInt64(field.count).littleEndian) { hash.update(bufferPointer: $0) }
                hash.update(data: field)
            }
            for word in [entry.stamp.rawValue, entry.dot.origin.rawValue, entry.dot.sequence, entry.isRemoval ? 1 : 0] {
                withUnsafeBytes(of: word.littleEndian) { hash.update(bufferPointer: $0) }
            }
        }
        return hash.finalize().prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
