/// A JSON value (RFC 8259), for the configuration file, the admin protocol and `--json`.
///
/// Numbers keep the text they were written with, so that a 64-bit count survives; members keep their order.
enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// The number as it stands in the document.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    struct Member: Sendable, Hashable {
        var name: String
        var value: JSONValue
    }

    static func number(_ value: some BinaryInteger) -> JSONValue { .number("\(value)") }

    /// A finite number with at most three digits after the point.
    static func number(thousandthsOf value: Double) -> JSONValue {
        .number(value.isFinite ? "\((value * 1000).rounded() / 1000)" : "0")
    }

    // MARK: Looking inside; nil where the kind is another

    /// The member called `name`, the last one where there are several.
    subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    var unsigned: UInt64? {
        if case .number(let text) = self { UInt64(text) } else { nil }
    }

    var signed: Int64? {
        if case .number(let text) = self { Int64(text) } else { nil }
    }

    var double: Double? {
        if case .number(let text) = self { Double(text) } else { nil }
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
    init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(members.map { Member(name: $0.0, value: $0.1) })
    }
}
