/// What a state keeps as a key, a member or a value: ordered and encoded the same way everywhere.
///
/// The order settles what two replicas must settle alike. It is strict and total, and two elements of which neither precedes the other
/// have the same
/// encoding. That is why it is not `Comparable`: strings of other scalars that look alike are equal there.
public protocol StateElement: StateCodable {
    static func precedes(_ left: Self, _ right: Self) -> Bool
}

extension StateElement where Self: Comparable {
    @inlinable
    public static func precedes(_ left: Self, _ right: Self) -> Bool { left < right }
}

extension StateElement {
    static func isSame(_ left: Self, _ right: Self) -> Bool { !precedes(left, right) && !precedes(right, left) }
}

extension UInt64: StateElement {
    public static var stateType: [UInt8] { [0x01] }
    public func encode(to writer: inout StateWriter) { writer.write(self) }
    public init(from reader: inout StateReader) throws(DocumentError) { self = try reader.uint64() }
}

extension Int64: StateElement {
    public static var stateType: [UInt8] { [0x02] }
    public func encode(to writer: inout StateWriter) { writer.write(UInt64(bitPattern: self << 1 ^ self >> 63)) }
    public init(from reader: inout StateReader) throws(DocumentError) {
        let bits = try reader.uint64()
        self = Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1)
    }
}

/// Ordered by the bytes of its UTF-8.
extension String: StateElement {
    public static var stateType: [UInt8] { [0x03] }
    public static func precedes(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
    public func encode(to writer: inout StateWriter) { writer.write(self) }
    public init(from reader: inout StateReader) throws(DocumentError) { self = try reader.string() }
}

extension OriginID: StateElement {
    public static var stateType: [UInt8] { [0x04] }
    public func encode(to writer: inout StateWriter) { writer.write(fixed: rawValue) }
    public init(from reader: inout StateReader) throws(DocumentError) { self.init(rawValue: try reader.fixed64()) }
}

extension HybridTimestamp: StateElement {
    public static var stateType: [UInt8] { [0x05] }
    public func encode(to writer: inout StateWriter) { writer.write(fixed: rawValue) }
    public init(from reader: inout StateReader) throws(DocumentError) { self.init(rawValue: try reader.fixed64()) }
}

/// Ordered by kind, and within a kind by what its encoding says.
extension DocumentValue: StateElement {
    public static var stateType: [UInt8] { [0x06] }

    public static func precedes(_ left: DocumentValue, _ right: DocumentValue) -> Bool {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): !left && right
        case (.int(let left), .int(let right)): left < right
        case (.double(let left), .double(let right)): left.bitPattern < right.bitPattern
        case (.string(let left), .string(let right)): String.precedes(left, right)
        case (.bytes(let left), .bytes(let right)): left.lexicographicallyPrecedes(right)
        case (.container(let left), .container(let right)): left.rawValue < right.rawValue
        default: left.rank < right.rank
        }
    }

    private var rank: Int {
        switch self {
        case .null: 0
        case .bool: 1
        case .int: 2
        case .double: 3
        case .string: 4
        case .bytes: 5
        case .container: 6
        }
    }

    public func encode(to writer: inout StateWriter) {
        var bytes = ByteWriter()
        encode(to: &bytes)
        writer.append(bytes.bytes.elements)
    }

    public init(from reader: inout StateReader) throws(DocumentError) { try self.init(&reader.bytes) }
}
