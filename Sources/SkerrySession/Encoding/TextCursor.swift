/// Reads JSON without building anything: the little that text packets need.
///
/// Never reads beyond its bytes and never recurses: containers are counted against a depth.
@usableFromInline
struct TextCursor {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var offset: Int

    @usableFromInline
    init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    /// The next byte, or nil at the end.
    var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    @usableFromInline
    mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    /// Passes `byte` if it is next, with the space before it.
    @usableFromInline
    mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    /// Passes one value of any kind, checking its grammar; false leaves the offset at the fault.
    @usableFromInline
    mutating func skipValue(depth: Int) -> Bool { fatalError() }
}
