/// The lexical level of XML: tags, attributes and text. Knows no shapes.
///
/// Well-formed XML 1.0 with namespaces, in UTF-8. Document type definitions are refused, so no entity is ever defined, expanded or fetched.
/// Comments and processing instructions are passed over.
struct XMLScanner: ~Copyable {
    /// Most attributes of one tag, namespace declarations included: 64.
    static var attributesMaximum: Int { 64 }

    var source: ByteSource
    /// The attributes of the start tag read last, without namespace declarations.
    private(set) var attributes: [XMLAttribute] = []
    private var open: [Element] = []
    private var bindings: [Binding] = []
    private var scratch: [UInt8] = []

    private struct Element {
        let name: XMLName
        /// Namespace bindings in force outside of the element.
        let bindingsOutside: Int
        /// `<Name/>`: there is no end tag to read.
        let isSelfClosed: Bool
    }

    private struct Binding {
        let prefix: UnsafeRawBufferPointer
        let namespace: [UInt8]
    }

    /// What stands next in the content of an element.
    enum Content {
        case text, start, end
    }

    init(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) {
        source = ByteSource(bytes, limits: limits)
    }

    var offset: Int { source.offset }

    // MARK: The document

    /// Passes over what may stand before the root element.
    mutating func prolog() throws(ShapeError) {
        take("\u{FEFF}")
        if isNext("<?xml"), source.available > 5, XMLScanner.isBlank(source.load(5)) { try declaration() }
        try miscellany()
        guard isNext("<") else { throw syntax("expected the root element") }
    }

    /// Checks that nothing but comments and blanks follows the root element.
    mutating func epilog() throws(ShapeError) {
        try miscellany()
        guard source.available == 0 else { throw source.trailing() }
    }

    private mutating func declaration() throws(ShapeError) {
        let start = source.offset
        source.cursor += 5
        try attributeList(until: "?>")
        guard attributes.first?.name.bytes.elementsEqual("version".utf8) == true else {
            throw ShapeError(.syntax, "an XML declaration begins with the version", at: start)
        }
        for attribute in attributes where attribute.name.bytes.elementsEqual("encoding".utf8) {
            let name = String(decoding: attribute.value, as: UTF8.self).lowercased()
            guard name == "utf-8" || name == "us-ascii" else {
                throw ShapeError(.syntax, "the encoding \(name.prefix(32)) is not supported, only UTF-8 is", at: start)
            }
        }
    }

    private mutating func miscellany() throws(ShapeError) {
        skipBlanks()
        while try skipAside() { skipBlanks() }
    }

    /// Passes over one comment or processing instruction, if one is next.
    private mutating func skipAside() throws(ShapeError) -> Bool {
        if isNext("<!--") {
            source.cursor += 4
            try skip(past: "--", "comment")
            guard take(">") else { throw syntax("'--' may not stand in a comment") }
            return true
        }
        if isNext("<?") {
            source.cursor += 2
            try skip(past: "?>", "processing instruction")
            return true
        }
        if isNext("<!"), !isNext("<![CDATA[") { throw syntax("document type definitions are refused") }
        return false
    }

    private mutating func skip(past mark: StaticString, _ what: StaticString) throws(ShapeError) {
        while source.available > 0 {
            if take(mark) { return }
            source.cursor += 1
        }
        throw ShapeError(.truncated, "the input ends in a \(what)", at: source.offset)
    }

    // MARK: Tags

    /// Reads a start tag and enters its element; ``attributes`` holds the attributes.
    ///
    /// - Precondition: `<` is next.
    mutating func enter() throws(ShapeError) -> XMLName {
        try source.descend()
        source.cursor += 1
        let name = try self.name()
        let bindingsOutside = bindings.count
        try attributeList(until: ">")
        let isSelfClosed = source.cursor > source.start + 1 && source.load(-2) == UInt8(ascii: "/")
        try bind()
        open.append(Element(name: name, bindingsOutside: bindingsOutside, isSelfClosed: isSelfClosed))
        return name
    }

    /// Reads the end tag of the innermost element and leaves it.
    mutating func leave() throws(ShapeError) {
        guard let element = open.popLast() else { throw syntax("no element is open") }
        if !element.isSelfClosed {
            let start = source.offset
            guard take("</") else { throw ShapeError(.syntax, "expected </\(element.name)>", at: start) }
            let name = try self.name()
            skipBlanks()
            guard take(">") else { throw syntax("expected '>'") }
            guard name.bytes.elementsEqual(element.name.bytes) else {
                throw ShapeError(.syntax, "<\(element.name)> ends with </\(name)>", at: start)
            }
        }
        bindings.removeLast(bindings.count - element.bindingsOutside)
        source.ascend()
    }

    /// Whether the start tag that is next has the name of `other`.
    mutating func isStart(of other: XMLName) throws(ShapeError) -> Bool {
        let mark = source.cursor
        defer { source.cursor = mark }
        source.cursor += 1
        return try name().bytes.elementsEqual(other.bytes)
    }

    /// Passes over the content and the end of the innermost element.
    mutating func skipElement() throws(ShapeError) {
        let level = open.count
        while open.count >= level {
            switch try content() {
            case .text: try withText { _ in }
            case .start: _ = try enter()
            case .end: try leave()
            }
        }
    }

    /// The namespace of `name`, or nil where none is declared.
    ///
    /// - Parameter isAttribute: an attribute without a prefix is in no namespace.
    func namespace(of name: XMLName, isAttribute: Bool) throws(ShapeError) -> [UInt8]? {
        if isAttribute && name.prefix.isEmpty { return nil }
        if let binding = bindings.last(where: { $0.prefix.elementsEqual(name.prefix) }) {
            return binding.namespace.isEmpty ? nil : binding.namespace
        }
        if name.prefix.isEmpty { return nil }
        if name.prefix.elementsEqual("xml".utf8) { return Array("http://www.w3.org/XML/1998/namespace".utf8) }
        throw syntax("the prefix of <\(name)> is not declared")
    }

    private mutating func name() throws(ShapeError) -> XMLName {
        let start = source.cursor
        var colon: Int?
        guard source.available > 0, XMLScanner.beginsName(source.load()) else { throw syntax("expected a name") }
        while source.available > 0 {
            let byte = source.load()
            if byte == UInt8(ascii: ":") {
                guard colon == nil else { throw syntax("a name has one colon at most") }
                colon = source.cursor - start
            } else if !XMLScanner.continuesName(byte) {
                break
            }
            source.cursor += 1
        }
        let name = XMLName(bytes: UnsafeRawBufferPointer(start: start, count: source.cursor - start), colon: colon)
        guard !name.local.isEmpty else { throw syntax("expected a name behind the colon") }
        return name
    }

    /// Reads attributes up to and including `mark`, before which a `/` is allowed when `mark` is `>`.
    private mutating func attributeList(until mark: StaticString) throws(ShapeError) {
        attributes.removeAll(keepingCapacity: true)
        while true {
            let blanks = skipBlanks()
            if take(mark) { return }
            if isNext("/>") {
                source.cursor += 1
                continue
            }
            guard source.available > 0 else { throw source.truncated() }
            guard blanks > 0 else { throw syntax("expected a blank or the end of the tag") }
            try attribute()
        }
    }

    private mutating func attribute() throws(ShapeError) {
        let start = source.offset
        let name = try self.name()
        guard attributes.count < XMLScanner.attributesMaximum else { throw source.exceeded("\(XMLScanner.attributesMaximum) attributes") }
        guard !attributes.contains(where: { $0.name.bytes.elementsEqual(name.bytes) }) else {
            throw ShapeError(.duplicateField, "attribute \(name) stands here twice", at: start)
        }
        skipBlanks()
        guard take("=") else { throw syntax("expected '='") }
        skipBlanks()
        guard source.available > 0, case let quote = source.load(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw syntax("expected a value in quotes")
        }
        source.cursor += 1
        let offset = source.offset
        var value: [UInt8] = []
        while source.available > 0, source.load() != quote { try attributeCharacter(into: &value) }
        guard source.available > 0 else { throw source.truncated() }
        source.cursor += 1
        _ = try source.chargedText(value.count)
        attributes.append(XMLAttribute(name: name, value: value, offset: offset))
    }

    private mutating func attributeCharacter(into value: inout [UInt8]) throws(ShapeError) {
        switch source.load() {
        case UInt8(ascii: "<"): throw syntax("'<' may not stand in an attribute")
        case UInt8(ascii: "&"): value.append(contentsOf: try reference())
        case 0x09, 0x0A, 0x0D:
            // Section 3.3.3: blanks of every kind become spaces.
            source.cursor += 1
            value.append(UInt8(ascii: " "))
        case 0x00..<0x20: throw syntax("control characters are not XML")
        case let byte:
            source.cursor += 1
            value.append(byte)
        }
    }

    /// Moves the namespace declarations from ``attributes`` to ``bindings``.
    private mutating func bind() throws(ShapeError) {
        guard attributes.contains(where: \.declaresNamespace) else { return }
        for attribute in attributes where attribute.declaresNamespace {
            let prefix = attribute.name.prefix.isEmpty ? attribute.name.prefix : attribute.name.local
            guard prefix.isEmpty || !attribute.value.isEmpty else { throw syntax("a prefix cannot be bound to no namespace") }
            bindings.append(Binding(prefix: prefix, namespace: attribute.value))
        }
        attributes.removeAll(where: \.declaresNamespace)
    }

    // MARK: Content

    /// What stands next in the innermost element. Comments and instructions are passed over.
    mutating func content() throws(ShapeError) -> Content {
        guard let element = open.last else { throw syntax("no element is open") }
        if element.isSelfClosed { return .end }
        while try skipAside() {}
        guard source.available > 0 else { throw source.truncated() }
        guard source.load() == UInt8(ascii: "<"), !isNext("<![CDATA[") else { return .text }
        return isNext("</") ? .end : .start
    }

    /// What stands next where only elements may stand, behind blanks.
    mutating func elements() throws(ShapeError) -> Content {
        while true {
            let next = try content()
            guard next == .text else { return next }
            let start = source.offset
            guard skipBlanks() > 0 else { throw ShapeError(.typeMismatch, "expected an element, found text", at: start) }
        }
    }

    /// What stands next, blanks passed over when an element follows them.
    mutating func elementsOrText() throws(ShapeError) -> Content {
        let mark = source.cursor
        skipBlanks()
        let next = try content()
        if next != .start { source.cursor = mark }
        return next
    }

    /// Leaves the innermost element, which must have no content.
    mutating func leaveEmpty() throws(ShapeError) {
        guard try elements() == .end else { throw expected("an empty element") }
        try leave()
    }

    /// Reads the text up to the next tag: references resolved, line ends made one, sections joined.
    ///
    /// - Parameter body: gets the text, which is gone after it.
    mutating func withText<R>(_ body: (UnsafeRawBufferPointer) throws(ShapeError) -> R) throws(ShapeError) -> R {
        let start = source.cursor
        while source.available > 0, XMLScanner.isPlain(source.load()) { source.cursor += 1 }
        if isNext("</") { return try body(UnsafeRawBufferPointer(start: start, count: try charge(from: start))) }
        source.cursor = start
        scratch.removeAll(keepingCapacity: true)
        while case .text = try content() { try character() }
        _ = try source.chargedText(scratch.count)
        return try XML.decoding(scratch, body)
    }

    private mutating func charge(from start: UnsafeRawPointer) throws(ShapeError) -> Int {
        try source.chargedText(source.cursor - start)
    }

    private mutating func character() throws(ShapeError) {
        switch source.load() {
        case UInt8(ascii: "<"): try characterData()
        case UInt8(ascii: "&"): scratch.append(contentsOf: try reference())
        case 0x0D: lineEnd()
        case 0x00..<0x20 where !XMLScanner.isBlank(source.load()): throw syntax("control characters are not XML")
        case UInt8(ascii: "]") where isNext("]]>"): throw syntax("']]>' may not stand in text")
        case let byte:
            source.cursor += 1
            scratch.append(byte)
        }
    }

    /// `<![CDATA[ … ]]>`
    private mutating func characterData() throws(ShapeError) {
        source.cursor += 9
        while source.available > 0 {
            if take("]]>") { return }
            switch source.load() {
            case 0x0D: lineEnd()
            case 0x00..<0x20 where !XMLScanner.isBlank(source.load()): throw syntax("control characters are not XML")
            case let byte:
                source.cursor += 1
                scratch.append(byte)
            }
        }
        throw source.truncated()
    }

    /// Section 2.11: CR LF and a lone CR are both LF.
    private mutating func lineEnd() {
        source.cursor += 1
        if source.available > 0, source.load() == 0x0A { source.cursor += 1 }
        scratch.append(0x0A)
    }

    /// The UTF-8 of the character that `&…;` stands for.
    private mutating func reference() throws(ShapeError) -> Unicode.UTF8.EncodedScalar {
        for (name, byte) in XMLText.entities where take(name) { return UTF8.encode(Unicode.Scalar(byte)).unsafelyUnwrapped }
        let start = source.offset
        guard take("&#") else { throw syntax("only the five entities of XML itself may be referred to") }
        let radix: UInt32 = take("x") ? 16 : 10
        var scalar: UInt32 = 0
        var digits = 0
        while source.available > 0, let digit = XMLText.digit(source.load(), radix: radix), digits < 8 {
            scalar = scalar * radix + digit
            digits += 1
            source.cursor += 1
        }
        guard digits > 0, take(";"), let character = Unicode.Scalar(scalar), XMLText.isCharacter(character) else {
            throw ShapeError(.syntax, "the reference names no character of XML", at: start)
        }
        return UTF8.encode(character).unsafelyUnwrapped
    }

    // MARK: Bytes

    func isNext(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard source.available >= count else { return false }
        for index in 0..<count where source.load(index) != text.utf8Start[index] { return false }
        return true
    }

    @discardableResult
    private mutating func take(_ text: StaticString) -> Bool {
        guard isNext(text) else { return false }
        source.cursor += text.utf8CodeUnitCount
        return true
    }

    @discardableResult
    private mutating func skipBlanks() -> Int {
        let start = source.cursor
        while source.available > 0, XMLScanner.isBlank(source.load()) { source.cursor += 1 }
        return source.cursor - start
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// Text that stands for itself.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "<") && byte != UInt8(ascii: "&") && byte != UInt8(ascii: "]") || byte == 0x0A || byte == 0x09
    }

    /// Whether the text may be the name of an element or attribute, without a prefix.
    static func isName(_ text: String) -> Bool {
        text.utf8.first.map(beginsName) == true && text.utf8.allSatisfy(continuesName)
    }

    private static func beginsName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), 0x80...: true
        default: false
        }
    }

    private static func continuesName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: beginsName(byte)
        }
    }

    func expected(_ what: String) -> ShapeError { ShapeError(.typeMismatch, "expected \(what)", at: source.offset) }

    func syntax(_ message: String) -> ShapeError { ShapeError(.syntax, message, at: source.offset) }
}

extension ByteSource {
    /// Charges `count` bytes of text that was made of the input.
    fileprivate mutating func chargedText(_ count: Int) throws(ShapeError) -> Int {
        guard bytesLeft >= count else { throw exceeded("strings and blobs of \(limits.bytes) bytes") }
        bytesLeft &-= count
        return count
    }
}
