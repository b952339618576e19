import SkerryChunks
import SkerryStorage

extension ObjectStore {
    /// The selected version.
    ///
    /// - Throws: `noSuchKey` or `noSuchVersion`; `deleteMarker`, carrying the marker, when that is what is selected.
    public func version(_ key: ObjectKey, _ selector: VersionSelector, in bucket: Bucket) async throws(ObjectError) -> ObjectVersion {
        try await entry(key, selector, in: bucket).record.version
    }

    /// Version and reader in one look-up.
    ///
    /// - Parameter range: Called with the version before its bytes are looked for: check conditions there, and return the bytes
    ///   wanted, nil for all.
    public func open(
        _ key: ObjectKey, _ selector: VersionSelector, in bucket: Bucket,
        range: (ObjectVersion) throws(ObjectError) -> Range<UInt64>?
    ) async throws(ObjectError) -> ObjectReader {
        let ticket = epochs.enter()
        let entry = try await entry(key, selector, in: bucket)
        let all = 0..<entry.record.version.size
        let wanted = try range(entry.record.version) ?? all
        guard wanted.clamped(to: all) == wanted else {
            throw ObjectError(.rangeNotSatisfiable, "The requested range is not satisfiable", version: entry.record.version)
        }
        return ObjectReader(entry: entry, range: wanted, ticket: ticket, store: self)
    }

    /// The parts of a version that was completed from parts, `after` a part number; empty for any other.
    public func parts(of version: ObjectVersion, after: Int, limit: Int) async throws(ObjectError) -> [ObjectPart] {
        guard version.partCount > 0, case .manifests(let manifests) = version.body else { return [] }
        let packs = packs
        let lookup = VersionLookup(metadata: metadata, bucket: version.bucket, key: version.key)
        return try await onDisk { () throws(StorageError) in
            func read(at location: RecordLocation) throws(StorageError) -> [UInt8] {
                try packs.readBody(
                    location, from: manifests * ManifestReference.byteCount, count: version.partCount * PartEntry.byteCount)
            }
            let bytes: [UInt8]
            do throws(StorageError) {
                bytes = try read(at: version.location)
            } catch {
                // The record moved since the version was looked up.
                guard error.code == .notFound, let present = try lookup.version(version.id) else { throw error }
                bytes = try read(at: present.version.location)
            }
            var start: UInt64 = 0
            var parts: [ObjectPart] = []
            for entry in try PartEntry.parse(bytes[...]) {
                defer { start = entry.end }
                guard entry.number > after, parts.count < limit else { continue }
                let checksum = version.checksum.flatMap { ChecksumValue($0.value.algorithm, bytes: entry.checksum) }
                parts.append(ObjectPart(number: entry.number, offset: start, size: entry.end - start, checksum: checksum))
            }
            return parts
        }
    }

    func entry(_ key: ObjectKey, _ selector: VersionSelector, in bucket: Bucket) async throws(ObjectError) -> ObjectCache.Entry {
        guard selector == .current else { return try await load(key, selector, in: bucket) }
        if let entry = objects.entry(bucket.id, key) { return entry }
        return try await objects.entry(bucket.id, key) { () throws(ObjectError) in try await self.load(key, selector, in: bucket) }
    }

    private func load(_ key: ObjectKey, _ selector: VersionSelector, in bucket: Bucket) async throws(ObjectError) -> ObjectCache.Entry {
        let lookup = VersionLookup(metadata: metadata, bucket: bucket.id, key: key)
        let blocks = blocks
        return try await onDisk { () throws(StorageError) -> Result<ObjectCache.Entry, ObjectError> in
            // A pack may go between the look-up and the reading because its live records moved: the second look finds the new place.
            do throws(StorageError) {
                return try ObjectStore.load(lookup, selector, blocks)
            } catch {
                guard error.code == .notFound else { throw error }
                return try ObjectStore.load(lookup, selector, blocks)
            }
        }.get()
    }

    private static func load(
        _ lookup: VersionLookup, _ selector: VersionSelector, _ blocks: BlockStore
    ) throws(StorageError) -> Result<ObjectCache.Entry, ObjectError> {
        guard let record = try lookup.selected(selector) else {
            return .failure(
                selector == .current
                    ? noSuchKey : ObjectError(.noSuchVersion, "The specified version does not exist."))
        }
        let version = record.version
        guard !version.isDeleteMarker else {
            return .failure(ObjectError(.deleteMarker, "The version is a delete marker.", version: version))
        }
        switch version.body {
        case .inline:
            let bytes = try blocks.log.packs.readBody(version.location, from: 0, count: Int(version.size))
            return .success(ObjectCache.Entry(record: record, inline: bytes, blocks: []))
        case .chunks(let chunks):
            let open = try blocks.open(chunks.map { BlockName(tenant: record.tenant, digest: $0.digest) })
            return .success(ObjectCache.Entry(record: record, inline: [], blocks: open))
        case .manifests:
            let handle = try blocks.log.packs.open(pack: version.location.position.pack)
            return .success(ObjectCache.Entry(record: record, inline: [], blocks: [OpenBlock(handle: handle, location: version.location)]))
        }
    }
}
