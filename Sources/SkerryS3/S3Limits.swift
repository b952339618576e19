/// Every limit of the S3 face, by name.
public enum S3Limits {
    /// Bytes of a request document (DeleteObjects, CompleteMultipartUpload, settings).
    public static let documentMaximum = 2 << 20
    /// Nesting of elements in a request document. S3's deepest has four.
    public static let documentDepthMaximum = 16
    /// Bytes of one PUT or one part: 5 GiB.
    public static let uploadMaximum: UInt64 = 5 << 30
    /// Bytes of the source of one CopyObject: 5 GiB, as S3 has it; more goes by UploadPartCopy.
    public static let copyMaximum: UInt64 = 5 << 30
    /// Keys in one page of a listing.
    public static let keysPerPage = 1000
    /// Buckets in one page of ListBuckets.
    public static let bucketsPerPage = 10_000
    /// Keys in one DeleteObjects.
    public static let deletesMaximum = 1000
    /// Parts in one page of ListParts and GetObjectAttributes.
    public static let partsPerPage = 1000
    /// Uploads in one page of ListMultipartUploads.
    public static let uploadsPerPage = 1000
    /// Part numbers run from 1 to this.
    public static let partNumberMaximum = 10_000
    /// Bytes of names and values of user metadata: 2 KiB.
    public static let userMetadataMaximum = 2048
    /// Seconds to wait that `503 SlowDown` names when the store does not.
    public static let retryAfterDefault = 1
    /// How often a read of one part looks again when the object is replaced between the look-up of its parts and its opening.
    public static let partReadAttempts = 4
}
