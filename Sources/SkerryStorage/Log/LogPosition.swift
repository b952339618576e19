/// A place in the log: a byte of a pack file. Positions grow in the order in which records were appended.
public struct LogPosition: Sendable, Hashable, Comparable {
    /// Number of the pack, from 1; packs are numbered in the order of their creation and numbers are never used again.
    public var pack: UInt64
    /// Byte offset in the pack.
    public var offset: UInt64

    public init(pack: UInt64, offset: UInt64) {
        self.pack = pack
        self.offset = offset
    }

    /// Before every record.
    public static let start = LogPosition(pack: 0, offset: 0)

    public static func < (left: LogPosition, right: LogPosition) -> Bool {
        (left.pack, left.offset) < (right.pack, right.offset)
    }
}

/// Where a record stands in the log, and how its two parts lie in it.
public struct RecordLocation: Sendable, Hashable {
    /// First byte of the record's header.
    public var position: LogPosition
    /// Bytes of the record's fields (see ``LogRecord/fields``).
    public var fieldsLength: UInt32
    /// Bytes of the record's body.
    public var bodyLength: UInt32

    public init(position: LogPosition, fieldsLength: UInt32, bodyLength: UInt32) {
        self.position = position
        self.fieldsLength = fieldsLength
        self.bodyLength = bodyLength
    }

    /// Offset of the first body byte in its pack; the body lies contiguous, as it was given, so that a file region can be sent as it is.
    public var bodyOffset: UInt64 { position.offset + UInt64(LogRecord.headerLength) + UInt64(fieldsLength) }

    /// First byte after the record.
    public var end: LogPosition { LogPosition(pack: position.pack, offset: bodyOffset + UInt64(bodyLength)) }
}
