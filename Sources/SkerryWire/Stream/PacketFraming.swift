internal import NIOCore

/// How packets stand in a stream of bytes: a pure value, driven by ``ChannelLink``.
protocol PacketFraming: SendableMetatype {
    /// Takes the next bytes of the stream and hands out the packets that became whole, in order.
    ///
    /// - Throws: What is wrong with the bytes, at the first that is. The framing reads no more then.
    mutating func read(_ bytes: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) -> Void) throws(LinkError)

    /// Writes one packet behind what stands in `output`.
    mutating func write(_ packet: [UInt8], into output: inout ByteBuffer)

    /// Writes what the framing itself has to say since the last call. Never more than a few hundred bytes.
    mutating func writeReplies(into output: inout ByteBuffer)

    /// Writes the last word, once.
    mutating func writeGoodbye(_ goodbye: Goodbye, into output: inout ByteBuffer)

    /// Whether a peer that broke the rules is told which.
    var explainsFailure: Bool { get }

    /// Bytes of a packet have come that is not whole yet.
    var isAmidPacket: Bool { get }

    /// The peer's last word, once it was read.
    var peerGoodbye: PeerGoodbye? { get }

    /// What becomes of the connection once both sides said goodbye.
    var ending: Ending { get }
}

/// Why this side ends.
enum Goodbye: Equatable {
    /// The link was closed.
    case done
    /// The listener stops.
    case stopping
    /// The peer broke the rules, or was too slow.
    case failed(LinkError.Code)
}

/// Why the peer ended: nil for politeness.
struct PeerGoodbye: Equatable {
    var error: LinkError?
}

enum Ending {
    /// Output is shut behind the goodbye; the side that has both goodbyes closes.
    case symmetric
    /// The peer closes first, this side waits for that.
    case peerCloses
    /// This side closes as soon as both goodbyes were said.
    case selfCloses
}
