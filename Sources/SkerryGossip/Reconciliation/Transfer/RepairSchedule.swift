/// When to reconcile with whom: at once when a feed cannot close the gap, when a peer comes with another epoch, and every ten minutes as a proof of equality.
///
/// A value: events in, peers out. One side of each pair keeps it; both may.
public struct RepairSchedule: Sendable {
    /// Milliseconds between two proofs of equality with a peer.
    public static let proofInterval: UInt64 = 600_000
    /// Milliseconds after which a session that failed is tried again, doubled each time up to ``proofInterval``.
    public static let retryInterval: UInt64 = 1_000

    private struct Peer: Sendable {
        var epoch: UInt64
        var due: UInt64
        var failures: UInt64 = 0
        var isRunning = false
        /// Something happened while a session ran that it may not have seen.
        var isOverdue = false
    }

    private var peers: [UInt64: Peer] = [:]

    public init() {}

    /// A session of feeds was established with the site. A site that is new here, or comes under another epoch, is reconciled with at once.
    public mutating func established(_ site: UInt64, epoch: UInt64, now: UInt64) {
        if let peer = peers[site], peer.epoch == epoch { return }
        let isRunning = peers[site]?.isRunning ?? false
        peers[site] = Peer(epoch: epoch, due: now, isRunning: isRunning, isOverdue: isRunning)
    }

    /// ``FeedReport/repairNeeded(_:_:)`` came, a checksum failed, or this store was restored.
    public mutating func needed(_ site: UInt64, now: UInt64) {
        guard var peer = peers[site] else { return }
        if peer.isRunning { peer.isOverdue = true } else { peer.due = min(peer.due, now) }
        peers[site] = peer
    }

    /// The site is gone for good.
    public mutating func forget(_ site: UInt64) { peers[site] = nil }

    /// The site to begin a session with now, the longest due first; nil when none is. It counts as running until ``finished(_:isWhole:now:)``.
    public mutating func next(now: UInt64) -> UInt64? {
        let due = peers.filter { !$0.value.isRunning && $0.value.due <= now }.min { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
        guard let site = due?.key else { return nil }
        peers[site]?.isRunning = true
        return site
    }

    /// When ``next(now:)`` has something to give; nil: never, as things stand.
    public var nextDue: UInt64? { peers.values.filter { !$0.isRunning }.map(\.due).min() }

    /// A session ended, whole or not.
    public mutating func finished(_ site: UInt64, isWhole: Bool, now: UInt64) {
        guard var peer = peers[site], peer.isRunning else { return }
        peer.isRunning = false
        peer.failures = isWhole ? 0 : min(peer.failures + 1, 16)
        let wait = isWhole ? Self.proofInterval : min(Self.proofInterval, Self.retryInterval << (peer.failures - 1))
        peer.due = peer.isOverdue ? now : now + wait
        peer.isOverdue = false
        peers[site] = peer
    }
}
