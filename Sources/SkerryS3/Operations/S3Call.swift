import HTTPTypes
import SkerryChunks
import SkerryHTTP
import SkerryObjects

/// One request whose signature was verified, on its way through an operation.
///
/// Operations are its extensions, one file each for what belongs together. They throw whatever the store, the body or a parser throws;
/// `S3Error+Mapping.swift` is the one place that makes an answer of it.
struct S3Call: Sendable {
    let store: ObjectStore
    let configuration: S3Configuration
    let request: HTTPRequest
    let target: RequestTarget
    let authentication: Authentication
    /// nil when nobody signed.
    let caller: User?
    let body: any HTTPRequestBody
    let context: HTTPRequestContext

    var fields: HTTPFields { request.headerFields }
    var query: QueryItems { target.query }
}

// MARK: - What the target names, and whether the caller may

extension S3Call {
    /// The bucket of the target, once the caller was found to be its owner or root.
    ///
    /// - Throws: `NoSuchBucket` before `AccessDenied`, as S3 does; `AccessDenied` names the bucket's region, which clients look for.
    func bucket() throws(S3Error) -> Bucket {
        try bucket(named: target.bucket ?? "", expectedOwner: .amzExpectedBucketOwner)
    }

    /// A bucket by name; a copy asks for its source this way too.
    ///
    /// - Parameter expectedOwner: The field that may name the owner the caller believes in.
    func bucket(named name: String, expectedOwner: HTTPField.Name) throws(S3Error) -> Bucket {
        let bucket: Bucket
        do {
            bucket = try store.bucket(named: name)
        } catch {
            throw S3Error(error).with("BucketName", name)
        }
        let isExpected = fields.trimmed(expectedOwner).map { $0 == bucket.owner } ?? true
        guard let caller, caller.isRoot || caller.id == bucket.owner, isExpected else {
            var error = S3Error.accessDenied()
            error.fields[.amzBucketRegion] = bucket.region
            throw error
        }
        return bucket
    }

    /// The user of the call, for operations of the service.
    func signedCaller() throws(S3Error) -> User {
        guard let caller else { throw .accessDenied() }
        return caller
    }

    /// The key of the target.
    func key() throws(ObjectError) -> ObjectKey { try ObjectKey(target.key) }

    /// The version the query names, the current one when it names none.
    func selector() throws(S3Error) -> VersionSelector {
        guard let text = query.text("versionId") else { return .current }
        return try VersionSelector(s3: text)
    }

    /// The upload the query names.
    ///
    /// - Throws: `NoSuchUpload` for an ID that was never given out.
    func uploadID() throws(S3Error) -> UploadID {
        guard let id = UploadID(query.text("uploadId") ?? "") else {
            throw S3Error(
                .noSuchUpload,
                "The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload might have been aborted or completed."
            )
        }
        return id
    }

    /// The part number the query names, nil when it names none.
    func partNumber() throws(S3Error) -> Int? {
        guard let text = query.text("partNumber") else { return nil }
        guard let number = Int(text), (1...S3Limits.partNumberMaximum).contains(number) else {
            throw .invalidArgument(
                "Part number must be an integer between 1 and \(S3Limits.partNumberMaximum), inclusive", name: "partNumber", value: text)
        }
        return number
    }

    /// A count in the query, such as `max-keys`: capped at `maximum`, which is also the default where `absent` gives no other.
    func count(_ name: String, maximum: Int, absent: Int? = nil) throws(S3Error) -> Int {
        guard let text = query.text(name), !text.isEmpty else { return absent ?? maximum }
        guard let count = Int(text), count >= 0, count <= Int(Int32.max) else {
            throw .invalidArgument("Provided \(name) not an integer or within integer range", name: name, value: text)
        }
        return min(count, maximum)
    }

    func user(_ id: String) -> (id: String, displayName: String) { (id, store.user(id)?.displayName ?? id) }

    /// Whether answers name versions: the bucket keeps them or did.
    func showsVersions(_ bucket: Bucket) -> Bool { bucket.versioning != .unversioned }
}

// MARK: - Answers

extension S3Call {
    /// 200 with a document.
    func document(_ xml: XMLWriter, _ fields: HTTPFields = HTTPFields()) -> HTTPReply {
        var fields = fields
        fields[.contentType] = "application/xml"
        return HTTPReply(HTTPResponse(status: .ok, headerFields: fields), .bytes(xml.bytes))
    }

    /// A status without a body.
    func empty(_ status: HTTPResponse.Status = .ok, _ fields: HTTPFields = HTTPFields()) -> HTTPReply {
        HTTPReply(HTTPResponse(status: status, headerFields: fields))
    }
}

// MARK: - Request documents

extension S3Call {
    /// The decoded body; its framing and length were found acceptable, nothing was read yet.
    ///
    /// - Throws: `MissingContentLength` when the client says neither how long the body is nor that it comes in chunks; `EntityTooLarge`.
    func decodedBody() throws -> DecodedBody {
        if fields[.contentLength] == nil, body.length == 0, fields[.transferEncoding] == nil { throw S3Error.missingContentLength }
        let decoded = try DecodedBody(body, of: request, authentication: authentication)
        if let length = decoded.length, length > S3Limits.uploadMaximum { throw S3Error.tooLarge(length, maximum: S3Limits.uploadMaximum) }
        return decoded
    }

    /// The whole body of a request that brings a document, at most ``S3Limits/documentMaximum`` bytes, its digests verified.
    ///
    /// - Parameters:
    ///   - isChecksumRequired: Whether Content-MD5 or a checksum must come along.
    ///   - checksumIsOfBody: false where `x-amz-checksum-*` speaks of an object (CompleteMultipartUpload).
    func requestDocument(isChecksumRequired: Bool = false, checksumIsOfBody: Bool = true) async throws -> [UInt8] {
        let decoded = try DecodedBody(body, of: request, authentication: authentication)
        var checksums =
            checksumIsOfBody ? try ChecksumFields(fields, trailers: decoded.announcedTrailers) : try ChecksumFields(md5Of: fields)
        if isChecksumRequired, checksums.md5 == nil, checksums.value == nil, decoded.announcedTrailers.isEmpty {
            throw S3Error(.invalidRequest, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
        }
        if let length = decoded.length, length > UInt64(S3Limits.documentMaximum) { throw documentTooLarge }
        var bytes: [UInt8] = []
        while let piece = try await decoded.next() {
            guard bytes.count + piece.count <= S3Limits.documentMaximum else { throw documentTooLarge }
            bytes += piece
        }
        if checksumIsOfBody { try checksums.take(decoded.trailer) }
        try verify(bytes, checksums, payload: decoded.expectedPayloadSHA256)
        return bytes
    }

    private var documentTooLarge: S3Error {
        S3Error(.maxMessageLengthExceeded, "Your request was too large.").with("MaxMessageLengthBytes", "\(S3Limits.documentMaximum)")
    }

    private func verify(_ bytes: [UInt8], _ checksums: ChecksumFields, payload: [UInt8]?) throws {
        if let payload, let expected = Digest(bytes: payload) {
            let computed = Digest(of: bytes)
            guard computed == expected else {
                throw SignatureError.contentSHA256Mismatch(client: expected.description, computed: computed.description)
            }
        }
        if let md5 = checksums.md5, MD5Digest(of: bytes) != md5 {
            throw S3Error(.badDigest, "The Content-MD5 you specified did not match what we received.")
        }
        if let value = checksums.value, ChecksumValue(value.algorithm, of: bytes) != value {
            throw ChecksumFields.badDigest(value.algorithm)
        }
    }
}
