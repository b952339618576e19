extension ClosedRange: Shaped where Bound: Shaped {
    public static var fields: Fields {
        .cached(for: Self.self) { Fields("ClosedRange<\(Bound.shape.name)>", [Field("lower", Bound.self), Field("upper", Bound.self)]) }
    }

    public static var shape: Shape { .record(fields) }

    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        try Bounds.write(lowerBound, upperBound, Self.fields, to: &writer)
    }

    /// - Throws: ``ShapeError/Code/invalidValue`` when the bounds are the wrong way round.
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> ClosedRange<Bound> {
        let (lower, upper): (Bound, Bound) = try Bounds.read(fields, from: &reader)
        return lower...upper
    }
}

extension Range: Shaped where Bound: Shaped {
    public static var fields: Fields {
        .cached(for: Self.self) { Fields("Range<\(Bound.shape.name)>", [Field("lower", Bound.self), Field("upper", Bound.self)]) }
    }

    public static var shape: Shape { .record(fields) }

    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        try Bounds.write(lowerBound, upperBound, Self.fields, to: &writer)
    }

    /// - Throws: ``ShapeError/Code/invalidValue`` when the bounds are the wrong way round.
    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Range<Bound> {
        let (lower, upper): (Bound, Bound) = try Bounds.read(fields, from: &reader)
        return lower..<upper
    }
}

/// What both kinds of range have in common.
private enum Bounds {
    static func write<Bound: Shaped, W: ShapeWriter & ~Copyable>(
        _ lower: Bound, _ upper: Bound, _ fields: Fields, to writer: inout W
    ) throws(ShapeError) {
        var record = try writer.beginRecord(fields)
        try writer.field(lower, 0, in: &record)
        try writer.field(upper, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<Bound: Shaped & Comparable, R: ShapeReader & ~Copyable>(
        _ fields: Fields, from reader: inout R
    ) throws(ShapeError) -> (Bound, Bound) {
        var lower: Bound?
        var upper: Bound?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&lower, in: record)
            default: try reader.field(&upper, in: record)
            }
        }
        let bounds = (try record.require(lower, 0), try record.require(upper, 1))
        guard bounds.0 <= bounds.1 else {
            throw ShapeError(.invalidValue, "the lower bound \(bounds.0) is above the upper bound \(bounds.1)", at: record.offset)
        }
        return bounds
    }
}
