public import SkerryChunks
import SkerryCRDT
import SkerryStorage

extension ObjectStore {
    /// Begins a multipart upload.
    ///
    /// - Parameters:
    ///   - checksum: What the client asked for; nil: CRC64NVME.
    ///   - kind: nil: full object for CRC64NVME, composite for the others, as S3 has it.
    /// - Throws: `invalidArgument` when the algorithm cannot be of that kind.
    public func createUpload(
        _ key: ObjectKey, in bucket: Bucket, metadata: ObjectMetadata, checksum: ChecksumAlgorithm?, kind: ChecksumType?,
        initiator: User
    ) async throws(ObjectError) -> MultipartUpload {
        let algorithm = checksum ?? .crc64nvme
        let kind = kind ?? (algorithm == .crc64nvme ? .fullObject : .composite)
        guard kind == .fullObject ? algorithm.allowsFullObject : algorithm.allowsComposite else {
            throw ObjectError(
                .invalidArgument, "The \(kind == .fullObject ? "FULL_OBJECT" : "COMPOSITE") checksum type cannot be used with \(algorithm)."
            )
        }
        let store = self
        return try await committer.commit(.key(bucket.id, key)) { context throws(ObjectError) in
            let bucket = try store.present(bucket)
            let upload = MultipartUpload(
                id: context.stamp(), bucket: bucket.id, key: key, initiator: initiator.id, metadata: metadata, checksum: algorithm,
                checksumKind: kind, checksumNamed: checksum != nil)
            context.append(LogRecord(kind: .upload, fields: UploadRecord(tenant: bucket.tenant, upload: upload).fields))
            return upload
        }
    }

    /// The upload, when it is under way.
    public func upload(_ id: UploadID, _ key: ObjectKey, in bucket: Bucket) async throws(ObjectError) -> MultipartUpload {
        let metadata = metadata
        let row = try await onDisk { () throws(StorageError) in try metadata.get(.uploads, IndexKey.upload(bucket.id, key, id)) }
        guard let row else { throw ObjectStore.noSuchUpload }
        return try engine { () throws(StorageError) in try UploadRecord(fields: try LocatedRow.parse(row[...]).fields).upload }
    }

    /// Begins a part.
    ///
    /// - Parameter checksum: An algorithm the client sends a value of, besides the upload's own.
    public func putPart(
        _ number: Int, of upload: MultipartUpload, in bucket: Bucket, length: UInt64?, checksum: ChecksumAlgorithm?,
        needsPayloadSHA256: Bool
    ) throws(ObjectError) -> PartUpload {
        try ObjectStore.checkPartNumber(number)
        var checksums: Set<ChecksumAlgorithm> = [upload.checksum]
        if let checksum { checksums.insert(checksum) }
        let writer = try bodyWriter(
            tenant: bucket.tenant, announced: length, checksums: checksums, sha256: needsPayloadSHA256, needsManifests: true)
        return PartUpload(store: self, bucket: bucket, upload: upload, number: number, writer: writer)
    }

    /// Drops the upload and its parts.
    public func abort(_ id: UploadID, _ key: ObjectKey, in bucket: Bucket) async throws(ObjectError) {
        try await committer.commit(.everything) { context throws(ObjectError) in
            let row = try engine { () throws(StorageError) in
                try context.metadata.get(.uploads, IndexKey.upload(bucket.id, key, id))
            }
            guard row != nil else { throw ObjectStore.noSuchUpload }
            context.appendEnd(of: id, key, in: bucket.id, completion: nil)
        }
    }

    /// A page of the parts that were uploaded so far.
    ///
    /// - Parameter after: A part number.
    public func listParts(
        _ id: UploadID, _ key: ObjectKey, in bucket: Bucket, after: Int, limit: Int
    ) async throws(ObjectError) -> PartPage {
        let upload = try await upload(id, key, in: bucket)
        let metadata = metadata
        return try await onDisk { () throws(StorageError) in
            var page = PartPage(upload: upload, parts: [], isTruncated: false, nextMarker: after)
            guard limit > 0, after < MultipartUpload.partNumberMaximum else { return page }
            let range = KeyRange(lower: IndexKey.part(id, max(0, after) + 1), upper: IndexKey.parts(of: id).upper)
            try metadata.scan(.uploads, range) { _, row throws(StorageError) in
                guard page.parts.count < limit else {
                    page.isTruncated = true
                    return .stop
                }
                let part = try PartRecord(fields: try LocatedRow.parse(Array(row)[...]).fields).uploaded
                page.parts.append(part)
                page.nextMarker = part.number
                return .next
            }
            return page
        }
    }

    /// A page of the uploads under way.
    public func listUploads(
        in bucket: Bucket, prefix: [UInt8], delimiter: [UInt8], keyMarker: [UInt8], uploadMarker: UploadID?, limit: Int
    ) async throws(ObjectError) -> UploadPage {
        let metadata = metadata
        return try await onDisk { () throws(StorageError) in
            var listing = UploadListing(
                bucket: bucket.id, prefix: prefix, delimiter: delimiter, keyMarker: keyMarker, uploadMarker: uploadMarker, limit: limit)
            try listing.run(metadata)
            return listing.page
        }
    }

    func commitPart(
        _ number: Int, of upload: MultipartUpload, in bucket: Bucket, size: UInt64, md5: MD5Digest, checksum: ChecksumValue?,
        manifests: [ManifestReference]
    ) async throws(ObjectError) -> UploadedPart {
        try await committer.commit(.part(upload.id, number), byteCount: manifests.count * ManifestReference.byteCount) {
            context throws(ObjectError) in
            let row = try engine { () throws(StorageError) in
                try context.metadata.get(.uploads, IndexKey.upload(upload.bucket, upload.key, upload.id))
            }
            guard row != nil else { throw ObjectStore.noSuchUpload }
            let record = PartRecord(
                tenant: bucket.tenant, id: context.stamp(), bucket: bucket.id, upload: upload.id, number: number, size: size, md5: md5,
                checksum: checksum, manifestCount: manifests.count)
            context.append(LogRecord(kind: .part, fields: record.fields, body: ManifestReference.bytes(manifests)[...]))
            return record.uploaded
        }
    }

    static func checkPartNumber(_ number: Int) throws(ObjectError) {
        guard (1...MultipartUpload.partNumberMaximum).contains(number) else {
            throw ObjectError(
                .invalidArgument, "Part number must be an integer between 1 and \(MultipartUpload.partNumberMaximum), inclusive")
        }
    }

    static var noSuchUpload: ObjectError {
        ObjectError(
            .noSuchUpload,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
    }
}

extension CommitContext {
    mutating func appendEnd(of id: UploadID, _ key: ObjectKey, in bucket: BucketID, completion: UploadEndRecord.Completion?) {
        let record = UploadEndRecord(bucket: bucket, key: key, upload: id, time: stamp().time, completion: completion)
        append(LogRecord(kind: .uploadEnd, fields: record.fields))
    }
}
