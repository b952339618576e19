/// A value of the shape of JSON, with bytes, 64-bit integers, and references to objects that stand elsewhere.
///
/// A map with an identity (``ObjectGraph``) is one object wherever it stands, and may stand in several places.
public enum ObjectValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case bytes([UInt8])
    case list([ObjectValue])
    case map([String: ObjectValue])
    /// The object with this identity, which stands in full somewhere else.
    case reference(String)

    /// Deepest nesting that is encoded, decoded, compared or merged: 200.
    public static var depthMaximum: Int { 200 }
}

extension ObjectValue: Hashable {
    /// Numbers are equal when their bits are, so that a value equals itself whatever it holds.
    public static func == (left: ObjectValue, right: ObjectValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.number(let a), .number(let b)): a.bitPattern == b.bitPattern
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.bytes(let a), .bytes(let b)): a == b
        case (.list(let a), .list(let b)): a == b
        case (.map(let a), .map(let b)): a == b
        case (.reference(let a), .reference(let b)): a == b
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .number(let value): hasher.combine(value.bitPattern)
        case .string(let value): for byte in value.utf8 { hasher.combine(byte) }
        case .bytes(let value): hasher.combine(value)
        case .list(let value): hasher.combine(value)
        case .map(let value): hasher.combine(value)
        case .reference(let value): hasher.combine(value)
        }
    }
}

// MARK: - The canonical encoding

extension ObjectValue {
    /// The one encoding of this value (docs/formats/history.md, "Value"): equal values have equal bytes.
    public var encoded: [UInt8] {
        var writer = FieldWriter()
        write(to: &writer)
        return writer.bytes
    }

    private enum Tag {
        static var null: UInt8 { 0 }
        static var no: UInt8 { 1 }
        static var yes: UInt8 { 2 }
        static var integer: UInt8 { 3 }
        static var number: UInt8 { 4 }
        static var string: UInt8 { 5 }
        static var bytes: UInt8 { 6 }
        static var list: UInt8 { 7 }
        static var map: UInt8 { 8 }
        static var reference: UInt8 { 9 }
    }

    private func write(to writer: inout FieldWriter) {
        switch self {
        case .null: writer.byte(Tag.null)
        case .bool(let value): writer.byte(value ? Tag.yes : Tag.no)
        case .integer(let value):
            writer.byte(Tag.integer)
            writer.integer(UInt64(bitPattern: value << 1 ^ value >> 63))
        case .number(let value):
            writer.byte(Tag.number)
            writer.fixed(value.bitPattern)
        case .string(let value):
            writer.byte(Tag.string)
            writer.string(value)
        case .bytes(let value):
            writer.byte(Tag.bytes)
            writer.string(value)
        case .list(let values):
            writer.byte(Tag.list)
            writer.count(values.count)
            for value in values { value.write(to: &writer) }
        case .map(let entries):
            writer.byte(Tag.map)
            writer.count(entries.count)
            for (key, value) in ObjectValue.sorted(entries) {
                writer.string(key)
                value.write(to: &writer)
            }
        case .reference(let identity):
            writer.byte(Tag.reference)
            writer.string(identity)
        }
    }

    /// Entries in the order of their keys' bytes: dictionaries never decide an order that is seen.
    static func sorted(_ entries: [String: ObjectValue]) -> [(key: String, value: ObjectValue)] {
        entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    /// - Throws: ``FormatError`` for anything but the one encoding of a value; nothing is allocated beyond what the bytes can hold.
    public init(encoded bytes: [UInt8]) throws(FormatError) {
        var reader = FieldReader(bytes)
        self = try ObjectValue.read(&reader, depth: 0)
        try reader.end()
    }

    private static func read(_ reader: inout FieldReader, depth: Int) throws(FormatError) -> ObjectValue {
        guard depth < depthMaximum else { throw FormatError(.tooLarge, at: reader.offset, "nested deeper than \(depthMaximum)") }
        switch try reader.byte() {
        case Tag.null: return .null
        case Tag.no: return .bool(false)
        case Tag.yes: return .bool(true)
        case Tag.integer:
            let value = try reader.integer()
            return .integer(Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1))
        case Tag.number: return .number(Double(bitPattern: try reader.fixed()))
        case Tag.string: return .string(try reader.text())
        case Tag.bytes: return .bytes(Array(try reader.string()))
        case Tag.reference: return .reference(try reader.text())
        case Tag.list:
            var values: [ObjectValue] = []
            for _ in 0..<(try reader.count(ofAtLeast: 1)) { values.append(try read(&reader, depth: depth + 1)) }
            return .list(values)
        case Tag.map: return .map(try readEntries(&reader, depth: depth))
        default: throw reader.malformed("an unknown kind of value")
        }
    }

    private static func readEntries(_ reader: inout FieldReader, depth: Int) throws(FormatError) -> [String: ObjectValue] {
        var entries: [String: ObjectValue] = [:]
        var last: String?
        for _ in 0..<(try reader.count(ofAtLeast: 2)) {
            let key = try reader.text()
            if let last, !last.utf8.lexicographicallyPrecedes(key.utf8) { throw reader.malformed("keys out of order") }
            // Two spellings of one text are one key to a dictionary, though their bytes differ.
            guard entries.updateValue(try read(&reader, depth: depth + 1), forKey: key) == nil else {
                throw reader.malformed("a key twice")
            }
            last = key
        }
        return entries
    }
}
