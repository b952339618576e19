import SkerryCodec
import Testing

@Suite("JSON")
struct JSONTests {
    @Test(
        "accepted by RFC 8259",
        arguments: [
            "null", "true", "false", " \t\r\n null \n", "0", "-0", "-1", "123", "1e5", "1E+5", "1e-5", "0.1", "-0.0e0", "123.456e78", "[]",
            "[ ]", "{}",
            "{ }", "[1,2]", "[ 1 , 2 ]", "[[[]]]", "{\"\":0}", "{\"a\":{}}", "{\"a\":[],\"b\":null}", "\"\"",
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"",
            "\"\\u00e9\\u4E2D\"", "\"\\uD83E\\uDDAD\"", "\"\u{7f}\"", "\"é中🦭\"", "\"\u{2028}\u{fffe}\"", "\"\\u2028\\uFFFF\"", "[1,\n2]",
            "18446744073709551615", "-9223372036854775808", "184467440737095516160", "1e-400", "{\"\\u0061\":1}", "[0.1e1,\"x\",null,true]",
            "123456789012345678901234567890", "0.1234567890123456789012345678901234567890", "\"\\\\u12\"",
        ])
    func accepted(_ text: String) throws {
        let value = try JSON.decode(PlainValue.self, from: text)
        #expect(try JSON.decode(PlainValue.self, from: JSON.text(value)) == value)
        // The same where it is read over.
        #expect(try JSON.decode(Empty.self, from: "{\"x\":\(text),\"y\":[\(text)]}") == Empty())
    }

    @Test(
        "refused by RFC 8259",
        arguments: [
            "", " ", "nul", "nulll", "True", "NaN", "Infinity", "-Infinity", "+1", "-", "01", "-01", "00", "1.", ".1", "1.e1", "1e", "1e+",
            "0x1", "1_0", "1 2",
            "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1;2]", "[1}", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,",
            "{\"a\":1,}", "{,}",
            "{a:1}", "{'a':1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\":}", "{\"a\"::1}", "{\"a\":1]", "\"", "\"a", "'a'",
            "\"\\\"", "\"\\x\"", "\"\\u12\"",
            "\"\\u12G4\"", "\"\\uD800\"", "\"\\uD800x\"", "\"\\uD800\\n\"", "\"\\uD800\\u0041\"", "\"\\uDC00\"", "\"\\uDC00\\uD800\"",
            "\"\t\"", "\"\n\"",
            "\"\u{0}\"", "\"\u{1f}\"", "\u{feff}1", "1\u{a0}", "\u{0c}1", "[1]x", "[1]]", "// c\n1", "1 /* c */", "{\"a\":1}}", "[\u{b}]",
            "\"\\u+123\"", "\"\\U0041\"",
        ])
    func refused(_ text: String) {
        let error = JSON.failure(PlainValue.self, Array(text.utf8))
        #expect(error != nil)
        #expect(error?.position != nil)
        #expect(JSON.failure(Empty.self, Array("{\"x\":\(text)}".utf8)) != nil)
    }

    @Test(
        "bytes that are no UTF-8 are refused, also where they are read over",
        arguments: [
            "22ff22", "22c022", "22c0af22", "22e0808022", "22eda08022", "22edbfbf22", "22f0808080 22", "22f490808022", "22f8888080 8022",
            "22e4b822", "ff",
        ])
    func notUTF8(_ digits: String) {
        #expect(JSON.failure(String.self, hex(digits)) != nil)
        #expect(JSON.failure(Empty.self, Array("{\"x\":".utf8) + hex(digits) + Array("}".utf8)) != nil)
        #expect(JSON.failure(Empty.self, Array("{".utf8) + hex(digits) + Array(":1}".utf8)) != nil)
    }

    @Test("integers of 64 bits are exact, and others do not fit")
    func integers() throws {
        for value in [Int64.min, .min + 1, -1, 0, 1, 9_007_199_254_740_993, .max] {
            #expect(try JSON.text(value) == String(value))
            #expect(try JSON.decode(Int64.self, from: String(value)) == value)
        }
        for value in [UInt64.min, 10, 99, 100, 9_223_372_036_854_775_808, 10_000_000_000_000_000_000, .max] {
            #expect(try JSON.text(value) == String(value))
            #expect(try JSON.decode(UInt64.self, from: String(value)) == value)
        }
        for (text, code) in [
            ("9223372036854775808", ShapeError.Code.outOfRange), ("-9223372036854775809", .outOfRange),
            ("18446744073709551616", .outOfRange),
            ("99999999999999999999", .outOfRange), ("100000000000000000000000000", .outOfRange), ("1.0", .typeMismatch),
            ("1e2", .typeMismatch),
            ("1e", .truncated), ("1.x", .syntax), ("\"1\"", .typeMismatch), ("null", .typeMismatch), ("[1]", .typeMismatch),
            ("-", .truncated), ("-x", .syntax),
        ] {
            #expect(JSON.failure(Int64.self, Array(text.utf8))?.code == code, "\(text)")
        }
        #expect(JSON.failure(UInt64.self, Array("-1".utf8))?.code == .outOfRange)
        #expect(try JSON.decode(UInt64.self, from: "-0") == 0)
        #expect(JSON.failure(Int8.self, Array("128".utf8))?.code == .outOfRange)
        #expect(try JSON.decode(Int8.self, from: "-128") == -128)
        #expect(JSON.failure(Int8.self, Array("-129".utf8))?.code == .outOfRange)
        #expect(JSON.failure(UInt8.self, Array("256".utf8))?.code == .outOfRange)
    }

    @Test("doubles are read to the nearest, as the standard library reads them", arguments: 0..<4 as Range<UInt64>)
    func doubles(_ seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        for _ in 0..<(isSoaking ? 100_000 : 1_000) {
            let value = Double(bitPattern: .random(in: .min ... .max, using: &generator))
            if value.isFinite { #expect(try JSON.decode(Double.self, from: JSON.text(value)).bitPattern == value.bitPattern) }
            let float = Float(bitPattern: .random(in: .min ... .max, using: &generator))
            if float.isFinite { #expect(try JSON.decode(Float.self, from: JSON.text(float)).bitPattern == float.bitPattern) }
            let digits = (0..<Int.random(in: 1...25, using: &generator)).map { _ in String(Int.random(in: 0...9, using: &generator)) }
                .joined()
            let text = "\(Int.random(in: 1...9, using: &generator)).\(digits)e\(Int.random(in: -30...30, using: &generator))"
            #expect(try JSON.decode(Double.self, from: text) == Double(text), "\(text)")
            #expect(try JSON.decode(Float.self, from: text) == Float(text), "\(text)")
        }
        #expect(JSON.failure(Double.self, Array("1e400".utf8))?.code == .outOfRange)
        #expect(try JSON.decode(Double.self, from: "1e-400") == 0)
        #expect(JSON.failure(Float.self, Array("1e39".utf8))?.code == .outOfRange)
    }

    @Test("numbers JSON does not have are refused, or strings where both sides agree")
    func nonFinite() throws {
        for value in [Double.nan, .infinity, -.infinity] {
            let error = #expect(throws: ShapeError.self) { try JSON.encode(["x": [value]]) }
            #expect(error?.code == .unrepresentable && error?.path.description == "[\"x\"][0]")
        }
        let options = JSON.WritingOptions(nonFinite: .strings)
        #expect(try JSON.text([1, Double.nan, .infinity, -.infinity], options: options) == "[1.0,\"NaN\",\"Infinity\",\"-Infinity\"]")
        let read = try JSON.decode([Double].self, from: Array("[\"-Infinity\",2]".utf8), options: JSON.ReadingOptions(nonFinite: .strings))
        #expect(read == [-.infinity, 2])
        #expect(JSON.failure(Double.self, Array("\"NaN\"".utf8))?.code == .typeMismatch)
    }

    @Test("strings: only what must be escaped is, at every distance from the ends of words")
    func strings() throws {
        #expect(try JSON.text("a\"b\\c\n\u{8}\u{c}\r\t\u{1}\u{1f}/é🦭") == #""a\"b\\c\n\b\f\r\t\u0001\u001f/é🦭""#)
        for length in 0..<40 {
            for place in 0...length {
                for character in ["\"", "\\", "\n", "\u{7f}", "é", "🦭", " "] {
                    let text = String(repeating: "a", count: place) + character + String(repeating: "b", count: length - place)
                    let json = try JSON.text(text)
                    #expect(try JSON.decode(String.self, from: json) == text)
                    #expect(json == "\"" + text.map { ["\"": "\\\"", "\\": "\\\\", "\n": "\\n"][$0] ?? String($0) }.joined() + "\"")
                }
            }
        }
    }

    @Test("members come in any order and with spaces; unknown ones are skipped or refused, double ones refused, keys may be escaped")
    func members() throws {
        let card = Card(suit: .hearts, rank: .king)
        for text in [
            #"{"suit":"hearts","rank":"king"}"#, #"{"rank":"king","suit":"hearts"}"#, #" { "suit" : "hearts" , "rank" : "king" } "#,
            #"{"x":[{"y":"\n"},1.5e3],"suit":"hearts","z":null,"rank":"king","rankle":0}"#, #"{"\u0073uit":"hearts","rank":"\u006bing"}"#,
        ] {
            #expect(try JSON.decode(Card.self, from: text) == card, "\(text)")
        }
        #expect(JSON.failure(Card.self, Array(#"{"suit":"hearts","rank":"king","suit":"hearts"}"#.utf8))?.code == .duplicateField)
        #expect(JSON.failure(Card.self, Array(#"{"suit":"hearts","suit":"hearts","rank":"king"}"#.utf8))?.code == .duplicateField)
        let strict = JSON.ReadingOptions(unknownFields: .refuse)
        let error = #expect(throws: ShapeError.self) {
            try JSON.decode(Card.self, from: Array(#"{"suit":"hearts","rnak":"king"}"#.utf8), options: strict)
        }
        #expect(error?.code == .unknownField && error?.message == "Card has no field rnak" && error?.offset == 17)
    }

    @Test("fields with a default may be missing, others not")
    func defaults() throws {
        let letter = try JSON.decode(Letter.self, from: #"{"pages":{"lower":1,"upper":2},"address":"a"}"#)
        #expect(letter == Letter(address: "a", sent: .zero, pages: 1...2))
        #expect(JSON.failure(Letter.self, Array("{}".utf8))?.message == "Letter has no field address")
    }

    @Test("each shape has the JSON its description promises")
    func table() throws {
        #expect(try JSON.text([1, 254] as [UInt8]) == "\"Af4=\"")
        #expect(try JSON.text([] as [UInt8]) == "\"\"")
        #expect(try JSON.text([nil, 1] as [Int?]) == "[null,1]")
        #expect(try JSON.text([.none, .some(nil), 1] as [Int??]) == "[null,[null],[1]]")
        #expect(try JSON.text(["b": 1, "a": 2]) == "{\"a\":2,\"b\":1}")
        #expect(try JSON.text([2: "b", 1: "a"]) == "[[1,\"a\"],[2,\"b\"]]")
        #expect(try JSON.text([[String: Int]()]) == "[{}]")
        #expect(try JSON.text(Expression.zero) == "\"zero\"")
        #expect(try JSON.text(Expression.negative(.number(3))) == "{\"negative\":{\"number\":3}}")
        #expect(
            try JSON.text(Expression.sum(left: .zero, right: .number(1), note: nil))
                == "{\"sum\":{\"left\":\"zero\",\"right\":{\"number\":1}}}")
        #expect(
            try JSON.text(Options(number: nil, nested: nil, deep: .some(.some(nil)), list: [], value: nil, tags: []))
                == "{\"deep\":[[null]],\"list\":[],\"tags\":[]}")
        #expect(try JSON.text(Value.bytes([1]), options: .pretty) == "{\"$bytes\":\"AQ==\"}")
        #expect(try JSON.text(["$ref": 1, "$$": 2, "a$": 3] as Value) == "{\"$$ref\":1,\"$$$\":2,\"a$\":3}")
        #expect(
            try JSON.text([Card(suit: .clubs, rank: .ace)], options: .pretty)
                == "[\n  {\n    \"suit\": \"clubs\",\n    \"rank\": \"ace\"\n  }\n]")
        #expect(try JSON.text([[Int]](), options: .pretty) == "[]")
    }

    @Test("a case with a payload where it has none, without one where it has one, or unknown, is an error")
    func cases() {
        for (text, code) in [
            ("{\"zero\":1}", ShapeError.Code.typeMismatch), ("\"number\"", .typeMismatch), ("\"one\"", .unknownCase),
            ("{\"one\":1}", .unknownCase),
            ("{}", .syntax), ("{\"number\":1,\"zero\":2}", .syntax), ("[]", .typeMismatch), ("{\"number\"}", .syntax),
        ] {
            #expect(JSON.failure(Expression.self, Array(text.utf8))?.code == code, "\(text)")
        }
    }

    @Test("only the one base64 of some bytes is read")
    func base64() throws {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 251) }
            #expect(try JSON.decode([UInt8].self, from: JSON.encode(bytes)) == bytes)
        }
        #expect(try JSON.text(Array("foobar".utf8)) == "\"Zm9vYmFy\"")
        for text in [
            "\"Zg\"", "\"Zg=\"", "\"Zh==\"", "\"Zm8=Zm8=\"", "\"Zm9=\"", "\"Z===\"", "\"====\"", "\"Zm 8=\"", "\"Zm-_\"", "\"Zm\\u0039v\"",
            "[1]",
        ] {
            #expect(JSON.failure([UInt8].self, Array(text.utf8))?.code == .typeMismatch, "\(text)")
        }
    }

    @Test("a document of someone else is read, changed and written as plain values")
    func plain() throws {
        let text = #"{"$ref":1,"$bytes":"x","list":[{"$map":null}]}"#
        let value = try JSON.decode(PlainValue.self, from: text)
        #expect(value.value["$ref"] == 1)
        #expect(try JSON.text(value) == text)
    }
}
