/// What a session must know of the link that carries its packets.
@frozen
public struct LinkTraits: Sendable, Hashable, CustomStringConvertible {
    /// How packets are written.
    @frozen
    public enum Encoding: UInt8, Sendable, Hashable {
        /// Compact, for peers that run this library.
        case binary
        /// One JSON array a packet, for browsers and people.
        case text
    }

    /// What the link promises.
    @frozen
    public enum Delivery: UInt8, Sendable, Hashable {
        /// Every packet once, whole and in order until the link is lost: a stream.
        case ordered
        /// Packets may be lost, doubled, overtaken or damaged: datagrams. Only binary packets travel so.
        case lossy
    }

    public var encoding: Encoding
    public var delivery: Delivery
    /// Most bytes of one packet. The core sends none larger, and takes one that is larger for a violation.
    public var packetMaximum: Int

    public init(encoding: Encoding = .binary, delivery: Delivery = .ordered, packetMaximum: Int = SessionLimits.packetMaximum) {
        self.encoding = encoding
        self.delivery = delivery
        self.packetMaximum = packetMaximum
    }

    public var description: String { "\(encoding), \(delivery), \(packetMaximum) bytes" }

    /// Binary packets on a stream.
    public static let stream = LinkTraits()
    /// JSON packets on a stream of messages.
    public static let text = LinkTraits(encoding: .text)
    /// Binary packets in datagrams that fit every path: 1,200 bytes.
    public static let datagram = LinkTraits(delivery: .lossy, packetMaximum: 1_200)
}
