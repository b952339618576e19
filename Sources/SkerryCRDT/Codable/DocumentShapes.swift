/// A text property of a type that is written into a document: it becomes a text, edited by difference and merged by character.
///
/// A plain `String` becomes a value, which a write replaces, unless the document has a text in its place already.
public struct DocumentText: Sendable, Hashable, Codable, ExpressibleByStringLiteral, CustomStringConvertible {
    public var string: String

    public init(_ string: String = "") { self.string = string }
    public init(stringLiteral value: String) { string = value }
    public init(from decoder: any Decoder) throws { string = try decoder.singleValueContainer().decode(String.self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(string)
    }

    public var description: String { string }
}

/// A number of a type that is written into a document and counts: it becomes a counter, to which each replica adds its difference.
public struct DocumentCounter: Sendable, Hashable, Codable, ExpressibleByIntegerLiteral {
    public var value: Int64

    public init(_ value: Int64 = 0) { self.value = value }
    public init(integerLiteral value: Int64) { self.value = value }
    public init(from decoder: any Decoder) throws { value = try decoder.singleValueContainer().decode(Int64.self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

/// Types whose container cannot be told from what they encode.
protocol EncodedAsSet {}
protocol EncodedWhole {}

extension Set: EncodedAsSet where Element: Encodable {}
/// What a dictionary does not mention is not in it; a struct may not know every key there is.
extension Dictionary: EncodedWhole where Key: Encodable, Value: Encodable {}
