/// Appends numbers and bytes in the forms of `docs/formats/document.md`.
struct ByteWriter: ~Copyable, Sendable {
    var bytes = RawArray<UInt8>(capacity: 64)

    init() {}

    @inline(__always)
    mutating func write(_ byte: UInt8) { bytes.append(byte) }

    @inline(__always)
    mutating func write(_ source: UnsafeBufferPointer<UInt8>) {
        // A letter is the most frequent of all.
        if source.count == 1 { bytes.append(source[0]) } else { bytes.append(contentsOf: source) }
    }

    @inline(__always)
    mutating func write(fixed value: UInt32) {
        bytes.appendUninitialized(4)
        UnsafeMutableRawPointer(bytes.base + bytes.count - 4).storeBytes(of: value.littleEndian, as: UInt32.self)
    }

    @inline(__always)
    mutating func write(fixed value: UInt64) {
        bytes.appendUninitialized(8)
        UnsafeMutableRawPointer(bytes.base + bytes.count - 8).storeBytes(of: value.littleEndian, as: UInt64.self)
    }

    /// LEB128: seven bits a byte, low bits first.
    @inline(__always)
    mutating func write(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func write(varint value: Int) { write(varint: UInt64(value)) }

    /// As ``write(varint:)``, in front of what stands from `index` on.
    mutating func insert(varint value: Int, at index: Int) {
        let width = max(1, (UInt64.bitWidth - UInt64(value).leadingZeroBitCount + 6) / 7)
        let behind = bytes.count - index
        bytes.appendUninitialized(width)
        (bytes.base + index + width).update(from: bytes.base + index, count: behind)
        for offset in 0..<width {
            let part = UInt8(truncatingIfNeeded: UInt64(value) >> UInt64(7 * offset)) & 0x7F
            bytes[index + offset] = offset + 1 < width ? part | 0x80 : part
        }
    }

    /// Small magnitudes of either sign in few bytes.
    @inline(__always)
    mutating func write(zigzag value: Int) { write(varint: UInt64(bitPattern: Int64(value << 1) ^ Int64(value >> 63))) }

    /// The length, then the bytes.
    mutating func write(string: String) {
        var string = string
        string.withUTF8 { utf8 in
            write(varint: utf8.count)
            write(utf8)
        }
    }

    /// The bytes as an array.
    consuming func finish() -> [UInt8] { Array(bytes.elements) }
}
