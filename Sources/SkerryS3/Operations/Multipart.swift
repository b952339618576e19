import HTTPTypes
import SkerryChunks
import SkerryHTTP
import SkerryObjects

// Multipart uploads: begin, parts, complete, abort, list parts.

extension S3Call {
    func createMultipartUpload() async throws -> HTTPReply {
        let bucket = try bucket()
        try UnsupportedFields.check(fields)
        let key = try key()
        let algorithm = try fields.trimmed(.amzChecksumAlgorithm).map { name throws(S3Error) in
            try ChecksumFields.algorithm(named: name, header: "x-amz-checksum-algorithm")
        }
        let kind = try ChecksumType(fields)
        if let kind {
            guard let algorithm else {
                throw S3Error(.invalidRequest, "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
            }
            try kind.check(with: algorithm)
        }
        let upload = try await store.createUpload(
            key, in: bucket, metadata: try ObjectMetadata(fields), checksum: algorithm, kind: kind, initiator: try signedCaller())
        var fields = HTTPFields()
        if upload.checksumNamed {
            fields[.amzChecksumAlgorithm] = upload.checksum.name
            fields[.amzChecksumType] = upload.checksumKind.name
        }
        var xml = XMLWriter(capacity: 512)
        xml.openRoot("InitiateMultipartUploadResult")
        xml.element("Bucket", bucket.name)
        xml.element("Key", bytes: key.bytes)
        xml.element("UploadId", upload.id.description)
        xml.close("InitiateMultipartUploadResult")
        return document(xml, fields)
    }

    // MARK: Parts

    func uploadPart() async throws -> HTTPReply {
        let bucket = try bucket()
        try UnsupportedFields.check(fields)
        let key = try key()
        let (id, number) = try numberedPart()
        let decoded = try decodedBody()
        let checksums = try ChecksumFields(fields, trailers: decoded.announcedTrailers)
        let upload = try await store.upload(id, key, in: bucket)
        try checkAlgorithm(checksums.algorithm, of: upload)
        let part = try store.putPart(
            number, of: upload, in: bucket, length: decoded.length, checksum: checksums.algorithm,
            needsPayloadSHA256: decoded.expectedPayloadSHA256 != nil)
        let stored = try await receive(decoded, checksums, into: part) { expectation throws(ObjectError) in try await part.finish(expectation) }
        var fields = HTTPFields()
        fields[.eTag] = ResponseFields.quoted(stored.etag)
        if let checksum = stored.checksum { fields[checksum.algorithm.fieldName] = checksum.base64 }
        return empty(.ok, fields)
    }

    /// The checksum of an upload is made of those of its parts, so they must be of its algorithm where the client named one.
    private func checkAlgorithm(_ algorithm: ChecksumAlgorithm?, of upload: MultipartUpload) throws(S3Error) {
        guard upload.checksumNamed, let algorithm, algorithm != upload.checksum else { return }
        throw S3Error(
            .invalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: \(upload.checksum.name.lowercased()), actual checksum Type: \(algorithm.name.lowercased())")
    }

    func uploadPartCopy() async throws -> HTTPReply {
        let bucket = try bucket()
        try UnsupportedFields.check(fields)
        let key = try key()
        let (id, number) = try numberedPart()
        let upload = try await store.upload(id, key, in: bucket)
        let (source, sourceBucket, _) = try await copySource()
        let range = try fields.trimmed(.amzCopySourceRange).map { text throws(S3Error) in try ByteRange.copySource(text, size: source.size) }
        let bytes = range.map { $0.upperBound - $0.lowerBound } ?? source.size
        guard bytes <= S3Limits.uploadMaximum else { throw S3Error.tooLarge(bytes, maximum: S3Limits.uploadMaximum) }
        let part = try await store.copyPart(number, of: upload, in: bucket, from: source, range: range)
        var xml = XMLWriter(capacity: 512)
        xml.openRoot("CopyPartResult")
        xml.element("LastModified", date: part.modified)
        xml.element("ETag", quoted: part.etag.description)
        if let checksum = part.checksum { xml.checksumElement(checksum.algorithm, checksum.base64) }
        xml.close("CopyPartResult")
        return document(xml, showsVersions(sourceBucket) ? [.amzCopySourceVersionID: source.versionText] : [:])
    }

    private func numberedPart() throws(S3Error) -> (id: UploadID, number: Int) {
        guard query.contains("uploadId") else {
            throw .invalidArgument("This operation does not accept a part number without an upload ID", name: "uploadId", value: "")
        }
        guard let number = try partNumber() else {
            throw .invalidArgument(
                "Part number must be an integer between 1 and \(S3Limits.partNumberMaximum), inclusive", name: "partNumber", value: "")
        }
        return (try uploadID(), number)
    }

    // MARK: The end of an upload

    func completeMultipartUpload() async throws -> HTTPReply {
        let bucket = try bucket()
        try UnsupportedFields.check(fields)
        let key = try key()
        let id = try uploadID()
        let conditions = try WriteConditions(fields)
        let kind = try ChecksumType(fields)
        let size = try objectSize()
        let completion = try Completion(try await requestDocument(checksumIsOfBody: false))
        let checksum = try completedChecksum(parts: completion.parts.count)
        let version: ObjectVersion
        do {
            version = try await store.complete(
                id, key, in: bucket, parts: completion.parts, checksum: checksum, kind: kind, size: size, conditions: conditions)
        } catch {
            // A header that contradicts the parts is what S3 calls an invalid request.
            throw error.code == .invalidArgument ? S3Error(.invalidRequest, error.message) : S3Error(error)
        }
        var xml = XMLWriter(capacity: 512)
        xml.openRoot("CompleteMultipartUploadResult")
        xml.element("Location", bytes: location)
        xml.element("Bucket", bucket.name)
        xml.element("Key", bytes: key.bytes)
        xml.element("ETag", quoted: version.etag.description)
        if let checksum = version.checksum { xml.checksum(checksum) }
        xml.close("CompleteMultipartUploadResult")
        return document(xml, writtenFields(version))
    }

    /// `x-amz-mp-object-size`.
    private func objectSize() throws(S3Error) -> UInt64? {
        guard let text = fields.trimmed(.amzObjectSize) else { return nil }
        guard let size = UInt64(text) else { throw .invalidArgument("Invalid object size", name: "x-amz-mp-object-size", value: text) }
        return size
    }

    /// The checksum the client has of the object: base64, with `-` and the number of parts behind a composite one.
    private func completedChecksum(parts: Int) throws(S3Error) -> ChecksumValue? {
        let texts = try ChecksumFields.texts(fields)
        guard let (algorithm, text) = texts.first else { return nil }
        guard texts.count == 1 else {
            throw S3Error(.invalidRequest, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
        }
        let pieces = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let digits = pieces.first, let value = ChecksumValue(algorithm, base64: digits),
            pieces.count == 1 || Int(pieces[1]) == parts
        else { throw ChecksumFields.badDigest(algorithm) }
        return value
    }

    /// The URL of the object, as the client reached it.
    private var location: [UInt8] {
        var url = Array((context.isSecure ? "https://" : "http://").utf8)
        url += Array((request.hostField?.value ?? "").utf8)
        if target.addressing == .path { url += Array("/\(target.bucket ?? "")".utf8) }
        url.append(UInt8(ascii: "/"))
        url.appendPercentEncoded(target.key, keepingSlash: true)
        return url
    }

    func abortMultipartUpload() async throws -> HTTPReply {
        let bucket = try bucket()
        if fields[.amzIfMatchInitiatedTime] != nil { throw S3Error.notImplemented("x-amz-if-match-initiated-time") }
        try await store.abort(try uploadID(), try key(), in: bucket)
        return empty(.noContent)
    }

    func listParts() async throws -> HTTPReply {
        let bucket = try bucket()
        let key = try key()
        let limit = try count("max-parts", maximum: S3Limits.partsPerPage)
        let marker = try count("part-number-marker", maximum: .max, absent: 0)
        let page = try await store.listParts(try uploadID(), key, in: bucket, after: marker, limit: limit)
        var xml = XMLWriter(capacity: 1024 + page.parts.count * 256)
        xml.openRoot("ListPartsResult")
        xml.element("Bucket", bucket.name)
        xml.element("Key", bytes: key.bytes)
        xml.element("UploadId", page.upload.id.description)
        xml.people(of: page.upload, user(page.upload.initiator))
        xml.element("PartNumberMarker", marker)
        if page.isTruncated { xml.element("NextPartNumberMarker", page.nextMarker) }
        xml.element("MaxParts", limit)
        xml.element("IsTruncated", page.isTruncated)
        if page.upload.checksumNamed {
            xml.element("ChecksumAlgorithm", page.upload.checksum.name)
            xml.element("ChecksumType", page.upload.checksumKind.name)
        }
        for part in page.parts {
            xml.open("Part")
            xml.element("PartNumber", part.number)
            xml.element("LastModified", date: part.modified)
            xml.element("ETag", quoted: part.etag.description)
            xml.element("Size", part.size)
            if let checksum = part.checksum { xml.checksumElement(checksum.algorithm, checksum.base64) }
            xml.close("Part")
        }
        xml.close("ListPartsResult")
        return document(xml)
    }
}

/// The document `CompleteMultipartUpload`.
struct Completion {
    private(set) var parts: [CompletedPart] = []

    init(_ bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { throw S3Error.malformedXML() }
        var parts: [CompletedPart] = []
        var reader = try XMLReader(bytes)
        try reader.root("CompleteMultipartUpload")
        try reader.children { reader, name in
            guard name == "Part" else { return try reader.skip() }
            let part = try Completion.part(&reader)
            // A client that sent a part twice may name it twice; the later one is the one it means.
            if parts.last?.number == part.number { parts.removeLast() }
            guard parts.count < S3Limits.partNumberMaximum else { throw S3Error.malformedXML("at most \(S3Limits.partNumberMaximum) parts") }
            parts.append(part)
        }
        try reader.finish()
        guard !parts.isEmpty else { throw S3Error.malformedXML("You must specify at least one part") }
        self.parts = parts
    }

    private static func part(_ reader: inout XMLReader) throws -> CompletedPart {
        var number: Int?
        var etag: String?
        var checksum: ChecksumValue?
        try reader.children { reader, name in
            switch name {
            case "PartNumber": number = Int(try reader.text())
            case "ETag": etag = ETagPattern.bare(try reader.text())
            default:
                guard name.hasPrefix("Checksum"), let algorithm = ChecksumAlgorithm(name: name.dropFirst("Checksum".count)) else {
                    return try reader.skip()
                }
                guard let value = ChecksumValue(algorithm, base64: try reader.text()) else { throw ChecksumFields.badDigest(algorithm) }
                checksum = value
            }
        }
        guard let number, let etag else { throw S3Error.malformedXML("a part has a PartNumber and an ETag") }
        guard (1...S3Limits.partNumberMaximum).contains(number) else {
            throw S3Error.invalidArgument(
                "PartNumber must be between 1 and \(S3Limits.partNumberMaximum)", name: "PartNumber", value: "\(number)")
        }
        return CompletedPart(number: number, etag: etag, checksum: checksum)
    }
}
