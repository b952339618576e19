import HTTPTypes
import SkerryChunks
import SkerryHTTP
import SkerryObjects

// PutObject, and how the bytes of any upload reach the store.

extension S3Call {
    func putObject() async throws -> HTTPReply {
        let bucket = try bucket()
        try UnsupportedFields.check(fields)
        let key = try key()
        let conditions = try WriteConditions(fields)
        let decoded = try decodedBody()
        let checksums = try ChecksumFields(fields, trailers: decoded.announcedTrailers)
        let options = PutOptions(
            metadata: try ObjectMetadata(fields), conditions: conditions, length: decoded.length,
            checksum: checksums.algorithm ?? .crc64nvme, needsPayloadSHA256: decoded.expectedPayloadSHA256 != nil)
        // Everything that can refuse has spoken before the first byte is asked for: only that answers `Expect: 100-continue`.
        if !conditions.isEmpty { try await store.checkEarly(conditions, key, in: bucket) }
        let upload = try store.put(key, in: bucket, options)
        let version = try await receive(decoded, checksums, into: upload) { expectation throws(ObjectError) in
            try await upload.finish(expectation)
        }
        var fields = writtenFields(version)
        fields[.eTag] = ResponseFields.quoted(version.etag)
        if let checksum = version.checksum { ResponseFields.write(checksum, to: &fields) }
        return empty(.ok, fields)
    }

    /// Moves the body into an upload and finishes it with what the client promised. Any failure, cancellation too, aborts the upload.
    ///
    /// Back-pressure is that of `write`: the next piece is asked of the socket when the store has taken the last one.
    func receive<Result>(
        _ decoded: DecodedBody, _ promised: ChecksumFields, into upload: some UploadSink,
        finish: (PayloadExpectation) async throws(ObjectError) -> Result
    ) async throws -> Result {
        do {
            var received: UInt64 = 0
            while let piece = try await decoded.next() {
                received += UInt64(piece.count)
                guard received <= S3Limits.uploadMaximum else { throw S3Error.tooLarge(received, maximum: S3Limits.uploadMaximum) }
                try await upload.write(piece)
            }
            var checksums = promised
            try checksums.take(decoded.trailer)
            return try await finish(
                PayloadExpectation(
                    md5: checksums.md5, checksum: checksums.value, payloadSHA256: decoded.expectedPayloadSHA256.flatMap { Digest(bytes: $0) }))
        } catch {
            upload.abort()
            throw error
        }
    }
}

/// What takes the bytes of a body: an object's upload or a part's.
protocol UploadSink: AnyObject {
    /// Returns when there is room for the next piece.
    func write(_ piece: ArraySlice<UInt8>) async throws(ObjectError)
    /// Drops everything. Idempotent, and harmless after a `finish` that failed.
    func abort()
}

extension ObjectUpload: UploadSink {}
extension PartUpload: UploadSink {}
