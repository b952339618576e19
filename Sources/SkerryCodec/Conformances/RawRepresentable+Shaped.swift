/// Raw-representable types travel as their raw value: an enum with raw values or a wrapper declares `: Shaped` and needs nothing else.
extension Shaped where Self: RawRepresentable, RawValue: Shaped {
    public static var shape: Shape { .alias(Shape.Alias(name: String(describing: Self.self), carrier: RawValue.shape)) }
    @inlinable public static var isNullable: Bool { RawValue.isNullable }
    @inlinable public static var isTextual: Bool { RawValue.isTextual }

    @inlinable
    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) { try rawValue.write(to: &writer) }

    /// - Throws: ``ShapeError/Code/invalidValue`` when the type refuses the raw value.
    @inlinable
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        let start = reader.offset
        let raw = try RawValue.read(from: &reader)
        guard let value = Self(rawValue: raw) else {
            throw ShapeError(.invalidValue, "\(raw) is no \(Self.self)", at: start)
        }
        return value
    }
}

extension Shaped where Self: RawRepresentable & CaseIterable, RawValue: Shaped {
    /// An alias that lists the values the type takes.
    public static var shape: Shape {
        let values = allCases.compactMap { try? Value(encoding: $0.rawValue) }
        return .alias(Shape.Alias(name: String(describing: Self.self), carrier: RawValue.shape, values: values))
    }
}
