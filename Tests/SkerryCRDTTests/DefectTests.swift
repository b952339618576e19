import Foundation
import Testing

@testable import SkerryCRDT
@testable import document_checks

#if DEBUG
/// Errors put into the core on purpose: the checks must find each of them, or they are worth nothing. Each runs in a process of its own,
/// because a
/// trap finds one too.
@Suite("Defects put into documents on purpose")
struct DefectTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var defect: Defects
        var testDescription: String
        var check: @Sendable () throws -> Void
    }

    private static let histories: @Sendable () throws -> Void = {
        for seed in 0..<24 { try RandomHistories.run(seed: seed, changes: 20...60) }
    }
    private static let replays: @Sendable () throws -> Void = {
        for seed in 0..<12 { try Replays.run(seed: seed, changes: 60...120, orders: 3) }
    }
    private static let smallScope: @Sendable () throws -> Void = {
        var scope = SmallScope()
        for length in 2...3 { try scope.run(length: length, share: 0, of: 1) }
    }
    private static let clocks: @Sendable () throws -> Void = {
        for seed in 0..<40 { try Clocks.run(seed: seed) }
        try Clocks.documents()
        try Clocks.future()
    }
    private static let hostile: @Sendable () throws -> Void = {
        let samples = try Hostile.samples()
        try Hostile.bombs()
        _ = try Hostile.histories(samples, seed: 1, count: 300)
    }
    private static let undo: @Sendable () throws -> Void = {
        for seed in 0..<40 { try Undoing.run(seed: seed) }
        for seed in 0..<10 { try Undoing.authors(seed: seed) }
        try Undoing.values()
    }
    private static let slices: @Sendable () throws -> Void = {
        for seed in 0..<4 { try Slices.run(seed: seed) }
        try Slices.fault()
    }
    private static let longRuns: @Sendable () throws -> Void = {
        for shape in LongRuns.Shape.allCases { try LongRuns.alone(shape, operations: 300) }
    }
    private static let presence: @Sendable () throws -> Void = { for seed in 0..<20 { try Presences.run(seed: seed) } }
    private static let laws: @Sendable () throws -> Void = {
        for subject in StateLaws.subjects { try StateLaws.run(subject, triples: 4_000) }
    }

    private static let meanings: @Sendable () throws -> Void = { for seed in 0..<40 { try StateMeanings.run(seed: seed) } }

    static let cases: [Case] = [
        Case(defect: .tieFlipped, testDescription: "ties go the other way", check: histories),
        Case(defect: .tieByLocalNumber, testDescription: "local numbers settle ties", check: smallScope),
        Case(defect: .retreatSkipped, testDescription: "a lane does not retreat", check: histories),
        Case(defect: .advanceTwice, testDescription: "a lane advances twice", check: histories),
        Case(defect: .rightOriginIgnored, testDescription: "right origins are ignored", check: histories),
        Case(defect: .deletionCountedTwice, testDescription: "a deletion counts twice", check: smallScope),
        Case(defect: .placeholderTooLong, testDescription: "the placeholder is too long", check: histories),
        Case(defect: .moveByArrival, testDescription: "the last move to arrive wins", check: histories),
        Case(defect: .moveIsReinsertion, testDescription: "a move deletes and inserts", check: histories),
        Case(defect: .writeReplacesAll, testDescription: "a write replaces what it had not seen", check: histories),
        Case(defect: .writeByArrival, testDescription: "the last write to arrive wins", check: histories),
        Case(defect: .addLosesToRemove, testDescription: "adding what is there says nothing", check: histories),
        Case(defect: .appliedTwice, testDescription: "what is known is applied again", check: replays),
        Case(defect: .pendingDropped, testDescription: "what comes early is dropped", check: replays),
        Case(defect: .pendingForgotten, testDescription: "what waits is forgotten", check: replays),
        Case(defect: .refusalKeepsEvents, testDescription: "a refused import keeps events", check: hostile),
        Case(defect: .undoDeletesNeighbour, testDescription: "undo deletes a neighbour", check: undo),
        Case(defect: .decoderUnbounded, testDescription: "a decoder believes what it reads", check: hostile),
        Case(defect: .noticeMisplaced, testDescription: "a notice has positions of after the change", check: histories),
        Case(defect: .clockNotPersisted, testDescription: "a snapshot forgets the largest stamp", check: clocks),
        Case(defect: .countWraps, testDescription: "a full count wraps", check: clocks),
        Case(defect: .futureAdopted, testDescription: "a stamp of the future is taken", check: clocks),
        Case(defect: .registerTieKeepsOwn, testDescription: "a register keeps its own on a tie", check: laws),
        Case(defect: .contextHasNoGaps, testDescription: "a set of dots has no gaps", check: meanings),
        Case(defect: .markGrowsAtWrongSide, testDescription: "a mark grows on its other side", check: histories),
        Case(defect: .markByArrival, testDescription: "the last mark to arrive holds", check: histories),
        Case(defect: .snapshotForgetsMarks, testDescription: "a snapshot has no marks", check: histories),
        Case(defect: .moveRevivesDeleted, testDescription: "a move brings back what was deleted", check: histories),
        Case(defect: .gapTaken, testDescription: "a gap in an origin's events is taken", check: replays),
        Case(defect: .abandonedChangeKept, testDescription: "a change that threw is kept", check: histories),
        Case(defect: .undoTakesOthers, testDescription: "undo takes back what others wrote", check: undo),
        Case(defect: .pastIsPresent, testDescription: "a look at the past sees the present", check: histories),
        Case(defect: .anchorOnNeighbour, testDescription: "an anchor names a neighbour", check: histories),
        Case(defect: .joinedMarksStay, testDescription: "marks told together stand where they were", check: histories),
        Case(defect: .presenceGoesBack, testDescription: "presence goes back to what was said before", check: presence),
        Case(defect: .sliceLosesEvents, testDescription: "an import in slices loses events", check: longRuns),
    ]

    @Test("the checks find each of them", arguments: cases.indices)
    func found(index: Int) async {
        // A trap is as good as an error, and nobody reads where it was.
        setenv("SWIFT_BACKTRACE", "enable=no", 1)
        let found = await #expect(processExitsWith: .failure) { [index] in
            let defective = DefectTests.cases[index]
            Defects.$active.withValue(defective.defect) {
                do {
                    try defective.check()
                    exit(0)
                } catch { exit(1) }
            }
        }
        if found == nil { Issue.record("not found: \(DefectTests.cases[index].testDescription)") }
    }

    @Test("and find nothing where there is none")
    func nothing() throws {
        for check in [
            Self.histories, Self.replays, Self.smallScope, Self.clocks, Self.hostile, Self.undo, Self.laws, Self.meanings, Self.slices,
            Self.longRuns, Self.presence,
        ] {
            try check()
        }
    }
}
#endif
