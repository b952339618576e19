import Testing

@testable import SkerryS3

@Suite("Writing XML") struct XMLWriterTests {
    private func escaped(_ bytes: [UInt8]) -> String {
        var xml = XMLWriter()
        let start = xml.bytes.count
        xml.escape(bytes)
        return String(decoding: xml.bytes[start...], as: UTF8.self)
    }

    @Test(arguments: [
        ("plain", "plain"), ("a&b<c>d\"e'f", "a&amp;b&lt;c&gt;d&quot;e'f"), ("\r", "&#13;"), ("\t\n", "\t\n"),
        ("\u{1}\u{0}\u{7f}", "&#1;&#0;&#127;"),
        ("ä漢🐦", "ä漢🐦"), ("", ""), ("&", "&amp;"), ("]]>", "]]&gt;"),
    ])
    func `text is escaped as S3 does`(_ text: String, _ expected: String) {
        #expect(escaped(Array(text.utf8)) == expected)
    }

    @Test func `bytes that are no UTF-8 become replacement characters`() {
        #expect(escaped([0x61, 0xFF, 0x26]) == "a\u{FFFD}&amp;")
    }

    @Test func `what is written reads back, whatever the text`() throws {
        for seed in 0..<64 as Range<UInt64> {
            let text = String(String.UnicodeScalarView(noise(40, seed: seed).map { Unicode.Scalar($0) }))
            var xml = XMLWriter()
            xml.openRoot("Root")
            xml.element("Text", text)
            xml.close("Root")
            var reader = try XMLReader(xml.bytes)
            try reader.root("Root")
            var read = ""
            try reader.children { reader, _ in read = try reader.text() }
            try reader.finish()
            #expect(read == text, "seed \(seed)")
        }
    }

    @Test func `numbers, flags, dates and owners have their forms`() {
        var xml = XMLWriter()
        let start = xml.bytes.count
        xml.element("N", UInt64.max)
        xml.element("Z", 0)
        xml.element("B", true)
        xml.element("D", date: 1_255_369_830_007)
        xml.element("Q", quoted: "a")
        xml.owner("O", ("i<", "d"))
        xml.hexadecimal([0x0f, 0xa0])
        #expect(
            String(decoding: xml.bytes[start...], as: UTF8.self)
                == "<N>18446744073709551615</N><Z>0</Z><B>true</B><D>2009-10-12T17:50:30.007Z</D><Q>&quot;a&quot;</Q>"
                + "<O><ID>i&lt;</ID><DisplayName>d</DisplayName></O>0fa0")
    }
}
