import SkerryReplication
import Testing

@Suite("Exchange of documents over a bad network")
struct DocumentExchangeSimulationTests {
    static var seeds: Range<UInt64> { isDocumentSoak ? 0..<400 : 0..<20 }

    private static func run(_ seed: UInt64) throws -> (ExchangeWorld, healed: Bool) {
        var world = try ExchangeWorld(seed: seed)
        try world.disturb(for: 20_000)
        return (world, world.heal())
    }

    @Test("after loss, cuts, restarts, restores and changes of interest both sides agree on what is of interest")
    func convergence() throws {
        var faults = ExchangeWorld.Faults()
        for seed in Self.seeds {
            let (world, healed) = try Self.run(seed)
            #expect(healed, "seed \(seed)")
            #expect(world.verify().isEmpty, "seed \(seed): \(world.verify())")
            faults.lost += world.faults.lost
            faults.doubled += world.faults.doubled
            faults.cuts += world.faults.cuts
            faults.sinkRestarts += world.faults.sinkRestarts
            faults.sourceRestarts += world.faults.sourceRestarts
            faults.restores += world.faults.restores
        }
        // Each kind of fault was there.
        #expect(faults.lost > 100 && faults.doubled > 20 && faults.cuts > 15)
        #expect(faults.sinkRestarts > 8 && faults.sourceRestarts > 8 && faults.restores > 8)
    }

    @Test("one seed is one run")
    func determinism() throws {
        let (first, second) = (try Self.run(7).0, try Self.run(7).0)
        #expect(first.digest == second.digest)
        #expect(first.carried == second.carried && first.carried > 100)
        #expect(try Self.run(8).0.digest != first.digest)
    }
}
