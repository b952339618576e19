import SkerryCRDT
import SkerrySession
import SkerryWire
import Synchronization
import Testing

@testable import SkerryGossip
@testable import SkerryReplication

/// Replicas of fifty members over the links that ``MeshPolicy`` asks for, in virtual time from a seed. Links take 1 to 6 ms.
private final class MeshWorld {
    struct Member {
        let number: Int
        let id: MemberID
        let replica: Replica
        let model: ReplicatedModel<String>
        var isUp = true
    }

    private let stepped = SteppedReplicas()
    private(set) var members: [Member] = []
    private var networks: [Int: SimulatedNetwork] = [:]
    private var generator: SeededGenerator
    private var written = 0

    init(_ count: Int, seed: UInt64, defects: FeedDefects) throws {
        generator = SeededGenerator(seed: seed)
        for index in 0..<count {
            let model = ReplicatedModel<String>()
            let origin = OriginID(rawValue: UInt64(index) + 1)
            var configuration = ReplicaConfiguration(
                identity: FeedIdentity(cluster: 0, site: UInt64(index), origin: origin, epoch: 1), now: stepped.now)
            configuration.ticksByItself = false
            let replica = try Replica(["model": model], configuration: configuration)
            replica.state.withLock { $0.core.defects = defects }
            stepped.add(replica)
            members.append(Member(number: index, id: MemberID(rawValue: generator.next()), replica: replica, model: model))
        }
        try follow()
    }

    /// Links everybody who is up with whom the policy names, as meshes do when membership changes.
    func follow() throws {
        let up = members.indices.filter { members[$0].isUp }
        let numbers = Dictionary(uniqueKeysWithValues: up.map { (members[$0].id, $0) })
        for one in up {
            let policy = MeshPolicy(id: members[one].id)
            for partner in policy.partners(among: up.filter { $0 != one }.map { members[$0].id }) {
                guard let other = numbers[partner], one < other, networks[one << 16 | other] == nil else { continue }
                try link(one, other)
            }
        }
    }

    private func link(_ one: Int, _ other: Int) throws {
        var conditions = NetworkConditions.local
        (conditions.latency, conditions.jitter) = (.milliseconds(1 + Int64(generator.next(upperBound: 4 as UInt64))), .milliseconds(2))
        let network = stepped.network(generator.next(), conditions)
        networks[one << 16 | other] = network
        let (near, far) = network.pair()
        try members[one].replica.start(over: near)
        try members[other].replica.start(over: far)
    }

    /// A member is gone; who had a link with it hears so, or hears nothing at all.
    func kill(_ index: Int, isHeard: Bool) {
        members[index].isUp = false
        for (pair, network) in networks where pair >> 16 == index || pair & 0xFFFF == index {
            if isHeard {
                network.cut(noticedBy: .both)
            } else {
                for path in [NetworkModel.Path.toAcceptor, .toInitiator] { network.partition(path, for: .seconds(1_000_000)) }
            }
        }
    }

    /// Somebody who is up writes.
    func write() throws {
        let up = members.indices.filter { members[$0].isUp }
        written += 1
        try members[up[Int(generator.next(upperBound: UInt64(up.count)))]].model.set("key \(written)", to: "value \(written)")
    }

    var linkCount: Int { networks.count }
    var upCount: Int { members.count { $0.isUp } }

    var agree: Bool {
        let up = members.filter(\.isUp)
        return up.allSatisfy { $0.model.keys.count == written && $0.replica.digest == up[0].replica.digest }
    }

    func run(for duration: Duration) { _ = stepped.run(until: { false }, within: duration) }

    /// - Returns: how long it took until all who are up agree.
    func settle(within limit: Duration) -> Duration? {
        let start = stepped.stepper.now
        return stepped.run(until: { agree }, within: limit) ? stepped.stepper.now - start : nil
    }

    /// Entries that came over links to those who are up, and edges that were put on the tree again.
    var statistics: (received: UInt64, grafts: UInt64) {
        members.filter(\.isUp).reduce(into: (0, 0)) { sum, member in
            let own = member.replica.statistics.feeds
            let written = member.replica.digest.sequence(of: OriginID(rawValue: UInt64(member.number) + 1))
            sum = (sum.0 + own.entriesApplied + own.entriesRepeated - written, sum.1 + own.grafts)
        }
    }
}

@Suite("The tree over the links of replicas", .timeLimit(.minutes(2)))
struct MeshTreeTests {
    /// How often an entry crossed a link while fifty members wrote so many, beside the times that it must.
    private static func crossings(_ writes: Int, _ world: MeshWorld) throws -> Double {
        let before = world.statistics.received
        for _ in 0..<writes {
            try world.write()
            world.run(for: .milliseconds(50))
        }
        #expect(world.settle(within: .seconds(5)) != nil)
        return Double(world.statistics.received - before) / Double(writes * (world.upCount - 1))
    }

    @Test(
        "T-11: among fifty members an entry crosses hardly more links than there are members, and would cross each link if edges were never pruned"
    )
    func fewLinks() throws {
        let world = try MeshWorld(50, seed: 1, defects: [])
        // The tree is found with the first entries.
        _ = try Self.crossings(20, world)
        let crossings = try Self.crossings(40, world)
        let flooded = try MeshWorld(50, seed: 1, defects: .neverPrunes)
        _ = try Self.crossings(4, flooded)
        let flood = try Self.crossings(8, flooded)
        print("50 members, \(world.linkCount) links: an entry crosses \(crossings * 49) of them, and \(flood * 49) without a tree")
        #expect(crossings < 1.1 && flood > 3)
    }

    @Test(
        "T-11: when members of the tree are gone, heard or unheard, what is written comes to all others before membership has noticed",
        arguments: [true, false])
    func heals(isHeard: Bool) throws {
        let world = try MeshWorld(50, seed: isHeard ? 2 : 3, defects: [])
        _ = try Self.crossings(20, world)
        let grafts = world.statistics.grafts
        for index in [3, 11, 24, 37, 48] { world.kill(index, isHeard: isHeard) }
        for _ in 0..<10 { try world.write() }
        let healing = world.settle(within: .seconds(10))
        print(
            "five of fifty gone, \(isHeard ? "heard" : "unheard"): all others agree after \(healing.map { "\($0)" } ?? "never"), \(world.statistics.grafts - grafts) grafts"
        )
        #expect(healing.map { $0 < .seconds(4) } ?? false)
        #expect(world.statistics.grafts > grafts)
        // The links follow the members, and the tree is one again.
        try world.follow()
        _ = try Self.crossings(20, world)
        #expect(try Self.crossings(20, world) < 1.15)
    }
}
