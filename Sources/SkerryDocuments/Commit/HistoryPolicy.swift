/// When a document's chunks are joined and its snapshot is made anew.
///
/// Three sizes of the same history: the *tail*, a chunk for each commit, which opening merges one by one; *segments*, a chunk for each
/// fold; and one chunk for all that was. Each costs less room and less time to read than the one before, and more to make.
enum HistoryPolicy {
    /// Chunks in a tail.
    static let tailChunksMaximum = 128
    /// Bytes of a tail, or a quarter of the snapshot if that is more: merging a kilobyte of history takes about as long as reading ten of a
    /// snapshot, and writing the snapshot anew must not cost much more than the tail did.
    static let tailBytesMinimum = 4 << 10
    /// Segments, or one for each 16 KiB of history if those are more: joining them reads all history, so it waits until that has grown.
    static let segmentsMaximum = 32
    static let segmentBytes = 16 << 10
    /// History longer than this stays in segments, bytes as stored: what a chunk may hold decoded is bounded (`docs/formats/document.md`).
    static let joinedMaximum = 4 << 20

    /// Whether a commit of so many bytes should fold the tail into a segment, and renew the snapshot.
    static func isFoldDue(_ row: DocumentRow, adding bytes: Int) -> Bool {
        row.tailCount + 1 >= tailChunksMaximum || row.tailBytes + bytes >= max(tailBytesMinimum, row.snapshotBytes / 4)
    }

    /// Whether the segments should become one chunk.
    static func isJoinDue(_ row: DocumentRow) -> Bool {
        row.chunkBytes <= joinedMaximum && row.chunkCount - row.tailCount >= max(segmentsMaximum, row.chunkBytes / segmentBytes)
    }
}
