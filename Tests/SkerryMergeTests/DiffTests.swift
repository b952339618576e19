import Testing

@testable import SkerryMerge

/// Every algorithm with every placement.
private let allOptions: [DiffOptions] = [DiffOptions.Algorithm.histogram, .myers].flatMap { algorithm in
    [DiffOptions.Placement.first, .last, .boundaries].map { DiffOptions(algorithm: algorithm, placement: $0) }
}

@Suite("Diff")
struct DiffTests {
    @Test("G-04: a patch of a diff of random sequences gives the target", arguments: allOptions)
    func patchInvertsDiff(options: DiffOptions) throws {
        var random = SeededRandom(11)
        for round in 0..<(isSoak ? 20_000 : 400) {
            let alphabet = 1 + random.below(round % 3 == 0 ? 3 : 40)
            let a = random.letters(random.below(60), alphabet: alphabet)
            let b =
                round % 5 == 0
                ? random.letters(random.below(60), alphabet: alphabet)
                : random.edited(a, edits: random.below(6)) { $0.letters(1, alphabet: alphabet)[0] }
            let diff = Diff(from: a, to: b, options: options)
            checkInvariants(diff, a, b)
            let patch = Patch(diff, from: a, to: b)
            #expect(try patch.applied(to: a) == b)
            #expect(try patch.inverted.applied(to: b) == a)
            #expect(diff.inverted.inverted == diff)
            #expect(diff.isEmpty == (a == b))
        }
    }

    /// What the type promises, checked element by element.
    private func checkInvariants(_ diff: Diff, _ a: [UInt8], _ b: [UInt8]) {
        var i = 0, j = 0
        for (index, hunk) in diff.hunks.enumerated() {
            #expect(!hunk.source.isEmpty || !hunk.target.isEmpty)
            #expect(a[i..<hunk.source.lowerBound] == b[j..<hunk.target.lowerBound])
            #expect(index == 0 || hunk.source.lowerBound > i)
            i = hunk.source.upperBound
            j = hunk.target.upperBound
        }
        #expect(a[i...] == b[j...])
    }

    @Test("G-04: the minimal algorithm makes as few edits as the textbook's table")
    func minimal() {
        var random = SeededRandom(5)
        for _ in 0..<300 {
            let a = random.letters(random.below(30), alphabet: 4)
            let b = random.letters(random.below(30), alphabet: 4)
            let diff = Diff(from: a, to: b, options: DiffOptions(algorithm: .myers, placement: .last))
            // Elements are set aside as noise only in sequences where some are very common.
            #expect(diff.editCount <= fewestEdits(a, b) + 2)
        }
        var exact = 0
        for seed in 0..<200 {
            var random = SeededRandom(seed)
            let a = random.letters(20, alphabet: 26)
            let b = random.edited(a, edits: 3) { $0.letters(1, alphabet: 26)[0] }
            if Diff(from: a, to: b, options: .git).editCount == fewestEdits(a, b) { exact += 1 }
        }
        #expect(exact >= 195)
    }

    /// The quadratic table.
    private func fewestEdits(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let next = a[i] == b[j] ? diagonal : 1 + min(row[j], row[j + 1])
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[b.count]
    }

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
    func placement() {
        #expect(Diff(from: "abab", to: "ababab").hunks == [Hunk(source: 0..<0, target: 0..<2)])
        #expect(Diff(from: "abab", to: "ababab", options: .git).hunks == [Hunk(source: 4..<4, target: 4..<6)])
        let old = TextLines("func a() {\n    x\n}\n\nfunc c() {\n    x\n}\n")
        let new = TextLines("func a() {\n    x\n}\n\nfunc b() {\n    x\n}\n\nfunc c() {\n    x\n}\n")
        #expect(old.diff(to: new).hunks == [Hunk(source: 4..<4, target: 4..<8)])
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
    @Test("lines are bytes: any file comes out as it went in", arguments: 0..<40)
    func binary(seed: Int) throws {
        var random = SeededRandom(seed)
        let bytes = (0..<random.below(400)).map { _ in random.chance(20) ? 10 : UInt8(random.below(256)) }
        let text = TextLines(bytes)
        #expect(Array(text.joined()) == bytes)
        #expect(text.dropLast().allSatisfy { $0.last == 10 && $0.dropLast().allSatisfy { $0 != 10 } })
        let other = TextLines(random.edited(bytes, edits: 4) { UInt8($0.below(256)) })
        let patch = Patch(text.diff(to: other), from: text, to: other)
        #expect(try Array(patch.applied(to: text).joined()) == other.bytes)
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
