import Glibc
import SkerryCRDT
import Testing

@testable import SkerryGossip

/// Two sets, drawn from a seed: how large, how alike, and where they differ.
struct SetPair {
    var left: [WriteKey: EntryDigest] = [:]
    var right: [WriteKey: EntryDigest] = [:]

    /// At most about `sizeMaximum` entries a side.
    init(_ draws: inout Draws, sizeMaximum: Int) {
        // Sizes spread over the powers of two.
        let size = draws.below(1 << draws.below(sizeMaximum.bitWidth - sizeMaximum.leadingZeroBitCount)) + (draws.chance(3) ? 0 : 1)
        let span = [40, size / 4 + 1, size * 20 + 1, 2_000_000_000][draws.below(4)]
        for _ in 0..<size {
            let (key, digest) = (draws.key(span: span, origins: 4, sequences: size * 2 + 2), draws.digest())
            left[key] = digest
            right[key] = digest
        }
        let keys = left.keys.sorted()
        switch draws.below(8) {
        case 0: break
        case 1: for key in keys where draws.chance(1) { right[key] = nil }
        case 2: for key in keys where draws.chance(30) { if draws.chance(50) { left[key] = nil } else { right[key] = nil } }
        // The newest, which is the usual case.
        case 3: for key in keys.suffix(draws.below(keys.count + 1)) { if draws.chance(50) { left[key] = nil } else { right[key] = nil } }
        // A block out of the middle.
        case 4: for key in keys.dropFirst(keys.count / 3).prefix(draws.below(keys.count / 2 + 1)) { right[key] = nil }
        case 5: right = [:]
        // Nothing in common, in turns: every range differs on both sides.
        case 6: for (index, key) in keys.enumerated() { if index % 2 == 0 { left[key] = nil } else { right[key] = nil } }
        // Dense where the other is sparse, the worst for splits by count.
        default:
            let middle = keys.isEmpty ? WriteKey.first : keys[keys.count / 2]
            for key in keys where !draws.chance(2) { if key < middle { left[key] = nil } else { right[key] = nil } }
        }
        for key in left.keys.sorted() where draws.below(4_000) == 0 { left[key] = draws.digest() }
        if draws.chance(10), let key = keys.randomElement(using: &draws), right[key] != nil { right[key] = draws.digest() }
        if draws.chance(50) { swap(&left, &right) }
    }

    static func tree(_ set: [WriteKey: EntryDigest]) -> ReconciliationTree {
        var tree = ReconciliationTree()
        for key in set.keys.sorted() { tree.insert(key, set[key]!) }
        return tree
    }
}

@Suite("Reconciliation of sets")
struct ReconciliationTests {
    static let isSoak = getenv("SKERRY_SOAK") != nil
    /// 2,000, with `SKERRY_SOAK=1` 50,000 of larger sets; `SKERRY_RUNS` says otherwise.
    static let seeds: UInt64 = FeedSimulationTests.number("SKERRY_RUNS") ?? (isSoak ? 50_000 : 2_000)

    /// The longest chain of answers: on each side every second step splits sixteen-fold.
    static func log16(_ count: Int) -> Double { count < 2 ? 0 : log2(Double(count)) / 4 }

    static func run(
        _ pair: SetPair, _ draws: inout Draws, defects: ReconciliationDefects = []
    ) -> (problems: [String], messages: Int, bytes: Int) {
        let limits = ReconciliationLimits(frameBytes: draws.chance(30) ? 4_096 : draws.chance(50) ? 16_384 : 1 << 20)
        var exchange = Exchange(SetPair.tree(pair.left), SetPair.tree(pair.right), limits: limits, nonce: draws.next())
        exchange.first.core.defects = defects
        exchange.second.core.defects = defects
        if draws.chance(60) { exchange.run() } else { exchange.run(&draws) }
        var problems = exchange.problems(pair.left, pair.right)
        if max(exchange.first.largestFrame, exchange.second.largestFrame) > limits.frameBytes { problems.append("a frame over its limit") }
        let depth = max(exchange.first.core.depthReached, exchange.second.core.depthReached)
        // A round is a message and its answer; the ranges of depth d crossed in message d + 1, and the last answer is one more.
        let rounds = (depth + 3) / 2
        let size = max(pair.left.count, pair.right.count)
        if Double(rounds) > log16(size) + 2 { problems.append("\(rounds) rounds for \(size) entries") }
        return (problems, exchange.messages, exchange.bytes)
    }

    @Test(
        "U-02, test 11: the exact difference of random and of hostile pairs of sets is found, within log16(n) + 2 rounds and every frame limit"
    )
    func randomPairs() async {
        await withTaskGroup(of: Void.self) { group in
            for lane in 0..<2 as Range<UInt64> {
                group.addTask {
                    for seed in stride(from: lane, to: Self.seeds, by: 2) {
                        var draws = Draws(seed)
                        let pair = SetPair(
                            &draws, sizeMaximum: Self.isSoak ? seed % 1_000 == 0 ? 1 << 20 : 1 << 14 : seed % 200 == 0 ? 1 << 14 : 1 << 10)
                        let result = Self.run(pair, &draws)
                        #expect(result.problems.isEmpty, "seed \(seed): \(result.problems)")
                    }
                }
            }
        }
    }

    @Test(
        "a run that broke off goes on where it stood: nothing is forgotten, and less crosses than the first time",
        arguments: 1...40 as ClosedRange<UInt64>)
    func resumption(_ seed: UInt64) {
        var draws = Draws(seed &+ 777)
        let pair = SetPair(&draws, sizeMaximum: 1 << 12)
        let limits = ReconciliationLimits(frameBytes: 4_096)
        var (left, right) = (pair.left, pair.right)
        var ranges = [WriteRange.all]
        for attempt in 0..<4 as Range<UInt64> {
            var exchange = Exchange(SetPair.tree(left), SetPair.tree(right), over: ranges, limits: limits, nonce: attempt)
            if attempt < 3 { exchange.run(&draws, steps: 5 + draws.below(60)) } else { exchange.run() }
            let problem = exchange.problem
            #expect(problem == nil)
            let (one, two) = (Findings(exchange.first.events, exchange.firstStore), Findings(exchange.second.events, exchange.secondStore))
            for key in one.sends { right[key] = left[key] }
            for key in two.sends { left[key] = right[key] }
            // What one side knows to ask for and the other has not heard of is part of what is open.
            let missed = (one.lacks + two.lacks).filter { left[$0] == nil || right[$0] == nil }
            ranges = WriteRange.joined(exchange.first.core.openRanges + missed.map { WriteRange(lower: $0, upper: $0.successor) })
            if exchange.first.core.isComplete, missed.isEmpty { break }
        }
        #expect(Set(left.keys) == Set(right.keys))
    }

    @Test("entries before the later horizon are not compared, whichever side is later", arguments: 1...60 as ClosedRange<UInt64>)
    func horizons(_ seed: UInt64) {
        var draws = Draws(seed &+ 4_242)
        let pair = SetPair(&draws, sizeMaximum: 1 << 11)
        let stamps = pair.left.keys.map(\.stamp).sorted()
        guard !stamps.isEmpty else { return }
        let horizons = (stamps[draws.below(stamps.count)], stamps[draws.below(stamps.count)])
        var exchange = Exchange(SetPair.tree(pair.left), SetPair.tree(pair.right), horizons: horizons)
        exchange.run()
        let problems = exchange.problems(pair.left, pair.right, from: max(horizons.0, horizons.1))
        #expect(problems.isEmpty, "\(problems)")
    }

    @Test("windows hold: however much differs, neither side keeps more ranges of a depth than was agreed")
    func windows() {
        var draws = Draws(5)
        var pair = SetPair(&draws, sizeMaximum: 2)
        (pair.left, pair.right) = ([:], [:])
        // Every leaf of 90,000 entries differs: more ranges of one depth than may be outstanding.
        for index in 0..<90_000 as Range<UInt64> {
            let key = WriteKey(stamp: HybridTimestamp(rawValue: index << 8), origin: OriginID(rawValue: 3), sequence: index)
            let digest = draws.digest()
            pair.left[key] = digest
            if index % 8 != 0 { pair.right[key] = digest }
        }
        var exchange = Exchange(SetPair.tree(pair.left), SetPair.tree(pair.right))
        exchange.run()
        let problems = exchange.problems(pair.left, pair.right)
        #expect(problems.isEmpty, "\(problems)")
        let peak = exchange.peakPending
        #expect(peak > 2_000 && peak <= ReconciliationLimits.rangesOutstandingMaximum, "\(peak)")
    }

    @Test("a million entries of which a thousand recent ones differ: six messages, sixty kilobytes; proof of equality in one kilobyte")
    func million() async {
        let size: UInt64 = 1_000_000
        func build(_ lane: UInt64) -> ReconciliationTree {
            var draws = Draws(99)
            var tree = ReconciliationTree()
            for index in 0..<size {
                let stamp = HybridTimestamp(milliseconds: 1_700_000_000_000 + index * 7, count: 0)
                let key = WriteKey(stamp: stamp, origin: OriginID(rawValue: 1 + index % 3), sequence: index / 3)
                let digest = draws.digest()
                // The last thousand were written on one side or the other.
                if index < size - 1_000 || index % 2 == lane { tree.insert(key, digest) }
            }
            return tree
        }
        var exchange = Exchange(build(0), build(1))
        exchange.run()
        let problem = exchange.problem
        #expect(problem == nil)
        let (one, two) = (Findings(exchange.first.events, exchange.firstStore), Findings(exchange.second.events, exchange.secondStore))
        #expect(one.sends.count == 500 && two.sends.count == 500)
        let (messages, bytes) = (exchange.messages, exchange.bytes)
        #expect(messages <= 6, "\(messages) messages")
        #expect(bytes <= 60_000, "\(bytes) bytes")
        var equal = Exchange(build(0), build(0))
        equal.run()
        let (turns, proof) = (equal.messages, equal.bytes)
        #expect(turns == 2 && proof <= 1_000, "\(proof) bytes")
        print("\(size) entries: \(bytes) bytes and \(messages) messages for 1,000 recent differences, \(proof) bytes for none")
        let isEqual = Findings(equal.first.events, equal.firstStore).completed
        #expect(isEqual == true)
    }
}
