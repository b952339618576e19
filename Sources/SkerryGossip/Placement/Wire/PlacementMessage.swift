internal import SkerryCRDT

/// What members say to each other about placed keys (docs/formats/placement.md).
public struct PlacementMessage: Sendable, Hashable {
    enum Content: Sendable, Hashable {
        /// Send your copy.
        case read(key: [UInt8])
        /// Keep this copy, for the home that is named, or as a home.
        case store(key: [UInt8], home: MemberID?, copy: Siblings)
        /// Coordinate this write.
        case write(key: [UInt8], value: [UInt8]?, seen: CausalContext)
        /// The answer to a read, and to a write that succeeded.
        case copy(Siblings)
        /// The copy is durable.
        case stored
        case refused(PlacementError)
        /// A frame of a comparison, by the side that began it or by the other.
        case compare(fromInitiator: Bool, frame: [UInt8])
        /// The comparison is given up.
        case compareEnded(fromInitiator: Bool)
    }

    /// Chosen by who asks, or who began the comparison.
    var number: UInt64
    var content: Content

    private enum Tag: UInt8 {
        case read = 1, store, hint, write, delete, copy, stored, refused, ask, reply, askEnded, replyEnded
    }

    static let version: UInt8 = 1

    init(_ number: UInt64, _ content: Content) {
        self.number = number
        self.content = content
    }

    var encoded: [UInt8] {
        var writer = PacketWriter()
        writer.byte(Self.version)
        writer.byte(tag.rawValue)
        writer.integer(number)
        switch content {
        case .read(let key): writer.blob(key)
        case .store(let key, let home, let copy):
            writer.blob(key)
            if let home { writer.word(home.rawValue) }
            copy.write(to: &writer)
        case .write(let key, let value, let seen):
            writer.blob(key)
            if let value { writer.blob(value) }
            seen.write(to: &writer)
        case .copy(let copy): copy.write(to: &writer)
        case .refused(let error):
            writer.byte(error.code.value.rawValue)
            writer.integer(error.answers)
        case .compare(_, let frame): writer.raw(frame)
        case .stored, .compareEnded: break
        }
        return writer.bytes
    }

    private var tag: Tag {
        switch content {
        case .read: .read
        case .store(_, let home, _): home == nil ? .store : .hint
        case .write(_, let value, _): value == nil ? .delete : .write
        case .copy: .copy
        case .stored: .stored
        case .refused: .refused
        case .compare(let fromInitiator, _): fromInitiator ? .ask : .reply
        case .compareEnded(let fromInitiator): fromInitiator ? .askEnded : .replyEnded
        }
    }

    /// - Throws: where the bytes break the grammar. Drop the link they came by.
    public init(_ bytes: UnsafeRawBufferPointer) throws(MalformedPacket) {
        var reader = PacketReader(bytes)
        guard bytes.count <= PlacementLimits.messageBytesMaximum else { throw reader.fail(.limit) }
        guard try reader.byte() == Self.version, let tag = Tag(rawValue: try reader.byte()) else { throw reader.fail(.unknown) }
        number = try reader.integer()
        content = try Self.content(tag, &reader)
        guard reader.isAtEnd else { throw reader.fail(.excess) }
    }

    private static func content(_ tag: Tag, _ reader: inout PacketReader) throws(MalformedPacket) -> Content {
        switch tag {
        case .read: return .read(key: try key(&reader))
        case .store: return .store(key: try key(&reader), home: nil, copy: try Siblings.read(from: &reader))
        case .hint:
            return .store(
                key: try key(&reader), home: MemberID(rawValue: try reader.word()), copy: try Siblings.read(from: &reader))
        case .write:
            return .write(
                key: try key(&reader), value: try reader.blob(maximum: PlacementLimits.valueBytesMaximum),
                seen: try CausalContext.read(from: &reader))
        case .delete: return .write(key: try key(&reader), value: nil, seen: try CausalContext.read(from: &reader))
        case .copy: return .copy(try Siblings.read(from: &reader))
        case .stored: return .stored
        case .refused: return .refused(try error(&reader))
        case .ask, .reply:
            guard reader.remaining <= ReconciliationLimits.frameBytesRange.upperBound else { throw reader.fail(.limit) }
            return .compare(fromInitiator: tag == .ask, frame: try reader.raw(reader.remaining))
        case .askEnded, .replyEnded: return .compareEnded(fromInitiator: tag == .askEnded)
        }
    }

    private static func key(_ reader: inout PacketReader) throws(MalformedPacket) -> [UInt8] {
        let key = try reader.blob(maximum: PlacementLimits.keyBytesMaximum)
        guard !key.isEmpty else { throw reader.fail(.limit) }
        return key
    }

    private static func error(_ reader: inout PacketReader) throws(MalformedPacket) -> PlacementError {
        guard let value = PlacementError.Code.Value(rawValue: try reader.byte()) else { throw reader.fail(.unknown) }
        let answers = try reader.integer()
        guard answers <= UInt64(MembershipLimits.membersMaximum) else { throw reader.fail(.limit) }
        return PlacementError(PlacementError.Code(value: value), answers: Int(answers))
    }
}
