import SkerryStorage

/// One writer's wish: what it touches, how it is evaluated, whom to tell.
struct CommitTicket: Sendable {
    enum Footprint: Sendable, Hashable {
        /// One key of one bucket.
        case key(BucketID, ObjectKey)
        /// One multipart upload's parts.
        case part(UploadID, Int)
        /// Anything: a group of its own.
        case everything
    }

    var footprint: Footprint
    /// Bytes that its records bring, about.
    var byteCount: Int
    /// Runs on the committer's thread and adds records to the context, or throws and leaves no trace.
    ///
    /// Returns what to do when the group is on disk and in the index, or has failed.
    var evaluate: @Sendable (inout CommitContext) -> @Sendable (ObjectError?) -> Void
}
