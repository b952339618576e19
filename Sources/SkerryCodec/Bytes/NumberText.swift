/// Numbers as S-expressions and XML write them: decimal, without blanks.
enum NumberText {
    /// The whole number that `bytes` write, all of them.
    ///
    /// - Throws: ``ShapeError/Code/outOfRange`` for one that does not fit, ``ShapeError/Code/typeMismatch`` for anything else.
    static func integer<I: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ type: I.Type, at offset: Int) throws(ShapeError) -> I {
        let word = String(decoding: bytes.prefix(64), as: UTF8.self)
        if bytes.count <= 64, let value = I(word) { return value }
        let digits = bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") ? bytes.dropFirst() : bytes[...]
        guard !digits.isEmpty, digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
            throw ShapeError(.typeMismatch, "expected a whole number, found '\(word)'", at: offset)
        }
        throw ShapeError(.outOfRange, "\(word) does not fit \(I.isSigned ? "int" : "uint")\(I.bitWidth)", at: offset)
    }

    /// The number that `text` writes: digits, or `nan`, `inf`, `-inf`; nil when it is none.
    static func floating<F: BinaryFloatingPoint>(_ text: String, _ make: (String) -> F?) -> F? {
        switch text {
        case "nan": .nan
        case "inf": .infinity
        case "-inf": -.infinity
        default:
            // The initialisers of the standard library also take hexadecimal digits and other words.
            text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") || "+-.eE".utf8.contains($0) } ? make(text) : nil
        }
    }
}
