import Crypto
import SkerryCRDT
import SkerryGossip
import SkerryReplication
import Synchronization

/// The board that all members of `skerry gossip` write on: keys and values, the last writer's.
final class GossipBoard: Sendable {
    /// Keys of the largest board that may still be added to; what others add is taken, or boards would differ.
    static let keysMaximum = 10_000
    /// The part of the replica, the same on all peers.
    static let partName = "board"

    struct Row: Sendable, Hashable {
        var key: String
        var value: String
        var stamp: HybridTimestamp
        var origin: OriginID
    }

    let model = ReplicatedModel<String>()
    /// The rows and their hash, when the model had applied what the context says.
    private let known = Mutex((applied: CausalContext(), rows: [Row](), hash: GossipBoard.hash([])))

    // MARK: Writing

    /// - Throws: ``CommandFailure`` with why it cannot be written now.
    func set(_ key: String, _ value: String) throws(CommandFailure) {
        guard model.count < Self.keysMaximum || model[key] != nil else {
            throw CommandFailure("the board has \(Self.keysMaximum) keys; unset some")
        }
        do throws(FeedError) { try model.set(key, to: value) } catch { throw CommandFailure("\(error)") }
    }

    /// - Returns: whether there was anything to take off.
    func unset(_ key: String) throws(CommandFailure) -> Bool {
        guard model[key] != nil else { return false }
        do throws(FeedError) { try model.remove(key) } catch { throw CommandFailure("\(error)") }
        return true
    }

    // MARK: Looking

    func value(of key: String) -> String? { model[key] }

    /// The highest sequence of each origin that was applied.
    var applied: CausalContext { model.digest }

    /// All keys with their values and who wrote them when, by key; and 16 digits of a SHA-256 over them.
    var rows: (rows: [Row], hash: String) {
        // Read before the rows: a write that comes in between is looked at again the next time.
        let applied = model.digest
        let last = known.withLock { $0 }
        if last.applied == applied { return (last.rows, last.hash) }
        let rows = model.values.sorted { $0.key < $1.key }.compactMap { key, value in
            model.lastWrite(of: key).map { Row(key: key, value: value, stamp: $0.stamp, origin: $0.origin) }
        }
        let hash = Self.hash(rows)
        known.withLock { $0 = (applied, rows, hash) }
        return (rows, hash)
    }

    private static func hash(_ rows: [Row]) -> String {
        var hash = SHA256()
        func update(_ word: UInt64) { withUnsafeBytes(of: word.littleEndian) { hash.update(bufferPointer: $0) } }
        for row in rows.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            for field in [Array(row.key.utf8), Array(row.value.utf8)] {
                update(UInt64(field.count))
                hash.update(data: field)
            }
            update(row.stamp.rawValue)
            update(row.origin.rawValue)
        }
        return hash.finalize().prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
