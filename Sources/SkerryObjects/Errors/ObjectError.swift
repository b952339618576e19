public import SkerryStorage

/// What the object store answers when it does not do what was asked. Each code is one thing a caller acts on;
/// the faces map codes to their own words (S3: `SkerryS3/Errors/S3Error+Mapping.swift`).
public struct ObjectError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        case noSuchBucket, noSuchKey, noSuchVersion, noSuchUpload
        /// The name belongs to another user.
        case bucketAlreadyExists
        case bucketAlreadyOwnedByYou
        case bucketNotEmpty
        case invalidBucketName
        /// Empty, or over 1,024 bytes.
        case keyTooLong, keyEmpty
        case metadataTooLarge
        /// The version asked for is a delete marker; ``ObjectError/version`` tells which.
        case deleteMarker
        /// A condition of the request does not hold; ``ObjectError/condition`` names it.
        case preconditionFailed
        /// A read condition says the caller's copy is still good.
        case notModified
        /// A concurrent operation on the same upload or key won: try again.
        case conditionalConflict
        case rangeNotSatisfiable
        case invalidPart, invalidPartOrder, partTooSmall, tooManyParts
        case entityTooLarge
        /// Content-MD5 or a checksum does not match the bytes; nothing was stored.
        case badDigest
        /// SigV4's payload hash does not match the bytes; nothing was stored.
        case payloadHashMismatch
        /// Fewer or more bytes than announced; nothing was stored.
        case incompleteBody
        case noSuchPart
        case noSuchUser, userAlreadyExists, noSuchAccessKey, accessKeyAlreadyExists
        case tooManyBuckets
        /// Everything is in use: try again after ``ObjectError/retryAfter`` seconds.
        case slowDown
        /// The store is stopping.
        case shuttingDown
        /// The engine failed; ``ObjectError/cause`` tells how.
        case storage
        case invalidArgument
    }

    public var code: Code
    /// For the reader of the answer.
    public var message: String
    /// The name of the condition or header at fault.
    public var condition: String?
    /// The version concerned, for delete markers and read conditions.
    public var version: ObjectVersion?
    /// Seconds.
    public var retryAfter: Int?
    public var cause: StorageError?

    public init(_ code: Code, _ message: String, condition: String? = nil, version: ObjectVersion? = nil) {
        self.code = code
        self.message = message
        self.condition = condition
        self.version = version
    }

    public init(_ cause: StorageError) {
        code = cause.code == .unavailable ? .slowDown : .storage
        message = cause.message
        self.cause = cause
        if code == .slowDown { retryAfter = 1 }
    }

    public var description: String { "\(code): \(message)" + (cause.map { " (\($0))" } ?? "") }
}
