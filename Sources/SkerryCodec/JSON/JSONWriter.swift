/// Writes ``JSON``.
@frozen
public struct JSONWriter: ShapeWriter, ~Copyable {
    @usableFromInline var sink: ByteSink
    @usableFromInline var depthLeft: Int
    public let references: (any ReferenceSink)?
    @usableFromInline let options: JSON.WritingOptions

    /// A writer that appends to `sink`.
    @inlinable
    public init(
        _ sink: consuming ByteSink = ByteSink(), options: JSON.WritingOptions = JSON.WritingOptions(),
        references: (any ReferenceSink)? = nil
    ) {
        self.sink = sink
        self.options = options
        self.references = references
        depthLeft = options.limits.depth
    }

    /// Ends the writer and returns the sink.
    @inlinable
    public consuming func finish() -> ByteSink { sink }

    @inlinable public static var isPositional: Bool { false }
    @inlinable public static var escapesValues: Bool { true }

    @inlinable @inline(__always)
    mutating func descend() throws(ShapeError) {
        guard depthLeft > 0 else { throw options.limits.exceeded() }
        depthLeft &-= 1
    }

    @inlinable @inline(__always)
    mutating func ascend() { depthLeft &+= 1 }

    /// What stands before an element: the opening bracket or a comma, and in pretty text a new line.
    @inlinable @inline(__always)
    mutating func separate(_ count: Int, open: UInt8) {
        sink.append(count == 0 ? open : UInt8(ascii: ","))
        if options.indent > 0 { newLine() }
    }

    /// What stands after the last element.
    @inlinable @inline(__always)
    mutating func close(_ count: Int, open: UInt8, close: UInt8) {
        ascend()
        if count == 0 {
            sink.append(open)
        } else if options.indent > 0 {
            newLine()
        }
        sink.append(close)
    }

    @inline(never) @usableFromInline
    mutating func newLine() {
        sink.append(UInt8(ascii: "\n"))
        for _ in 0..<options.indent * (options.limits.depth - depthLeft) { sink.append(UInt8(ascii: " ")) }
    }

    @inlinable @inline(__always)
    mutating func colon() {
        sink.append(UInt8(ascii: ":"))
        if options.indent > 0 { sink.append(UInt8(ascii: " ")) }
    }
}

// MARK: - Scalars

extension JSONWriter {
    @inlinable @inline(__always)
    public mutating func write(_ value: Bool) throws(ShapeError) { literal(value ? "true" : "false") }

    @inlinable @inline(__always)
    public mutating func writeNil() throws(ShapeError) { literal("null") }

    @inlinable @inline(__always)
    mutating func literal(_ text: StaticString) { sink.append(text.utf8Start, text.utf8CodeUnitCount) }

    @inlinable @inline(__always)
    public mutating func write<I: FixedWidthInteger>(integer value: I) throws(ShapeError) {
        if I.isSigned, value < 0 {
            sink.append(UInt8(ascii: "-"))
            sink.append(decimal: UInt64(truncatingIfNeeded: value.magnitude))
        } else {
            sink.append(decimal: UInt64(truncatingIfNeeded: value))
        }
    }

    public mutating func write(_ value: Float) throws(ShapeError) {
        guard value.isFinite else { return try write(nonFinite: Double(value)) }
        sink.append(text: value.description)
    }

    public mutating func write(_ value: Double) throws(ShapeError) {
        guard value.isFinite else { return try write(nonFinite: value) }
        sink.append(text: value.description)
    }

    private mutating func write(nonFinite value: Double) throws(ShapeError) {
        switch options.nonFinite {
        case .refuse: throw ShapeError(.unrepresentable, "JSON has no number \(value)")
        case .strings: literal(value.isNaN ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"")
        }
    }

    @inlinable @inline(__always)
    public mutating func write(_ value: String) throws(ShapeError) {
        var value = value
        value.withUTF8 { utf8 in sink.append(jsonString: UnsafeRawBufferPointer(utf8)) }
    }

    public mutating func write(bytes: UnsafeRawBufferPointer) throws(ShapeError) {
        sink.append(UInt8(ascii: "\""))
        Base64.append(bytes, to: &sink)
        sink.append(UInt8(ascii: "\""))
    }

    public mutating func write(dynamicBytes: [UInt8]) throws(ShapeError) {
        literal("{\"$bytes\":")
        try dynamicBytes.write(to: &self)
        sink.append(UInt8(ascii: "}"))
    }

    public mutating func write(referenceIndex: UInt32) throws(ShapeError) {
        literal("{\"$ref\":")
        sink.append(decimal: UInt64(referenceIndex))
        sink.append(UInt8(ascii: "}"))
    }
}

// MARK: - Containers

extension JSONWriter {
    @inlinable @inline(__always)
    public mutating func beginSome(isNested: Bool) throws(ShapeError) {
        guard isNested else { return }
        try descend()
        separate(0, open: UInt8(ascii: "["))
    }

    @inlinable @inline(__always)
    public mutating func endSome(isNested: Bool) throws(ShapeError) {
        if isNested { close(1, open: UInt8(ascii: "["), close: UInt8(ascii: "]")) }
    }

    @inlinable @inline(__always)
    public mutating func beginList(count: Int) throws(ShapeError) -> SequenceFrame {
        try descend()
        return SequenceFrame(remaining: count)
    }

    @inlinable @inline(__always)
    public mutating func beginElement(_ frame: inout SequenceFrame) throws(ShapeError) {
        separate(frame.count, open: UInt8(ascii: "["))
        frame.count &+= 1
    }

    @inlinable @inline(__always)
    public mutating func endElement(_ frame: inout SequenceFrame) throws(ShapeError) {}

    @inlinable @inline(__always)
    public mutating func endList(_ frame: inout SequenceFrame) throws(ShapeError) {
        close(frame.count, open: UInt8(ascii: "["), close: UInt8(ascii: "]"))
    }

    @inlinable @inline(__always)
    public mutating func beginMap(count: Int, isTextual: Bool) throws(ShapeError) -> SequenceFrame {
        try descend()
        return SequenceFrame(remaining: count, isTextual: isTextual)
    }

    @inlinable @inline(__always)
    public mutating func beginKey(_ frame: inout SequenceFrame) throws(ShapeError) {
        separate(frame.count, open: frame.isTextual ? UInt8(ascii: "{") : UInt8(ascii: "["))
        frame.count &+= 1
        guard !frame.isTextual else { return }
        try descend()
        separate(0, open: UInt8(ascii: "["))
    }

    @inlinable @inline(__always)
    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {
        if frame.isTextual {
            colon()
        } else {
            separate(1, open: UInt8(ascii: "["))
        }
    }

    @inlinable @inline(__always)
    public mutating func endEntry(_ frame: inout SequenceFrame) throws(ShapeError) {
        if !frame.isTextual { close(2, open: UInt8(ascii: "["), close: UInt8(ascii: "]")) }
    }

    @inlinable @inline(__always)
    public mutating func endMap(_ frame: inout SequenceFrame) throws(ShapeError) {
        if frame.isTextual {
            close(frame.count, open: UInt8(ascii: "{"), close: UInt8(ascii: "}"))
        } else {
            close(frame.count, open: UInt8(ascii: "["), close: UInt8(ascii: "]"))
        }
    }

    @inlinable @inline(__always)
    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        try descend()
        return RecordFrame(fields)
    }

    @inlinable @inline(__always)
    public mutating func beginField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {
        if options.indent > 0 {
            prettyKey(frame.fields.keys, index, frame.count)
        } else {
            key(frame.fields.keys, index, frame.count)
        }
        frame.count &+= 1
    }

    @inlinable @inline(__always)
    public mutating func endField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {}

    @inlinable @inline(__always)
    public mutating func endRecord(_ frame: inout RecordFrame) throws(ShapeError) {
        close(frame.count, open: UInt8(ascii: "{"), close: UInt8(ascii: "}"))
    }

    @inlinable @inline(__always)
    public mutating func beginVariant(_ index: Int, of cases: Cases) throws(ShapeError) -> VariantFrame {
        if cases.hasPayload(index) {
            try descend()
            if options.indent > 0 {
                prettyKey(cases.keys, index, 0)
            } else {
                key(cases.keys, index, 0)
            }
        } else {
            let entry = cases.keys[index]
            // The key in quotes: `,"key":` without its ends.
            sink.append(entry.json + 1, entry.jsonCount - 2)
        }
        return VariantFrame(cases, index)
    }

    @inlinable @inline(__always)
    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) {
        if frame.cases.hasPayload(frame.index) { close(1, open: UInt8(ascii: "{"), close: UInt8(ascii: "}")) }
    }

    /// Appends the opening brace or a comma, the key and a colon, which lie ready as `,"key":`.
    @inlinable @inline(__always)
    mutating func key(_ keys: KeyTable, _ index: Int, _ count: Int) {
        let entry = keys[index]
        // The table may be read in words beyond its end, and the sink has room for that.
        sink.reserve(entry.jsonCount &+ 8)
        let target = sink.base + sink.length
        var copied = 0
        repeat {
            target.storeBytes(of: entry.json.loadUnaligned(fromByteOffset: copied, as: UInt64.self), toByteOffset: copied, as: UInt64.self)
            copied &+= 8
        } while copied < entry.jsonCount
        if count == 0 { target.storeBytes(of: UInt8(ascii: "{"), as: UInt8.self) }
        sink.length &+= entry.jsonCount
    }

    @inline(never) @usableFromInline
    mutating func prettyKey(_ keys: KeyTable, _ index: Int, _ count: Int) {
        let entry = keys[index]
        separate(count, open: UInt8(ascii: "{"))
        sink.append(entry.json + 1, entry.jsonCount - 2)
        colon()
    }
}
