/// Reads ``XML``.
///
/// A value is read from behind the start tag of its element to behind the end tag; whoever reads the start tag has read the name.
public struct XMLReader: ShapeReader, ~Copyable {
    private var scanner: XMLScanner
    public let references: (any ReferenceSource)?
    private let refusesUnknownFields: Bool
    /// How the elements of each open list are named.
    private var elementNames: [String] = []
    /// How the elements of each open flattened list are named in the input.
    private var flattened: [XMLName] = []
    /// Where the next value comes from.
    private var place = Place.element

    private enum Place {
        /// The element whose start tag was read last.
        case element
        /// An attribute of that tag, by its number.
        case attribute(Int)
        /// The text of the element, whose end the record reads.
        case text
        /// The open record itself: its element of this name is the first of a list.
        case flattened(XMLName)
        /// The element, for a list whose elements have this name.
        case list(String)
    }

    /// A reader of `bytes`, which must outlive it.
    ///
    /// - Parameter refusesUnknownFields: whether elements and attributes that the type does not have are an error. They are passed over
    ///   otherwise, as S3 does.
    public init(
        _ bytes: UnsafeRawBufferPointer, limits: DecodingLimits = .standard, references: (any ReferenceSource)? = nil,
        refusesUnknownFields: Bool = false
    ) {
        scanner = XMLScanner(bytes, limits: limits)
        self.references = references
        self.refusesUnknownFields = refusesUnknownFields
    }

    public static var isPositional: Bool { false }
    public static var marksValues: Bool { true }
    public var offset: Int { scanner.offset }

    /// Opens the root element.
    ///
    /// - Throws: ``ShapeError/Code/typeMismatch`` when it has another name or namespace than values of this shape have.
    mutating func beginRoot(_ shape: Shape) throws(ShapeError) {
        try scanner.prolog()
        let start = offset
        let name = try scanner.enter()
        let expected = XML.rootName(of: shape)
        guard name.local.elementsEqual(expected.utf8) else {
            throw ShapeError(.typeMismatch, "expected <\(expected)>, found <\(name)>", at: start)
        }
        let namespace = try scanner.namespace(of: name, isAttribute: false)
        // A document without any namespace is taken for one in the right one: many clients leave it out.
        if let declared = XML.namespace(of: shape), let namespace, !namespace.elementsEqual(declared.utf8) {
            let found = String(decoding: namespace.prefix(128), as: UTF8.self)
            throw ShapeError(.typeMismatch, "<\(expected)> is in the namespace \(found), not \(declared)", at: start)
        }
    }

    /// Checks that nothing follows the root element.
    mutating func finish() throws(ShapeError) { try scanner.epilog() }

    public mutating func peekKind() throws(ShapeError) -> Value.Kind {
        preconditionFailure("values in XML carry marks: elements do not say what they are")
    }
}

// MARK: - Scalars

extension XMLReader {
    /// Reads the text of the value and leaves its element.
    private mutating func scalar<R>(_ body: (UnsafeRawBufferPointer, Int) throws(ShapeError) -> R) throws(ShapeError) -> R {
        let start = offset
        switch place {
        case .attribute(let index):
            let attribute = scanner.attributes[index]
            return try XML.decoding(attribute.value) { bytes throws(ShapeError) in try body(bytes, attribute.offset) }
        case .text: return try text(body, start)
        case .element, .list, .flattened:
            place = .element
            let result = try text(body, start)
            try scanner.leave()
            return result
        }
    }

    private mutating func text<R>(_ body: (UnsafeRawBufferPointer, Int) throws(ShapeError) -> R, _ start: Int) throws(ShapeError) -> R {
        guard try scanner.content() == .text else {
            guard try scanner.content() == .end else { throw scanner.expected("text, found an element") }
            return try body(UnsafeRawBufferPointer(start: nil, count: 0), start)
        }
        let result = try scanner.withText { bytes throws(ShapeError) in try body(bytes, start) }
        guard try scanner.content() == .end else { throw scanner.expected("text, found an element") }
        return result
    }

    /// The word of a scalar that is no text: blanks around it do not count.
    private static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var bytes = bytes[...]
        while let first = bytes.first, XMLScanner.isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, XMLScanner.isBlank(last) { bytes.removeLast() }
        return UnsafeRawBufferPointer(rebasing: bytes)
    }

    private mutating func word<R>(_ what: StaticString, _ body: (String) -> R?) throws(ShapeError) -> R {
        try scalar { bytes, start throws(ShapeError) in
            let word = String(decoding: XMLReader.trimmed(bytes), as: UTF8.self)
            guard let value = body(word) else {
                throw ShapeError(.typeMismatch, "expected \(what), found '\(word.prefix(64))'", at: start)
            }
            return value
        }
    }

    public mutating func readBool() throws(ShapeError) -> Bool {
        try word("true or false") { word in
            switch word {
            case "true", "1": true
            case "false", "0": false
            default: nil
            }
        }
    }

    public mutating func readInteger<I: FixedWidthInteger>(_ type: I.Type) throws(ShapeError) -> I {
        try scalar { bytes, start throws(ShapeError) in
            try NumberText.integer(XMLReader.trimmed(bytes), type, at: start)
        }
    }

    public mutating func readFloat() throws(ShapeError) -> Float { try word("a number") { XMLText.floating($0, Float.init) } }

    public mutating func readDouble() throws(ShapeError) -> Double { try word("a number") { XMLText.floating($0, Double.init) } }

    public mutating func readString() throws(ShapeError) -> String {
        try scalar { bytes, start throws(ShapeError) in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw ShapeError(.invalidText, "text is not UTF-8", at: start)
            }
            return text
        }
    }

    public mutating func readBytes() throws(ShapeError) -> [UInt8] {
        try word("bytes in base64") { Base64.bytes($0) }
    }

    public mutating func readReferenceIndex() throws(ShapeError) -> UInt32 {
        let start = offset
        guard case .element = place, let index = mark(XML.Name.reference).flatMap({ UInt32($0) }) else {
            throw ShapeError(.typeMismatch, "expected a reference", at: start)
        }
        try scanner.leaveEmpty()
        return index
    }

    /// The attribute of the element that the format itself puts there.
    private func mark(_ name: String) -> String? {
        scanner.attributes.first { $0.name.bytes.elementsEqual(name.utf8) }.map { String(decoding: $0.value, as: UTF8.self) }
    }
}

// MARK: - Options, lists and maps

extension XMLReader {
    /// Takes the element for a container.
    private mutating func container(_ what: StaticString) throws(ShapeError) {
        switch place {
        case .attribute, .text: throw scanner.expected("\(what), found text")
        case .element, .list, .flattened: place = .element
        }
    }

    public mutating func beginOption(isNested: Bool) throws(ShapeError) -> Bool {
        if case .element = place, mark(XML.Name.null) == "true" {
            try scanner.leaveEmpty()
            return false
        }
        if isNested {
            try container("a nested option")
            try enter(XML.Name.some)
        }
        return true
    }

    public mutating func endOption(isNested: Bool) throws(ShapeError) {
        if isNested { try leaveContainer() }
    }

    public mutating func beginList() throws(ShapeError) -> SequenceFrame {
        switch place {
        case .flattened(let name):
            flattened.append(name)
            place = .element
            return SequenceFrame(remaining: -1, mark: ListKind.flattened)
        case .list(let element): elementNames.append(element)
        default:
            try container("a list")
            elementNames.append(XML.Name.member)
        }
        place = .element
        return SequenceFrame(remaining: -1)
    }

    public mutating func nextElement(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        if frame.mark == ListKind.flattened { return try nextFlattened(&frame) }
        guard try scanner.elements() == .start else {
            elementNames.removeLast()
            try scanner.leave()
            return false
        }
        _ = try scanner.source.elements(1)
        frame.count += 1
        try enter(elementNames[elementNames.count - 1])
        return true
    }

    /// The first element is open already; the others follow as siblings of the same name.
    private mutating func nextFlattened(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        let name = flattened[flattened.count - 1]
        if frame.count > 0 {
            guard try scanner.elements() == .start, try scanner.isStart(of: name) else {
                flattened.removeLast()
                return false
            }
            _ = try scanner.enter()
        }
        _ = try scanner.source.elements(1)
        frame.count += 1
        place = .element
        return true
    }

    private enum ListKind {
        static let flattened = 1
    }

    public mutating func beginMap(isTextual: Bool) throws(ShapeError) -> SequenceFrame {
        try container("a map")
        return SequenceFrame(remaining: -1, isTextual: isTextual)
    }

    public mutating func nextKey(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        if frame.count > 0 { try leaveContainer() }
        guard try scanner.elements() == .start else {
            try scanner.leave()
            return false
        }
        _ = try scanner.source.elements(1)
        frame.count += 1
        try enter(XML.Name.entry)
        try enter(XML.Name.key)
        return true
    }

    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) { try enter(XML.Name.value) }

    /// Enters the element that must come next.
    private mutating func enter(_ name: String) throws(ShapeError) {
        let start = offset
        guard try scanner.elements() == .start else { throw ShapeError(.typeMismatch, "expected <\(name)>", at: start) }
        let found = try scanner.enter()
        guard found.local.elementsEqual(name.utf8) else {
            throw ShapeError(.typeMismatch, "expected <\(name)>, found <\(found)>", at: start)
        }
        place = .element
    }

    private mutating func leaveContainer() throws(ShapeError) {
        guard try scanner.elements() == .end else { throw scanner.expected("the end of the element") }
        try scanner.leave()
        place = .element
    }
}

// MARK: - Records and variants

extension XMLReader {
    /// `frame.mark` counts the attributes that were looked at; `frame.extra` is 1 once the text was.
    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        try container("a record")
        return RecordFrame(fields, offset: offset)
    }

    public mutating func nextField(_ frame: inout RecordFrame) throws(ShapeError) -> Int? {
        if let index = try nextAttribute(&frame) { return index }
        if let index = nextText(&frame) { return index }
        while try scanner.elements() == .start {
            let start = offset
            let name = try scanner.enter()
            let index = frame.fields.keys.index(of: name.local, after: frame.index)
            guard index >= 0, case let hints = frame.fields[index].xml, !hints.isAttribute, !hints.isText,
                try isNamespace(of: name, hints, isAttribute: false)
            else {
                try pass(name, frame, start)
                try scanner.skipElement()
                continue
            }
            guard frame.note(index) else { throw frame.duplicate(index, at: start) }
            place = hints.isFlattened ? .flattened(name) : hints.element.map(Place.list) ?? .element
            return index
        }
        try scanner.leave()
        place = .element
        return nil
    }

    private mutating func nextAttribute(_ frame: inout RecordFrame) throws(ShapeError) -> Int? {
        guard frame.mark >= 0 else { return nil }
        while frame.mark < scanner.attributes.count {
            let number = frame.mark
            let name = scanner.attributes[number].name
            frame.mark += 1
            let index = frame.fields.keys.index(of: name.local, after: frame.index)
            guard index >= 0, frame.fields[index].xml.isAttribute,
                try isNamespace(of: name, frame.fields[index].xml, isAttribute: true)
            else {
                try pass(name, frame, scanner.attributes[number].offset)
                continue
            }
            guard frame.note(index) else { throw frame.duplicate(index, at: scanner.attributes[number].offset) }
            place = .attribute(number)
            return index
        }
        // The next start tag brings other attributes.
        frame.mark = -1
        return nil
    }

    /// The field that is the text of the element itself.
    private mutating func nextText(_ frame: inout RecordFrame) -> Int? {
        guard frame.extra == 0 else { return nil }
        frame.extra = 1
        guard let index = frame.fields.textIndex, frame.note(index) else { return nil }
        place = .text
        return index
    }

    private func isNamespace(of name: XMLName, _ hints: XMLHints, isAttribute: Bool) throws(ShapeError) -> Bool {
        guard let expected = hints.namespace, let found = try scanner.namespace(of: name, isAttribute: isAttribute) else { return true }
        return found.elementsEqual(expected.utf8)
    }

    /// Notes a part that the type does not have.
    private func pass(_ name: XMLName, _ frame: borrowing RecordFrame, _ start: Int) throws(ShapeError) {
        if refusesUnknownFields { throw frame.unknown(name.bytes, at: start) }
    }

    public mutating func beginVariant(_ cases: Cases) throws(ShapeError) -> VariantFrame {
        if case .element = place, try scanner.elementsOrText() == .start {
            let start = offset
            let name = try scanner.enter()
            let index = cases.keys.index(of: name.local, after: -1)
            guard index >= 0 else { throw cases.unknown(name.bytes, at: start) }
            guard cases.hasPayload(index) else { throw cases.mismatch(index, at: start) }
            return VariantFrame(cases, index)
        }
        let index = try scalar { bytes, start throws(ShapeError) in
            let index = cases.keys.index(of: XMLReader.trimmed(bytes), after: -1)
            guard index >= 0 else { throw cases.unknown(bytes, at: start) }
            guard !cases.hasPayload(index) else { throw cases.mismatch(index, at: start) }
            return index
        }
        return VariantFrame(cases, index)
    }

    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) {
        if frame.cases.hasPayload(frame.index) { try leaveContainer() }
    }
}

extension Fields {
    /// The field that XML writes as the text of the record's element.
    fileprivate var textIndex: Int? { list.firstIndex(where: \.xml.isText) }
}
