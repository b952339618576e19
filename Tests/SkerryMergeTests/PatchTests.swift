import Testing

@testable import SkerryMerge

@Suite("Patch")
struct PatchTests {
    @Test("G-04: a patch refuses a sequence it was not made for")
    func verification() throws {
        let patch = Patch(from: Array("abcdef"), to: Array("abXdef"))
        let error = #expect(throws: PatchError.self) { try patch.applied(to: Array("abYdef")) }
        #expect(error?.code == .mismatch)
        #expect(error?.position == 2)
        #expect(throws: PatchError.self) { try patch.applied(to: Array("ab")) }
        #expect(throws: PatchError.self) { try patch.applied(to: Array("")) }
    }

    @Test("changes from outside are checked before they are used")
    func malformed() {
        typealias Change = Patch<Int>.Change
        let bad: [[Change]] = [
            [Change(position: -1, removed: [], inserted: [1])],
            [Change(position: 0, removed: [], inserted: [])],
            [Change(position: 4, removed: [1], inserted: []), Change(position: 2, removed: [1], inserted: [])],
            [Change(position: 0, removed: [1, 2], inserted: []), Change(position: 1, removed: [1], inserted: [])],
            [Change(position: 0, removed: [1], inserted: []), Change(position: 1, removed: [1], inserted: [])],
            [Change(position: .max, removed: [1], inserted: [])],
        ]
        for changes in bad {
            let error = #expect(throws: PatchError.self) { try Patch(changes: changes) }
            #expect(error?.code == .malformed)
        }
    }

    @Test("G-04: composed patches do what both do", arguments: 0..<20)
    func composition(seed: Int) throws {
        var random = SeededRandom(seed)
        for _ in 0..<(isSoak ? 2_000 : 100) {
            let alphabet = 2 + random.below(6)
            let fresh = { (random: inout SeededRandom) in random.letters(1, alphabet: alphabet)[0] }
            let a = random.letters(random.below(30), alphabet: alphabet)
            let b = random.edited(a, edits: random.below(6), fresh: fresh)
            let c = random.edited(b, edits: random.below(6), fresh: fresh)
            let both = try Patch(from: a, to: b).composed(with: Patch(from: b, to: c))
            #expect(try both.applied(to: a) == c)
            #expect(try both.inverted.applied(to: c) == a)
            // The invariant holds: what a patch checks of others it keeps itself.
            #expect(try Patch(changes: both.changes) == both)
        }
    }

    @Test("a patch and its inverse compose to nothing")
    func inverse() throws {
        let patch = Patch(from: Array("the cat sat"), to: Array("a cat sits"))
        #expect(try patch.composed(with: patch.inverted).isEmpty)
        let error = #expect(throws: PatchError.self) { try patch.composed(with: patch) }
        #expect(error?.code == .mismatch)
    }
}
