/// Why a request target names nothing.
///
/// S3 answers `InvalidURI` (400) to the first three and `InvalidBucketName` (400) to the others.
public enum RequestTargetError: Error, Sendable, Equatable {
    /// The request has no target.
    case missing
    /// The target is neither a path nor an absolute `http` URI: `*`, `host:port`, another scheme.
    case notAPath
    /// A `%` without two hexadecimal digits behind it, `offset` bytes into the target.
    case invalidEscape(offset: Int)
    /// A path-style target with a key and no bucket: `//key`.
    case emptyBucketName
    /// The bucket's bytes are no UTF-8, so it cannot exist.
    case invalidBucketName
}
