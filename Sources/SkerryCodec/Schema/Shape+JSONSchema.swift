extension Shape {
    /// The JSON Schema (draft 2020-12) of what ``JSON`` writes for this shape.
    ///
    /// Named types stand in `$defs`. Print it as ``PlainValue``, because its keys have dollar signs:
    /// `try JSON.text(PlainValue(T.shape.jsonSchema()), options: .pretty)`.
    public func jsonSchema() -> Value {
        let types = NamedTypes([self])
        let definitions = types.list.map { Value.Entry(.string($0.title), $0.shape.definition(types)) }
        var schema: [Value.Entry] = [Value.Entry("$schema", "https://json-schema.org/draft/2020-12/schema")]
        schema += use(types).entries
        if !definitions.isEmpty { schema.append(Value.Entry("$defs", .map(definitions))) }
        return .map(schema)
    }

    /// The schema where the type is used: a reference to its definition, if it has one.
    private func use(_ types: NamedTypes) -> Value {
        if let title = types.title(of: self) { return ["$ref": .string("#/$defs/" + title.pointerEscaped)] }
        switch self {
        case .bool: return ["type": "boolean"]
        case .integer(let integer):
            let (lower, upper) = integer.bounds
            return ["type": "integer", "minimum": .int(lower), "maximum": Value(integer: upper)]
        case .float, .double: return ["type": "number"]
        case .string: return ["type": "string"]
        case .bytes: return ["type": "string", "contentEncoding": "base64"]
        case .option(let wrapped) where wrapped.isNullable:
            return ["anyOf": [["type": "array", "prefixItems": [wrapped.use(types)], "minItems": 1, "maxItems": 1], ["type": "null"]]]
        case .option(let wrapped): return ["anyOf": [wrapped.use(types), ["type": "null"]]]
        case .list(let element): return ["type": "array", "items": element.use(types)]
        case .set(let element): return ["type": "array", "items": element.use(types), "uniqueItems": true]
        case .map(let key, let value) where key.isTextual:
            let values: Value = ["type": "object", "additionalProperties": value.use(types)]
            guard case .alias = key else { return values }
            return .map(values.entries + [Value.Entry("propertyNames", key.use(types))])
        case .map(let key, let value):
            let pair: Value = ["type": "array", "prefixItems": [key.use(types), value.use(types)], "minItems": 2, "maxItems": 2]
            return ["type": "array", "items": pair]
        case .reference(let reference):
            return [
                "type": "object", "description": .string(reference.name), "properties": ["$ref": Shape.integer(.uint32).use(types)],
                "required": ["$ref"],
            ]
        case .value: return [:]
        case .record, .variant, .alias: return definition(types)
        }
    }

    /// The schema of a named type.
    private func definition(_ types: NamedTypes) -> Value {
        switch self {
        case .record(let fields): fields.schema { $0.use(types) }
        case .variant(let cases): cases.schema { $0.use(types) }
        case .alias(let alias):
            .map(
                alias.documentation.described + alias.carrier.use(types).entries
                    + (alias.values.isEmpty ? [] : [Value.Entry("enum", .list(alias.values))]))
        default: use(types)
        }
    }
}

extension Fields {
    fileprivate func schema(_ use: (Shape) -> Value) -> Value {
        let properties = list.map { field in
            let fallback = field.defaultValue.map { [Value.Entry("default", $0)] } ?? []
            return Value.Entry(.string(field.key), .map(field.documentation.described + use(field.shape).entries + fallback))
        }
        let required = list.filter { !$0.isOptional }.map { Value.string($0.key) }
        return .map(
            documentation.described + [Value.Entry("type", "object"), Value.Entry("properties", .map(properties))]
                + (required.isEmpty ? [] : [Value.Entry("required", .list(required))]))
    }
}

extension Cases {
    fileprivate func schema(_ use: (Shape) -> Value) -> Value {
        let choices = list.map { item -> Value in
            let key = Value.string(item.key)
            guard let payload = item.payload else { return .map(item.documentation.described + [Value.Entry("const", key)]) }
            // The record of several labelled values belongs to the case and has no definition of its own name elsewhere.
            return .map(
                item.documentation.described + [
                    Value.Entry("type", "object"), Value.Entry("properties", .map([Value.Entry(key, use(payload))])),
                    Value.Entry("required", [key]), Value.Entry("additionalProperties", false),
                ])
        }
        return .map(documentation.described + [Value.Entry("oneOf", .list(choices))])
    }
}

extension String {
    fileprivate var described: [Value.Entry] { isEmpty ? [] : [Value.Entry("description", .string(self))] }

    /// As RFC 6901 and RFC 3986 want a name in a JSON pointer within a URI fragment.
    fileprivate var pointerEscaped: String {
        var escaped = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "~"): escaped += "~0"
            case UInt8(ascii: "/"): escaped += "~1"
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default: escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}

extension Value: ExpressibleByDictionaryLiteral {
    /// A map with text keys, in the order of the source.
    public init(dictionaryLiteral elements: (String, Value)...) {
        self = .map(elements.map { Entry(.string($0.0), $0.1) })
    }

    /// The entries of a map; none for other values.
    var entries: [Entry] {
        guard case .map(let entries) = self else { return [] }
        return entries
    }
}
