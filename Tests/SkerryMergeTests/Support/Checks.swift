@testable import SkerryMerge

/// The laws of this module. Each check gives the first thing that is wrong, or nil.
enum Checks {
    // MARK: - Diff and patch

    /// A patch of a diff leads there and back, and the diff keeps what its type promises.
    static func roundTrip(_ subject: Subject, options: DiffOptions = .standard, rounds: Int = 300) -> String? {
        var random = SeededRandom(11)
        for round in 0..<rounds {
            let alphabet = 1 + random.below(round % 3 == 0 ? 3 : 40)
            let a = random.letters(random.below(60), alphabet: alphabet)
            let b =
                round % 5 == 0
                ? random.letters(random.below(60), alphabet: alphabet)
                : random.edited(a, edits: random.below(6)) { $0.letters(1, alphabet: alphabet)[0] }
            let diff = subject.diff(a, b, options)
            if let problem = invariants(diff, a, b) { return "round \(round): \(problem)" }
            let patch = Patch(diff, from: a, to: b)
            if (try? subject.applied(patch, a)) != b { return "round \(round): the patch does not lead to the target" }
            let inverse = subject.inverted(patch)
            if (try? Patch(changes: inverse.changes)) == nil { return "round \(round): the inverse is not well formed" }
            if (try? subject.applied(inverse, b)) != a { return "round \(round): the inverse does not lead back" }
            if diff.inverted.inverted != diff { return "round \(round): the inverse of the inverse" }
            if diff.isEmpty != (a == b) { return "round \(round): empty" }
        }
        return nil
    }

    /// What ``Diff`` promises, element by element.
    private static func invariants(_ diff: Diff, _ a: [UInt8], _ b: [UInt8]) -> String? {
        var i = 0, j = 0
        for (index, hunk) in diff.hunks.enumerated() {
            if hunk.source.isEmpty && hunk.target.isEmpty { return "an empty hunk" }
            guard hunk.source.lowerBound >= i, hunk.target.lowerBound >= j, hunk.source.upperBound <= a.count,
                hunk.target.upperBound <= b.count
            else { return "hunks out of order or outside" }
            if a[i..<hunk.source.lowerBound] != b[j..<hunk.target.lowerBound] { return "what is called shared differs" }
            if index > 0, hunk.source.lowerBound == i { return "two hunks touch" }
            i = hunk.source.upperBound
            j = hunk.target.upperBound
        }
        return a[i...] == b[j...] ? nil : "the rest differs"
    }

    /// The minimal algorithm makes hardly more edits than the textbook's table.
    static func minimal(_ subject: Subject) -> String? {
        var random = SeededRandom(5)
        for round in 0..<300 {
            let a = random.letters(random.below(30), alphabet: 4), b = random.letters(random.below(30), alphabet: 4)
            let edits = subject.diff(a, b, DiffOptions(algorithm: .myers, placement: .last)).editCount
            // Elements are set aside as noise only in sequences where some are very common.
            if edits > fewestEdits(a, b) + 2 { return "round \(round): \(edits) edits, \(fewestEdits(a, b)) would do" }
        }
        var exact = 0
        for seed in 0..<200 {
            var random = SeededRandom(seed)
            let a = random.letters(20, alphabet: 26)
            let b = random.edited(a, edits: 3) { $0.letters(1, alphabet: 26)[0] }
            if subject.diff(a, b, .git).editCount == fewestEdits(a, b) { exact += 1 }
        }
        return exact >= 195 ? nil : "\(exact) of 200 are minimal"
    }

    /// The quadratic table.
    private static func fewestEdits(_ a: [UInt8], _ b: [UInt8]) -> Int {
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

    /// Hunks go first, last, or to a boundary of blocks.
    static func placement(_ subject: Subject) -> String? {
        let a = Array("abab".utf8), b = Array("ababab".utf8)
        if subject.diff(a, b, .standard).hunks != [Hunk(source: 0..<0, target: 0..<2)] { return "not as early as it can be" }
        if subject.diff(a, b, .git).hunks != [Hunk(source: 4..<4, target: 4..<6)] { return "not as late as it can be" }
        let old = TextLines("func a() {\n    x\n}\n\nfunc c() {\n    x\n}\n")
        let new = TextLines("func a() {\n    x\n}\n\nfunc b() {\n    x\n}\n\nfunc c() {\n    x\n}\n")
        if subject.lines(old, new).hunks != [Hunk(source: 4..<4, target: 4..<8)] { return "not at the boundary of a block" }
        // As late as it can be it would begin inside the comment.
        let one = TextLines("/**\n * c\n */\nc\n"), two = TextLines("/**\n * b\n */\nb\n\n/**\n * c\n */\nc\n")
        return subject.lines(one, two).hunks == [Hunk(source: 0..<0, target: 0..<5)] ? nil : "inside a block"
    }

    /// Any file comes out of a diff of its lines as it went in.
    static func anyBytes(_ subject: Subject, seeds: Range<Int> = 0..<40) -> String? {
        for seed in seeds {
            var random = SeededRandom(seed)
            let bytes = (0..<random.below(400)).map { _ in random.chance(20) ? 10 : UInt8(random.below(256)) }
            // With and without a feed at the end.
            let bare = TextLines("a\nb"), fed = TextLines("a\nb\n")
            if subject.lines(bare, fed).hunks != [Hunk(source: 1..<2, target: 1..<2)] { return "a missing feed at the end goes unseen" }
            let text = TextLines(bytes), other = TextLines(random.edited(bytes, edits: 4) { UInt8($0.below(256)) })
            if Array(text.joined()) != bytes { return "seed \(seed): lines lose bytes" }
            let patch = Patch(subject.lines(text, other), from: text, to: other)
            if (try? Array(patch.applied(to: text).joined())) != other.bytes { return "seed \(seed): the patch of lines" }
        }
        return nil
    }

    /// A patch refuses what it was not made for, and changes that are none.
    static func verification(_ subject: Subject) -> String? {
        let patch = Patch(from: Array("abcdef".utf8), to: Array("abXdef".utf8))
        for other in ["abYdef", "ab", ""] {
            do throws(PatchError) {
                _ = try subject.applied(patch, Array(other.utf8))
                return "\(other) was taken"
            } catch {
                if error.code != .mismatch || error.position != 2 { return "\(error)" }
            }
        }
        typealias Change = Patch<UInt8>.Change
        let bad: [[Change]] = [
            [Change(position: -1, removed: [], inserted: [1])],
            [Change(position: 0, removed: [], inserted: [])],
            [Change(position: 4, removed: [1], inserted: []), Change(position: 2, removed: [1], inserted: [])],
            [Change(position: 0, removed: [1, 2], inserted: []), Change(position: 1, removed: [1], inserted: [])],
            [Change(position: 0, removed: [1], inserted: []), Change(position: 1, removed: [1], inserted: [])],
            [Change(position: .max, removed: [1], inserted: [])],
        ]
        for (index, changes) in bad.enumerated() where (try? subject.checked(changes)) != nil { return "changes \(index) were taken" }
        return nil
    }

    /// Composed patches do what both do, and two that do not fit are refused.
    static func composition(_ subject: Subject, seeds: Range<Int> = 0..<20, rounds: Int = 100) -> String? {
        for seed in seeds {
            var random = SeededRandom(seed)
            for round in 0..<rounds {
                let alphabet = 2 + random.below(6)
                let fresh = { (random: inout SeededRandom) in random.letters(1, alphabet: alphabet)[0] }
                let a = random.letters(random.below(30), alphabet: alphabet)
                let b = random.edited(a, edits: random.below(6), fresh: fresh), c = random.edited(b, edits: random.below(6), fresh: fresh)
                guard let both = try? subject.composed(Patch(from: a, to: b), Patch(from: b, to: c)) else {
                    return "seed \(seed), \(round): refused"
                }
                // What a patch checks of others it keeps itself.
                if (try? Patch(changes: both.changes)) != both { return "seed \(seed), \(round): not well formed" }
                if (try? both.applied(to: a)) != c { return "seed \(seed), \(round): does not lead to the end" }
                if (try? both.inverted.applied(to: c)) != a { return "seed \(seed), \(round): does not lead back" }
            }
        }
        let patch = Patch(from: Array("the cat sat".utf8), to: Array("a cat sits".utf8))
        if (try? subject.composed(patch, patch.inverted))?.isEmpty != true { return "a patch and its inverse are something" }
        return (try? subject.composed(patch, patch)) == nil ? nil : "patches that do not fit were composed"
    }

    // MARK: - Merge

    /// Ours, base, theirs and the outcome: the nine of upstream, then what each rule decides, then what both sides of a conflict share.
    static let vectors: [(ours: String, base: String, theirs: String, expected: String)] = [
        ("abaaaa", "aaaaa", "aaacaa", "abaacaa"), ("abaa", "aaa", "aacca", "abacca"), ("abaaa", "aaaaa", "abaaa", "abaaa"),
        ("aaaaa", "aaccaaa", "aaccaaba", "aaaaba"), ("abaaa", "abaaa", "aacaa", "aacaa"), ("aaa", "axaa", "axaab", "aaab"),
        ("abaaba", "aaaaa", "aaacca", "abaa{b|cc}a"), ("aBc", "abc", "acD", "aBcD"), ("abaaa", "aaaa", "aacca", "abaacca"),
        ("aXc", "abc", "abc", "aXc"), ("aXc", "abc", "aXc", "aXc"), ("aXc", "abc", "ac", "aXc"), ("aXc", "abc", "aYc", "a{X|Y}c"),
        ("aXcd", "abcd", "abYd", "a{Xc|bY}d"), ("Xbcd", "abcd", "abYd", "XbYd"), ("1xAy2", "1b2", "1xBy2", "1x{A|B}y2"),
    ]

    static func vectors(_ subject: Subject) -> String? {
        for (ours, base, theirs, expected) in vectors {
            let there = subject.merge(Array(base.utf8), Array(ours.utf8), Array(theirs.utf8), .standard).shown
            if there != expected { return "\(ours) \(base) \(theirs): \(there), not \(expected)" }
        }
        return nil
    }

    /// A side that changed nothing gives way, equal sides give themselves, swapping sides swaps conflicts, and trimming loses nothing.
    static func mergeLaws(_ subject: Subject, _ rules: MergeRules = .standard, rounds: Int = 300) -> String? {
        var random = SeededRandom(17)
        for round in 0..<rounds {
            let alphabet = 2 + random.below(8)
            let fresh = { (random: inout SeededRandom) in random.letters(1, alphabet: alphabet)[0] }
            let base = random.letters(random.below(25), alphabet: alphabet)
            let x = random.edited(base, edits: random.below(5), fresh: fresh), y = random.edited(base, edits: random.below(5), fresh: fresh)
            if subject.merge(base, x, base, rules).content != x { return "round \(round): ours against nothing" }
            if subject.merge(base, base, x, rules).content != x { return "round \(round): theirs against nothing" }
            if subject.merge(base, x, x, rules).content != x { return "round \(round): both alike" }
            let there = subject.merge(base, x, y, rules), back = subject.merge(base, y, x, rules)
            if there.conflicts.map({ [$0.base, $0.ours, $0.theirs] }) != back.conflicts.map({ [$0.base, $0.theirs, $0.ours] }) {
                return "round \(round): swapped sides conflict otherwise"
            }
            if there.resolved(\.ours) != back.resolved(\.theirs) { return "round \(round): swapped sides give another text" }
            var whole = rules
            whole.trimsConflicts = false
            let untrimmed = subject.merge(base, x, y, whole)
            if there.resolved(\.ours) != untrimmed.resolved(\.ours) { return "round \(round): trimming changes what a side says" }
            if rules.trimsConflicts, there.conflicts.contains(where: { !$0.ours.isEmpty && $0.ours.first == $0.theirs.first }) {
                return "round \(round): a conflict begins with what both say"
            }
        }
        return nil
    }

    // MARK: - Objects and graphs

    /// One side moves an object while the other edits it; one drops what the other begins to use; one edits what the other deletes.
    static func objects(_ subject: Subject) -> String? {
        func list(_ places: [String], n: Int64) -> ObjectGraph? {
            try? subject.graph(
                .map(["list": .list(places.map { .map(["__id__": .string($0), "n": .integer($0 == "a" ? n : 0)]) })]))
        }
        guard let base = list(["a", "b", "c"], n: 1), let ours = list(["b", "c", "a"], n: 1), let theirs = list(["a", "b", "c"], n: 2),
            let expected = list(["b", "c", "a"], n: 2)
        else { return "values were refused" }
        let moved = subject.objects(base, ours, theirs, .ours)
        if moved.conflicts != 0 || moved.graph.value != expected.value { return "a move and an edit do not meet" }

        let object = ObjectValue.map(["__id__": .string("x")])
        guard let used = try? subject.graph(.map(["a": object])), let dropped = try? subject.graph(.map([:])),
            let usedTwice = try? subject.graph(.map(["a": object, "b": .reference("x")]))
        else { return "values were refused" }
        let kept = subject.objects(used, dropped, usedTwice, .ours).graph
        if kept != ObjectGraph(root: .map(["b": .reference("x")]), objects: ["x": object]) { return "an object in use was lost" }

        let before = ObjectGraph(root: .map(["k": .integer(1)])), gone = ObjectGraph(root: .map([:]))
        let edited = ObjectGraph(root: .map(["k": .integer(2)]))
        return subject.objects(before, gone, edited, .ours).graph == edited ? nil : "an edit was lost to a deletion"
    }

    /// The identities of merging, and that both nodes get the same graph.
    static func objectLaws(_ subject: Subject, seeds: Range<Int> = 0..<60) -> String? {
        for seed in seeds {
            var random = SeededRandom(seed)
            for _ in 0..<10 {
                let base = random.graph(), x = random.graph(), y = random.graph()
                if subject.objects(base, x, base, .greatest).graph != x { return "seed \(seed): ours against nothing" }
                if subject.objects(base, base, x, .greatest).graph != x { return "seed \(seed): theirs against nothing" }
                if subject.objects(base, x, x, .greatest).graph != x { return "seed \(seed): both alike" }
                let there = subject.objects(base, x, y, .greatest), back = subject.objects(base, y, x, .greatest)
                if there.graph != back.graph || there.conflicts != back.conflicts { return "seed \(seed): the nodes differ" }
            }
        }
        return nil
    }

    /// Merge bases are those of the definition.
    static func mergeBases(_ subject: Subject, seeds: Range<Int> = 0..<20) -> String? {
        for seed in seeds {
            guard let plain = try? PlainGraph.random(seed, count: 40) else { return "a graph was refused" }
            var random = SeededRandom(seed)
            for _ in 0..<10 {
                let a = random.below(40), b = random.below(40)
                if subject.mergeBases(plain, a, b) != Set(plain.mergeBases(a, b).map(PlainGraph.id)) { return "seed \(seed): \(a), \(b)" }
            }
        }
        return nil
    }
}
