import SkerryStorage

/// The head of the records of one commit: the records that follow in the same pack count only if all of them are there.
///
/// Only the end of the log can be torn, and after a crash the log goes on in a new pack: a group that its pack ends in was never whole.
struct GroupRecord: Sendable {
    /// Most records of a group.
    static let countMaximum = 1_000_000

    /// Records behind this one.
    var count: Int

    var fields: [UInt8] {
        var writer = FieldWriter(reserving: 4)
        writer.write(count)
        return writer.bytes
    }

    init(count: Int) { self.count = count }

    init(fields: [UInt8]) throws(StorageError) {
        var reader = FieldReader(fields)
        count = try reader.readCount(maximum: GroupRecord.countMaximum)
    }
}
