/// What JSON strings need written differently.
enum JSONText {
    /// The inside of a JSON string: quotes, backslashes and control characters escaped, all else as it is.
    static func escaped(_ utf8: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
            case 0x08: text += Array(#"\b"#.utf8)
            case 0x09: text += Array(#"\t"#.utf8)
            case 0x0a: text += Array(#"\n"#.utf8)
            case 0x0c: text += Array(#"\f"#.utf8)
            case 0x0d: text += Array(#"\r"#.utf8)
            case 0..<0x20: text += Array((byte < 16 ? #"\u000"# : #"\u00"#).utf8) + Array(String(byte, radix: 16).utf8)
            default: text.append(byte)
            }
        }
        return text
    }
}
