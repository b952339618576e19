import Glibc
import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Feeds over a network, disks and clocks that fail, from seeds; ``FeedRunner`` states the fault model.
///
/// `SKERRY_SEED=7 SKERRY_RUNS=100 SKERRY_EVENTS=5000 swift test --filter SkerryGossipTests.FeedSimulationTests` runs seeds 7 to 106; `SKERRY_SOAK=1` runs 20,000 seeds of
/// 50,000 events.
@Suite("Simulation of feeds")
struct FeedSimulationTests {
    static func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }
    private static let isSoaking = number("SKERRY_SOAK") == 1
    private static let first = number("SKERRY_SEED") ?? 1
    private static let runs = number("SKERRY_RUNS") ?? (isSoaking ? 20_000 : 300)
    private static let events = Int(number("SKERRY_EVENTS") ?? (isSoaking ? 50_000 : 5_000))

    static func command(_ seed: UInt64) -> String {
        "SKERRY_SEED=\(seed) SKERRY_RUNS=1 swift test --filter SkerryGossipTests.FeedSimulationTests"
    }

    @Test(
        "U-10: whatever fails, replicas end up equal, nothing acknowledged is lost, nothing deleted comes back, nothing acts twice",
        arguments: [0, 1] as [UInt64])
    func seeds(_ half: UInt64) {
        var faults = FeedFaults()
        var (writes, collected, trims) = (0, 0, 0)
        for seed in Self.first..<Self.first + Self.runs where seed % 2 == half {
            let outcome = FeedRunner(seed: seed, events: Self.events).run()
            #expect(outcome.problems.isEmpty, "seed \(seed): \(outcome.problems.joined(separator: "\n"))\n\(Self.command(seed))")
            if Self.runs <= 20 { print("seed \(seed): trace \(outcome.digest), \(outcome.nodes) nodes, \(outcome.writes) writes") }
            faults.merge(outcome.faults)
            writes += outcome.writes
            collected += outcome.collected
            trims += outcome.trims
        }
        print(
            "half \(half) of \(Self.runs) seeds: \(writes) writes, \(collected) tombstones collected, \(trims) trims; \(faults.description)"
        )
        guard Self.runs >= 300 else { return }
        #expect(faults.missing.isEmpty, "never put in: \(faults.missing)")
        #expect(writes > 10_000 && collected > 500 && trims > 500, "the runs did something")
    }

    @Test("a seed gives one trace", arguments: [3, 14, 15, 92] as [UInt64])
    func deterministic(_ seed: UInt64) {
        #expect(
            FeedRunner(seed: seed, events: 2_000).run().digest == FeedRunner(seed: seed, events: 2_000).run().digest,
            "\(Self.command(seed))")
        #expect(FeedRunner(seed: seed, events: 2_000).run().digest != FeedRunner(seed: seed + 1, events: 2_000).run().digest)
    }
}
