public import SkerryCodec

/// Nothing, as a record: the parameters of a method without any, and the result of one that answers only that it is done.
public struct NoValue: Shaped, Equatable {
    public static let fields = Fields("NoValue", [])

    @inlinable
    public init() {}

    public static var shape: Shape { .record(fields) }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.endRecord(&record)
    }

    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        // Fields of a later version are the format's to skip or refuse.
        while try reader.nextField(&record) != nil {}
        return Self()
    }
}
