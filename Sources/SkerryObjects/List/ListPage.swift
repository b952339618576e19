public import SkerryChunks

/// What to list of a bucket's current objects.
public struct ListRequest: Sendable {
    /// S3's limit on a page.
    public static let limitMaximum = 1000

    public var prefix: [UInt8] = []
    /// Empty: none. May be several bytes.
    public var delimiter: [UInt8] = []
    /// Only names greater than this; one that lies in a common prefix skips the rest of that prefix.
    public var after: [UInt8] = []
    /// Keys and common prefixes together, 0 to 1,000.
    public var limit = ListRequest.limitMaximum

    public init() {}
}

/// A page of a listing, in byte order.
public struct ListPage: Sendable {
    public enum Entry: Sendable {
        case object(ListedObject)
        case commonPrefix([UInt8])
    }

    public var entries: [Entry]
    public var isTruncated: Bool
    /// The last name of this page: `after` of the next one.
    public var next: [UInt8]?
}

/// What a listing prints of a key.
public struct ListedObject: Sendable {
    public var key: ObjectKey
    /// Bytes.
    public var size: UInt64
    public var etag: ETag
    /// Milliseconds since 1970.
    public var modified: UInt64
    public var checksumAlgorithm: ChecksumAlgorithm?
    public var checksumKind: ChecksumType
}

/// What to list of a bucket's versions.
public struct VersionListRequest: Sendable {
    public var prefix: [UInt8] = []
    public var delimiter: [UInt8] = []
    /// Only keys greater than this, or, with ``versionMarker``, older versions of this key too.
    public var keyMarker: [UInt8] = []
    public var versionMarker: VersionSelector?
    public var limit = ListRequest.limitMaximum

    public init() {}
}

/// A page of versions: keys in byte order, of each key the newest first.
public struct VersionListPage: Sendable {
    public enum Entry: Sendable {
        case version(ObjectVersion, isLatest: Bool)
        case commonPrefix([UInt8])
    }

    public var entries: [Entry]
    public var isTruncated: Bool
    public var nextKeyMarker: [UInt8]?
    public var nextVersionMarker: String?
}

/// A page of uploads: keys in byte order, of each key in the order of initiation.
public struct UploadPage: Sendable {
    public var uploads: [MultipartUpload]
    public var commonPrefixes: [[UInt8]]
    public var isTruncated: Bool
    public var nextKeyMarker: [UInt8]?
    public var nextUploadIDMarker: UploadID?
}

/// A page of the parts of an upload.
public struct PartPage: Sendable {
    public var upload: MultipartUpload
    public var parts: [UploadedPart]
    public var isTruncated: Bool
    /// The last part number of this page.
    public var nextMarker: Int
}

/// A page of buckets, by name.
public struct BucketPage: Sendable {
    public var buckets: [Bucket]
    /// The last name of this page when there are more.
    public var next: String?
}
