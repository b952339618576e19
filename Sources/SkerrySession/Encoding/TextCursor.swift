/// Reads JSON without building anything: the little that text packets need.
///
/// Never reads beyond its bytes and never recurses: containers are counted against a depth of at most 64, one bit for each.
@usableFromInline
struct TextCursor {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var offset: Int
    /// Whether ``skipValue(depth:)`` stopped at the depth rather than at the grammar.
    private(set) var isTooDeep = false

    @usableFromInline
    init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    /// The next byte, or nil at the end.
    var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    @usableFromInline
    mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    /// Passes `byte` if it is next, with the space before it.
    @usableFromInline
    mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    /// Passes `word` if it is next.
    mutating func take(word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard bytes.count - offset >= count else { return false }
        for index in 0..<count where bytes[offset + index] != word.utf8Start[index] { return false }
        offset += count
        return true
    }
}

// MARK: - Values

extension TextCursor {
    /// Passes one value of any kind with the space before it, checking its grammar; false leaves the offset at the fault.
    @usableFromInline
    mutating func skipValue(depth: Int) -> Bool {
        /// A bit for each open container, the innermost lowest: 1 for an object.
        var objects: UInt64 = 0
        var level = 0
        while true {
            skipSpace()
            switch peek {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard level < min(depth, 64) else {
                    isTooDeep = true
                    return false
                }
                let isObject = bytes[offset] == UInt8(ascii: "{")
                offset += 1
                level += 1
                objects = objects << 1 | (isObject ? 1 : 0)
                if take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    level -= 1
                    objects >>= 1
                } else {
                    guard !isObject || skipKey() else { return false }
                    continue
                }
            case UInt8(ascii: "\""): guard skipString() else { return false }
            case UInt8(ascii: "t"): guard take(word: "true") else { return false }
            case UInt8(ascii: "f"): guard take(word: "false") else { return false }
            case UInt8(ascii: "n"): guard take(word: "null") else { return false }
            default: guard skipNumber() else { return false }
            }
            guard let ended = closeContainers(&objects, &level) else { return false }
            if ended { return true }
        }
    }

    /// After a value: passes closing brackets and a comma with the key behind it. True when the outermost value has ended, nil at a fault.
    private mutating func closeContainers(_ objects: inout UInt64, _ level: inout Int) -> Bool? {
        while level > 0 {
            let isObject = objects & 1 == 1
            if take(UInt8(ascii: ",")) {
                guard !isObject || skipKey() else { return nil }
                return false
            }
            guard take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return nil }
            level -= 1
            objects >>= 1
        }
        return true
    }

    private mutating func skipKey() -> Bool {
        skipSpace()
        return skipString() && take(UInt8(ascii: ":"))
    }

    private mutating func skipString() -> Bool {
        guard peek == UInt8(ascii: "\"") else { return false }
        offset += 1
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): guard skipEscape() else { return false }
            case 0..<0x20: return false
            default: break
            }
        }
        return false
    }

    private mutating func skipEscape() -> Bool {
        guard let byte = peek else { return false }
        offset += 1
        switch byte {
        case UInt8(ascii: "u"): return hexadecimal16() != nil
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            return true
        default: return false
        }
    }

    private mutating func skipNumber() -> Bool {
        _ = takeByte(UInt8(ascii: "-"))
        if !takeByte(UInt8(ascii: "0")) { guard skipDigits() else { return false } }
        if takeByte(UInt8(ascii: ".")) { guard skipDigits() else { return false } }
        guard takeByte(UInt8(ascii: "e")) || takeByte(UInt8(ascii: "E")) else { return true }
        if !takeByte(UInt8(ascii: "+")) { _ = takeByte(UInt8(ascii: "-")) }
        return skipDigits()
    }

    private mutating func takeByte(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    private mutating func skipDigits() -> Bool {
        let start = offset
        while let byte = peek, byte >= 0x30, byte <= 0x39 { offset += 1 }
        return offset > start
    }

    /// Four hexadecimal digits.
    private mutating func hexadecimal16() -> UInt32? {
        guard bytes.count - offset >= 4 else { return nil }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = hexadecimalDigit(bytes[offset]) else { return nil }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }
}

// MARK: - Scalars

extension TextCursor {
    /// A natural number below 2^53, with the space before it.
    mutating func natural() -> UInt64? {
        skipSpace()
        let start = offset
        var value: UInt64 = 0
        while let byte = peek, byte >= 0x30, byte <= 0x39 {
            value = value * 10 + UInt64(byte - 0x30)
            offset += 1
            if value >= 1 << SessionLimits.idBits { return nil }
        }
        guard offset > start, offset - start == 1 || bytes[start] != 0x30 else { return nil }
        return value
    }

    /// A string of at most `maximum` bytes of UTF-8, with the space before it.
    mutating func string(maximum: Int) -> String? {
        skipSpace()
        let start = offset + 1
        guard skipString() else { return nil }
        let raw = UnsafeRawBufferPointer(rebasing: bytes[start..<offset - 1])
        // The longest escape takes six bytes for one.
        guard raw.count <= maximum * 6 else { return nil }
        guard raw.contains(UInt8(ascii: "\\")) else {
            return raw.count <= maximum ? String(validating: raw, as: UTF8.self) : nil
        }
        guard let plain = TextCursor.unescaped(raw), plain.count <= maximum else { return nil }
        return String(validating: plain, as: UTF8.self)
    }

    /// The bytes behind a string that ``skipString()`` has passed; nil where half of a surrogate pair stands alone.
    private static func unescaped(_ raw: UnsafeRawBufferPointer) -> [UInt8]? {
        var plain: [UInt8] = []
        var cursor = TextCursor(raw)
        while let byte = cursor.peek {
            cursor.offset += 1
            guard byte == UInt8(ascii: "\\") else {
                plain.append(byte)
                continue
            }
            let escape = raw[cursor.offset]
            cursor.offset += 1
            switch escape {
            case UInt8(ascii: "b"): plain.append(0x08)
            case UInt8(ascii: "f"): plain.append(0x0C)
            case UInt8(ascii: "n"): plain.append(0x0A)
            case UInt8(ascii: "r"): plain.append(0x0D)
            case UInt8(ascii: "t"): plain.append(0x09)
            case UInt8(ascii: "u"):
                guard let scalar = cursor.escapedScalar() else { return nil }
                plain.append(contentsOf: String(Character(scalar)).utf8)
            default: plain.append(escape)
            }
        }
        return plain
    }

    private mutating func escapedScalar() -> Unicode.Scalar? {
        guard let first = hexadecimal16() else { return nil }
        guard first & 0xFC00 == 0xD800 else { return Unicode.Scalar(first) }
        guard take(word: "\\u"), let second = hexadecimal16(), second & 0xFC00 == 0xDC00 else { return nil }
        return Unicode.Scalar(0x10000 + ((first & 0x3FF) << 10 | second & 0x3FF))
    }
}

/// The value of a hexadecimal digit.
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}
