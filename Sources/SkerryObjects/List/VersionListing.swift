import SkerryStorage

/// One pass over `versions` that makes a page.
struct VersionListing {
    let request: VersionListRequest
    let bucket: BucketID
    private let delimiter: Delimiter
    private(set) var page = VersionListPage(entries: [], isTruncated: false, nextKeyMarker: nil, nextVersionMarker: nil)
    /// The key of the row before, whose first version was its latest.
    private var lastKey: ObjectKey?

    init(request: VersionListRequest, bucket: BucketID) {
        self.request = request
        self.bucket = bucket
        delimiter = Delimiter(prefix: request.prefix, bytes: request.delimiter)
    }

    mutating func run(_ metadata: any MetadataEngine) throws(StorageError) {
        guard request.limit > 0 else { return }
        let all = KeyRange(prefix: IndexKey.versionsStart(bucket, rawPrefix: request.prefix))
        let start = try firstRow(metadata)
        let lower = all.lower.lexicographicallyPrecedes(start) ? start : all.lower
        if let upper = all.upper, !lower.lexicographicallyPrecedes(upper) { return }
        try metadata.scan(.versions, KeyRange(lower: lower, upper: all.upper)) { rowKey, row throws(StorageError) in
            let (key, _) = try IndexKey.parseVersion(rowKey)
            if let common = delimiter.commonPrefix(of: key.bytes) {
                let following = KeyRange.successor(ofPrefix: IndexKey.versionsStart(bucket, rawPrefix: common))
                guard add(.commonPrefix(common), key: common, version: nil), let following else { return .stop }
                return .seek(following)
            }
            let version = try LocatedRow.version(Array(row)).version
            let isLatest = lastKey != key
            lastKey = key
            return add(.version(version, isLatest: isLatest), key: key.bytes, version: version.versionText) ? .next : .stop
        }
    }

    /// The first row behind the markers.
    private mutating func firstRow(_ metadata: any MetadataEngine) throws(StorageError) -> [UInt8] {
        guard !request.keyMarker.isEmpty else { return [] }
        if request.keyMarker.starts(with: request.prefix), let common = delimiter.commonPrefix(of: request.keyMarker),
            let following = KeyRange.successor(ofPrefix: IndexKey.versionsStart(bucket, rawPrefix: common))
        {
            return following
        }
        // A marker may be longer than any key.
        let marker = ObjectKey(trusted: request.keyMarker)
        let following = IndexKey.versionsEnd(of: marker, in: bucket)
        guard let selector = request.versionMarker else { return following }
        let lookup = VersionLookup(metadata: metadata, bucket: bucket, key: marker)
        let id: VersionID?
        switch selector {
        case .id(let given): id = given
        case .null, .current: id = try lookup.null()?.version.id
        }
        guard let id else { return following }
        // Rows of the marker's key that follow are not its latest version, unless those before were removed meanwhile.
        if let newest = try lookup.newest()?.version.id, newest >= id { lastKey = marker }
        return IndexKey.version(bucket, marker, id) + [0]
    }

    private mutating func add(_ entry: VersionListPage.Entry, key: [UInt8], version: String?) -> Bool {
        guard page.entries.count < request.limit else {
            page.isTruncated = true
            return false
        }
        page.entries.append(entry)
        page.nextKeyMarker = key
        page.nextVersionMarker = version
        return true
    }
}
