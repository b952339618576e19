import SkerryCRDT
import SkerryStorage

extension ObjectStore {
    /// From memory; never blocks. Who may use it is the caller's business.
    public func bucket(named name: String) throws(ObjectError) -> Bucket {
        guard let bucket = registry.bucket(name) else { throw ObjectStore.noSuchBucket }
        return bucket
    }

    /// A page of the buckets of `user`, by name; root sees all.
    public func buckets(of user: User, prefix: String, after: String?, limit: Int) -> BucketPage {
        registry.read { state in
            var page = BucketPage(buckets: [], next: nil)
            let start = max(prefix, after ?? "")
            for name in state.bucketNames[Registry.index(of: start, in: state.bucketNames)...] {
                guard name.hasPrefix(prefix) else { break }
                guard name != after, let bucket = state.buckets[name], user.isRoot || bucket.owner == user.id else { continue }
                guard page.buckets.count < limit else {
                    page.next = page.buckets.last?.name
                    break
                }
                page.buckets.append(bucket)
            }
            return page
        }
    }

    /// Makes a bucket. Names are unique in the site.
    ///
    /// - Throws: `bucketAlreadyOwnedByYou`, `bucketAlreadyExists`, `invalidBucketName`, `tooManyBuckets`.
    public func createBucket(_ name: String, owner: User, region: String) async throws(ObjectError) -> Bucket {
        try Bucket.checkName(name)
        let store = self
        return try await committer.commit(.everything) { context throws(ObjectError) in
            if let present = store.registry.bucket(name) {
                throw present.owner == owner.id
                    ? ObjectError(
                        .bucketAlreadyOwnedByYou, "Your previous request to create the named bucket succeeded and you already own it.")
                    : ObjectError(.bucketAlreadyExists, "The requested bucket name is not available.")
            }
            guard store.registry.read({ $0.buckets.count }) < store.options.bucketsMaximum else {
                throw ObjectError(.tooManyBuckets, "This store holds at most \(store.options.bucketsMaximum) buckets.")
            }
            let stamp = context.stamp()
            let bucket = Bucket(
                id: BucketID(rawValue: store.randomIdentifier()), name: name, owner: owner.id, tenant: owner.tenant, created: stamp.time,
                region: region, versioning: .unversioned)
            context.append(bucket, stamp)
            context.whenCommitted { store.registry.set(bucket) }
            return bucket
        }
    }

    /// Removes an empty bucket; multipart uploads under way in it are aborted.
    public func deleteBucket(_ bucket: Bucket) async throws(ObjectError) {
        let store = self
        try await committer.commit(.everything) { context throws(ObjectError) in
            let bucket = try store.present(bucket)
            guard try engine({ () throws(StorageError) in try context.isEmpty(bucket) }) else {
                throw ObjectError(.bucketNotEmpty, "The bucket you tried to delete is not empty")
            }
            try engine { () throws(StorageError) in try context.abortUploads(of: bucket) }
            context.appendRemoval(.bucketRemoval, of: bucket.name)
            context.whenCommitted { store.registry.removeBucket(bucket.name) }
        }
    }

    /// Changes the versioning state. A bucket that was versioned once never is `unversioned` again.
    public func setVersioning(_ versioning: Bucket.Versioning, of bucket: Bucket) async throws(ObjectError) -> Bucket {
        let store = self
        return try await committer.commit(.everything) { context throws(ObjectError) in
            var bucket = try store.present(bucket)
            guard versioning != .unversioned || bucket.versioning == .unversioned else {
                throw ObjectError(.invalidArgument, "Versioning can be suspended, not removed.")
            }
            bucket.versioning = versioning
            context.append(bucket, context.stamp())
            let changed = bucket
            context.whenCommitted { store.registry.set(changed) }
            return changed
        }
    }
}

extension CommitContext {
    fileprivate mutating func append(_ bucket: Bucket, _ stamp: VersionID) {
        let record = SettingRecord(id: stamp, dot: nextDot(), value: bucket)
        append(LogRecord(kind: .bucket, fields: record.fields { $0.write($1) }))
    }

    mutating func appendRemoval(_ kind: LogRecord.Kind, of name: String) {
        let record = SettingRecord(id: stamp(), dot: nextDot(), value: name)
        append(LogRecord(kind: kind, fields: record.fields { $0.write($1) }))
    }

    fileprivate func isEmpty(_ bucket: Bucket) throws(StorageError) -> Bool {
        var isEmpty = true
        try metadata.scan(.versions, IndexKey.versions(of: bucket.id)) { _, _ in
            isEmpty = false
            return .stop
        }
        return isEmpty
    }

    fileprivate mutating func abortUploads(of bucket: Bucket) throws(StorageError) {
        var uploads: [MultipartUpload] = []
        try metadata.scan(.uploads, IndexKey.uploads(of: bucket.id)) { _, row throws(StorageError) in
            uploads.append(try UploadRecord(fields: try LocatedRow.parse(Array(row)[...]).fields).upload)
            return .next
        }
        for upload in uploads { appendEnd(of: upload.id, upload.key, in: bucket.id, completion: nil) }
    }
}
