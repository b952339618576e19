import Testing

@testable import skerry

@Suite("JSON")
struct JSONTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)) }

    @Test(
        "a value that was written reads back as it was",
        arguments: [
            .null, .bool(true), .bool(false), .number("0"), .number("-12.5e+3"), .number(UInt64.max), .string(""),
            .string("\"\\/\n\r\t\u{0}\u{1F}\u{7F} ä 🪨"), .array([]), .array([.number(1), .array([.null])]), [:],
            ["a": .string("b"), "c": ["d": .array([.bool(true), .string("x")])]],
        ] as [JSONValue])
    func roundTrip(_ value: JSONValue) throws {
        #expect(try parse(value.description) == value)
        #expect(try parse(value.indented) == value)
    }

    @Test("escapes stand for their characters, beyond the basic plane too")
    func escapes() throws {
        #expect(try parse(#""\"\\\/\b\f\n\r\t\u00e4\uD83E\uDEA8""#) == .string("\"\\/\u{8}\u{C}\n\r\tä🪨"))
    }

    @Test(
        "what RFC 8259 does not allow is refused",
        arguments: [
            "", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "1e", "+1", "-", "tru", "nul", "'a'", "\"a", "\"\n\"", "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud83e\"", "\"\\udea8\"", "1 2", "[1 2]", "{\"a\" 1}", "// c\n1", "\u{FEFF}1", "NaN",
        ])
    func refusals(_ text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test("bytes that are not UTF-8 are refused")
    func encoding() {
        #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xC3, 0x22]) }
    }

    @Test("an error names the line")
    func lines() {
        #expect(throws: JSONError(line: 3, message: "expected a value")) { try parse("{\n\"a\": 1,\n\"b\": }") }
    }

    @Test("nesting is bounded, and the bound itself is allowed")
    func depth() throws {
        let deepest = JSONParser.depthMaximum
        _ = try parse(String(repeating: "[", count: deepest + 1) + String(repeating: "]", count: deepest + 1))
        #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 100_000)) }
        #expect(throws: JSONError.self) {
            try parse(String(repeating: "[", count: deepest + 2) + String(repeating: "]", count: deepest + 2))
        }
    }

    @Test("numbers keep 64 bits, and fractions three digits")
    func numbers() throws {
        #expect(try parse("18446744073709551615").unsigned == .max)
        #expect(try parse("-1").unsigned == nil)
        #expect(JSONValue.number(thousandthsOf: 1.23456) == .number("1.235"))
        #expect(JSONValue.number(thousandthsOf: .infinity) == .number("0"))
    }

    @Test("of a name that stands twice the last value counts")
    func duplicates() throws {
        #expect(try parse(#"{"a":1,"a":2}"#)["a"] == .number("2"))
    }
}
