/// Reads untrusted bytes; every step is checked.
struct ByteReader {
    private let base: UnsafePointer<UInt8>
    private(set) var offset: Int
    let end: Int

    /// The bytes outlive the reader.
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        // An empty buffer may have no address; it is never dereferenced.
        base = bytes.baseAddress ?? UnsafePointer(bitPattern: 1)!
        offset = 0
        end = bytes.count
    }

    var isAtEnd: Bool { offset == end }
    var remaining: Int { end - offset }

    func damaged(_ what: String) -> DocumentError { DocumentError(code: .corrupt, message: what, offset: offset) }

    @inline(__always)
    mutating func byte() throws(DocumentError) -> UInt8 {
        guard offset < end else { throw damaged("the bytes end too early") }
        offset += 1
        return base[offset - 1]
    }

    @inline(__always)
    mutating func bytes(_ count: Int) throws(DocumentError) -> UnsafeBufferPointer<UInt8> {
        guard count >= 0, count <= remaining else { throw damaged("the bytes end too early") }
        offset += count
        return UnsafeBufferPointer(start: base + offset - count, count: count)
    }

    mutating func fixed32() throws(DocumentError) -> UInt32 {
        UInt32(littleEndian: UnsafeRawPointer(try bytes(4).baseAddress!).loadUnaligned(as: UInt32.self))
    }

    mutating func fixed64() throws(DocumentError) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(try bytes(8).baseAddress!).loadUnaligned(as: UInt64.self))
    }

    @inline(__always)
    mutating func varint() throws(DocumentError) -> UInt64 {
        let first = try byte()
        if first < 0x80 { return UInt64(first) }
        return try varint(after: first)
    }

    private mutating func varint(after first: UInt8) throws(DocumentError) -> UInt64 {
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw damaged("a number is too large") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 {
                guard next != 0 else { throw damaged("a number is written longer than it needs") }
                return value
            }
            shift += 7
        }
    }

    /// A number of at most `maximum`.
    @inline(__always)
    mutating func count(atMost maximum: Int, _ what: StaticString) throws(DocumentError) -> Int {
        let value = try varint()
        guard value <= UInt64(maximum) else { throw damaged("\(what) is too large") }
        return Int(value)
    }

    @inline(__always)
    mutating func zigzag() throws(DocumentError) -> Int {
        let value = try varint()
        return Int(Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1))
    }

    /// A string with its length before it.
    mutating func string(atMost maximum: Int) throws(DocumentError) -> String {
        let count = try count(atMost: maximum, "the length of a string")
        let bytes = try bytes(count)
        // Not the library's validating initializer, which looks up generic metadata for each string.
        guard UTF8Validation.isText(bytes) else { throw damaged("a string is not UTF-8") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
