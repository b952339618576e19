import Testing

@testable import SkerryMerge

@Suite("Merge")
struct MergeTests {
    private func merge(_ ours: String, _ base: String, _ theirs: String, _ rules: MergeRules = .standard) -> Merge<Character> {
        Merge(base: Array(base), ours: Array(ours), theirs: Array(theirs), rules: rules)
    }

    @Test("G-05: the nine vectors of diff3, and what each rule decides", arguments: Checks.vectors)
    func vectors(ours: String, base: String, theirs: String, expected: String) {
        let shown = { (merge: Merge<Character>) in String(merge.resolved { "{\(String($0.ours))|\(String($0.theirs))}" }) }
        #expect(shown(merge(ours, base, theirs)) == expected)
        // Swapped sides give the same, with the sides of a conflict swapped.
        let swapped = Array(
            expected.split(separator: "{").map { part in
                let sides = part.split(separator: "}", omittingEmptySubsequences: false)
                guard sides.count == 2 else { return String(part) }
                let two = sides[0].split(separator: "|")
                return "{\(two[1])|\(two[0])}\(sides[1])"
            }
        ).joined()
        #expect(shown(merge(theirs, base, ours)) == swapped)
    }

    @Test("G-05: each rule decides, and can be switched off")
    func rules() {
        // One side only; both alike; content against its deletion; conflict.
        #expect(merge("aXc", "abc", "abc").content == Array("aXc"))
        #expect(merge("aXc", "abc", "aXc").content == Array("aXc"))
        #expect(merge("aXc", "abc", "ac").content == Array("aXc"))
        #expect(merge("aXc", "abc", "aYc").content == nil)
        #expect(merge("aXc", "abc", "ac", MergeRules(insertBeatsDelete: false)).content == nil)
        // Alike in content though not in hunks: only the stricter rule minds.
        #expect(merge("xyz", "abyc", "xyz", MergeRules(alike: .hunks)).content == Array("xyz"))
    }

    @Test("G-05: a conflict is trimmed to what differs, and the base stays whole")
    func trimming() {
        let merged = merge("1xAy2", "1b2", "1xBy2")
        #expect(merged.conflicts.count == 1)
        #expect(merged.conflicts.first.map { String($0.ours) } == "A")
        #expect(merged.conflicts.first.map { String($0.base) } == "b")
        #expect(String(merged.resolved { _ in "?" }) == "1x?y2")
    }

    @Test("upstream's issue 3: a fragment is never put into the middle of another")
    func interleavedFragments() {
        let base = ["B", "C", "D", "E"], ours = ["B", "X", "X", "X", "X", "D", "E", "ERROR"], theirs = ["B", "Y", "D", "E"]
        #expect(Merge(base: base, ours: ours, theirs: base).content == ours)
        let merged = Merge(base: base, ours: ours, theirs: theirs)
        #expect(merged.conflicts.map { Array($0.ours) } == [["X", "X", "X", "X"]])
        #expect(merged.resolved { $0.ours } == ours)
        #expect(merged.resolved { $0.theirs } == ["B", "Y", "D", "E", "ERROR"])
    }

    @Test("the laws of merging hold for sequences of anything", arguments: [MergeRules.standard, .git, .gitDiff3, .gitZdiff3])
    func laws(rules: MergeRules) { #expect(Checks.mergeLaws(Subject(), rules, rounds: isSoak ? 20_000 : 700) == nil) }

    @Test("the identities of merging hold for all rules", arguments: [MergeRules.standard, .text, .git, .gitDiff3, .gitZdiff3])
    func identities(rules: MergeRules) {
        var random = SeededRandom(17)
        for _ in 0..<(isSoak ? 20_000 : 700) {
            let alphabet = 2 + random.below(8)
            let line = { (random: inout SeededRandom) in Array("line \(random.below(alphabet))\n".utf8) }
            let base = (0..<random.below(25)).map { _ in line(&random) }
            let x = random.edited(base, edits: random.below(5), fresh: line), y = random.edited(base, edits: random.below(5), fresh: line)
            let texts = [base, x, y].map { TextLines($0.flatMap(\.self)) }
            #expect(Merge(base: texts[0], ours: texts[1], theirs: texts[0], rules: rules).content == texts[1].bytes)
            #expect(Merge(base: texts[0], ours: texts[0], theirs: texts[1], rules: rules).content == texts[1].bytes)
            #expect(Merge(base: texts[0], ours: texts[1], theirs: texts[1], rules: rules).content == texts[1].bytes)
            let there = Merge(base: texts[0], ours: texts[1], theirs: texts[2], rules: rules)
            let back = Merge(base: texts[0], ours: texts[2], theirs: texts[1], rules: rules)
            #expect(there.content == back.content)
            #expect(there.conflicts.map { [$0.base, $0.ours, $0.theirs] } == back.conflicts.map { [$0.base, $0.theirs, $0.ours] })
            #expect(there.resolved { $0.ours } == back.resolved { $0.theirs })
        }
    }

    @Test("inside a conflict the words are tried")
    func words() {
        let base = TextLines("the quick brown fox\n"), ours = TextLines("the slow brown fox\n"), theirs = TextLines("the quick brown cat\n")
        let merged = Merge(base: base, ours: ours, theirs: theirs)
        #expect(merged.content == Array("the slow brown cat\n".utf8))
        #expect(merged.pieces == [.settled(Array("the slow brown cat\n".utf8)[...], .words)])
        var rules = MergeRules.text
        rules.retriesWords = false
        #expect(!Merge(base: base, ours: ours, theirs: theirs, rules: rules).isClean)
        // The same word, and a word against its deletion, stay conflicts.
        #expect(!Merge(base: base, ours: ours, theirs: TextLines("the fast brown fox\n")).isClean)
        #expect(!Merge(base: base, ours: ours, theirs: TextLines("the brown fox\n")).isClean)
    }

    @Test("touching changes conflict, an unchanged element between them keeps them apart")
    func touching() {
        #expect(merge("aXcd", "abcd", "abYd").content == nil)
        #expect(merge("Xbcd", "abcd", "abYd").content == Array("XbYd"))
    }

    @Test("markers stand at the beginning of a line, whatever the texts end in")
    func markers() {
        let merged = Merge(base: TextLines("a\nb"), ours: TextLines("a\nx"), theirs: TextLines("a\ny\n"))
        #expect(
            String(
                decoding: MarkerFormat(oursName: "left", baseName: "old", theirsName: "right", showsBase: true).render(merged),
                as: UTF8.self)
                == "a\n<<<<<<< left\nx\n||||||| old\nb\n=======\ny\n>>>>>>> right\n")
        #expect(
            HTMLFormat().render(merged)
                == "<pre class=\"merge\"><span class=\"base\">a\n</span><div class=\"conflict\"><div class=\"ours\">x</div>"
                + "<div class=\"base\">b</div><div class=\"theirs\">y\n</div></div></pre>\n")
        let ours = TextLines("a\nx")
        #expect(
            String(decoding: UnifiedFormat().render(merged, against: ours), as: UTF8.self).hasPrefix(
                "@@ -1,2 +1,8 @@\n a\n-x\n\\ No newline at end of file\n+<<<<<<<\n"))
    }
}
