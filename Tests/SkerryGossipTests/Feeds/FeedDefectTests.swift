import SkerryCRDT
import Testing

@testable import SkerryGossip

#if DEBUG
/// Errors put into the cores on purpose: each must be found by the simulation's checkers or by a small model, or the checkers are worth nothing.
@Suite("Defects put into feeds on purpose")
struct FeedDefectTests {
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var defect: FeedDefects
        var isCalm: Bool?
        var isForged: Bool?
        var nodes: Int?
    }

    static let cases: [Case] = [
        Case(testDescription: "a gap in a feed is allowed", defect: .gapAllowed),
        Case(testDescription: "a tie is decided by arrival", defect: .tieFlipped, nodes: 6),
        Case(testDescription: "who returns ignores the horizon", defect: .horizonIgnored),
        Case(testDescription: "the fence is ignored", defect: .fenceIgnored),
        Case(testDescription: "entries are acknowledged before they are durable", defect: .acknowledgedEarly),
        Case(testDescription: "a restored backup goes on under its old origin", defect: .epochReused),
        Case(testDescription: "signatures are not checked", defect: .signatureSkipped, isForged: true),
        Case(testDescription: "the clock moves before signatures are checked", defect: .clockFirst, isForged: true),
        Case(testDescription: "a digest says one too many", defect: .digestOffByOne),
        Case(testDescription: "more is sent than was granted", defect: .creditIgnored),
        Case(testDescription: "entries go back to whom they came from", defect: .echo, isCalm: true),
        Case(testDescription: "stamps from the future are taken", defect: .futureAdopted),
        Case(testDescription: "what was lost is not sent again", defect: .neverResent),
        Case(testDescription: "a joiner is not counted", defect: .joinerForgotten),
        Case(testDescription: "an entry that came twice is taken twice", defect: .appliedTwice),
        Case(testDescription: "a member is retired before the others agree", defect: .retiredAtOnce),
        Case(testDescription: "the log is trimmed beyond the cut", defect: .trimmedEarly),
    ]

    @Test("U-10: the simulation finds each of them", arguments: cases)
    func found(_ defective: Case) {
        for seed in 1...60 as ClosedRange<UInt64> {
            let outcome = FeedRunner(
                seed: seed, events: 2_500, defects: defective.defect, isCalm: defective.isCalm, isForged: defective.isForged, nodes: defective.nodes
            ).run()
            guard outcome.problems.isEmpty else { return print("\(defective.testDescription): seed \(seed): \(outcome.problems[0].prefix(160))") }
        }
        Issue.record("not found in 60 seeds")
    }
}
#endif
