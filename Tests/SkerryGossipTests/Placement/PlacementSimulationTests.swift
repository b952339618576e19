import Glibc
import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Members that place keys, over networks and disks that fail, from seeds; ``PlacementWorld`` states the fault model.
///
/// `SKERRY_SEED=7 SKERRY_RUNS=100 swift test --filter SkerryGossipTests.PlacementSimulationTests` runs seeds 7 to 106; `SKERRY_SOAK=1` runs 20,000 seeds.
@Suite("Simulation of placement")
struct PlacementSimulationTests {
    private static func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }
    private static let isSoaking = number("SKERRY_SOAK") == 1
    private static let first = number("SKERRY_SEED") ?? 1
    private static let runs = number("SKERRY_RUNS") ?? (isSoaking ? 20_000 : 200)

    /// Cluster, quorum and faults of a seed.
    static func make(_ seed: UInt64, _ defects: PlacementDefects = []) -> PlacementRun {
        var options = PlacementWorld.Options()
        options.nodes = seed % 200 == 100 ? 20 : seed % 10 == 8 ? 7 : 3 + Int(seed % 3)
        options.zones = [1, 1, 3][Int(seed / 2 % 3)]
        options.lossPercent = [0, 2, 10][Int(seed / 3 % 3)]
        (options.quorum.copies, options.quorum.readQuorum, options.quorum.writeQuorum) =
            [(3, 2, 2), (3, 1, 3), (3, 3, 1), (2, 1, 2), (3, 1, 1)][
                Int(seed / 5 % 5)]
        options.quorum.isSloppy = seed % 2 == 0
        options.defects = defects
        // Some with so many keys that a comparison takes several frames.
        return PlacementRun(seed: seed, options, changesRing: seed % 4 == 0, isFull: seed % 50 == 32)
    }

    @Test(
        "T-15, T-16: whatever fails, what W acknowledged is read with R where R + W > N, nothing is lost, homes agree, siblings surface and a merge collapses them",
        arguments: [0, 1] as [UInt64])
    func seeds(_ half: UInt64) {
        var faults = PlacementWorld.Faults()
        var (writes, reads, strict, siblings, refusals) = (0, 0, 0, 0, 0)
        var (statistics, frames) = (PlacementStatistics(), 0)
        for seed in Self.first..<Self.first + Self.runs where seed % 2 == half {
            let run = Self.make(seed)
            run.run(operations: 40)
            #expect(
                run.problems.isEmpty,
                "seed \(seed): \(run.problems.prefix(5).joined(separator: "\n"))\nSKERRY_SEED=\(seed) SKERRY_RUNS=1 swift test --filter SkerryGossipTests.PlacementSimulationTests"
            )
            faults += run.world.faults
            frames = max(frames, run.world.framesMaximum)
            writes += run.writes.count { $0.isAcknowledged }
            reads += run.reads
            siblings += run.siblingsSeen
            refusals += run.refusals
            if run.isStrict { strict += run.reads }
            let own = run.world.statistics
            #expect(own.violations == 0)
            statistics.hintsDelivered += own.hintsDelivered
            statistics.repairs += own.repairs
            statistics.copiesTransferred += own.copiesTransferred
            statistics.writesForwarded += own.writesForwarded
            statistics.copiesDropped += own.copiesDropped
        }
        print(
            "half \(half) of \(Self.runs) seeds: \(writes) writes acknowledged, \(reads) reads (\(strict) with strict quorums), \(refusals) refusals,",
            "\(siblings) reads of siblings, \(statistics.hintsDelivered) hints delivered, \(statistics.repairs) repairs,",
            "\(statistics.copiesTransferred) copies by comparison, \(statistics.copiesDropped) dropped, \(statistics.writesForwarded) writes forwarded,",
            "up to \(frames) frames in a comparison; \(faults)")
        guard Self.runs >= 100 else { return }
        #expect(writes > 600 && reads > 400 && siblings > 100)
        #expect(faults.crashes > 50 && faults.crashesBeforeCommit > 10 && faults.cuts > 30 && faults.lost > 100)
        #expect(statistics.hintsDelivered > 50 && statistics.repairs > 3 && statistics.copiesTransferred > 50)
        // More than a list and its answer: what a crash or a loss amid a comparison leaves is among what happened.
        #expect(half == 1 ? strict > 300 : faults.joins > 10 && faults.leaves > 5 && frames > 2 && statistics.copiesDropped > 20)
    }

    @Test("two runs of a seed are the same run", arguments: [4, 8, 31] as [UInt64])
    func replay(_ seed: UInt64) {
        let traces = (0..<2).map { _ in
            let run = Self.make(seed)
            run.run(operations: 40)
            return run.trace
        }
        #expect(traces[0] == traces[1])
    }

    private static func key(_ index: Int) -> [UInt8] { Array("key \(index)".utf8) }

    /// A world without faults in which so many keys are written.
    private static func filled(_ keys: Int, _ options: PlacementWorld.Options, seed: UInt64 = 1) -> PlacementWorld {
        let world = PlacementWorld(seed: seed, options)
        world.run(for: 3_000) { world.isSettled }
        for index in 0..<keys { _ = world.write(key(index), [UInt8(index % 256)], replacing: CausalContext(), at: index % options.nodes) }
        world.run(for: 3_000)
        return world
    }

    @Test("T-10: when a member joins, the share of the keys that is its own moves, and nothing else")
    func join() {
        var options = PlacementWorld.Options()
        options.nodes = 10
        let world = Self.filled(400, options)
        let (before, old) = (world.map, world.statistics.copiesTransferred)
        world.join()
        world.run(for: 20_000) { world.isSettled }
        #expect(world.isSettled)
        let own = (0..<400).filter { world.map.homes(of: PlacementRing.position(of: Self.key($0))).contains(MemberID(rawValue: 11)) }
        let held = (0..<400).filter { !world.copy(of: Self.key($0), at: 10).values.isEmpty }
        #expect(held == own, "the new member holds what it is a home of, and nothing else")
        // A share of 3 / 11 on average.
        #expect(own.count > 400 * 2 / 11 && own.count < 400 * 4 / 11, "\(own.count) keys")
        for index in 0..<400 {
            let position = PlacementRing.position(of: Self.key(index))
            let homes = world.map.homes(of: position)
            #expect(Set(homes).subtracting(before.homes(of: position)).isSubset(of: [MemberID(rawValue: 11)]))
        }
        let moved = Int(world.statistics.copiesTransferred - old)
        print("a member joins ten: \(own.count) of 400 keys are its own, \(moved) copies were sent")
        #expect(moved >= own.count && moved <= 3 * own.count, "\(moved) copies for \(own.count) keys")
    }

    @Test("T-10: who is no home of a key any more drops it when all homes have it, and while one of them is away keeps it")
    func drop() {
        let (kept, dropped, moved, isExact) = Self.dropped()
        #expect(kept, "the new member is away: nothing is dropped")
        #expect(isExact && moved > 30 && dropped == moved, "\(dropped) copies dropped for \(moved) keys that moved")
    }

    /// A member joins six and is away for a while.
    ///
    /// - Returns: whether all former homes kept their copies meanwhile; copies dropped and keys with another home; whether the homes and nobody else hold the keys.
    static func dropped(_ defects: PlacementDefects = []) -> (kept: Bool, dropped: Int, moved: Int, isExact: Bool) {
        var options = PlacementWorld.Options()
        (options.nodes, options.defects) = (6, defects)
        let world = filled(120, options)
        func holders(_ index: Int) -> Set<Int> { Set(world.living.filter { !world.copy(of: key(index), at: $0).values.isEmpty }) }
        func homes(_ index: Int) -> Set<Int> {
            Set(world.map.homes(of: PlacementRing.position(of: key(index))).map { Int($0.rawValue) - 1 })
        }
        let before = (0..<120).map(homes)
        world.join()
        world.crash(6)
        world.run(for: 30_000)
        let kept = (0..<120).allSatisfy { holders($0).isSuperset(of: before[$0]) }
        world.start(6)
        world.run(for: 30_000) { (0..<120).allSatisfy { holders($0) == homes($0) } }
        return (
            kept, Int(world.statistics.copiesDropped), (0..<120).count { homes($0) != before[$0] },
            (0..<120).allSatisfy { holders($0) == homes($0) }
        )
    }

    @Test("T-14: members that differ in few keys exchange those alone, in messages that grow with the difference and not with the keys")
    func comparison() {
        #expect(Self.compared(differing: 20).transferred == 20)
        let (few, many) = (Self.compared(differing: 2), Self.compared(differing: 200))
        #expect(few.transferred == 2 && many.transferred == 200)
        print("1,200 keys compared: \(few.bytes) bytes for 2 differences, \(many.bytes) for 200")
        #expect(few.bytes * 4 < many.bytes)
    }

    /// Two members with 1,200 keys, of which the first holds a newer copy of some.
    static func compared(differing: Int, _ defects: PlacementDefects = []) -> (transferred: Int, bytes: Int) {
        var options = PlacementWorld.Options()
        (options.nodes, options.defects) = (2, defects)
        (options.quorum.copies, options.quorum.readQuorum, options.quorum.writeQuorum) = (2, 1, 1)
        let world = PlacementWorld(seed: 1, options)
        for index in 0..<1_200 {
            var copy = Siblings()
            copy.write([1], replacing: CausalContext(), as: Dot(origin: OriginID(rawValue: 7), sequence: 1))
            for resident in world.residents { _ = resident.live?.core.store.merge(copy, into: key(index)) }
            copy.write([2], replacing: copy.context, as: Dot(origin: OriginID(rawValue: 7), sequence: 2))
            if index < differing { _ = world.residents[0].live?.core.store.merge(copy, into: key(index)) }
        }
        world.run(for: 10_000) { world.isSettled && (0..<differing).allSatisfy { world.copy(of: key($0), at: 1).values == [[2]] } }
        let news = (0..<differing).count { world.copy(of: key($0), at: 1).values == [[2]] }
        // Of a key of which both hold something, each side sends its own.
        let sent = Int(world.statistics.copiesTransferred)
        guard news == differing else { return (-1, world.bytesSent) }
        return (sent <= 2 * differing ? differing : sent, world.bytesSent)
    }

    @Test("T-18: with a slow member the 99th percentile of reads stays that of the others, and would not if nobody else were asked")
    func tail() {
        let (hedged, waiting) = (Self.tail([]), Self.tail(.neverHedges))
        print("one of five members answers after 400 ms: 99 of 100 reads within \(hedged) ms, without a further question \(waiting) ms")
        #expect(hedged < 120 && waiting >= 400)
    }

    static func tail(_ defects: PlacementDefects) -> UInt64 {
        var options = PlacementWorld.Options()
        (options.slow, options.defects) = ((member: 2, by: 400), defects)
        let world = filled(40, options)
        var (began, latencies): ([UInt64: UInt64], [UInt64]) = ([:], [])
        world.answered = { ticket, _ in latencies.append(world.now - (began[ticket] ?? world.now)) }
        for index in 0..<300 {
            let ticket = world.read(key(index % 40), at: [0, 1, 3, 4][index % 4])
            began[ticket] = world.now
            world.run(for: 20)
        }
        world.run(for: 3_000)
        return latencies.sorted()[latencies.count * 99 / 100]
    }
}
