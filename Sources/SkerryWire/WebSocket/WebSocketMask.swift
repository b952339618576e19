internal import Glibc

/// Masking (RFC 6455 section 5.3): each byte XOR a byte of the key, in turn.
enum WebSocketMask {
    /// Masks or unmasks in place. `offset` is the position of the first byte in its frame's payload.
    static func apply(_ mask: UInt32, to bytes: UnsafeMutableRawBufferPointer, offset: Int) {
        // The key turned so that its lowest byte belongs to the first byte here.
        let shift = UInt32(offset & 3) * 8
        let turned = shift == 0 ? mask : mask >> shift | mask << (32 - shift)
        let wide = (UInt64(turned) << 32 | UInt64(turned)).littleEndian
        var index = 0
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            bytes.storeBytes(of: word ^ wide, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < bytes.count {
            bytes[index] ^= UInt8(truncatingIfNeeded: turned >> (UInt32(index & 3) * 8))
            index += 1
        }
    }
}

/// Keys for the frames of a client, which nobody outside may foresee (RFC 6455 section 10.3): fetched from the kernel in stacks.
struct WebSocketMaskKeys {
    private static let stackSize = 64
    private var keys: [UInt32] = []

    mutating func next() -> UInt32 {
        if keys.isEmpty { refill() }
        return keys.removeLast()
    }

    private mutating func refill() {
        keys = [UInt32](repeating: 0, count: Self.stackSize)
        // At most 256 bytes, which the call fills whole; it fails only on kernels without it.
        let status = keys.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) }
        if status != 0 {
            var generator = SystemRandomNumberGenerator()
            for index in keys.indices { keys[index] = generator.next() }
        }
    }
}
