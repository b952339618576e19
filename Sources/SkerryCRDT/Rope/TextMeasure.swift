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

    @inline(never)
    private init(measuring bytes: UnsafePointer<UInt8>, count: Int) {
        var trailing = 0, wide = 0, newlines = 0
        var index = 0
        while count - index >= 8 {
            // Eight counters of a byte each hold 255 words before they are added up.
            let end = index + min((count - index) / 8, 255) * 8
            var trailings: UInt64 = 0, wides: UInt64 = 0, lines: UInt64 = 0
            while index < end {
                let word = UnsafeRawPointer(bytes + index).loadUnaligned(as: UInt64.self)
                // The top bit of each byte says whether the byte is of the kind: 10xxxxxx, 1111xxxx, 0x0A.
                trailings &+= (word & ~(word << 1)) >> 7 & Self.ones
                wides &+= (word & word << 1 & word << 2 & word << 3) >> 7 & Self.ones
                let other = word ^ Self.ones &* 0x0A
                lines &+= ~((other & Self.sevens) &+ Self.sevens | other) >> 7 & Self.ones
                index += 8
            }
            trailing += Self.added(trailings)
            wide += Self.added(wides)
            newlines += Self.added(lines)
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

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let sevens: UInt64 = 0x7F7F_7F7F_7F7F_7F7F

    /// The sum of eight bytes.
    private static func added(_ counters: UInt64) -> Int {
        let pairs = (counters & 0x00FF_00FF_00FF_00FF) &+ (counters >> 8 & 0x00FF_00FF_00FF_00FF)
        return Int((pairs &* 0x0001_0001_0001_0001) >> 48)
    }

    @inline(__always)
    static func + (left: TextMeasure, right: TextMeasure) -> TextMeasure { TextMeasure(counts: left.counts &+ right.counts) }

    @inline(__always)
    static func - (left: TextMeasure, right: TextMeasure) -> TextMeasure { TextMeasure(counts: left.counts &- right.counts) }
}
