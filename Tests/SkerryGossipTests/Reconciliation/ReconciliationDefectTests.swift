#if DEBUG
import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Errors put into reconciliation on purpose: each must be found, or the tests are worth nothing.
@Suite("Defects put into reconciliation on purpose")
struct ReconciliationDefectTests {
    struct Case: CustomTestStringConvertible {
        var defect: ReconciliationDefects
        var testDescription: String
    }

    static let cases: [Case] = [
        Case(defect: .leafOffByOne, testDescription: "a list leaves its last entry out"),
        Case(defect: .upperIncluded, testDescription: "a range includes its bound on both sides"),
        Case(defect: .lastGapForgotten, testDescription: "entries behind the last one of a list are not offered"),
        Case(defect: .wishesDropped, testDescription: "what is lacking is not asked for"),
        Case(defect: .digestsIgnored, testDescription: "two contents of one key pass as equal"),
    ]

    @Test("test 13: random pairs find each of them", arguments: cases)
    func found(_ defective: Case) {
        for seed in 0..<400 as Range<UInt64> {
            var draws = Draws(seed)
            let pair = SetPair(&draws, sizeMaximum: 1 << 9)
            if !ReconciliationTests.run(pair, &draws, defects: defective.defect).problems.isEmpty { return }
        }
        Issue.record("not found in 400 seeds")
    }

    @Test("test 13: a fingerprint without the count takes nothing and an entry of sum nothing for equal")
    func countLeftOut() {
        let key = WriteKey(stamp: HybridTimestamp(rawValue: 9), origin: OriginID(rawValue: 1), sequence: 1)
        func completed(_ defects: ReconciliationDefects) -> [String] {
            // More entries than a list holds, so that fingerprints decide.
            var draws = Draws(3)
            var left: [WriteKey: EntryDigest] = [:]
            for _ in 0..<2_000 { left[draws.key(span: 100_000, origins: 2)] = draws.digest() }
            var right = left
            right[key] = Draws.digestOfNothing
            var exchange = Exchange(SetPair.tree(left), SetPair.tree(right))
            exchange.first.core.defects = defects
            exchange.second.core.defects = defects
            exchange.run()
            return exchange.problems(left, right)
        }
        #expect(completed([]).isEmpty)
        #expect(!completed(.fingerprintWithoutCount).isEmpty)
    }

    @Test("test 13: sums without carries differ from school arithmetic")
    func carries() {
        func isRight(_ defects: ReconciliationDefects) -> Bool {
            var draws = Draws(8)
            var tree = ReconciliationTree()
            tree.defects = defects
            var model = NaiveStore()
            for _ in 0..<50 {
                let (key, digest) = (draws.key(span: 1_000, origins: 2), draws.digest())
                tree.insert(key, digest)
                model.insert(key, digest)
            }
            return tree.total == model.summary(of: .all)
        }
        #expect(isRight([]))
        #expect(!isRight(.sumWithoutCarry))
    }

    @Test("test 13: equal ranges that are split all the same cost more than the proof of equality may")
    func neverEqual() {
        var draws = Draws(3)
        var set: [WriteKey: EntryDigest] = [:]
        for _ in 0..<2_000 { set[draws.key(span: 100_000, origins: 2)] = draws.digest() }
        func bytes(_ defects: ReconciliationDefects) -> Int {
            var exchange = Exchange(SetPair.tree(set), SetPair.tree(set))
            exchange.first.core.defects = defects
            exchange.second.core.defects = defects
            exchange.run()
            return exchange.bytes
        }
        #expect(bytes([]) <= 1_000)
        #expect(bytes(.neverEqual) > 1_000)
    }

    @Test("test 13: a horizon that is ignored brings back what was forgotten")
    func horizonIgnored() {
        var draws = Draws(11)
        var left: [WriteKey: EntryDigest] = [:]
        for _ in 0..<500 { left[draws.key(span: 100_000, origins: 2)] = draws.digest() }
        let keys = left.keys.sorted()
        var right = left
        for key in keys.prefix(50) { right[key] = nil }
        func problems(_ defects: ReconciliationDefects) -> [String] {
            var exchange = Exchange(SetPair.tree(left), SetPair.tree(right), horizons: (.zero, keys[100].stamp))
            exchange.first.core.defects = defects
            exchange.second.core.defects = defects
            exchange.run()
            return exchange.problems(left, right, from: keys[100].stamp)
        }
        #expect(problems([]).isEmpty)
        #expect(!problems(.horizonIgnored).isEmpty)
    }

    @Test("test 13: a side that ignores the window is dropped by the other")
    func windowIgnored() {
        var left: [WriteKey: EntryDigest] = [:]
        var right: [WriteKey: EntryDigest] = [:]
        var draws = Draws(6)
        for index in 0..<90_000 as Range<UInt64> {
            let key = WriteKey(stamp: HybridTimestamp(rawValue: index << 8), origin: OriginID(rawValue: 3), sequence: index)
            let digest = draws.digest()
            left[key] = digest
            if index % 8 != 0 { right[key] = digest }
        }
        var exchange = Exchange(SetPair.tree(left), SetPair.tree(right))
        exchange.first.core.defects = .windowIgnored
        exchange.second.core.defects = .windowIgnored
        exchange.run()
        let problem = exchange.problem
        #expect(problem?.rule == .windowOverrun)
    }
}
#endif
