/// A value of no particular type: a tree, for commands, scripts and tests that meet types they were not compiled with.
///
/// Formats whose bytes say what they are read and write it as they would the typed value. In positional ones it carries marks of its own.
public indirect enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    /// A whole number above `Int64.max`; smaller ones are ``int(_:)``.
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list([Value])
    /// Entries in the order of the source. Records are maps with text keys.
    case map([Entry])
    /// An index into the reference table of the frame.
    case reference(UInt32)

    /// One entry of a map.
    public struct Entry: Hashable, Sendable {
        public var key: Value
        public var value: Value

        public init(_ key: Value, _ value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// What kind of value it is, as far as the next bytes of an input can tell.
    @frozen
    public enum Kind: String, Sendable {
        case null, bool, integer, unsigned, double, string, bytes, list, map, reference
    }

    /// What kind of value it is.
    public var kind: Kind {
        switch self {
        case .null: .null
        case .bool: .bool
        case .int: .integer
        case .uint: .unsigned
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .list: .list
        case .map: .map
        case .reference: .reference
        }
    }
}

// MARK: - Making and taking apart

// No `nil` for ``null``: where a `Value?` is meant, `nil` would quietly become a value.

extension Value {
    /// A whole number of any sign, in its one form.
    public init<I: FixedWidthInteger>(integer: I) {
        if let int = Int64(exactly: integer) {
            self = .int(int)
        } else {
            self = .uint(UInt64(truncatingIfNeeded: integer))
        }
    }

    /// A map with text keys.
    public static func object(_ members: KeyValuePairs<String, Value>) -> Value {
        .map(members.map { Entry(.string($0.key), $0.value) })
    }

    /// The value of the first entry with this text key.
    public subscript(key: String) -> Value? {
        guard case .map(let entries) = self else { return nil }
        return entries.first { $0.key == .string(key) }?.value
    }

    /// The element at `index`, nil when this is no list or a shorter one.
    public subscript(index: Int) -> Value? {
        guard case .list(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral,
    ExpressibleByArrayLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(arrayLiteral elements: Value...) { self = .list(elements) }
}
