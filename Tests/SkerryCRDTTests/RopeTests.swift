import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("A rope")
struct RopeTests {
    private static let pieces = [
        "a", "b\n", "é", "€uro", "😀", "hello world ", String(repeating: "xyz\n", count: 90), String(repeating: "ß€😀", count: 400),
    ]

    @Test("says what a plain array of scalars says", arguments: 0..<Soak.count(24, soak: 2_000))
    func agreesWithArray(seed: Int) {
        var random = CheckRandom(seed: seed)
        var rope = Rope()
        var plain: [Unicode.Scalar] = []
        var caret = 0
        for step in 0..<400 {
            if random.chance(20) { caret = random.below(plain.count + 1) }
            caret = min(caret, plain.count)
            if random.chance(seed % 3 == 0 ? 45 : 60) {
                let piece = Self.pieces[random.chance(4) ? 7 : random.below(7)]
                var text = piece
                text.withUTF8 { rope.insert($0.baseAddress!, TextMeasure($0.baseAddress!, count: $0.count), at: caret) }
                plain.insert(contentsOf: piece.unicodeScalars, at: caret)
                caret += piece.unicodeScalars.count
            } else {
                let count = min(plain.count - caret, random.chance(10) ? random.below(3000) : random.below(4))
                rope.delete(at: caret, count: count)
                plain.removeSubrange(caret..<caret + count)
            }
            if step % 20 == 0 { rope.checkInvariants() }
        }
        rope.checkInvariants()
        let expected = String(plain)
        #expect(rope.string == expected)
        #expect(
            rope.total
                == TextMeasure(
                    bytes: expected.utf8.count, scalars: plain.count, utf16: expected.utf16.count, newlines: plain.count { $0 == "\n" }))
        check(&rope, against: plain, &random)
    }

    private func check(_ rope: inout Rope, against plain: [Unicode.Scalar], _ random: inout CheckRandom) {
        for _ in 0..<20 where !plain.isEmpty {
            let start = random.below(plain.count), count = random.below(plain.count - start + 1)
            var bytes = RawArray<UInt8>()
            rope.copy(at: start, count: count, to: &bytes)
            #expect(Array(bytes.elements) == Array(String(Array(plain[start..<start + count])).utf8))
            let before = String(Array(plain[..<start]))
            let measure = rope.measure(before: start)
            #expect(measure.bytes == before.utf8.count && measure.utf16 == before.utf16.count)
            #expect(rope.scalarPosition(of: before.utf8.count, in: .utf8) == start)
            #expect(rope.scalarPosition(of: before.utf16.count, in: .utf16) == start)
            let width = String(plain[start]).utf8.count
            if width > 1 { #expect(rope.scalarPosition(of: before.utf8.count + 1, in: .utf8) == nil) }
        }
        #expect(rope.scalarPosition(of: rope.total.bytes + 1, in: .utf8) == nil)
        #expect(rope.scalarPosition(of: -1, in: .utf16) == nil)
    }
}
