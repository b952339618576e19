import SkerryMacros
import Testing

@Suite("Types declared with @Shape")
struct ShapeUseTests {
    /// Writes and reads `value` in every format, and as a dynamic value.
    private func expectRoundTrip<T: Shaped & Equatable>(_ value: T, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try Bin.decode(T.self, from: Bin.encode(value)) == value, sourceLocation: sourceLocation)
        #expect(try CBOR.decode(T.self, from: CBOR.encode(value)) == value, sourceLocation: sourceLocation)
        #expect(try JSON.decode(T.self, from: JSON.encode(value)) == value, sourceLocation: sourceLocation)
        #expect(try SExpression.decode(T.self, from: SExpression.encode(value)) == value, sourceLocation: sourceLocation)
    }

    private func json(_ value: some Shaped) throws -> String { String(decoding: try JSON.encode(value), as: UTF8.self) }

    private func read<T: Shaped>(_ type: T.Type, _ json: String) throws -> T { try JSON.decode(type, from: Array(json.utf8)) }

    @Test("A struct travels by its keys, and what is missing takes its default")
    func records() throws {
        let part = Part(number: 3, etag: "x", tags: ["a", "b"], size: 9)
        try expectRoundTrip(part)
        try expectRoundTrip(Part(number: -1, size: .max))
        #expect(try json(part) == #"{"PartNumber":3,"etag":"x","tags":["a","b"],"size":9}"#)
        #expect(try read(Part.self, #"{"size":1,"PartNumber":2}"#) == Part(number: 2, size: 1))
    }

    @Test("A missing field without a default is told by its key, with the place")
    func missing() {
        let error = #expect(throws: ShapeError.self) { try read(Part.self, #"{"size":1}"#) }
        #expect(error?.code == .missingField)
        #expect(error?.message == "Part has no field PartNumber")
        let nested = #expect(throws: ShapeError.self) { try read(Outer.Inner.self, #"{"sibling":{"x":1,"y":"no"}}"#) }
        #expect(nested?.path.description == "sibling.y")
    }

    @Test("Properties may have the names that the expansion uses")
    func awkward() throws {
        try expectRoundTrip(
            Awkward(
                reader: 1, writer: "w", record: "r", index: true, fields: [1], index_: 2, default: 3, shape: 0.5, error: "e", optional: nil,
                nested: .some(nil)))
        try expectRoundTrip(
            Awkward(
                reader: 1, writer: "w", record: "r", index: true, fields: [], index_: 2, default: 3, shape: 0.5, error: "e", optional: 4,
                nested: 5))
    }

    @Test("Nested types see their neighbours, and enums with raw values travel as these")
    func nesting() throws {
        let value = Outer.Inner(sibling: .init(x: 1, y: 2), list: [.init(x: 3, y: 4)], kind: .bent)
        try expectRoundTrip(value)
        #expect(try json(value) == #"{"sibling":{"x":1,"y":2},"list":[{"x":3,"y":4}],"kind":"BENT"}"#)
        #expect(try read(Outer.Inner.self, #"{"sibling":{"x":1,"y":2}}"#).kind == .plain)
        try expectRoundTrip(Level.low)
        #expect(try json([Level.low, .middle, .high]) == "[-1,0,10]")
        #expect(throws: ShapeError.self) { try read(Level.self, "7") }
    }

    @Test("Types may contain themselves")
    func recursion() throws {
        try expectRoundTrip(Tree(name: "a", children: [Tree(name: "b"), Tree(name: "c", children: [Tree(name: "d")])]))
        try expectRoundTrip(
            Expression.sum(
                .negated(of: .number(3)), .many([.variable(name: "x", index: 2), .nothing, .sum(.number(1), .nothing)])))
        #expect(Tree.shape.digest == Tree.shape.digest)
        #expect(Expression.shape.digest != Tree.shape.digest)
    }

    @Test("Values of a case may have labels, defaults and a key")
    func payloads() throws {
        #expect(try json(Expression.number(1)) == #"{"number":1}"#)
        #expect(try json(Expression.nothing) == #""nothing""#)
        #expect(try json(Expression.sum(.nothing, .number(2))) == #"{"sum":{"_0":"nothing","_1":{"number":2}}}"#)
        #expect(try read(Expression.self, #"{"var":{"name":"x"}}"#) == .variable(name: "x", index: 0))
        let error = #expect(throws: ShapeError.self) { try read(Expression.self, #"{"sum":{"_0":"nothing","_1":{"number":"x"}}}"#) }
        #expect(error?.path.description == "sum._1.number")
        #expect(Either<Int, String>.cases.fields(2).list.map(\.key) == ["left", "right"])
        #expect(Either<Int, String>.cases.fields(2).name == "Either.both<int64, string>")
    }

    @Test("Generic types have a description for each instance, under its own name")
    func generics() throws {
        try expectRoundTrip(Box(content: "x", others: ["y"]))
        try expectRoundTrip(Box(content: Box(content: 3)))
        try expectRoundTrip([Either<Int, String>.left(1), .right(value: "r"), .both(left: 2, right: "s")])
        try expectRoundTrip(ID<Tree>(raw: 7))
        #expect(Box<Int>.shape.name == "Box<int64>")
        #expect(Box<Int>.shape.digest != Box<String>.shape.digest)
        #expect(Box<Int>.shape.digest == Box<Int>.shape.digest)
        #expect(Either<Int, String>.shape.name == "Either<int64, string>")
        #expect(ID<Tree>.shape.name == "ID")
        typealias Slot = Shelf<Int>.Slot
        try expectRoundTrip([Slot(index: 1), Slot(index: 2, label: .text("x")), Slot(index: 3, label: .range(from: 1, to: 2))])
        try expectRoundTrip(Slot(index: 4, label: .list(first: "a", rest: ["b"])))
        try expectRoundTrip(Shelf<Int>.Pair(first: 1, second: ["x"]))
        #expect(Shelf<Int>.Pair<Int, String>.shape.name == "Shelf.Pair<int64, string>")
        try expectRoundTrip(Outer.Levelled(x: 3))
    }

    @Test("A type whose initialisers take something else is read all the same, and what is omitted gets its value")
    func construction() throws {
        let value = try #require(Celsius(kelvin: 300))
        try expectRoundTrip(value)
        #expect(Celsius.fields.list.map(\.key) == ["degrees", "note"])
        #expect(try Secrets.roundTrip(5))
    }

    @Test("@Via carries a foreign type, plain, optional and with defaults")
    func via() throws {
        let value = Visit(
            from: Instant(seconds: 1), to: Instant(seconds: 2), seen: Instant(seconds: 3), paid: nil, notes: ["n"], counts: ["a": 1],
            level: .high)
        try expectRoundTrip(value)
        let read = try read(Visit.self, #"{"from":5}"#)
        #expect(
            read
                == Visit(
                    from: Instant(seconds: 5), to: nil, seen: Instant(seconds: 7), paid: nil, notes: [], counts: [:], level: .middle))
        let error = #expect(throws: ShapeError.self) { try self.read(Visit.self, #"{"from":-5}"#) }
        #expect(error?.code == .invalidValue)
        #expect(error?.path.description == "from")
    }

    @Test("Y-05: documentation comments and names are part of the description")
    func documentation() {
        #expect(Part.fields.documentation == "A part of an upload.\n\nWith a second paragraph, and \"quotes\".")
        #expect(Part.fields[0].documentation == "The number, from 1.")
        #expect(Part.fields[0].name == "number")
        #expect(Part.fields[1].xml == .attribute)
        #expect(Part.fields[2].xml == .flattened)
        #expect(Expression.cases[1].documentation == "Adds.")
        #expect(Expression.cases[3].name == "variable")
        guard case .alias(let alias) = Outer.Inner.Kind.shape else {
            Issue.record("a raw enum is an alias")
            return
        }
        #expect(alias.documentation == "BENT: Bent.")
        #expect(alias.values == [.string("plain"), .string("BENT")])
        #expect(Renamed.shape.name == "renamed.v2")
    }

    @Test("The marks for XML decide where XML writes a field")
    func xml() throws {
        let upload = Upload(
            id: "u", parts: [Part(number: 1, etag: "e", tags: ["a", "b"], size: 2)], owners: ["x", "y"], note: Note(lang: "en", text: "hi"))
        let text = String(decoding: try XML.encode(upload), as: UTF8.self)
        #expect(
            text.contains(
                #"<Upload xmlns="urn:upload" id="u"><Part etag="e"><PartNumber>1</PartNumber><tags>a</tags><tags>b</tags><size>2</size></Part>"#
                    + #"<owners><owner>x</owner><owner>y</owner></owners><note lang="en">hi</note></Upload>"#), "\(text)")
        #expect(try XML.decode(Upload.self, from: Array(text.utf8)) == upload)
        try expectRoundTrip(upload)
    }

    @Test("Empty structs and structs printed in another file travel too")
    func others() throws {
        try expectRoundTrip(Empty())
        try expectRoundTrip(JournalEntry(sequence: 3, text: "x", marks: [.kept, .read]))
        #expect(try json(JournalEntry(sequence: 3, text: "x")) == #"{"seq":3,"text":"x","marks":[]}"#)
    }
}
