/// Turns an `Encodable` value into a tree.
struct TreeEncoder: Encoder {
    /// Where a value goes that is encoded in steps.
    final class Box {
        enum Content {
            case nothing
            case tree(DocumentTree)
            case array([Box], isBytes: Bool)
            case object([String: Box], absent: Set<String>)
        }

        var content = Content.nothing

        /// What was encoded; nothing is an object without keys, as `Codable` has it.
        func tree(isSet: Bool = false, isWhole: Bool = false, isEnumeration: Bool = false) -> DocumentTree {
            switch content {
            case .nothing: return .object(DocumentTree.Object())
            case .tree(let tree): return tree
            case .array(let elements, let isBytes):
                let trees = elements.map { $0.tree() }
                if isBytes { return .scalar(.bytes(trees.compactMap { $0.scalar?.byte }), kind: nil) }
                guard isSet, trees.allSatisfy(\.isScalar) else { return .array(trees, isSet: false) }
                let sorted = trees.map { (bytes: $0.scalar!.encodedBytes, tree: $0) }.sorted {
                    $0.bytes.lexicographicallyPrecedes($1.bytes)
                }
                return .array(sorted.map(\.tree), isSet: true)
            case .object(let fields, let absent):
                var object = DocumentTree.Object(fields: fields.mapValues { $0.tree() }, absent: absent, isWhole: isWhole)
                if isEnumeration, fields.count == 1 { object.enumerationCase = fields.first!.key }
                return .object(object)
            }
        }
    }

    let box: Box
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .object = box.content {} else { box.content = .object([:], absent: []) }
        return KeyedEncodingContainer(Keyed<Key>(box: box, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .array = box.content {} else { box.content = .array([], isBytes: false) }
        return Unkeyed(box: box, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(box: box, codingPath: codingPath) }

    // MARK: - Values

    /// The tree of a value.
    static func tree<T: Encodable>(_ value: T, at path: [any CodingKey] = []) throws -> DocumentTree {
        // Asked of the type: an empty array of anything is an array of bytes, too.
        if T.self == [UInt8].self, let bytes = value as? [UInt8] { return .scalar(.bytes(bytes), kind: nil) }
        switch value {
        case let value as DocumentText: return .scalar(.string(value.string), kind: .text)
        case let value as DocumentCounter: return .scalar(.int(value.value), kind: .counter)
        case let value as String: return .scalar(.string(value), kind: nil)
        default: break
        }
        guard path.count <= ContainerTable.depthMaximum else {
            throw DocumentError(code: .limitExceeded, message: "values are nested too deeply", path: path.names)
        }
        let box = Box()
        try value.encode(to: TreeEncoder(box: box, codingPath: path))
        var isEnumeration = false
        if case .object = box.content { isEnumeration = Mirror(reflecting: value).displayStyle == .enum }
        return box.tree(isSet: value is any EncodedAsSet, isWhole: value is any EncodedWhole, isEnumeration: isEnumeration)
    }

    static func integer<T: FixedWidthInteger>(_ value: T, _ path: [any CodingKey]) throws -> DocumentTree {
        guard let value = Int64(exactly: value) else {
            throw DocumentError(code: .limitExceeded, message: "\(value) has more than 63 bits", path: path.names)
        }
        return .scalar(.int(value), kind: nil)
    }
}

extension [any CodingKey] {
    /// The path in an error.
    var names: [String] { map { $0.intValue.map(String.init) ?? $0.stringValue } }
}

extension DocumentValue {
    fileprivate var byte: UInt8? { if case .int(let value) = self { UInt8(exactly: value) } else { nil } }
}

/// The index of an element in a coding path.
struct IndexKey: CodingKey {
    var intValue: Int?
    var stringValue: String { String(intValue!) }

    init(_ index: Int) { intValue = index }
    init?(intValue: Int) { self.init(intValue) }
    init?(stringValue: String) { return nil }
}

/// A key given as text.
struct NameKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { return nil }
}

// MARK: - Containers

extension TreeEncoder {
    private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let box: Box
        let codingPath: [any CodingKey]

        private func set(_ key: any CodingKey, _ child: Box?) {
            guard case .object(var fields, var absent) = box.content else { return }
            // Taken out first, so that the dictionary is not copied for each key.
            box.content = .nothing
            if let child {
                fields[key.stringValue] = child
                absent.remove(key.stringValue)
            } else {
                absent.insert(key.stringValue)
            }
            box.content = .object(fields, absent: absent)
        }

        private func set(_ key: Key, _ tree: DocumentTree) {
            let child = Box()
            child.content = .tree(tree)
            set(key, child)
        }

        mutating func encodeNil(forKey key: Key) { set(key, .scalar(.null, kind: nil)) }
        mutating func encode(_ value: Bool, forKey key: Key) { set(key, .scalar(.bool(value), kind: nil)) }
        mutating func encode(_ value: String, forKey key: Key) { set(key, .scalar(.string(value), kind: nil)) }
        mutating func encode(_ value: Double, forKey key: Key) { set(key, .scalar(.double(value), kind: nil)) }
        mutating func encode(_ value: Float, forKey key: Key) { set(key, .scalar(.double(Double(value)), kind: nil)) }
        mutating func encode(_ value: Int, forKey key: Key) throws { try set(key, integer(value, codingPath + [key])) }
        mutating func encode(_ value: Int8, forKey key: Key) throws { try set(key, integer(value, codingPath + [key])) }
        mutating func encode(_ value: Int16, forKey key: Key) throws { try set(key, integer(value, codingPath + [key])) }
        mutating func encode(_ value: Int32, forKey key: Key) throws { try set(key, integer(value, codingPath + [key])) }
        mutating func encode(_ value: Int64, forKey key: Key) throws { try set(key, integer(value, codingPath + [key])) }
        mutating func encode(_ value: UInt, forKey key: Key) throws { try set(key, integer(value, codingPath + [key])) }
        mutating func encode(_ value: UInt8, forKey key: Key) throws { try set(key, integer(value, codingPath + [key])) }
        mutating func encode(_ value: UInt16, forKey key: Key) throws { try set(key, integer(value, codingPath + [key])) }
        mutating func encode(_ value: UInt32, forKey key: Key) throws { try set(key, integer(value, codingPath + [key])) }
        mutating func encode(_ value: UInt64, forKey key: Key) throws { try set(key, integer(value, codingPath + [key])) }
        mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try set(key, tree(value, at: codingPath + [key])) }

        // What is not there is told apart from what is not known.
        mutating func encodeIfPresent(_ value: Bool?, forKey key: Key) { ifPresent(value, key) { $0.encode($1, forKey: key) } }
        mutating func encodeIfPresent(_ value: String?, forKey key: Key) { ifPresent(value, key) { $0.encode($1, forKey: key) } }
        mutating func encodeIfPresent(_ value: Double?, forKey key: Key) { ifPresent(value, key) { $0.encode($1, forKey: key) } }
        mutating func encodeIfPresent(_ value: Float?, forKey key: Key) { ifPresent(value, key) { $0.encode($1, forKey: key) } }
        mutating func encodeIfPresent(_ value: Int?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }
        mutating func encodeIfPresent(_ value: Int8?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }
        mutating func encodeIfPresent(_ value: Int16?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }
        mutating func encodeIfPresent(_ value: Int32?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }
        mutating func encodeIfPresent(_ value: Int64?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }
        mutating func encodeIfPresent(_ value: UInt?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }
        mutating func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }
        mutating func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }
        mutating func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }
        mutating func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }
        mutating func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
            try ifPresent(value, key) { try $0.encode($1, forKey: key) }
        }

        private mutating func ifPresent<T>(_ value: T?, _ key: Key, _ body: (inout Self, T) throws -> Void) rethrows {
            if let value { try body(&self, value) } else { set(key, Optional<Box>.none) }
        }

        private func child(_ key: any CodingKey) -> TreeEncoder {
            let child = Box()
            set(key, child)
            return TreeEncoder(box: child, codingPath: codingPath + [key])
        }

        mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
            child(key).container(keyedBy: type)
        }
        mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { child(key).unkeyedContainer() }
        mutating func superEncoder() -> any Encoder { child(NameKey("super")) }
        mutating func superEncoder(forKey key: Key) -> any Encoder { child(key) }
    }

    private struct Unkeyed: UnkeyedEncodingContainer {
        let box: Box
        let codingPath: [any CodingKey]

        var count: Int { if case .array(let elements, _) = box.content { elements.count } else { 0 } }
        private var path: [any CodingKey] { codingPath + [IndexKey(count)] }

        private func add(_ child: Box) {
            guard case .array(var elements, let isBytes) = box.content else { return }
            box.content = .nothing
            elements.append(child)
            box.content = .array(elements, isBytes: isBytes)
        }

        private func add(_ tree: DocumentTree) {
            let child = Box()
            child.content = .tree(tree)
            add(child)
        }

        mutating func encodeNil() { add(.scalar(.null, kind: nil)) }
        mutating func encode(_ value: Bool) { add(.scalar(.bool(value), kind: nil)) }
        mutating func encode(_ value: String) { add(.scalar(.string(value), kind: nil)) }
        mutating func encode(_ value: Double) { add(.scalar(.double(value), kind: nil)) }
        mutating func encode(_ value: Float) { add(.scalar(.double(Double(value)), kind: nil)) }
        mutating func encode(_ value: Int) throws { try add(integer(value, path)) }
        mutating func encode(_ value: Int8) throws { try add(integer(value, path)) }
        mutating func encode(_ value: Int16) throws { try add(integer(value, path)) }
        mutating func encode(_ value: Int32) throws { try add(integer(value, path)) }
        mutating func encode(_ value: Int64) throws { try add(integer(value, path)) }
        mutating func encode(_ value: UInt) throws { try add(integer(value, path)) }
        mutating func encode(_ value: UInt8) throws { try add(integer(value, path)) }
        mutating func encode(_ value: UInt16) throws { try add(integer(value, path)) }
        mutating func encode(_ value: UInt32) throws { try add(integer(value, path)) }
        mutating func encode(_ value: UInt64) throws { try add(integer(value, path)) }
        mutating func encode<T: Encodable>(_ value: T) throws { try add(tree(value, at: path)) }

        /// Types that hold bytes, like Foundation's, write them with this, an empty one too; arrays of bytes do not.
        mutating func encode<T: Sequence>(contentsOf sequence: T) throws where T.Element == UInt8 {
            for byte in sequence { try encode(byte) }
            guard case .array(let elements, _) = box.content else { return }
            box.content = .array(elements, isBytes: true)
        }

        private func child() -> TreeEncoder {
            let path = path
            let child = Box()
            add(child)
            return TreeEncoder(box: child, codingPath: path)
        }

        mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
            child().container(keyedBy: type)
        }
        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { child().unkeyedContainer() }
        mutating func superEncoder() -> any Encoder { child() }
    }

    private struct Single: SingleValueEncodingContainer {
        let box: Box
        let codingPath: [any CodingKey]

        private func set(_ tree: DocumentTree) { box.content = .tree(tree) }

        mutating func encodeNil() { set(.scalar(.null, kind: nil)) }
        mutating func encode(_ value: Bool) { set(.scalar(.bool(value), kind: nil)) }
        mutating func encode(_ value: String) { set(.scalar(.string(value), kind: nil)) }
        mutating func encode(_ value: Double) { set(.scalar(.double(value), kind: nil)) }
        mutating func encode(_ value: Float) { set(.scalar(.double(Double(value)), kind: nil)) }
        mutating func encode(_ value: Int) throws { try set(integer(value, codingPath)) }
        mutating func encode(_ value: Int8) throws { try set(integer(value, codingPath)) }
        mutating func encode(_ value: Int16) throws { try set(integer(value, codingPath)) }
        mutating func encode(_ value: Int32) throws { try set(integer(value, codingPath)) }
        mutating func encode(_ value: Int64) throws { try set(integer(value, codingPath)) }
        mutating func encode(_ value: UInt) throws { try set(integer(value, codingPath)) }
        mutating func encode(_ value: UInt8) throws { try set(integer(value, codingPath)) }
        mutating func encode(_ value: UInt16) throws { try set(integer(value, codingPath)) }
        mutating func encode(_ value: UInt32) throws { try set(integer(value, codingPath)) }
        mutating func encode(_ value: UInt64) throws { try set(integer(value, codingPath)) }
        mutating func encode<T: Encodable>(_ value: T) throws { try set(tree(value, at: codingPath)) }
    }
}
