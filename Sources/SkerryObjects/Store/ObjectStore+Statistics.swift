import SkerryChunks
import SkerryCRDT
import SkerryStorage

/// What a store holds.
public struct StoreStatistics: Sendable, Hashable {
    public struct BucketStatistics: Sendable, Hashable {
        public var name: String
        /// Keys with a current version that is no delete marker.
        public var objects: UInt64
        /// Versions, delete markers not among them.
        public var versions: UInt64
        /// Bytes of all versions, as clients see them.
        public var logicalBytes: UInt64
    }

    /// By name.
    public var buckets: [BucketStatistics] = []
    public var objects: UInt64 = 0
    public var versions: UInt64 = 0
    public var logicalBytes: UInt64 = 0
    /// Bytes of distinct chunks and inline bodies that versions and parts refer to.
    public var uniqueBytes: UInt64 = 0
    /// Bytes of chunks nothing refers to, waiting for collection.
    public var garbageBytes: UInt64 = 0
    /// Bytes of all packs up to their last record.
    public var packBytes: UInt64 = 0
    /// Logical bytes for each unique byte; 1 when there are none.
    public var dedupRatio: Double { uniqueBytes == 0 ? 1 : Double(logicalBytes) / Double(uniqueBytes) }
}

extension ObjectStore {
    /// Counts by walking the index: exact, O(versions + chunks).
    public func statistics() async throws(ObjectError) -> StoreStatistics {
        let names = registry.read { state in state.buckets.values.map { ($0.id, $0.name) } }.sorted { $0.1 < $1.1 }
        let (metadata, packs) = (metadata, packs)
        return try await onDisk { () throws(StorageError) in
            var statistics = StoreStatistics()
            for (id, name) in names {
                let bucket = try ObjectStore.count(id, name, metadata, inlineBytes: &statistics.uniqueBytes)
                statistics.buckets.append(bucket)
                statistics.objects += bucket.objects
                statistics.versions += bucket.versions
                statistics.logicalBytes += bucket.logicalBytes
            }
            try ReferenceSweep(metadata: metadata).run { found in
                guard !found.row.isManifest else { return }
                let length = UInt64(found.row.location.bodyLength)
                if found.isReferenced { statistics.uniqueBytes += length } else { statistics.garbageBytes += length }
            }
            statistics.packBytes = try packs.packs().reduce(0) { $0 + $1.length }
            return statistics
        }
    }

    private static func count(
        _ id: BucketID, _ name: String, _ metadata: any MetadataEngine, inlineBytes: inout UInt64
    ) throws(StorageError) -> StoreStatistics.BucketStatistics {
        var bucket = StoreStatistics.BucketStatistics(name: name, objects: 0, versions: 0, logicalBytes: 0)
        try metadata.scan(.current, KeyRange(prefix: IndexKey.current(id, raw: []))) { _, _ in
            bucket.objects += 1
            return .next
        }
        var inline: UInt64 = 0
        try metadata.scan(.versions, IndexKey.versions(of: id)) { _, row throws(StorageError) in
            let version = try LocatedRow.version(Array(row)).version
            guard !version.isDeleteMarker else { return .next }
            bucket.versions += 1
            bucket.logicalBytes += version.size
            if version.body == .inline { inline += version.size }
            return .next
        }
        inlineBytes += inline
        return bucket
    }
}
