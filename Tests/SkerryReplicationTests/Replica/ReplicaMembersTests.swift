import Foundation
import SkerryCRDT
import SkerryGossip
@testable import SkerryReplication
import SkerrySession
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

/// A node of a cluster whose members forget together, on an engine that a crash can be had of.
final class Member {
    private(set) var engine = PowerCutEngine()
    private(set) var node: MemberNode
    private let time: TestTime
    private let rules: MemberRules
    private let origins: @Sendable () -> OriginID

    /// - Parameter number: of its first origin; those of later lives are 100, 200, … more.
    init(_ number: UInt64, founds: Bool = false, time: TestTime, floor: Duration = .zero) throws {
        self.time = time
        rules = MemberRules(start: founds ? .founds : .joins, floor: floor, retention: .seconds(1_000), acknowledgement: .seconds(1))
        let next = Mutex(number)
        origins = {
            next.withLock { next in
                defer { next += 100 }
                return OriginID(rawValue: next)
            }
        }
        node = try MemberNode(EngineReplicaStore(engine: engine, prefix: [7], log: number), rules, origins, time.now)
    }

    var replica: Replica { node.replica }

    /// What a crash leaves, opened again.
    func restart() throws { try open(engine.crash()) }

    func open(_ engine: PowerCutEngine) throws {
        self.engine = engine
        node = try MemberNode(EngineReplicaStore(engine: engine, prefix: [7]), rules, origins, time.now)
    }
}

struct MemberNode {
    let replica: Replica
    let model = ReplicatedModel<String>()
    let events = ReplicatedEvents<String>()

    init(
        _ store: some ReplicaStore, _ rules: MemberRules, _ origins: @escaping @Sendable () -> OriginID,
        _ now: @escaping @Sendable () -> FeedInstant, executor: (any BlockingExecutor)? = nil, ticksByItself: Bool = false
    ) throws {
        var configuration = ReplicaConfiguration(members: rules, executor: executor, now: now)
        configuration.ticksByItself = ticksByItself
        configuration.newOrigin = origins
        replica = try Replica(["model": model, "events": events], store: store, configuration: configuration)
    }
}

/// Forgetting, retirement and homecoming of whole replicas.
@Suite("Replicas whose members forget together", .timeLimit(.minutes(2)))
struct ReplicaMembersTests {
    /// Seeds of the short form, and of the long one (`SKERRY_SOAK=1`).
    private static let seeds: ClosedRange<UInt64> = getenv("SKERRY_SOAK") == nil ? 1...40 : 1...2_000

    private let time = TestTime()

    /// Lets some meet, directly, until nothing moves any more.
    private func meet(_ members: [Member], rounds: Int = 6) throws {
        var sessions: [ReplicaSession] = []
        for (index, left) in members.enumerated() {
            for right in members[(index + 1)...] { sessions.append(try left.replica.start(with: right.replica)) }
        }
        for _ in 0..<rounds {
            time.move(wall: 1_100, monotonic: 1_100)
            for member in members { _ = member.replica.tick() }
        }
        for session in sessions { session.close() }
    }

    private func compact(_ members: [Member]) async throws { for member in members { try await member.replica.compact() } }

    @Test("one founds, the others become members when they meet it, and write from then on")
    func joining() throws {
        let (first, second) = (try Member(1, founds: true, time: time), try Member(2, time: time))
        try first.node.model.set("k", to: "v")
        #expect(first.replica.membership?.isMember == true && second.replica.membership?.isMember == false)
        #expect(throws: FeedError.self) { try second.node.model.set("l", to: "w") }
        try meet([first, second])
        #expect(second.replica.membership?.isMember == true && second.node.model["k"] == "v")
        try second.node.model.set("l", to: "w")
        try meet([first, second])
        #expect(first.node.model.values == ["k": "v", "l": "w"])
        for member in [first, second] {
            #expect(member.replica.membership?.members.map(\.origin.rawValue) == [1, 2])
            try member.restart()
            #expect(member.replica.membership?.members.map(\.origin.rawValue) == [1, 2] && member.replica.membership?.isMember == true)
            #expect(member.node.model.values == ["k": "v", "l": "w"])
        }
    }

    @Test("T-06: a removal that all members have is forgotten, by all, and neither a restart nor a latecomer brings anything back")
    func forgetting() async throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time)]
        try meet(members)
        try members[1].node.model.set("gone", to: "v")
        try members[1].node.model.set("stays", to: "v")
        try meet(members)
        try members[2].node.model.set("gone", to: nil)
        try meet(members)
        try await compact(members)
        for member in members {
            #expect(member.node.model.values == ["stays": "v"])
            #expect(member.node.model.lastWrite(of: "gone") == nil, "the removal is still there")
            #expect(member.replica.membership?.horizon ?? .zero > .zero)
            try member.restart()
            #expect(member.node.model.values == ["stays": "v"] && member.node.model.lastWrite(of: "gone") == nil)
        }
        let late = try Member(4, time: time)
        try meet([members[0], late])
        #expect(late.node.model.values == ["stays": "v"] && late.node.model.lastWrite(of: "gone") == nil)
        try late.restart()
        #expect(late.node.model.values == ["stays": "v"])
    }

    @Test("T-06: while one member lacks a removal nobody forgets it")
    func waiting() async throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time)]
        try meet(members)
        try members[0].node.model.set("k", to: "v")
        try meet(members)
        try members[0].node.model.set("k", to: nil)
        try meet(Array(members[..<2]))
        try await compact(members)
        #expect(members[..<2].allSatisfy { $0.node.model.lastWrite(of: "k") != nil })
        #expect(members[2].node.model["k"] == "v")
        try meet(members)
        try await compact(members)
        #expect(members.allSatisfy { $0.node.model["k"] == nil && $0.node.model.lastWrite(of: "k") == nil })
    }

    @Test("who was silent for too long is retired; it comes home with what nobody has seen, and without what was deleted")
    func returning() async throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time)]
        try meet(members)
        try members[0].node.model.set("deleted", to: "old")
        try members[0].node.model.set("kept", to: "old")
        try meet(members)
        // Away, it writes what nobody sees.
        try members[2].node.model.set("deleted", to: "mine")
        try members[2].node.model.set("news", to: "early")
        try members[2].node.events.append("while away")
        time.move(wall: 1_000, monotonic: 1_000)
        try members[0].node.model.set("deleted", to: nil)
        try meet(Array(members[..<2]), rounds: 1_400)
        try meet(Array(members[..<2]), rounds: 300)
        #expect(members[0].replica.membership?.members.map(\.origin.rawValue) == [1, 2])
        #expect(members[0].replica.membership?.fences.map(\.origin.rawValue) == [3])
        try await compact(Array(members[..<2]))
        #expect(members[0].node.model.lastWrite(of: "deleted") == nil)
        // Behind the horizon, and nobody ever saw it.
        try members[2].node.model.set("after", to: "late clock or not")
        try meet(members, rounds: 2)
        try meet(members)
        let returner = members[2]
        #expect(returner.replica.membership?.isMember == true && returner.replica.identity.origin.rawValue == 103)
        #expect(returner.replica.identity.epoch == 2)
        try meet(members)
        for member in members {
            #expect(member.node.model["kept"] == "old" && member.node.model["deleted"] == nil)
            #expect(member.node.model["after"] == "late clock or not")
            #expect(member.node.events.events().map(\.value) == ["while away"])
            #expect(member.node.model.values == members[0].node.model.values)
        }
        // What may be older than what was forgotten is somebody's decision.
        #expect(Set(returner.replica.conflicts.map { String(decoding: $0.entry.key, as: UTF8.self) }) == ["deleted", "news"])
        try returner.restart()
        #expect(returner.replica.conflicts.count == 2 && returner.node.model.values == members[0].node.model.values)
        for conflict in returner.replica.conflicts {
            try returner.replica.resolve(conflict, keeping: conflict.entry.key.elementsEqual("news".utf8))
        }
        try meet(members)
        #expect(members[0].node.model["news"] == "early" && returner.replica.conflicts.isEmpty)
        try returner.restart()
        #expect(returner.replica.conflicts.isEmpty && returner.node.model["news"] == "early" && returner.node.model["deleted"] == nil)
    }

    @Test(
        "T-06: the last entry of a retired origin stands for its position alone when what it wrote was deleted: for latecomers, and after a restart"
    )
    func lastOfRetired() async throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time), try Member(3, time: time)]
        try meet(members)
        let sessions = try members[..<2].map { try members[2].replica.start(with: $0.replica) }
        for member in members { _ = member.replica.tick() }
        try members[2].node.model.set("x", to: "its last word")
        for session in sessions { session.close() }
        #expect(members[..<2].allSatisfy { $0.node.model["x"] == "its last word" })
        try meet(Array(members[..<2]), rounds: 1_400)
        try meet(Array(members[..<2]), rounds: 300)
        #expect(members[0].replica.membership?.fences.map(\.origin.rawValue) == [3])
        try members[0].node.model.set("x", to: nil)
        try meet(Array(members[..<2]))
        try await compact(Array(members[..<2]))
        #expect(members[..<2].allSatisfy { $0.node.model.lastWrite(of: "x") == nil })
        let late = try Member(4, time: time)
        try meet([members[0], late])
        try await late.replica.compact()
        for member in [members[0], members[1], late] {
            #expect(member.node.model["x"] == nil)
            try member.restart()
            #expect(member.node.model["x"] == nil, "\(member.replica.identity.origin) remembers")
        }
    }

    @Test("T-06: an old recording brings nothing back that was forgotten since")
    func oldRecording() async throws {
        let members = [try Member(1, founds: true, time: time), try Member(2, time: time)]
        try meet(members)
        try members[0].node.model.set("x", to: "v")
        try members[0].node.model.set("y", to: "v")
        try meet(members)
        let file = RecordedStream()
        try await members[1].replica.replicate(over: file, .dump)
        try members[0].node.model.set("x", to: nil)
        try meet(members)
        try await compact(members)
        #expect(members[0].node.model.lastWrite(of: "x") == nil)
        try await members[0].replica.replicate(over: RecordedStream(file.written), .readOnly)
        #expect(members[0].node.model.values == ["y": "v"])
        try members[0].restart()
        #expect(members[0].node.model.values == ["y": "v"])
    }

    // MARK: - Links and disks

    private func rules(_ number: UInt64, acknowledgement: Duration) -> MemberRules {
        MemberRules(start: number == 1 ? .founds : .joins, floor: .zero, acknowledgement: acknowledgement)
    }

    @Test(
        "T-06: over links that lose, double, damage and reorder packets members join and forget as well", arguments: 0..<6 as Range<UInt64>)
    func lossy(seed: UInt64) async throws {
        let world = SteppedReplicas()
        let networks = [world.network(seed, .datagrams), world.network(seed + 100, .datagrams)]
        let nodes = try (1...3 as ClosedRange<UInt64>).map { number in
            try MemberNode(
                MemoryReplicaStore(), rules(number, acknowledgement: .seconds(1)), { OriginID(rawValue: number) }, world.now)
        }
        for node in nodes { world.add(node.replica) }
        for (left, network) in networks.enumerated() {
            let (near, far) = network.pair(delivery: .lossy)
            try nodes[left].replica.start(over: near)
            try nodes[left + 1].replica.start(over: far)
        }
        #expect(world.run { nodes.allSatisfy { $0.replica.membership?.members.count == 3 && $0.replica.membership?.isMember == true } })
        for index in 0..<40 { try nodes[index % 3].model.set("k\(index % 10)", to: index < 30 ? "\(index)" : nil) }
        try nodes[2].model.set("stays", to: "v")
        #expect(world.run { nodes.allSatisfy { $0.model.values == ["stays": "v"] } })
        #expect(
            world.run {
                nodes.allSatisfy { node in
                    let cut = node.replica.membership?.cut ?? CausalContext()
                    return node.model.history(since: CausalContext()).allSatisfy { !$0.isRemoval || cut.covers($0.dot) }
                }
            })
        for node in nodes { try await node.replica.compact() }
        #expect(nodes.allSatisfy { $0.model.values == ["stays": "v"] && $0.model.lastWrite(of: "k1") == nil })
        #expect(networks.allSatisfy { $0.faults.lost > 0 })
    }

    @Test("T-06: with stores that block, and over streams, members join, forget and are the same when they are opened again")
    func blocking() async throws {
        let pool = try BlockingPool(threads: 2)
        let engines = (0..<3).map { _ in MemoryMetadataEngine() }
        func open(_ engines: [MemoryMetadataEngine]) throws -> [MemberNode] {
            try zip(1...3 as ClosedRange<UInt64>, engines).map { number, engine in
                try MemberNode(
                    EngineReplicaStore(engine: engine, prefix: [7]), rules(number, acknowledgement: .milliseconds(20)),
                    { OriginID(rawValue: number) }, ReplicaConfiguration.systemTime, executor: pool, ticksByItself: true)
            }
        }
        let nodes = try open(engines)
        for right in 1...2 {
            let (near, far) = MemoryDuplexStream.pair()
            try nodes[0].replica.start(over: near)
            try nodes[right].replica.start(over: far)
        }
        try await until("all are members") {
            nodes.allSatisfy { $0.replica.membership?.members.count == 3 && $0.replica.membership?.isMember == true }
        }
        for index in 0..<40 { try nodes[index % 3].model.set("k\(index % 10)", to: index < 30 ? "\(index)" : nil) }
        try nodes[2].model.set("stays", to: "v")
        try await until("the removals are everywhere") { nodes.allSatisfy { $0.model.values == ["stays": "v"] } }
        try await until("they are forgotten") {
            for node in nodes { try await node.replica.compact() }
            return nodes.allSatisfy { node in (0..<10).allSatisfy { node.model.lastWrite(of: "k\($0)") == nil } }
        }
        for node in nodes { await node.replica.dispose() }
        for node in try open(engines.map { $0.crash() }) {
            #expect(node.model.values == ["stays": "v"] && node.replica.membership?.isMember == true)
        }
        await pool.shutdown()
    }

    // MARK: - Simulation

    @Test(
        "T-06: however members meet, stay away, crash and lose disks, nothing deleted returns and nothing written is lost",
        arguments: seeds)
    func simulation(_ seed: UInt64) async throws {
        let simulation = try MembersSimulation(seed: seed)
        try await simulation.run(steps: 300)
        #expect(simulation.problems == [], "seed \(seed): \(simulation.faults)")
    }

    @Test("two runs of a seed are one, and the seeds meet all faults")
    func determinism() async throws {
        var digests: [UInt64] = []
        for _ in 0..<2 {
            let simulation = try MembersSimulation(seed: 7)
            try await simulation.run(steps: 300)
            digests.append(simulation.digest)
        }
        #expect(digests[0] == digests[1])
        var faults: [String: Int] = [:]
        for seed in 1...12 as ClosedRange<UInt64> {
            let simulation = try MembersSimulation(seed: seed)
            try await simulation.run(steps: 300)
            faults.merge(simulation.faults, uniquingKeysWith: +)
        }
        let wanted = [
            "removal", "forgotten", "crash", "power cut", "power cut of one that is away", "lost disk", "restored copy", "clock", "absence",
            "retired", "decided",
        ]
        for fault in wanted {
            #expect(faults[fault] ?? 0 > 0, "no \(fault): \(faults)")
        }
    }
}
