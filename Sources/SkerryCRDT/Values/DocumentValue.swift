/// A value that a register, a key, an element of a list or a member of a set has.
///
/// Equality is that of the encoding: two not-a-numbers with the same bits are equal, 0.0 and -0.0 are not.
public enum DocumentValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    /// The container of this kind that is named by the key, and by the map that holds the key.
    case container(ContainerKind)
}

extension DocumentValue: Hashable {
    public static func == (left: DocumentValue, right: DocumentValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.double(let left), .double(let right)): left.bitPattern == right.bitPattern
        // By scalars: strings that only look alike stay two.
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.bytes(let left), .bytes(let right)): left == right
        case (.container(let left), .container(let right)): left == right
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .int(let value): hasher.combine(value)
        case .double(let value): hasher.combine(value.bitPattern)
        case .string(let value): for byte in value.utf8 { hasher.combine(byte) }
        case .bytes(let value): hasher.combine(value)
        case .container(let kind): hasher.combine(kind)
        }
    }
}

// Not by nil: an optional value that is absent would read as null.
extension DocumentValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension DocumentValue {
    /// Bytes of a string or of bytes in one value.
    public static let lengthMaximum = 16 << 20

    /// ```
    /// value = 0 | 1 | 2 | 3 zigzag | 4 bits:8 | 5 string | 6 length:varint bytes | 7 kind:1      null, false, true, ...
    /// ```
    func encode(to writer: inout ByteWriter) {
        switch self {
        case .null: writer.write(0)
        case .bool(let value): writer.write(value ? 2 : 1)
        case .int(let value):
            writer.write(3)
            writer.write(varint: UInt64(bitPattern: value << 1 ^ value >> 63))
        case .double(let value):
            writer.write(4)
            writer.write(fixed: value.bitPattern)
        case .string(let value):
            writer.write(5)
            writer.write(string: value)
        case .bytes(let value):
            writer.write(6)
            writer.write(varint: value.count)
            value.withUnsafeBufferPointer { writer.write($0) }
        case .container(let kind):
            writer.write(7)
            writer.write(kind.rawValue)
        }
    }

    init(_ reader: inout ByteReader) throws(DocumentError) {
        switch try reader.byte() {
        case 0: self = .null
        case 1: self = .bool(false)
        case 2: self = .bool(true)
        case 3:
            let bits = try reader.varint()
            self = .int(Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1))
        case 4: self = .double(Double(bitPattern: try reader.fixed64()))
        case 5: self = .string(try reader.string(atMost: Self.lengthMaximum))
        case 6:
            let count = try reader.count(atMost: min(Self.lengthMaximum, reader.remaining), "the length of a value")
            self = .bytes(Array(try reader.bytes(count)))
        case 7:
            guard let kind = ContainerKind(rawValue: try reader.byte()) else { throw reader.damaged("an unknown kind of container") }
            self = .container(kind)
        default: throw reader.damaged("an unknown kind of value")
        }
    }
}
