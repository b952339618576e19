import HTTPTypes

/// An answer that is not what was asked for, in S3's words: code, status, message and what else the document and the head say.
///
/// Everything that fails becomes one of these before it leaves the face; `S3Error+Mapping.swift` says how.
struct S3Error: Error, Sendable {
    /// S3's name of an error and the status that goes with it.
    struct Code: Sendable, Hashable {
        let name: String
        let status: Int

        init(_ name: String, _ status: Int) {
            self.name = name
            self.status = status
        }
    }

    /// One more element of the error document, such as `BucketName`.
    struct Detail: Sendable, Hashable {
        var name: String
        var text: String
    }

    var code: Code
    /// For a person; says what to do where that is not plain from the code.
    var message: String
    var details: [Detail] = []
    /// Header fields beside the usual ones.
    var fields = HTTPFields()
    /// What went wrong underneath, for the log alone.
    var cause: (any Error)?

    init(_ code: Code, _ message: String, details: [Detail] = [], fields: HTTPFields = [:]) {
        self.code = code
        self.message = message
        self.details = details
        self.fields = fields
    }

    /// With one more element in the document.
    func with(_ name: String, _ text: String) -> S3Error {
        var error = self
        error.details.append(Detail(name: name, text: text))
        return error
    }
}

// MARK: - The codes S3 knows and this face uses

extension S3Error.Code {
    static let accessDenied = Self("AccessDenied", 403)
    static let accessForbidden = Self("AccessForbidden", 403)
    static let authorizationHeaderMalformed = Self("AuthorizationHeaderMalformed", 400)
    static let authorizationQueryParametersError = Self("AuthorizationQueryParametersError", 400)
    static let badDigest = Self("BadDigest", 400)
    static let badRequest = Self("BadRequest", 400)
    static let bucketAlreadyExists = Self("BucketAlreadyExists", 409)
    static let bucketAlreadyOwnedByYou = Self("BucketAlreadyOwnedByYou", 409)
    static let bucketNotEmpty = Self("BucketNotEmpty", 409)
    static let conditionalRequestConflict = Self("ConditionalRequestConflict", 409)
    static let entityTooLarge = Self("EntityTooLarge", 400)
    static let entityTooSmall = Self("EntityTooSmall", 400)
    static let illegalVersioningConfiguration = Self("IllegalVersioningConfigurationException", 400)
    static let incompleteBody = Self("IncompleteBody", 400)
    static let internalError = Self("InternalError", 500)
    static let invalidAccessKeyID = Self("InvalidAccessKeyId", 403)
    static let invalidArgument = Self("InvalidArgument", 400)
    static let invalidBucketName = Self("InvalidBucketName", 400)
    static let invalidBucketState = Self("InvalidBucketState", 409)
    static let invalidChunkSize = Self("InvalidChunkSizeError", 400)
    static let invalidDigest = Self("InvalidDigest", 400)
    static let invalidEncryptionAlgorithm = Self("InvalidEncryptionAlgorithmError", 400)
    static let invalidLocationConstraint = Self("InvalidLocationConstraint", 400)
    static let invalidPart = Self("InvalidPart", 400)
    static let invalidPartNumber = Self("InvalidPartNumber", 416)
    static let invalidPartOrder = Self("InvalidPartOrder", 400)
    static let invalidRange = Self("InvalidRange", 416)
    static let invalidRequest = Self("InvalidRequest", 400)
    static let invalidStorageClass = Self("InvalidStorageClass", 400)
    static let invalidToken = Self("InvalidToken", 400)
    static let invalidURI = Self("InvalidURI", 400)
    static let keyTooLong = Self("KeyTooLongError", 400)
    static let malformedTrailer = Self("MalformedTrailerError", 400)
    static let malformedXML = Self("MalformedXML", 400)
    static let maxMessageLengthExceeded = Self("MaxMessageLengthExceeded", 400)
    static let metadataTooLarge = Self("MetadataTooLarge", 400)
    static let methodNotAllowed = Self("MethodNotAllowed", 405)
    static let missingContentLength = Self("MissingContentLength", 411)
    static let missingRequestBody = Self("MissingRequestBodyError", 400)
    static let noSuchBucket = Self("NoSuchBucket", 404)
    static let noSuchBucketPolicy = Self("NoSuchBucketPolicy", 404)
    static let noSuchConfiguration = Self("NoSuchConfiguration", 404)
    static let noSuchCORSConfiguration = Self("NoSuchCORSConfiguration", 404)
    static let noSuchKey = Self("NoSuchKey", 404)
    static let noSuchLifecycleConfiguration = Self("NoSuchLifecycleConfiguration", 404)
    static let noSuchPublicAccessBlock = Self("NoSuchPublicAccessBlockConfiguration", 404)
    static let noSuchTagSet = Self("NoSuchTagSet", 404)
    static let noSuchUpload = Self("NoSuchUpload", 404)
    static let noSuchVersion = Self("NoSuchVersion", 404)
    static let noSuchWebsiteConfiguration = Self("NoSuchWebsiteConfiguration", 404)
    static let notImplemented = Self("NotImplemented", 501)
    static let notModified = Self("NotModified", 304)
    static let objectLockConfigurationNotFound = Self("ObjectLockConfigurationNotFoundError", 404)
    static let ownershipControlsNotFound = Self("OwnershipControlsNotFoundError", 404)
    static let preconditionFailed = Self("PreconditionFailed", 412)
    static let replicationConfigurationNotFound = Self("ReplicationConfigurationNotFoundError", 404)
    static let requestTimeout = Self("RequestTimeout", 400)
    static let requestTimeTooSkewed = Self("RequestTimeTooSkewed", 403)
    static let encryptionConfigurationNotFound = Self("ServerSideEncryptionConfigurationNotFoundError", 404)
    static let serviceUnavailable = Self("ServiceUnavailable", 503)
    static let signatureDoesNotMatch = Self("SignatureDoesNotMatch", 403)
    static let slowDown = Self("SlowDown", 503)
    static let tooManyBuckets = Self("TooManyBuckets", 400)
    static let payloadHashMismatch = Self("XAmzContentSHA256Mismatch", 400)
}

// MARK: - Errors said in more than one place

extension S3Error {
    static func accessDenied(_ message: String = "Access Denied") -> S3Error { S3Error(.accessDenied, message) }

    static func notImplemented(_ what: String) -> S3Error {
        S3Error(.notImplemented, "A header or operation you provided implies functionality that is not implemented: \(what)")
    }

    static func invalidArgument(_ message: String, name: String, value: String) -> S3Error {
        S3Error(.invalidArgument, message).with("ArgumentName", name).with("ArgumentValue", value)
    }

    static func malformedXML(_ message: String? = nil) -> S3Error {
        S3Error(
            .malformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema" + (message.map { ": \($0)" } ?? "."))
    }

    static let missingContentLength = S3Error(.missingContentLength, "You must provide the Content-Length HTTP header.")

    static func tooLarge(_ proposed: UInt64, maximum: UInt64) -> S3Error {
        S3Error(.entityTooLarge, "Your proposed upload exceeds the maximum allowed size")
            .with("ProposedSize", "\(proposed)").with("MaxSizeAllowed", "\(maximum)")
    }
}
