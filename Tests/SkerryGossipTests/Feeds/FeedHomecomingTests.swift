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
}
