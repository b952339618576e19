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
        runner.begin()
        let guest = runner.nodes[3]
        let hosts = runner.nodes.dropLast()
        hosts.first?.publish(.write, [5], [1])
        guest.loseDisk()
        // Its clock is an hour behind, so that it refuses what it is given until the others have given it up.
        guest.wallOffset = -3_600_000
        guest.start()
        let origin = guest.origin
        let isRetired = { hosts.allSatisfy { $0.retention.isFenced(origin) } }
        runner.world.run(until: runner.world.now + 60_000, isDone: isRetired)
        #expect(isRetired() && guest.needsHome)
        guest.wallOffset = 0
        runner.world.run(until: runner.world.now + 60_000, isDone: { !guest.needsHome && guest.table[[5]] == [1] })
        #expect(!guest.needsHome && guest.origin != origin && guest.table[[5]] == [1])
        #expect(runner.world.problems == [])
    }

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
        Case(testDescription: "a removal of what nobody holds", origin: 2, stamp: 60, isRemoval: true, verdict: .deleted),
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
