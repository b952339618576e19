internal import SkerryGossip

/// Frames of members in the packets of a link: one stream of bytes, each frame behind its length, cut into packets anywhere
/// (docs/formats/placement.md, "Links").
struct MemberFraming: Sendable {
    /// Bytes of a packet at which it is full: 64 KiB.
    static let packetSize = 64 << 10
    /// Bytes of a frame with its lane.
    static let frameMaximum = PlacementLimits.messageBytesMaximum + 1
    private static let headSize = 5

    /// Length, lane and first bytes of a frame that is not whole. Grows with what has come, not with what the length promises.
    private var partial: [UInt8] = []

    static func frame(_ lane: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        let size = UInt32(bytes.count + 1)
        return [UInt8(size & 0xFF), UInt8(size >> 8 & 0xFF), UInt8(size >> 16 & 0xFF), UInt8(size >> 24), lane] + bytes
    }

    /// Takes a packet and hands out the frames that are whole, until `deliver` returns false.
    ///
    /// - Returns: false when `deliver` did, or a length breaks the grammar.
    mutating func read(_ packet: UnsafeRawBufferPointer, _ deliver: (UInt8, UnsafeRawBufferPointer) -> Bool) -> Bool {
        partial.append(contentsOf: packet)
        var start = 0
        let isSound = partial.withUnsafeBytes { bytes in
            while bytes.count - start >= Self.headSize {
                let size = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
                guard size >= 1, size <= Self.frameMaximum else { return false }
                guard bytes.count - start - 4 >= size else { return true }
                let body = UnsafeRawBufferPointer(rebasing: bytes[start + Self.headSize..<start + 4 + size])
                guard deliver(bytes[start + 4], body) else { return false }
                start += 4 + size
            }
            return true
        }
        if start == partial.count { partial = [] } else { partial.removeFirst(start) }
        return isSound
    }
}
