/// Reads from a ``Value``: the tree as a format of its own. Offsets in its errors are 0; the path says where.
public struct ValueReader: ShapeReader, ~Copyable {
    public let references: (any ReferenceSource)?
    /// What is read next.
    private var next: Value
    private var open: [Container] = []
    private var elementsLeft: Int
    private let limits: DecodingLimits

    private struct Container {
        var elements: [Value]
        var index = 0
    }

    public init(_ value: Value, limits: DecodingLimits = .standard, references: (any ReferenceSource)? = nil) {
        next = value
        self.limits = limits
        self.references = references
        elementsLeft = limits.elements
    }

    public static var isPositional: Bool { false }
    public var offset: Int { 0 }

    private func mismatch(_ expected: String) -> ShapeError {
        ShapeError(.typeMismatch, "expected \(expected), found \(next.kind.rawValue)")
    }

    private mutating func push(_ elements: [Value]) throws(ShapeError) {
        guard open.count < limits.depth else { throw ShapeError(.limitExceeded, "more than \(limits.depth) levels") }
        guard elements.count <= elementsLeft else { throw ShapeError(.limitExceeded, "more than \(limits.elements) elements") }
        elementsLeft -= elements.count
        open.append(Container(elements: elements))
    }

    /// Moves to the next element of the innermost container, or closes it.
    private mutating func advance() -> Bool {
        let last = open.count - 1
        guard open[last].index < open[last].elements.count else {
            open.removeLast()
            return false
        }
        next = open[last].elements[open[last].index]
        open[last].index += 1
        return true
    }
}

extension ValueReader {
    public mutating func readBool() throws(ShapeError) -> Bool {
        guard case .bool(let value) = next else { throw mismatch("a bool") }
        return value
    }

    public mutating func readInteger<I: FixedWidthInteger>(_ type: I.Type) throws(ShapeError) -> I {
        switch next {
        case .int(let wide):
            guard let value = I(exactly: wide) else { throw ShapeError(.outOfRange, "\(wide) does not fit \(I.self)") }
            return value
        case .uint(let wide):
            guard let value = I(exactly: wide) else { throw ShapeError(.outOfRange, "\(wide) does not fit \(I.self)") }
            return value
        default: throw mismatch("an integer")
        }
    }

    public mutating func readFloat() throws(ShapeError) -> Float { Float(try readDouble()) }

    public mutating func readDouble() throws(ShapeError) -> Double {
        switch next {
        case .double(let value): return value
        case .int(let value): return Double(value)
        case .uint(let value): return Double(value)
        default: throw mismatch("a number")
        }
    }

    public mutating func readString() throws(ShapeError) -> String {
        guard case .string(let value) = next else { throw mismatch("a string") }
        return value
    }

    public mutating func readBytes() throws(ShapeError) -> [UInt8] {
        switch next {
        case .bytes(let value): return value
        // A tree that came through a format without bytes has them as text.
        case .string(let text): if let value = Base64.bytes(text) { return value }
        default: break
        }
        throw mismatch("bytes")
    }

    public mutating func readReferenceIndex() throws(ShapeError) -> UInt32 {
        guard case .reference(let index) = next else { throw mismatch("a reference") }
        return index
    }

    public mutating func peekKind() throws(ShapeError) -> Value.Kind { next.kind }

    public mutating func beginOption(isNested: Bool) throws(ShapeError) -> Bool {
        if next == .null { return false }
        guard isNested else { return true }
        guard case .list(let elements) = next, elements.count == 1 else { throw mismatch("a list of one value") }
        try push(elements)
        return advance()
    }

    public mutating func endOption(isNested: Bool) throws(ShapeError) {
        if isNested { open.removeLast() }
    }

    public mutating func beginList() throws(ShapeError) -> SequenceFrame {
        guard case .list(let elements) = next else { throw mismatch("a list") }
        try push(elements)
        return SequenceFrame(remaining: elements.count)
    }

    public mutating func nextElement(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        frame.count += 1
        return advance()
    }

    public mutating func beginMap(isTextual: Bool) throws(ShapeError) -> SequenceFrame {
        guard case .map(let entries) = next else { throw mismatch("a map") }
        try push(entries.flatMap { [$0.key, $0.value] })
        return SequenceFrame(remaining: entries.count, isTextual: isTextual)
    }

    public mutating func nextKey(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        frame.count += 1
        return advance()
    }

    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) { _ = advance() }

    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        _ = try beginMap(isTextual: true)
        return RecordFrame(fields)
    }

    public mutating func nextField(_ frame: inout RecordFrame) throws(ShapeError) -> Int? {
        while advance() {
            guard case .string(var key) = next else { throw mismatch("a field name") }
            let index = key.withUTF8 { frame.fields.keys.index(of: UnsafeRawBufferPointer($0), after: frame.index) }
            _ = advance()
            guard index >= 0 else { continue }
            guard frame.note(index) else { throw frame.duplicate(index, at: 0) }
            return index
        }
        return nil
    }

    public mutating func beginVariant(_ cases: Cases) throws(ShapeError) -> VariantFrame {
        let isOpen: Bool
        switch next {
        case .string: isOpen = false
        case .map(let entries) where entries.count == 1:
            try push([entries[0].key, entries[0].value])
            isOpen = advance()
        default: throw mismatch("a case")
        }
        guard case .string(var key) = next else { throw mismatch("the name of a case") }
        let index = key.withUTF8 { cases.keys.index(of: UnsafeRawBufferPointer($0), after: -1) }
        guard index >= 0 else { throw key.withUTF8 { cases.unknown(UnsafeRawBufferPointer($0), at: 0) } }
        guard cases.hasPayload(index) == isOpen else { throw cases.mismatch(index, at: 0) }
        if isOpen { _ = advance() }
        return VariantFrame(cases, index, mark: isOpen ? 1 : 0)
    }

    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) {
        if frame.mark == 1 { open.removeLast() }
    }
}

extension Value {
    /// The typed value that this tree describes.
    public func decode<T: Shaped>(
        _ type: T.Type, limits: DecodingLimits = .standard, references: (any ReferenceSource)? = nil
    ) throws(ShapeError) -> T {
        var reader = ValueReader(self, limits: limits, references: references)
        return try T.read(from: &reader)
    }
}
