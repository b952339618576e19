public import SkerryCodec

/// One method of a service.
public struct MethodSchema: Shaped {
    /// The name on the wire.
    public var name: String
    /// The name in Swift, such as `plus(_:_:)`.
    public var swiftName: String
    /// The documentation comment.
    public var documentation: String
    /// In declared order.
    public var parameters: [ParameterSchema]
    /// What it answers.
    public var result: TypeSchema
    /// Of names, parameters and result: 16 hexadecimal digits.
    public var digest: String
    /// Nothing is answered.
    public var isOneWay: Bool
    /// Doing it twice is doing it once.
    public var isIdempotent: Bool
    /// Carries a request identifier and acts once.
    public var isDurable: Bool
    /// Changes nothing.
    public var isReadOnly: Bool
    /// The last version of the interface that has it.
    public var until: Int?
    /// Where it answers over HTTP, such as `GET /succ/{number}`.
    public var route: String?

    public init(
        name: String, swiftName: String, documentation: String = "", parameters: [ParameterSchema], result: TypeSchema, digest: String,
        isOneWay: Bool = false, isIdempotent: Bool = false, isDurable: Bool = false, isReadOnly: Bool = false, until: Int?, route: String?
    ) {
        self.name = name
        self.swiftName = swiftName
        self.documentation = documentation
        self.parameters = parameters
        self.result = result
        self.digest = digest
        self.isOneWay = isOneWay
        self.isIdempotent = isIdempotent
        self.isDurable = isDurable
        self.isReadOnly = isReadOnly
        self.until = until
        self.route = route
    }
}

extension MethodSchema {
    private static let fields = Fields(
        "MethodSchema",
        [
            Field("name", String.self, doc: "The name on the wire."),
            Field("swiftName", String.self, doc: "The name in Swift, such as `plus(_:_:)`."),
            Field("documentation", String.self, default: "", doc: "The documentation comment."),
            Field("parameters", [ParameterSchema].self, doc: "In declared order."),
            Field("result", TypeSchema.self, doc: "What it answers."),
            Field("digest", String.self, doc: "Of names, parameters and result: 16 hexadecimal digits."),
            Field("isOneWay", Bool.self, default: false, doc: "Nothing is answered."),
            Field("isIdempotent", Bool.self, default: false, doc: "Doing it twice is doing it once."),
            Field("isDurable", Bool.self, default: false, doc: "Carries a request identifier and acts once."),
            Field("isReadOnly", Bool.self, default: false, doc: "Changes nothing."),
            Field("until", Int?.self, doc: "The last version of the interface that has it."),
            Field("route", String?.self, doc: "Where it answers over HTTP, such as `GET /succ/{number}`."),
        ])

    public static var shape: Shape { .record(fields) }

    public func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(name, 0, in: &record)
        try writer.field(swiftName, 1, in: &record)
        try writer.field(documentation, 2, in: &record)
        try writer.field(parameters, 3, in: &record)
        try writer.field(result, 4, in: &record)
        try writer.field(digest, 5, in: &record)
        try writer.field(isOneWay, 6, in: &record)
        try writer.field(isIdempotent, 7, in: &record)
        try writer.field(isDurable, 8, in: &record)
        try writer.field(isReadOnly, 9, in: &record)
        try writer.field(until, 10, in: &record)
        try writer.field(route, 11, in: &record)
        try writer.endRecord(&record)
    }

    public static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
        var record = try reader.beginRecord(fields)
        var name: String?
        var swiftName: String?
        var documentation: String?
        var parameters: [ParameterSchema]?
        var result: TypeSchema?
        var digest: String?
        var isOneWay: Bool?
        var isIdempotent: Bool?
        var isDurable: Bool?
        var isReadOnly: Bool?
        var until: Int??
        var route: String??
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&name, in: record)
            case 1: try reader.field(&swiftName, in: record)
            case 2: try reader.field(&documentation, in: record)
            case 3: try reader.field(&parameters, in: record)
            case 4: try reader.field(&result, in: record)
            case 5: try reader.field(&digest, in: record)
            case 6: try reader.field(&isOneWay, in: record)
            case 7: try reader.field(&isIdempotent, in: record)
            case 8: try reader.field(&isDurable, in: record)
            case 9: try reader.field(&isReadOnly, in: record)
            case 10: try reader.field(&until, in: record)
            default: try reader.field(&route, in: record)
            }
        }
        return try Self(
            name: record.require(name, 0), swiftName: record.require(swiftName, 1), documentation: documentation ?? "",
            parameters: record.require(parameters, 3), result: record.require(result, 4), digest: record.require(digest, 5),
            isOneWay: isOneWay ?? false, isIdempotent: isIdempotent ?? false, isDurable: isDurable ?? false,
            isReadOnly: isReadOnly ?? false, until: record.require(until, 10), route: record.require(route, 11))
    }
}
extension MethodSchema {
    /// The schema of a method this process knows.
    public init(_ method: MethodDescriptor) {
        self.init(
            name: method.name, swiftName: method.swiftName, documentation: method.documentation,
            parameters: method.parameters.map(ParameterSchema.init), result: TypeSchema(method.result), digest: method.digest.description,
            isOneWay: method.options.contains(.oneWay), isIdempotent: method.options.contains(.idempotent),
            isDurable: method.options.contains(.durable), isReadOnly: method.options.contains(.readOnly), until: method.until,
            route: method.route.map { "\($0.verb.rawValue) \($0.path)" })
    }

    /// For people: the signature on one line, the documentation below.
    public var text: String {
        let list = parameters.map { "\($0.name): \($0.type.name)" }.joined(separator: ", ")
        var line = "\(name)(\(list))"
        if isOneWay { line += ", one way" } else if result.name != NoValue.shape.name { line += " -> \(result.name)" }
        if let until { line += ", until version \(until)" }
        return documentation.isEmpty ? line : line + "\n" + documentation
    }
}
