/// Writes ``SExpression``: one line, one blank between neighbours.
public struct SExpressionWriter: ShapeWriter, ~Copyable {
    private var sink: ByteSink
    public let references: (any ReferenceSink)?
    private let limits: EncodingLimits
    private var depthLeft: Int
    /// Whether something stands to the left of what is written next.
    private var hasNeighbour = false

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

    // MARK: Atoms and lists

    private mutating func separate() {
        if hasNeighbour { sink.append(UInt8(ascii: " ")) }
        hasNeighbour = true
    }

    private mutating func atom(_ text: String) {
        separate()
        var text = text
        text.withUTF8 { utf8 in
            if SExpression.isBare(utf8) {
                sink.append(UnsafeRawBufferPointer(utf8))
            } else {
                quoted(utf8)
            }
        }
    }

    private mutating func quoted(_ utf8: UnsafeBufferPointer<UInt8>) {
        sink.append(UInt8(ascii: "\""))
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): escaped(byte)
            case 0x0A: escaped(UInt8(ascii: "n"))
            case 0x0D: escaped(UInt8(ascii: "r"))
            case 0x09: escaped(UInt8(ascii: "t"))
            case 0x00..<0x20, 0x7F:
                // Three decimal digits, as in OCaml.
                escaped(UInt8(ascii: "0") + byte / 100)
                sink.append(UInt8(ascii: "0") + byte / 10 % 10)
                sink.append(UInt8(ascii: "0") + byte % 10)
            default: sink.append(byte)
            }
        }
        sink.append(UInt8(ascii: "\""))
    }

    private mutating func escaped(_ byte: UInt8) {
        sink.append(UInt8(ascii: "\\"))
        sink.append(byte)
    }

    private mutating func open() throws(ShapeError) {
        guard depthLeft > 0 else { throw limits.exceeded() }
        depthLeft -= 1
        separate()
        sink.append(UInt8(ascii: "("))
        hasNeighbour = false
    }

    private mutating func close() {
        depthLeft += 1
        sink.append(UInt8(ascii: ")"))
        hasNeighbour = true
    }
}

// MARK: - Scalars

extension SExpressionWriter {
    public mutating func write(_ value: Bool) throws(ShapeError) { atom(value ? "true" : "false") }

    public mutating func write<I: FixedWidthInteger>(integer value: I) throws(ShapeError) { atom(String(value)) }

    public mutating func write(_ value: Float) throws(ShapeError) { atom(value.description) }

    public mutating func write(_ value: Double) throws(ShapeError) { atom(value.description) }

    public mutating func write(_ value: String) throws(ShapeError) { atom(value) }

    public mutating func write(bytes: UnsafeRawBufferPointer) throws(ShapeError) { atom(Base64.text(bytes)) }

    public mutating func write(referenceIndex: UInt32) throws(ShapeError) {
        try open()
        atom(SExpression.reference)
        atom(String(referenceIndex))
        close()
    }

    public mutating func writeNil() throws(ShapeError) {
        try open()
        close()
    }
}

// MARK: - Containers

extension SExpressionWriter {
    public mutating func beginSome(isNested: Bool) throws(ShapeError) { try open() }

    public mutating func endSome(isNested: Bool) throws(ShapeError) { close() }

    public mutating func beginList(count: Int) throws(ShapeError) -> SequenceFrame {
        try open()
        return SequenceFrame(remaining: count)
    }

    public mutating func beginElement(_ frame: inout SequenceFrame) throws(ShapeError) { frame.count += 1 }

    public mutating func endElement(_ frame: inout SequenceFrame) throws(ShapeError) {}

    public mutating func endList(_ frame: inout SequenceFrame) throws(ShapeError) { close() }

    public mutating func beginMap(count: Int, isTextual: Bool) throws(ShapeError) -> SequenceFrame {
        try open()
        return SequenceFrame(remaining: count, isTextual: isTextual)
    }

    public mutating func beginKey(_ frame: inout SequenceFrame) throws(ShapeError) {
        frame.count += 1
        try open()
    }

    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {}

    public mutating func endEntry(_ frame: inout SequenceFrame) throws(ShapeError) { close() }

    public mutating func endMap(_ frame: inout SequenceFrame) throws(ShapeError) { close() }

    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        try open()
        return RecordFrame(fields)
    }

    public mutating func beginField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {
        try open()
        atom(frame.fields[index].key)
    }

    public mutating func endField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) { close() }

    public mutating func endRecord(_ frame: inout RecordFrame) throws(ShapeError) { close() }

    public mutating func beginVariant(_ index: Int, of cases: Cases) throws(ShapeError) -> VariantFrame {
        if cases.hasPayload(index) { try open() }
        atom(cases[index].key)
        return VariantFrame(cases, index)
    }

    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) {
        if frame.cases.hasPayload(frame.index) { close() }
    }
}
