import SkerryCRDT
import SkerryGossip
import SkerryWire
import Testing

@testable import SkerryReplication

@Suite("Replicas of members")
struct ReplicaMeshTests {
    /// A member with a replica.
    private struct Peer {
        let node: MembershipNode
        let model = ReplicatedModel<String>()
        let replica: Replica
        let mesh: ReplicaMesh

        init(_ number: UInt64, joining seeds: [String], _ network: MemoryMemberNetwork, _ policy: MeshPolicy.Profile) throws {
            var configuration = MembershipNode.Configuration(id: MemberID(rawValue: number &* 0x9E37_79B9_7F4A_7C15), epoch: 1)
            configuration.seeds = seeds
            configuration.profile.gossip.probeInterval = 100
            configuration.profile.gossip.probeTimeout = 50
            configuration.profile.gossip.gossipInterval = 20
            configuration.profile.gossip.exchangeInterval = 100
            configuration.profile.leaving = .milliseconds(50)
            configuration.profile.neighbourhood.membersWithoutViews = 7
            configuration.profile.neighbourhood.membersWithViews = 6
            configuration.profile.neighbourhood.views.activeMaximum = 2
            configuration.profile.neighbourhood.shuffleInterval = 200
            configuration.seed = number
            node = MembershipNode(configuration, transport: network.transport(named: "n\(number)"))
            let replica = try Replica(["model": model])
            self.replica = replica
            mesh = ReplicaMesh(node: node, policy: policy) { link, _ in
                // A link that broke is another one's affair.
                try? await replica.replicate(over: link)
                link.cut()
            }
        }

        func start() async throws {
            try await node.start()
            mesh.start()
        }

        func stop() async {
            await node.stop()
            await mesh.stop()
            await replica.dispose()
        }
    }

    private func settle(_ peers: [Peer], keys: Int) async throws {
        try await until("all have \(keys) keys") {
            peers.allSatisfy { $0.replica.digest == peers[0].replica.digest && $0.model.keys.count == keys }
        }
    }

    @Test(
        "T-11: what members write is with all of them, whether each is linked with each or with few; one that dies and one that comes late get along",
        .timeLimit(.minutes(1)), arguments: [16, 3])
    func converges(everybody: Int) async throws {
        let network = MemoryMemberNetwork()
        var policy = MeshPolicy.Profile()
        policy.everybodyMaximum = everybody
        policy.ringNeighbours = 1
        var peers = try (1...5).map { number in try Peer(UInt64(number), joining: number == 1 ? [] : ["n1"], network, policy) }
        for peer in peers { try await peer.start() }
        for (index, peer) in peers.enumerated() { try peer.model.set("key \(index)", to: "value \(index)") }
        try await settle(peers, keys: 5)
        // Whoever introduced all is gone without a word.
        let first = peers.removeFirst()
        await first.node.cut()
        await first.mesh.stop()
        for (index, peer) in peers.enumerated() { try peer.model.set("key \(index + 5)", to: "late") }
        let late = try Peer(9, joining: ["n3"], network, policy)
        peers.append(late)
        try await late.start()
        try await settle(peers, keys: 9)
        #expect(late.model["key 0"] == "value 0" && late.model["key 8"] == "late")
        // News may have come over a link that was given up for a better one.
        try await until("everybody is linked") { [peers] in peers.allSatisfy { !$0.mesh.linked.isEmpty } }
        for peer in peers { await peer.stop() }
    }

    @Test("a mesh goes over to views and back: few links then, and nothing that is written is lost", .timeLimit(.minutes(1)))
    func views() async throws {
        let network = MemoryMemberNetwork()
        var policy = MeshPolicy.Profile()
        policy.surplusPatience = .milliseconds(200)
        func usesViews(_ peers: [Peer]) -> [Bool] { peers.flatMap { peer in peer.node.members.filter(\.isSelf).map(\.usesViews) } }
        var peers = try (1...8).map { number in try Peer(UInt64(number), joining: number == 1 ? [] : ["n1"], network, policy) }
        for peer in peers[..<5] { try await peer.start() }
        for (index, peer) in peers[..<5].enumerated() { try peer.model.set("key \(index)", to: "small") }
        try await until("each is linked with each") { [peers] in peers[..<5].allSatisfy { $0.mesh.linked.count == 4 } }
        #expect(usesViews(Array(peers[..<5])) == Array(repeating: false, count: 5))
        for peer in peers[5...] { try await peer.start() }
        for (index, peer) in peers.enumerated() { try peer.model.set("key \(index + 5)", to: "grown") }
        // Two of the view and two on the ring.
        try await until("all have views, and few links") { [peers] in
            usesViews(peers).allSatisfy { $0 } && peers.allSatisfy { (1...4).contains($0.mesh.linked.count) }
        }
        for (index, peer) in peers.enumerated() { try peer.model.set("key \(index + 13)", to: "large") }
        try await settle(peers, keys: 21)
        for peer in peers[5...] {
            await peer.node.cut()
            await peer.mesh.stop()
        }
        peers.removeLast(3)
        for (index, peer) in peers.enumerated() { try peer.model.set("key \(index + 21)", to: "small again") }
        try await until("each is linked with each again") { [peers] in
            usesViews(peers).allSatisfy { !$0 } && peers.allSatisfy { $0.mesh.linked.count == 4 }
        }
        try await settle(peers, keys: 26)
        for peer in peers { await peer.stop() }
    }
}
