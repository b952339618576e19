/// Writes ``XML``.
///
/// A value is written inside an element that its owner has opened: the root by ``XML``, a field by its record, a member by its list. So
/// scalars are just text, and containers are just elements.
public struct XMLWriter: ShapeWriter, ~Copyable {
    private var sink: ByteSink
    public let references: (any ReferenceSink)?
    private let limits: EncodingLimits
    private var depthLeft: Int
    /// The elements that are open.
    private var open: [String] = []
    /// Whether the innermost start tag still lacks its `>`.
    private var isTagOpen = false
    /// The default namespace inside each open element.
    private var namespaces: [String?] = []
    /// How each open list names its elements.
    private var elementNames: [(name: String, namespace: String?)] = []
    /// Where the next value goes.
    private var place = Place.element

    private enum Place {
        /// The open element.
        case element
        /// An attribute, which is inserted at an offset.
        case attribute(Field, index: Int, offset: Int)
        /// The text of an element that also has attributes.
        case text
        /// The open record itself: a list there opens an element of this name for each of its own.
        case flattened(Field)
        /// The open element, for a list whose elements have this name.
        case list(String)
    }

    /// A writer that appends to `sink`.
    public init(_ sink: consuming ByteSink = ByteSink(), references: (any ReferenceSink)? = nil, limits: EncodingLimits = .standard) {
        self.sink = sink
        self.references = references
        self.limits = limits
        depthLeft = limits.depth
    }

    /// Ends the writer and returns the sink.
    public consuming func finish() -> ByteSink { sink }

    public static var isPositional: Bool { false }
    public static var marksValues: Bool { true }

    // MARK: Elements

    /// Opens the element that everything else stands in.
    mutating func beginRoot(_ shape: Shape) throws(ShapeError) {
        try openElement(XML.rootName(of: shape), namespace: XML.namespace(of: shape))
    }

    private mutating func openElement(_ name: String, namespace: String? = nil) throws(ShapeError) {
        guard depthLeft > 0 else { throw limits.exceeded() }
        guard XMLScanner.isName(name) else { throw XMLWriter.illegal(name) }
        depthLeft -= 1
        finishTag()
        sink.append(UInt8(ascii: "<"))
        append(name)
        let inherited = namespaces.last ?? nil
        if let namespace, namespace != inherited {
            append(" xmlns=\"")
            try escape(namespace, inAttribute: true)
            append("\"")
        }
        namespaces.append(namespace ?? inherited)
        open.append(name)
        isTagOpen = true
        place = .element
    }

    mutating func closeElement() throws(ShapeError) {
        guard let name = open.popLast() else { preconditionFailure("an element is closed that was not opened") }
        namespaces.removeLast()
        depthLeft += 1
        if isTagOpen {
            append("/>")
            isTagOpen = false
        } else {
            append("</")
            append(name)
            append(">")
        }
        place = .element
    }

    private mutating func finishTag() {
        guard isTagOpen else { return }
        sink.append(UInt8(ascii: ">"))
        isTagOpen = false
    }

    private static func illegal(_ name: String) -> ShapeError {
        ShapeError(.unrepresentable, "XML has no name '\(name)'")
    }

    // MARK: Bytes

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { sink.append(UnsafeRawBufferPointer($0)) }
    }

    private mutating func escape(_ text: String, inAttribute: Bool) throws(ShapeError) {
        for scalar in text.unicodeScalars where !XMLText.isCharacter(scalar) {
            throw ShapeError(.unrepresentable, "XML has no character U+\(String(scalar.value, radix: 16, uppercase: true))")
        }
        var text = text
        text.withUTF8 { utf8 in
            for byte in utf8 {
                if let escape = XMLText.escape(of: byte, inAttribute: inAttribute) {
                    sink.append(UnsafeRawBufferPointer(start: escape.utf8Start, count: escape.utf8CodeUnitCount))
                } else {
                    sink.append(byte)
                }
            }
        }
    }

    /// Puts the text of a scalar where the value goes.
    private mutating func scalar(_ text: String) throws(ShapeError) {
        switch place {
        case .element, .text, .list:
            // An element without text and one with empty text are the same.
            guard !text.isEmpty else { return }
            finishTag()
            try escape(text, inAttribute: false)
        case .attribute(let field, let index, let offset):
            let prefix = field.xml.namespace == XML.instanceNamespace ? "xsi" : "a\(index)"
            try insert(attribute: field.key, field.xml.namespace.map { (prefix, $0) }, text, at: offset)
        case .flattened(let field):
            throw ShapeError(.unrepresentable, "field \(field.key) is flattened and no list")
        }
    }

    /// Writes an attribute into a start tag that may long be closed: fields come in the order of the type, attributes stand first.
    private mutating func insert(
        attribute name: String, _ namespace: (prefix: String, name: String)?, _ text: String, at offset: Int
    ) throws(ShapeError) {
        guard XMLScanner.isName(name) else { throw XMLWriter.illegal(name) }
        let end = sink.count
        append(" ")
        if let namespace {
            append("xmlns:\(namespace.prefix)=\"")
            try escape(namespace.name, inAttribute: true)
            append("\" \(namespace.prefix):")
        }
        append(name)
        append("=\"")
        try escape(text, inAttribute: true)
        append("\"")
        sink.rotate(from: offset, middle: end)
    }
}

// MARK: - Scalars

extension XMLWriter {
    public mutating func write(_ value: Bool) throws(ShapeError) { try scalar(value ? "true" : "false") }

    public mutating func write<I: FixedWidthInteger>(integer value: I) throws(ShapeError) { try scalar(String(value)) }

    public mutating func write(_ value: Float) throws(ShapeError) { try scalar(XMLText.number(value)) }

    public mutating func write(_ value: Double) throws(ShapeError) { try scalar(XMLText.number(value)) }

    public mutating func write(_ value: String) throws(ShapeError) { try scalar(value) }

    public mutating func write(bytes: UnsafeRawBufferPointer) throws(ShapeError) { try scalar(Base64.text(bytes)) }

    public mutating func write(referenceIndex: UInt32) throws(ShapeError) { try mark(XML.Name.reference, "\(referenceIndex)") }

    public mutating func writeNil() throws(ShapeError) { try mark(XML.Name.null, "true") }

    private mutating func mark(_ name: String, _ text: String) throws(ShapeError) {
        guard case .element = place, isTagOpen else {
            throw ShapeError(.unrepresentable, "\(name) needs an element of its own, not an attribute or text")
        }
        try insert(attribute: name, nil, text, at: sink.count)
    }
}

// MARK: - Containers

extension XMLWriter {
    /// - Throws: where an attribute or text is to hold more than a scalar.
    private mutating func container(_ what: String) throws(ShapeError) {
        switch place {
        case .element, .list: place = .element
        case .attribute, .text: throw ShapeError(.unrepresentable, "an attribute or text holds no \(what)")
        case .flattened(let field): throw ShapeError(.unrepresentable, "field \(field.key) is flattened and no list")
        }
    }

    public mutating func beginSome(isNested: Bool) throws(ShapeError) {
        if isNested {
            try container("nested option")
            try openElement(XML.Name.some)
        }
    }

    public mutating func endSome(isNested: Bool) throws(ShapeError) {
        if isNested { try closeElement() }
    }

    public mutating func beginList(count: Int) throws(ShapeError) -> SequenceFrame {
        let name: String
        let namespace: String?
        switch place {
        case .flattened(let field): (name, namespace) = (field.key, field.xml.namespace)
        case .list(let element): (name, namespace) = (element, nil)
        default:
            try container("list")
            (name, namespace) = (XML.Name.member, nil)
        }
        elementNames.append((name, namespace))
        place = .element
        return SequenceFrame(remaining: count)
    }

    public mutating func beginElement(_ frame: inout SequenceFrame) throws(ShapeError) {
        frame.count += 1
        guard let element = elementNames.last else { preconditionFailure("an element outside of a list") }
        try openElement(element.name, namespace: element.namespace)
    }

    public mutating func endElement(_ frame: inout SequenceFrame) throws(ShapeError) { try closeElement() }

    public mutating func endList(_ frame: inout SequenceFrame) throws(ShapeError) { elementNames.removeLast() }

    public mutating func beginMap(count: Int, isTextual: Bool) throws(ShapeError) -> SequenceFrame {
        try container("map")
        return SequenceFrame(remaining: count, isTextual: isTextual)
    }

    public mutating func beginKey(_ frame: inout SequenceFrame) throws(ShapeError) {
        frame.count += 1
        try openElement(XML.Name.entry)
        try openElement(XML.Name.key)
    }

    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {
        try closeElement()
        try openElement(XML.Name.value)
    }

    public mutating func endEntry(_ frame: inout SequenceFrame) throws(ShapeError) {
        try closeElement()
        try closeElement()
    }

    public mutating func endMap(_ frame: inout SequenceFrame) throws(ShapeError) {}

    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        try container("record")
        // Attributes go before whatever the start tag ends with.
        return RecordFrame(fields, mark: sink.count)
    }

    public mutating func beginField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {
        frame.index = index
        let field = frame.fields[index]
        if field.xml.isAttribute {
            frame.extra = sink.count
            place = .attribute(field, index: index, offset: frame.mark)
        } else if field.xml.isText {
            place = .text
        } else if field.xml.isFlattened {
            place = .flattened(field)
        } else {
            try openElement(field.key, namespace: field.xml.namespace)
            if let element = field.xml.element { place = .list(element) }
        }
    }

    public mutating func endField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {
        let hints = frame.fields[index].xml
        if hints.isAttribute {
            frame.mark += sink.count - frame.extra
        } else if !hints.isText && !hints.isFlattened {
            try closeElement()
        }
        place = .element
    }

    public mutating func endRecord(_ frame: inout RecordFrame) throws(ShapeError) {}

    public mutating func beginVariant(_ index: Int, of cases: Cases) throws(ShapeError) -> VariantFrame {
        if cases.hasPayload(index) {
            try container("case with a value")
            try openElement(cases[index].key)
        } else {
            try scalar(cases[index].key)
        }
        return VariantFrame(cases, index)
    }

    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) {
        if frame.cases.hasPayload(frame.index) { try closeElement() }
    }
}
