import HTTPTypes
import SkerryHTTP
import SkerryObjects

// The one table from what fails below to what S3 says about it.

extension S3Error {
    /// The answer to any failure of a request.
    init(_ error: any Error) {
        switch error {
        case let error as S3Error: self = error
        case let error as ObjectError: self.init(error)
        case let error as SignatureError: self.init(error)
        case let error as DecodedBodyError: self.init(error)
        case let error as ChunkedBodyError: self.init(error)
        case let error as HTTPBodyError: self.init(error)
        case let error as RequestTargetError: self.init(error)
        case let error as XMLReader.Malformed: self = .malformedXML("\(error.reason) at byte \(error.offset)")
        case is CancellationError: self.init(.serviceUnavailable, "The request was cancelled.")
        default:
            self.init(.internalError, "We encountered an internal error. Please try again.")
            cause = error
        }
    }

    // MARK: The store

    init(_ error: ObjectError) {
        self.init(Code(error.code), error.message)
        switch error.code {
        case .preconditionFailed:
            message = "At least one of the pre-conditions you specified did not hold"
            if let condition = error.condition { details.append(Detail(name: "Condition", text: condition)) }
        case .notModified: if let version = error.version { fields = ResponseFields.validators(of: version) }
        case .deleteMarker: if let version = error.version { self = S3Error.deleteMarker(version) }
        case .slowDown, .shuttingDown: fields[.retryAfter] = "\(error.retryAfter ?? S3Limits.retryAfterDefault)"
        case .storage:
            // What the disk says is for the operator, not for the client.
            message = "We encountered an internal error. Please try again."
            cause = error
        case .rangeNotSatisfiable:
            guard let version = error.version else { break }
            details.append(Detail(name: "ActualObjectSize", text: "\(version.size)"))
            fields[.contentRange] = "bytes */\(version.size)"
        case .invalidArgument: if let condition = error.condition { details.append(Detail(name: "ArgumentName", text: condition)) }
        default: break
        }
    }

    /// A delete marker that was asked for by its version: it has no content, and the method is what does not fit.
    static func deleteMarker(_ version: ObjectVersion) -> S3Error {
        var error = S3Error(.methodNotAllowed, "The specified method is not allowed against this resource.")
        error.fields[.amzDeleteMarker] = "true"
        error.fields[.amzVersionID] = version.versionText
        error.fields[.lastModified] = S3Date.httpDate(milliseconds: version.modified)
        error.fields[.allow] = "DELETE"
        return error.with("Method", "GET").with("ResourceType", "DeleteMarker")
    }

    /// A delete marker that is the current version: the key reads as absent.
    static func deleted(_ version: ObjectVersion, isVersioned: Bool) -> S3Error {
        var error = S3Error(.noSuchKey, "The specified key does not exist.")
        error.fields[.amzDeleteMarker] = "true"
        if isVersioned { error.fields[.amzVersionID] = version.versionText }
        return error
    }

    // MARK: Signatures

    init(_ error: SignatureError) {
        switch error {
        case .severalMechanisms:
            self.init(
                .invalidArgument,
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header should be specified")
        case .signatureVersion2, .unsupportedAlgorithm:
            self.init(.invalidRequest, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
        case .unsupportedScheme(let scheme): self = .invalidArgument("Unsupported Authorization Type", name: "Authorization", value: scheme)
        case .authorizationHeaderMalformed(let malformed):
            self.init(.authorizationHeaderMalformed, "The authorization header is malformed; \(malformed.reason)")
            addRegion(of: malformed)
        case .authorizationQueryParameters(let malformed):
            self.init(.authorizationQueryParametersError, malformed.reason)
            addRegion(of: malformed)
        case .invalidAccessKeyID(let key):
            self.init(.invalidAccessKeyID, "The AWS Access Key Id you provided does not exist in our records.")
            details = [Detail(name: "AWSAccessKeyId", text: key)]
        case .invalidToken: self.init(.invalidToken, "The provided token is malformed or otherwise invalid.")
        case .missingDate: self = .accessDenied("AWS authentication requires a valid Date or x-amz-date header")
        case .requestTimeTooSkewed(let requestTime, let serverTime):
            self.init(.requestTimeTooSkewed, "The difference between the request time and the current time is too large.")
            details = [
                Detail(name: "RequestTime", text: requestTime.iso8601), Detail(name: "ServerTime", text: serverTime.iso8601),
                Detail(name: "MaxAllowedSkewMilliseconds", text: "\(SignatureVerifier.clockSkewMaximum * 1000)"),
            ]
        case .expired(let lifetime, let expiry, let serverTime):
            self = S3Error.accessDenied("Request has expired").with("X-Amz-Expires", "\(lifetime)").with("Expires", expiry.iso8601)
                .with("ServerTime", serverTime.iso8601)
        case .notYetValid(let start, let serverTime):
            self = S3Error.accessDenied("Request is not valid yet").with("X-Amz-Date", start.iso8601).with("ServerTime", serverTime.iso8601)
        case .headersNotSigned(let names):
            self = S3Error.accessDenied("There were headers present in the request which were not signed")
                .with("HeadersNotSigned", names.joined(separator: ", "))
        case .missingContentSHA256: self.init(.invalidRequest, "Missing required header for this request: x-amz-content-sha256")
        case .invalidContentSHA256(let value):
            self = .invalidArgument(
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
                    + "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
                name: "x-amz-content-sha256", value: value)
        case .unsupportedPayload(let value): self = .notImplemented("x-amz-content-sha256 \(value)")
        case .contentSHA256Mismatch(let client, let computed):
            self.init(.payloadHashMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
            details = [Detail(name: "ClientComputedContentSHA256", text: client), Detail(name: "S3ComputedContentSHA256", text: computed)]
        case .signatureDoesNotMatch(let mismatch): self.init(mismatch)
        }
    }

    private init(_ mismatch: SignatureError.Mismatch) {
        self.init(
            .signatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
        details = [
            Detail(name: "AWSAccessKeyId", text: mismatch.accessKey),
            Detail(name: "StringToSign", text: String(decoding: mismatch.stringToSign, as: UTF8.self)),
            Detail(name: "SignatureProvided", text: mismatch.signature),
        ]
        if !mismatch.canonicalRequest.isEmpty {
            details.append(Detail(name: "CanonicalRequest", text: String(decoding: mismatch.canonicalRequest, as: UTF8.self)))
        }
    }

    private mutating func addRegion(of malformed: SignatureError.Malformed) {
        guard let region = malformed.region else { return }
        details.append(Detail(name: "Region", text: region))
        fields[.amzBucketRegion] = region
    }

    // MARK: Bodies

    init(_ error: DecodedBodyError) {
        switch error {
        case .transport(let error): self.init(error)
        case .chunked(let error): self.init(error)
        }
    }

    init(_ error: HTTPBodyError) {
        switch error {
        case .truncated: self.init(.incompleteBody, "You did not provide the number of bytes specified by the Content-Length HTTP header.")
        case .timedOut:
            self.init(.requestTimeout, "Your socket connection to the server was not read from or written to within the timeout period.")
        case .malformed: self.init(.badRequest, "The transfer coding of the request body is malformed.")
        }
    }

    init(_ error: ChunkedBodyError) {
        switch error {
        case .missingDecodedLength: self = .missingContentLength
        case .invalidDecodedLength(let value):
            self = .invalidArgument(
                "x-amz-decoded-content-length is no number of bytes", name: "x-amz-decoded-content-length", value: value)
        case .unsupportedTrailer(let name):
            self.init(.invalidRequest, "The value specified in the x-amz-trailer header is not supported: \(name)")
        case .malformedChunkHead, .malformedChunkEnd, .truncated, .extraBytes:
            self.init(.incompleteBody, "The request body terminated unexpectedly or is not a sequence of chunks.")
            cause = error
        case .chunkTooLarge(let size):
            self.init(.invalidChunkSize, "A signed chunk is at most \(ChunkedBodyDecoder.signedChunkSizeMaximum) bytes.")
            details = [Detail(name: "BadChunkSize", text: "\(size)")]
        case .lengthMismatch(let declared, let received):
            self.init(.incompleteBody, "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header.")
            details = [Detail(name: "NumberBytesExpected", text: "\(declared)"), Detail(name: "NumberBytesProvided", text: "\(received)")]
        case .malformedTrailer(let reason):
            self.init(.malformedTrailer, "The request contained trailing data that was not well-formed: \(reason)")
        case .signature(let error): self.init(error)
        }
    }

    // MARK: Targets

    init(_ error: RequestTargetError) {
        switch error {
        case .missing, .notAPath, .invalidEscape: self.init(.invalidURI, "Couldn't parse the specified URI.")
        case .emptyBucketName, .invalidBucketName: self.init(.invalidBucketName, "The specified bucket is not valid.")
        }
    }
}

extension S3Error.Code {
    init(_ code: ObjectError.Code) {
        self =
            switch code {
            case .noSuchBucket: .noSuchBucket
            case .noSuchKey: .noSuchKey
            case .noSuchVersion: .noSuchVersion
            case .noSuchUpload: .noSuchUpload
            case .bucketAlreadyExists: .bucketAlreadyExists
            case .bucketAlreadyOwnedByYou: .bucketAlreadyOwnedByYou
            case .bucketNotEmpty: .bucketNotEmpty
            case .invalidBucketName: .invalidBucketName
            case .keyTooLong: .keyTooLong
            case .keyEmpty: .invalidURI
            case .metadataTooLarge: .metadataTooLarge
            case .deleteMarker: .methodNotAllowed
            case .preconditionFailed: .preconditionFailed
            case .notModified: .notModified
            case .conditionalConflict: .conditionalRequestConflict
            case .rangeNotSatisfiable: .invalidRange
            case .invalidPart, .noSuchPart: .invalidPart
            case .invalidPartOrder: .invalidPartOrder
            case .partTooSmall: .entityTooSmall
            case .tooManyParts, .invalidArgument: .invalidArgument
            case .entityTooLarge: .entityTooLarge
            case .badDigest: .badDigest
            case .payloadHashMismatch: .payloadHashMismatch
            case .incompleteBody: .incompleteBody
            case .noSuchUser, .noSuchAccessKey: .invalidAccessKeyID
            case .userAlreadyExists, .accessKeyAlreadyExists: .invalidRequest
            case .tooManyBuckets: .tooManyBuckets
            case .slowDown: .slowDown
            case .shuttingDown: .serviceUnavailable
            case .storage: .internalError
            }
    }
}
