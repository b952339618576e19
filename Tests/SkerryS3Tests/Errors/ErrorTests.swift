import HTTPTypes
import SkerryHTTP
import SkerryObjects
import SkerryStorage
import Testing

@testable import SkerryS3

@Suite("Errors in S3's words") struct ErrorTests {
    @Test(arguments: [
        (ObjectError.Code.noSuchBucket, 404, "NoSuchBucket"), (.noSuchKey, 404, "NoSuchKey"), (.noSuchVersion, 404, "NoSuchVersion"),
        (.noSuchUpload, 404, "NoSuchUpload"), (.bucketAlreadyExists, 409, "BucketAlreadyExists"),
        (.bucketAlreadyOwnedByYou, 409, "BucketAlreadyOwnedByYou"), (.bucketNotEmpty, 409, "BucketNotEmpty"),
        (.invalidBucketName, 400, "InvalidBucketName"), (.keyTooLong, 400, "KeyTooLongError"), (.metadataTooLarge, 400, "MetadataTooLarge"),
        (.preconditionFailed, 412, "PreconditionFailed"), (.notModified, 304, "NotModified"),
        (.conditionalConflict, 409, "ConditionalRequestConflict"),
        (.rangeNotSatisfiable, 416, "InvalidRange"), (.invalidPart, 400, "InvalidPart"), (.invalidPartOrder, 400, "InvalidPartOrder"),
        (.partTooSmall, 400, "EntityTooSmall"), (.entityTooLarge, 400, "EntityTooLarge"), (.badDigest, 400, "BadDigest"),
        (.payloadHashMismatch, 400, "XAmzContentSHA256Mismatch"), (.incompleteBody, 400, "IncompleteBody"), (.slowDown, 503, "SlowDown"),
        (.shuttingDown, 503, "ServiceUnavailable"), (.storage, 500, "InternalError"), (.tooManyBuckets, 400, "TooManyBuckets"),
        (.deleteMarker, 405, "MethodNotAllowed"),
    ])
    func `each code of the store has its code and status`(_ code: ObjectError.Code, _ status: Int, _ name: String) {
        let error = S3Error(ObjectError(code, "m"))
        #expect(error.code == S3Error.Code(name, status))
    }

    @Test func `what the disk says stays in the log`() {
        let cause = StorageError(.corrupt, "pack 7 is broken", path: "/secret/place")
        let error = S3Error(ObjectError(cause))
        let reply = error.reply(at: .init(resource: Array("/b/k".utf8), requestID: "ID", hostID: "HOST", isHead: false))
        guard case .bytes(let bytes) = reply.body else { return #expect(Bool(false), "no document") }
        #expect(!String(decoding: bytes, as: UTF8.self).contains("pack"))
        #expect(error.cause != nil)
    }

    @Test func `a full house says when to come back`() {
        var error = ObjectError(.slowDown, "full")
        #expect(S3Error(error).fields[.retryAfter] == "\(S3Limits.retryAfterDefault)")
        error.retryAfter = 7
        #expect(S3Error(error).fields[.retryAfter] == "7")
    }

    @Test func `every failure of a body and a signature has an answer of its own kind`() {
        let answers: [(any Error, S3Error.Code)] = [
            (HTTPBodyError.truncated, .incompleteBody), (HTTPBodyError.timedOut, .requestTimeout), (HTTPBodyError.malformed, .badRequest),
            (DecodedBodyError.transport(.truncated), .incompleteBody), (DecodedBodyError.chunked(.truncated), .incompleteBody),
            (ChunkedBodyError.missingDecodedLength, .missingContentLength), (ChunkedBodyError.invalidDecodedLength("x"), .invalidArgument),
            (ChunkedBodyError.unsupportedTrailer("x"), .invalidRequest), (ChunkedBodyError.chunkTooLarge(size: 1), .invalidChunkSize),
            (ChunkedBodyError.lengthMismatch(declared: 1, received: 2), .incompleteBody),
            (ChunkedBodyError.malformedTrailer("x"), .malformedTrailer),
            (ChunkedBodyError.signature(.missingDate), .accessDenied), (RequestTargetError.missing, .invalidURI),
            (RequestTargetError.invalidBucketName, .invalidBucketName), (SignatureError.severalMechanisms, .invalidArgument),
            (SignatureError.signatureVersion2, .invalidRequest), (SignatureError.invalidToken, .invalidToken),
            (SignatureError.headersNotSigned(["a"]), .accessDenied), (SignatureError.missingContentSHA256, .invalidRequest),
            (SignatureError.invalidContentSHA256("x"), .invalidArgument), (SignatureError.unsupportedPayload("x"), .notImplemented),
            (SignatureError.contentSHA256Mismatch(client: "a", computed: "b"), .payloadHashMismatch),
            (SignatureError.requestTimeTooSkewed(requestTime: AmzDate(seconds: 0), serverTime: AmzDate(seconds: 9)), .requestTimeTooSkewed),
            (SignatureError.expired(lifetime: 1, expiry: AmzDate(seconds: 0), serverTime: AmzDate(seconds: 9)), .accessDenied),
            (XMLReader.Malformed(reason: "r", offset: 1), .malformedXML), (CancellationError(), .serviceUnavailable),
            (StorageError(.failed, "x"), .internalError),
        ]
        for (error, code) in answers { #expect(S3Error(error).code == code, "\(error)") }
    }

    @Test func `HEAD and 304 have no body`() {
        let place = S3Error.Place(resource: [], requestID: "", hostID: "", isHead: true)
        if case .none = S3Error.accessDenied().reply(at: place).body {} else { Issue.record("HEAD has a body") }
        let get = S3Error.Place(resource: [], requestID: "", hostID: "", isHead: false)
        if case .none = S3Error(ObjectError(.notModified, "")).reply(at: get).body {} else { Issue.record("304 has a body") }
    }
}
