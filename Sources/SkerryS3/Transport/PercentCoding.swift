// Percent-coding as S3 and Signature Version 4 use it, on bytes.
//
// Decoding is done exactly once and never normalises: `//`, `..` and a trailing `/` are parts of a key. Encoding is the canonical one of
// Signature Version 4 (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "UriEncode"): every byte but the
// unreserved ones of RFC 3986 becomes `%XX` with upper-case digits; a slash stays itself in a path and is encoded elsewhere.

/// The classes of bytes, one table look-up each.
private enum ByteClass {
    static let unreserved: UInt8 = 1
    static let slash: UInt8 = 2

    static let table: [UInt8] = (0...255).map { (byte: Int) -> UInt8 in
        switch UInt8(byte) {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            unreserved
        case UInt8(ascii: "/"): slash
        default: 0
        }
    }
}

extension [UInt8] {
    /// Appends `bytes` in canonical percent-encoding.
    ///
    /// - Parameter keepingSlash: Whether `/` stays itself (a path) or becomes `%2F` (a query).
    mutating func appendPercentEncoded(_ bytes: some Sequence<UInt8>, keepingSlash: Bool) {
        if bytes.withContiguousStorageIfAvailable({ appendPercentEncoded($0, keepingSlash: keepingSlash) }) == nil {
            Array(bytes).withUnsafeBufferPointer { appendPercentEncoded($0, keepingSlash: keepingSlash) }
        }
    }

    private mutating func appendPercentEncoded(_ bytes: UnsafeBufferPointer<UInt8>, keepingSlash: Bool) {
        let plain = keepingSlash ? ByteClass.unreserved | ByteClass.slash : ByteClass.unreserved
        ByteClass.table.withUnsafeBufferPointer { table in
            // Runs of plain bytes are copied at once: nearly every byte of a key or a query is plain.
            var start = 0
            for index in 0..<bytes.count where table[Int(bytes[index])] & plain == 0 {
                append(contentsOf: bytes[start..<index])
                append(UInt8(ascii: "%"))
                append(Hex.upperDigit(bytes[index] >> 4))
                append(Hex.upperDigit(bytes[index] & 15))
                start = index + 1
            }
            append(contentsOf: bytes[start...])
        }
    }

    /// Appends `bytes` with every `%XX` replaced by the byte it names.
    ///
    /// - Parameter plusIsSpace: Whether `+` stands for a space, as in a query, or for itself, as in a path.
    /// - Returns: The position in `bytes` of the first broken escape; nil when there is none and everything was appended.
    mutating func appendPercentDecoded(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) -> Int? {
        let offset = bytes.startIndex
        return bytes.withUnsafeBufferPointer { bytes in
            var start = 0
            var index = 0
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "%"):
                    append(contentsOf: bytes[start..<index])
                    guard bytes.count - index > 2, let high = Hex.value(bytes[index + 1]), let low = Hex.value(bytes[index + 2]) else {
                        return offset + index
                    }
                    append(high << 4 | low)
                    index += 3
                    start = index
                case UInt8(ascii: "+") where plusIsSpace:
                    append(contentsOf: bytes[start..<index])
                    append(UInt8(ascii: " "))
                    index += 1
                    start = index
                default:
                    index += 1
                }
            }
            append(contentsOf: bytes[start...])
            return nil
        }
    }
}
