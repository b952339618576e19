/// Reads ``Bin``.
@frozen
public struct BinReader: ShapeReader, ~Copyable {
    @usableFromInline var source: ByteSource
    public let references: (any ReferenceSource)?

    /// A reader of `bytes`, which must outlive it.
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits = .standard, references: (any ReferenceSource)? = nil) {
        source = ByteSource(bytes, limits: limits)
        self.references = references
    }

    /// Checks that nothing follows the value.
    ///
    /// - Throws: ``ShapeError/Code/trailingBytes``.
    @inlinable
    public func finish() throws(ShapeError) { try source.finish() }

    @inlinable public static var isPositional: Bool { true }
    @inlinable public var offset: Int { source.offset }
}

// MARK: - Scalars

extension BinReader {
    @inlinable @inline(__always)
    public mutating func readBool() throws(ShapeError) -> Bool {
        let byte = try source.byte()
        guard byte <= 1 else { throw source.flag(byte) }
        return byte == 1
    }

    @inlinable @inline(__always)
    public mutating func readInteger<I: FixedWidthInteger>(_ type: I.Type) throws(ShapeError) -> I {
        if I.bitWidth == 8 { return I(truncatingIfNeeded: try source.byte()) }
        let start = source.offset
        let raw = try source.varint()
        if I.isSigned {
            let wide = Int64(bitPattern: raw &>> 1) ^ -Int64(bitPattern: raw & 1)
            guard let value = I(exactly: wide) else { throw source.outOfRange(wide, I.self, at: start) }
            return value
        }
        guard let value = I(exactly: raw) else { throw source.outOfRange(raw, I.self, at: start) }
        return value
    }

    @inlinable @inline(__always)
    public mutating func readFloat() throws(ShapeError) -> Float { Float(bitPattern: try source.littleEndian(UInt32.self)) }

    @inlinable @inline(__always)
    public mutating func readDouble() throws(ShapeError) -> Double { Double(bitPattern: try source.littleEndian(UInt64.self)) }

    @inlinable @inline(__always)
    public mutating func readString() throws(ShapeError) -> String { try source.text(source.length(source.varint())) }

    @inlinable @inline(__always)
    public mutating func readBytes() throws(ShapeError) -> [UInt8] { try source.blob(source.length(source.varint())) }

    @inlinable @inline(__always)
    public mutating func readReferenceIndex() throws(ShapeError) -> UInt32 { try readInteger(UInt32.self) }

    public mutating func peekKind() throws(ShapeError) -> Value.Kind {
        throw ShapeError(.typeMismatch, "values in bin do not say what they are", at: offset)
    }
}

extension ByteSource {
    @inline(never) @usableFromInline
    func flag(_ byte: UInt8) -> ShapeError { ShapeError(.syntax, "expected 0 or 1, found \(byte)", at: offset - 1) }
}

// MARK: - Containers

extension BinReader {
    @inlinable @inline(__always)
    public mutating func beginOption(isNested: Bool) throws(ShapeError) -> Bool {
        guard try readBool() else { return false }
        if isNested { try source.descend() }
        return true
    }

    @inlinable @inline(__always)
    public mutating func endOption(isNested: Bool) throws(ShapeError) {
        if isNested { source.ascend() }
    }

    @inlinable @inline(__always)
    public mutating func beginList() throws(ShapeError) -> SequenceFrame {
        try source.descend()
        return SequenceFrame(remaining: try source.elements(source.varint()))
    }

    @inlinable @inline(__always)
    public mutating func nextElement(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool {
        guard frame.remaining > 0 else {
            source.ascend()
            return false
        }
        frame.remaining &-= 1
        frame.count &+= 1
        return true
    }

    @inlinable @inline(__always)
    public mutating func beginMap(isTextual: Bool) throws(ShapeError) -> SequenceFrame { try beginList() }

    @inlinable @inline(__always)
    public mutating func nextKey(_ frame: inout SequenceFrame) throws(ShapeError) -> Bool { try nextElement(&frame) }

    @inlinable @inline(__always)
    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {}

    @inlinable @inline(__always)
    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        try source.descend()
        return RecordFrame(fields, offset: source.offset)
    }

    @inlinable @inline(__always)
    public mutating func nextField(_ frame: inout RecordFrame) throws(ShapeError) -> Int? {
        frame.index &+= 1
        guard frame.index < frame.fields.count else {
            source.ascend()
            return nil
        }
        return frame.index
    }

    @inlinable @inline(__always)
    public mutating func beginVariant(_ cases: Cases) throws(ShapeError) -> VariantFrame {
        try source.descend()
        let start = source.offset
        let index = try source.varint()
        guard index < UInt64(truncatingIfNeeded: cases.count) else { throw cases.unknown(index, at: start) }
        return VariantFrame(cases, Int(truncatingIfNeeded: index))
    }

    @inlinable @inline(__always)
    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) { source.ascend() }
}
