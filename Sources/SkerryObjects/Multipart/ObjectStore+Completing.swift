public import SkerryChunks
import SkerryStorage

extension ObjectStore {
    /// Makes a version of the parts, in the order of the list; parts that are not in it are dropped. The same list again gives the same version.
    ///
    /// Splices manifests: no data moves, whatever the size.
    ///
    /// - Parameters:
    ///   - checksum: The object's checksum as the client computed it; compared.
    ///   - size: x-amz-mp-object-size; compared.
    public func complete(
        _ id: UploadID, _ key: ObjectKey, in bucket: Bucket, parts: [CompletedPart], checksum: ChecksumValue?,
        kind: ChecksumType?, size: UInt64?, conditions: WriteConditions
    ) async throws(ObjectError) -> ObjectVersion {
        let request = Completion.Request(parts: parts, checksum: checksum, kind: kind, size: size)
        try request.check()
        if let version = try await completed(id, key, in: bucket, request.digest) { return version }
        let upload = try await upload(id, key, in: bucket)
        let (metadata, packs) = (metadata, packs)
        let completion = try await onDisk { () throws(StorageError) -> Result<Completion, ObjectError> in
            Result { () throws(ObjectError) in
                do throws(ObjectError) {
                    return try Completion(request, of: upload, metadata: metadata, packs: packs)
                } catch {
                    // A pack may go between the look-up of a part and the reading of its list: the second look finds the new place.
                    guard error.cause?.code == .notFound else { throw error }
                    return try Completion(request, of: upload, metadata: metadata, packs: packs)
                }
            }
        }.get()
        return try await commit(completion, in: bucket, conditions)
    }

    /// The answer that was given to the same request before.
    private func completed(
        _ id: UploadID, _ key: ObjectKey, in bucket: Bucket, _ request: Digest
    ) async throws(ObjectError) -> ObjectVersion? {
        let metadata = metadata
        return try await onDisk { () throws(StorageError) -> ObjectVersion? in
            guard let row = try metadata.get(.uploads, IndexKey.completion(id)) else { return nil }
            let record = try UploadEndRecord(fields: try LocatedRow.parse(row[...]).fields)
            guard let completion = record.completion, completion.request == request, record.key == key, record.bucket == bucket.id else {
                return nil
            }
            return try VersionLookup(metadata: metadata, bucket: bucket.id, key: key).version(completion.version)?.version
        }
    }

    private func commit(
        _ completion: Completion, in bucket: Bucket, _ conditions: WriteConditions
    ) async throws(ObjectError) -> ObjectVersion {
        let store = self
        let upload = completion.upload
        return try await committer.commit(.everything, byteCount: completion.draft.recordBody.count) { context throws(ObjectError) in
            let bucket = try store.present(bucket)
            try context.checkUnchanged(completion)
            let lookup = VersionLookup(metadata: context.metadata, bucket: bucket.id, key: upload.key)
            try conditions.check(try engine { () throws(StorageError) in try lookup.current() }.map(WriteConditions.Subject.init))
            let version = try engine { () throws(StorageError) in
                try context.append(completion.draft, in: bucket, tenant: bucket.tenant)
            }
            context.appendEnd(
                of: upload.id, upload.key, in: bucket.id, completion: .init(version: version.id, request: completion.request))
            context.whenCommitted { store.objects.invalidate(bucket.id, upload.key) }
            return version
        }
    }
}

extension CommitContext {
    /// The upload must still be there with the very parts that were looked at.
    fileprivate func checkUnchanged(_ completion: Completion) throws(ObjectError) {
        let upload = completion.upload
        let isThere = try engine { () throws(StorageError) in
            try metadata.get(.uploads, IndexKey.upload(upload.bucket, upload.key, upload.id)) != nil
        }
        guard isThere else { throw ObjectError(.conditionalConflict, "The upload was completed or aborted meanwhile; try again.") }
        for part in completion.parts {
            let row = try engine { () throws(StorageError) in try metadata.get(.uploads, IndexKey.part(upload.id, part.number)) }
            let present = try engine { () throws(StorageError) in
                try row.map { row throws(StorageError) in try PartRecord(fields: try LocatedRow.parse(row[...]).fields).id }
            }
            guard present == part.id else {
                throw ObjectError(.conditionalConflict, "Part \(part.number) was uploaded anew meanwhile; try again.")
            }
        }
    }
}
