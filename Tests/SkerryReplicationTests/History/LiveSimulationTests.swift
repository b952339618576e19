import Glibc
import Testing

@testable import SkerryMerge
@testable import SkerryReplication

@Suite("Simulated live objects")
struct LiveSimulationTests {
    /// Seeds of the short form, and of the long one (`SKERRY_SOAK=1`).
    private static let seeds = getenv("SKERRY_SOAK") == nil ? 0..<120 : 0..<4_000

    /// What failed of some seeds.
    private static func failures(_ seeds: Range<Int>, looksAgain: Bool = true, _ coverage: inout LiveSimulation.Coverage) -> [String] {
        var failures: [String] = []
        for seed in seeds {
            do {
                var simulation = try LiveSimulation(seed: seed, looksAgain: looksAgain)
                try simulation.run()
                coverage.add(simulation.coverage)
            } catch {
                failures.append("seed \(seed): \(error)")
            }
        }
        return failures
    }

    @Test(
        "G-09: live objects that are edited, cut off, restarted and linked with others come to one value, and lose nothing but by the policy"
    )
    func converges() {
        var coverage = LiveSimulation.Coverage()
        let failures = Self.failures(Self.seeds, &coverage)
        #expect(failures.isEmpty, "\(failures.count) of \(Self.seeds.count): \(failures.prefix(5))")
        #expect(coverage.isComplete, "\(coverage)")
        if Self.seeds.count > 1000 { print(coverage) }
    }

    @Test("one seed is one run", arguments: 0..<4)
    func repeats(seed: Int) throws {
        var (first, second) = (try LiveSimulation(seed: seed), try LiveSimulation(seed: seed))
        try first.run()
        try second.run()
        #expect(first.digest == second.digest)
    }

    @Test("the simulation finds an object that yielded and does not look again after its own edit")
    func findsNoSecondLook() {
        var coverage = LiveSimulation.Coverage()
        let failures = Self.failures(2303..<2308, looksAgain: false, &coverage)
        #expect(failures.contains { $0.contains("wait for each other") })
    }

    #if DEBUG
    @Test("the simulation finds news between the two greetings that nobody is told")
    func findsNewsUntold() {
        let failures = HistoryDefects.$current.withValue(.newsBeforeGreetingUntold) {
            var coverage = LiveSimulation.Coverage()
            return Self.failures(0..<40, &coverage)
        }
        #expect(failures.contains { $0.contains("wait for each other") })
    }
    #endif
}
