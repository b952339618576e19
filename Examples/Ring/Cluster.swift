import SkerryCRDT
import SkerryGossip
import SkerryReplication
import SkerryRocksDB
import SkerryStorage
import SkerryWire
import Synchronization

/// One process of the ring: a member of the cluster, and placed keys over links between members.
///
/// Membership says who belongs to the ring and who answers. A member that dies stays in the ring, because its keys are still on its disk: others stand in for it
/// until it is back. It is out of the ring when it says that it leaves.
final class Cluster: Sendable {
    typealias Store = EnginePlacementStore<RocksDBEngine>

    /// Where a member tells its zone: the first field that is the application's.
    private static let zoneField = MemberField(rawValue: 17)

    private struct State {
        var nodes: [PlacementRing.Node] = []
        var away: Set<MemberID> = []
    }

    let node: PlacementNode<Store>
    private let member: MembershipNode
    private let state = Mutex(State())
    private let copies: Int

    /// Opens the store, and begins to listen and to talk.
    static func start(_ arguments: Arguments) async throws -> Cluster {
        try PosixFileLayer().createDirectory(arguments.data)
        let engine = try RocksDBEngine(directory: arguments.data + "/rows")
        let store = try Store(engine: engine, family: .settings, prefix: Array("ring".utf8), newOrigin: .random(in: 1 ... .max))
        let cluster = try Cluster(arguments, store)
        say("ring: member \(cluster.node.id) at \(try await cluster.member.start())")
        return cluster
    }

    private init(_ arguments: Arguments, _ store: consuming Store) throws {
        // The store's identity is new with an empty store and stays with it: a member is its disk.
        let id = MemberID(rawValue: store.identity.rawValue)
        let life = Self.millisecondsSince1970()
        var membership = MembershipNode.Configuration(id: id, epoch: life)
        membership.seeds = arguments.join
        membership.fields = [Self.zoneField: Array(arguments.zone.utf8)]
        membership.profile = Self.profile
        let member = MembershipNode(membership, transport: TCPMemberTransport(on: arguments.listen, security: .plain))
        self.member = member
        let cluster = Weak()
        let links = PlacementLinks(
            node: member,
            events: PlacementLinks.Events(
                received: { bytes, sender in
                    do throws(MalformedPacket) { try cluster.value?.node.receive(bytes, from: sender) } catch { return false }
                    return true
                },
                lost: { other in cluster.value?.node.lost(other) }))
        var configuration = PlacementConfiguration()
        configuration.quorum = arguments.quorum
        configuration.compareInterval = 2_000
        node = try PlacementNode(
            id: id, life: life, store: store, configuration: configuration, executor: try BlockingPool(threads: 1),
            send: { other, bytes in links.send(bytes, to: other) })
        copies = arguments.quorum.copies
        cluster.value = self
    }

    private static var profile: NodeProfile {
        var profile = NodeProfile()
        (profile.gossip.probeInterval, profile.gossip.probeTimeout, profile.gossip.suspicionFactor) = (500, 250, 2)
        // The keys of a member are on its disk however long it is away.
        profile.forgetAfter = .seconds(10 * 365 * 24 * 3600)
        return profile
    }

    /// Follows the members until the task is cancelled.
    func run() async throws {
        for await members in member.changes {
            refresh(members)
            if let failure = node.failure { throw failure }
        }
    }

    // MARK: Membership

    /// Hands the ring and those who do not answer to the node, when they have changed.
    private func refresh(_ members: [MemberView]) {
        let there = members.filter { $0.status != .left }
        let nodes = there.map { view in
            let zone = member.value(of: Self.zoneField, at: view.id) ?? []
            return PlacementRing.Node(member: view.id, zone: String(decoding: zone, as: UTF8.self))
        }
        let away = Set(there.filter { $0.status == .dead }.map(\.id))
        let (isRingNew, isAwayNew) = state.withLock { state in
            defer { (state.nodes, state.away) = (nodes, away) }
            return (state.nodes != nodes, state.away != away)
        }
        if isRingNew {
            node.setMap(PlacementMap(PlacementRing(nodes), copies: copies))
            say("ring: members \(nodes.map { "\($0.member)" }.joined(separator: " "))")
        }
        if isAwayNew {
            node.setUnreachable(away)
            say("ring: away \(away.isEmpty ? "nobody" : away.sorted().map { "\($0)" }.joined(separator: " "))")
        }
    }

    /// Members with their zones, and whether they are away.
    var members: [(node: PlacementRing.Node, isAway: Bool)] {
        state.withLock { state in state.nodes.map { ($0, state.away.contains($0.member)) } }
    }
}

/// The cluster, for closures that are made before it.
private final class Weak: Sendable {
    private let state = Mutex<Reference>(Reference())

    private struct Reference {
        weak var value: Cluster?
    }

    var value: Cluster? {
        get { state.withLock { $0.value } }
        set { state.withLock { $0.value = newValue } }
    }
}
