/// The checksum of RFC 3720, appendix B.4, sixteen bytes a step.
enum CRC32C {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 16 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
            tables[byte] = value
        }
        for table in 1..<16 {
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
            let table = tables.baseAddress!
            while index + 16 <= raw.count {
                let low = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(crc)
                let high = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index + 8, as: UInt64.self))
                crc = eight(low, table + 8 * 256) ^ eight(high, table)
                index += 16
            }
            while index + 8 <= raw.count {
                let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(crc)
                crc = eight(word, table)
                index += 8
            }
            while index < raw.count {
                crc = crc >> 8 ^ tables[Int((crc ^ UInt32(raw[index])) & 0xFF)]
                index += 1
            }
            return ~crc
        }
    }

    /// What eight bytes come to, with the table of the last of them first.
    @inline(__always)
    private static func eight(_ word: UInt64, _ table: UnsafePointer<UInt32>) -> UInt32 {
        @inline(__always)
        func entry(_ byte: Int) -> UInt32 { table[(7 - byte) * 256 + Int(truncatingIfNeeded: word >> UInt64(byte * 8) & 0xFF)] }
        return (entry(0) ^ entry(1)) ^ (entry(2) ^ entry(3)) ^ ((entry(4) ^ entry(5)) ^ (entry(6) ^ entry(7)))
    }
}
