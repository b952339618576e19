/// Makes a `Decodable` value of a tree.
struct TreeDecoder: Decoder {
    let tree: DocumentTree
    let codingPath: [any CodingKey]
    /// Whether nobody has written to the container at the root that this is about: it is empty then, whatever its kind.
    var isUnwritten = false
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let object) = tree else { throw mismatch("an object") }
        return KeyedDecodingContainer(Keyed<Key>(object: object, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        if isUnwritten { return Unkeyed(elements: [], codingPath: codingPath) }
        switch tree {
        case .array(let elements, _): return Unkeyed(elements: elements, codingPath: codingPath)
        case .scalar(.bytes(let bytes), _):
            return Unkeyed(elements: bytes.map { .scalar(.int(Int64($0)), kind: nil) }, codingPath: codingPath)
        default: throw mismatch("a list")
        }
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { Single(decoder: self) }

    // MARK: - Values

    func mismatch(_ wanted: String) -> DocumentError {
        DocumentError(
            code: .mismatch, message: "\(isUnwritten ? "nothing" : tree.summary) stands where \(wanted) is wanted", path: codingPath.names)
    }

    func value<T: Decodable>(_ type: T.Type) throws -> T {
        if type == [UInt8].self, case .scalar(.bytes(let bytes), _) = tree { return bytes as! T }
        if isUnwritten {
            if type == DocumentText.self { return DocumentText() as! T }
            if type == DocumentCounter.self { return DocumentCounter() as! T }
        }
        return try T(from: self)
    }

    func bool() throws -> Bool {
        guard case .scalar(.bool(let value), _) = tree else { throw mismatch("a truth value") }
        return value
    }

    func string() throws -> String {
        guard case .scalar(.string(let value), _) = tree else { throw mismatch("a string") }
        return value
    }

    func double() throws -> Double {
        switch tree {
        case .scalar(.double(let value), _): return value
        case .scalar(.int(let value), _): if let value = Double(exactly: value) { return value }
        default: break
        }
        throw mismatch("a number with a fraction")
    }

    func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        guard case .scalar(.int(let value), _) = tree else { throw mismatch("a whole number") }
        guard let value = T(exactly: value) else { throw mismatch("a number of \(T.bitWidth) bits") }
        return value
    }

    var isNull: Bool { if case .scalar(.null, _) = tree { true } else { false } }
}

extension DocumentTree {
    /// For the reader of an error.
    var summary: String {
        switch self {
        case .array: "a list"
        case .object: "an object"
        case .scalar(let value, _):
            switch value {
            case .null: "nothing"
            case .bool: "a truth value"
            case .int(let value): "the number \(value)"
            case .double: "a number with a fraction"
            case .string: "a string"
            case .bytes: "bytes"
            case .container: "a container"
            }
        }
    }
}

// MARK: - Containers

extension TreeDecoder {
    private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let object: DocumentTree.Object
        let codingPath: [any CodingKey]

        /// Of the cases of an enumeration the one that holds; others are what it was before, or what lost.
        var allKeys: [Key] {
            if let name = object.enumerationCase { return Key(stringValue: name).map { [$0] } ?? [] }
            return object.fields.keys.sorted().compactMap { Key(stringValue: $0) }
        }

        func contains(_ key: Key) -> Bool { object.fields[key.stringValue] != nil }

        private func child(_ key: any CodingKey) throws -> TreeDecoder {
            guard let tree = object.fields[key.stringValue] else {
                if object.isRoot {
                    return TreeDecoder(tree: .object(DocumentTree.Object()), codingPath: codingPath + [key], isUnwritten: true)
                }
                throw DocumentError(code: .mismatch, message: "nothing stands where a value is wanted", path: (codingPath + [key]).names)
            }
            return TreeDecoder(tree: tree, codingPath: codingPath + [key])
        }

        func decodeNil(forKey key: Key) throws -> Bool { object.fields[key.stringValue] == nil ? true : try child(key).isNull }
        func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try child(key).bool() }
        func decode(_ type: String.Type, forKey key: Key) throws -> String { try child(key).string() }
        func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try child(key).double() }
        func decode(_ type: Float.Type, forKey key: Key) throws -> Float { Float(try child(key).double()) }
        func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try child(key).integer(type) }
        func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try child(key).integer(type) }
        func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try child(key).integer(type) }
        func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try child(key).integer(type) }
        func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try child(key).integer(type) }
        func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try child(key).integer(type) }
        func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try child(key).integer(type) }
        func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try child(key).integer(type) }
        func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try child(key).integer(type) }
        func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try child(key).integer(type) }
        func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try child(key).value(type) }

        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
            try child(key).container(keyedBy: type)
        }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try child(key).unkeyedContainer() }
        func superDecoder() throws -> any Decoder { try child(NameKey("super")) }
        func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }
    }

    private struct Unkeyed: UnkeyedDecodingContainer {
        let elements: [DocumentTree]
        let codingPath: [any CodingKey]
        var currentIndex = 0

        init(elements: [DocumentTree], codingPath: [any CodingKey]) {
            self.elements = elements
            self.codingPath = codingPath
        }

        var count: Int? { elements.count }
        var isAtEnd: Bool { currentIndex >= elements.count }

        private func peek() throws -> TreeDecoder {
            let path = codingPath + [IndexKey(currentIndex)]
            guard !isAtEnd else {
                throw DocumentError(code: .mismatch, message: "the list has \(elements.count) elements", path: path.names)
            }
            return TreeDecoder(tree: elements[currentIndex], codingPath: path)
        }

        private mutating func next<T>(_ body: (TreeDecoder) throws -> T) throws -> T {
            let value = try body(peek())
            currentIndex += 1
            return value
        }

        mutating func decodeNil() throws -> Bool {
            guard try peek().isNull else { return false }
            currentIndex += 1
            return true
        }
        mutating func decode(_ type: Bool.Type) throws -> Bool { try next { try $0.bool() } }
        mutating func decode(_ type: String.Type) throws -> String { try next { try $0.string() } }
        mutating func decode(_ type: Double.Type) throws -> Double { try next { try $0.double() } }
        mutating func decode(_ type: Float.Type) throws -> Float { try next { Float(try $0.double()) } }
        mutating func decode(_ type: Int.Type) throws -> Int { try next { try $0.integer(type) } }
        mutating func decode(_ type: Int8.Type) throws -> Int8 { try next { try $0.integer(type) } }
        mutating func decode(_ type: Int16.Type) throws -> Int16 { try next { try $0.integer(type) } }
        mutating func decode(_ type: Int32.Type) throws -> Int32 { try next { try $0.integer(type) } }
        mutating func decode(_ type: Int64.Type) throws -> Int64 { try next { try $0.integer(type) } }
        mutating func decode(_ type: UInt.Type) throws -> UInt { try next { try $0.integer(type) } }
        mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next { try $0.integer(type) } }
        mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next { try $0.integer(type) } }
        mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next { try $0.integer(type) } }
        mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next { try $0.integer(type) } }
        mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next { try $0.value(type) } }

        mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
            try next { try $0.container(keyedBy: type) }
        }
        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next { try $0.unkeyedContainer() } }
        mutating func superDecoder() throws -> any Decoder { try next { $0 } }
    }

    private struct Single: SingleValueDecodingContainer {
        let decoder: TreeDecoder
        var codingPath: [any CodingKey] { decoder.codingPath }

        func decodeNil() -> Bool { decoder.isNull }
        func decode(_ type: Bool.Type) throws -> Bool { try decoder.bool() }
        func decode(_ type: String.Type) throws -> String { try decoder.string() }
        func decode(_ type: Double.Type) throws -> Double { try decoder.double() }
        func decode(_ type: Float.Type) throws -> Float { Float(try decoder.double()) }
        func decode(_ type: Int.Type) throws -> Int { try decoder.integer(type) }
        func decode(_ type: Int8.Type) throws -> Int8 { try decoder.integer(type) }
        func decode(_ type: Int16.Type) throws -> Int16 { try decoder.integer(type) }
        func decode(_ type: Int32.Type) throws -> Int32 { try decoder.integer(type) }
        func decode(_ type: Int64.Type) throws -> Int64 { try decoder.integer(type) }
        func decode(_ type: UInt.Type) throws -> UInt { try decoder.integer(type) }
        func decode(_ type: UInt8.Type) throws -> UInt8 { try decoder.integer(type) }
        func decode(_ type: UInt16.Type) throws -> UInt16 { try decoder.integer(type) }
        func decode(_ type: UInt32.Type) throws -> UInt32 { try decoder.integer(type) }
        func decode(_ type: UInt64.Type) throws -> UInt64 { try decoder.integer(type) }
        func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.value(type) }
    }
}
