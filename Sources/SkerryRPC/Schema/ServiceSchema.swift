public import SkerryCodec

/// What an interface looks like, as a value: what `_schema` answers.
public struct ServiceSchema: Shaped {
    /// The wire name of the interface.
    public var name: String
    /// The documentation comment of the protocol.
    public var documentation: String
    /// Raised when old callers should know of a change.
    public var version: Int
    /// In declared order.
    public var methods: [MethodSchema]
    /// The error types that cross as themselves.
    public var errors: [TypeSchema]

    public init(name: String, documentation: String = "", version: Int = 1, methods: [MethodSchema], errors: [TypeSchema] = []) {
        self.name = name
        self.documentation = documentation
        self.version = version
        self.methods = methods
        self.errors = errors
    }
}

extension ServiceSchema {
    private static let fields = Fields(
        "ServiceSchema",
        [
            Field("name", String.self, doc: "The wire name of the interface."),
            Field("documentation", String.self, default: "", doc: "The documentation comment of the protocol."),
            Field("version", Int.self, default: 1, doc: "Raised when old callers should know of a change."),
            Field("methods", [MethodSchema].self, doc: "In declared order."),
            Field("errors", [TypeSchema].self, default: [], doc: "The error types that cross as themselves."),
        ])

    public static var shape: Shape { .record(fields) }

    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(name, 0, in: &record)
        try writer.field(documentation, 1, in: &record)
        try writer.field(version, 2, in: &record)
        try writer.field(methods, 3, in: &record)
        try writer.field(errors, 4, in: &record)
        try writer.endRecord(&record)
    }

    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var name: String?
        var documentation: String?
        var version: Int?
        var methods: [MethodSchema]?
        var errors: [TypeSchema]?
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&name, in: record)
            case 1: try reader.field(&documentation, in: record)
            case 2: try reader.field(&version, in: record)
            case 3: try reader.field(&methods, in: record)
            default: try reader.field(&errors, in: record)
            }
        }
        return try Self(
            name: record.require(name, 0), documentation: documentation ?? "", version: version ?? 1, methods: record.require(methods, 3),
            errors: errors ?? [])
    }
}
extension ServiceSchema {
    /// The schema of a service this process knows.
    public init(_ service: any ServiceDescription.Type) {
        self.init(
            name: service.name, documentation: service.documentation, version: service.version,
            methods: service.methods.map(MethodSchema.init),
            errors: service.errors.map { TypeSchema($0.shape) })
    }

    /// The methods by wire name, each with a text for people: parameters, result, documentation.
    public var commands: [String: String] {
        Dictionary(methods.map { ($0.name, $0.text) }) { first, _ in first }
    }
}
