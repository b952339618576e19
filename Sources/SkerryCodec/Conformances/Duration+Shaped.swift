/// Durations are seconds and the attoseconds beside them, both of one sign, so that none is rounded.
extension Duration: Shaped {
    public static let fields = Fields("Duration", [Field("seconds", Int64.self), Field("attoseconds", Int64.self)])
    public static var shape: Shape { .record(fields) }

    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(components.seconds, 0, in: &record)
        try writer.field(components.attoseconds, 1, in: &record)
        try writer.endRecord(&record)
    }

    /// - Throws: ``ShapeError/Code/invalidValue`` when the attoseconds are a second or more, or of the other sign.
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Duration {
        var seconds: Int64?
        var attoseconds: Int64?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&seconds, in: record)
            default: try reader.field(&attoseconds, in: record)
            }
        }
        let (whole, part) = (try record.require(seconds, 0), try record.require(attoseconds, 1))
        guard part.magnitude < 1_000_000_000_000_000_000, whole == 0 || part == 0 || (whole < 0) == (part < 0) else {
            throw ShapeError(.invalidValue, "\(part) attoseconds do not go with \(whole) seconds", at: record.offset)
        }
        return Duration(secondsComponent: whole, attosecondsComponent: part)
    }
}
