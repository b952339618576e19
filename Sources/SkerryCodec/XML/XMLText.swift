/// Characters of XML: which there are, and how they are written.
enum XMLText {
    /// The entities that need no definition.
    static let entities: [(name: StaticString, byte: UInt8)] = [
        ("&lt;", UInt8(ascii: "<")), ("&gt;", UInt8(ascii: ">")), ("&amp;", UInt8(ascii: "&")), ("&quot;", UInt8(ascii: "\"")),
        ("&apos;", UInt8(ascii: "'")),
    ]

    /// Whether XML 1.0 has the character (section 2.2).
    static func isCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D, 0x20...0xD7FF, 0xE000...0xFFFD, 0x1_0000...: true
        default: false
        }
    }

    static func digit(_ byte: UInt8, radix: UInt32) -> UInt32? {
        let value: UInt32? =
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
            default: nil
            }
        return value.flatMap { $0 < radix ? $0 : nil }
    }

    /// How `byte` is written in text and, in quotes, in attributes; nil when it stands for itself.
    ///
    /// Carriage returns, and in attributes tabs and line feeds, would not survive a reader's normalisation as themselves.
    static func escape(of byte: UInt8, inAttribute: Bool) -> StaticString? {
        switch byte {
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "\"") where inAttribute: "&quot;"
        case 0x0D: "&#13;"
        case 0x0A where inAttribute: "&#10;"
        case 0x09 where inAttribute: "&#9;"
        default: nil
        }
    }

    /// The number as XML Schema writes it.
    static func number<F: BinaryFloatingPoint & CustomStringConvertible>(_ value: F) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-INF" : "INF" }
        return value.description
    }

    /// The number that XML Schema writes as `text`; nil when it is none.
    static func floating<F: BinaryFloatingPoint>(_ text: String, _ make: (String) -> F?) -> F? {
        switch text {
        case "NaN": .nan
        case "INF": .infinity
        case "-INF": -.infinity
        case "nan", "inf", "-inf": nil
        default: NumberText.floating(text, make)
        }
    }
}
