public import SkerryCRDT

/// What an entry of kind ``FeedEntry/Kind/registry`` says about the members.
///
/// Membership, as far as forgetting is concerned, travels in the feeds themselves. So it has their order: whoever has a member's acknowledgement has everything that the member wrote
/// before it, and that is what makes the stable cut safe (``Retention``).
public enum RegistryChange: Sendable, Hashable {
    /// An origin becomes a member: nothing is forgotten any more without its acknowledgement.
    case register(origin: OriginID, site: UInt64, epoch: UInt64)
    /// The writer of the entry has all of these durable.
    case acknowledge(CausalContext)
    /// An origin is to be retired. In force when all other members know of it.
    case retire(origin: OriginID, isForced: Bool)

    /// At most this many origins in an acknowledgement.
    static let originsMaximum = FeedLimits.origins

    /// The value of the entry; its key is empty.
    public var encoded: [UInt8] {
        var writer = FeedWriter()
        switch self {
        case .register(let origin, let site, let epoch):
            writer.byte(1)
            writer.fixed(origin.rawValue)
            writer.fixed(site)
            writer.integer(epoch)
        case .acknowledge(let context):
            writer.byte(2)
            writer.integer(context.dots.count)
            for dot in context.dots {
                writer.fixed(dot.origin.rawValue)
                writer.integer(dot.sequence)
            }
        case .retire(let origin, let isForced):
            writer.byte(3)
            writer.fixed(origin.rawValue)
            writer.byte(isForced ? 1 : 0)
        }
        return writer.bytes
    }

    /// - Throws: ``FeedError`` with ``FeedError/Code/malformed`` when the bytes are no statement, or not the shortest form of one.
    public init(decoding bytes: some Collection<UInt8>) throws(FeedError) {
        let bytes = Array(bytes)
        let result = bytes.withUnsafeBytes { raw in Result { () throws(FeedError) in try RegistryChange(reading: raw) } }
        self = try result.get()
    }

    private init(reading bytes: UnsafeRawBufferPointer) throws(FeedError) {
        var reader = FeedReader(bytes)
        switch try reader.byte() {
        case 1: self = .register(origin: try reader.origin(), site: try reader.fixed64(), epoch: try reader.integer())
        case 2:
            let count = try reader.count(atMost: Self.originsMaximum, eachAtLeast: 9, "an acknowledgement")
            var dots: [Dot] = []
            for _ in 0..<count {
                let dot = Dot(origin: try reader.origin(), sequence: try reader.sequence())
                guard dot.sequence > 0, dots.last.map({ $0.origin < dot.origin }) ?? true else {
                    throw reader.malformed("origins ascend, and each has a sequence")
                }
                dots.append(dot)
            }
            self = .acknowledge(CausalContext(covering: dots))
        case 3:
            let origin = try reader.origin()
            let forced = try reader.byte()
            guard forced <= 1 else { throw reader.malformed("a flag is 0 or 1") }
            self = .retire(origin: origin, isForced: forced == 1)
        default: throw reader.malformed("no statement is of this kind")
        }
        try reader.end()
    }
}
