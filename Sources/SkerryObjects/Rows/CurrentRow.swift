import SkerryChunks
import SkerryStorage

/// A row of `current`: what a listing prints of a key, so that it need not read the version.
struct CurrentRow: Sendable {
    var id: VersionID
    var isNull: Bool
    var size: UInt64
    var etag: ETag
    var checksumAlgorithm: ChecksumAlgorithm?
    var checksumKind: ChecksumType

    init(_ version: ObjectVersion) {
        id = version.id
        isNull = version.isNull
        size = version.size
        etag = version.etag
        checksumAlgorithm = version.checksum?.value.algorithm
        checksumKind = version.checksum?.kind ?? .fullObject
    }

    var bytes: [UInt8] {
        var writer = FieldWriter(reserving: 48)
        writer.write(id)
        writer.write(isNull)
        writer.write(size)
        writer.write(etag)
        writer.write(byte: checksumAlgorithm.map { $0.rawValue + 1 } ?? 0)
        writer.write(byte: checksumKind.rawValue)
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(StorageError) {
        var reader = FieldReader(bytes)
        id = try reader.readVersionID()
        isNull = try reader.readBool()
        size = try reader.readInteger()
        etag = try reader.readETag()
        let algorithm = try reader.readByte()
        checksumAlgorithm = algorithm == 0 ? nil : ChecksumAlgorithm(rawValue: algorithm - 1)
        checksumKind = ChecksumType(rawValue: try reader.readByte()) ?? .fullObject
    }
}
