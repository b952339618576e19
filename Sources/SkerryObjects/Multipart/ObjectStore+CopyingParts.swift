import SkerryChunks
import SkerryStorage

extension ObjectStore {
    /// Makes a part of a range of another object.
    ///
    /// Chunks that lie in the range whole are shared; only the pieces at its edges are stored anew. The bytes are read once for the part's
    /// MD5 and checksum, unless the range is a whole object whose hashes are known.
    public func copyPart(
        _ number: Int, of upload: MultipartUpload, in bucket: Bucket, from source: ObjectVersion, range: Range<UInt64>?
    ) async throws(ObjectError) -> UploadedPart {
        try ObjectStore.checkPartNumber(number)
        // From before the look-up on, so that what it finds stays readable.
        let ticket = epochs.enter()
        let entry = try await entry(of: source)
        let range = range ?? 0..<source.size
        guard range.clamped(to: 0..<source.size) == range else {
            throw ObjectError(
                .rangeNotSatisfiable, "The range lies outside of the source, which has \(source.size) bytes.", version: source)
        }
        guard range.count <= PutOptions.sizeMaximum else {
            throw ObjectError(.entityTooLarge, "A part has at most \(PutOptions.sizeMaximum) bytes.")
        }
        let hashes = try await hashes(of: entry, ticket, range, checksum: upload.checksum)
        let pins = PinSet(blocks.pins)
        let manifests = try await splice(entry, range, into: bucket, pins)
        let part = try await commitPart(
            number, of: upload, in: bucket, size: UInt64(range.count), md5: hashes.md5, checksum: hashes.checksum,
            manifests: manifests)
        withExtendedLifetime((pins, ticket)) {}
        return part
    }

    private func hashes(
        of entry: ObjectCache.Entry, _ ticket: ReaderEpochs.Ticket, _ range: Range<UInt64>, checksum: ChecksumAlgorithm
    ) async throws(ObjectError) -> (md5: MD5Digest, checksum: ChecksumValue?) {
        let version = entry.record.version
        if range == 0..<version.size, version.etag.partCount == 0, let known = version.checksum, known.kind == .fullObject,
            known.value.algorithm == checksum
        {
            return (version.etag.md5, known.value)
        }
        var hasher = PayloadHasher(algorithms: [checksum])
        let reader = ObjectReader(entry: entry, range: range, ticket: ticket, store: self)
        while let bytes = try await nextBytes(reader) {
            hasher = try await onDisk { [hasher] () throws(StorageError) in
                var hasher = hasher
                bytes.withUnsafeBytes { hasher.update($0) }
                return hasher
            }
        }
        let hashes = hasher.finalize()
        return (hashes.contentMD5, hashes[checksum])
    }

    private func splice(
        _ entry: ObjectCache.Entry, _ range: Range<UInt64>, into bucket: Bucket, _ pins: PinSet
    ) async throws(ObjectError) -> [ManifestReference] {
        let blocks = blocks
        return try await onDisk { () throws(StorageError) in
            var splicer = RangeSplicer(
                cutter: BodyCutter(tenant: bucket.tenant, blocks: blocks, pins: pins, needsManifests: true, policy: .standard),
                isSameTenant: entry.record.tenant == bucket.tenant)
            try splicer.run(entry, range, blocks)
            return splicer.cutter.manifests
        }
    }
}

/// Copies a range of a body: whole chunks by name, the rest by bytes. Calls block.
struct RangeSplicer {
    private(set) var cutter: BodyCutter
    /// Chunks are never shared between tenants.
    let isSameTenant: Bool

    init(cutter: BodyCutter, isSameTenant: Bool) {
        self.cutter = cutter
        self.isSameTenant = isSameTenant
    }

    mutating func run(_ entry: ObjectCache.Entry, _ range: Range<UInt64>, _ blocks: BlockStore) throws(StorageError) {
        switch entry.record.version.body {
        case .inline:
            try store(Array(entry.inline[Int(range.lowerBound)..<Int(range.upperBound)]))
        case .chunks(let chunks):
            var start: UInt64 = 0
            for (chunk, block) in zip(chunks, entry.blocks) {
                try add(chunk, block, start: start, range)
                start += UInt64(chunk.length)
            }
        case .manifests(let count):
            var cursor = ManifestCursor(tenant: entry.record.tenant, list: entry.blocks[0], count: count, range: range)
            while let (start, chunks) = try cursor.nextChunks(blocks, limit: ObjectReader.chunksPerPiece) {
                var start = start
                let open = try blocks.open(chunks.map { BlockName(tenant: entry.record.tenant, digest: $0.digest) })
                for (chunk, block) in zip(chunks, open) {
                    try add(chunk, block, start: start, range)
                    start += UInt64(chunk.length)
                }
                cursor.advance(to: start)
            }
        }
        try cutter.finish()
    }

    private mutating func add(
        _ chunk: ManifestEntry, _ block: OpenBlock, start: UInt64, _ range: Range<UInt64>
    ) throws(StorageError) {
        let extent = start..<start + UInt64(chunk.length)
        let covered = range.clamped(to: extent)
        guard !covered.isEmpty else { return }
        if covered == extent, isSameTenant, try cutter.splice([chunk]) { return }
        try block.verify()
        try store(try block.readBody(from: Int(covered.lowerBound - start), count: covered.count))
    }

    private mutating func store(_ bytes: [UInt8]) throws(StorageError) {
        _ = try cutter.cut(bytes, isLast: true, isWhole: true)
    }
}
