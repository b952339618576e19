import Testing

@testable import SkerryS3

@Suite("Reading XML") struct XMLReaderTests {
    /// The texts of the children of `<R>` as `name=text`.
    private func read(_ document: String) throws -> [String] {
        var reader = try XMLReader(Array(document.utf8))
        var found: [String] = []
        try reader.root("R")
        try reader.children { reader, name in found.append("\(name)=\(try reader.text())") }
        try reader.finish()
        return found
    }

    @Test(arguments: [
        ("<R/>", []), ("<R></R>", []), ("<R><A>x</A></R>", ["A=x"]), ("<R><A/></R>", ["A="]),
        ("<R>\n <A>x</A>\t<B> y </B>\r\n</R>\n", ["A=x", "B= y "]),
        ("<?xml version=\"1.0\"?><!-- c --><R xmlns=\"u\" b='c>'><A c = \"d\">x</A></R>", ["A=x"]),
        ("<s:R xmlns:s='u'><s:A>x</s:A></s:R>", ["A=x"]), ("<R><A>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F426;</A></R>", ["A=<>&\"'A🐦"]),
        ("<R><A>a<![CDATA[<&>]]>b<!-- c -->c</A></R>", ["A=a<&>bc"]), ("\u{FEFF}<R><A>x</A></R>", ["A=x"]),
    ])
    func `well-formed documents are read`(_ document: String, _ expected: [String]) throws {
        #expect(try read(document) == expected)
    }

    @Test(arguments: [
        "", "R", "<R>", "<R><A>x</R>", "<R><A>x</B></R>", "<R></R><R/>", "<R></R>x", "<Q></Q>", "<R>text</R>", "<R><A><B/></A></R>",
        "<R a></R>",
        "<R a=b></R>", "<R a=\"b\"c=\"d\"></R>", "<R a=\"<\"></R>", "<1R/>", "< R/>", "<R", "<R/", "<R><A>&nbsp;</A></R>",
        "<R><A>&#xD800;</A></R>",
        "<R><A>&#-1;</A></R>", "<R><A>&amp</A></R>", "<R><A>&#;</A></R>", "<R><!-- </R>", "<R><A><![CDATA[x]]</A></R>", "</R>",
        "<!DOCTYPE R [<!ENTITY e \"x\">]><R><A>&e;</A></R>", "<R><!DOCTYPE R></R>", "<R><A>x</A",
    ])
    func `broken ones are refused`(_ document: String) {
        #expect(throws: (any Error).self) { try read(document) }
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        #expect(throws: XMLReader.Malformed.self) { try XMLReader([0x3C, 0xFF]) }
    }

    @Test func `depth is bounded`() throws {
        func nested(_ depth: Int) -> String {
            "<R>" + String(repeating: "<A>", count: depth) + String(repeating: "</A>", count: depth) + "</R>"
        }
        func skipAll(_ document: String) throws {
            var reader = try XMLReader(Array(document.utf8))
            try reader.root("R")
            try reader.children { reader, _ in try reader.skip() }
            try reader.finish()
        }
        try skipAll(nested(S3Limits.documentDepthMaximum - 1))
        #expect(throws: XMLReader.Malformed.self) { try skipAll(nested(S3Limits.documentDepthMaximum)) }
    }

    @Test func `skipping leaves exactly the element`() throws {
        var reader = try XMLReader(Array("<R><A>x<B>&amp;</B><C/><![CDATA[</A>]]><!-- </A> --></A><D>y</D></R>".utf8))
        var texts: [String] = []
        try reader.root("R")
        try reader.children { reader, name in if name == "A" { try reader.skip() } else { texts.append(try reader.text()) } }
        try reader.finish()
        #expect(texts == ["y"])
    }

    @Test func `every prefix of a document is refused, and nothing crashes`() throws {
        let document = Array("<?xml version='1.0'?><R a=\"1\"><A>x&lt;<!-- c --></A><B/><C><![CDATA[z]]></C></R>".utf8)
        for count in 0..<document.count {
            #expect(throws: (any Error).self) { try read(String(decoding: document[..<count], as: UTF8.self)) }
        }
        for index in document.indices {
            var spoilt = document
            spoilt[index] = UInt8(ascii: "<")
            _ = try? read(String(decoding: spoilt, as: UTF8.self))
        }
    }
}
