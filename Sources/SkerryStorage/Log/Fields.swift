/// Writes the fields of records and rows: little structures in a fixed order, integers as LEB128 varints, byte strings with their length before them.
///
/// The grammar of each record stands in `docs/formats`; a field added later goes at the end, where an older reader ignores it.
public struct FieldWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init(reserving capacity: Int = 128) {
        bytes.reserveCapacity(capacity)
    }

    /// An unsigned integer of 1 to 10 bytes, least significant seven bits first.
    public mutating func write(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    public mutating func write(_ value: Int) { write(UInt64(value)) }

    public mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    public mutating func write(byte: UInt8) { bytes.append(byte) }

    /// Eight bytes, most significant first: sorts as the number does.
    public mutating func write(fixed value: UInt64) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Bytes without a length: the reader knows it.
    public mutating func write(raw value: some Collection<UInt8>) { bytes.append(contentsOf: value) }

    /// Length, then bytes.
    public mutating func write(_ value: some Collection<UInt8>) {
        write(value.count)
        bytes.append(contentsOf: value)
    }

    /// Length, then UTF-8.
    public mutating func write(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            write(utf8.count)
            bytes.append(contentsOf: utf8)
        }
    }

    /// 0, or 1 and the value.
    public mutating func write<Value>(_ value: Value?, _ body: (inout FieldWriter, Value) -> Void) {
        write(value != nil)
        if let value { body(&self, value) }
    }
}

/// Reads what ``FieldWriter`` wrote; any byte sequence gives values or a `corrupt` error, never a trap.
public struct FieldReader {
    private let bytes: ArraySlice<UInt8>
    private var index: Int

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
        index = 0
    }

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    public var remaining: Int { bytes.endIndex - index }
    public var isAtEnd: Bool { index == bytes.endIndex }

    public mutating func readInteger() throws(StorageError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte()
            guard shift < 63 || byte <= 1 else { throw damage("integer is longer than 64 bits") }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
    }

    /// An integer that fits `Int` and is at most `maximum`: a bound on what the caller allocates for it.
    public mutating func readCount(maximum: Int = .max) throws(StorageError) -> Int {
        let value = try readInteger()
        guard value <= UInt64(maximum) else { throw damage("\(value) is over the limit of \(maximum)") }
        return Int(value)
    }

    public mutating func readBool() throws(StorageError) -> Bool {
        switch try readByte() {
        case 0: return false
        case 1: return true
        case let byte: throw damage("\(byte) is no truth value")
        }
    }

    public mutating func readByte() throws(StorageError) -> UInt8 {
        guard index < bytes.endIndex else { throw damage("ends early") }
        defer { index += 1 }
        return bytes[index]
    }

    public mutating func readFixed() throws(StorageError) -> UInt64 {
        var value: UInt64 = 0
        for byte in try read(raw: 8) { value = value << 8 | UInt64(byte) }
        return value
    }

    public mutating func read(raw count: Int) throws(StorageError) -> ArraySlice<UInt8> {
        guard count <= remaining else { throw damage("ends early") }
        defer { index += count }
        return bytes[index..<index + count]
    }

    public mutating func readBytes() throws(StorageError) -> [UInt8] {
        Array(try read(raw: try readCount()))
    }

    public mutating func readString() throws(StorageError) -> String {
        String(decoding: try read(raw: try readCount()), as: UTF8.self)
    }

    public mutating func readOptional<Value>(
        _ body: (inout FieldReader) throws(StorageError) -> Value
    ) throws(StorageError) -> Value? {
        try readBool() ? try body(&self) : nil
    }

    private func damage(_ what: String) -> StorageError {
        StorageError(.corrupt, "record fields: \(what) at byte \(index - bytes.startIndex) of \(bytes.count)")
    }
}
