import SkerryChunks
import SkerryCRDT
import SkerryStorage

/// One object to delete.
public struct DeleteRequest: Sendable, Hashable {
    public var key: ObjectKey
    public var selector: VersionSelector
    public var conditions: WriteConditions

    public init(key: ObjectKey, selector: VersionSelector = .current, conditions: WriteConditions = WriteConditions()) {
        self.key = key
        self.selector = selector
        self.conditions = conditions
    }
}

/// What a delete did.
public struct DeleteOutcome: Sendable, Hashable {
    /// The delete marker that was made, or the version that was asked for, as S3 prints it; nil for a plain delete in an unversioned bucket.
    public var version: String?
    /// Whether a delete marker was made or removed.
    public var isDeleteMarker: Bool
}

extension ObjectStore {
    /// Deletes an object: removes it where the bucket is unversioned, hides it behind a delete marker where it is versioned,
    /// removes one version when one is named. Deleting what is not there succeeds.
    public func delete(_ request: DeleteRequest, in bucket: Bucket) async throws(ObjectError) -> DeleteOutcome {
        let store = self
        return try await committer.commit(.key(bucket.id, request.key)) { context throws(ObjectError) in
            try context.delete(request, in: bucket, of: store)
        }
    }

    /// Deletes many objects; they share commits. A result for each request, in order.
    public func delete(_ requests: [DeleteRequest], in bucket: Bucket) async -> [Result<DeleteOutcome, ObjectError>] {
        let store = self
        return await committer.commit(each: requests, { .key(bucket.id, $0.key) }) { request, context throws(ObjectError) in
            try context.delete(request, in: bucket, of: store)
        }
    }
}

extension CommitContext {
    fileprivate mutating func delete(
        _ request: DeleteRequest, in bucket: Bucket, of store: ObjectStore
    ) throws(ObjectError) -> DeleteOutcome {
        let bucket = try store.present(bucket)
        let lookup = VersionLookup(metadata: metadata, bucket: bucket.id, key: request.key)
        whenCommitted { store.objects.invalidate(bucket.id, request.key) }
        return request.selector == .current ? try deleteCurrent(request, lookup, in: bucket) : try deleteVersion(request, lookup)
    }
}

extension CommitContext {
    private mutating func deleteCurrent(
        _ request: DeleteRequest, _ lookup: VersionLookup, in bucket: Bucket
    ) throws(ObjectError) -> DeleteOutcome {
        let current = try engine { () throws(StorageError) in try lookup.current() }
        if !request.conditions.isEmpty {
            // A delete marker that hides the object is what a delete's conditions are about, as S3 has it.
            let marker = try current == nil ? engine { () throws(StorageError) in try lookup.newest() }?.version : nil
            try request.conditions.check(current.map(WriteConditions.Subject.init) ?? marker.map(WriteConditions.Subject.init))
        }
        return try engine { () throws(StorageError) in
            guard bucket.versioning == .unversioned else {
                let marker = try append(VersionDraft(deleting: request.key), in: bucket, tenant: bucket.tenant)
                return DeleteOutcome(version: marker.versionText, isDeleteMarker: true)
            }
            if let current, let record = try lookup.version(current.id) { appendTombstone(of: record.version) }
            return DeleteOutcome(version: nil, isDeleteMarker: false)
        }
    }

    private mutating func deleteVersion(_ request: DeleteRequest, _ lookup: VersionLookup) throws(ObjectError) -> DeleteOutcome {
        let selected = try engine { () throws(StorageError) in try lookup.selected(request.selector) }?.version
        try request.conditions.check(selected.map(WriteConditions.Subject.init))
        guard let selected else { return DeleteOutcome(version: request.selector.text, isDeleteMarker: false) }
        appendTombstone(of: selected)
        return DeleteOutcome(version: selected.versionText, isDeleteMarker: selected.isDeleteMarker)
    }

    private mutating func appendTombstone(of version: ObjectVersion) {
        var causes = version.context
        causes.insert(version.dot)
        let record = TombstoneRecord(
            id: stamp(), bucket: version.bucket, key: version.key, dot: nextDot(), context: causes, removed: [version.id],
            isOfNull: version.isNull)
        append(LogRecord(kind: .tombstone, fields: record.fields))
    }
}

extension VersionSelector {
    /// As S3 prints it.
    var text: String? {
        switch self {
        case .current: nil
        case .null: "null"
        case .id(let id): id.description
        }
    }
}
