import SkerryChunks
import SkerryStorage

/// One manifest of a body, with the offset at which it ends in the object: 40 bytes, so that a range is found by bisection.
struct ManifestReference: Sendable, Hashable {
    static let byteCount = 40

    var digest: Digest
    /// First byte of the object behind this manifest.
    var end: UInt64

    static func bytes(_ references: some Sequence<ManifestReference>) -> [UInt8] {
        var writer = FieldWriter()
        for reference in references {
            writer.write(raw: reference.digest.bytes)
            writer.write(fixed: reference.end)
        }
        return writer.bytes
    }

    static func parse(_ bytes: ArraySlice<UInt8>) throws(StorageError) -> [ManifestReference] {
        var reader = FieldReader(bytes)
        var references: [ManifestReference] = []
        references.reserveCapacity(bytes.count / byteCount)
        while !reader.isAtEnd {
            let digest = try reader.readDigest()
            references.append(ManifestReference(digest: digest, end: try reader.readFixed()))
        }
        return references
    }
}

/// One part in the body of a completed version: 45 bytes behind the manifests.
struct PartEntry: Sendable, Hashable {
    static let byteCount = 45

    var number: Int
    /// First byte of the object behind this part.
    var end: UInt64
    /// The part's checksum in the version's algorithm; empty when it has none, at most 32 bytes.
    var checksum: [UInt8]

    static func bytes(_ entries: some Sequence<PartEntry>) -> [UInt8] {
        var writer = FieldWriter()
        for entry in entries {
            writer.write(byte: UInt8(truncatingIfNeeded: entry.number >> 8))
            writer.write(byte: UInt8(truncatingIfNeeded: entry.number))
            writer.write(fixed: entry.end)
            writer.write(byte: UInt8(entry.checksum.count))
            writer.write(raw: entry.checksum)
            writer.write(raw: [UInt8](repeating: 0, count: byteCount - 11 - entry.checksum.count))
        }
        return writer.bytes
    }

    static func parse(_ bytes: ArraySlice<UInt8>) throws(StorageError) -> [PartEntry] {
        var reader = FieldReader(bytes)
        var entries: [PartEntry] = []
        while !reader.isAtEnd {
            let high = Int(try reader.readByte())
            let low = Int(try reader.readByte())
            let end = try reader.readFixed()
            let count = Int(try reader.readByte())
            let room = try reader.read(raw: byteCount - 11)
            guard count <= room.count else { throw StorageError(.corrupt, "part entry with a checksum of \(count) bytes") }
            entries.append(PartEntry(number: high << 8 | low, end: end, checksum: Array(room.prefix(count))))
        }
        return entries
    }
}
