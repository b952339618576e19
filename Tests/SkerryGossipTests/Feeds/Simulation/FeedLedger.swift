import SkerryCRDT

@testable import SkerryGossip

/// All writes of a run, and what must have become of them.
final class FeedLedger {
    struct Write {
        var key: [UInt8]
        var stamp: HybridTimestamp
        var isRemoval: Bool
        /// The user was told that it is written.
        var isAcknowledged = false
        /// Destroyed with the only disk that had it, or given up by whoever settled a conflict.
        var isExcused = false
        /// Kept as a conflict somewhere.
        var isKept = false
    }

    private(set) var writes: [Dot: Write] = [:]
    private(set) var order: [Dot] = []
    private var byKey: [[UInt8]: [Dot]] = [:]

    /// Takes note of a write before its user is told anything. Its number has not been given to another write that still counts.
    func issued(_ entry: FeedEntry, _ world: FeedWorld) {
        world.check(writes[entry.dot] == nil, "\(entry.dot) is the number of two writes")
        guard entry.kind != .registry, writes[entry.dot] == nil else { return }
        order.append(entry.dot)
        writes[entry.dot] = Write(key: Array(entry.key), stamp: entry.stamp, isRemoval: entry.kind == .removal)
        byKey[Array(entry.key), default: []].append(entry.dot)
    }

    /// A crash took what an origin wrote behind a sequence. No user was told that it is written and no peer was given it, so it never was, and the origin
    /// gives the same numbers to other entries: statements about members, or writes of other keys.
    func vanished(_ origin: OriginID, behind sequence: UInt64, _ world: FeedWorld) {
        let gone = Set(order.reversed().prefix { $0.origin != origin || $0.sequence > sequence }.filter { $0.origin == origin })
        guard !gone.isEmpty else { return }
        for dot in order where gone.contains(dot) {
            guard let write = writes.removeValue(forKey: dot) else { continue }
            world.check(!write.isAcknowledged, "key \(write.key): a crash took an acknowledged write: \(dot)")
            byKey[write.key]?.removeAll { $0 == dot }
        }
        order.removeAll { gone.contains($0) }
    }

    func acknowledged(_ dot: Dot) { writes[dot]?.isAcknowledged = true }
    func excuse(_ dot: Dot) { writes[dot]?.isExcused = true }
    func keep(_ dot: Dot) { writes[dot]?.isKept = true }

    /// Whether an issued removal of the key, which `applied` covers, is later than the row.
    func isDeleted(_ row: KeyTable.Row, key: [UInt8], by applied: CausalContext) -> Bool {
        byKey[key, default: []].contains { dot in
            guard let write = writes[dot], write.isRemoval, applied.covers(dot) else { return false }
            return (write.stamp, dot) > (row.stamp, row.dot)
        }
    }

    /// The disk of a node is gone. What nobody else has durable was destroyed, except what is on its way: a write that is not acknowledged yet has never left its
    /// writer, and a returner writes its news again.
    func destroyed(remaining: [CausalContext], news: Set<Dot>) {
        for dot in order where writes[dot]?.isAcknowledged == true && !news.contains(dot) {
            if !remaining.contains(where: { $0.covers(dot) }) { writes[dot]?.isExcused = true }
        }
    }

    /// No acknowledged write lost, no deleted key back.
    func check(_ table: KeyTable, _ world: FeedWorld) {
        for (key, dots) in byKey.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let current = table.rows[key].flatMap { $0.isRemoval ? nil : $0 }
            for dot in dots {
                guard let write = writes[dot], write.isAcknowledged, !write.isExcused, !write.isKept else { continue }
                if let current {
                    world.check(
                        (current.stamp, current.dot) >= (write.stamp, dot),
                        "key \(key): \(write.isRemoval ? "a deleted key is back" : "a write is lost"): \(dot) \(write.stamp.rawValue) against \(current.dot) \(current.stamp.rawValue)"
                    )
                } else if !write.isRemoval {
                    let isRemoved = dots.contains { other in
                        guard let removal = writes[other], removal.isRemoval else { return false }
                        return (removal.stamp, other) > (write.stamp, dot)
                    }
                    world.check(isRemoved, "key \(key): an acknowledged write is lost: \(dot)")
                }
            }
        }
    }
}
