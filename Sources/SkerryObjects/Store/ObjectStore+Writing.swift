import SkerryChunks
import SkerryStorage

extension ObjectStore {
    /// Begins a PUT. Takes no bytes yet.
    public func put(_ key: ObjectKey, in bucket: Bucket, _ options: PutOptions) throws(ObjectError) -> ObjectUpload {
        let writer = try bodyWriter(
            tenant: bucket.tenant, announced: options.length, checksums: [options.checksum], sha256: options.needsPayloadSHA256,
            needsManifests: false)
        return ObjectUpload(store: self, bucket: bucket, key: key, options: options, writer: writer)
    }

    /// An early look at a write's conditions, before the body is taken; the commit evaluates them again.
    public func checkEarly(_ conditions: WriteConditions, _ key: ObjectKey, in bucket: Bucket) async throws(ObjectError) {
        guard !conditions.isEmpty else { return }
        let lookup = VersionLookup(metadata: metadata, bucket: bucket.id, key: key)
        let row = try await onDisk { () throws(StorageError) in try lookup.current() }
        try conditions.check(row.map(WriteConditions.Subject.init))
    }

    func bodyWriter(
        tenant: TenantID, announced: UInt64?, checksums: Set<ChecksumAlgorithm>, sha256: Bool, needsManifests: Bool
    ) throws(ObjectError) -> BodyWriter {
        if let announced, announced > PutOptions.sizeMaximum {
            throw ObjectError(
                .entityTooLarge, "Your proposed upload exceeds the maximum allowed size of \(PutOptions.sizeMaximum) bytes.")
        }
        let cutter = BodyCutter(
            tenant: tenant, blocks: blocks, pins: PinSet(blocks.pins), needsManifests: needsManifests, policy: .standard)
        return BodyWriter(
            announced: announced, maximum: PutOptions.sizeMaximum, hasher: PayloadHasher(algorithms: checksums, payloadDigest: sha256),
            cutter: cutter, slots: slots, blocking: blocking)
    }

    /// Commits a version whose bytes are in the log.
    ///
    /// - Parameter source: A version whose chunks the draft shares: it must still be there when the draft gets references of its own.
    func commit(
        _ draft: VersionDraft, in bucket: Bucket, _ conditions: WriteConditions, sharing source: ObjectVersion? = nil
    ) async throws(ObjectError) -> ObjectVersion {
        let store = self
        return try await committer.commit(.key(bucket.id, draft.key), byteCount: draft.recordBody.count) {
            context throws(ObjectError) in
            let bucket = try store.present(bucket)
            if !conditions.isEmpty {
                let lookup = VersionLookup(metadata: context.metadata, bucket: bucket.id, key: draft.key)
                try conditions.check(try engine { () throws(StorageError) in try lookup.current() }.map(WriteConditions.Subject.init))
            }
            if let source { try context.checkPresent(source) }
            let version = try engine { () throws(StorageError) in
                try context.append(draft, in: bucket, tenant: bucket.tenant)
            }
            context.whenCommitted { store.objects.invalidate(bucket.id, draft.key) }
            return version
        }
    }

    /// The bucket as it is at this moment of the commit order.
    func present(_ bucket: Bucket) throws(ObjectError) -> Bucket {
        guard let present = registry.bucket(bucket.name), present.id == bucket.id else { throw ObjectStore.noSuchBucket }
        return present
    }

    static var noSuchBucket: ObjectError { ObjectError(.noSuchBucket, "The specified bucket does not exist") }
    static var noSuchKey: ObjectError { ObjectError(.noSuchKey, "The specified key does not exist.") }
}
