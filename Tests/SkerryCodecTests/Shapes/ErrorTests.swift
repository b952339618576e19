import SkerryCodec
import Testing

/// Where and what: offsets, lines, columns and paths of errors, to the letter.
@Suite("Errors")
struct ErrorTests {
    @Test(
        "J-05: a malformed text is an error with line and column, a wrong value one with the path too",
        arguments: [
            ("", "the input ends inside the value (line 1, column 1)"),
            ("[]", "expected an object, found a list (line 1, column 1)"),
            ("{\"items\":[}", "items[0]: expected an object, found '}' (line 1, column 11)"),
            ("{\"items\":[],\n\"items\":[]}", "field items of Page<Tree> stands here twice (line 2, column 1)"),
            ("{\n  \"next\": null\n}", "Page<Tree> has no field items (line 1, column 1)"),
            ("{\"items\":[],}", "expected a value after the comma, found '}' (line 1, column 13)"),
            ("{\"items\" []}", "expected a colon, found '[' (line 1, column 10)"),
            ("{\"items\":[] \"next\":1}", "expected a comma or a closing bracket, found '\"' (line 1, column 13)"),
            ("{items:[]}", "expected a key, found 'i' (line 1, column 2)"),
            ("{\"items\":[],\"next\":5}", "next: expected a string, found a number (line 1, column 20)"),
            ("{\"items\":[],\"next\":\"\\q\"}", "next: no escape begins like this (line 1, column 21)"),
            ("{\"items\":[],\"next\":\"\\ud83e\"}", "next: half of a surrogate pair stands alone (line 1, column 21)"),
            ("{\"items\":[],\"next\":\"a\nb\"}", "next: a control character stands in a string without an escape (line 1, column 22)"),
            ("{\"items\":[],\"next\":tru}", "next: expected a string, found a bool (line 1, column 20)"),
            ("{\"items\":[],\"next\":nul}", "next: expected true, false or null, found 'n' (line 1, column 20)"),
            ("{\"items\":[]}\n\nx", "1 bytes follow the value (line 3, column 1)"),
            ("{\"items\":[{\"name\":\"a\"}]}", "items[0]: Tree has no field children (line 1, column 11)"),
            (
                "{\"items\":[\n {\"name\":\"a\",\"children\":[]},\n {\"name\":7}]}",
                "items[1].name: expected a string, found a number (line 3, column 10)"
            ),
            (
                "{\"items\":[{\"name\":\"a\",\"children\":[{\"name\":\"b\",\"children\":[{\"name\":\"c\",\"children\":{}}]}]}]}",
                "items[0].children[0].children[0].children: expected a list, found an object (line 1, column 82)"
            ),
            ("{\"items\":[{\"name\":\"a\",\"children\":[", "items[0].children: the input ends inside the value (line 1, column 35)"),
        ])
    func json(_ text: String, _ expected: String) {
        #expect(JSON.failure(Page<Tree>.self, Array(text.utf8))?.description == expected)
    }

    @Test("the same wrong value has the same path in every format", arguments: formats.indices)
    func path(_ index: Int) throws {
        struct Holder<T: Shaped>: Shaped {
            var parts: [[String: T?]]
            static var fields: Fields { .cached(for: Self.self) { Fields("Holder", [Field("parts", [[String: T?]].self)]) } }
            static var shape: Shape { .record(fields) }
            func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
                var record = try writer.beginRecord(Self.fields)
                try writer.field(parts, 0, in: &record)
                try writer.endRecord(&record)
            }
            static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> Self {
                var parts: [[String: T?]]?
                var record = try reader.beginRecord(fields)
                while try reader.nextField(&record) != nil { try reader.field(&parts, in: record) }
                return Self(parts: try record.require(parts, 0))
            }
        }
        func check(_ format: (some ShapeFormat).Type) throws {
            let wide = Holder<UInt32>(parts: [[:], ["a": 1], ["a": 2, "b": 70_000]])
            let error = format.failure(Holder<UInt16>.self, try format.encode(wide))
            #expect(error?.code == .outOfRange)
            #expect(error?.path.description == "parts[2][\"b\"]")
            #expect(error?.offset != nil)
        }
        try check(formats[index])
    }

    @Test("a binary error says its byte")
    func binary() {
        #expect(Bin.failure([Bool].self, hex("03010005"))?.description == "[2]: expected 0 or 1, found 5 (byte 3)")
        #expect(Bin.failure(String.self, hex("02c328"))?.description == "text is not UTF-8 (byte 1)")
        #expect(CBOR.failure([Bool].self, hex("82f500"))?.description == "[1]: expected a bool, found an integer (byte 2)")
        #expect(
            CBOR.failure(Expression.self, hex("a1666e756d6265726178"))?.description
                == "number: expected an integer, found a string (byte 8)")
        #expect(CBOR.failure(Card.self, hex("a1647375697464637570 73"))?.description == "suit: cups is no Suit (byte 6)")
    }

    @Test("the labelled values of a case are inside of the case")
    func labelled() {
        let wrong = JSON.failure([Expression].self, Array(#"[{"sum":{"left":{"negative":{"number":"x"}}}}]"#.utf8))
        #expect(wrong?.path.description == "[0].sum.left.negative.number")
        let missing = JSON.failure([Expression].self, Array(#"["zero",{"sum":{"left":"zero"}}]"#.utf8))
        #expect(missing?.description == "[1].sum: Expression.sum has no field right (line 1, column 16)")
    }

    @Test("values that a type refuses are an error at the value")
    func invalid() {
        let range = JSON.failure([ClosedRange<Int>].self, Array("[{\"lower\":2,\"upper\":1}]".utf8))
        #expect(range?.description == "[0]: the lower bound 2 is above the upper bound 1 (line 1, column 2)")
        let duration = JSON.failure(Duration.self, Array("{\"seconds\":1,\"attoseconds\":-1}".utf8))
        #expect(duration?.code == .invalidValue)
        #expect(JSON.failure(Duration.self, Array("{\"seconds\":0,\"attoseconds\":1000000000000000000}".utf8))?.code == .invalidValue)
        #expect(
            JSON.failure(Set<Int>.self, Array("[1,2,1]".utf8))?.description
                == "[2]: an element of the set stands here twice (line 1, column 5)")
        #expect(JSON.failure([String: Int].self, Array("{\"a\":1,\"a\":2}".utf8))?.code == .duplicateField)
        #expect(Bin.failure([String: Int].self, hex("02 0161 02 0161 04"))?.description == "[\"a\"]: the key stands here twice (byte 4)")
    }
}
