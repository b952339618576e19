import SkerryStorage

/// The records of the log, by number. Numbers are fixed by the format (`docs/formats/metadata.md`) and never used again.
extension LogRecord.Kind {
    /// The founding of a data directory: its origin and site name.
    static let origin = LogRecord.Kind(rawValue: 1)
    /// Bytes named by their digest.
    static let chunk = LogRecord.Kind(rawValue: 2)
    /// A block of up to 1,024 chunk references, named by its digest.
    static let manifest = LogRecord.Kind(rawValue: 3)
    /// A version or delete marker, with inline bytes or its list of manifests as body.
    static let version = LogRecord.Kind(rawValue: 4)
    /// The removal of versions.
    static let tombstone = LogRecord.Kind(rawValue: 5)
    /// A bucket and its settings.
    static let bucket = LogRecord.Kind(rawValue: 6)
    static let bucketRemoval = LogRecord.Kind(rawValue: 7)
    static let user = LogRecord.Kind(rawValue: 8)
    static let userRemoval = LogRecord.Kind(rawValue: 9)
    static let accessKey = LogRecord.Kind(rawValue: 10)
    static let accessKeyRemoval = LogRecord.Kind(rawValue: 11)
    /// A multipart upload that began.
    static let upload = LogRecord.Kind(rawValue: 12)
    /// A part, with its list of manifests as body.
    static let part = LogRecord.Kind(rawValue: 13)
    /// An upload that was completed or aborted.
    static let uploadEnd = LogRecord.Kind(rawValue: 14)
    /// The head of some records that count together or not at all.
    static let group = LogRecord.Kind(rawValue: 15)
}
