import SkerryStorage

extension ObjectStore {
    /// A page of current objects. O(entries of the page), whatever lies under its common prefixes: those are skipped by a seek.
    public func list(_ request: ListRequest, in bucket: Bucket) async throws(ObjectError) -> ListPage {
        let metadata = metadata
        return try await onDisk { () throws(StorageError) in
            var listing = ObjectListing(request: request, bucket: bucket.id)
            try listing.run(metadata)
            return listing.page
        }
    }

    /// A page of versions and delete markers.
    public func listVersions(_ request: VersionListRequest, in bucket: Bucket) async throws(ObjectError) -> VersionListPage {
        let metadata = metadata
        return try await onDisk { () throws(StorageError) in
            var listing = VersionListing(request: request, bucket: bucket.id)
            try listing.run(metadata)
            return listing.page
        }
    }
}
