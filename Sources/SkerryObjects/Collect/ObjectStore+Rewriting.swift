import SkerryChunks
import SkerryCRDT
import SkerryStorage

extension ObjectStore {
    /// Bytes of records moved in one commit.
    private static let moveMaximum = 4 << 20

    /// Moves what lives in mostly dead packs to the end of the log and removes the packs.
    func rewritePacks(_ live: PackUsage, _ report: inout CollectionReport) async throws(ObjectError) {
        let packs = packs
        var summaries = try await onDisk { () throws(StorageError) in try packs.packs() }[...]
        // Uploads may have written to packs that are sealed by now and wait for a commit to bring their chunks into the index. A sealed pack
        // gets no more records, so behind this every live record in it has its row.
        try await barrier()
        var oldest = summaries.first?.number
        while let pack = summaries.popFirst() {
            let isOldest = pack.number == oldest
            guard try await isWorthwhile(pack, live, isOldest: isOldest) else { continue }
            let moved = try await rewrite(pack.number, isOldest: isOldest)
            if isOldest { oldest = summaries.first?.number }
            report.rewrittenPacks += 1
            report.freedBytes += Int64(pack.length) - Int64(moved)
        }
    }

    /// Whether enough of the pack is dead.
    ///
    /// Rows name nearly everything that lives. A pack that seems dead by them may still hold removals that must be kept, so it is read, and
    /// what was found is remembered: it can only become less.
    private func isWorthwhile(_ pack: PackSummary, _ live: PackUsage, isOldest: Bool) async throws(ObjectError) -> Bool {
        guard pack.isSealed, pack.length > 0 else { return false }
        let named = live.bytes[pack.number] ?? 0
        guard isMostlyDead(pack, live: named) else { return false }
        if !isOldest, let kept = collector.keptBytes(of: pack.number), !isMostlyDead(pack, live: named + kept) { return false }
        var actual: UInt64 = 0
        var position = LogPosition(pack: pack.number, offset: 0)
        while let batch = try await liveRecords(from: position, isOldest: isOldest, keepsRecords: false) {
            actual += UInt64(batch.byteCount)
            position = batch.end
        }
        if isMostlyDead(pack, live: actual) { return true }
        collector.setKeptBytes(actual - min(actual, named), of: pack.number)
        return false
    }

    private func isMostlyDead(_ pack: PackSummary, live: UInt64) -> Bool {
        (pack.length - min(pack.length, live)) * 100 >= pack.length * UInt64(options.rewriteThreshold)
    }

    /// Returns the bytes that were moved.
    private func rewrite(_ pack: UInt64, isOldest: Bool) async throws(ObjectError) -> Int {
        var position = LogPosition(pack: pack, offset: 0)
        var moved = 0
        while let batch = try await liveRecords(from: position, isOldest: isOldest, keepsRecords: true) {
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
        collector.setKeptBytes(nil, of: pack)
        return moved
    }

    private struct Batch: Sendable {
        var records: [(RecordLocation, LogRecord)] = []
        var byteCount = 0
        var end: LogPosition
    }

    /// The next live records of the pack, about ``moveMaximum`` bytes; nil behind its last record.
    private func liveRecords(from position: LogPosition, isOldest: Bool, keepsRecords: Bool) async throws(ObjectError) -> Batch? {
        let (metadata, packs) = (metadata, packs)
        return try await onDisk { () throws(StorageError) in
            let liveness = try Liveness(metadata: metadata, isOldestPack: isOldest)
            var batch = Batch(end: position)
            try packs.replayGroups(from: position) { location, record throws(StorageError) in
                guard location.position.pack == position.pack, batch.byteCount < ObjectStore.moveMaximum else { return false }
                batch.end = location.end
                if try liveness.isLive(record, at: location) {
                    if keepsRecords { batch.records.append((location, record)) }
                    batch.byteCount += Int(location.byteCount)
                }
                return true
            }
            return batch.end == position ? nil : batch
        }
    }

    private func move(_ records: [(RecordLocation, LogRecord)], isOldest: Bool) async throws(ObjectError) {
        guard !records.isEmpty else { return }
        try await committer.commit(.everything) { context throws(ObjectError) in
            try engine { () throws(StorageError) in
                let liveness = try Liveness(metadata: context.metadata, isOldestPack: isOldest)
                for (location, record) in records where try liveness.isLive(record, at: location) { context.move(record) }
            }
        }
    }
}

/// Whether a record of the log is still needed: its row names its place, or it is a removal that a rebuild would miss.
///
/// A version that was replaced is not needed to keep away what it had replaced itself: whatever replaced or removed it covers that too
/// (``IndexUpdater``).
struct Liveness {
    let metadata: any MetadataEngine
    /// Whether the record's pack is the oldest of the log. A removal must outlive every record it removes; those stand before it,
    /// and dead records are never moved, so a removal in the oldest pack has nothing left to remove.
    let isOldestPack: Bool
    /// The last sequence given out. The record that bears it stays, so that a rebuild never gives it out again.
    private let lastSequence: UInt64

    init(metadata: any MetadataEngine, isOldestPack: Bool) throws(StorageError) {
        self.metadata = metadata
        self.isOldestPack = isOldestPack
        let applied = try metadata.get(.settings, IndexKey.applied)
        lastSequence = try applied.map { row throws(StorageError) in try AppliedRow(row).sequence } ?? 0
    }

    func isLive(_ record: LogRecord, at location: RecordLocation) throws(StorageError) -> Bool {
        switch record.kind {
        case .origin: return true
        // Those that live of a group are moved one by one: that the group was whole is known.
        case .group: return false
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
        case .tombstone: return isRemovalLive(try TombstoneRecord(fields: record.fields).dot)
        default: return isRemovalLive(try Setting(record).dot)
        }
    }

    private func isRemovalLive(_ dot: Dot) -> Bool { !isOldestPack || dot.sequence == lastSequence }

    private func isNamed(_ family: MetadataFamily, _ key: [UInt8], _ location: RecordLocation) throws(StorageError) -> Bool {
        guard let row = try metadata.get(family, key) else { return false }
        return try LocatedRow.location(row) == location
    }
}
