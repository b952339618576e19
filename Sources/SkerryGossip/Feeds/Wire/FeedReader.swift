/// Reads bytes that anybody may have sent: every step is checked, and every count against the bytes that are left before anything is allocated for it.
///
/// It must not outlive the bytes.
struct FeedReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }
    var remaining: Int { bytes.count - offset }

    func malformed(_ what: String) -> FeedError { FeedError(.malformed, what, amount: UInt64(offset)) }

    @inline(__always)
    mutating func byte() throws(FeedError) -> UInt8 {
        guard offset < bytes.count else { throw malformed("the bytes end too early") }
        offset += 1
        return bytes[offset - 1]
    }

    @inline(__always)
    mutating func integer() throws(FeedError) -> UInt64 {
        let first = try byte()
        return first < 0x80 ? UInt64(first) : try integer(after: first)
    }

    private mutating func integer(after first: UInt8) throws(FeedError) -> UInt64 {
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw malformed("a number is too large") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 {
                guard next != 0 else { throw malformed("a number is written longer than it needs") }
                return value
            }
            shift += 7
        }
    }

    /// A number of at most `maximum`.
    mutating func integer(atMost maximum: UInt64, _ what: StaticString) throws(FeedError) -> UInt64 {
        let value = try integer()
        guard value <= maximum else { throw FeedError(.limitExceeded, "\(what) is too large", amount: UInt64(offset)) }
        return value
    }

    /// How many things follow, of which each takes at least `size` bytes: no more than can have come.
    mutating func count(atMost maximum: Int, eachAtLeast size: Int, _ what: StaticString) throws(FeedError) -> Int {
        let value = Int(try integer(atMost: UInt64(maximum), what))
        guard value <= remaining / max(1, size) else { throw malformed("the bytes end too early") }
        return value
    }

    mutating func signed() throws(FeedError) -> Int64 {
        let value = try integer()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func fixed32() throws(FeedError) -> UInt32 {
        guard remaining >= 4 else { throw malformed("the bytes end too early") }
        offset += 4
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset - 4, as: UInt32.self))
    }

    mutating func fixed64() throws(FeedError) -> UInt64 {
        guard remaining >= 8 else { throw malformed("the bytes end too early") }
        offset += 8
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset - 8, as: UInt64.self))
    }

    @inline(__always)
    mutating func raw(_ count: Int) throws(FeedError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else { throw malformed("the bytes end too early") }
        offset += count
        return UnsafeRawBufferPointer(rebasing: bytes[offset - count..<offset])
    }

    mutating func hash() throws(FeedError) -> FeedHash {
        let bytes = try raw(32)
        return FeedHash(bytes) ?? .zero
    }

    /// Nothing may follow.
    func end() throws(FeedError) {
        guard isAtEnd else { throw malformed("bytes follow the end") }
    }
}
