/// Why a request is not who it says it is.
///
/// One case for each answer of S3; the code and status it has there stand at the case. Nothing here holds a secret or a valid signature
/// other than those the client sent.
public enum SignatureError: Error, Sendable, Equatable {
    /// A credential in the header and in the query. `InvalidArgument`, 400.
    case severalMechanisms
    /// Signature Version 2. `InvalidRequest`, 400: "The authorization mechanism you have provided is not supported. Please use
    /// AWS4-HMAC-SHA256."
    case signatureVersion2
    /// A scheme of `Authorization` that is none of AWS's. `InvalidArgument`, 400: "Unsupported Authorization Type".
    case unsupportedScheme(String)
    /// An AWS algorithm other than `AWS4-HMAC-SHA256`. `InvalidRequest`, 400, as for Signature Version 2.
    case unsupportedAlgorithm(String)
    /// The header breaks its grammar or its scope is not ours. `AuthorizationHeaderMalformed`, 400; ``Malformed/region`` becomes `Region`.
    case authorizationHeaderMalformed(Malformed)
    /// The same for a presigned request. `AuthorizationQueryParametersError`, 400.
    case authorizationQueryParameters(Malformed)
    /// No such access key. `InvalidAccessKeyId`, 403, with `AWSAccessKeyId`.
    case invalidAccessKeyID(String)
    /// A session token, which no key here has. `InvalidToken`, 400.
    case invalidToken
    /// Neither a readable `x-amz-date` nor a readable `Date`. `AccessDenied`, 403: "AWS authentication requires a valid Date or x-amz-date
    /// header".
    case missingDate
    /// More than 15 minutes from our clock. `RequestTimeTooSkewed`, 403, with `RequestTime`, `ServerTime`, `MaxAllowedSkewMilliseconds`.
    case requestTimeTooSkewed(requestTime: AmzDate, serverTime: AmzDate)
    /// A presigned URL past its time. `AccessDenied`, 403: "Request has expired", with `X-Amz-Expires` (`lifetime`, seconds), `Expires`,
    /// `ServerTime`.
    case expired(lifetime: Int64, expiry: AmzDate, serverTime: AmzDate)
    /// A presigned URL from the future. `AccessDenied`, 403: "Request is not valid yet", with `X-Amz-Date`, `ServerTime`.
    case notYetValid(start: AmzDate, serverTime: AmzDate)
    /// `host` or headers `x-amz-*` stand in the request without being signed. `AccessDenied`, 403: "There were headers present in the request
    /// which were not signed", with `HeadersNotSigned` (names joined by ", ").
    case headersNotSigned([String])
    /// `x-amz-content-sha256` is not there. `InvalidRequest`, 400: "Missing required header for this request: x-amz-content-sha256".
    case missingContentSHA256
    /// `x-amz-content-sha256` is no known value. `InvalidArgument`, 400, with `ArgumentName` and `ArgumentValue`.
    case invalidContentSHA256(String)
    /// A streaming form that is not offered (SigV4A). `NotImplemented`, 501.
    case unsupportedPayload(String)
    /// The body is not the one that was signed. `XAmzContentSHA256Mismatch`, 400, with `ClientComputedContentSHA256` and
    /// `S3ComputedContentSHA256` (hexadecimal). Thrown by whoever hashed the body.
    case contentSHA256Mismatch(client: String, computed: String)
    /// The signature is another than ours. `SignatureDoesNotMatch`, 403.
    case signatureDoesNotMatch(Mismatch)

    /// What is wrong with a credential's form.
    public struct Malformed: Sendable, Equatable {
        /// A sentence in S3's words, without the "The authorization header is malformed; " or similar before it.
        public var reason: String
        /// The region to use, when the client used another.
        public var region: String?

        init(_ reason: String, region: String? = nil) {
            self.reason = reason
            self.region = region
        }
    }

    /// What a client needs to find its mistake; all of it is made from what the client sent.
    public struct Mismatch: Sendable, Equatable {
        /// `AWSAccessKeyId`.
        public var accessKey: String
        /// `SignatureProvided`.
        public var signature: String
        /// `StringToSign`; also given as `StringToSignBytes`. Bytes, for a header may hold any.
        public var stringToSign: [UInt8]
        /// `CanonicalRequest`; also given as `CanonicalRequestBytes`. Empty for a chunk.
        public var canonicalRequest: [UInt8]
    }
}
