enum UTF8Validation {
    /// What a stretch of bytes measures, nil when it is not valid UTF-8.
    static func measure(_ bytes: UnsafeBufferPointer<UInt8>) -> TextMeasure? {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return .zero }
        return isText(bytes) ? TextMeasure(start, count: bytes.count) : nil
    }

    /// Whether a stretch of bytes is valid UTF-8.
    static func isText(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = bytes.baseAddress else { return true }
        return isASCII(bytes) || isValid(start, count: bytes.count)
    }

    @inline(__always)
    static func isASCII(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let raw = UnsafeRawBufferPointer(bytes)
        var index = 0
        var seen: UInt64 = 0
        while index + 8 <= raw.count {
            seen |= raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < raw.count {
            seen |= UInt64(raw[index])
            index += 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }

    /// The table of well-formed sequences of the Unicode standard (table 3-7).
    private static func isValid(_ bytes: UnsafePointer<UInt8>, count: Int) -> Bool {
        var index = 0
        while index < count {
            let lead = bytes[index]
            if lead < 0x80 {
                index += 1
                continue
            }
            let width = UTF8Width.ofScalar(lead)
            guard lead >= 0xC2, lead <= 0xF4, index + width <= count else { return false }
            let second = bytes[index + 1]
            let range: ClosedRange<UInt8> =
                switch lead {
                case 0xE0: 0xA0...0xBF
                case 0xED: 0x80...0x9F
                case 0xF0: 0x90...0xBF
                case 0xF4: 0x80...0x8F
                default: 0x80...0xBF
                }
            guard range.contains(second) else { return false }
            for further in 2..<max(width, 2) where bytes[index + further] & 0xC0 != 0x80 { return false }
            index += width
        }
        return true
    }
}
