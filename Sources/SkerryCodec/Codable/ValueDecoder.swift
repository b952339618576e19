/// Reads a `Codable` value out of a ``Value``; the other direction of ``ValueEncoder``.
struct ValueDecoder: Decoder {
    let value: Value
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func decode<T: Decodable>(_ type: T.Type, from value: Value) throws -> T {
        try ValueDecoder(value: value, codingPath: []).decode(type)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .map(let entries) = value else { throw mismatch([String: Value].self) }
        return KeyedDecodingContainer(KeyedValueDecoder(entries, codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        switch value {
        case .list(let elements): UnkeyedValueDecoder(elements: elements, codingPath: codingPath)
        case .bytes(let bytes): UnkeyedValueDecoder(elements: bytes.map { .int(Int64($0)) }, codingPath: codingPath)
        default: throw mismatch([Value].self)
        }
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleValueDecoder(decoder: self) }

    /// Decodes scalars without asking the type.
    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        switch type {
        case is Bool.Type, is String.Type, is Double.Type, is Float.Type:
            guard let result = scalar(type) else { throw mismatch(type) }
            return result
        case let integer as any FixedWidthInteger.Type:
            guard let result = try decode(integer: integer) as? T else { throw mismatch(type) }
            return result
        default: return try T(from: self)
        }
    }

    private func scalar<T>(_ type: T.Type) -> T? {
        switch value {
        case .bool(let value): value as? T
        case .string(let value): value as? T
        case .double(let value): value as? T ?? Float(value) as? T
        case .int(let value): Double(exactly: value).flatMap { $0 as? T ?? Float($0) as? T }
        case .uint(let value): Double(exactly: value).flatMap { $0 as? T ?? Float($0) as? T }
        default: nil
        }
    }

    private func decode<I: FixedWidthInteger>(integer type: I.Type) throws -> I {
        let exact: I? =
            switch value {
            case .int(let value): I(exactly: value)
            case .uint(let value): I(exactly: value)
            // A format may have one kind of number.
            case .double(let value): I(exactly: value)
            default: throw mismatch(type)
            }
        guard let exact else {
            throw DecodingError.dataCorrupted(context("the number does not fit \(type)"))
        }
        return exact
    }

    func context(_ description: String) -> DecodingError.Context {
        DecodingError.Context(codingPath: codingPath, debugDescription: description)
    }

    func mismatch(_ type: Any.Type) -> DecodingError {
        value == .null
            ? .valueNotFound(type, context("expected \(type), found nothing"))
            : .typeMismatch(type, context("expected \(type), found \(value.kind.rawValue)"))
    }
}

private struct KeyedValueDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let members: [String: Value]
    /// In the order of the source.
    let allKeys: [Key]
    let codingPath: [any CodingKey]

    init(_ entries: [Value.Entry], _ codingPath: [any CodingKey]) {
        var members: [String: Value] = [:]
        var keys: [Key] = []
        for entry in entries {
            guard let name = KeyedValueDecoder.name(entry.key), members.updateValue(entry.value, forKey: name) == nil else { continue }
            if let key = Key(stringValue: name) { keys.append(key) }
        }
        self.members = members
        allKeys = keys
        self.codingPath = codingPath
    }

    /// Dictionaries with whole numbers for keys write them as text.
    private static func name(_ key: Value) -> String? {
        switch key {
        case .string(let text): text
        case .int(let number): String(number)
        case .uint(let number): String(number)
        default: nil
        }
    }

    private func decoder(_ key: some CodingKey) throws -> ValueDecoder {
        guard let value = members[key.stringValue] else {
            throw DecodingError.keyNotFound(
                key, DecodingError.Context(codingPath: codingPath, debugDescription: "there is no field \(key.stringValue)"))
        }
        return ValueDecoder(value: value, codingPath: codingPath + [key])
    }

    func contains(_ key: Key) -> Bool { members[key.stringValue] != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).value == .null }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try decoder(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try decoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try decoder(key).unkeyedContainer() }

    func superDecoder() throws -> any Decoder {
        ValueDecoder(value: members["super"] ?? .null, codingPath: codingPath)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

private struct UnkeyedValueDecoder: UnkeyedDecodingContainer {
    let elements: [Value]
    let codingPath: [any CodingKey]
    private(set) var currentIndex = 0

    init(elements: [Value], codingPath: [any CodingKey]) {
        self.elements = elements
        self.codingPath = codingPath
    }

    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex == elements.count }

    private func next(_ type: Any.Type) throws -> ValueDecoder {
        let path = codingPath + [IndexKey(currentIndex)]
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type, DecodingError.Context(codingPath: path, debugDescription: "there are only \(elements.count) elements"))
        }
        return ValueDecoder(value: elements[currentIndex], codingPath: path)
    }

    private mutating func taking<T>(_ type: Any.Type, _ body: (ValueDecoder) throws -> T) throws -> T {
        let result = try body(next(type))
        currentIndex += 1
        return result
    }

    mutating func decodeNil() throws -> Bool {
        guard try next(Never?.self).value == .null else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try taking(type) { try $0.decode(type) } }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try taking(type) { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try taking([Value].self) { try $0.unkeyedContainer() } }

    mutating func superDecoder() throws -> any Decoder { try taking(Value.self) { $0 } }
}

private struct SingleValueDecoder: SingleValueDecodingContainer {
    let decoder: ValueDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { decoder.value == .null }

    func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }
}
