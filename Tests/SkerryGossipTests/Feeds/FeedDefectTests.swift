import SkerryCRDT
import Testing

@testable import SkerryGossip

#if DEBUG
/// Errors put into the cores on purpose: each must be found by the simulation's checkers, by a small model (``RetentionModelTests``) or by a scenario, or the checkers are worth
/// nothing.
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
        Case(testDescription: "the fence is ignored", defect: .fenceIgnored),
        Case(testDescription: "a restored backup goes on under its old origin", defect: .epochReused),
        Case(testDescription: "signatures are not checked", defect: .signatureSkipped, isForged: true),
        Case(testDescription: "the clock moves before signatures are checked", defect: .clockFirst, isForged: true),
        Case(testDescription: "a digest says one too many", defect: .digestOffByOne),
        Case(testDescription: "entries go back to whom they came from", defect: .echo, isCalm: true),
        Case(testDescription: "stamps from the future are taken", defect: .futureAdopted),
        Case(testDescription: "a joiner is not counted", defect: .joinerForgotten),
        Case(testDescription: "an entry that came twice is taken twice", defect: .appliedTwice),
        Case(testDescription: "a member is retired before the others agree", defect: .retiredAtOnce),
    ]

    @Test("U-10: the simulation finds each of them", arguments: cases)
    func found(_ defective: Case) {
        for seed in 1...60 as ClosedRange<UInt64> {
            let outcome = FeedRunner(
                seed: seed, events: 2_500, defects: defective.defect, isCalm: defective.isCalm, isForged: defective.isForged,
                nodes: defective.nodes
            ).run()
            guard outcome.problems.isEmpty else {
                return print("\(defective.testDescription): seed \(seed): \(outcome.problems[0].prefix(160))")
            }
        }
        Issue.record("not found in 60 seeds")
    }

    /// What a slow receiver has to refuse.
    private func refusals(_ defects: FeedDefects) throws -> [FeedError.Code] {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        one.core.defects = defects
        try join(one, other)
        carry([one, other])
        other.syncs = false
        let value = String(repeating: "v", count: 1_000)
        for number in 0..<2_000 {
            try one.write("k\(number)", value)
            if number % 100 == 0 { carry([one, other]) }
        }
        settle([one, other], ticks: 3)
        return other.refusals.map(\.code)
    }

    @Test("U-12: sending more than was granted is found")
    func creditIgnored() throws {
        #expect(try refusals([]) == [])
        #expect(try refusals(.creditIgnored).contains(.creditExceeded))
    }

    /// Whether an entry whose only datagram was lost arrives within a second all the same.
    private func arrives(_ defects: FeedDefects) throws -> Bool {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        one.core.defects = defects
        try join(one, other, ordered: false, frame: 1_200)
        settle([one, other], ticks: 3)
        try one.write("a")
        one.outbox = []
        settle([one, other], ticks: 20)
        return other.value("a") != nil
    }

    @Test("U-07: not sending again what was lost is found")
    func neverResent() throws {
        #expect(try arrives([]))
        #expect(try !arrives(.neverResent))
    }

    /// Whether a member that acknowledged five of ten entries needs repair after the log was trimmed.
    private func needsRepair(_ defects: FeedDefects) throws -> Bool {
        let (one, other) = (FeedDesk(1), FeedDesk(2))
        try join(one, other)
        for number in 0..<5 { try one.write("k\(number)") }
        settle([one, other], ticks: 2)
        one.core.detach(FeedPeerID(rawValue: 2))
        for number in 5..<10 { try one.write("k\(number)") }
        var retention = Retention(floor: 0)
        retention.defects = defects
        for desk in [one, other] {
            retention.apply(
                .register(origin: desk.origin, site: 1, epoch: 1), dot: Dot(origin: desk.origin, sequence: 0), own: one.origin,
                applied: one.core.durable)
        }
        for desk in [one, other] {
            retention.apply(
                .acknowledge(desk.core.durable), dot: Dot(origin: desk.origin, sequence: 1), own: one.origin, applied: one.core.durable)
        }
        let through = retention.trimmable(one.origin, cut: retention.cut)
        one.store.trim(one.origin, through: through)
        one.core.trimmed(one.origin, through: through)
        try one.attach(other, session: 91)
        try other.attach(one, session: 92)
        settle([one, other], ticks: 3)
        return other.reports.contains { report -> Bool in
            guard case .repairNeeded = report else { return false }
            return true
        }
    }

    @Test("trimming the log beyond the cut is found")
    func trimmedEarly() throws {
        #expect(try !needsRepair([]))
        #expect(try needsRepair(.trimmedEarly))
    }
}
#endif
