extension Optional: Shaped where Wrapped: Shaped {
    public static var shape: Shape { .option(Wrapped.shape) }
    @inlinable public static var absent: Wrapped?? { .some(nil) }
    @inlinable public var isAbsent: Bool { self == nil }
    @inlinable public static var isNullable: Bool { true }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        guard let value = self else { return try writer.writeNil() }
        try writer.beginSome(isNested: Wrapped.isNullable)
        try value.write(to: &writer)
        try writer.endSome(isNested: Wrapped.isNullable)
    }

    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Wrapped? {
        guard try reader.beginOption(isNested: Wrapped.isNullable) else { return nil }
        let value = try Wrapped.read(from: &reader)
        try reader.endOption(isNested: Wrapped.isNullable)
        return value
    }
}
