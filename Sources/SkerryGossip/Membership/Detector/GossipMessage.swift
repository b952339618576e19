/// One statement of a packet.
enum GossipMessage: Sendable, Hashable {
    /// "Are you there?" to the member named, which a packet that went astray does not name.
    case ping(number: UInt64, target: MemberID)
    /// "Is it there? I cannot reach it."
    case pingRequest(number: UInt64, target: MemberID)
    case acknowledgement(number: UInt64)
    /// "I asked for you and heard nothing either": so the asker is not to blame.
    case negative(number: UInt64)
    /// An opinion, and who holds it.
    case news(MemberNews)

    private enum Tag: UInt8 {
        case ping = 1, pingRequest, acknowledgement, negative, news
    }

    func write(to writer: inout PacketWriter) {
        switch self {
        case .ping(let number, let target):
            writer.byte(Tag.ping.rawValue)
            writer.integer(number)
            writer.word(target.rawValue)
        case .pingRequest(let number, let target):
            writer.byte(Tag.pingRequest.rawValue)
            writer.integer(number)
            writer.word(target.rawValue)
        case .acknowledgement(let number):
            writer.byte(Tag.acknowledgement.rawValue)
            writer.integer(number)
        case .negative(let number):
            writer.byte(Tag.negative.rawValue)
            writer.integer(number)
        case .news(let news):
            writer.byte(Tag.news.rawValue)
            news.write(to: &writer)
        }
    }

    static func read(from reader: inout PacketReader) throws(MalformedPacket) -> GossipMessage {
        guard let tag = Tag(rawValue: try reader.byte()) else { throw reader.fail(.unknown) }
        switch tag {
        case .ping: return .ping(number: try reader.integer(), target: MemberID(rawValue: try reader.word()))
        case .pingRequest: return .pingRequest(number: try reader.integer(), target: MemberID(rawValue: try reader.word()))
        case .acknowledgement: return .acknowledgement(number: try reader.integer())
        case .negative: return .negative(number: try reader.integer())
        case .news: return .news(try MemberNews.read(from: &reader))
        }
    }
}

/// An opinion about a member, who holds it, and where the member is to be reached.
public struct MemberNews: Sendable, Hashable {
    /// Whom it is about.
    public var member: MemberID
    /// What is held of it.
    public var opinion: MemberOpinion
    /// Who says so: for a suspicion the one who got no answer. Different ones count as independent.
    public var source: MemberID
    /// Of the member; empty where the opinion is not `alive`, because all who can use it know it.
    public var address: String

    func write(to writer: inout PacketWriter) {
        writer.word(member.rawValue)
        writer.byte(opinion.status.rawValue)
        writer.integer(opinion.incarnation)
        if opinion.status == .alive { writer.text(address) } else { writer.word(source.rawValue) }
    }

    static func read(from reader: inout PacketReader) throws(MalformedPacket) -> MemberNews {
        let member = MemberID(rawValue: try reader.word())
        guard let status = MemberStatus(rawValue: try reader.byte()) else { throw reader.fail(.unknown) }
        let incarnation = try reader.integer()
        // The next incarnation must exist, or nobody could refute.
        guard incarnation < 1 << 62 else { throw reader.fail(.limit) }
        let opinion = MemberOpinion(incarnation: incarnation, status: status)
        if status == .alive {
            let address = try reader.text(maximum: MembershipLimits.addressBytesMaximum)
            return MemberNews(member: member, opinion: opinion, source: member, address: address)
        }
        return MemberNews(member: member, opinion: opinion, source: MemberID(rawValue: try reader.word()), address: "")
    }
}

/// A packet: version, sender, statements.
struct GossipPacket: Sendable, Hashable {
    static let version: UInt8 = 1

    var sender: MemberID
    var messages: [GossipMessage]

    static func begin(from sender: MemberID) -> PacketWriter {
        var writer = PacketWriter()
        writer.byte(version)
        writer.word(sender.rawValue)
        return writer
    }

    static func read(_ bytes: UnsafeRawBufferPointer) throws(MalformedPacket) -> GossipPacket {
        var reader = PacketReader(bytes)
        guard try reader.byte() == version else { throw reader.fail(.unknown) }
        var packet = GossipPacket(sender: MemberID(rawValue: try reader.word()), messages: [])
        while !reader.isAtEnd {
            guard packet.messages.count < MembershipLimits.newsPerPacketMaximum else { throw reader.fail(.limit) }
            packet.messages.append(try GossipMessage.read(from: &reader))
        }
        return packet
    }
}
