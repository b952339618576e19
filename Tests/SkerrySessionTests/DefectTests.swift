import Testing

@testable import SkerrySession

#if DEBUG
/// Errors put into the core on purpose: each must be found by the simulator's checkers within 40 seeds, or the checkers are worth nothing.
@Suite("Defects put in on purpose")
struct DefectTests {
    struct Case: CustomTestStringConvertible {
        var defect: Defects
        var testDescription: String
        /// Where the defect can show at all.
        var traits: LinkTraits?
        var steps = 80
    }

    static let cases: [Case] = [
        Case(defect: .actsTwice, testDescription: "packets that were received before act again", traits: .datagram),
        Case(defect: .confirmsAhead, testDescription: "a packet is confirmed before it has come"),
        Case(defect: .creditNotCharged, testDescription: "elements are sent without being charged"),
        Case(defect: .forgetsEarly, testDescription: "a packet is forgotten before it is confirmed"),
        Case(defect: .releasesTwice, testDescription: "a release is sent twice"),
        Case(defect: [.releasesTwice, .releaseUnchecked], testDescription: "a release is sent twice and nobody notices"),
        Case(defect: .callsTwice, testDescription: "a call is reported twice"),
        Case(defect: .noRetransmission, testDescription: "no timer sends a lost packet again", traits: .datagram),
        Case(defect: .closesSilently, testDescription: "a closed end does not tell the other"),
        // Long enough for a window to be used up.
        Case(defect: .dropsCredit, testDescription: "credit is not granted again", steps: 600),
        Case(defect: .forgetsRetained, testDescription: "packets are not sent again over a new link"),
    ]

    @Test("Y-15: the simulator finds each of them", arguments: cases)
    func found(_ defective: Case) {
        for seed in 1...40 as ClosedRange<UInt64> {
            let outcome = Simulation(seed: seed, steps: defective.steps, defects: defective.defect, traits: defective.traits).run()
            if !outcome.problems.isEmpty { return }
        }
        Issue.record("not found in 40 seeds")
    }
}
#endif
