import SkerryCodec

// What `@Shape` emits for the types of the example.

extension Point: Shaped {
    static let fields = Fields("Point", [Field("x", Int.self), Field("y", Int.self)])

    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(x, 0, in: &record)
        try writer.field(y, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var x: Int?
        var y: Int?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&x, in: record)
            default: try reader.field(&y, in: record)
            }
        }
        return try Self(x: record.require(x, 0), y: record.require(y, 1))
    }
}

extension ArithError: Shaped {
    static let cases = Cases("ArithError", [Case("divisionByZero"), Case("overflow", String.self)])

    static var shape: Shape { .variant(cases) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        switch self {
        case .divisionByZero: try writer.variant(0, of: Self.cases)
        case .overflow(let of): try writer.variant(1, of: Self.cases, of)
        }
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var variant = try reader.beginVariant(cases)
        let value: Self
        switch variant.index {
        case 0: value = .divisionByZero
        default: value = .overflow(of: try reader.payload(String.self, in: variant))
        }
        try reader.endVariant(&variant)
        return value
    }
}
