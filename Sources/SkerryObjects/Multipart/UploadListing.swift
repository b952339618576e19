import SkerryStorage

/// One pass over the uploads of a bucket that makes a page.
struct UploadListing {
    let bucket: BucketID
    let prefix: [UInt8]
    let keyMarker: [UInt8]
    let uploadMarker: UploadID?
    let limit: Int
    private let delimiter: Delimiter
    private(set) var page = UploadPage(uploads: [], commonPrefixes: [], isTruncated: false, nextKeyMarker: nil, nextUploadIDMarker: nil)

    init(bucket: BucketID, prefix: [UInt8], delimiter: [UInt8], keyMarker: [UInt8], uploadMarker: UploadID?, limit: Int) {
        self.bucket = bucket
        self.prefix = prefix
        self.keyMarker = keyMarker
        self.uploadMarker = uploadMarker
        self.limit = limit
        self.delimiter = Delimiter(prefix: prefix, bytes: delimiter)
    }

    mutating func run(_ metadata: any MetadataEngine) throws(StorageError) {
        guard limit > 0 else { return }
        let all = KeyRange(prefix: IndexKey.uploadsStart(bucket, rawPrefix: prefix))
        let start = firstRow
        let lower = all.lower.lexicographicallyPrecedes(start) ? start : all.lower
        if let upper = all.upper, !lower.lexicographicallyPrecedes(upper) { return }
        try metadata.scan(.uploads, KeyRange(lower: lower, upper: all.upper)) { _, row throws(StorageError) in
            let upload = try UploadRecord(fields: try LocatedRow.parse(Array(row)[...]).fields).upload
            if let common = delimiter.commonPrefix(of: upload.key.bytes) {
                guard add(key: common, upload: nil) else { return .stop }
                page.commonPrefixes.append(common)
                return KeyRange.successor(ofPrefix: IndexKey.uploadsStart(bucket, rawPrefix: common)).map { .seek($0) } ?? .stop
            }
            guard add(key: upload.key.bytes, upload: upload.id) else { return .stop }
            page.uploads.append(upload)
            return .next
        }
    }

    private var firstRow: [UInt8] {
        guard !keyMarker.isEmpty else { return [] }
        if keyMarker.starts(with: prefix), let common = delimiter.commonPrefix(of: keyMarker),
            let following = KeyRange.successor(ofPrefix: IndexKey.uploadsStart(bucket, rawPrefix: common))
        {
            return following
        }
        // A marker may be longer than any key.
        let marker = ObjectKey(trusted: keyMarker)
        if let uploadMarker { return IndexKey.upload(bucket, marker, uploadMarker) + [0] }
        return IndexKey.uploadsEnd(of: marker, in: bucket)
    }

    private mutating func add(key: [UInt8], upload: UploadID?) -> Bool {
        guard page.uploads.count + page.commonPrefixes.count < limit else {
            page.isTruncated = true
            return false
        }
        page.nextKeyMarker = key
        page.nextUploadIDMarker = upload
        return true
    }
}
