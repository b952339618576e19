import SkerryCRDT

/// Commits that become durable with one sync.
struct StorageGroup: Sendable {
    /// As of the last commit.
    var settings: StoreSettings
    var commits: [StorageCommit] = []
}

/// What one commit does to one document, whole or not at all.
struct StorageCommit: Sendable {
    struct Chunk: Sendable {
        var number: UInt64
        var bytes: [UInt8]
    }

    /// The row afterwards.
    var row: DocumentRow
    /// Chunks to remove, before ``chunk`` is added.
    var removed: Range<UInt64>?
    var chunk: Chunk?
    /// Replaces the one that is there.
    var snapshot: [UInt8]?
    /// Whether the snapshot that is there goes although no other comes.
    var removesSnapshot = false
    /// Whether the row goes too: a deletion is forgotten.
    var removesRow = false
    /// nil for what a peer need not know: housekeeping.
    var feed: FeedEntry?

    var byteCount: Int { (chunk?.bytes.count ?? 0) + (snapshot?.count ?? 0) + 128 }
}
