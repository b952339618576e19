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
    package mutating func appendPercentEncoded(_ bytes: some Sequence<UInt8>, keepingSlash: Bool) {
        let plain = keepingSlash ? ByteClass.unreserved | ByteClass.slash : ByteClass.unreserved
        ByteClass.table.withUnsafeBufferPointer { table in
            for byte in bytes {
                if table[Int(byte)] & plain != 0 {
                    append(byte)
                } else {
                    append(UInt8(ascii: "%"))
                    append(Hex.upperDigit(byte >> 4))
                    append(Hex.upperDigit(byte & 15))
                }
            }
        }
    }

    /// Appends `bytes` with every `%XX` replaced by the byte it names.
    ///
    /// - Parameter plusIsSpace: Whether `+` stands for a space, as in a query, or for itself, as in a path.
    /// - Returns: The position in `bytes` of the first broken escape; nil when there is none and everything was appended.
    package mutating func appendPercentDecoded(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) -> Int? {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard bytes.endIndex - index > 2, let high = Hex.value(bytes[index + 1]), let low = Hex.value(bytes[index + 2]) else {
                    return index
                }
                append(high << 4 | low)
                index += 3
            } else {
                append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return nil
    }
}
