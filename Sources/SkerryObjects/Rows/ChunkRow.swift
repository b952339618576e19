import SkerryStorage

/// A row of `chunks`: where the bytes of a chunk or manifest stand.
struct ChunkRow: Sendable, Hashable {
    var location: RecordLocation
    var isManifest: Bool

    init(location: RecordLocation, isManifest: Bool) {
        self.location = location
        self.isManifest = isManifest
    }

    var bytes: [UInt8] {
        var writer = FieldWriter(reserving: 20)
        writer.write(location)
        writer.write(isManifest)
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(StorageError) {
        var reader = FieldReader(bytes)
        location = try reader.readLocation()
        isManifest = try reader.readBool()
    }
}
