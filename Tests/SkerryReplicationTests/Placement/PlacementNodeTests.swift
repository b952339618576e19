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

    /// Members over links in memory, by address.
    private final class Town: Sendable {
        let listeners: [MemoryListener]
        let nodes = Mutex<[Node]>([])
        let links = Mutex<[MemberLinks]>([])
        let engines: [MemoryMetadataEngine]

        init(_ count: Int) async throws {
            let listeners = (0..<count).map { _ in MemoryListener() }
            self.listeners = listeners
            engines = (0..<count).map { _ in MemoryMetadataEngine() }
            for index in 0..<count { try await start(index, engines[index]) }
            let ring = PlacementRing((0..<count).map { PlacementRing.Node(member: Self.id($0)) })
            for node in nodes.withLock({ $0 }) { node.setMap(PlacementMap(ring, copies: 3)) }
        }

        static func id(_ index: Int) -> MemberID { MemberID(rawValue: UInt64(index + 1)) }

        private func start(_ index: Int, _ engine: MemoryMetadataEngine) async throws {
            let listeners = listeners
            let box = Box()
            let links = MemberLinks(
                id: Self.id(index), secret: ClusterSecret([1]),
                connect: { address throws(LinkError) in listeners[Int(address) ?? 0].connector },
                events: MemberLinks.Events(
                    received: { lane, bytes, hello in
                        do throws(MalformedPacket) { try box.node.withLock { $0 }?.receive(bytes, from: hello.member) } catch {
                            return false
                        }
                        return true
                    },
                    lost: { address in box.node.withLock { $0 }?.lost(Self.id(Int(address) ?? 0)) }))
            try await links.start(listeners[index], address: "\(index)")
            let store = try EnginePlacementStore(engine: engine, family: .settings, prefix: [1], newOrigin: UInt64(index + 100))
            let made = try Node(id: Self.id(index), life: 1, store: store, executor: InlineExecutor()) { member, bytes in
                links.send(MemberLinks.firstLane, bytes, to: "\(member.rawValue - 1)")
            }
            box.node.withLock { $0 = made }
            nodes.withLock { $0.append(made) }
            self.links.withLock { $0.append(links) }
        }

        func end() async {
            for node in nodes.withLock({ $0 }) { node.stop() }
            for links in links.withLock({ $0 }) { links.stop() }
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
