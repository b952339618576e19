internal import SkerryGossip

/// Messages of placement in the packets of a link: one stream of bytes, each message behind its length, cut into packets anywhere
/// (docs/formats/placement.md, "Links").
struct PlacementFraming: Sendable {
    /// Bytes of a packet at which it is full: 64 KiB.
    static let packetSize = 64 << 10
    private static let headSize = 4

    /// Length and first bytes of a message that is not whole. Grows with what has come, not with what the length promises.
    private var partial: [UInt8] = []

    static func frame(_ bytes: [UInt8]) -> [UInt8] {
        let size = UInt32(bytes.count)
        return [UInt8(size & 0xFF), UInt8(size >> 8 & 0xFF), UInt8(size >> 16 & 0xFF), UInt8(size >> 24)] + bytes
    }

    /// Takes a packet and hands out the messages that are whole, until `deliver` returns false.
    ///
    /// - Returns: false when `deliver` did, or a length breaks the grammar. Nothing more may be read then.
    mutating func read(_ packet: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        partial.append(contentsOf: packet)
        var start = 0
        let isSound = partial.withUnsafeBytes { bytes in
            while bytes.count - start >= Self.headSize {
                let size = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
                guard size >= 1, size <= PlacementLimits.messageBytesMaximum else { return false }
                guard bytes.count - start - Self.headSize >= size else { return true }
                start += Self.headSize + size
                guard deliver(UnsafeRawBufferPointer(rebasing: bytes[start - size..<start])) else { return false }
            }
            return true
        }
        if start == partial.count { partial = [] } else { partial.removeFirst(start) }
        return isSound
    }
}
