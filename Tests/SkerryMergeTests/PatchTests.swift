import Testing

@testable import SkerryMerge

@Suite("Patch")
struct PatchTests {
    @Test("G-04: a patch refuses a sequence it was not made for, and changes from outside are checked before they are used")
    func verification() { #expect(Checks.verification(Subject()) == nil) }

    @Test("G-04: composed patches do what both do", arguments: 0..<20)
    func composition(seed: Int) {
        #expect(Checks.composition(Subject(), seeds: seed..<seed + 1, rounds: isSoak ? 2_000 : 100) == nil)
    }

    @Test("what was refused says where")
    func errors() throws {
        let patch = Patch(from: Array("the cat sat"), to: Array("a cat sits"))
        let mismatch = #expect(throws: PatchError.self) { try patch.composed(with: patch) }
        #expect(mismatch?.code == .mismatch)
        let malformed = #expect(throws: PatchError.self) { try Patch(changes: [.init(position: -1, removed: [], inserted: [1])]) }
        #expect(malformed?.code == .malformed && malformed?.position == -1)
    }
}
