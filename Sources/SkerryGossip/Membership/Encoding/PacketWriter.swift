/// Writes the fields of packets and frames: bytes, LEB128 integers, little-endian words, length-prefixed text.
struct PacketWriter {
    private(set) var bytes: [UInt8]

    init() { bytes = [] }

    /// Goes on behind bytes that stand there, and takes them over.
    init(appendingTo bytes: consuming [UInt8]) { self.bytes = bytes }

    var count: Int { bytes.count }

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func integer(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func integer(_ value: Int) { integer(UInt64(value)) }

    /// Small magnitudes of either sign in few bytes.
    mutating func signed(_ value: Int64) { integer(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    mutating func word(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }

    mutating func raw(_ value: [UInt8]) { bytes.append(contentsOf: value) }

    mutating func blob(_ value: [UInt8]) {
        integer(value.count)
        bytes.append(contentsOf: value)
    }

    mutating func text(_ value: String) {
        integer(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    /// Drops what lies behind the first bytes.
    mutating func truncate(to count: Int) { bytes.removeLast(bytes.count - count) }
}
