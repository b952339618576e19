import HTTPTypes
import SkerryChunks
import SkerryHTTP
import SkerryObjects

// CopyObject, and what UploadPartCopy shares with it: a source.

extension S3Call {
    /// The version a copy names, once the caller was found to own its bucket and the source's conditions to hold.
    func copySource() async throws -> (version: ObjectVersion, bucket: Bucket, source: CopySource) {
        let source = try CopySource(fields[.amzCopySource] ?? "")
        let bucket = try bucket(named: source.bucket, expectedOwner: .amzSourceExpectedBucketOwner)
        do {
            let version = try await store.version(source.key, source.selector, in: bucket)
            try ReadConditions(ofCopySource: fields).check(version)
            return (version, bucket, source)
        } catch {
            throw copySourceError(error, source, in: bucket)
        }
    }

    /// A copy has no 304, and a delete marker cannot be copied.
    private func copySourceError(_ error: ObjectError, _ source: CopySource, in bucket: Bucket) -> S3Error {
        switch error.code {
        case .notModified: S3Error(ObjectError(.preconditionFailed, error.message, condition: error.condition))
        case .deleteMarker where source.selector != .current:
            S3Error(.invalidRequest, "The source of a copy request may not specifically refer to a delete marker by version id.")
        case .deleteMarker, .noSuchKey:
            S3Error(.noSuchKey, "The specified key does not exist.").with("Key", source.key.description)
        default: S3Error(error)
        }
    }

    func copyObject() async throws -> HTTPReply {
        let bucket = try bucket()
        try UnsupportedFields.check(fields)
        let key = try key()
        let conditions = try WriteConditions(fields)
        let replaces = try directive(.amzMetadataDirective, "Unknown metadata directive.")
        _ = try directive(.amzTaggingDirective, "Unknown tagging directive.")
        let algorithm = try fields.trimmed(.amzChecksumAlgorithm).map { name throws(S3Error) in
            try ChecksumFields.algorithm(named: name, header: "x-amz-checksum-algorithm")
        }
        let (source, sourceBucket, name) = try await copySource()
        let isItself = sourceBucket.id == bucket.id && source.key == key && name.selector == .current
        let changesNothing = !replaces && algorithm == nil && fields[.amzWebsiteRedirectLocation] == nil
        if isItself, changesNothing {
            throw S3Error(
                .invalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
            )
        }
        guard source.size <= S3Limits.copyMaximum else {
            throw S3Error(
                .invalidRequest, "The specified copy source is larger than the maximum allowable size for a copy source: \(S3Limits.copyMaximum)")
        }
        let metadata = try copiedMetadata(of: source, replaces: replaces)
        let version = try await store.copy(
            source, to: key, in: bucket, CopyOptions(metadata: metadata, conditions: conditions, checksum: algorithm))
        var fields = writtenFields(version)
        if showsVersions(sourceBucket) { fields[.amzCopySourceVersionID] = source.versionText }
        var xml = XMLWriter(capacity: 512)
        xml.openRoot("CopyObjectResult")
        xml.element("LastModified", date: version.modified)
        xml.element("ETag", quoted: version.etag.description)
        if let checksum = version.checksum { xml.checksum(checksum) }
        xml.close("CopyObjectResult")
        return document(xml, fields)
    }

    /// Whether a directive says `REPLACE`; `COPY` when it was not sent.
    private func directive(_ name: HTTPField.Name, _ message: String) throws(S3Error) -> Bool {
        switch fields.trimmed(name)?.uppercased() {
        case nil, "COPY": return false
        case "REPLACE": return true
        case let value?: throw .invalidArgument(message, name: name.canonicalName, value: value)
        }
    }

    /// The copy's metadata, nil for the source's own. A website redirect belongs to the object it was given to and is not copied.
    private func copiedMetadata(of source: ObjectVersion, replaces: Bool) throws(S3Error) -> ObjectMetadata? {
        if replaces { return try ObjectMetadata(fields) }
        let redirect = "x-amz-website-redirect-location"
        let given = fields[.amzWebsiteRedirectLocation]
        guard given != nil || source.metadata.headers.contains(where: { $0.name == redirect }) else { return nil }
        var metadata = source.metadata
        metadata.headers.removeAll { $0.name == redirect }
        if let given { metadata.headers.append(.init(name: redirect, value: given)) }
        return metadata
    }
}

extension XMLWriter {
    /// `ChecksumCRC32` and its like with `ChecksumType` behind it.
    mutating func checksum(_ checksum: ObjectChecksum) {
        checksumElement(checksum.value.algorithm, checksum.text)
        element("ChecksumType", checksum.kind.name)
    }

    mutating func checksumElement(_ algorithm: ChecksumAlgorithm, _ text: String) {
        switch algorithm {
        case .crc32: element("ChecksumCRC32", text)
        case .crc32c: element("ChecksumCRC32C", text)
        case .crc64nvme: element("ChecksumCRC64NVME", text)
        case .sha1: element("ChecksumSHA1", text)
        case .sha256: element("ChecksumSHA256", text)
        }
    }
}
