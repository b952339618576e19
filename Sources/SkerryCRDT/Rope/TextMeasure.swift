/// What a stretch of UTF-8 measures in each unit that an editor counts in.
///
/// Four 32-bit counts in one vector, so that a tree adds them in one instruction.
struct TextMeasure: Sendable, Equatable, BitwiseCopyable {
    /// Bytes, scalars, UTF-16 code units, newlines.
    var counts: SIMD4<UInt32>

    static let zero = TextMeasure(counts: .zero)

    var bytes: Int { Int(counts.x) }
    var scalars: Int { Int(counts.y) }
    var utf16: Int { Int(counts.z) }
    var newlines: Int { Int(counts.w) }

    init(counts: SIMD4<UInt32>) { self.counts = counts }

    init(bytes: Int, scalars: Int, utf16: Int, newlines: Int) {
        counts = SIMD4(
            UInt32(truncatingIfNeeded: bytes), UInt32(truncatingIfNeeded: scalars), UInt32(truncatingIfNeeded: utf16),
            UInt32(truncatingIfNeeded: newlines))
    }

    /// Measures valid UTF-8.
    @inline(__always)
    init(_ bytes: UnsafePointer<UInt8>, count: Int) {
        if count == 1 {
            let newline: UInt32 = bytes[0] == 0x0A ? 1 : 0
            self.init(counts: SIMD4(1, 1, 1, newline))
        } else {
            self.init(measuring: bytes, count: count)
        }
    }

    private init(measuring bytes: UnsafePointer<UInt8>, count: Int) {
        var trailing = 0, wide = 0, newlines = 0
        var index = 0
        let raw = UnsafeRawPointer(bytes)
        while index + 16 <= count {
            let block = raw.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            let one = SIMD16<UInt8>(repeating: 1)
            newlines += Int(SIMD16<UInt8>.zero.replacing(with: one, where: block .== 0x0A).wrappedSum())
            if block.max() >= 0x80 {
                trailing += Int(SIMD16<UInt8>.zero.replacing(with: one, where: (block & 0xC0) .== 0x80).wrappedSum())
                wide += Int(SIMD16<UInt8>.zero.replacing(with: one, where: block .>= 0xF0).wrappedSum())
            }
            index += 16
        }
        while index < count {
            let byte = bytes[index]
            if byte & 0xC0 == 0x80 { trailing += 1 }
            if byte >= 0xF0 { wide += 1 }
            if byte == 0x0A { newlines += 1 }
            index += 1
        }
        self.init(bytes: count, scalars: count - trailing, utf16: count - trailing + wide, newlines: newlines)
    }

    @inline(__always)
    static func + (left: TextMeasure, right: TextMeasure) -> TextMeasure { TextMeasure(counts: left.counts &+ right.counts) }

    @inline(__always)
    static func - (left: TextMeasure, right: TextMeasure) -> TextMeasure { TextMeasure(counts: left.counts &- right.counts) }
}
