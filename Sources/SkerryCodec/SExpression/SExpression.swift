/// S-expressions: atoms and lists, as OCaml derives them, for people, configuration and command lines.
///
/// A record is a list of `(field value)`, a case `Name` or `(Name value)`, an option `()` or `(value)`, a map a list of `(key value)`,
/// bytes are base64. Comments run from `;` to the end of the line, from `#|` to `|#`, or over the expression behind `#;`.
/// `docs/formats/sexp.md` has the grammar.
public enum SExpression: ShapeFormat {
    public static var name: String { "sexp" }

    public static func encode<T: Shaped>(_ value: T, into bytes: inout [UInt8], references: (any ReferenceSink)?) throws(ShapeError) {
        try ByteSink.collecting(into: &bytes) { sink throws(ShapeError) in
            var writer = SExpressionWriter(sink, references: references)
            try value.write(to: &writer)
            return writer.finish()
        }
    }

    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: UnsafeRawBufferPointer, limits: DecodingLimits, references: (any ReferenceSource)?
    ) throws(ShapeError) -> T {
        do throws(ShapeError) {
            var reader = SExpressionReader(bytes, limits: limits, references: references)
            let value = try T.read(from: &reader)
            try reader.finish()
            return value
        } catch {
            throw error.located(in: bytes)
        }
    }

    /// The first atom of a list that stands for a reference.
    static let reference = "ref"

    /// Whether `text` may stand without quotes.
    static func isBare(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = text.first, first != UInt8(ascii: "#") else { return false }
        return text.allSatisfy { isAtomByte($0) && $0 < 0x80 }
    }

    /// Whether the byte may be part of an atom without quotes.
    static func isAtomByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x00...0x20, 0x7F, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\""), UInt8(ascii: ";"), UInt8(ascii: "\\"),
            UInt8(ascii: "|"):
            false
        default: true
        }
    }
}
