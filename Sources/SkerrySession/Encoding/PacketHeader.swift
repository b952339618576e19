/// What stands before the frames of a packet.
struct PacketHeader: Sendable {
    /// 0 for a packet without a number, which is never sent again.
    var sequence: UInt64 = 0
    /// All packets up to this one were received.
    var acknowledged: UInt64 = 0
    /// Where the ranges of packets received beyond it stand, or -1.
    var rangesOffset = -1

    @inline(__always)
    init(_ reader: inout FrameReader) throws(ProtocolViolation) {
        guard !reader.isText else {
            self = try PacketHeader(text: &reader)
            return
        }
        guard let flags = reader.bytes.first, flags & ~PacketFlag.all == 0 else {
            throw reader.violation(.malformedPacket, "a packet of this version does not begin so")
        }
        reader.offset = 1
        if flags & PacketFlag.numbered != 0 {
            sequence = try reader.integer()
            guard sequence > 0 else { throw reader.violation(.malformedPacket, "packets are numbered from 1") }
        }
        acknowledged = try reader.integer()
        if flags & PacketFlag.ranges != 0 {
            rangesOffset = reader.offset
            try PacketHeader.forEachRange(&reader) { _, _ throws(ProtocolViolation) in }
        }
    }

    private init(text reader: inout FrameReader) throws(ProtocolViolation) {
        guard reader.takeText(UInt8(ascii: "[")) else { throw reader.violation(.malformedPacket, "expected an array") }
        var cursor = TextCursor(reader.bytes, at: reader.offset)
        guard let sequence = cursor.natural(), cursor.take(UInt8(ascii: ",")), let acknowledged = cursor.natural() else {
            throw ProtocolViolation(.malformedPacket, at: cursor.offset, "expected the number of the packet and the acknowledgement")
        }
        self.sequence = sequence
        self.acknowledged = acknowledged
        reader.offset = cursor.offset
    }

    /// Calls `body` with each range: the gap before it and its length.
    static func forEachRange(
        _ reader: inout FrameReader, _ body: (UInt64, UInt64) throws(ProtocolViolation) -> Void
    ) throws(ProtocolViolation) {
        let count = try reader.natural(below: SessionLimits.acknowledgementRanges + 1, "a number of ranges")
        for _ in 0..<count {
            let gap = try reader.natural(below: 1 << 32, "a gap")
            let length = try reader.natural(below: 1 << 32, "a range")
            try body(UInt64(gap), UInt64(length))
        }
    }
}

/// Sizes of what surrounds the body of a packet.
enum PacketLayout {
    /// Most bytes of the header of a numbered packet and its checksum.
    static let overhead = 1 + 10 + 10 + CRC32C.byteCount

    /// A packet of a lossy link without its checksum, or nil when that is wrong.
    static func undamaged(_ packet: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard packet.count > CRC32C.byteCount else { return nil }
        let content = UnsafeRawBufferPointer(rebasing: packet[..<(packet.count - CRC32C.byteCount)])
        let claimed = UInt32(littleEndian: packet.loadUnaligned(fromByteOffset: content.count, as: UInt32.self))
        return CRC32C.checksum(content) == claimed ? content : nil
    }
}
