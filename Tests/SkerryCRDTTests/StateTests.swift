import SkerryCRDT
import Testing

@testable import document_checks

@Suite("State types")
struct StateTests {
    private let one = OriginID(rawValue: 1), two = OriginID(rawValue: 2)

    @Test("keep the laws of a join semilattice with deltas", arguments: StateLaws.subjects.indices)
    func laws(index: Int) throws {
        try StateLaws.run(StateLaws.subjects[index], triples: Soak.count(4_000, soak: 1_000_000))
    }

    @Test("with dots say what plain sets of writes say, over states and deltas", arguments: 0..<Soak.count(60, soak: 6_000))
    func meanings(seed: Int) throws { try StateMeanings.run(seed: seed) }

    @Test("counters add up what every origin did, and refuse to leave their range")
    func counters() throws {
        var here = PNCounter(), there = PNCounter()
        try here.add(5, by: one)
        try here.add(-7, by: one)
        let delta = try there.add(10, by: two)
        here.join(delta)
        here.join(delta)
        #expect(here.value == 8)
        let full = try here.add(.max - 8, by: one)
        #expect(here.value == .max && !full.isBottom)
        let before = here
        let error = #expect(throws: DocumentError.self) { try here.add(1, by: two) }
        #expect(error?.code == .limitExceeded && here == before)
        // Each alone is within the range, together they are not: no wrap, and no disagreement.
        try there.add(.max - 10, by: two)
        here.join(there)
        #expect(here.value == nil)
        #expect(here.total == Int128(Int64.max) * 2 - 10)
        var growing = GCounter()
        try growing.add(.max, by: one)
        #expect(throws: DocumentError.self) { try growing.add(1, by: one) }
        try growing.add(1, by: two)
        #expect(growing.value == Int128(UInt64.max) + 1)
    }

    @Test("a last-writer register keeps the largest stamp, the larger origin on equal ones")
    func lastWriter() {
        var here = LWWRegister<String>(), there = here
        here.write("first", stamp: HybridTimestamp(milliseconds: 5, count: 0), origin: two)
        there.write("second", stamp: HybridTimestamp(milliseconds: 5, count: 1), origin: one)
        here.join(there)
        #expect(here.value == "second")
        #expect(here.write("late", stamp: HybridTimestamp(milliseconds: 5, count: 0), origin: two).value == "late")
        #expect(here.value == "second")
        there.join(LWWRegister("third", stamp: HybridTimestamp(milliseconds: 5, count: 1), origin: two))
        #expect(there.value == "third")
        var map = LWWMap<String, Int64>()
        map.write(1, for: "k", stamp: HybridTimestamp(milliseconds: 1, count: 0), origin: one)
        map.write(2, for: "l", stamp: HybridTimestamp(milliseconds: 2, count: 0), origin: one)
        map.write(nil, for: "k", stamp: HybridTimestamp(milliseconds: 3, count: 0), origin: one)
        #expect(map.keys() == ["l"] && map.value(for: "k") == nil && map.value(for: "l") == 2)
    }

    @Test("a multi-value register keeps what a write had not seen")
    func multiValue() {
        var here = MVRegister<String>(), there = here
        here.write("a", by: one)
        there.write("b", by: two)
        here.join(there)
        #expect(here.values() == ["a", "b"])
        there.join(here)
        there.write("c", by: two)
        here.join(there)
        #expect(here.values() == ["c"])
        here.clear()
        there.write("d", by: two)
        here.join(there)
        #expect(here.values() == ["d"])
    }

    @Test("an addition wins over a removal that had not seen it, in both kinds of set and the flag")
    func addWins() {
        var here = AddWinsSet<String>(), there = here
        here.insert("x", by: one)
        there.join(here)
        there.remove("x")
        here.insert("x", by: one)
        here.join(there)
        #expect(here.contains("x"))
        there.join(here)
        there.remove("x")
        here.join(there)
        #expect(here.members() == [])
        var long = CausalLengthSet<String>(), other = long
        long.insert("x")
        other.join(long)
        other.remove("x")
        long.insert("x")
        long.join(other)
        #expect(long.members == ["x"] && long.length(of: "x") == 3)
        var flag = EnableWinsFlag(), far = flag
        flag.enable(by: one)
        far.join(flag)
        far.disable()
        flag.enable(by: one)
        flag.join(far)
        #expect(flag.isEnabled)
        far.join(flag)
        far.disable()
        flag.join(far)
        #expect(!flag.isEnabled)
    }

    @Test("a map of states removes what it has seen, and a concurrent change of a key keeps the change alone")
    func map() {
        var here = ORMap<String, DotMap<String, DotSet>>(), there = here
        here.update("ann") { $0.insert("milk", by: one) }
        here.update("ann") { $0.insert("eggs", by: one) }
        there.join(here)
        there.removeKey("ann")
        here.update("ann") { $0.insert("tea", by: one) }
        here.join(there)
        #expect(here.keys() == ["ann"])
        #expect(here.state(of: "ann")?.members() == ["tea"])
        let delta = there.update("bob") { $0.insert("ham", by: two) }
        here.join(delta)
        #expect(here.keys() == ["ann", "bob"])
        here.removeKey("ann")
        #expect(here.state(of: "ann") == nil)
        #expect(here.context.contains(Dot(origin: one, sequence: 1)))
    }

    @Test("a set of dots is what a plain set says, whatever is put in, joined and taken away", arguments: 0..<20)
    func dots(seed: Int) throws {
        var random = CheckRandom(seed: seed)
        func draw() -> (DotSet, Set<Dot>) {
            var dots = DotSet(), plain: Set<Dot> = []
            for _ in 0..<random.below(25) {
                let dot = Dot(origin: OriginID(rawValue: UInt64(random.below(3))), sequence: UInt64(1 + random.below(12)))
                dots.insert(dot)
                plain.insert(dot)
            }
            return (dots, plain)
        }
        let all = (0..<3).flatMap { origin in (1...13).map { Dot(origin: OriginID(rawValue: UInt64(origin)), sequence: UInt64($0)) } }
        for _ in 0..<100 {
            let (one, left) = draw(), (two, right) = draw()
            let both = one.joined(with: two)
            #expect(all.allSatisfy { both.contains($0) == (left.contains($0) || right.contains($0)) })
            #expect(one.covers(two) == left.isSuperset(of: right))
            #expect(try DotSet(decoding: both.encoded()) == both)
            var kept = DotSet()
            for dot in left.subtracting(right).sorted() { kept.insert(dot) }
            var store = one
            store.join(DotSet(), seen: one, otherSeen: two)
            #expect(store == kept)
            store = one
            store.join(two, seen: both, otherSeen: both)
            #expect(all.allSatisfy { store.contains($0) == left.intersection(right).contains($0) })
        }
    }

    // MARK: - The law checker

    /// Adds up what comes: a duplicate counts twice.
    private struct Sum: DeltaState {
        var value = 0
        mutating func join(_ other: Sum) { value += other.value }
        func covers(_ other: Sum) -> Bool { value >= other.value }
    }

    /// Keeps its own word unless it has none.
    private struct First: DeltaState {
        var word = ""
        mutating func join(_ other: First) { if word.isEmpty { word = other.word } }
    }

    /// Says "delta" for less than it did.
    private struct Forgetful: DeltaState {
        var members: Set<Int> = []
        mutating func join(_ other: Forgetful) { members.formUnion(other.members) }
    }

    @Test(
        "the law checker finds a join that counts duplicates, one that keeps its own, a delta that lacks something; in two steps or fewer")
    func violations() throws {
        let sum = try #require(
            LawChecker<Sum, Int>(draw: { 1 + $0.below(5) }) { amount, _, state in
                state.value += amount
                return Sum(value: amount)
            }.check(triples: 10_000, seed: 1))
        #expect(sum.law == .isIdempotent && sum.steps.count == 1, "\(sum)")
        let first = try #require(
            LawChecker<First, String>(draw: { ["a", "b"][$0.below(2)] }) { word, _, state in
                let delta = First(word: word)
                state.join(delta)
                return delta
            }.check(triples: 10_000, seed: 1))
        #expect(first.law == .commutes && first.steps.count <= 2, "\(first)")
        let forgetful = try #require(
            LawChecker<Forgetful, Int>(draw: { $0.below(9) }) { member, _, state in
                state.members.formUnion([member, member + 1])
                return Forgetful(members: [member])
            }.check(triples: 10_000, seed: 1))
        #expect(forgetful.law == .deltaIsEnough && forgetful.steps.count == 1, "\(forgetful)")
        #expect(forgetful.description.contains("deltaIsEnough"))
    }

    @Test("the law checker has nothing against a type that keeps the laws, and is the same for the same seed")
    func noViolation() {
        let checker = LawChecker<Maximum<UInt64>, UInt64>(draw: { $0.next() }) { number, _, state in state.raise(to: number) }
        #expect(checker.check(triples: 5_000, seed: 3) == nil)
        let broken = LawChecker<First, String>(draw: { ["a", "b", "c"][$0.below(3)] }) { word, _, state in
            state.join(First(word: word))
            return First(word: word)
        }
        #expect(broken.check(triples: 5_000, seed: 3)?.description == broken.check(triples: 5_000, seed: 3)?.description)
    }
}
