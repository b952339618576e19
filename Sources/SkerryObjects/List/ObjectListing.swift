import SkerryCRDT
import SkerryStorage

/// One pass over `current` that makes a page.
struct ObjectListing {
    let request: ListRequest
    let bucket: BucketID
    private let delimiter: Delimiter
    private(set) var page = ListPage(entries: [], isTruncated: false, next: nil)

    init(request: ListRequest, bucket: BucketID) {
        self.request = request
        self.bucket = bucket
        delimiter = Delimiter(prefix: request.prefix, bytes: request.delimiter)
    }

    mutating func run(_ metadata: any MetadataEngine) throws(StorageError) {
        guard request.limit > 0, let range = keyRange else { return }
        page.entries.reserveCapacity(request.limit)
        try metadata.scan(.current, range) { key, row throws(StorageError) in
            let name = UnsafeRawBufferPointer(rebasing: key[8...])
            if let common = delimiter.commonPrefix(of: name) {
                guard let following = KeyRange.successor(ofPrefix: IndexKey.current(bucket, raw: common)) else { return .stop }
                return add(.commonPrefix(common), named: common) ? .seek(following) : .stop
            }
            let key = Array(name)
            return add(.object(try ObjectListing.object(key, row)), named: key) ? .next : .stop
        }
    }

    /// Where the page may lie; nil when nothing can be there.
    private var keyRange: KeyRange? {
        let all = KeyRange(prefix: IndexKey.current(bucket, raw: request.prefix))
        guard !request.after.isEmpty else { return all }
        // A marker inside a common prefix stands for all of it.
        let isBehindPrefix = request.after.starts(with: request.prefix)
        let common = isBehindPrefix ? delimiter.commonPrefix(of: request.after) : nil
        let start =
            common.flatMap { KeyRange.successor(ofPrefix: IndexKey.current(bucket, raw: $0)) }
            ?? IndexKey.current(bucket, raw: request.after + [0])
        let lower = all.lower.lexicographicallyPrecedes(start) ? start : all.lower
        if let upper = all.upper, !lower.lexicographicallyPrecedes(upper) { return nil }
        return KeyRange(lower: lower, upper: all.upper)
    }

    /// False when the page is full: then there is more.
    private mutating func add(_ entry: ListPage.Entry, named name: [UInt8]) -> Bool {
        guard page.entries.count < request.limit else {
            page.isTruncated = true
            return false
        }
        page.entries.append(entry)
        page.next = name
        return true
    }

    private static func object(_ key: [UInt8], _ row: UnsafeRawBufferPointer) throws(StorageError) -> ListedObject {
        let row = try CurrentRow(Array(row))
        return ListedObject(
            key: ObjectKey(trusted: key), size: row.size, etag: row.etag, modified: row.id.time.milliseconds,
            checksumAlgorithm: row.checksumAlgorithm, checksumKind: row.checksumKind)
    }
}
