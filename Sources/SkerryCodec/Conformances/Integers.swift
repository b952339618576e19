// `Int` and `UInt` travel as 64 bits on every machine.

extension Int8: Shaped {
    public static var shape: Shape { .integer(.int8) }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(integer: self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Int8 {
        try reader.readInteger(Int8.self)
    }
}

extension Int16: Shaped {
    public static var shape: Shape { .integer(.int16) }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(integer: self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Int16 {
        try reader.readInteger(Int16.self)
    }
}

extension Int32: Shaped {
    public static var shape: Shape { .integer(.int32) }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(integer: self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Int32 {
        try reader.readInteger(Int32.self)
    }
}

extension Int64: Shaped {
    public static var shape: Shape { .integer(.int64) }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(integer: self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Int64 {
        try reader.readInteger(Int64.self)
    }
}

extension UInt8: Shaped {
    public static var shape: Shape { .integer(.uint8) }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(integer: self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> UInt8 {
        try reader.readInteger(UInt8.self)
    }
}

extension UInt16: Shaped {
    public static var shape: Shape { .integer(.uint16) }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(integer: self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> UInt16 {
        try reader.readInteger(UInt16.self)
    }
}

extension UInt32: Shaped {
    public static var shape: Shape { .integer(.uint32) }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(integer: self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> UInt32 {
        try reader.readInteger(UInt32.self)
    }
}

extension UInt64: Shaped {
    public static var shape: Shape { .integer(.uint64) }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(integer: self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> UInt64 {
        try reader.readInteger(UInt64.self)
    }
}

extension Int: Shaped {
    public static var shape: Shape { .integer(.int64) }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(integer: self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Int {
        try reader.readInteger(Int.self)
    }
}

extension UInt: Shaped {
    public static var shape: Shape { .integer(.uint64) }

    @inlinable @inline(__always)
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try writer.write(integer: self) }

    @inlinable @inline(__always)
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> UInt {
        try reader.readInteger(UInt.self)
    }
}
