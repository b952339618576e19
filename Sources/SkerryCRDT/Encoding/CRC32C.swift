/// The checksum of RFC 3720, appendix B.4, eight bytes a step.
enum CRC32C {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
            tables[byte] = value
        }
        for table in 1..<8 {
            for byte in 0..<256 {
                let before = tables[(table - 1) * 256 + byte]
                tables[table * 256 + byte] = before >> 8 ^ tables[Int(before & 0xFF)]
            }
        }
        return tables
    }()

    /// The checksum of bytes that follow others with the checksum `before`.
    static func checksum(_ bytes: UnsafeBufferPointer<UInt8>, after before: UInt32 = 0) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var crc = ~before
            var index = 0
            let raw = UnsafeRawBufferPointer(bytes)
            while index + 8 <= raw.count {
                let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(crc)
                crc = 0
                for step in 0..<8 {
                    crc ^= tables[(7 - step) * 256 + Int(truncatingIfNeeded: word >> UInt64(step * 8) & 0xFF)]
                }
                index += 8
            }
            while index < raw.count {
                crc = crc >> 8 ^ tables[Int((crc ^ UInt32(raw[index])) & 0xFF)]
                index += 1
            }
            return ~crc
        }
    }
}
