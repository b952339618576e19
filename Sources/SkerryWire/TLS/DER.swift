/// Writes the few forms of DER (X.690) a key and its certificate need.
///
/// swift-certificates would do it too, at the price of Foundation in every program that opens a link.
enum DER {
    /// AlgorithmIdentifier of Ed25519, both as a key and as a signature (RFC 8410 section 3).
    static let ed25519 = sequence(element(0x06, [0x2B, 0x65, 0x70]))
    /// The attribute type `commonName`, 2.5.4.3.
    static let commonName = element(0x06, [0x55, 0x04, 0x03])

    static func sequence(_ content: [UInt8]) -> [UInt8] { element(0x30, content) }
    static func set(_ content: [UInt8]) -> [UInt8] { element(0x31, content) }
    static func octetString(_ content: [UInt8]) -> [UInt8] { element(0x04, content) }
    /// Whole bytes: no unused bits.
    static func bitString(_ content: [UInt8]) -> [UInt8] { element(0x03, [0] + content) }
    static func utf8String(_ text: String) -> [UInt8] { element(0x0C, Array(text.utf8)) }
    static func explicit(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { element(0xA0 | tag, content) }

    /// 0 to 127.
    static func integer(_ value: UInt8) -> [UInt8] {
        precondition(value < 0x80, "larger numbers need a sign byte")
        return element(0x02, [value])
    }

    /// UTCTime before 2050, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). `text` is `YYYYMMDDhhmmssZ`.
    static func time(_ text: String) -> [UInt8] {
        let digits = Array(text.utf8)
        return digits.starts(with: "19".utf8) ? element(0x17, Array(digits.dropFirst(2))) : element(0x18, digits)
    }

    private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var rest = content.count
        guard rest >= 0x80 else { return [tag, UInt8(rest)] + content }
        while rest > 0 {
            length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 | UInt8(length.count)] + length + content
    }
}
