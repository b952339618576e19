import SkerryCRDT
import SkerryStorage

/// The record that removes versions of a key for good.
struct TombstoneRecord: Sendable {
    /// When and where the removal was made.
    var id: VersionID
    var bucket: BucketID
    var key: ObjectKey
    var dot: Dot
    var context: CausalContext
    var removed: [VersionID]
    /// Whether it is the null version that was removed: then all null versions that ``context`` covers are gone.
    var isOfNull: Bool

    var fields: [UInt8] {
        var writer = FieldWriter()
        writer.write(id)
        writer.write(fixed: bucket.rawValue)
        writer.write(key.bytes)
        writer.write(dot)
        writer.write(context)
        writer.write(removed.count)
        for version in removed { writer.write(version) }
        writer.write(isOfNull)
        return writer.bytes
    }

    init(id: VersionID, bucket: BucketID, key: ObjectKey, dot: Dot, context: CausalContext, removed: [VersionID], isOfNull: Bool) {
        self.id = id
        self.bucket = bucket
        self.key = key
        self.dot = dot
        self.context = context
        self.removed = removed
        self.isOfNull = isOfNull
    }

    init(fields: [UInt8]) throws(StorageError) {
        var reader = FieldReader(fields)
        id = try reader.readVersionID()
        bucket = BucketID(rawValue: try reader.readFixed())
        key = try reader.readKey()
        dot = try reader.readDot()
        context = try reader.readContext()
        removed = []
        for _ in 0..<(try reader.readCount(maximum: 1_000_000)) { removed.append(try reader.readVersionID()) }
        isOfNull = try reader.readBool()
    }
}
