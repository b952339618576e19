@testable import SkerryGossip
@testable import SkerryReplication
import SkerrySession
import SkerryWire
import Testing

/// Replicas over links that lose, double, damage and reorder packets, in virtual time.
@Suite("Replicas over lossy links", .timeLimit(.minutes(2)))
struct ReplicaLossyTests {
    @Test("U-07: over links that lose, double, damage and reorder packets, replicas end up equal and part politely", arguments: 0..<16)
    func equal(seed: UInt64) throws {
        let world = SteppedReplicas()
        let network = world.network(seed, .datagrams)
        let (a, b) = (try Node(origin: 1, world: world), try Node(origin: 2, world: world))
        for index in 0..<60 { try a.write(index) }
        let (near, far) = network.pair(delivery: .lossy)
        let sessions = [try a.replica.start(over: near), try b.replica.start(over: far)]
        for index in 60..<100 { try b.write(index) }
        // Larger than a packet.
        try b.model.set("large", to: String(repeating: "v", count: 5_000))
        #expect(world.run { a.content == b.content && sessions.allSatisfy(\.isSynchronised) })
        #expect(a.content.events.count == 20 && a.model["large"]?.utf8.count == 5_000)
        // What is written last and not awaited comes before the end.
        try a.model.set("last", to: "word")
        sessions[0].close()
        #expect(world.run { sessions.allSatisfy(\.hasFinished) })
        #expect(b.model["last"] == "word")
        #expect(network.faults.lost > 0)
    }

    @Test("U-02, U-07: whoever lacks what a log no longer holds gets the history over such a link, whole", arguments: 0..<8)
    func repair(seed: UInt64) async throws {
        let world = SteppedReplicas()
        let network = world.network(seed, .datagrams)
        let (a, b) = (try Node(origin: 1, world: world), try Node(origin: 2, world: world))
        for index in 0..<400 { try a.write(index) }
        try await a.replica.compact()
        let (near, far) = network.pair(delivery: .lossy)
        try a.replica.start(over: near)
        try b.replica.start(over: far)
        for index in 400..<440 { try b.write(index) }
        #expect(world.run { a.content == b.content && a.content.events.count == 88 })
        #expect(b.replica.statistics.repairs == 1 && b.replica.digest == a.replica.digest)
        #expect(network.faults.lost > 0)
    }

    @Test("U-07: a session without more to say ends on both sides of such a link, with all entries there", arguments: 0..<8)
    func once(seed: UInt64) throws {
        let world = SteppedReplicas()
        let (a, b) = (try Node(origin: 1, world: world), try Node(origin: 2, world: world))
        for index in 0..<50 { try (index % 2 == 0 ? a : b).write(index) }
        let (near, far) = world.network(seed, .datagrams).pair(delivery: .lossy)
        let sessions = [
            try a.replica.start(over: near, ReplicaOptions(tail: false)), try b.replica.start(over: far, ReplicaOptions(tail: false)),
        ]
        #expect(world.run { sessions.allSatisfy(\.hasFinished) })
        #expect(a.content == b.content && sessions.allSatisfy(\.isSynchronised))
    }

    @Test("U-07: a peer that is gone without a word is noticed, closing does not wait for it, and the next link goes on", arguments: 0..<4)
    func silence(seed: UInt64) async throws {
        let world = SteppedReplicas()
        let network = world.network(seed, .datagrams)
        let (a, b) = (try Node(origin: 1, world: world), try Node(origin: 2, world: world))
        let (near, far) = network.pair(delivery: .lossy)
        let (here, there) = (try a.replica.start(over: near), try b.replica.start(over: far))
        for index in 0..<30 { try a.write(index) }
        #expect(world.run { a.content == b.content })
        // Nothing to say for minutes is no silence.
        #expect(!world.run(until: { here.hasFinished || there.hasFinished }, within: .seconds(300)))
        for path in [NetworkModel.Path.toAcceptor, .toInitiator] { network.partition(path, for: .seconds(1_000_000)) }
        for index in 30..<60 { try a.write(index) }
        there.close()
        #expect(world.run(until: { there.hasFinished }, within: Replica.farewell + .seconds(1)))
        try await there.ended()
        #expect(world.run(until: { here.hasFinished }, within: Replica.silence + .seconds(1)))
        let error = await #expect(throws: ReplicaError.self) { try await here.ended() }
        #expect(error?.code == .disconnected && error?.link?.code == .timedOut)
        let (again, back) = world.network(seed + 100, .datagrams).pair(delivery: .lossy)
        try a.replica.start(over: again)
        try b.replica.start(over: back)
        #expect(world.run { a.content == b.content })
    }

    @Test("What goes one way, and packets that carry next to nothing, are refused where packets may be lost")
    func refused() throws {
        let world = SteppedReplicas()
        let node = try Node(world: world)
        for options in [ReplicaOptions.readOnly, .writeOnly, .dump] {
            let (near, _) = world.network(1, .local).pair(delivery: .lossy)
            let error = #expect(throws: ReplicaError.self) { try node.replica.start(over: near, options) }
            #expect(error?.code == .invalid)
        }
        let error = #expect(throws: ReplicaError.self) { try node.replica.start(over: NarrowLink()) }
        #expect(error?.code == .invalid && node.replica.statistics.sessions == 0)
    }
}

/// A link whose packets carry less than a stream of lost packets needs.
private final class NarrowLink: Link {
    let traits = LinkTraits(delivery: .lossy, packetMaximum: Replica.packetMinimum - 1)
    let peer = LinkPeer(address: "narrow")

    func start(_ driver: any LinkDriver) { Issue.record("a link that is refused is started") }
    func wake() {}
    func close() {}
    func cut() {}
}

extension NetworkConditions {
    /// Packets that are lost, doubled, damaged and overtaken.
    static var datagrams: NetworkConditions {
        var conditions = NetworkConditions()
        conditions.latency = .milliseconds(1)
        conditions.jitter = .milliseconds(2)
        conditions.loss = 0.2
        conditions.duplication = 0.1
        conditions.reordering = 0.1
        conditions.corruption = 0.05
        return conditions
    }
}
