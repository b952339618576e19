import SkerryCRDT
import SkerryCodec
import SkerryGossip
import SkerryReplication

/// What `skerry gossip` shows at one moment.
struct GossipView: Sendable, Hashable {
    /// A row of the board.
    struct Row: Sendable, Hashable {
        var key: String
        var value: String
        /// Who wrote it, as far as that is known.
        var author: String
    }

    var name: String
    var address: String
    var members: [MemberView]
    /// By key.
    var rows: [Row]
    var digest: GossipDigest
    /// Members that replication runs with.
    var linked: Set<MemberID>
    /// Seeds that nobody answered at, and why.
    var unreached: [String]

    func entries(of member: MemberView) -> UInt64 {
        member.isSelf ? digest.entries : member.applied.reduce(0) { $0 + $1.sequence }
    }

    func count(_ status: MemberStatus) -> Int { members.count { $0.status == status } }
}

/// What tells two boards apart.
struct GossipDigest: Sendable, Hashable {
    /// A hash over all keys, values and the writes that they come from, in hexadecimal.
    var board: String
    /// Writes applied, of all origins.
    var entries: UInt64
    var origins: Int
}

extension MemberStatus {
    var word: String {
        switch self {
        case .alive: "alive"
        case .suspect: "suspect"
        case .dead: "dead"
        case .left: "left"
        }
    }
}

// MARK: - What changed

/// A change between two views, as programs and logs hear of it.
enum GossipChange: Sendable, Hashable {
    case member(MemberView)
    /// Nil: taken off.
    case row(key: String, value: String?, author: String)

    /// In the order of members and keys.
    static func between(_ old: GossipView?, and new: GossipView) -> [GossipChange] {
        members(old, new) + rows(old, new)
    }

    private static func members(_ old: GossipView?, _ new: GossipView) -> [GossipChange] {
        let before = Dictionary((old?.members ?? []).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        return new.members.filter { member in
            guard let former = before[member.id] else { return true }
            return (former.status, former.incarnation, former.name, former.address)
                != (member.status, member.incarnation, member.name, member.address)
        }.map(GossipChange.member)
    }

    private static func rows(_ old: GossipView?, _ new: GossipView) -> [GossipChange] {
        let before = Dictionary((old?.rows ?? []).map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        let now = Set(new.rows.map(\.key))
        let changed = new.rows.filter { before[$0.key]?.value != $0.value }
            .map { GossipChange.row(key: $0.key, value: $0.value, author: $0.author) }
        let gone = (old?.rows ?? []).filter { !now.contains($0.key) }.map { GossipChange.row(key: $0.key, value: nil, author: "") }
        return changed + gone
    }
}
