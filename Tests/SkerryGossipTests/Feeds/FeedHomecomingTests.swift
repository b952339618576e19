import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Ways home that the seeds of the simulation take seldom.
@Suite("Coming home")
struct FeedHomecomingTests {
    @Test(
        "who is retired before it came home asks again under another origin, and comes home",
        arguments: [1, 2, 3, 811] as [UInt64])
    func retiredOnTheWay(_ seed: UInt64) {
        let runner = FeedRunner(seed: seed, isCalm: true, isForged: false, nodes: 4)
        runner.extraLinks = [(0, 1), (1, 2), (0, 3)]
        runner.begin()
        let guest = runner.nodes[3]
        /// Where it reaches several it asks each under another origin.
        func reachesOne(_ isCut: Bool) {
            for other in [1, 2] {
                runner.setCut(isCut, other, 3)
                runner.setCut(isCut, 3, other)
            }
        }
        let hosts = runner.nodes.dropLast()
        hosts.first?.publish(.write, [5], [1])
        guest.loseDisk()
        // Its clock is an hour behind, so that it refuses what it is given until the others have given it up.
        guest.wallOffset = -3_600_000
        reachesOne(true)
        guest.start()
        let origin = guest.origin
        let isRetired = { hosts.allSatisfy { $0.retention.isFenced(origin) } }
        runner.world.run(until: runner.world.now + 60_000, isDone: isRetired)
        #expect(isRetired() && guest.needsHome)
        guest.wallOffset = 0
        reachesOne(false)
        runner.world.run(until: runner.world.now + 60_000, isDone: { !guest.needsHome && guest.table[[5]] == [1] })
        #expect(!guest.needsHome && guest.origin != origin && guest.table[[5]] == [1])
        #expect(runner.world.problems == [])
    }

    /// A minority registers somebody whom the others never count, who writes under a key that the others then delete and forget.
    private func stranger(_ seed: UInt64, _ defects: FeedDefects) -> (runner: FeedRunner, isBack: Bool, isHome: Bool) {
        let runner = FeedRunner(seed: seed, defects: defects, isCalm: true, isForged: false, nodes: 5)
        runner.extraLinks = [(0, 1), (1, 2), (3, 4), (0, 4), (0, 3)]
        runner.begin()
        let (world, guest) = (runner.world, runner.nodes[4])
        let (minority, majority) = ([3, 4], [0, 1, 2])
        runner.nodes[0].publish(.write, [5], [1])
        world.run(until: world.now + 3_000)
        guest.loseDisk()
        for one in minority {
            for other in majority {
                runner.setCut(true, one, other)
                runner.setCut(true, other, one)
            }
        }
        guest.start()
        world.run(until: world.now + 20_000, isDone: { !guest.needsHome })
        let origin = guest.origin
        guest.publish(.write, [7], [1])
        world.run(until: world.now + 500)
        runner.nodes[1].publish(.removal, [7], [])
        let others = majority.map { runner.nodes[$0] }
        let isForgotten = {
            others.allSatisfy { $0.retention.isFenced(runner.nodes[3].origin) && $0.retention.horizon > .zero && $0.table.rows[[7]] == nil }
        }
        world.run(until: world.now + 60_000, isDone: isForgotten)
        world.check(isForgotten() && !guest.needsHome && guest.origin == origin, "the majority did not forget")
        for one in minority {
            for other in majority {
                runner.setCut(false, one, other)
                runner.setCut(false, other, one)
            }
        }
        var isBack = false
        let isHome = {
            guest.isUp && !guest.needsHome && guest.origin != origin && others.allSatisfy { $0.retention.isMember(guest.origin) }
        }
        world.run(until: world.now + 60_000) {
            isBack = isBack || others.contains { $0.table[[7]] != nil }
            return isBack || isHome()
        }
        return (runner, isBack, isHome())
    }

    @Test(
        "what a joiner wrote whom a retired minority registered does not bring a deleted key back, and the joiner comes home",
        arguments: 1...4 as ClosedRange<UInt64>)
    func stranger(_ seed: UInt64) {
        let (runner, isBack, isHome) = stranger(seed, [])
        #expect(runner.world.problems == [])
        #expect(!isBack, "a deleted key is back")
        #expect(isHome, "the joiner did not come home")
        #expect(runner.world.faults.counts["stranger", default: 0] > 0 && runner.world.faults.counts["orphan", default: 0] > 0)
    }

    #if DEBUG
    @Test("taking what strangers wrote is found", arguments: 1...4 as ClosedRange<UInt64>)
    func strangersAdmitted(_ seed: UInt64) { #expect(stranger(seed, .strangersAdmitted).isBack) }
    #endif

    /// An entry of a returner, and what becomes of it. Origin 1 is the host and live, 2 is a former self, 3 is another site's and retired.
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var origin: UInt64
        var stamp: UInt64
        var isRemoval = false
        var isApplied = false
        var holdsLog = true
        var current: UInt64?
        var verdict: Homecoming.Verdict
    }

    /// The horizon is 50.
    static let cases: [Case] = [
        Case(testDescription: "own news of a key that the cluster does not hold", origin: 2, stamp: 60, verdict: .news),
        Case(testDescription: "own news at the horizon", origin: 2, stamp: 50, verdict: .late),
        Case(testDescription: "own news behind the horizon", origin: 2, stamp: 40, verdict: .late),
        Case(
            testDescription: "own news behind the horizon that supersedes what is there", origin: 2, stamp: 40, current: 30, verdict: .news),
        Case(testDescription: "own entry that something supersedes", origin: 2, stamp: 60, current: 70, verdict: .known),
        Case(testDescription: "an entry that the cluster had and has no more", origin: 2, stamp: 60, isApplied: true, verdict: .deleted),
        Case(
            testDescription: "an entry that the cluster had, and a later one", origin: 2, stamp: 60, isApplied: true, current: 70,
            verdict: .known),
        Case(testDescription: "a removal of what only others may hold", origin: 2, stamp: 60, isRemoval: true, verdict: .news),
        Case(testDescription: "such a removal behind the horizon", origin: 2, stamp: 40, isRemoval: true, verdict: .late),
        Case(testDescription: "an entry of a live member that the log holds", origin: 1, stamp: 40, verdict: .underway),
        Case(
            testDescription: "an entry of a live member that the log does not hold", origin: 1, stamp: 60, holdsLog: false, verdict: .late),
        Case(testDescription: "an entry of a retired site", origin: 3, stamp: 60, verdict: .late),
    ]

    private func home(_ given: Case) -> (home: Homecoming, row: KeyTable.Row, current: KeyTable.Row?) {
        let id = { (number: UInt64) in OriginID(rawValue: number) }
        var retention = Retention(floor: 0)
        retention.apply(
            .register(origin: id(1), site: 1, epoch: 1), dot: Dot(origin: id(1), sequence: 0), own: id(1), applied: CausalContext())
        retention.dropped(HybridTimestamp(rawValue: 50))
        let dot = Dot(origin: id(given.origin), sequence: 5)
        let home = Homecoming(
            applied: CausalContext(covering: given.isApplied ? [dot] : []), retention: retention, formerSelves: [id(2)],
            holdsLog: { _ in given.holdsLog })
        let row = { (dot: Dot, stamp: UInt64, isRemoval: Bool) in
            KeyTable.Row(dot: dot, stamp: HybridTimestamp(rawValue: stamp), isRemoval: isRemoval, value: [])
        }
        let current = given.current.map { row(Dot(origin: id(1), sequence: 9), $0, false) }
        return (home, row(dot, given.stamp, given.isRemoval), current)
    }

    @Test("each entry of a returner is judged by what the cluster had and has, and by the horizon", arguments: cases)
    func verdict(_ given: Case) {
        let (home, row, current) = home(given)
        #expect(home.verdict(row, current: current) == given.verdict)
    }

    #if DEBUG
    @Test("ignoring the horizon is found")
    func horizonIgnored() {
        let differing = Self.cases.filter { given in
            var (home, row, current) = home(given)
            home.defects = .horizonIgnored
            return home.verdict(row, current: current) != given.verdict
        }
        #expect(differing.contains { $0.verdict == .late })
    }
    #endif
}
