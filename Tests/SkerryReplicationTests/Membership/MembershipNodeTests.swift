import SkerryCRDT
import SkerryGossip
import SkerrySession
import SkerryWire
import Synchronization
import Testing

@testable import SkerryReplication

@Suite("Members over links")
struct MembershipNodeTests {
    /// Times of a tenth, for nodes in real time.
    private static var quick: NodeProfile {
        var profile = NodeProfile()
        profile.gossip.probeInterval = 100
        profile.gossip.probeTimeout = 50
        profile.gossip.gossipInterval = 20
        profile.gossip.exchangeInterval = 100
        profile.leaving = .milliseconds(200)
        return profile
    }

    private static func configuration(
        _ number: UInt64, joining seeds: [String] = [], secret: [UInt8]? = [1, 2, 3], profile: NodeProfile = quick
    ) -> MembershipNode.Configuration {
        var configuration = MembershipNode.Configuration(id: MemberID(rawValue: number &* 0x9E37_79B9_7F4A_7C15), epoch: 1)
        configuration.name = "member \(number)"
        configuration.seeds = seeds
        configuration.secret = secret
        configuration.profile = profile
        configuration.seed = number
        return configuration
    }

    /// Waits until the members that a node shows are so.
    private func members(of node: MembershipNode, until isSo: ([MemberView]) -> Bool) async -> [MemberView] {
        for await members in node.changes where isSo(members) { return members }
        Issue.record("the node stopped")
        return []
    }

    // MARK: In memory, in real time

    @Test(
        "T-11: who knows the secret and is no member is given nothing but links of membership, and as a member what it asks for",
        .timeLimit(.minutes(1)))
    func nonMembers() async throws {
        let network = MemoryMemberNetwork()
        let node = MembershipNode(Self.configuration(1), transport: network.transport(named: "n1"))
        let taken = Mutex<[LinkPurpose]>([])
        for purpose in [.replication, .placement, .reconciliation] as [LinkPurpose] {
            node.accept(purpose) { link, _ in
                taken.withLock { $0.append(purpose) }
                link.close()
            }
        }
        try await node.start()
        let stranger = Self.configuration(2, joining: ["n1"])
        for purpose in [.replication, .placement, .reconciliation] as [LinkPurpose] {
            await Self.meet("n1", from: network, as: stranger, purpose)
        }
        #expect(taken.withLock { $0 }.isEmpty)
        let member = MembershipNode(stranger, transport: network.transport(named: "n2"))
        try await member.start()
        _ = await members(of: node) { $0.contains { $0.id == stranger.id && $0.status == .alive } }
        _ = await members(of: member) { $0.contains { $0.id == node.id && $0.status == .alive } }
        for purpose in [.replication, .placement, .reconciliation] as [LinkPurpose] {
            let link = try await member.connect(to: node.id, for: purpose)
            await withCheckedContinuation { continuation in link.start(Ended { continuation.resume() }) }
        }
        #expect(taken.withLock { $0 } == [.replication, .placement, .reconciliation])
        for node in [node, member] { await node.stop() }
    }

    /// Shakes hands as somebody whom no member has heard of, and waits until the other side has ended the link.
    private static func meet(
        _ address: String, from network: MemoryMemberNetwork, as configuration: MembershipNode.Configuration, _ purpose: LinkPurpose
    ) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            network.transport(named: "nobody").connect(to: address) { result in
                guard let link = try? result.get() else { return continuation.resume() }
                let handshake = MemberHandshake(
                    dialling: purpose, as: configuration.id, secret: configuration.secret, nonce: [UInt8](repeating: 5, count: 16))
                let member = MemberLink(link, handshake) { link, outcome in
                    if case .failure(let error) = outcome { Issue.record(error) }
                    link.start(Ended { continuation.resume() })
                }
                member.open()
            }
        }
    }

    /// Says when a link has ended.
    private final class Ended: LinkDriver {
        private let ended: @Sendable () -> Void

        init(_ ended: @escaping @Sendable () -> Void) { self.ended = ended }

        func received(_ packet: UnsafeRawBufferPointer) {}
        func readCompleted() {}
        func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool { false }
        func linkClosed(_ error: LinkError?) { ended() }
    }

    @Test("T-11: nodes over links in memory find each other, tell of themselves, and hear who leaves", .timeLimit(.minutes(1)))
    func memory() async throws {
        let network = MemoryMemberNetwork()
        let nodes = (1...5).map { number in
            MembershipNode(
                Self.configuration(UInt64(number), joining: number == 1 ? [] : ["n1"]), transport: network.transport(named: "n\(number)"))
        }
        for node in nodes { try await node.start() }
        for node in nodes {
            let members = await members(of: node) { members in members.count(where: { !$0.name.isEmpty }) == 5 }
            #expect(members.map(\.name).sorted() == (1...5).map { "member \($0)" })
            #expect(members.map(\.address).sorted() == (1...5).map { "n\($0)" })
            #expect(members.count(where: \.isSelf) == 1)
        }
        nodes[2].setApplied([Dot(origin: OriginID(rawValue: 9), sequence: 44)])
        _ = await members(of: nodes[4]) { members in members.contains { $0.id == nodes[2].id && $0.applied.first?.sequence == 44 } }
        await nodes[3].stop()
        _ = await members(of: nodes[0]) { members in members.contains { $0.id == nodes[3].id && $0.status == .left } }
        await nodes[4].cut()
        _ = await members(of: nodes[1]) { members in members.contains { $0.id == nodes[4].id && $0.status == .dead } }
        // A node ends once, and what follows it ends with it.
        var iterator = nodes[3].changes.makeAsyncIterator()
        #expect(await iterator.next() == nil)
        await nodes[3].stop()
        await #expect(throws: MemberError.self) { try await nodes[3].start() }
        for node in nodes { await node.stop() }
    }

    @Test("a node with another secret joins nobody, and says why", .timeLimit(.minutes(1)))
    func secrets() async throws {
        let network = MemoryMemberNetwork()
        let ada = MembershipNode(Self.configuration(1), transport: network.transport(named: "ada"))
        let bob = MembershipNode(
            Self.configuration(2, joining: ["ada", "nobody"], secret: [9]), transport: network.transport(named: "bob"))
        try await ada.start()
        try await bob.start()
        try await until("both seeds are out of reach") { bob.unreachedSeeds.count == 2 }
        #expect(bob.unreachedSeeds["ada"]?.code == .secret)
        #expect(bob.unreachedSeeds["nobody"]?.link?.code == .refused)
        #expect(ada.members.count == 1 && bob.members.count == 1)
        await ada.stop()
        await bob.stop()
    }

    @Test("links for other purposes go through the same door, to the member that was meant", .timeLimit(.minutes(1)))
    func purposes() async throws {
        let network = MemoryMemberNetwork()
        let ada = MembershipNode(Self.configuration(1), transport: network.transport(named: "ada"))
        let bob = MembershipNode(Self.configuration(2, joining: ["ada"]), transport: network.transport(named: "bob"))
        let (greetings, heard) = AsyncStream.makeStream(of: [UInt8].self)
        ada.accept(.replication) { link, member in
            link.start(Sayer(text: Array("hello \(member)".utf8)) { _ in })
        }
        try await ada.start()
        try await bob.start()
        await #expect(throws: MemberError.self) { try await bob.connect(to: MemberID(rawValue: 4), for: .replication) }
        _ = await members(of: bob) { $0.count == 2 }
        await #expect(throws: MemberError.self) { try await bob.connect(to: ada.id, for: LinkPurpose(rawValue: 9)) }
        let link = try await bob.connect(to: ada.id, for: .replication)
        link.start(Sayer(text: []) { _ = heard.yield($0) })
        for await greeting in greetings {
            #expect(greeting == Array("hello \(bob.id)".utf8))
            break
        }
        link.close()
        await ada.stop()
        await bob.stop()
    }

    @Test("connections that say nothing, or nonsense, are bounded and end", .timeLimit(.minutes(1)))
    func strangers() async throws {
        var profile = Self.quick
        profile.openingsMaximum = 4
        profile.handshake = .milliseconds(100)
        let network = MemoryMemberNetwork()
        let transport = network.transport(named: "ada")
        let node = MembershipNode(Self.configuration(1, profile: profile), transport: transport)
        try await node.start()
        let (ends, ended) = AsyncStream.makeStream(of: Void.self)
        for number in 0..<8 {
            transport.connect(to: "ada") { result in
                guard case .success(let link) = result else {
                    ended.yield()
                    return
                }
                link.start(Sayer(text: number % 2 == 0 ? [] : Array("GET / HTTP/1.1".utf8), closed: { _ = ended.yield() }) { _ in })
            }
        }
        var count = 0
        for await _ in ends {
            count += 1
            if count == 8 { break }
        }
        #expect(node.members.count == 1)
        await node.stop()
    }

    // MARK: Simulated, in virtual time

    @Test("P-04: ten nodes over a bad network find each other, and hear of one that is cut off and of its return", arguments: 0..<2)
    func simulated(seed: Int) async throws {
        var conditions = NetworkConditions.radio
        conditions.loss = 0.02
        conditions.corruption = 0
        let network = SteppedNetwork(seed: UInt64(seed), conditions: conditions)
        let names = (0..<10).map { "n\($0)" }
        let nodes = (0..<10).map { number in
            MembershipNode(
                Self.configuration(UInt64(number + 1 + 10 * seed), joining: number == 0 ? [] : ["n\(number - 1)"], profile: NodeProfile()),
                transport: network.transport(named: names[number]), clock: network.clock)
        }
        for node in nodes { try await node.start() }
        func status(of node: Int, at other: Int) -> MemberStatus? { nodes[other].members.first { $0.id == nodes[node].id }?.status }
        func agree(_ some: [Int]) -> Bool { some.allSatisfy { one in some.allSatisfy { status(of: $0, at: one) == .alive } } }
        #expect(network.run(until: { agree(Array(0..<10)) }, within: .seconds(30)) != nil)
        network.isolate("n6")
        let others = (0..<10).filter { $0 != 6 }
        #expect(network.run(until: { others.allSatisfy { status(of: 6, at: $0) == .dead } }, within: .seconds(60)) != nil)
        #expect(agree(others))
        network.heal("n6")
        #expect(network.run(until: { agree(Array(0..<10)) }, within: .seconds(120)) != nil)
        let known = nodes[0].members.filter { !$0.isSelf }
        #expect(known.contains { $0.roundTrip.map { $0 >= .milliseconds(80) && $0 < .seconds(2) } ?? false })
    }
}

/// Says one packet, and hands out what it hears.
final class Sayer: LinkDriver {
    private let text: Mutex<[UInt8]>
    private let closed: @Sendable () -> Void
    private let heard: @Sendable ([UInt8]) -> Void

    init(text: [UInt8], closed: @escaping @Sendable () -> Void = {}, heard: @escaping @Sendable ([UInt8]) -> Void) {
        self.text = Mutex(text)
        self.closed = closed
        self.heard = heard
    }

    func received(_ packet: UnsafeRawBufferPointer) { heard(Array(packet)) }

    func readCompleted() {}

    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        text.withLock { text in
            packet.append(contentsOf: text)
            defer { text = [] }
            return !text.isEmpty
        }
    }

    func linkClosed(_ error: LinkError?) { closed() }
}
