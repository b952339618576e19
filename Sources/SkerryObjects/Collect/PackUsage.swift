import SkerryStorage

/// Bytes of live records in each pack.
struct PackUsage: Sendable {
    private(set) var bytes: [UInt64: UInt64] = [:]

    mutating func add(_ location: RecordLocation) { bytes[location.position.pack, default: 0] += location.byteCount }

    mutating func remove(_ location: RecordLocation) {
        guard let count = bytes[location.position.pack] else { return }
        bytes[location.position.pack] = count - min(count, location.byteCount)
    }

    /// What versions, uploads, parts and settings use; blocks are counted by the sweep. Calls block.
    static func ofRows(_ metadata: any MetadataEngine) throws(StorageError) -> PackUsage {
        var usage = PackUsage()
        for family in [MetadataFamily.versions, .uploads, .settings] {
            try metadata.scan(family, .all) { key, row throws(StorageError) in
                guard Array(key) != IndexKey.applied else { return .next }
                usage.add(try LocatedRow.location(Array(row)))
                return .next
            }
        }
        return usage
    }
}

extension RecordLocation {
    /// Bytes of the whole record.
    var byteCount: UInt64 { UInt64(LogRecord.headerLength) + UInt64(fieldsLength) + UInt64(bodyLength) }
}
