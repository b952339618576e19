/// How many bytes scalars take in UTF-8.
enum UTF8Width {
    /// The width of the scalar that a leading byte of valid UTF-8 opens.
    @inline(__always)
    static func ofScalar(_ lead: UInt8) -> Int {
        if lead < 0x80 { return 1 }
        if lead < 0xE0 { return 2 }
        return lead < 0xF0 ? 3 : 4
    }

    /// The bytes that the first scalars of valid UTF-8 take.
    static func ofPrefix(_ bytes: UnsafePointer<UInt8>, scalars: Int) -> Int {
        var offset = 0
        for _ in 0..<scalars { offset += ofScalar(bytes[offset]) }
        return offset
    }

    /// The bytes that the last scalars of valid UTF-8 take, which ends before the given address.
    static func ofSuffix(_ end: UnsafePointer<UInt8>, scalars: Int) -> Int {
        var offset = 0
        for _ in 0..<scalars {
            offset += 1
            while end[-offset] & 0xC0 == 0x80 { offset += 1 }
        }
        return offset
    }
}
