#if DEBUG
import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Errors put into placement on purpose: each must be found, or the tests are worth nothing.
@Suite("Defects put into placement on purpose")
struct PlacementDefectTests {
    struct Case: CustomTestStringConvertible {
        var defect: PlacementDefects
        var testDescription: String
        var seeds: [UInt64]
    }

    /// Seeds among those of the simulation.
    static let cases: [Case] = [
        Case(defect: .quorumOneTooFew, testDescription: "one answer less than the quorum is enough", seeds: Array(1...40)),
        Case(defect: .standInsCount, testDescription: "where stand-ins should not count, they do", seeds: Array(1...120)),
        Case(defect: .siblingsOverwritten, testDescription: "a copy replaces the one that stands", seeds: Array(1...20)),
        Case(defect: .contextIgnored, testDescription: "a write replaces what its writer had not seen", seeds: Array(1...20)),
        Case(defect: .zonesIgnored, testDescription: "zones are ignored", seeds: Array(1...20)),
        Case(defect: .comparisonSendsNothing, testDescription: "a comparison sends nothing", seeds: Array(1...20)),
        Case(defect: .sequenceReused, testDescription: "two writes have one name", seeds: Array(1...20)),
    ]

    @Test("the simulation finds that", arguments: cases)
    func found(_ one: Case) {
        let seed = one.seeds.first { seed in
            let run = PlacementSimulationTests.make(seed, one.defect)
            run.run(operations: 60)
            return !run.problems.isEmpty
        }
        print("\(one.testDescription): seed \(seed.map(String.init) ?? "none")")
        #expect(seed != nil)
    }

    @Test("a comparison that sends everything is found by counting, and a missing hedge by the tail")
    func costs() {
        #expect(PlacementSimulationTests.compared(differing: 20, .comparisonSendsAll).transferred > 20)
        #expect(PlacementSimulationTests.tail(.neverHedges) >= 400)
    }

    @Test(
        "a hint that is not kept, or dropped when it is sent, a skipped repair, a hint that is not read, a believed context and stranded hints are found"
    )
    func scenes() {
        var options = PlacementWorld.Options()
        (options.compareInterval, options.settleInterval) = (10_000_000, 10_000_000)
        for defect in [.hintDroppedWhenSent, .hintNotKept] as [PlacementDefects] {
            options.defects = defect
            #expect(!PlacementCoreTests.handOffProblems(options).isEmpty)
        }
        #expect(!PlacementCoreTests.repaired(.repairSkipped))
        #expect(!PlacementCoreTests.readsHint(.hintsNotRead))
        #expect(!PlacementCoreTests.survivesForgery(.contextBelieved))
        #expect(!PlacementCoreTests.survivesLeaving(.hintsOfLeaversStay))
        #expect(!PlacementCoreTests.survivesDropping(.originKept))
        #expect(!PlacementSimulationTests.dropped(.droppedEarly).kept)
    }
}
#endif
