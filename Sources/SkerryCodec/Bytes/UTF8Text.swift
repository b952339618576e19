/// Strings from UTF-8 that is checked rather than repaired.
///
/// The standard library's `String(validating:as:)` does the same, but runs unspecialised and asks the runtime for generic metadata at
/// each call: 60 ns where this takes 15.
@usableFromInline
enum UTF8Text {
    /// The string of `count` bytes at `start`, nil when they are not UTF-8.
    @inlinable @inline(__always)
    static func string(_ start: UnsafeRawPointer, _ count: Int) -> String? {
        guard isValid(start, count) else { return nil }
        return trusted(start, count)
    }

    /// The string of bytes already known to be UTF-8.
    @inlinable @inline(__always)
    static func trusted(_ start: UnsafeRawPointer, _ count: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: count), as: UTF8.self)
    }

    /// Whether the bytes are UTF-8 as RFC 3629 has it: shortest forms, no surrogates, nothing above U+10FFFF.
    @inlinable @inline(__always)
    static func isValid(_ start: UnsafeRawPointer, _ count: Int) -> Bool {
        let ascii = asciiCount(start, count)
        return ascii == count || isValidBeyondASCII(start + ascii, count - ascii)
    }

    /// How many bytes from the start are certainly ASCII; all of them when the whole is.
    @inlinable @inline(__always)
    static func asciiCount(_ start: UnsafeRawPointer, _ count: Int) -> Int {
        var index = 0
        while index &+ 8 <= count {
            if start.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 { return index }
            index &+= 8
        }
        while index < count {
            if start.load(fromByteOffset: index, as: UInt8.self) >= 0x80 { return index }
            index &+= 1
        }
        return count
    }

    @usableFromInline
    static func isValidBeyondASCII(_ start: UnsafeRawPointer, _ count: Int) -> Bool {
        var index = 0
        while index < count {
            guard let width = scalarWidth(start + index, count - index) else { return false }
            index += width
        }
        return true
    }

    /// Bytes of the scalar at `start`, nil when there is none (RFC 3629 section 4).
    @usableFromInline
    static func scalarWidth(_ start: UnsafeRawPointer, _ count: Int) -> Int? {
        func byte(_ index: Int) -> UInt8 { start.load(fromByteOffset: index, as: UInt8.self) }
        func isTail(_ index: Int) -> Bool { byte(index) & 0xc0 == 0x80 }
        switch byte(0) {
        case 0..<0x80: return 1
        case 0xc2...0xdf: return count >= 2 && isTail(1) ? 2 : nil
        case 0xe0...0xef:
            guard count >= 3, isTail(1), isTail(2) else { return nil }
            // E0 would be too long below A0; ED reaches the surrogates at A0.
            if byte(0) == 0xe0, byte(1) < 0xa0 { return nil }
            if byte(0) == 0xed, byte(1) >= 0xa0 { return nil }
            return 3
        case 0xf0...0xf4:
            guard count >= 4, isTail(1), isTail(2), isTail(3) else { return nil }
            // F0 would be too long below 90; F4 passes U+10FFFF at 90.
            if byte(0) == 0xf0, byte(1) < 0x90 { return nil }
            if byte(0) == 0xf4, byte(1) >= 0x90 { return nil }
            return 4
        default: return nil
        }
    }
}
