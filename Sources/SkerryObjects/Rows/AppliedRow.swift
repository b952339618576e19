import SkerryCRDT
import SkerryStorage

/// How far into the log the index goes, with the state of the committer at that place. Stands in every batch.
struct AppliedRow: Sendable, Hashable {
    /// First position that is not yet in the index.
    var position: LogPosition = .start
    /// nil before the log was founded.
    var origin: OriginID?
    var siteName = ""
    /// The last sequence this origin has given out.
    var sequence: UInt64 = 0
    /// The highest stamp in the log.
    var clock: HybridTimestamp = .zero

    init() {}

    var bytes: [UInt8] {
        var writer = FieldWriter(reserving: 48)
        writer.write(position.pack)
        writer.write(position.offset)
        writer.write(origin) { $0.write(fixed: $1.rawValue) }
        writer.write(siteName)
        writer.write(sequence)
        writer.write(fixed: clock.rawValue)
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(StorageError) {
        var reader = FieldReader(bytes)
        position = LogPosition(pack: try reader.readInteger(), offset: try reader.readInteger())
        origin = try reader.readOptional { reader throws(StorageError) in OriginID(rawValue: try reader.readFixed()) }
        siteName = try reader.readString()
        sequence = try reader.readInteger()
        clock = HybridTimestamp(rawValue: try reader.readFixed())
    }
}
