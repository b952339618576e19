public import SkerryCodec

/// A type as it stands in a schema.
public struct TypeSchema: Shaped {
    /// For people: `int64`, `[Part]?`, `Sender<Change>`.
    public var name: String
    /// JSON Schema.
    public var json: PlainValue
    /// TypeScript, with the declarations of all types it names.
    public var typeScript: String

    public init(name: String, json: PlainValue, typeScript: String = "") {
        self.name = name
        self.json = json
        self.typeScript = typeScript
    }
}

extension TypeSchema {
    private static let fields = Fields(
        "TypeSchema",
        [
            Field("name", String.self, doc: "For people: `int64`, `[Part]?`, `Sender<Change>`."),
            Field("json", PlainValue.self, doc: "JSON Schema."),
            Field("typeScript", String.self, default: "", doc: "TypeScript, with the declarations of all types it names."),
        ])

    public static var shape: Shape { .record(fields) }

    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(name, 0, in: &record)
        try writer.field(json, 1, in: &record)
        try writer.field(typeScript, 2, in: &record)
        try writer.endRecord(&record)
    }

    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var name: String?
        var json: PlainValue?
        var typeScript: String?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&name, in: record)
            case 1: try reader.field(&json, in: record)
            default: try reader.field(&typeScript, in: record)
            }
        }
        return try Self(name: record.require(name, 0), json: record.require(json, 1), typeScript: typeScript ?? "")
    }
}
extension TypeSchema {
    /// The schema of a type this process knows.
    public init(_ shape: Shape) {
        self.init(name: shape.name, json: PlainValue(shape.jsonSchema()), typeScript: shape.typeScript())
    }
}
