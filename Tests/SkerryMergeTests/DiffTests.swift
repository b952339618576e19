import Testing

@testable import SkerryMerge

/// Every algorithm with every placement.
private let allOptions: [DiffOptions] = [DiffOptions.Algorithm.histogram, .myers].flatMap { algorithm in
    [DiffOptions.Placement.first, .last, .boundaries].map { DiffOptions(algorithm: algorithm, placement: $0) }
}

@Suite("Diff")
struct DiffTests {
    @Test("G-04: a patch of a diff of random sequences gives the target", arguments: allOptions)
    func patchInvertsDiff(options: DiffOptions) {
        #expect(Checks.roundTrip(Subject(), options: options, rounds: isSoak ? 20_000 : 400) == nil)
    }

    @Test("G-04: the minimal algorithm makes as few edits as the textbook's table")
    func minimal() { #expect(Checks.minimal(Subject()) == nil) }

    @Test("G-10: elements are whatever can be hashed")
    func pluggable() throws {
        struct Page: Hashable {
            var title: String
            var length: Int
        }
        let a = [Page(title: "one", length: 1), Page(title: "two", length: 2)]
        let b = [Page(title: "two", length: 2), Page(title: "three", length: 3)]
        let diff = Diff(from: a, to: b)
        #expect(diff.hunks == [Hunk(source: 0..<1, target: 0..<0), Hunk(source: 2..<2, target: 1..<2)])
        #expect(Diff(from: "straße", to: "strasse").editCount == 3)
        #expect(try Patch(from: a, to: b).applied(to: a) == b)
    }

    @Test("hunks go first, last, or to a boundary of blocks")
    func placement() { #expect(Checks.placement(Subject()) == nil) }

    @Test("G-04: one region without anchors after the other is compared right", arguments: 0..<8)
    func unanchored(seed: Int) throws {
        var random = SeededRandom(seed)
        // Between separators that stand once, letters that stand too often for the histogram.
        let block = { (random: inout SeededRandom, kinds: Int) in random.letters(200 + random.below(200), alphabet: kinds).map(Int.init) }
        var a: [Int] = [], b: [Int] = []
        for number in 0..<8 {
            let kinds = 2 + random.below(2)
            a += block(&random, kinds) + [1_000 + number]
            b += block(&random, kinds) + [1_000 + number]
        }
        for options in allOptions {
            let diff = Diff(from: a, to: b, options: options)
            #expect(try Patch(diff, from: a, to: b).applied(to: a) == b)
            var i = 0, j = 0
            for hunk in diff.hunks {
                #expect(a[i..<hunk.source.lowerBound] == b[j..<hunk.target.lowerBound])
                (i, j) = (hunk.source.upperBound, hunk.target.upperBound)
            }
            // The separators part the blocks, and two random blocks of so few letters share most of them.
            #expect(diff.editCount * 10 < 6 * (a.count + b.count), "\(diff.editCount) of \(a.count + b.count)")
        }
    }

    @Test("G-04: memory and time do not grow with the product of the lengths")
    func linearSpace() {
        // Upstream's table for these would hold 1.6 * 10^9 cells.
        let n = isSoak ? 500_000 : 40_000
        var random = SeededRandom(3)
        let a = (0..<n).map { _ in UInt32(random.below(5)) }, b = (0..<n).map { _ in UInt32(random.below(5)) }
        for options in [DiffOptions.standard, .git] {
            let diff = Diff(symbols: a, to: b, symbolCount: 5, options: options, boundaries: nil)
            #expect(diff.editCount < 2 * n)
            var i = 0, j = 0
            for hunk in diff.hunks {
                #expect(hunk.source.lowerBound - i == hunk.target.lowerBound - j)
                #expect(a[i..<hunk.source.lowerBound] == b[j..<hunk.target.lowerBound])
                (i, j) = (hunk.source.upperBound, hunk.target.upperBound)
            }
            #expect(a[i...] == b[j...])
        }
    }
}

@Suite("Text")
struct TextTests {
    @Test("lines are bytes: any file comes out as it went in")
    func binary() {
        #expect(Checks.anyBytes(Subject(), seeds: 0..<(isSoak ? 20_000 : 200)) == nil)
        let text = TextLines([97, 10, 0, 255, 10, 10, 98])
        #expect(text.map(Array.init) == [[97, 10], [0, 255, 10], [10], [98]])
    }

    @Test("lines of all lengths are told apart and found again")
    func interning() {
        var lines: [[UInt8]] = []
        var random = SeededRandom(8)
        for length in 0..<200 {
            let line = (0..<length).map { _ in UInt8(97 + random.below(2)) } + [10]
            lines += [line, line]
        }
        let text = TextLines(lines.flatMap(\.self)), reversed = TextLines(lines.reversed().flatMap(\.self))
        let interned = LineInterner.symbols(of: [text, reversed])
        #expect(interned.count == Set(lines).count)
        #expect(interned.symbols[0] == interned.symbols[1].reversed())
        #expect(zip(interned.symbols[0], text).allSatisfy { symbol, line in text[interned.symbols[0].firstIndex(of: symbol)!] == line })
    }

    @Test("G-11: git applies our unified form and gets the target")
    func unifiedIsUnderstood() throws {
        var random = SeededRandom(21)
        try Git.withDirectory { directory in
            var script = "git init -q .\n"
            var expected: [[UInt8]] = []
            let count = 40
            for index in 0..<count {
                let words = ["a", "b", "  c", "", "}", "word \(index)"]
                let a = (0..<random.below(60)).map { _ in words[random.below(words.count)] + "\n" }
                let b = random.edited(a, edits: 1 + random.below(6)) { words[$0.below(words.count)] + "x\n" }
                let cut = { (lines: [String], drop: Bool) in TextLines(drop ? String(lines.joined().dropLast()) : lines.joined()) }
                let source = cut(a, random.chance(30)), target = cut(b, random.chance(30))
                let patch = UnifiedFormat(
                    context: random.below(4), sourceName: source.isEmpty ? "/dev/null" : "a/f\(index)",
                    targetName: target.isEmpty ? "/dev/null" : "b/f\(index)"
                ).render(source.diff(to: target), from: source, to: target)
                if !source.isEmpty { try write(source.bytes, "f\(index)", directory) }
                try write(patch, "p\(index)", directory)
                script += "[ ! -s p\(index) ] || git apply --unidiff-zero p\(index) || echo bad \(index)\n"
                expected.append(target.bytes)
            }
            #expect(String(decoding: try Git.shell(script, in: directory), as: UTF8.self) == "")
            for index in 0..<count { #expect(read("f\(index)", directory) == expected[index], "case \(index)") }
        }
    }

    @Test("G-11: the coloured form carries git's colours")
    func coloured() {
        let old = TextLines("func f() {\n1\n2\n3\n4\n5\n"), new = TextLines("func f() {\n1\n2\n3\n4\nfive\n")
        let text = UnifiedFormat(context: 1, sourceName: "a", targetName: "b", isColoured: true).render(
            old.diff(to: new), from: old, to: new)
        let escape = "\u{1B}"
        #expect(
            String(decoding: text, as: UTF8.self) == """
                \(escape)[1m--- a\(escape)[m
                \(escape)[1m+++ b\(escape)[m
                \(escape)[36m@@ -5,2 +5,2 @@\(escape)[m func f() {
                 4
                \(escape)[31m-5\(escape)[m
                \(escape)[32m+five\(escape)[m

                """)
    }

    @Test("HTML escapes what the texts bring")
    func html() {
        let old = TextLines("<b>&\n"), new = TextLines("\"x\"\n")
        #expect(
            HTMLFormat().render(old.diff(to: new), from: old, to: new) == """
                <pre class="diff"><span class="hunk">@@ -1 +1 @@</span>
                <del>-&lt;b&gt;&amp;</del>
                <ins>+&quot;x&quot;</ins>
                </pre>

                """)
    }
}
