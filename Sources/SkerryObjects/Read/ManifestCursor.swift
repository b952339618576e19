import SkerryChunks
import SkerryStorage

/// Walks a range of a body that is a list of manifests, some chunks at a time, in bounded memory whatever the object's size. Calls block.
///
/// The manifest that holds the range's first byte is found by bisection over the ends in the list: O(log manifests) reads of 40 bytes.
struct ManifestCursor: Sendable {
    let tenant: TenantID
    /// The record whose body is the list; open, so that it stays readable when its pack is rewritten meanwhile.
    let list: OpenBlock
    let count: Int
    /// What is still to be read.
    private(set) var range: Range<UInt64>
    private var manifest: Loaded?
    /// Manifests before this index are done; nil before the first was looked for.
    private var index: Int?

    private struct Loaded: Sendable {
        var manifest: Manifest
        /// First byte of the object in this manifest's next chunk.
        var offset: UInt64
        var nextEntry: Int
    }

    init(tenant: TenantID, list: OpenBlock, count: Int, range: Range<UInt64>) {
        self.tenant = tenant
        self.list = list
        self.count = count
        self.range = range
    }

    var isAtEnd: Bool { range.isEmpty }

    /// The next chunks, at most `limit`; nil at the end.
    mutating func next(_ blocks: BlockStore, limit: Int) throws(StorageError) -> ObjectPiece? {
        guard let (start, references) = try nextChunks(blocks, limit: limit) else { return nil }
        let open = try blocks.open(references.map { BlockName(tenant: tenant, digest: $0.digest) })
        for block in open { try block.verify() }
        let end = references.reduce(start) { $0 + UInt64($1.length) }
        let covered = range.clamped(to: start..<end)
        range = covered.upperBound..<range.upperBound
        return .extents(open.extents(covering: covered, from: start))
    }

    /// The names of the next chunks of one manifest, at most `limit`, and where in the object the first one begins. Does not move ``range``.
    mutating func nextChunks(
        _ blocks: BlockStore, limit: Int
    ) throws(StorageError) -> (start: UInt64, chunks: [ManifestEntry])? {
        guard !range.isEmpty else { return nil }
        var loaded = try current(blocks)
        while loaded.nextEntry < loaded.manifest.entries.count,
            loaded.offset + UInt64(loaded.manifest.entries[loaded.nextEntry].length) <= range.lowerBound
        {
            loaded.offset += UInt64(loaded.manifest.entries[loaded.nextEntry].length)
            loaded.nextEntry += 1
        }
        let start = loaded.offset
        var chunks: [ManifestEntry] = []
        while loaded.nextEntry < loaded.manifest.entries.count, chunks.count < limit, loaded.offset < range.upperBound {
            let entry = loaded.manifest.entries[loaded.nextEntry]
            chunks.append(ManifestEntry(digest: entry.digest, length: entry.length))
            loaded.offset += UInt64(entry.length)
            loaded.nextEntry += 1
        }
        manifest = loaded.nextEntry < loaded.manifest.entries.count ? loaded : nil
        guard !chunks.isEmpty else { throw StorageError(.corrupt, "a manifest ends before byte \(range.lowerBound) of its object") }
        return (start, chunks)
    }

    /// Takes note that the bytes before `offset` are done.
    mutating func advance(to offset: UInt64) { range = min(max(offset, range.lowerBound), range.upperBound)..<range.upperBound }

    private mutating func current(_ blocks: BlockStore) throws(StorageError) -> Loaded {
        if let manifest { return manifest }
        let position = if let index { index } else { try find(range.lowerBound) }
        guard position < count else { throw StorageError(.corrupt, "the manifests end before byte \(range.lowerBound) of their object") }
        let start = position == 0 ? 0 : try reference(position - 1).end
        let digest = try reference(position).digest
        index = position + 1
        return Loaded(manifest: try blocks.manifest(BlockName(tenant: tenant, digest: digest)), offset: start, nextEntry: 0)
    }

    /// The first manifest that ends behind `offset`.
    private func find(_ offset: UInt64) throws(StorageError) -> Int {
        try list.verify()
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if try reference(middle).end <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func reference(_ index: Int) throws(StorageError) -> ManifestReference {
        let bytes = try list.readBody(from: index * ManifestReference.byteCount, count: ManifestReference.byteCount)
        return try ManifestReference.parse(bytes[...])[0]
    }
}
