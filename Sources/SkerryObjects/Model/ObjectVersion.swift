public import SkerryChunks
public import SkerryCRDT

/// A version of an object (or a delete marker): an immutable record.
public struct ObjectVersion: Sendable, Hashable {
    public var bucket: BucketID
    public var key: ObjectKey
    public var id: VersionID
    /// Whether `null` is its alias.
    public var isNull: Bool
    public var isDeleteMarker: Bool
    /// The write that made it.
    public var dot: Dot
    /// What that write had seen of the key.
    public var context: CausalContext
    /// Bytes.
    public var size: UInt64
    public var etag: ETag
    public var checksum: ObjectChecksum?
    public var metadata: ObjectMetadata
    /// How many parts it was completed from; 0 for a single PUT.
    public var partCount: Int
    /// Where the bytes are; see ``ObjectBody``.
    public var body: ObjectBody

    /// Last-Modified, milliseconds since 1970.
    public var modified: UInt64 { id.time.milliseconds }
    /// What S3 prints as VersionId.
    public var versionText: String { isNull ? "null" : id.description }
}

/// MD5 of the bytes, or MD5 of the parts' MD5s with their count.
public struct ETag: Sendable, Hashable, CustomStringConvertible {
    public var md5: MD5Digest
    /// 0 for a single PUT.
    public var partCount: Int

    public init(md5: MD5Digest, partCount: Int = 0) {
        self.md5 = md5
        self.partCount = partCount
    }

    /// Without quotes: 32 hexadecimal digits, then `-N` for N parts.
    public var description: String { partCount == 0 ? md5.hex : "\(md5.hex)-\(partCount)" }
}

/// A checksum kept with a version.
public struct ObjectChecksum: Sendable, Hashable {
    public enum Kind: UInt8, Sendable { case fullObject = 0, composite = 1 }
    public var value: ChecksumValue
    public var kind: Kind
    /// Parts of a composite checksum, printed behind a hyphen.
    public var partCount: Int

    public init(value: ChecksumValue, kind: Kind = .fullObject, partCount: Int = 0) {
        self.value = value
        self.kind = kind
        self.partCount = partCount
    }
}

/// What the client gave along with the bytes. Names are lower case; order is kept.
public struct ObjectMetadata: Sendable, Hashable {
    /// S3's limit on user metadata, bytes of names and values.
    public static let userMaximum = 2048

    /// Content-Type, nil: `binary/octet-stream`.
    public var contentType: String?
    /// Cache-Control, Content-Disposition, Content-Encoding, Content-Language, Expires, x-amz-website-redirect-location, x-amz-storage-class, by lower-case name.
    public var headers: [Field]
    /// `x-amz-meta-*` without that prefix.
    public var user: [Field]

    public struct Field: Sendable, Hashable {
        public var name: String
        public var value: String
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public init(contentType: String? = nil, headers: [Field] = [], user: [Field] = []) {
        self.contentType = contentType
        self.headers = headers
        self.user = user
    }
}

/// Where the bytes of a version (or part) are.
public enum ObjectBody: Sendable, Hashable {
    /// Named constant: bodies up to this many bytes stand in the version's own log record.
    public static let inlineMaximum = 4096
    /// Up to this many chunks are named in the version; more go to manifests.
    public static let directChunksMaximum = 64

    /// In the body of the version's log record.
    case inline
    case chunks([ChunkReference])
    /// `count` manifest references of 40 bytes in the body of the version's log record, see `docs/formats/metadata.md`.
    case manifests(count: Int)
}

/// A chunk of an object: its name and length.
public struct ChunkReference: Sendable, Hashable {
    public var digest: Digest
    /// Bytes.
    public var length: UInt32

    public init(digest: Digest, length: UInt32) {
        self.digest = digest
        self.length = length
    }
}

/// A part of a completed multipart object, as GetObjectAttributes and `?partNumber` show it.
public struct ObjectPart: Sendable, Hashable {
    public var number: Int
    /// First byte in the object.
    public var offset: UInt64
    /// Bytes.
    public var size: UInt64
    public var checksum: ChecksumValue?

    public init(number: Int, offset: UInt64, size: UInt64, checksum: ChecksumValue?) {
        self.number = number
        self.offset = offset
        self.size = size
        self.checksum = checksum
    }
}
