import SkerryCRDT
import Testing

@testable import SkerryGossip

@Suite("A member that places keys")
struct PlacementCoreTests {
    static let key: [UInt8] = [1]

    /// A small world without faults, and what became of tickets in it.
    private final class Scene {
        let world: PlacementWorld
        private(set) var results: [UInt64: Result<Siblings, PlacementError>] = [:]

        init(_ options: PlacementWorld.Options = PlacementWorld.Options(), seed: UInt64 = 1) {
            world = PlacementWorld(seed: seed, options)
            world.answered = { [unowned self] in results[$0] = $1 }
            world.run(for: 3_000) { [world] in world.isSettled }
        }

        private let key = PlacementCoreTests.key

        func write(_ value: [UInt8]?, replacing seen: CausalContext = CausalContext(), at index: Int) -> Result<Siblings, PlacementError>? {
            let ticket = world.write(key, value, replacing: seen, at: index)
            world.run(for: 3_000) { self.results[ticket] != nil }
            return results[ticket]
        }

        func read(at index: Int) -> Siblings? {
            let ticket = world.read(key, at: index)
            world.run(for: 3_000) { self.results[ticket] != nil }
            return try? results[ticket]?.get()
        }

        var homes: [Int] { world.map.homes(of: PlacementRing.position(of: key)).map { Int($0.rawValue) - 1 } }
        var standIns: [Int] { world.members.filter { !homes.contains($0) } }
    }

    @Test("T-16: a write while a home is down is kept by a stand-in, also over its crash, and handed over when the home is back")
    func handOff() throws {
        var options = PlacementWorld.Options()
        (options.compareInterval, options.settleInterval) = (10_000_000, 10_000_000)
        let problems = Self.handOffProblems(options)
        #expect(problems.isEmpty, "\(problems)")
    }

    static func handOffProblems(_ options: PlacementWorld.Options) -> [String] {
        let scene = Scene(options)
        let world = scene.world
        var problems: [String] = []
        let home = scene.homes[1]
        world.crash(home)
        if (try? scene.write([7], at: scene.homes[0])?.get()) == nil { problems.append("the write failed") }
        world.run(for: 3_000)
        if world.statistics.hintsKept != 1 { problems.append("\(world.statistics.hintsKept) hints") }
        for index in world.living {
            world.crash(index)
            world.start(index)
        }
        // Lost on its way, it must be sent again.
        world.isolate([home])
        world.start(home)
        world.run(for: 2_500)
        world.cut([])
        world.run(for: 4_000)
        if world.copy(of: key, at: home).values != [[7]] { problems.append("the home has not got it") }
        if world.residents.contains(where: { ($0.live?.core.hintCount ?? 0) > 0 }) { problems.append("hints stay") }
        return problems
    }

    @Test("T-16: with fewer members than copies and stand-ins the coordinator keeps the hint, which does not count")
    func noStandIn() throws {
        var options = PlacementWorld.Options()
        options.nodes = 3
        let scene = Scene(options)
        scene.world.crash(2)
        #expect(try scene.write([7], at: 0)?.get().values == [[7]])
        #expect(scene.world.residents[0].live?.core.hintCount == 1)
        scene.world.crash(1)
        let seen = scene.read(at: 0)
        #expect(seen == nil, "one of two that are needed")
        guard case .failure(let error)? = scene.write([8], at: 0) else {
            Issue.record("a write at one of two that are needed succeeded")
            return
        }
        #expect(error == PlacementError(.unavailable, answers: 1))
    }

    @Test("T-16: a read mends a home that was behind, without a comparison")
    func repair() {
        #expect(Self.repaired([]))
    }

    static func repaired(_ defects: PlacementDefects) -> Bool {
        var options = PlacementWorld.Options()
        (options.compareInterval, options.nodes, options.defects) = (10_000_000, 3, defects)
        options.quorum.readQuorum = 3
        let scene = Scene(options)
        var copy = Siblings()
        copy.write([5], replacing: CausalContext(), as: Dot(origin: OriginID(rawValue: 5), sequence: 1))
        _ = scene.world.residents[1].live?.core.store.merge(copy, into: key)
        _ = scene.read(at: 0)
        scene.world.run(for: 1_000)
        return (0..<3).allSatisfy { scene.world.copy(of: key, at: $0).values == [[5]] }
    }

    @Test("T-16: a stand-in answers a read from the hint it keeps")
    func hintRead() {
        #expect(Self.readsHint([]))
    }

    static func readsHint(_ defects: PlacementDefects) -> Bool {
        var options = PlacementWorld.Options()
        (options.compareInterval, options.nodes, options.defects) = (10_000_000, 6, defects)
        let scene = Scene(options)
        for home in scene.homes { scene.world.crash(home) }
        scene.world.markDown(scene.homes)
        _ = scene.write([9], at: scene.standIns[0])
        scene.world.run(for: 3_000)
        // Whoever coordinated keeps a copy of its own; the others have hints.
        for index in scene.standIns where !scene.world.copy(of: key, at: index).isEmpty { scene.world.crash(index) }
        guard let reader = scene.standIns.first(where: { scene.world.residents[$0].live != nil }) else { return false }
        return scene.read(at: reader)?.values == [[9]]
    }

    @Test("T-15: a context that nobody gave out replaces nothing, now or later")
    func forgedContext() {
        #expect(Self.survivesForgery([]))
    }

    static func survivesForgery(_ defects: PlacementDefects) -> Bool {
        var options = PlacementWorld.Options()
        (options.nodes, options.defects) = (3, defects)
        options.quorum.writeQuorum = 1
        let scene = Scene(options)
        let forged = CausalContext(covering: scene.world.residents.map { Dot(origin: $0.disk.origin, sequence: 1_000) })
        scene.world.isolate([1])
        _ = scene.write([1], replacing: forged, at: 0)
        _ = scene.write([2], at: 1)
        scene.world.run(for: 3_000)
        scene.world.cut([])
        scene.world.run(for: 10_000)
        return scene.read(at: 2)?.values.sorted { $0[0] < $1[0] } == [[1], [2]]
    }

    @Test("T-11, T-16: hints for a member that left go to the new homes")
    func leaver() {
        #expect(Self.survivesLeaving([]))
    }

    static func survivesLeaving(_ defects: PlacementDefects) -> Bool {
        var options = PlacementWorld.Options()
        (options.nodes, options.defects, options.compareInterval) = (4, defects, 1_000)
        options.quorum.writeQuorum = 1
        let scene = Scene(options)
        let (homes, standIn) = (scene.homes, scene.standIns[0])
        // Only the stand-in lives when it is written: it coordinates, and keeps hints for all three.
        for home in homes { scene.world.crash(home) }
        scene.world.markDown(homes)
        _ = scene.write([3], at: standIn)
        scene.world.run(for: 3_000)
        scene.world.leave(homes[0])
        scene.world.run(for: 2_000)
        scene.world.start(homes[1])
        scene.world.start(homes[2])
        scene.world.markDown([])
        scene.world.run(for: 20_000)
        return scene.homes.allSatisfy { scene.world.copy(of: key, at: $0).values == [[3]] }
            && scene.world.residents[standIn].live?.core.hintCount == 0
    }

    @Test("T-15: who dropped a key and coordinates it again replaces nothing that it has not seen")
    func droppedAndWritten() {
        #expect(Self.survivesDropping([]))
    }

    static func survivesDropping(_ defects: PlacementDefects) -> Bool {
        var options = PlacementWorld.Options()
        (options.defects, options.compareInterval) = (defects, 1_000)
        options.quorum.writeQuorum = 1
        let scene = Scene(options)
        let (world, former) = (scene.world, scene.homes[2])
        guard let first = try? scene.write([1], at: former)?.get(), first.values == [[1]] else { return false }
        while scene.homes.contains(former), world.members.count < 40 { world.join() }
        world.run(for: 60_000) { world.copy(of: key, at: former).context.dots.isEmpty }
        guard !scene.homes.contains(former), world.copy(of: key, at: former).context.dots.isEmpty else { return false }
        // Nobody else is there to be asked.
        let others = world.living.filter { $0 != former }
        for other in others { world.crash(other) }
        world.markDown(others)
        guard case .success = scene.write([2], at: former) else { return false }
        for other in others { world.start(other) }
        world.markDown([])
        world.run(for: 30_000) { world.isSettled && Set(scene.homes.map { world.copy(of: key, at: $0) }).count == 1 }
        return scene.homes.allSatisfy { Set(world.copy(of: key, at: $0).values) == [[1], [2]] }
    }

    @Test("what is too much is refused and said: keys, values, siblings, requests")
    func bounds() throws {
        let scene = Scene()
        var output = PlacementOutput()
        let long = [UInt8](repeating: 1, count: PlacementLimits.keyBytesMaximum + 1)
        let live = try #require(scene.world.residents[0].live)
        live.core.read(long, ticket: 900, now: 0, into: &output)
        live.core.write([], [1], replacing: CausalContext(), ticket: 901, now: 0, into: &output)
        live.core.write(
            Self.key, [UInt8](repeating: 0, count: PlacementLimits.valueBytesMaximum + 1), replacing: CausalContext(), ticket: 902, now: 0,
            into: &output)
        #expect(output.answers.map(\.result) == Array(repeating: .failure(PlacementError(.tooLarge)), count: 3))
        for index in 0..<PlacementLimits.siblingsMaximum { _ = scene.write([UInt8(index)], at: scene.homes[0]) }
        #expect(scene.write([99], at: scene.homes[0]) == .failure(PlacementError(.tooManySiblings)))
        let copy = try #require(scene.read(at: 0))
        #expect(copy.values.count == PlacementLimits.siblingsMaximum)
        #expect(try scene.write([100], replacing: copy.context, at: scene.homes[0])?.get().values == [[100]])
        output.removeAll()
        for ticket in 0..<2_000 as Range<UInt64> { live.core.read(Self.key, ticket: ticket, now: scene.world.now, into: &output) }
        #expect(output.answers.contains { $0.result == .failure(PlacementError(.busy)) })
    }

    @Test("T-10: a ring has one place for each key, whatever the number of keys")
    func places() {
        // A tree knows 65,536 origins: the place of a key must not take one.
        #expect((0..<1_000).allSatisfy { PlacementRing.place(of: Array("\($0)".utf8)).origin.rawValue == 0 })
        let place = PlacementRing.place(of: Self.key)
        #expect(place.stamp.rawValue == PlacementRing.position(of: Self.key) && place.sequence < ReconciliationTree.sequenceLimit)
        let map = PlacementMap(
            PlacementRing((1...7).map { PlacementRing.Node(member: MemberID(rawValue: $0), zone: "\($0 % 3)") }), copies: 3)
        let kept = map.ring.nodes.map { ($0.member, map.places(keptBy: $0.member)) }
        for index in 0..<500 {
            let position = PlacementRing.position(of: Array("\(index)".utf8))
            let homes = map.ring.preferenceList(for: position, count: 3).prefix(3)
            #expect(map.homes(of: position) == Array(homes) && map.ring.homes(for: position, count: 3) == Array(homes))
            let place = PlacementRing.place(of: Array("\(index)".utf8))
            for (member, places) in kept { #expect(places.contains { $0.contains(place) } == homes.contains(member)) }
        }
        for range in [0...0, 5...9, UInt64.max...UInt64.max] as [ClosedRange<UInt64>] {
            let places = PlacementRing.places(of: range)
            #expect(places.contains(WriteKey(startOf: HybridTimestamp(rawValue: range.upperBound))))
        }
    }
}
