import SkerryChunks
import SkerryStorage

/// One walk over the chunk index beside the reference rows, both in order of (tenant, digest): tells for each block whether something
/// refers to it. O(blocks) in time, a page of blocks in memory. Calls block.
struct ReferenceSweep {
    /// Blocks looked at together.
    static let pageMaximum = 4096

    let metadata: any MetadataEngine

    struct Found: Sendable {
        var name: BlockName
        var row: ChunkRow
        var isReferenced: Bool
    }

    func run(_ visit: (Found) throws(StorageError) -> Void) throws(StorageError) {
        var start: [UInt8]? = []
        while let lower = start {
            let page = try blocks(from: lower)
            let referenced = try references(in: page)
            for (key, name, row) in page {
                try visit(Found(name: name, row: row, isReferenced: referenced.contains(key)))
            }
            start = page.count == ReferenceSweep.pageMaximum ? page.last.map { $0.key + [0] } : nil
        }
    }

    private typealias Page = [(key: [UInt8], name: BlockName, row: ChunkRow)]

    private func blocks(from lower: [UInt8]) throws(StorageError) -> Page {
        var page: Page = []
        try metadata.scan(.chunks, KeyRange(lower: lower, upper: nil)) { key, row throws(StorageError) in
            let (tenant, digest) = try IndexKey.parseChunk(key)
            page.append((Array(key), BlockName(tenant: tenant, digest: digest), try ChunkRow(Array(row))))
            return page.count < ReferenceSweep.pageMaximum ? .next : .stop
        }
        return page
    }

    /// The keys of the page that some reference begins with; of each only the first reference is looked at.
    private func references(in page: Page) throws(StorageError) -> Set<[UInt8]> {
        guard let first = page.first, let last = page.last else { return [] }
        var found = Set<[UInt8]>()
        let range = KeyRange(lower: first.key, upper: KeyRange.successor(ofPrefix: last.key))
        try metadata.scan(.references, range) { key, _ in
            let block = Array(key.prefix(40))
            found.insert(block)
            return KeyRange.successor(ofPrefix: block).map { .seek($0) } ?? .stop
        }
        return found
    }
}
