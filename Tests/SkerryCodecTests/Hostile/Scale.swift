import SkerryCodec

/// Weighs a value as ``DecodingLimits`` does: elements and entries, and bytes of text and blobs. Also the least a format can be.
struct Scale: ShapeWriter, ~Copyable {
    private(set) var elements = 0
    private(set) var bytes = 0

    static var isPositional: Bool { true }
    // Values weigh what they hold, not their marks.
    static var marksValues: Bool { false }
    var references: (any ReferenceSink)? { nil }

    mutating func write(_ value: Bool) throws(ShapeError) {}
    mutating func write<I: FixedWidthInteger>(integer value: I) throws(ShapeError) {}
    mutating func write(_ value: Float) throws(ShapeError) {}
    mutating func write(_ value: Double) throws(ShapeError) {}
    mutating func write(_ value: String) throws(ShapeError) { bytes += value.utf8.count }
    mutating func write(bytes: UnsafeRawBufferPointer) throws(ShapeError) { self.bytes += bytes.count }
    mutating func write(referenceIndex: UInt32) throws(ShapeError) {}
    mutating func writeNil() throws(ShapeError) {}
    mutating func beginSome(isNested: Bool) throws(ShapeError) {}
    mutating func endSome(isNested: Bool) throws(ShapeError) {}

    mutating func beginList(count: Int) throws(ShapeError) -> SequenceFrame {
        elements += count
        return SequenceFrame(remaining: count)
    }

    mutating func beginElement(_ frame: inout SequenceFrame) throws(ShapeError) {}
    mutating func endElement(_ frame: inout SequenceFrame) throws(ShapeError) {}
    mutating func endList(_ frame: inout SequenceFrame) throws(ShapeError) {}

    mutating func beginMap(count: Int, isTextual: Bool) throws(ShapeError) -> SequenceFrame { try beginList(count: count) }
    mutating func beginKey(_ frame: inout SequenceFrame) throws(ShapeError) {}
    mutating func beginValue(_ frame: inout SequenceFrame) throws(ShapeError) {}
    mutating func endEntry(_ frame: inout SequenceFrame) throws(ShapeError) {}
    mutating func endMap(_ frame: inout SequenceFrame) throws(ShapeError) {}

    mutating func beginRecord(_ fields: Fields) throws(ShapeError) -> RecordFrame { RecordFrame(fields) }
    mutating func beginField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {}
    mutating func endField(_ index: Int, _ frame: inout RecordFrame) throws(ShapeError) {}
    mutating func endRecord(_ frame: inout RecordFrame) throws(ShapeError) {}

    mutating func beginVariant(_ index: Int, of cases: Cases) throws(ShapeError) -> VariantFrame { VariantFrame(cases, index) }
    mutating func endVariant(_ frame: inout VariantFrame) throws(ShapeError) {}
}
