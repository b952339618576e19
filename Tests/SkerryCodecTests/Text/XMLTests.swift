import SkerryCodec
import Testing

@Suite("XML")
struct XMLTests {
    @Test("attributes, text, flattened lists, named elements, maps, bytes and cases stand as the hints say")
    func golden() throws {
        let text = try XML.text(Library.sample)
        #expect(
            text == """
                <Library xmlns="urn:library"><Name>Peer &amp; &lt;Gynt&gt;</Name><Book id="1">Brand</Book><Book id="2">"Vildanden"&#13;
                </Book><Tags><Tag>øy</Tag><Tag/></Tags><Counts><entry><key>a</key><value>-1</value></entry><entry><key>b</key>\
                <value>2</value></entry></Counts><Cover>AP8QAQ==</Cover><Rating>4.5</Rating><Status><Closed>storm</Closed></Status></Library>
                """)
        #expect(try XML.decode(Library.self, from: text) == Library.sample)
    }

    @Test("blanks, comments, instructions, sections, references and prefixes do not change a value")
    func lenience() throws {
        let text = """
            \u{FEFF}<?xml version='1.0' encoding="UTF-8" ?> <!-- before -->
            <l:Library xmlns:l="urn:library" xmlns="urn:library">
              <Name><![CDATA[Peer & <Gynt>]]></Name ><!-- between -->
              <Book id = '1'>Br<?here?>and</Book> <Book id="&#x32;">&quot;Vild<!-- in -->anden"&#13;\r\n</Book>
              <Tags><Tag>&#248;y</Tag><Tag></Tag></Tags> <Unknown a="b"><Name>not this one</Name><x/></Unknown>
              <Counts><entry><key>a</key><value> -1 </value></entry><entry><key>b</key><value>2</value></entry></Counts>
              <Cover>AP8QAQ==</Cover><Rating>4.5</Rating><Status> <Closed>storm</Closed> </Status>
            </l:Library>
            <!-- after -->
            """
        #expect(try XML.decode(Library.self, from: text) == Library.sample)
    }

    @Test("a document without any namespace is read, one in another is refused")
    func namespaces() {
        #expect(XML.failure(Library.self, "<Library><Name>n</Name></Library>") == nil)
        #expect(XML.failure(Library.self, "<Library xmlns='urn:other'><Name>n</Name></Library>")?.code == .typeMismatch)
        #expect(XML.failure(Library.self, "<p:Library><Name>n</Name></p:Library>")?.code == .syntax)
    }

    @Test(
        "what is not well formed, or not this type, is refused at its place",
        arguments: [
            ("", ShapeError.Code.syntax, 1, 1),
            ("<!DOCTYPE Library [<!ENTITY e 'x'>]><Library/>", .syntax, 1, 1),
            ("<Library><Name>&e;</Name></Library>", .syntax, 1, 16),
            ("<Library><Name>&#0;</Name></Library>", .syntax, 1, 16),
            ("<Library><Name>a</Nam></Library>", .syntax, 1, 17),
            ("<Library><Name>a</Name>", .truncated, 1, 24),
            ("<Library>\n<Name>a</Name>\n<Name>b</Name></Library>", .duplicateField, 3, 1),
            ("<Library>stray<Name>a</Name></Library>", .typeMismatch, 1, 10),
            ("<Library><Name><b>a</b></Name></Library>", .typeMismatch, 1, 16),
            ("<Library/>", .missingField, 1, 11),
            ("<Library><Name>a</Name></Library>x", .trailingBytes, 1, 34),
            ("<Shelf/>", .typeMismatch, 1, 1),
            ("<Library a='1' a='2'><Name>n</Name></Library>", .duplicateField, 1, 16),
            ("<Library><Name>n</Name><Book id='x'>t</Book></Library>", .typeMismatch, 1, 34),
            ("<Library><Name>n</Name><Book>t</Book></Library>", .missingField, 1, 30),
            ("<Library><Name>n</Name><Status>Shut</Status></Library>", .unknownCase, 1, 32),
            ("<Library><Name>n</Name><Status>Closed</Status></Library>", .typeMismatch, 1, 32),
            ("<Library><Name>n</Name><Cover>A</Cover></Library>", .typeMismatch, 1, 31),
            ("<Library><Name>n]]></Name></Library>", .syntax, 1, 17),
            ("<Library><!-- a -- b --></Library>", .syntax, 1, 19),
        ])
    func refusals(_ text: String, _ code: ShapeError.Code, _ line: Int, _ column: Int) {
        let failure = XML.failure(Library.self, text)
        #expect(failure?.code == code, "\(failure as Any)")
        #expect(failure?.position == TextPosition(line: line, column: column), "\(failure as Any)")
    }

    @Test("errors say the path")
    func path() {
        let text = "<Library><Name>n</Name><Book id='1'>a</Book><Book id='1.5'>b</Book></Library>"
        #expect(XML.failure(Library.self, text)?.path.description == "Book[1].id")
    }

    @Test("budgets hold: depth, elements, bytes, attributes")
    func budgets() {
        let deep = String(repeating: "<x>", count: 100) + String(repeating: "</x>", count: 100)
        #expect(XML.failure(Library.self, "<Library><Name>n</Name>\(deep)</Library>")?.code == .limitExceeded)
        let many = String(repeating: "<Tag/>", count: 11)
        let list = "<Library><Name>n</Name><Tags>\(many)</Tags></Library>"
        #expect(XML.failure(Library.self, list, limits: DecodingLimits(elements: 10))?.code == .limitExceeded)
        #expect(XML.failure(Library.self, list, limits: DecodingLimits(elements: 11)) == nil)
        #expect(
            XML.failure(Library.self, "<Library><Name>12345</Name></Library>", limits: DecodingLimits(bytes: 4))?.code == .limitExceeded)
        let attributes = (0...64).map { " a\($0)=''" }.joined()
        #expect(XML.failure(Library.self, "<Library\(attributes)><Name>n</Name></Library>")?.code == .limitExceeded)
    }

    @Test("damage is refused or read as another value, and never traps")
    func damage() throws {
        let bytes = try XML.encode(Library.sample)
        let replacements = Array("<>&\"'/=! ]-x\u{0}\u{ff}".utf8)
        #expect(XML.refusals(Library.self, damaging: bytes, replacements: replacements) > bytes.count)
    }

    @Test("values of every kind come back: options in options, empty lists, numbers that are none, dynamic values")
    func roundTrips() throws {
        func check<T: Shaped & Equatable>(_ value: T) throws {
            let text = try XML.text(value)
            #expect(try XML.decode(T.self, from: text) == value, "\(text)")
        }
        try check([nil, .some(nil), .some(5)] as [Int??])
        try check([[], [1, 2], []] as [[Int]])
        try check([Double.infinity, -.infinity, -0.5, 1e300])
        try check(["a": ["b": [true, false]]])
        try check(["", " blanks ", "\t\n\r", "]]>", "<&>"])
        try check([.null, true, -5, 2.5, "text", .bytes([1, 2]), [1, [.null]], .object(["k": "v", "$": .map([])])] as [Value])
        #expect(try XML.decode(Double.self, from: XML.encode(Double.nan)).isNaN)
    }

    @Test("a character that XML does not have is refused when writing")
    func unrepresentable() {
        #expect(throws: ShapeError.self) { try XML.encode("\u{0}") }
        #expect(throws: ShapeError.self) { try XML.encode("\u{FFFF}") }
    }
}
