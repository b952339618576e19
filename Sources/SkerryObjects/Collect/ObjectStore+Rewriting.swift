import SkerryChunks
import SkerryStorage

extension ObjectStore {
    /// Bytes of records moved in one commit.
    private static let moveMaximum = 4 << 20

    /// Moves what lives in mostly dead packs to the end of the log and removes the packs.
    func rewritePacks(_ live: [UInt64: UInt64], _ report: inout CollectionReport) async throws(ObjectError) {
        let packs = packs
        let summaries = try await onDisk { () throws(StorageError) in try packs.packs() }
        for pack in summaries where pack.isSealed && pack.length > 0 {
            let dead = pack.length - min(pack.length, live[pack.number] ?? 0)
            guard dead * 100 >= pack.length * UInt64(options.rewriteThreshold) else { continue }
            let moved = try await rewrite(pack.number, isOldest: pack.number == summaries.first?.number)
            report.rewrittenPacks += 1
            report.freedBytes += Int64(pack.length) - Int64(moved)
        }
    }

    /// Returns the bytes that were moved.
    private func rewrite(_ pack: UInt64, isOldest: Bool) async throws(ObjectError) -> Int {
        var position = LogPosition(pack: pack, offset: 0)
        var moved = 0
        while let batch = try await liveRecords(from: position, isOldest: isOldest) {
            moved += batch.byteCount
            position = batch.end
            try await move(batch.records, isOldest: isOldest)
        }
        let (metadata, packs) = (metadata, packs)
        objects.removeAll()
        try await onDisk { () throws(StorageError) in
            // The index on disk must not name the old pack any more when it goes.
            try metadata.flush()
            try packs.remove(pack: pack)
        }
        return moved
    }

    private struct Batch: Sendable {
        var records: [(RecordLocation, LogRecord)] = []
        var byteCount = 0
        var end: LogPosition
    }

    /// The next live records of the pack, about ``moveMaximum`` bytes; nil behind its last record.
    private func liveRecords(from position: LogPosition, isOldest: Bool) async throws(ObjectError) -> Batch? {
        let (metadata, packs) = (metadata, packs)
        return try await onDisk { () throws(StorageError) in
            let liveness = Liveness(metadata: metadata, isOldestPack: isOldest)
            var batch = Batch(end: position)
            try packs.replay(from: position) { location, record throws(StorageError) in
                guard location.position.pack == position.pack, batch.byteCount < ObjectStore.moveMaximum else { return false }
                batch.end = location.end
                if try liveness.isLive(record, at: location) {
                    batch.records.append((location, record))
                    batch.byteCount += LogRecord.headerLength + record.fields.count + record.body.count
                }
                return true
            }
            return batch.end == position ? nil : batch
        }
    }

    private func move(_ records: [(RecordLocation, LogRecord)], isOldest: Bool) async throws(ObjectError) {
        guard !records.isEmpty else { return }
        try await committer.commit(.everything) { context throws(ObjectError) in
            let liveness = Liveness(metadata: context.metadata, isOldestPack: isOldest)
            try engine { () throws(StorageError) in
                for (location, record) in records where try liveness.isLive(record, at: location) { context.move(record) }
            }
        }
    }
}

/// Whether a record of the log is still needed: its row names its place, or it is a removal that a rebuild would miss.
struct Liveness {
    let metadata: any MetadataEngine
    /// Whether the record's pack is the oldest of the log. A removal must outlive every record it removes; those stand before it,
    /// and dead records are never moved, so a removal in the oldest pack has nothing left to remove.
    let isOldestPack: Bool

    func isLive(_ record: LogRecord, at location: RecordLocation) throws(StorageError) -> Bool {
        switch record.kind {
        case .origin: return true
        case .chunk, .manifest:
            let block = try BlockRecord(fields: record.fields)
            guard let row = try metadata.get(.chunks, IndexKey.chunk(block.tenant, block.digest)) else { return false }
            return try ChunkRow(row).location == location
        case .version:
            let version = try VersionRecord(fields: record.fields[...], location: location).version
            return try isNamed(.versions, IndexKey.version(version.bucket, version.key, version.id), location)
        case .upload:
            let upload = try UploadRecord(fields: record.fields[...]).upload
            return try isNamed(.uploads, IndexKey.upload(upload.bucket, upload.key, upload.id), location)
        case .part:
            let part = try PartRecord(fields: record.fields[...])
            return try isNamed(.uploads, IndexKey.part(part.upload, part.number), location)
        case .bucket, .user, .accessKey: return try isNamed(.settings, try Setting(record).key, location)
        case .uploadEnd:
            let end = try UploadEndRecord(fields: record.fields[...])
            return isOldestPack ? try isNamed(.uploads, IndexKey.completion(end.upload), location) : true
        default: return !isOldestPack
        }
    }

    private func isNamed(_ family: MetadataFamily, _ key: [UInt8], _ location: RecordLocation) throws(StorageError) -> Bool {
        guard let row = try metadata.get(family, key) else { return false }
        return try LocatedRow.location(row) == location
    }
}
