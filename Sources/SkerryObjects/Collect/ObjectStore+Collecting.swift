import SkerryChunks
import SkerryCRDT
import SkerryStorage

/// What a collection did.
public struct CollectionReport: Sendable, Hashable {
    /// Blocks that nothing refers to, before this run.
    public var unusedBlocks = 0
    public var removedBlocks = 0
    public var rewrittenPacks = 0
    /// Bytes of the packs that went, less what was moved out of them.
    public var freedBytes: Int64 = 0
}

extension ObjectStore {
    /// Removes chunks that nothing refers to and rewrites packs that are mostly dead. Safe beside reads and writes; one run at a time.
    ///
    /// A chunk goes when it was found unused, the grace passed, every reader that began before then has ended, no upload pins it, and
    /// in the commit that removes it still nothing refers to it. So a first run mostly finds, and a later one removes.
    @discardableResult
    public func collect() async throws(ObjectError) -> CollectionReport {
        guard collector.begin() else { throw ObjectError(.conditionalConflict, "A collection is running already.") }
        defer { collector.end() }
        var report = CollectionReport()
        let live = try await sweep(&report)
        let ripe = collector.ripe(now: now(), grace: options.collectionGrace, isQuiet: epochs.isQuiet)
        for start in stride(from: 0, to: ripe.count, by: ObjectStore.removalMaximum) {
            let names = Array(ripe[start..<min(start + ObjectStore.removalMaximum, ripe.count)])
            report.removedBlocks += try await remove(names)
        }
        try await trim()
        try await rewritePacks(live, &report)
        return report
    }

    /// Blocks removed in one commit.
    private static let removalMaximum = 1000

    /// Finds unused blocks and counts the live bytes of each pack.
    private func sweep(_ report: inout CollectionReport) async throws(ObjectError) -> [UInt64: UInt64] {
        let metadata = metadata
        let (live, unused) = try await onDisk { () throws(StorageError) in
            var live = try PackUsage.ofRows(metadata)
            var unused: [BlockName] = []
            try ReferenceSweep(metadata: metadata).run { found in
                if found.isReferenced {
                    live.add(found.row.location)
                } else if unused.count < CollectorState.candidatesMaximum {
                    unused.append(found.name)
                }
            }
            return (live.bytes, unused)
        }
        report.unusedBlocks = unused.count
        collector.update(unused: unused, epoch: epochs.advance(), now: now())
        return live
    }

    private func remove(_ names: [BlockName]) async throws(ObjectError) -> Int {
        let condemned = names.filter(blocks.pins.condemn)
        defer { blocks.pins.pardon(condemned) }
        let blocks = blocks
        let count = try await committer.commit(.everything) { context throws(ObjectError) in
            try engine { () throws(StorageError) in
                var count = 0
                for name in condemned where try context.isUnused(name) {
                    guard let row = try context.metadata.get(.chunks, IndexKey.chunk(name.tenant, name.digest)) else { continue }
                    let manifest = try ChunkRow(row).isManifest ? blocks.manifest(name) : nil
                    context.remove(.block(name.tenant, name.digest, manifest))
                    count += 1
                }
                return count
            }
        }
        collector.forget(condemned)
        return count
    }

    /// Forgets feed rows and answers of completed uploads that are older than the retention. No other site waits for them yet.
    private func trim() async throws(ObjectError) {
        let oldest = now() - min(now(), options.feedRetention)
        let metadata = metadata
        let rows = try await onDisk { () throws(StorageError) in try ObjectStore.expiredRows(before: oldest, metadata) }
        guard !rows.isEmpty else { return }
        try await committer.commit(.everything) { context throws(ObjectError) in
            for (family, key) in rows { context.remove(.row(family, key)) }
        }
    }

    /// Rows that one trim removes at most.
    private static let trimMaximum = 100_000

    private static func expiredRows(
        before oldest: UInt64, _ metadata: any MetadataEngine
    ) throws(StorageError) -> [(MetadataFamily, [UInt8])] {
        var rows: [(MetadataFamily, [UInt8])] = []
        try metadata.scan(.feed, .all) { key, row throws(StorageError) in
            guard try FeedRow(Array(row)).time.milliseconds < oldest, rows.count < trimMaximum else { return .stop }
            rows.append((.feed, Array(key)))
            return .next
        }
        try metadata.scan(.uploads, IndexKey.completions) { key, row throws(StorageError) in
            let record = try UploadEndRecord(fields: try LocatedRow.parse(Array(row)[...]).fields)
            if record.time.milliseconds < oldest { rows.append((.uploads, Array(key))) }
            return rows.count < 2 * trimMaximum ? .next : .stop
        }
        return rows
    }
}

extension CommitContext {
    fileprivate func isUnused(_ name: BlockName) throws(StorageError) -> Bool {
        var isUnused = true
        try metadata.scan(.references, KeyRange(prefix: IndexKey.chunk(name.tenant, name.digest))) { _, _ in
            isUnused = false
            return .stop
        }
        return isUnused
    }
}
