import SkerryChunks
import SkerryStorage

/// Cuts the bytes of one body into chunks, stores those that are new, and keeps the list of them. A value: a stage of the upload
/// takes it along to the blocking pool and brings it back.
struct BodyCutter: Sendable {
    let tenant: TenantID
    let blocks: BlockStore
    let pins: PinSet
    /// Whether even a short list of chunks goes to a manifest: parts of a multipart upload are lists of manifests.
    let needsManifests: Bool

    private var chunker: Chunker
    /// Chunks that are in no manifest yet.
    private(set) var chunks: [ManifestEntry] = []
    private(set) var manifests: [ManifestReference] = []
    /// Bytes that the manifests cover.
    private var manifestEnd: UInt64 = 0
    private let policy: ChunkPolicy

    init(tenant: TenantID, blocks: BlockStore, pins: PinSet, needsManifests: Bool, policy: ChunkPolicy) {
        self.tenant = tenant
        self.blocks = blocks
        self.pins = pins
        self.needsManifests = needsManifests
        self.policy = policy
        chunker = policy.makeChunker()
    }

    /// Stores every whole chunk at the front of `window` and returns how many bytes they are; with `isLast` that is all. Blocks.
    ///
    /// - Parameter isWhole: The window is the whole body: up to ``ChunkPolicy/wholeMaximum`` bytes it is one chunk.
    mutating func cut(_ window: [UInt8], isLast: Bool, isWhole: Bool) throws(StorageError) -> Int {
        var fresh: [Block] = []
        var consumed = 0
        if isWhole, window.count <= policy.wholeMaximum {
            if !window.isEmpty { fresh.append(take(window[...])) }
            consumed = window.count
        } else {
            while let length = nextCut(window, from: consumed, isLast: isLast) {
                fresh.append(take(window[consumed..<consumed + length]))
                consumed += length
            }
        }
        if isLast { chunker = policy.makeChunker() }
        try blocks.store(fresh, pins: pins)
        try closeManifests(all: false)
        return consumed
    }

    /// Adds chunks that are stored already, without their bytes; pins them. False when one of them is gone. Blocks.
    mutating func splice(_ references: some Collection<ManifestEntry>) throws(StorageError) -> Bool {
        for reference in references {
            guard try blocks.pinStored(BlockName(tenant: tenant, digest: reference.digest), pins: pins) else { return false }
            chunks.append(reference)
            try closeManifests(all: false)
        }
        return true
    }

    /// Puts what is left into a manifest where one is needed: after the last bytes. Blocks.
    mutating func finish() throws(StorageError) { try closeManifests(all: mustUseManifests) }

    /// What the record of the version (or part) says about its bytes.
    var body: ObjectBody {
        manifests.isEmpty && !needsManifests ? .chunks(chunks) : .manifests(count: manifests.count)
    }

    private var mustUseManifests: Bool {
        needsManifests || !manifests.isEmpty || chunks.count > ObjectBody.directChunksMaximum
    }

    private mutating func nextCut(_ window: [UInt8], from start: Int, isLast: Bool) -> Int? {
        guard start < window.count else { return nil }
        return window.withUnsafeBytes { chunker.nextCut(in: UnsafeRawBufferPointer(rebasing: $0[start...]), isLast: isLast) }
    }

    private mutating func take(_ bytes: ArraySlice<UInt8>) -> Block {
        let digest = bytes.withUnsafeBytes { Digest(of: $0) }
        chunks.append(ManifestEntry(digest: digest, length: bytes.count))
        return Block(name: BlockName(tenant: tenant, digest: digest), bytes: bytes, isManifest: false)
    }

    private mutating func closeManifests(all: Bool) throws(StorageError) {
        while chunks.count >= Manifest.entryMaximum || (all && !chunks.isEmpty) {
            let manifest = Manifest(Array(chunks.prefix(Manifest.entryMaximum)))
            chunks.removeFirst(min(Manifest.entryMaximum, chunks.count))
            manifestEnd += manifest.totalLength
            let name = BlockName(tenant: tenant, digest: manifest.digest)
            try blocks.store([Block(name: name, bytes: manifest.encoded()[...], isManifest: true)], pins: pins)
            manifests.append(ManifestReference(digest: manifest.digest, end: manifestEnd))
        }
    }
}
