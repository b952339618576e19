extension Bool: Shaped {
    public static var shape: Shape { .bool }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Bool { try reader.readBool() }
}

extension Float: Shaped {
    public static var shape: Shape { .float }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Float { try reader.readFloat() }
}

extension Double: Shaped {
    public static var shape: Shape { .double }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Double { try reader.readDouble() }
}

extension String: Shaped {
    public static var shape: Shape { .string }
    @inlinable public static var isTextual: Bool { true }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> String { try reader.readString() }
}
