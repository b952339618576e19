/// Writes a `Codable` value as a ``Value``: the bridge for types that know `Codable` and no shapes.
///
/// Costs what `Codable` costs, boxes and a tree, about fifty times a ``Shaped`` type: meant for the edges.
struct ValueEncoder: Encoder {
    /// The value being built; a container writes through it.
    let box: ValueBox
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// The tree that `value` encodes to.
    static func encode<T: Encodable>(_ value: T) throws -> Value {
        let box = ValueBox()
        try value.encode(to: ValueEncoder(box: box, codingPath: []))
        return box.value
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        box.become(.map([]))
        return KeyedEncodingContainer(KeyedValueEncoder<Key>(box: box, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        box.become(.list([]))
        return UnkeyedValueEncoder(box: box, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleValueEncoder(box: box, codingPath: codingPath)
    }
}

/// One node of the tree under construction. Nested containers fill theirs after they were handed out, so nodes are shared.
///
/// Confined to the one call of ``ValueEncoder/encode(_:)``.
final class ValueBox {
    private var leaf: Value = .null
    private var elements: [ValueBox] = []
    private var members: [(key: String, box: ValueBox)] = []

    /// The finished tree.
    var value: Value {
        switch leaf {
        case .list: .list(elements.map(\.value))
        case .map: .map(members.map { Value.Entry(.string($0.key), $0.box.value) })
        default: leaf
        }
    }

    var count: Int { elements.count }

    func set(_ value: Value) {
        leaf = value
        if case .list(let values) = value { elements = values.map(ValueBox.init(holding:)) }
        if case .map(let entries) = value {
            members = entries.compactMap { entry in
                guard case .string(let key) = entry.key else { return nil }
                return (key, ValueBox(holding: entry.value))
            }
        }
    }

    /// Makes an empty list or map of the node, unless it is one: types with superclasses ask for their container twice.
    func become(_ container: Value) {
        if leaf.kind != container.kind { leaf = container }
    }

    func append() -> ValueBox {
        let box = ValueBox()
        elements.append(box)
        return box
    }

    /// The node of a member; a second value for a key replaces the first.
    func member(_ key: String) -> ValueBox {
        let box = ValueBox()
        if let index = members.firstIndex(where: { $0.key == key }) {
            members[index].box = box
        } else {
            members.append((key, box))
        }
        return box
    }

    init() {}

    private convenience init(holding value: Value) {
        self.init()
        set(value)
    }
}

extension ValueBox {
    /// Encodes `value` into the node, scalars without asking the type.
    func encode<T: Encodable>(_ value: T, codingPath: [any CodingKey]) throws {
        switch value {
        case let value as Bool: set(.bool(value))
        case let value as String: set(.string(value))
        case let value as Double: set(.double(value))
        case let value as Float: set(.double(Double(value)))
        case let value as any FixedWidthInteger: try set(integer: value, codingPath)
        default: try value.encode(to: ValueEncoder(box: self, codingPath: codingPath))
        }
    }

    private func set(integer: some FixedWidthInteger, _ codingPath: [any CodingKey]) throws {
        guard Int64(exactly: integer) != nil || UInt64(exactly: integer) != nil else {
            throw EncodingError.invalidValue(
                integer, EncodingError.Context(codingPath: codingPath, debugDescription: "the number has more than 64 bits"))
        }
        set(Value(integer: integer))
    }
}

private struct KeyedValueEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let box: ValueBox
    let codingPath: [any CodingKey]

    mutating func encodeNil(forKey key: Key) throws { box.member(key.stringValue).set(.null) }

    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try box.member(key.stringValue).encode(value, codingPath: codingPath + [key])
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
        encoder(key).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder(key).unkeyedContainer() }

    mutating func superEncoder() -> any Encoder { ValueEncoder(box: box.member("super"), codingPath: codingPath) }

    mutating func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }

    private func encoder(_ key: Key) -> ValueEncoder { ValueEncoder(box: box.member(key.stringValue), codingPath: codingPath + [key]) }
}

private struct UnkeyedValueEncoder: UnkeyedEncodingContainer {
    let box: ValueBox
    let codingPath: [any CodingKey]
    var count: Int { box.count }

    mutating func encodeNil() throws { box.append().set(.null) }

    mutating func encode<T: Encodable>(_ value: T) throws {
        let path = codingPath + [IndexKey(count)]
        try box.append().encode(value, codingPath: path)
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        encoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder().unkeyedContainer() }

    mutating func superEncoder() -> any Encoder { encoder() }

    private func encoder() -> ValueEncoder {
        let path = codingPath + [IndexKey(count)]
        return ValueEncoder(box: box.append(), codingPath: path)
    }
}

private struct SingleValueEncoder: SingleValueEncodingContainer {
    let box: ValueBox
    let codingPath: [any CodingKey]

    mutating func encodeNil() throws { box.set(.null) }

    mutating func encode<T: Encodable>(_ value: T) throws { try box.encode(value, codingPath: codingPath) }
}

/// The place of an element in a coding path.
struct IndexKey: CodingKey {
    let index: Int

    init(_ index: Int) { self.index = index }
    init?(stringValue: String) { nil }
    init?(intValue: Int) { index = intValue }

    var stringValue: String { "Index \(index)" }
    var intValue: Int? { index }
}
