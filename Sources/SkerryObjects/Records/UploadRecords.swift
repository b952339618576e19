import SkerryChunks
import SkerryCRDT
import SkerryStorage

/// The record that begins a multipart upload.
struct UploadRecord: Sendable {
    var tenant: TenantID
    var upload: MultipartUpload

    var fields: [UInt8] {
        var writer = FieldWriter()
        writer.write(fixed: tenant.rawValue)
        writer.write(upload.id)
        writer.write(fixed: upload.bucket.rawValue)
        writer.write(upload.key.bytes)
        writer.write(upload.initiator)
        writer.write(upload.metadata)
        writer.write(byte: upload.checksum.rawValue)
        writer.write(byte: upload.checksumKind.rawValue)
        writer.write(upload.checksumNamed)
        return writer.bytes
    }

    init(tenant: TenantID, upload: MultipartUpload) {
        self.tenant = tenant
        self.upload = upload
    }

    init(fields: ArraySlice<UInt8>) throws(StorageError) {
        var reader = FieldReader(fields)
        tenant = TenantID(rawValue: try reader.readFixed())
        let id = try reader.readVersionID()
        let bucket = BucketID(rawValue: try reader.readFixed())
        let key = try reader.readKey()
        let initiator = try reader.readString()
        let metadata = try reader.readMetadata()
        guard let checksum = ChecksumAlgorithm(rawValue: try reader.readByte()),
            let kind = ChecksumType(rawValue: try reader.readByte())
        else { throw StorageError(.corrupt, "upload \(id): unknown checksum") }
        upload = MultipartUpload(
            id: id, bucket: bucket, key: key, initiator: initiator, metadata: metadata, checksum: checksum, checksumKind: kind,
            checksumNamed: try reader.readBool())
    }
}

/// The record of an uploaded part; its body lists the part's manifests.
struct PartRecord: Sendable {
    var tenant: TenantID
    /// When and where the part was made: its name as a referrer.
    var id: VersionID
    var bucket: BucketID
    var upload: UploadID
    var number: Int
    var size: UInt64
    var md5: MD5Digest
    var checksum: ChecksumValue?
    var manifestCount: Int

    var fields: [UInt8] {
        var writer = FieldWriter()
        writer.write(fixed: tenant.rawValue)
        writer.write(id)
        writer.write(fixed: bucket.rawValue)
        writer.write(upload)
        writer.write(number)
        writer.write(size)
        writer.write(raw: md5.bytes)
        writer.write(checksum) { $0.write($1) }
        writer.write(manifestCount)
        return writer.bytes
    }

    init(
        tenant: TenantID, id: VersionID, bucket: BucketID, upload: UploadID, number: Int, size: UInt64, md5: MD5Digest,
        checksum: ChecksumValue?, manifestCount: Int
    ) {
        self.tenant = tenant
        self.id = id
        self.bucket = bucket
        self.upload = upload
        self.number = number
        self.size = size
        self.md5 = md5
        self.checksum = checksum
        self.manifestCount = manifestCount
    }

    init(fields: ArraySlice<UInt8>) throws(StorageError) {
        var reader = FieldReader(fields)
        tenant = TenantID(rawValue: try reader.readFixed())
        id = try reader.readVersionID()
        bucket = BucketID(rawValue: try reader.readFixed())
        upload = try reader.readVersionID()
        number = try reader.readCount(maximum: MultipartUpload.partNumberMaximum)
        size = try reader.readInteger()
        md5 = try reader.readMD5()
        checksum = try reader.readOptional { reader throws(StorageError) in try reader.readChecksum() }
        manifestCount = try reader.readCount()
    }

    var uploaded: UploadedPart {
        UploadedPart(number: number, size: size, etag: ETag(md5: md5), checksum: checksum, modified: id.time.milliseconds)
    }
}

/// The record that ends an upload: its parts go. After a completion the result is remembered, so that Complete may be asked again.
struct UploadEndRecord: Sendable {
    var bucket: BucketID
    var key: ObjectKey
    var upload: UploadID
    /// When it ended.
    var time: HybridTimestamp
    /// nil after an abort.
    var completion: Completion?

    struct Completion: Sendable {
        var version: VersionID
        /// Digest of the list of parts that was completed: the same list again gets the same answer.
        var request: Digest
    }

    var fields: [UInt8] {
        var writer = FieldWriter()
        writer.write(fixed: bucket.rawValue)
        writer.write(key.bytes)
        writer.write(upload)
        writer.write(fixed: time.rawValue)
        writer.write(completion) { writer, completion in
            writer.write(completion.version)
            writer.write(raw: completion.request.bytes)
        }
        return writer.bytes
    }

    init(bucket: BucketID, key: ObjectKey, upload: UploadID, time: HybridTimestamp, completion: Completion?) {
        self.bucket = bucket
        self.key = key
        self.upload = upload
        self.time = time
        self.completion = completion
    }

    init(fields: ArraySlice<UInt8>) throws(StorageError) {
        var reader = FieldReader(fields)
        bucket = BucketID(rawValue: try reader.readFixed())
        key = try reader.readKey()
        upload = try reader.readVersionID()
        time = HybridTimestamp(rawValue: try reader.readFixed())
        completion = try reader.readOptional { reader throws(StorageError) in
            let version = try reader.readVersionID()
            return Completion(version: version, request: try reader.readDigest())
        }
    }
}
