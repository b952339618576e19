import SkerryChunks
import SkerryStorage

@testable import SkerryObjects

/// What the index says, as far as it follows from the log: the rest (feed rows that were trimmed, blocks nothing refers to) may differ
/// between an index that was kept and one that was made anew.
struct Dump: Equatable {
    /// Key and fields of each version, without its place.
    var versions: [[UInt8]: [UInt8]] = [:]
    var current: [[UInt8]: [UInt8]] = [:]
    /// Uploads and parts, without their places.
    var uploads: [[UInt8]: [UInt8]] = [:]
    var settings: [[UInt8]: [UInt8]] = [:]
    /// Edges that begin at a version or part, or at a manifest which such an edge leads to.
    var references: Set<[UInt8]> = []
    /// Chunks and manifests that these edges lead to and that are there.
    var blocks: Set<[UInt8]> = []
    var sequence: UInt64 = 0

    init(_ metadata: any MetadataEngine) throws(StorageError) {
        versions = try Dump.located(metadata, .versions)
        uploads = try Dump.located(metadata, .uploads).filter { $0.key.first != 3 }
        settings = try Dump.located(metadata, .settings)
        sequence = try metadata.get(.settings, IndexKey.applied).map { row throws(StorageError) in try AppliedRow(row).sequence } ?? 0
        current = try Dump.rows(metadata, .current)
        let edges = Set(try Dump.rows(metadata, .references).keys)
        let roots = edges.filter { $0[40] != UInt8(ascii: "m") }
        let reachable = Set(roots.map { Array($0[..<40]) })
        references = roots.union(edges.filter { $0[40] == UInt8(ascii: "m") && reachable.contains(Array($0[..<8] + $0[41...])) })
        let blocks = Set(try Dump.rows(metadata, .chunks).keys)
        self.blocks = Set(references.map { Array($0[..<40]) }).intersection(blocks)
    }

    /// Blocks that something refers to and that are not there.
    var missingBlocks: Int { Set(references.map { Array($0[..<40]) }).subtracting(blocks).count }

    static func rows(_ metadata: any MetadataEngine, _ family: MetadataFamily) throws(StorageError) -> [[UInt8]: [UInt8]] {
        var rows: [[UInt8]: [UInt8]] = [:]
        try metadata.scan(family, .all) { key, row in
            rows[Array(key)] = Array(row)
            return .next
        }
        return rows
    }

    private static func located(_ metadata: any MetadataEngine, _ family: MetadataFamily) throws(StorageError) -> [[UInt8]: [UInt8]] {
        var rows: [[UInt8]: [UInt8]] = [:]
        for (key, row) in try Dump.rows(metadata, family) where key != IndexKey.applied {
            rows[key] = Array(try LocatedRow.parse(row[...]).fields)
        }
        return rows
    }

}
