public import SkerryChunks
import SkerryCRDT

/// A multipart upload under way.
public struct MultipartUpload: Sendable, Hashable {
    /// S3's limits.
    public static let partNumberMaximum = 10_000
    /// Smallest part that is not the last, bytes.
    public static let partMinimum: UInt64 = 5 << 20

    public var id: UploadID
    public var bucket: BucketID
    public var key: ObjectKey
    /// The user who began it.
    public var initiator: String
    public var metadata: ObjectMetadata
    public var checksum: ChecksumAlgorithm
    public var checksumKind: ChecksumType
    /// Whether the client named the algorithm itself at Create; otherwise it is the default, CRC64NVME over the full object.
    public var checksumNamed: Bool

    /// Milliseconds since 1970.
    public var initiated: UInt64 { id.time.milliseconds }
}

/// A part that was uploaded or copied.
public struct UploadedPart: Sendable, Hashable {
    public var number: Int
    /// Bytes.
    public var size: UInt64
    public var etag: ETag
    public var checksum: ChecksumValue?
    /// Milliseconds since 1970.
    public var modified: UInt64
}

/// A part as CompleteMultipartUpload names it.
public struct CompletedPart: Sendable, Hashable {
    public var number: Int
    /// Without quotes.
    public var etag: String
    /// When the client sent one.
    public var checksum: ChecksumValue?

    public init(number: Int, etag: String, checksum: ChecksumValue? = nil) {
        self.number = number
        self.etag = etag
        self.checksum = checksum
    }
}
