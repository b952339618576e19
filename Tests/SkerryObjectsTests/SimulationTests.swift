import Glibc
import SkerryChunks
import SkerryStorage
import Synchronization
import Testing

@testable import SkerryObjects

/// A store on a disk that tears and forgets, from one seed.
///
/// Fault model: power goes at any time between two operations; of writes that were not synced, and of directory entries, any part stays, torn
/// where the seed says; the index is as of its last flush. The disk keeps what it synced and does not lie. Time stands still or runs as
/// the seed says, never backwards; origins, tenants and buckets are drawn from the seed as well.
///
/// `make simulate SEED=7 RUNS=100` runs seeds 7 to 106. A failure names its seed, which replays it.
@Suite("Simulation")
struct SimulationTests {
    private static let seeds: [UInt64] = {
        let first = number("SKERRY_SEED") ?? 1
        return (0..<(number("SKERRY_RUNS") ?? 2)).map { first &+ $0 }
    }()

    private static func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

    @Test("a seed gives one trace, and what was acknowledged outlives every crash", arguments: seeds)
    func twoRunsOfASeedAgree(_ seed: UInt64) async throws {
        let first = try await SimulationTests.digest(seed)
        let second = try await SimulationTests.digest(seed)
        #expect(first == second, "seed \(seed)")
        print("seed \(seed): trace \(first.description)")
    }

    /// Runs the seed and returns the digest over what the index said before and after each crash.
    private static func digest(_ seed: UInt64) async throws -> SkerryChunks.Digest {
        var configuration = HarnessConfiguration()
        configuration.packCapacity = 1 << 20
        configuration.options.collectionGrace = 100
        let identifiers = SeededIdentifiers(seed: seed)
        configuration.options.randomIdentifier = { identifiers.next() }
        return try await Harness.with(.memory, configuration) { harness in
            let run = ModelRun(harness, seed: seed)
            try await run.makeBuckets()
            var trace = FieldWriter()
            for round in 0..<6 as Range<UInt64> {
                for _ in 0..<60 {
                    harness.clock.advance(by: run.generator.next() % 3)
                    try await run.step()
                }
                let before = try Dump(harness.metadata)
                try await harness.crash(keeping: .drawn(seed: seed &+ round))
                let after = try Dump(harness.metadata)
                #expect(after == before, "seed \(seed), round \(round)")
                try await run.compare("seed \(seed), round \(round), after a crash")
                after.write(to: &trace)
            }
            return SkerryChunks.Digest(of: trace.bytes)
        }
    }
}

/// Identifiers from a seed, in the order in which they are asked for.
private final class SeededIdentifiers: Sendable {
    private let generator: Mutex<SplitMix64>

    init(seed: UInt64) { generator = Mutex(SplitMix64(seed: ~seed)) }

    func next() -> UInt64 { generator.withLock { $0.next() | 1 } }
}

extension Dump {
    /// All of it in the order of the keys, so that equal dumps have equal bytes.
    fileprivate func write(to writer: inout FieldWriter) {
        for rows in [versions, current, uploads, settings] {
            for (key, row) in rows.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                writer.write(key)
                writer.write(row)
            }
        }
        for key in references.sorted(by: { $0.lexicographicallyPrecedes($1) }) { writer.write(key) }
        for key in blocks.sorted(by: { $0.lexicographicallyPrecedes($1) }) { writer.write(key) }
        writer.write(sequence)
    }
}
