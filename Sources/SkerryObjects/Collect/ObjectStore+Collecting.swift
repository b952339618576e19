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
    /// A chunk goes when it was found unused, was not used since, the grace passed, every reader that began before it was found has ended,
    /// no upload pins it, and in the commit that removes it still nothing refers to it. So a first run mostly finds, and a later one removes.
    @discardableResult
    public func collect() async throws(ObjectError) -> CollectionReport {
        guard collector.begin() else { throw ObjectError(.conditionalConflict, "A collection or a verification is running already.") }
        defer { collector.end() }
        var report = CollectionReport()
        var live = try await sweep(&report)
        let ripe = collector.ripe(now: now(), grace: options.collectionGrace, isQuiet: epochs.isQuiet)
        for blocks in RemovalBatches(ripe) {
            let removed = try await remove(blocks)
            for location in removed { live.remove(location) }
            report.removedBlocks += removed.count
        }
        try await trim()
        try await rewritePacks(live, &report)
        return report
    }

    /// Finds unused blocks and counts the bytes of each pack that rows name.
    private func sweep(_ report: inout CollectionReport) async throws(ObjectError) -> PackUsage {
        let metadata = metadata
        collector.beginSweep()
        let (live, unused) = try await onDisk { () throws(StorageError) in
            var live = try PackUsage.ofRows(metadata)
            var unused: [CollectorState.Unused] = []
            try ReferenceSweep(metadata: metadata).run { found in
                // Unused blocks count as well until they are removed: nothing is gained by moving them to another pack.
                live.add(found.row.location)
                if !found.isReferenced, unused.count < CollectorState.candidatesMaximum {
                    unused.append(CollectorState.Unused(name: found.name, isManifest: found.row.isManifest))
                }
            }
            return (live, unused)
        }
        report.unusedBlocks = unused.count
        // A commit whose removals the sweep has seen may not have told the cache of versions yet. Behind an empty commit it has, and a reader
        // who begins in the next epoch finds nothing that refers to what was unused.
        try await barrier()
        collector.update(unused: unused, epoch: epochs.advance(), now: now())
        return live
    }

    /// Returns when every commit that began before is in the index and in memory, and so are all blocks that were appended before.
    func barrier() async throws(ObjectError) { try await committer.commit(.everything) { _ throws(ObjectError) in } }

    /// Removes those of the blocks that nobody pins, and returns where they stood.
    private func remove(_ blocks: [CollectorState.Unused]) async throws(ObjectError) -> [RecordLocation] {
        let pins = self.blocks.pins
        let condemned = blocks.filter { pins.condemn($0.name) }
        defer { pins.pardon(condemned.map(\.name)) }
        // An upload may have used the block and let go of it since the candidates were listed. From here on nobody can without being seen.
        let removed = try await removeCondemned(condemned.filter { collector.isCandidate($0.name) })
        collector.forget(condemned.map(\.name))
        return removed
    }

    /// Removes those of the condemned blocks that are still unused when their turn to commit comes.
    func removeCondemned(_ condemned: [CollectorState.Unused]) async throws(ObjectError) -> [RecordLocation] {
        let blocks = blocks
        // What a manifest names follows from its name, so it is read before the committer's turn.
        let wishes = try await onDisk { () throws(StorageError) in
            var wishes: [(name: BlockName, manifest: Manifest?)] = []
            for block in condemned {
                // A row that is gone already needs no removal.
                guard try blocks.row(block.name) != nil else { continue }
                wishes.append((block.name, block.isManifest ? try blocks.manifest(block.name) : nil))
            }
            return wishes
        }
        return try await committer.commit(.everything) { context throws(ObjectError) in
            try engine { () throws(StorageError) in
                var removed: [RecordLocation] = []
                for wish in wishes {
                    // Whoever pinned it since it was condemned has stored it anew, and its row may name that place already.
                    guard !blocks.pins.isPinned(wish.name), try context.isUnused(wish.name), let row = try blocks.row(wish.name) else {
                        continue
                    }
                    context.remove(.block(wish.name.tenant, wish.name.digest, wish.manifest))
                    removed.append(row.location)
                }
                return removed
            }
        }
    }

    // MARK: Trimming

    /// Forgets feed rows and answers of completed uploads that are older than the retention. No other site waits for them yet.
    private func trim() async throws(ObjectError) {
        let oldest = now() - min(now(), options.feedRetention)
        let metadata = metadata
        let rows = try await onDisk { () throws(StorageError) in try ObjectStore.expiredRows(before: oldest, metadata) }
        for start in stride(from: 0, to: rows.count, by: ObjectStore.trimBatchMaximum) {
            let batch = rows[start..<min(start + ObjectStore.trimBatchMaximum, rows.count)]
            try await committer.commit(.everything) { context throws(ObjectError) in
                for (family, key) in batch { context.remove(.row(family, key)) }
            }
        }
    }

    /// Rows of each family that one trim removes at most.
    private static let trimMaximum = 100_000
    /// Rows that one commit removes.
    private static let trimBatchMaximum = 5000

    private static func expiredRows(
        before oldest: UInt64, _ metadata: any MetadataEngine
    ) throws(StorageError) -> [(MetadataFamily, [UInt8])] {
        var rows: [(MetadataFamily, [UInt8])] = []
        // The rows of an origin stand in the order of their stamps.
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

/// Cuts a list of blocks into what one commit may remove: a manifest counts for the edges that go with it.
private struct RemovalBatches: Sequence, IteratorProtocol {
    /// Weight of one commit.
    private static let weightMaximum = 1024
    private static let manifestWeight = 32

    private var rest: ArraySlice<CollectorState.Unused>

    init(_ blocks: [CollectorState.Unused]) { rest = blocks[...] }

    mutating func next() -> [CollectorState.Unused]? {
        guard !rest.isEmpty else { return nil }
        var weight = 0
        let batch = rest.prefix { block in
            weight += block.isManifest ? RemovalBatches.manifestWeight : 1
            return weight <= RemovalBatches.weightMaximum
        }
        rest = rest.dropFirst(batch.count)
        return Array(batch)
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
