internal import NIOCore

/// Packets behind their length: four bytes, big-endian (docs/formats/links.md).
///
/// A length of all ones is the goodbye, behind which nothing follows. It tells a peer that closed from one that died.
struct LengthFraming: PacketFraming {
    static let headerSize = 4
    static let goodbye = UInt32.max

    private let packetMaximum: Int
    /// Header and first bytes of a packet that is not whole. Grows with what has come, not with what the header promises.
    private var partial: [UInt8] = []
    private(set) var peerGoodbye: PeerGoodbye?

    init(packetMaximum: Int) {
        self.packetMaximum = packetMaximum
    }

    var isAmidPacket: Bool { !partial.isEmpty }
    /// Bytes taken for what has come of a packet.
    var partialCapacity: Int { partial.capacity }
    var ending: Ending { .symmetric }
    var explainsFailure: Bool { false }

    /// Bytes of a buffer worth keeping for the next split packet.
    private static let keptSize = 64 * 1024
}

// MARK: - Reading

extension LengthFraming {
    mutating func read(_ bytes: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) -> Void) throws(LinkError) {
        var rest = bytes
        guard peerGoodbye == nil else { return try endOfStream(rest.count) }
        if !partial.isEmpty {
            guard try completePartial(from: &rest, deliver) else { return }
        }
        while rest.count >= Self.headerSize {
            guard let size = try packetSize(rest) else { return try endOfStream(rest.count - Self.headerSize) }
            let end = Self.headerSize + size
            guard rest.count >= end else { break }
            deliver(UnsafeRawBufferPointer(rebasing: rest[Self.headerSize..<end]))
            rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        }
        partial.append(contentsOf: rest)
    }

    /// Fills up the split packet. False when its end has not come or the stream is over.
    private mutating func completePartial(
        from rest: inout UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) -> Void
    ) throws(LinkError) -> Bool {
        fillPartial(to: Self.headerSize, from: &rest)
        guard partial.count >= Self.headerSize else { return false }
        guard let size = try partial.withRawBytes({ bytes throws(LinkError) in try packetSize(bytes) }) else {
            try endOfStream(rest.count)
            return false
        }
        fillPartial(to: Self.headerSize + size, from: &rest)
        guard partial.count == Self.headerSize + size else { return false }
        partial.withUnsafeBytes { deliver(UnsafeRawBufferPointer(rebasing: $0[Self.headerSize...])) }
        if partial.capacity <= Self.keptSize { partial.removeAll(keepingCapacity: true) } else { partial = [] }
        return true
    }

    private mutating func fillPartial(to size: Int, from rest: inout UnsafeRawBufferPointer) {
        let count = min(size - partial.count, rest.count)
        guard count > 0 else { return }
        partial.append(contentsOf: UnsafeRawBufferPointer(rebasing: rest[..<count]))
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }

    /// The length at the start of `bytes`, nil for the goodbye.
    private func packetSize(_ bytes: UnsafeRawBufferPointer) throws(LinkError) -> Int? {
        let length = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        guard length != Self.goodbye else { return nil }
        guard Int(length) <= packetMaximum else {
            throw LinkError(.packetTooLarge, "the peer announced a packet of \(length) bytes; \(packetMaximum) are allowed")
        }
        return Int(length)
    }

    private mutating func endOfStream(_ restCount: Int) throws(LinkError) {
        partial = []
        guard restCount == 0 else { throw LinkError(.malformed, "the peer sent bytes behind its goodbye") }
        peerGoodbye = PeerGoodbye(error: nil)
    }
}

// MARK: - Writing

extension LengthFraming {
    mutating func write(_ packet: [UInt8], into output: inout ByteBuffer) {
        output.reserveCapacity(minimumWritableBytes: Self.headerSize + packet.count)
        output.writeInteger(UInt32(packet.count))
        output.writeBytes(packet)
    }

    mutating func writeReplies(into output: inout ByteBuffer) {}

    mutating func writeGoodbye(_ goodbye: Goodbye, into output: inout ByteBuffer) {
        output.writeInteger(Self.goodbye)
    }
}
