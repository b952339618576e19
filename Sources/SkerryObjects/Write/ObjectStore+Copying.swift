public import SkerryChunks
import SkerryStorage

/// How to copy an object.
public struct CopyOptions: Sendable {
    /// nil: the source's metadata.
    public var metadata: ObjectMetadata?
    public var conditions: WriteConditions
    /// nil: the source's checksum; another algorithm is computed anew over the bytes.
    public var checksum: ChecksumAlgorithm?

    public init(metadata: ObjectMetadata? = nil, conditions: WriteConditions = WriteConditions(), checksum: ChecksumAlgorithm? = nil) {
        self.metadata = metadata
        self.conditions = conditions
        self.checksum = checksum
    }
}

extension ObjectStore {
    /// Makes a version of `key` with the bytes of `source`. Within a tenant it shares the source's chunks: O(manifests), no data moves.
    ///
    /// The copy keeps the source's ETag, also one of a multipart upload.
    public func copy(
        _ source: ObjectVersion, to key: ObjectKey, in bucket: Bucket, _ options: CopyOptions
    ) async throws(ObjectError) -> ObjectVersion {
        // From before the look-up on, so that what it finds stays readable.
        let ticket = epochs.enter()
        let entry = try await entry(of: source)
        guard entry.record.tenant == bucket.tenant else { return try await copyAcrossTenants(entry, ticket, to: key, in: bucket, options) }
        let checksum = try await checksum(of: entry, ticket, in: options.checksum)
        let draft = VersionDraft(
            key: key, size: source.size, etag: source.etag, checksum: checksum, metadata: options.metadata ?? source.metadata,
            body: source.body, recordBody: try await recordBody(of: entry))
        return try await commit(draft, in: bucket, options.conditions, sharing: source)
    }

    /// The version as it stands now; `source` may come from an earlier look.
    func entry(of source: ObjectVersion) async throws(ObjectError) -> ObjectCache.Entry {
        guard let bucket = bucket(source.bucket) else { throw ObjectStore.noSuchBucket }
        return try await entry(source.key, source.isNull ? .null : .id(source.id), in: bucket)
    }

    private func bucket(_ id: BucketID) -> Bucket? { registry.read { $0.buckets.values.first { $0.id == id } } }

    /// The body of the version's log record.
    private func recordBody(of entry: ObjectCache.Entry) async throws(ObjectError) -> [UInt8] {
        switch entry.record.version.body {
        case .inline: return entry.inline
        case .chunks: return []
        case .manifests:
            let list = entry.blocks[0]
            return try await onDisk { () throws(StorageError) in
                try list.verify()
                return try list.readBody(from: 0, count: Int(list.location.bodyLength))
            }
        }
    }

    private func checksum(
        of entry: ObjectCache.Entry, _ ticket: ReaderEpochs.Ticket, in algorithm: ChecksumAlgorithm?
    ) async throws(ObjectError) -> ObjectChecksum? {
        let present = entry.record.version.checksum
        guard let algorithm, algorithm != present?.value.algorithm else { return present }
        var hasher = PayloadHasher(algorithms: [algorithm])
        let reader = ObjectReader(entry: entry, range: 0..<entry.record.version.size, ticket: ticket, store: self)
        while let bytes = try await nextBytes(reader) { hasher = await updated(hasher, bytes) }
        return hasher.finalize()[algorithm].map { ObjectChecksum(value: $0) }
    }

    private func copyAcrossTenants(
        _ entry: ObjectCache.Entry, _ ticket: ReaderEpochs.Ticket, to key: ObjectKey, in bucket: Bucket, _ options: CopyOptions
    ) async throws(ObjectError) -> ObjectVersion {
        let source = entry.record.version
        let algorithm = options.checksum ?? source.checksum?.value.algorithm ?? .crc64nvme
        let upload = try put(
            key, in: bucket,
            PutOptions(
                metadata: options.metadata ?? source.metadata, conditions: options.conditions, length: source.size, checksum: algorithm))
        let reader = ObjectReader(entry: entry, range: 0..<source.size, ticket: ticket, store: self)
        while let bytes = try await nextBytes(reader) { try await upload.write(bytes[...]) }
        return try await upload.finish(PayloadExpectation())
    }

    /// The reader's next piece as bytes, at most 8 MiB at once.
    func nextBytes(_ reader: ObjectReader) async throws(ObjectError) -> [UInt8]? {
        guard let piece = try await reader.next() else { return nil }
        switch piece {
        case .bytes(let bytes): return bytes
        case .extents(let extents):
            return try await onDisk { () throws(StorageError) in
                var bytes: [UInt8] = []
                bytes.reserveCapacity(extents.reduce(0) { $0 + $1.count })
                for extent in extents { try extent.append(to: &bytes) }
                return bytes
            }
        }
    }

    private func updated(_ hasher: PayloadHasher, _ bytes: [UInt8]) async -> PayloadHasher {
        var hasher = hasher
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher
    }
}

extension ObjectPiece.Extent {
    /// Reads the extent behind `bytes`. Blocks.
    func append(to bytes: inout [UInt8]) throws(StorageError) {
        var failure: StorageError?
        let read = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(StorageError) {
                try handle.read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        bytes.append(contentsOf: read)
    }
}
