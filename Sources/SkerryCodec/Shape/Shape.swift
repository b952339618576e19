/// What a type looks like, apart from every format: a value that describes the values of another type.
///
/// A shape is data: it prints as JSON Schema (``jsonSchema(limits:)``), TypeScript (``typeScript()``) or text for people (``rendered()``),
/// draws random values for tests (``randomValue(using:size:)``), and has a ``digest`` by which peers know that they mean the same type.
///
/// Shapes of recursive types are finite because a ``Field`` asks its type for its shape only when somebody looks.
public indirect enum Shape: Sendable {
    /// `true` or `false`.
    case bool
    /// A whole number of a fixed width.
    case integer(Integer)
    /// IEEE 754 binary32.
    case float
    /// IEEE 754 binary64.
    case double
    /// Unicode text.
    case string
    /// Octets.
    case bytes
    /// A value or nothing.
    case option(Shape)
    /// Values in an order that means something.
    case list(Shape)
    /// Values without order or repetition; written in ascending order.
    case set(Shape)
    /// Values by key; written in ascending order of keys.
    case map(key: Shape, value: Shape)
    /// Named fields.
    case record(Fields)
    /// One of several cases.
    case variant(Cases)
    /// A type that travels as another.
    case alias(Alias)
    /// A channel end or a service, which stays where it is; an index into the frame's table travels.
    case reference(Reference)
    /// Any ``Value``.
    case value

    /// Width and sign of an integer.
    public enum Integer: String, Sendable, CaseIterable {
        case int8, int16, int32, int64, uint8, uint16, uint32, uint64

        /// The integer a Swift type is; nil for widths that do not travel.
        @usableFromInline
        init?<I: FixedWidthInteger>(_ type: I.Type) {
            self.init(rawValue: (I.isSigned ? "int" : "uint") + String(I.bitWidth))
        }

        /// The least and the greatest value.
        public var bounds: (lower: Int64, upper: UInt64) {
            switch self {
            case .int8: (Int64(Int8.min), UInt64(Int8.max))
            case .int16: (Int64(Int16.min), UInt64(Int16.max))
            case .int32: (Int64(Int32.min), UInt64(Int32.max))
            case .int64: (Int64.min, UInt64(Int64.max))
            case .uint8: (0, UInt64(UInt8.max))
            case .uint16: (0, UInt64(UInt16.max))
            case .uint32: (0, UInt64(UInt32.max))
            case .uint64: (0, UInt64.max)
            }
        }
    }

    /// A type that travels as another: a raw-representable type, an identifier, a date as text.
    public struct Alias: Sendable {
        /// The name of the type.
        public let name: String
        /// One paragraph for people; not part of the digest.
        public let documentation: String
        /// What travels.
        public let carrier: Shape
        /// The only values the type takes, where they are few and known. Not part of the digest, so that more may come.
        public let values: [Value]

        public init(name: String, documentation: String = "", carrier: Shape, values: [Value] = []) {
            self.name = name
            self.documentation = documentation
            self.carrier = carrier
            self.values = values
        }
    }

    /// What a reference leads to.
    public indirect enum Reference: Sendable {
        /// A service, by the name of its interface.
        case service(String)
        /// The sending end of a channel with these elements.
        case sender(Shape)
        /// The receiving end of a channel with these elements.
        case receiver(Shape)
    }
}

extension Shape {
    /// The name of the type as it stands in other shapes, texts and errors: `Part`, `[Part]`, `Part?`.
    public var name: String {
        switch self {
        case .bool: "bool"
        case .integer(let integer): integer.rawValue
        case .float: "float"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .option(let wrapped): "\(wrapped.name)?"
        case .list(let element): "[\(element.name)]"
        case .set(let element): "Set<\(element.name)>"
        case .map(let key, let value): "[\(key.name): \(value.name)]"
        case .record(let fields): fields.name
        case .variant(let cases): cases.name
        case .alias(let alias): alias.name
        case .reference(let reference): reference.name
        case .value: "value"
        }
    }
}

extension Shape.Reference {
    /// `Store`, `Sender<Change>`, `Receiver<Change>`.
    public var name: String {
        switch self {
        case .service(let name): name
        case .sender(let element): "Sender<\(element.name)>"
        case .receiver(let element): "Receiver<\(element.name)>"
        }
    }
}
