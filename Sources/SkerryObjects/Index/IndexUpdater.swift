import SkerryChunks
import SkerryCRDT
import SkerryStorage

/// Makes rows of the index out of records of the log: the index is this function of the log and nothing else.
///
/// The same code serves commits, the replay of the tail after a crash, and a rebuild. A record may come twice, and a record that a rewrite
/// moved may come after younger ones: the rows end up the same.
///
/// A rewrite leaves out dead records. So what a dead version had replaced would come back in a rebuild, were it not for the causal
/// contexts: a key has one null version, hence a null version, and the removal of one, also takes away every null version that its
/// context covers.
struct IndexUpdater {
    /// A batch grows no larger than this many changes, about; what belongs to one large version is then applied in pieces, its row last.
    static let changesMaximum = 10_000

    let metadata: any MetadataEngine
    let packs: any PackEngine
    private(set) var applied: AppliedRow
    private var batch = MetadataBatch()
    /// The highest sequence seen of each origin since the start; a rewrite may have put the origin's own record behind its writes.
    private var sequences: [OriginID: UInt64] = [:]

    init(metadata: any MetadataEngine, packs: any PackEngine, applied: AppliedRow) {
        self.metadata = metadata
        self.packs = packs
        self.applied = applied
    }

    /// Adds the rows of `record`.
    mutating func add(_ record: LogRecord, at location: RecordLocation, _ arrival: RecordArrival) throws(StorageError) {
        applied.position = max(applied.position, location.end)
        switch record.kind {
        case .origin: try add(OriginRecord(fields: record.fields))
        case .group: break
        case .chunk: try addBlock(record, at: location, isManifest: false)
        case .manifest: try addManifest(record, at: location)
        case .version:
            try add(try VersionRecord(fields: record.fields[...], location: location), record.fields, at: location, arrival)
        case .tombstone: try add(try TombstoneRecord(fields: record.fields), arrival)
        case .bucket, .user, .accessKey, .bucketRemoval, .userRemoval, .accessKeyRemoval: try addSetting(record, at: location, arrival)
        case .upload:
            let upload = try UploadRecord(fields: record.fields[...]).upload
            batch.put(
                .uploads, IndexKey.upload(upload.bucket, upload.key, upload.id), LocatedRow.bytes(location, record.fields))
            note(upload.id.time)
        case .part: try add(try PartRecord(fields: record.fields[...]), record.fields, at: location)
        case .uploadEnd: try add(try UploadEndRecord(fields: record.fields[...]), record.fields, at: location, arrival)
        default:
            throw StorageError(
                .newerFormat, "log record of kind \(record.kind.rawValue) at \(location.position), which this release does not know")
        }
    }

    /// Removes the row of a chunk or manifest that nothing refers to; its bytes go when the pack is rewritten.
    ///
    /// A manifest and its edges go in one batch: a manifest that were found without edges could be relied upon while its chunks go.
    mutating func removeBlock(_ tenant: TenantID, _ digest: Digest, manifest: Manifest?) throws(StorageError) {
        try spill()
        batch.remove(.chunks, IndexKey.chunk(tenant, digest))
        for entry in manifest?.entries ?? [] {
            batch.remove(.references, IndexKey.reference(tenant, entry.digest, from: .manifest(digest)))
        }
    }

    /// Removes a row that no longer has a use (old feed rows, remembered completions).
    mutating func removeRow(_ family: MetadataFamily, _ key: [UInt8]) { batch.remove(family, key) }

    /// Applies what was added, with the position it reaches.
    mutating func apply() throws(StorageError) {
        batch.put(.settings, IndexKey.applied, applied.bytes)
        try spill(force: true)
    }

    private mutating func spill(force: Bool = false) throws(StorageError) {
        guard force || batch.changes.count >= IndexUpdater.changesMaximum else { return }
        try metadata.apply(batch)
        batch = MetadataBatch()
    }

    // MARK: Blocks

    private mutating func addBlock(_ record: LogRecord, at location: RecordLocation, isManifest: Bool) throws(StorageError) {
        let block = try BlockRecord(fields: record.fields)
        batch.put(.chunks, IndexKey.chunk(block.tenant, block.digest), ChunkRow(location: location, isManifest: isManifest).bytes)
        try spill()
    }

    private mutating func addManifest(_ record: LogRecord, at location: RecordLocation) throws(StorageError) {
        let block = try BlockRecord(fields: record.fields)
        for entry in try Manifest(decoding: record.body, expected: block.digest).entries {
            batch.put(.references, IndexKey.reference(block.tenant, entry.digest, from: .manifest(block.digest)), [])
        }
        try addBlock(record, at: location, isManifest: true)
    }

    // MARK: Versions

    private mutating func add(
        _ record: VersionRecord, _ fields: [UInt8], at location: RecordLocation, _ arrival: RecordArrival
    ) throws(StorageError) {
        let version = record.version
        try forEachBlock(of: version.body, at: location) { updater, digest throws(StorageError) in
            updater.batch.put(.references, IndexKey.reference(record.tenant, digest, from: .version(version.id)), [])
            try updater.spill()
        }
        var gone = record.replaces
        if arrival == .replayed, version.isNull, !version.context.isEmpty {
            gone += try nullVersions(of: version.key, in: version.bucket, coveredBy: version.context, except: version.id)
        }
        try removeVersions(gone, of: version.key, in: version.bucket)
        // What is younger than every record before it was not moved here by a rewrite: nothing of its key can be newer.
        let isYoungest = arrival == .new || version.id.time > applied.clock
        let newest = isYoungest ? nil : try newest(of: version.key, in: version.bucket, without: gone)
        if newest.map({ $0.id <= version.id }) ?? true { setCurrent(version) }
        batch.put(.versions, IndexKey.version(version.bucket, version.key, version.id), LocatedRow.bytes(location, fields))
        note(version.dot, FeedRow(time: version.id.time, change: .version(version.bucket, version.key, version.id)), arrival)
    }

    private mutating func add(_ record: TombstoneRecord, _ arrival: RecordArrival) throws(StorageError) {
        var gone = record.removed
        if arrival == .replayed, record.isOfNull {
            gone += try nullVersions(of: record.key, in: record.bucket, coveredBy: record.context, except: nil)
        }
        try removeVersions(gone, of: record.key, in: record.bucket)
        if let newest = try newest(of: record.key, in: record.bucket, without: gone) {
            setCurrent(newest)
        } else {
            batch.remove(.current, IndexKey.current(record.bucket, record.key))
        }
        note(record.dot, FeedRow(time: record.id.time, change: .tombstone(record.bucket, record.key)), arrival)
    }

    private mutating func setCurrent(_ version: ObjectVersion) {
        let row = IndexKey.current(version.bucket, version.key)
        if version.isDeleteMarker {
            batch.remove(.current, row)
        } else {
            batch.put(.current, row, CurrentRow(version).bytes)
        }
    }

    /// Removes versions with their references, the row last. Those that are gone already are passed over.
    private mutating func removeVersions(_ ids: [VersionID], of key: ObjectKey, in bucket: BucketID) throws(StorageError) {
        for id in ids {
            let rowKey = IndexKey.version(bucket, key, id)
            guard let row = try metadata.get(.versions, rowKey) else { continue }
            let record = try LocatedRow.version(row)
            try forEachBlock(of: record.version.body, at: record.version.location) { updater, digest throws(StorageError) in
                updater.batch.remove(.references, IndexKey.reference(record.tenant, digest, from: .version(id)))
                try updater.spill()
            }
            batch.remove(.versions, rowKey)
        }
    }

    /// O(versions of the key).
    private func nullVersions(
        of key: ObjectKey, in bucket: BucketID, coveredBy context: CausalContext, except own: VersionID?
    ) throws(StorageError) -> [VersionID] {
        guard !context.isEmpty else { return [] }
        var found: [VersionID] = []
        try metadata.scan(.versions, IndexKey.versions(of: key, in: bucket)) { _, row throws(StorageError) in
            let version = try LocatedRow.version(Array(row)).version
            if version.isNull, version.id != own, context.covers(version.dot) { found.append(version.id) }
            return .next
        }
        return found
    }

    private func newest(of key: ObjectKey, in bucket: BucketID, without gone: [VersionID]) throws(StorageError) -> ObjectVersion? {
        var found: ObjectVersion?
        try metadata.scan(.versions, IndexKey.versions(of: key, in: bucket)) { _, row throws(StorageError) in
            let version = try LocatedRow.version(Array(row)).version
            if gone.contains(version.id) { return .next }
            found = version
            return .stop
        }
        return found
    }

    /// The chunks or manifests that a body names, one by one.
    private mutating func forEachBlock(
        of body: ObjectBody, at location: RecordLocation,
        _ visit: (inout IndexUpdater, Digest) throws(StorageError) -> Void
    ) throws(StorageError) {
        switch body {
        case .inline: break
        case .chunks(let chunks):
            for chunk in chunks { try visit(&self, chunk.digest) }
        case .manifests(let count):
            try packs.forEachManifest(at: location, count: count) { manifests throws(StorageError) in
                for manifest in manifests { try visit(&self, manifest.digest) }
            }
        }
    }

    // MARK: Settings

    private mutating func add(_ record: OriginRecord) {
        applied.origin = record.origin
        applied.sequence = max(applied.sequence, sequences[record.origin] ?? 0)
        applied.siteName = record.siteName
    }

    /// Settings are last-writer-wins by stamp: a row is replaced only by a younger record, or by itself at a new place.
    private mutating func addSetting(_ record: LogRecord, at location: RecordLocation, _ arrival: RecordArrival) throws(StorageError) {
        let setting = try Setting(record)
        note(setting.dot, FeedRow(time: setting.id.time, change: setting.change), arrival)
        if let row = try metadata.get(.settings, setting.key) {
            let (_, fields) = try LocatedRow.parse(row[...])
            let present = try SettingRecord<Void>(fields: Array(fields)) { _ in }
            guard present.id <= setting.id else { return }
        }
        if setting.isRemoval {
            batch.remove(.settings, setting.key)
        } else {
            batch.put(.settings, setting.key, LocatedRow.bytes(location, record.fields))
        }
    }

    // MARK: Uploads

    private mutating func add(_ record: PartRecord, _ fields: [UInt8], at location: RecordLocation) throws(StorageError) {
        let rowKey = IndexKey.part(record.upload, record.number)
        if let row = try metadata.get(.uploads, rowKey) {
            let (place, present) = try LocatedRow.parse(row[...])
            let replaced = try PartRecord(fields: present)
            guard replaced.id <= record.id else { return }
            if replaced.id != record.id { try removeReferences(of: replaced, at: place) }
        }
        try packs.forEachManifest(at: location, count: record.manifestCount) { manifests throws(StorageError) in
            for manifest in manifests {
                batch.put(.references, IndexKey.reference(record.tenant, manifest.digest, from: .part(record.id)), [])
            }
            try spill()
        }
        batch.put(.uploads, rowKey, LocatedRow.bytes(location, fields))
        note(record.id.time)
    }

    private mutating func add(
        _ record: UploadEndRecord, _ fields: [UInt8], at location: RecordLocation, _ arrival: RecordArrival
    ) throws(StorageError) {
        var parts: [(key: [UInt8], row: [UInt8])] = []
        try metadata.scan(.uploads, IndexKey.parts(of: record.upload)) { key, row in
            parts.append((Array(key), Array(row)))
            return .next
        }
        for (key, row) in parts {
            let (place, fields) = try LocatedRow.parse(row[...])
            try removeReferences(of: try PartRecord(fields: fields), at: place)
            batch.remove(.uploads, key)
        }
        batch.remove(.uploads, IndexKey.upload(record.bucket, record.key, record.upload))
        let completion = IndexKey.completion(record.upload)
        // A move must not bring back an answer that was forgotten.
        let isForgotten = arrival == .moved ? try metadata.get(.uploads, completion) == nil : false
        if record.completion != nil, !isForgotten { batch.put(.uploads, completion, LocatedRow.bytes(location, fields)) }
        note(record.time)
    }

    private mutating func removeReferences(of part: PartRecord, at location: RecordLocation) throws(StorageError) {
        try packs.forEachManifest(at: location, count: part.manifestCount) { manifests throws(StorageError) in
            for manifest in manifests {
                batch.remove(.references, IndexKey.reference(part.tenant, manifest.digest, from: .part(part.id)))
            }
            try spill()
        }
    }

    // MARK: Clock and feed

    private mutating func note(_ dot: Dot, _ row: FeedRow, _ arrival: RecordArrival) {
        sequences[dot.origin] = max(sequences[dot.origin] ?? 0, dot.sequence)
        if dot.origin == applied.origin { applied.sequence = max(applied.sequence, dot.sequence) }
        // A move is no news; its row may have been forgotten since.
        if arrival != .moved { batch.put(.feed, IndexKey.feed(dot), row.bytes) }
        note(row.time)
    }

    private mutating func note(_ stamp: HybridTimestamp) { applied.clock = max(applied.clock, stamp) }
}
