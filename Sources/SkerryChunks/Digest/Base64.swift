/// Base64 of RFC 4648 section 4, in its canonical form alone.
///
/// The decoder refuses what lenient ones let pass: white space, missing padding, the URL alphabet, and set bits under the padding.
/// So two texts of one value cannot exist, and a header compares as its bytes do.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    /// The text of `bytes`: four characters for each three bytes begun.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var held = 0
        func appendGroup() {
            let shifted = group << UInt32(8 * (3 - held))
            for index in 0..<4 {
                text.append(index <= held ? alphabet[Int(shifted >> UInt32(18 - 6 * index) & 63)] : padding)
            }
        }
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            held += 1
            if held == 3 {
                appendGroup()
                (group, held) = (0, 0)
            }
        }
        if held > 0 { appendGroup() }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of `text`; `nil` unless `text` is exactly what ``encode(_:)`` makes of them.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count % 4 == 0 else { return nil }
        let padded = characters.suffix(2).reversed().prefix { $0 == padding }.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 4 * 3)
        var group: UInt32 = 0
        for (index, character) in characters.dropLast(padded).enumerated() {
            guard let value = value(of: character) else { return nil }
            group = group << 6 | value
            if index % 4 == 3 {
                append(group, count: 3, to: &bytes)
                group = 0
            }
        }
        guard padded > 0 else { return bytes }
        group <<= UInt32(6 * padded)
        let unused: UInt32 = padded == 2 ? 0xFFFF : 0xFF
        guard group & unused == 0 else { return nil }
        append(group, count: 3 - padded, to: &bytes)
        return bytes
    }

    /// The leading `count` of the three bytes of `group`.
    private static func append(_ group: UInt32, count: Int, to bytes: inout [UInt8]) {
        for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * index))) }
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
