import SkerryCRDT
import SkerryGossip
import SkerryReplication
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

@Suite("Nodes that place keys")
struct PlacementNodeTests {
    private typealias Node = PlacementNode<EnginePlacementStore<MemoryMetadataEngine>>

    /// Members that find each other over links in memory.
    private final class Town: Sendable {
        let nodes = Mutex<[Node]>([])
        let members = Mutex<[MembershipNode]>([])
        let engines: [MemoryMetadataEngine]

        init(_ count: Int) async throws {
            let network = MemoryMemberNetwork()
            engines = (0..<count).map { _ in MemoryMetadataEngine() }
            for index in 0..<count { try await start(index, engines[index], network) }
            let members = members.withLock { $0 }
            // Whoever is no member yet gets no link.
            let deadline = ContinuousClock.now + .seconds(60)
            while !members.allSatisfy({ $0.members.count { $0.status == .alive } == count }) {
                try #require(ContinuousClock.now < deadline, "members that did not find each other")
                await Task.yield()
            }
            let ring = PlacementRing((0..<count).map { PlacementRing.Node(member: Self.id($0)) })
            for node in nodes.withLock({ $0 }) { node.setMap(PlacementMap(ring, copies: 3)) }
        }

        static func id(_ index: Int) -> MemberID { MemberID(rawValue: UInt64(index + 1)) }

        private func start(_ index: Int, _ engine: MemoryMetadataEngine, _ network: MemoryMemberNetwork) async throws {
            var configuration = MembershipNode.Configuration(id: Self.id(index), epoch: 1)
            configuration.seeds = index == 0 ? [] : ["n0"]
            configuration.secret = [UInt8](repeating: 7, count: 16)
            configuration.profile.gossip.exchangeInterval = 100
            configuration.profile.gossip.gossipInterval = 20
            let member = MembershipNode(configuration, transport: network.transport(named: "n\(index)"))
            let box = Box()
            let links = PlacementLinks(
                node: member,
                events: PlacementLinks.Events(
                    received: { bytes, sender in
                        do throws(MalformedPacket) { try box.node.withLock { $0 }?.receive(bytes, from: sender) } catch { return false }
                        return true
                    },
                    lost: { other in box.node.withLock { $0 }?.lost(other) }))
            let store = try EnginePlacementStore(engine: engine, family: .settings, prefix: [1], newOrigin: UInt64(index + 100))
            let made = try Node(id: Self.id(index), life: 1, store: store, executor: InlineExecutor()) { other, bytes in
                links.send(bytes, to: other)
            }
            box.node.withLock { $0 = made }
            nodes.withLock { $0.append(made) }
            members.withLock { $0.append(member) }
            try await member.start()
        }

        func end() async {
            for node in nodes.withLock({ $0 }) { node.stop() }
            for member in members.withLock({ $0 }) { await member.cut() }
        }
    }

    private final class Box: Sendable {
        let node = Mutex<Node?>(nil)
    }

    @Test(
        "T-12, T-16: what is written at one node over links is read at every other, siblings with their context, and durable when it is acknowledged"
    )
    func quorum() async throws {
        let town = try await Town(5)
        let nodes = town.nodes.withLock { $0 }
        for index in 0..<20 {
            let key: [UInt8] = [1, UInt8(index)]
            let first = try await nodes[index % 5].write(key, [1])
            let one = try await nodes[(index + 1) % 5].write(key, [2], replacing: first.context)
            #expect(one.values == [[2]])
            try await nodes[(index + 2) % 5].write(key, [3], replacing: first.context)
            let read = try await nodes[(index + 3) % 5].read(key)
            #expect(read.values == [[2], [3]] || read.values == [[3], [2]])
            try await nodes[(index + 4) % 5].write(key, [4], replacing: read.context)
            for node in nodes { #expect(try await node.read(key).values == [[4]]) }
        }
        await town.end()
        // On two disks at least, when all crash.
        var holders = [Int](repeating: 0, count: 20)
        for engine in town.engines {
            let store = try EnginePlacementStore(engine: engine.crash(), family: .settings, prefix: [1], newOrigin: 1)
            for index in 0..<20 where try store.siblings(of: [1, UInt8(index)]).values == [[4]] { holders[index] += 1 }
        }
        #expect(holders.allSatisfy { $0 >= 2 })
        await #expect(throws: PlacementError(.stopped)) { try await nodes[0].read([1]) }
    }

    @Test("a node whose store fails stops, and says why")
    func failure() async throws {
        let town = try await Town(1)
        let node = town.nodes.withLock { $0 }[0]
        try town.engines[0].close()
        await #expect(throws: PlacementError(.stopped)) { try await node.write([1], [2]) }
        #expect(node.failure?.code == .closed)
        await town.end()
    }
}
