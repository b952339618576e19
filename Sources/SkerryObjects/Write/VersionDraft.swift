import SkerryChunks
import SkerryCRDT
import SkerryStorage

/// A version whose bytes are in the log and which waits for its commit.
struct VersionDraft: Sendable {
    var key: ObjectKey
    var size: UInt64 = 0
    var etag: ETag
    var checksum: ObjectChecksum?
    var metadata: ObjectMetadata
    var isDeleteMarker = false
    var body: ObjectBody
    /// Body of the log record: inline bytes, or manifests and parts.
    var recordBody: [UInt8] = []

    /// A delete marker.
    init(deleting key: ObjectKey) {
        self.key = key
        etag = ETag(md5: MD5Digest(of: []))
        metadata = ObjectMetadata()
        isDeleteMarker = true
        body = .inline
    }

    init(
        key: ObjectKey, size: UInt64, etag: ETag, checksum: ObjectChecksum?, metadata: ObjectMetadata, body: ObjectBody, recordBody: [UInt8]
    ) {
        self.key = key
        self.size = size
        self.etag = etag
        self.checksum = checksum
        self.metadata = metadata
        self.body = body
        self.recordBody = recordBody
    }
}

extension CommitContext {
    /// Makes `draft` the newest version of its key: decides what it replaces by the bucket's state at this moment.
    ///
    /// An unversioned bucket keeps one version, a suspended one replaces its null version, a versioned one keeps all.
    mutating func append(_ draft: VersionDraft, in bucket: Bucket, tenant: TenantID) throws(StorageError) -> ObjectVersion {
        let lookup = VersionLookup(metadata: metadata, bucket: bucket.id, key: draft.key)
        var causes = CausalContext()
        var replaces: [VersionID] = []
        switch bucket.versioning {
        case .unversioned:
            // Never versioned: no delete markers, and the listing row names the only version. Two point look-ups beat a scan.
            if let present = try lookup.current().flatMap({ row throws(StorageError) in try lookup.version(row.id) })?.version {
                causes = present.context
                causes.insert(present.dot)
                replaces = [present.id]
            }
        case .enabled, .suspended:
            if let newest = try lookup.newest()?.version {
                causes = newest.context
                causes.insert(newest.dot)
            }
            if bucket.versioning == .suspended, let null = try lookup.null()?.version {
                causes.merge(null.context)
                causes.insert(null.dot)
                replaces = [null.id]
            }
        }
        let version = ObjectVersion(
            bucket: bucket.id, key: draft.key, id: stamp(), isNull: bucket.versioning != .enabled, isDeleteMarker: draft.isDeleteMarker,
            dot: nextDot(), context: causes, size: draft.size, etag: draft.etag, checksum: draft.checksum, metadata: draft.metadata,
            partCount: draft.etag.partCount, body: draft.body, location: .none)
        let record = VersionRecord(tenant: tenant, version: version, replaces: replaces)
        append(LogRecord(kind: .version, fields: record.fields, body: draft.recordBody[...]))
        return version
    }
}

extension CommitContext {
    /// A version whose chunks are to be shared must still be there, else its chunks may be on their way out.
    func checkPresent(_ source: ObjectVersion) throws(ObjectError) {
        let row = try engine { () throws(StorageError) in
            try metadata.get(.versions, IndexKey.version(source.bucket, source.key, source.id))
        }
        guard row != nil else { throw ObjectError(.noSuchKey, "The source of the copy was deleted meanwhile.") }
    }
}

extension RecordLocation {
    /// Of a record that is not in the log yet.
    static let none = RecordLocation(position: .start, fieldsLength: 0, bodyLength: 0)
}
