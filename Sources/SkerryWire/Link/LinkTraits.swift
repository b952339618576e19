/// What a link does to packets, as far as a session has to know.
public struct LinkTraits: Sendable, Hashable {
    /// How packets are written.
    public enum Encoding: Sendable, Hashable {
        /// Bytes.
        case binary
        /// JSON text in UTF-8, for peers that would rather parse text than bytes: browsers.
        case text
    }

    /// What becomes of packets on the way.
    public enum Delivery: Sendable, Hashable {
        /// Every packet arrives once, whole and in order, until the link closes.
        case ordered
        /// Packets may be lost, doubled, reordered or damaged.
        case lossy
    }

    public var encoding: Encoding
    public var delivery: Delivery
    /// Bytes of the largest packet the link carries.
    public var packetMaximum: Int

    public init(encoding: Encoding, delivery: Delivery, packetMaximum: Int) {
        self.encoding = encoding
        self.delivery = delivery
        self.packetMaximum = packetMaximum
    }
}
