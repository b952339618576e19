import SkerryCodec

/// A record that contains itself.
struct Tree: Sample {
    var name: String
    var children: [Tree]

    static let fields = Fields("Tree", [Field("name", String.self), Field("children", [Tree].self)])
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(name, 0, in: &record)
        try writer.field(children, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Tree {
        var name: String?
        var children: [Tree]?
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&name, in: record)
            default: try reader.field(&children, in: record)
            }
        }
        return Tree(name: try record.require(name, 0), children: try record.require(children, 1))
    }

    /// A tree of one branch, `levels` high.
    static func chain(_ levels: Int) -> Tree {
        (1..<levels).reduce(Tree(name: "leaf", children: [])) { tree, level in Tree(name: "\(level)", children: [tree]) }
    }
}

/// A variant that contains itself, with cases of every kind: no payload, one value, labelled values.
indirect enum Expression: Sample {
    case zero
    case number(Int)
    case negative(Expression)
    case sum(left: Expression, right: Expression, note: String?)

    static let cases = Cases(
        "Expression",
        [
            Case("zero"), Case("number", Int.self), Case("negative", Expression.self),
            Case(
                "sum",
                Fields(
                    "Expression.sum",
                    [Field("left", Expression.self), Field("right", Expression.self), Field("note", String?.self)])),
        ])
    static var shape: Shape { .variant(cases) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        switch self {
        case .zero: try writer.variant(0, of: Self.cases)
        case .number(let value): try writer.variant(1, of: Self.cases, value)
        case .negative(let value): try writer.variant(2, of: Self.cases, value)
        case .sum(let left, let right, let note):
            var variant = try writer.beginVariant(3, of: Self.cases)
            var record = try writer.beginRecord(Self.cases.fields(3))
            try writer.field(left, 0, in: &record)
            try writer.field(right, 1, in: &record)
            try writer.field(note, 2, in: &record)
            try writer.endRecord(&record)
            try writer.endVariant(&variant)
        }
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Expression {
        let value: Expression
        var variant = try reader.beginVariant(cases)
        switch variant.index {
        case 0: value = .zero
        case 1: value = .number(try reader.payload(Int.self, in: variant))
        case 2: value = .negative(try reader.payload(Expression.self, in: variant))
        default:
            var left: Expression?
            var right: Expression?
            var note: String??
            var record = try reader.beginRecord(cases.fields(3))
            while let index = try reader.nextField(&record) {
                switch index {
                case 0: try reader.field(&left, in: record)
                case 1: try reader.field(&right, in: record)
                default: try reader.field(&note, in: record)
                }
            }
            value = .sum(
                left: try record.require(left, 0), right: try record.require(right, 1), note: try record.require(note, 2))
        }
        try reader.endVariant(&variant)
        return value
    }
}
