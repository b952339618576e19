/// The Castagnoli checksum (RFC 3720, appendix B.4) that ends packets on lossy links.
///
/// Eight tables take eight bytes at a time (Kounavis and Berry, "A systematic approach to building high performance software-based CRC generators",
/// 2005): fast enough for datagrams, and this module keeps to the standard library.
enum CRC32C {
    /// Bytes of a checksum.
    static let byteCount = 4

    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for index in 0..<256 {
            var value = UInt32(index)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
            tables[index] = value
        }
        for index in 256..<8 * 256 {
            let before = tables[index - 256]
            tables[index] = tables[Int(before & 0xFF)] ^ before >> 8
        }
        return tables
    }()

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var value = UInt32.max
        tables.withUnsafeBufferPointer { tables in
            var offset = 0
            while bytes.count - offset >= 8 {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ UInt64(value)
                value = 0
                for place in 0..<8 {
                    value ^= tables[(7 - place) << 8 | Int(truncatingIfNeeded: word >> UInt64(place * 8) & 0xFF)]
                }
                offset += 8
            }
            while offset < bytes.count {
                value = tables[Int((value ^ UInt32(bytes[offset])) & 0xFF)] ^ value >> 8
                offset += 1
            }
        }
        return ~value
    }
}
