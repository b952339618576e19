/// The way back: what is shaped goes through any encoder of others as the tree it encodes to.
extension Value: Codable {
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let value): try Self.encode(value, to: encoder)
        case .int(let value): try Self.encode(value, to: encoder)
        case .uint(let value): try Self.encode(value, to: encoder)
        case .double(let value): try Self.encode(value, to: encoder)
        case .string(let value): try Self.encode(value, to: encoder)
        case .bytes(let value): try Self.encode(value.withUnsafeBytes { Base64.text($0) }, to: encoder)
        case .list(let elements): try Self.encode(elements, to: encoder)
        case .map(let entries): try Self.encode(entries, to: encoder)
        case .reference:
            throw ShapeError(.badReference, "a reference crosses only inside a session")
        }
    }

    private static func encode<T: Encodable>(_ value: T, to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    private static func encode(_ entries: [Entry], to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: MemberKey.self)
        for entry in entries {
            guard case .string(let key) = entry.key else {
                throw ShapeError(.unrepresentable, "Codable has only strings for keys, not \(entry.key.kind.rawValue)")
            }
            try container.encode(entry.value, forKey: MemberKey(stringValue: key))
        }
    }

    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: MemberKey.self) {
            self = .map(try container.allKeys.map { Entry(.string($0.stringValue), try container.decode(Value.self, forKey: $0)) })
        } else if var container = try? decoder.unkeyedContainer() {
            var elements: [Value] = []
            while !container.isAtEnd { elements.append(try container.decode(Value.self)) }
            self = .list(elements)
        } else {
            self = try Value(scalar: decoder.singleValueContainer())
        }
    }

    private init(scalar container: any SingleValueDecodingContainer) throws {
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .int(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .uint(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else {
            self = .string(try container.decode(String.self))
        }
    }

    private struct MemberKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// A shaped value for those who only know `Codable`.
@frozen
public struct ShapedBox<Wrapped: Shaped>: Codable, Sendable {
    public var value: Wrapped

    @inlinable
    public init(_ value: Wrapped) {
        self.value = value
    }

    public func encode(to encoder: any Encoder) throws { try Value(encoding: value).encode(to: encoder) }

    public init(from decoder: any Decoder) throws { value = try Value(from: decoder).decode(Wrapped.self) }
}
