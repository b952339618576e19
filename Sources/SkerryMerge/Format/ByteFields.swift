/// Writes the fields that our formats are made of (docs/formats/history.md).
package struct FieldWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func byte(_ byte: UInt8) { bytes.append(byte) }

    package mutating func raw(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// LEB128 in as few bytes as it takes.
    package mutating func integer(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    package mutating func count(_ count: Int) { integer(UInt64(count)) }

    /// A length and so many bytes.
    package mutating func string(_ content: some Collection<UInt8>) {
        count(content.count)
        raw(content)
    }

    package mutating func string(_ text: String) { string(Array(text.utf8)) }

    mutating func fixed(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }
}

/// Reads them back from bytes that may hold anything.
package struct FieldReader {
    private let bytes: ArraySlice<UInt8>
    package private(set) var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    package var remaining: Int { bytes.endIndex - position }
    package var offset: Int { position - bytes.startIndex }

    package func malformed(_ message: String) -> FormatError { FormatError(.malformed, at: offset, message) }

    package mutating func byte() throws(FormatError) -> UInt8 {
        guard remaining > 0 else { throw malformed("the bytes end early") }
        defer { position += 1 }
        return bytes[position]
    }

    package mutating func raw(_ count: Int) throws(FormatError) -> ArraySlice<UInt8> {
        guard count <= remaining else { throw malformed("the bytes end early") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Refuses encodings longer than needed: equal values have equal bytes.
    package mutating func integer() throws(FormatError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw malformed("an integer of more than 64 bits") }
            value |= UInt64(next & 0x7F) << UInt64(shift)
            guard next >= 0x80 else {
                guard next != 0 || shift == 0 else { throw malformed("an integer longer than needed") }
                return value
            }
        }
        throw malformed("an integer of more than 64 bits")
    }

    /// A count of things that take at least `size` bytes each: never more than can follow, so that it is safe to reserve for.
    package mutating func count(ofAtLeast size: Int, maximum: Int = .max) throws(FormatError) -> Int {
        let at = offset
        let value = try integer()
        guard value <= UInt64(maximum) else { throw FormatError(.tooLarge, at: at, "\(value) things where \(maximum) are allowed") }
        guard value <= UInt64(remaining / max(1, size)) else { throw FormatError(.malformed, at: at, "a count beyond the bytes") }
        return Int(value)
    }

    package mutating func string(maximum: Int = .max) throws(FormatError) -> ArraySlice<UInt8> {
        try raw(count(ofAtLeast: 1, maximum: maximum))
    }

    /// Text in UTF-8; refuses what is not.
    package mutating func text(maximum: Int = .max) throws(FormatError) -> String {
        let at = offset
        let bytes = try string(maximum: maximum)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw FormatError(.malformed, at: at, "text that is not UTF-8") }
        return text
    }

    mutating func fixed() throws(FormatError) -> UInt64 {
        var value: UInt64 = 0
        for (index, byte) in try raw(8).enumerated() { value |= UInt64(byte) << UInt64(8 * index) }
        return value
    }

    package func end() throws(FormatError) {
        guard remaining == 0 else { throw malformed("\(remaining) bytes too many") }
    }
}
