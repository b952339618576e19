import Glibc
import Testing

@testable import SkerrySession

/// Sessions over a network that loses, doubles, reorders, damages and interrupts, from seeds; ``Simulation`` states the fault model.
///
/// `SKERRY_SEED=7 SKERRY_RUNS=100 swift test --filter SkerrySessionTests.SimulationTests` runs seeds 7 to 106.
@Suite("Simulation of sessions")
struct SimulationTests {
    private static func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }
    private static let first = number("SKERRY_SEED") ?? 1
    private static let runs = number("SKERRY_RUNS") ?? 200

    private static func command(_ seed: UInt64) -> String {
        "SKERRY_SEED=\(seed) SKERRY_RUNS=1 swift test --filter SkerrySessionTests.SimulationTests"
    }

    @Test(
        "Y-15, N-29: whatever the network does, calls act at most once and in order, elements arrive as sent, credit holds, and all comes to rest"
    )
    func seeds() {
        var faults = NetworkModel.Faults()
        var (calls, elements, sessions, resumptions) = (0, 0, 0, UInt64(0))
        for seed in Self.first..<Self.first + Self.runs {
            let outcome = Simulation(seed: seed).run()
            #expect(outcome.problems.isEmpty, "\(outcome.problems.joined(separator: "\n"))\n\(Self.command(seed))")
            if Self.runs <= 20 { print("seed \(seed): trace \(outcome.digest)") }
            faults.add(outcome.faults)
            calls += outcome.calls
            elements += outcome.elements
            sessions += outcome.sessions
            resumptions += outcome.resumptions
        }
        print("\(Self.runs) seeds: \(calls) calls, \(elements) elements, \(sessions) sessions, \(resumptions) resumptions, \(faults)")
        guard Self.runs >= 200 else { return }
        #expect(faults.missing.isEmpty, "every kind of fault was put in")
        #expect(calls > 10_000 && elements > 10_000 && resumptions > 100, "the runs did something")
    }

    @Test("a seed gives one trace", arguments: [3, 14, 15, 92] as [UInt64])
    func deterministic(_ seed: UInt64) {
        #expect(Simulation(seed: seed).run().digest == Simulation(seed: seed).run().digest, "\(Self.command(seed))")
        #expect(Simulation(seed: seed).run().digest != Simulation(seed: seed + 1).run().digest)
    }
}
