/// The strings of JSON.
extension ByteSource {
    /// The string whose opening quote is next.
    @inlinable
    mutating func string() throws(ShapeError) -> String {
        let (count, isASCII, isPlain) = try scanString()
        guard isPlain else { return try escapedString() }
        let start = cursor + 1
        _ = try charged(count)
        guard isASCII || UTF8Text.isValid(start, count) else { throw invalidText() }
        cursor = start + count + 1
        return UTF8Text.trusted(start, count)
    }

    /// Looks for the end of the string whose opening quote is next.
    ///
    /// - Returns: how many bytes stand before the closing quote or the first backslash, whether all are ASCII, and whether it was the quote.
    @inlinable @inline(__always)
    func scanString() throws(ShapeError) -> (count: Int, isASCII: Bool, isPlain: Bool) {
        var place = cursor + 1
        var beyond: UInt64 = 0
        while end - place >= 8 {
            let word = UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
            let special = JSONScan.special(word)
            if special == 0 {
                beyond |= JSONScan.beyondASCII(word)
                place += 8
            } else {
                let clean = special.trailingZeroBitCount &>> 3
                // Only the bytes before the special one count.
                beyond |= JSONScan.beyondASCII(word) & ((1 &<< UInt64(truncatingIfNeeded: clean &* 8)) &- 1)
                place += clean
                break
            }
        }
        while place < end {
            let byte = place.load(as: UInt8.self)
            if byte == UInt8(ascii: "\"") { return (place - cursor - 1, beyond == 0, true) }
            if byte == UInt8(ascii: "\\") { return (place - cursor - 1, beyond == 0, false) }
            guard byte >= 0x20 else { throw controlCharacter(place - start) }
            beyond |= UInt64(byte & 0x80)
            place += 1
        }
        throw truncated()
    }

    @inline(never) @usableFromInline
    func controlCharacter(_ offset: Int) -> ShapeError {
        ShapeError(.syntax, "a control character stands in a string without an escape", at: offset)
    }

    @inline(never) @usableFromInline
    mutating func escapedString() throws(ShapeError) -> String {
        let bytes = try unescaped()
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The bytes of the string whose opening quote is next, without its escapes; checked to be UTF-8.
    mutating func unescaped() throws(ShapeError) -> [UInt8] {
        var bytes: [UInt8] = []
        let start = cursor
        cursor += 1
        while true {
            let byte = try byte()
            switch byte {
            case UInt8(ascii: "\""):
                guard bytes.withUnsafeBytes({ UTF8Text.isValid($0.baseAddress ?? start, $0.count) }) else {
                    throw ShapeError(.invalidText, "text is not UTF-8", at: start - self.start)
                }
                return bytes
            case UInt8(ascii: "\\"): try unescape(into: &bytes)
            case 0..<0x20: throw controlCharacter(offset - 1)
            default: bytes.append(byte)
            }
            guard bytesLeft > 0 else { throw exceeded("strings and blobs of \(limits.bytes) bytes") }
            bytesLeft -= 1
        }
    }

    private mutating func unescape(into bytes: inout [UInt8]) throws(ShapeError) {
        let start = offset - 1
        switch try byte() {
        case UInt8(ascii: "\""): bytes.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): bytes.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0c)
        case UInt8(ascii: "n"): bytes.append(0x0a)
        case UInt8(ascii: "r"): bytes.append(0x0d)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"): bytes += Array(Character(try scalar(at: start)).utf8)
        default: throw ShapeError(.syntax, "no escape begins like this", at: start)
        }
    }

    /// The scalar after `\u`, which may take two escapes.
    private mutating func scalar(at start: Int) throws(ShapeError) -> Unicode.Scalar {
        let unit = try hexadecimal()
        if let scalar = Unicode.Scalar(UInt32(unit)) { return scalar }
        guard unit < 0xdc00, available >= 2, load() == UInt8(ascii: "\\"), load(1) == UInt8(ascii: "u") else { throw loneSurrogate(start) }
        cursor += 2
        let second = try hexadecimal()
        guard second >= 0xdc00, second < 0xe000 else { throw loneSurrogate(start) }
        let value = 0x10000 + (UInt32(unit) - 0xd800) << 10 + (UInt32(second) - 0xdc00)
        guard let scalar = Unicode.Scalar(value) else { throw loneSurrogate(start) }
        return scalar
    }

    private func loneSurrogate(_ start: Int) -> ShapeError {
        ShapeError(.invalidText, "half of a surrogate pair stands alone", at: start)
    }

    private mutating func hexadecimal() throws(ShapeError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            let digit = try byte()
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt16(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt16(digit - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): unit = unit << 4 | UInt16(digit - UInt8(ascii: "A") + 10)
            default: throw ShapeError(.syntax, "an escape needs four hexadecimal digits", at: offset - 1)
            }
        }
        return unit
    }

    // MARK: Keys

    /// Takes `"key":` when exactly that is next.
    @inlinable @inline(__always)
    mutating func take(_ entry: KeyTable.Entry) -> Bool {
        // The table holds `,"key":` and may be read in words beyond its end; the input may not.
        let count = entry.jsonCount &- 1
        guard available >= count &+ 7 else { return false }
        let expected = entry.json + 1
        var index = 0
        while index &+ 8 <= count {
            guard
                cursor.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    == expected.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            else { return false }
            index &+= 8
        }
        if index < count {
            let difference =
                UInt64(littleEndian: cursor.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                ^ UInt64(littleEndian: expected.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let mask: UInt64 = (1 &<< UInt64(truncatingIfNeeded: (count &- index) &* 8)) &- 1
            guard difference & mask == 0 else { return false }
        }
        cursor += count
        return true
    }

    /// Reads a key and finds it in the table; -1 when it is not there.
    @usableFromInline
    mutating func key(_ keys: KeyTable, after previous: Int) throws(ShapeError) -> Int {
        guard try token() == UInt8(ascii: "\"") else { throw syntax("a key") }
        let (count, isASCII, isPlain) = try scanString()
        guard isPlain else {
            return try unescaped().withUnsafeBytes { keys.index(of: $0, after: previous) }
        }
        let key = UnsafeRawBufferPointer(start: cursor + 1, count: count)
        guard isASCII || UTF8Text.isValid(cursor + 1, count) else { throw invalidText() }
        cursor += count + 2
        return keys.index(of: key, after: previous)
    }

    /// The key that was read from `start`, for errors.
    @usableFromInline
    func keyBytes(from start: Int) -> UnsafeRawBufferPointer {
        let begin = self.start + start + 1
        return UnsafeRawBufferPointer(start: begin, count: max(0, cursor - begin - 1))
    }

    // MARK: Marks of values

    /// Whether the object that is next begins with this key.
    func isMarked(_ mark: StaticString) -> Bool {
        var place = cursor + 1
        while place < end, [0x20, 0x0a, 0x0d, 0x09].contains(place.load(as: UInt8.self)) { place += 1 }
        let count = mark.utf8CodeUnitCount
        guard end - place >= count + 2, place.load(as: UInt8.self) == UInt8(ascii: "\"") else { return false }
        guard place.load(fromByteOffset: count + 1, as: UInt8.self) == UInt8(ascii: "\"") else { return false }
        return (0..<count).allSatisfy { place.load(fromByteOffset: $0 + 1, as: UInt8.self) == mark.utf8Start[$0] }
    }

    /// Opens an object that begins with this key, up to the value.
    mutating func open(marked mark: StaticString) throws(ShapeError) {
        guard isMarked(mark) else { throw ShapeError(.typeMismatch, "expected the mark \(mark)", at: offset) }
        cursor += 1
        skipSpace()
        cursor += mark.utf8CodeUnitCount + 2
        try colon()
    }

    /// Closes an object that `open(marked:)` opened.
    mutating func close() throws(ShapeError) {
        guard try token() == UInt8(ascii: "}") else { throw syntax("a brace after the marked value") }
        cursor += 1
    }

    /// The bytes of a string in base64.
    mutating func base64() throws(ShapeError) -> [UInt8] {
        guard try token() == UInt8(ascii: "\"") else { throw unexpected("bytes in base64") }
        let start = offset
        let (count, _, isPlain) = try scanString()
        guard isPlain else { throw ShapeError(.typeMismatch, "base64 has no escapes", at: start) }
        _ = try charged(count)
        guard let bytes = Base64.decoded(UnsafeRawBufferPointer(start: cursor + 1, count: count)) else {
            throw ShapeError(.typeMismatch, "the string is not base64", at: start)
        }
        cursor += count + 2
        return bytes
    }
}
