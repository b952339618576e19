public import SkerryCodec

/// One parameter of a method.
public struct ParameterSchema: Shaped {
    /// The name on the wire.
    public var name: String
    /// What it takes.
    public var type: TypeSchema
    /// Whether it may be left out.
    public var isOptional: Bool
    /// One paragraph for people.
    public var documentation: String

    public init(name: String, type: TypeSchema, isOptional: Bool = false, documentation: String = "") {
        self.name = name
        self.type = type
        self.isOptional = isOptional
        self.documentation = documentation
    }
}

extension ParameterSchema {
    private static let fields = Fields(
        "ParameterSchema",
        [
            Field("name", String.self, doc: "The name on the wire."),
            Field("type", TypeSchema.self, doc: "What it takes."),
            Field("isOptional", Bool.self, default: false, doc: "Whether it may be left out."),
            Field("documentation", String.self, default: "", doc: "One paragraph for people."),
        ])

    public static var shape: Shape { .record(fields) }

    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(name, 0, in: &record)
        try writer.field(type, 1, in: &record)
        try writer.field(isOptional, 2, in: &record)
        try writer.field(documentation, 3, in: &record)
        try writer.endRecord(&record)
    }

    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var name: String?
        var type: TypeSchema?
        var isOptional: Bool?
        var documentation: String?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&name, in: record)
            case 1: try reader.field(&type, in: record)
            case 2: try reader.field(&isOptional, in: record)
            default: try reader.field(&documentation, in: record)
            }
        }
        return try Self(
            name: record.require(name, 0), type: record.require(type, 1), isOptional: isOptional ?? false,
            documentation: documentation ?? "")
    }
}
extension ParameterSchema {
    init(_ field: Field) {
        self.init(name: field.key, type: TypeSchema(field.shape), isOptional: field.isOptional, documentation: field.documentation)
    }
}
