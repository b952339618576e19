import SkerryCRDT
import SkerryGossip
import SkerryReplication
import SkerryRocksDB
import SkerryStorage
import SkerryWire
import Synchronization

/// One process of the ring: membership and placed keys over the same links.
///
/// Membership says who belongs to the ring and who answers. A member that dies stays in the ring, because its keys are still on its disk: others stand in for it
/// until it is back. It is out of the ring when it says that it leaves.
final class Cluster: Sendable {
    typealias Store = EnginePlacementStore<RocksDBEngine>

    /// The lanes of the links.
    private enum Lane {
        static let placement = MemberLinks.firstLane, packet = placement + 1, exchange = placement + 2
    }

    /// Where a member tells its zone: the first field that is the application's.
    private static let zoneField = MemberField(rawValue: 16)

    private struct State {
        var membership: Membership
        var nodes: [PlacementRing.Node] = []
        var away: Set<MemberID> = []
    }

    let node: PlacementNode<Store>
    private let links: MemberLinks
    private let state: Mutex<State>
    private let began = ContinuousClock.now
    private let copies: Int
    private let contacts: [String]

    /// Opens the store, and begins to listen and to talk.
    static func start(_ arguments: Arguments) async throws -> Cluster {
        try PosixFileLayer().createDirectory(arguments.data)
        let engine = try RocksDBEngine(directory: arguments.data + "/rows")
        let store = try Store(engine: engine, family: .settings, prefix: Array("ring".utf8), newOrigin: .random(in: 1 ... .max))
        let cluster = try Cluster(arguments, store)
        let listener = TCPListener(on: arguments.listen, security: .plain)
        let address = try await cluster.links.start(listener, address: "\(arguments.listen)")
        say("ring: member \(cluster.node.id) at \(address)")
        return cluster
    }

    private init(_ arguments: Arguments, _ store: consuming Store) throws {
        // The store's origin is new with an empty store and stays with it: a member is its disk.
        let id = MemberID(rawValue: store.origin.rawValue)
        let life = Self.millisecondsSince1970()
        let cluster = Weak()
        links = MemberLinks(
            id: id, connect: { address throws(LinkError) in try TCPConnector(to: Self.target(address), security: .plain) },
            events: MemberLinks.Events(
                received: { lane, bytes, hello in cluster.value?.received(lane, bytes, hello) ?? true },
                lost: { address in cluster.value?.lost(address) }))
        var configuration = PlacementConfiguration()
        configuration.quorum = arguments.quorum
        configuration.compareInterval = 2_000
        let links = links
        node = try PlacementNode(
            id: id, life: life, store: store, configuration: configuration, executor: try BlockingPool(threads: 1)
        ) { member, bytes in
            if let address = cluster.value?.address(of: member) { links.send(Lane.placement, bytes, to: address) }
        }
        var profile = GossipProfile.lan
        (profile.probeInterval, profile.probeTimeout, profile.suspicionFactor) = (500, 250, 2)
        var membership = Membership(id: id, address: "\(arguments.listen)", epoch: life, profile: profile, now: 0)
        membership.map.set(Self.zoneField, Array(arguments.zone.utf8))
        state = Mutex(State(membership: membership))
        copies = arguments.quorum.copies
        contacts = arguments.join
        cluster.value = self
    }

    private static func target(_ address: String) -> LinkAddress {
        (try? Arguments.address(address)) ?? LinkAddress(host: address, port: 0)
    }

    /// Talks to the others until the task is cancelled: the clock of membership.
    func run() async throws {
        refresh()
        var (round, greetAt) = (0, ContinuousClock.now)
        while true {
            if !contacts.isEmpty, ContinuousClock.now >= greetAt, state.withLock({ $0.membership.detector.count }) == 1 {
                // Until somebody answers, one contact after the other.
                let hello = state.withLock { $0.membership.greeting() }
                links.send(Lane.exchange, hello, to: contacts[round % contacts.count])
                (round, greetAt) = (round + 1, .now + .milliseconds(300))
            }
            change { membership, now, output in
                var generator = SystemRandomNumberGenerator()
                membership.advance(now: now, using: &generator, into: &output)
            }
            if let failure = node.failure { throw failure }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    // MARK: Membership

    private func change(_ body: (inout Membership, UInt64, inout MembershipOutput) -> Void) {
        var output = MembershipOutput()
        let now = UInt64((ContinuousClock.now - began) / .milliseconds(1))
        let letters = state.withLock { state in
            body(&state.membership, now, &output)
            let packets = output.packets.map { (Lane.packet, $0) }, messages = output.messages.map { (Lane.exchange, $0) }
            return (packets + messages).map { ($0.0, $0.1.bytes, state.membership.detector.address(of: $0.1.target)) }
        }
        for (lane, bytes, address) in letters { if let address { links.send(lane, bytes, to: address) } }
        if !output.events.isEmpty { refresh() }
    }

    /// Hands the ring and those who do not answer to the node, when they have changed.
    private func refresh() {
        let (map, away) = state.withLock { state -> (PlacementMap?, Set<MemberID>?) in
            let members = state.membership.map.members.filter { state.membership.detector.opinion(of: $0)?.status != .left }
            let nodes = members.map { member in
                let zone = state.membership.map.value(Self.zoneField, of: member) ?? []
                return PlacementRing.Node(member: member, zone: String(decoding: zone, as: UTF8.self))
            }
            let away = Set(members.filter { state.membership.detector.opinion(of: $0)?.status == .dead })
            defer { (state.nodes, state.away) = (nodes, away) }
            return (
                state.nodes == nodes ? nil : PlacementMap(PlacementRing(nodes), copies: copies), state.away == away ? nil : away
            )
        }
        if let map {
            node.setMap(map)
            say("ring: members \(map.ring.nodes.map { "\($0.member)" }.joined(separator: " "))")
        }
        if let away {
            node.setUnreachable(away)
            say("ring: away \(away.isEmpty ? "nobody" : away.sorted().map { "\($0)" }.joined(separator: " "))")
        }
    }

    /// Members with their zones, and whether they are away.
    var members: [(node: PlacementRing.Node, isAway: Bool)] {
        state.withLock { state in state.nodes.map { ($0, state.away.contains($0.member)) } }
    }

    private func address(of member: MemberID) -> String? { state.withLock { $0.membership.detector.address(of: member) } }

    // MARK: Links

    private func received(_ lane: UInt8, _ bytes: UnsafeRawBufferPointer, _ hello: MemberHello) -> Bool {
        do throws(MalformedPacket) {
            switch lane {
            case Lane.placement: try node.receive(bytes, from: hello.member)
            case Lane.packet:
                try receive(bytes) { membership, bytes, now, output throws(MalformedPacket) in
                    try membership.receive(packet: bytes, now: now, into: &output)
                }
            case Lane.exchange:
                try receive(bytes) { membership, bytes, now, output throws(MalformedPacket) in
                    try membership.receive(message: bytes, now: now, into: &output)
                }
            default: return false
            }
            return true
        } catch {
            return false
        }
    }

    private func receive(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (inout Membership, UnsafeRawBufferPointer, UInt64, inout MembershipOutput) throws(MalformedPacket) -> Void
    ) throws(MalformedPacket) {
        var failure: MalformedPacket?
        change { membership, now, output in
            do throws(MalformedPacket) { try body(&membership, bytes, now, &output) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func lost(_ address: String) {
        let member = state.withLock { state in
            state.membership.map.members.first { state.membership.detector.address(of: $0) == address }
        }
        if let member { node.lost(member) }
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
