import SkerryStorage

/// Finds versions in the index. Calls block.
struct VersionLookup {
    let metadata: any MetadataEngine
    let bucket: BucketID
    let key: ObjectKey

    /// The listing row of the key; nil when there is none or a delete marker hides it.
    func current() throws(StorageError) -> CurrentRow? {
        guard let row = try metadata.get(.current, IndexKey.current(bucket, key)) else { return nil }
        return try CurrentRow(row)
    }

    func version(_ id: VersionID) throws(StorageError) -> VersionRecord? {
        guard let row = try metadata.get(.versions, IndexKey.version(bucket, key, id)) else { return nil }
        return try LocatedRow.version(row)
    }

    /// The version with the largest stamp, be it a delete marker. O(log n).
    func newest() throws(StorageError) -> VersionRecord? { try first { _ in true } }

    /// The null version. O(versions of the key).
    func null() throws(StorageError) -> VersionRecord? { try first(where: \.isNull) }

    func selected(_ selector: VersionSelector) throws(StorageError) -> VersionRecord? {
        switch selector {
        case .current: try newest()
        case .null: try null()
        case .id(let id): try version(id).flatMap { $0.version.isNull ? nil : $0 }
        }
    }

    private func first(where predicate: (ObjectVersion) -> Bool) throws(StorageError) -> VersionRecord? {
        var found: VersionRecord?
        try metadata.scan(.versions, IndexKey.versions(of: key, in: bucket)) { _, row throws(StorageError) in
            let record = try LocatedRow.version(Array(row))
            guard predicate(record.version) else { return .next }
            found = record
            return .stop
        }
        return found
    }
}
