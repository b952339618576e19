/// Base64 as in RFC 4648 section 4: padded, no line breaks; how bytes stand in the formats that are text.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The value of each digit, 255 for bytes that are none.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }()

    /// Characters that `count` bytes take.
    static func length(of count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Appends the text of `bytes` to `sink`.
    static func append(_ bytes: UnsafeRawBufferPointer, to sink: inout ByteSink) {
        sink.reserve(length(of: bytes.count))
        alphabet.withUnsafeBufferPointer { alphabet in
            var index = 0
            while index + 2 < bytes.count {
                let group = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
                for shift: UInt32 in [18, 12, 6, 0] { sink.append(alphabet[Int(group >> shift & 63)]) }
                index += 3
            }
            guard index < bytes.count else { return }
            let isPair = index + 1 < bytes.count
            let group = UInt32(bytes[index]) << 16 | (isPair ? UInt32(bytes[index + 1]) << 8 : 0)
            sink.append(alphabet[Int(group >> 18)])
            sink.append(alphabet[Int(group >> 12 & 63)])
            sink.append(isPair ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "="))
            sink.append(UInt8(ascii: "="))
        }
    }

    /// The bytes of `text`; nil when it is not base64, is not padded, or has bits that belong to no byte.
    static func decoded(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var (group, bits): (UInt32, UInt32) = (0, 0)
        for byte in text.dropLast(padding) {
            let value = values[Int(byte)]
            guard value < 64 else { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> bits))
            }
        }
        guard group & (1 << bits - 1) == 0 else { return nil }
        return bytes
    }
}
