/// Writes ``Bin``.
@frozen
public struct BinWriter: ShapeWriter, ~Copyable {
    @usableFromInline var sink: ByteSink
    @usableFromInline var depthLeft: Int
    public let references: (any ReferenceSink)?
    @usableFromInline let limits: EncodingLimits

    /// A writer that appends to `sink`.
    @inlinable
    public init(_ sink: consuming ByteSink = ByteSink(), references: (any ReferenceSink)? = nil, limits: EncodingLimits = .standard) {
        self.sink = sink
        self.references = references
        self.limits = limits
        depthLeft = limits.depth
    }

    /// Ends the writer and returns the sink.
    @inlinable
    public consuming func finish() -> ByteSink { sink }

    @inlinable public static var isPositional: Bool { true }

    @inlinable @inline(__always)
    mutating func descend() throws(ShapeError) {
        guard depthLeft > 0 else { throw limits.exceeded() }
        depthLeft &-= 1
    }

    @inlinable @inline(__always)
    mutating func ascend() { depthLeft &+= 1 }
}

extension EncodingLimits {
    @inline(never) @usableFromInline
    func exceeded() -> ShapeError { ShapeError(.limitExceeded, "more than \(depth) levels") }
}

// MARK: - Scalars

extension BinWriter {
    @inlinable @inline(__always)
    public mutating func write(_ value: Bool) throws(ShapeError) { sink.append(value ? 1 : 0) }

    @inlinable @inline(__always)
    public mutating func write<I: FixedWidthInteger>(integer value: I) throws(ShapeError) {
        if I.bitWidth == 8 {
            sink.append(UInt8(truncatingIfNeeded: value))
        } else if I.isSigned {
            let wide = Int64(truncatingIfNeeded: value)
            sink.append(varint: UInt64(bitPattern: wide &<< 1 ^ wide &>> 63))
        } else {
            sink.append(varint: UInt64(truncatingIfNeeded: value))
        }
    }

    @inlinable @inline(__always)
    public mutating func write(_ value: Float) throws(ShapeError) { sink.append(littleEndian: value.bitPattern) }

    @inlinable @inline(__always)
    public mutating func write(_ value: Double) throws(ShapeError) { sink.append(littleEndian: value.bitPattern) }

    @inlinable @inline(__always)
    public mutating func write(_ value: String) throws(ShapeError) {
        var value = value
        value.withUTF8 { utf8 in
            sink.append(varint: UInt64(truncatingIfNeeded: utf8.count))
            sink.append(UnsafeRawBufferPointer(utf8))
        }
    }

    @inlinable @inline(__always)
    public mutating func write(bytes: UnsafeRawBufferPointer) throws(ShapeError) {
        sink.append(varint: UInt64(truncatingIfNeeded: bytes.count))
        sink.append(bytes)
    }

    @inlinable @inline(__always)
    public mutating func write(referenceIndex: UInt32) throws(ShapeError) { sink.append(varint: UInt64(referenceIndex)) }

    @inlinable @inline(__always)
    public mutating func writeNil() throws(ShapeError) { sink.append(0) }
}

// MARK: - Containers

extension BinWriter {
    @inlinable @inline(__always)
    public mutating func beginSome(isNested: Bool) throws(ShapeError) {
        if isNested { try descend() }
        sink.append(1)
    }

    @inlinable @inline(__always)
    public mutating func endSome(isNested: Bool) throws(ShapeError) {
        if isNested { ascend() }
    }

    @inlinable @inline(__always)
    public mutating func beginList(count: Int) throws(ShapeError) -> SequenceFrame {
        try descend()
        sink.append(varint: UInt64(truncatingIfNeeded: count))
        return SequenceFrame(remaining: count)
    }

    @inlinable @inline(__always)
    public mutating func beginElement(_ frame: inout SequenceFrame) throws(ShapeError) { frame.count &+= 1 }

    @inlinable @inline(__always)
    public mutating func endElement(_ frame: inout SequenceFrame) throws(ShapeError) {}

    @inlinable @inline(__always)
    public mutating func endList(_ frame: inout SequenceFrame) throws(ShapeError) { ascend() }

    @inlinable @inline(__always)
    public mutating func beginMap(count: Int, isTextual: Bool) throws(ShapeError) -> SequenceFrame { try beginList(count: count) }

    @inlinable @inline(__always)
    public mutating func beginKey(_ frame: inout SequenceFrame) throws(ShapeError) { frame.count &+= 1 }

    @inlinable @inline(__always)
    public mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {}

    @inlinable @inline(__always)
    public mutating func endEntry(_ frame: inout SequenceFrame) throws(ShapeError) {}

    @inlinable @inline(__always)
    public mutating func endMap(_ frame: inout SequenceFrame) throws(ShapeError) { ascend() }

    @inlinable @inline(__always)
    public mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame {
        try descend()
        return RecordFrame(fields)
    }

    @inlinable @inline(__always)
    public mutating func beginField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {}

    @inlinable @inline(__always)
    public mutating func endField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {}

    @inlinable @inline(__always)
    public mutating func endRecord(_ frame: inout RecordFrame) throws(ShapeError) { ascend() }

    @inlinable @inline(__always)
    public mutating func beginVariant(_ index: Int, of cases: Cases) throws(ShapeError) -> VariantFrame {
        try descend()
        sink.append(varint: UInt64(truncatingIfNeeded: index))
        return VariantFrame(cases, index)
    }

    @inlinable @inline(__always)
    public mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) { ascend() }
}
