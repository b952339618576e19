/// Writes a ``Value``: the tree as a format of its own.
public struct ValueWriter: ShapeWriter, ~Copyable {
    public let references: (any ReferenceSink)?
    private var open: [Container] = []
    private var root: Value?
    private let limits: EncodingLimits

    private enum Container {
        case list([Value])
        /// Entries, and the key that waits for its value.
        case map([Value.Entry], Value?)
        /// The keys of the case and what it carries.
        case variant(String, Value?)
    }

    public init(references: (any ReferenceSink)? = nil, limits: EncodingLimits = .standard) {
        self.references = references
        self.limits = limits
    }

    /// The tree of the one value written.
    public consuming func finish() -> Value {
        root ?? .null
    }

    public static var isPositional: Bool { false }

    private mutating func put(_ value: Value) {
        guard let last = open.indices.last else {
            root = value
            return
        }
        switch open[last] {
        case .list(var elements):
            open[last] = .list([])
            elements.append(value)
            open[last] = .list(elements)
        case .map(var entries, let key?):
            open[last] = .map([], nil)
            entries.append(Value.Entry(key, value))
            open[last] = .map(entries, nil)
        case .map(let entries, nil): open[last] = .map(entries, value)
        case .variant(let key, _): open[last] = .variant(key, value)
        }
    }

    private mutating func push(_ container: Container) throws(ShapeError) {
        guard open.count < limits.depth else { throw limits.exceeded() }
        open.append(container)
    }

    private mutating func pop() {
        switch open.removeLast() {
        case .list(let elements): put(.list(elements))
        case .map(let entries, _): put(.map(entries))
        case .variant(let key, nil): put(.string(key))
        case .variant(let key, let payload?): put(.map([Value.Entry(.string(key), payload)]))
        }
    }
}

extension ValueWriter {
    public mutating func write(_ value: Bool) throws(ShapeError) { put(.bool(value)) }
    public mutating func write<I: FixedWidthInteger>(integer value: I) throws(ShapeError) { put(Value(integer: value)) }
    public mutating func write(_ value: Float) throws(ShapeError) { put(.double(Double(value))) }
    public mutating func write(_ value: Double) throws(ShapeError) { put(.double(value)) }
    public mutating func write(_ value: String) throws(ShapeError) { put(.string(value)) }
    public mutating func write(bytes: UnsafeRawBufferPointer) throws(ShapeError) { put(.bytes(Array(bytes))) }
    public mutating func write(referenceIndex: UInt32) throws(ShapeError) { put(.reference(referenceIndex)) }
    public mutating func writeNil() throws(ShapeError) { put(.null) }

    public mutating func beginSome(isNested: Bool) throws(ShapeError) {
        if isNested { try push(.list([])) }
    }

    public mutating func endSome(isNested: Bool) throws(ShapeError) {
        if isNested { pop() }
    }

    public mutating func beginList(count: Int) throws(ShapeError) -> SequenceFrame {
        try push(.list([]))
        return SequenceFrame(remaining: count)
    }

    public mutating func beginElement(_ frame: inout SequenceFrame) throws(ShapeError) { frame.count += 1 }
    public mutating func endElement(_ frame: inout SequenceFrame) throws(ShapeError) {}
    public mutating func endList(_ frame: inout SequenceFrame) throws(ShapeError) { pop() }

    public mutating func beginMap(count: Int, isTextual: Bool) throws(ShapeError) -> SequenceFrame {
        try push(.map([], nil))
        return SequenceFrame(remaining: count, isTextual: isTextual)
    }

    public mutating func beginKey(_ frame: inout SequenceFrame) throws(ShapeError) { frame.count += 1 }
    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {}
    public mutating func endEntry(_ frame: inout SequenceFrame) throws(ShapeError) {}
    public mutating func endMap(_ frame: inout SequenceFrame) throws(ShapeError) { pop() }

    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        try push(.map([], nil))
        return RecordFrame(fields)
    }

    public mutating func beginField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) { put(.string(frame.fields[index].key)) }
    public mutating func endField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {}
    public mutating func endRecord(_ frame: inout RecordFrame) throws(ShapeError) { pop() }

    public mutating func beginVariant(_ index: Int, of cases: Cases) throws(ShapeError) -> VariantFrame {
        try push(.variant(cases[index].key, nil))
        return VariantFrame(cases, index)
    }

    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) { pop() }
}

extension Value {
    /// The tree of a typed value.
    public init<T: Shaped>(encoding value: T, references: (any ReferenceSink)? = nil) throws(ShapeError) {
        var writer = ValueWriter(references: references)
        try value.write(to: &writer)
        self = writer.finish()
    }
}
