/// Reads S3's request documents: a small strict pull parser.
///
/// It takes well-formed elements, attributes (checked, then dropped), character data, CDATA, comments and processing instructions; namespace
/// prefixes are cut off. It refuses document types, and so external and nested entities: what is left are the five named ones and numbers.
/// Depth is bounded by ``S3Limits/documentDepthMaximum``, size by whoever collected the bytes. The document must be UTF-8.
///
/// Use: ``root(_:)`` once, then ``children(_:)`` with one of ``text()``, ``children(_:)`` or ``skip()`` for each child, then ``finish()``.
///
/// - Complexity: O(n); text is copied once.
struct XMLReader {
    /// Why the bytes are no acceptable document.
    struct Malformed: Error, Equatable {
        var reason: String
        /// Bytes from the start.
        var offset: Int
    }

    private let bytes: [UInt8]
    private var index = 0
    /// Names of the open elements, with prefixes.
    private var path: [ArraySlice<UInt8>] = []
    /// The element that was opened last closed itself: its end comes next without bytes.
    private var isEmptyElement = false

    init(_ bytes: [UInt8]) throws(Malformed) {
        self.bytes = bytes
        guard String(validating: bytes, as: UTF8.self) != nil else { throw Malformed(reason: "not UTF-8", offset: 0) }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
    }

    // MARK: Walking

    /// Enters the document's element, which must be called `name`.
    mutating func root(_ name: String) throws(Malformed) {
        try skipMisc()
        guard let found = try startTag(), found == name else { throw malformed("expected <\(name)>") }
    }

    /// Calls `body` with the name of each child of the current element, and leaves the element. Text between children must be white space.
    mutating func children(_ body: (inout XMLReader, String) throws -> Void) throws {
        let depth = path.count
        while let name = try nextChild() {
            try body(&self, name)
            guard path.count == depth else { throw malformed("child not read") }
        }
    }

    /// The current element's text; leaves the element. It must have no children.
    mutating func text() throws(Malformed) -> String {
        var text: [UInt8] = []
        while !isEmptyElement {
            guard index < bytes.count else { throw malformed("text not ended") }
            switch bytes[index] {
            case UInt8(ascii: "<"):
                if starts("</") {
                    try endTag()
                    return String(decoding: text, as: UTF8.self)
                }
                if starts("<![CDATA[") {
                    text += try delimited("<![CDATA[", "]]>")
                } else if starts("<!--") || starts("<?") {
                    try skipMiscItem()
                } else {
                    throw malformed("element where text was expected")
                }
            case UInt8(ascii: "&"): try appendReference(to: &text)
            default: appendRun(to: &text)
            }
        }
        try endTag()
        return ""
    }

    /// Leaves the current element, whatever is in it.
    mutating func skip() throws(Malformed) {
        let depth = path.count
        while path.count >= depth {
            if isEmptyElement || starts("</") {
                try endTag()
            } else if starts("<![CDATA[") {
                _ = try delimited("<![CDATA[", "]]>")
            } else if starts("<!--") || starts("<?") {
                try skipMiscItem()
            } else if starts("<") {
                _ = try startTag()
            } else {
                var dropped: [UInt8] = []
                guard index < bytes.count else { throw malformed("element not ended") }
                if bytes[index] == UInt8(ascii: "&") { try appendReference(to: &dropped) } else { appendRun(to: &dropped) }
            }
        }
    }

    /// Checks that nothing follows the document's element.
    mutating func finish() throws(Malformed) {
        try skipMisc()
        guard path.isEmpty, index == bytes.count else { throw malformed("something follows the document") }
    }

    // MARK: Tags

    private mutating func nextChild() throws(Malformed) -> String? {
        if isEmptyElement {
            try endTag()
            return nil
        }
        try skipMisc()
        if starts("</") {
            try endTag()
            return nil
        }
        guard let name = try startTag() else { throw malformed("element not ended") }
        return name
    }

    /// Reads `<name attributes>`; nil when no tag begins here. Returns the name without prefix.
    private mutating func startTag() throws(Malformed) -> String? {
        guard starts("<"), !starts("<!") else {
            if starts("<!") { throw malformed("document types are not accepted") }
            return nil
        }
        index += 1
        let name = try readName()
        guard path.count < S3Limits.documentDepthMaximum else { throw malformed("nested too deep") }
        try skipAttributes()
        isEmptyElement = starts("/>")
        guard isEmptyElement || starts(">") else { throw malformed("tag not ended") }
        index += isEmptyElement ? 2 : 1
        path.append(name)
        return String(decoding: name.firstIndex(of: UInt8(ascii: ":")).map { name[($0 + 1)...] } ?? name, as: UTF8.self)
    }

    private mutating func endTag() throws(Malformed) {
        guard let open = path.popLast() else { throw malformed("end without a start") }
        if isEmptyElement {
            isEmptyElement = false
            return
        }
        index += 2
        guard try readName() == open else { throw malformed("end of another element") }
        skipWhiteSpace()
        guard starts(">") else { throw malformed("end tag not ended") }
        index += 1
    }

    private mutating func skipAttributes() throws(Malformed) {
        while true {
            let hasSpace = skipWhiteSpace()
            guard index < bytes.count else { throw malformed("tag not ended") }
            if bytes[index] == UInt8(ascii: ">") || bytes[index] == UInt8(ascii: "/") { return }
            guard hasSpace else { throw malformed("white space expected") }
            _ = try readName()
            skipWhiteSpace()
            guard starts("=") else { throw malformed("attribute without a value") }
            index += 1
            skipWhiteSpace()
            guard let quote = starts("\"") || starts("'") ? bytes[index] : nil,
                let end = bytes[(index + 1)...].firstIndex(of: quote),
                !bytes[index..<end].contains(UInt8(ascii: "<"))
            else { throw malformed("attribute value not quoted") }
            index = end + 1
        }
    }

    private mutating func readName() throws(Malformed) -> ArraySlice<UInt8> {
        let start = index
        while index < bytes.count, Self.isNameByte(bytes[index]) { index += 1 }
        guard index > start, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[start]), bytes[start] != UInt8(ascii: "-") else {
            throw malformed("name expected")
        }
        return bytes[start..<index]
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...,
            UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    // MARK: Text

    private mutating func appendRun(to text: inout [UInt8]) {
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: "<"), bytes[index] != UInt8(ascii: "&") { index += 1 }
        text += bytes[start..<index]
    }

    private mutating func appendReference(to text: inout [UInt8]) throws(Malformed) {
        let start = index + 1
        // The longest reference is `&#x10FFFF;`.
        guard let end = bytes[start...].prefix(10).firstIndex(of: UInt8(ascii: ";")) else { throw malformed("entity not ended") }
        let name = String(decoding: bytes[start..<end], as: UTF8.self)
        switch name {
        case "amp": text.append(UInt8(ascii: "&"))
        case "lt": text.append(UInt8(ascii: "<"))
        case "gt": text.append(UInt8(ascii: ">"))
        case "quot": text.append(UInt8(ascii: "\""))
        case "apos": text.append(UInt8(ascii: "'"))
        default:
            guard let scalar = Self.scalar(name) else { throw malformed("unknown entity") }
            text += Array(String(Character(scalar)).utf8)
        }
        index = end + 1
    }

    private static func scalar(_ name: String) -> Unicode.Scalar? {
        guard name.hasPrefix("#") else { return nil }
        let isHexadecimal = name.dropFirst().hasPrefix("x")
        let digits = name.dropFirst(isHexadecimal ? 2 : 1)
        guard let first = digits.first, first.isHexDigit, let value = UInt32(digits, radix: isHexadecimal ? 16 : 10) else { return nil }
        return Unicode.Scalar(value)
    }

    // MARK: What is passed over

    /// White space, comments and processing instructions between elements.
    private mutating func skipMisc() throws(Malformed) {
        while true {
            skipWhiteSpace()
            guard starts("<!--") || starts("<?") else { return }
            try skipMiscItem()
        }
    }

    private mutating func skipMiscItem() throws(Malformed) {
        _ = starts("<?") ? try delimited("<?", "?>") : try delimited("<!--", "-->")
    }

    /// What stands between `start`, which is here, and the next `end`.
    private mutating func delimited(_ start: StaticString, _ end: StaticString) throws(Malformed) -> ArraySlice<UInt8> {
        let from = index + start.utf8CodeUnitCount
        var position = from
        while position + end.utf8CodeUnitCount <= bytes.count {
            if end.withUTF8Buffer({ bytes[position...].starts(with: $0) }) {
                index = position + end.utf8CodeUnitCount
                return bytes[from..<position]
            }
            position += 1
        }
        throw malformed("\(end) expected")
    }

    @discardableResult
    private mutating func skipWhiteSpace() -> Bool {
        let start = index
        while index < bytes.count, bytes[index].isXMLSpace { index += 1 }
        return index > start
    }

    private func starts(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes[index...].starts(with: $0) }
    }

    private func malformed(_ reason: String) -> Malformed { Malformed(reason: reason, offset: index) }
}

extension UInt8 {
    /// XML's production `S`.
    fileprivate var isXMLSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}
