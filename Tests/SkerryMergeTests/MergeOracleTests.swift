import Foundation
import Testing

@testable import SkerryMerge

/// Our merges in git's profile against `git merge-file`.
///
/// Several triples go into one file with lines of their own between them: both programs see the same file, and the output is taken
/// apart again at those lines. One shell runs all the merges of a style.
@Suite("Merge against git merge-file")
struct MergeOracleTests {
    struct Triple {
        var base, ours, theirs: [String]
    }

    struct Style: Sendable, CustomStringConvertible {
        let name, flag: String
        let rules: MergeRules
        var description: String { name }
    }

    static let styles = [
        Style(name: "plain", flag: "", rules: .git), Style(name: "diff3", flag: "--diff3", rules: .gitDiff3),
        Style(name: "zdiff3", flag: "--zdiff3", rules: .gitZdiff3),
    ]

    @Test("G-05: generated triples get git's verdict and git's text", arguments: styles)
    func generated(style: Style) throws {
        let triples = (0..<(isSoak ? 60_000 : 5_000)).map(Self.triple)
        try compare(triples, batch: 8, style)
    }

    /// In a checkout alone: an archive of the project has no older versions of its files.
    @Test(
        "G-05: versions of this project's files get git's verdict and git's text", .enabled(if: Git.checkout != nil), arguments: styles)
    func real(style: Style) throws {
        let triples = try Self.realTriples(maximum: isSoak ? 5_000 : 600)
        try #require(triples.count > 50)
        try compare(triples, batch: 1, style)
    }

    /// The styles take turns, except in the long form.
    @Test("G-05: the identities of merging hold for 5,000 triples in git's profile, as they do in git", arguments: 0..<3)
    func identities(index: Int) throws {
        let style = Self.styles[index]
        for number in stride(from: isSoak ? 0 : index, to: isSoak ? 60_000 : 5_000, by: isSoak ? 1 : 3) {
            let triple = Self.triple(seed: number)
            let base = TextLines(triple.base.joined()), ours = TextLines(triple.ours.joined()), theirs = TextLines(triple.theirs.joined())
            let cases = [(base, ours, base, ours), (base, base, theirs, theirs), (base, ours, ours, ours)]
            for (base, ours, theirs, expected) in cases {
                #expect(Merge(base: base, ours: ours, theirs: theirs, rules: style.rules).content == expected.bytes, "seed \(number)")
            }
            let there = Merge(base: base, ours: ours, theirs: theirs, rules: style.rules)
            let back = Merge(base: base, ours: theirs, theirs: ours, rules: style.rules)
            #expect(there.content == back.content, "seed \(number)")
            #expect(there.conflicts.map(\.ours) == back.conflicts.map(\.theirs), "seed \(number)")
            #expect(there.conflicts.map(\.theirs) == back.conflicts.map(\.ours), "seed \(number)")
        }
    }

    private func compare(_ triples: [Triple], batch: Int, _ style: Style) throws {
        var agreed = 0, clean = 0, conflicting = 0
        try Git.withDirectory { directory in
            let batches = stride(from: 0, to: triples.count, by: batch).map { Array(triples[$0..<min(triples.count, $0 + batch)]) }
            var script = ""
            for (number, batch) in batches.enumerated() {
                for (name, side) in [("b", \Triple.base), ("o", \Triple.ours), ("t", \Triple.theirs)] {
                    try write(Self.joined(batch.map { $0[keyPath: side] }), "\(name)\(number)", directory)
                }
                script += "git merge-file -p -q \(style.flag) o\(number) b\(number) t\(number) > r\(number)\n"
            }
            try Git.shell(script, in: directory)
            for (number, batch) in batches.enumerated() {
                let texts = [\Triple.base, \.ours, \.theirs].map { side in TextLines(Self.joined(batch.map { $0[keyPath: side] })) }
                let merge = Merge(base: texts[0], ours: texts[1], theirs: texts[2], rules: style.rules)
                let marked = MarkerFormat(showsBase: style.name != "plain").render(merge)
                let mine = Self.taken(apart: marked), git = Self.taken(apart: read("r\(number)", directory))
                #expect(mine.count == git.count)
                for (mine, git) in zip(mine, git) {
                    let isConflict = git.contains { $0.hasPrefix("<<<<<<<") }
                    if isConflict { conflicting += 1 } else { clean += 1 }
                    if isConflict ? mine.contains(where: { $0.hasPrefix("<<<<<<<") }) : mine == git { agreed += 1 }
                }
            }
        }
        let total = clean + conflicting
        #expect(total == triples.count)
        #expect(Double(agreed) >= 0.99 * Double(total), "\(agreed) of \(total)")
        print("merge-file \(style): \(agreed) of \(total) \(batch == 1 ? "real" : "generated") triples agree, \(conflicting) conflicts")
        // A test without conflicts, or with nothing else, would show little.
        #expect(clean * 10 > total && (conflicting * 20 > total || batch == 1))
    }

    private static func joined(_ texts: [[String]]) -> [UInt8] {
        var text = ""
        for (index, lines) in texts.enumerated() {
            // More lines than git will swallow between two conflicts.
            if index > 0 { text += (0..<5).map { "separator \(index) \($0)\n" }.joined() }
            text += lines.joined()
        }
        return Array(text.utf8)
    }

    private static func taken(apart bytes: [UInt8]) -> [[String]] {
        var parts: [[String]] = [[]]
        for line in TextLines(bytes).map({ String(decoding: $0, as: UTF8.self) }) {
            if !line.hasPrefix("separator ") {
                parts[parts.count - 1].append(line)
            } else if line.hasSuffix(" 0\n") {
                parts.append([])
            }
        }
        return parts
    }

    /// Half like code, with blank lines and braces that repeat; half over a small alphabet.
    private static func triple(seed: Int) -> Triple {
        var random = SeededRandom(seed)
        let isCode = random.chance(50)
        let alphabet = 3 + random.below(30)
        let line = { (random: inout SeededRandom) -> String in
            guard isCode else { return "line \(random.below(alphabet))\n" }
            switch random.below(10) {
            case 0: return "\n"
            case 1, 2: return "    }\n"
            default: return "    let value\(random.below(200)) = \(random.below(50))\n"
            }
        }
        let base = (0..<(5 + random.below(25))).map { _ in line(&random) }
        return Triple(
            base: base, ours: random.edited(base, edits: 1 + random.below(3), fresh: line),
            theirs: random.edited(base, edits: 1 + random.below(3), fresh: line))
    }

    /// Of three versions of a file the middle one is the base: one side takes the older change back, the other makes the next. Neighbours first,
    /// then versions further apart, which differ more.
    private static func realTriples(maximum: Int) throws -> [Triple] {
        guard let checkout = Git.checkout else { return [] }
        return try Git.withDirectory { directory in
            let histories = try versions(checkout, directory)
            var ids: [(base: Substring, ours: Substring, theirs: Substring)] = []
            for reach in 1...6 {
                for versions in histories where versions.count > 2 * reach {
                    for index in reach..<versions.count - reach {
                        ids.append((versions[index], versions[index - reach], versions[index + reach]))
                    }
                }
            }
            ids.removeLast(max(0, ids.count - maximum))
            let texts = try contents(ids.flatMap { [$0.base, $0.ours, $0.theirs] }, checkout, directory)
            return ids.indices.map { Triple(base: texts[3 * $0], ours: texts[3 * $0 + 1], theirs: texts[3 * $0 + 2]) }
        }
    }

    /// For each file the names of its contents, the newest first.
    private static func versions(_ checkout: URL, _ directory: URL) throws -> [[Substring]] {
        let list =
            "git -C '\(checkout.path)' log --no-merges --diff-filter=M --raw --abbrev=40 --format= -n 2000 -- '*.swift' '*.md' '*.py'"
        var versions: [Substring: [Substring]] = [:]
        var order: [Substring] = []
        for line in String(decoding: try Git.shell(list, in: directory), as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: "\t")
            let ids = fields[0].split(separator: " ")
            guard fields.count == 2, ids.count == 5 else { continue }
            if versions[fields[1]] == nil { order.append(fields[1]) }
            versions[fields[1], default: [ids[3]]].append(ids[2])
        }
        return order.map { versions[$0] ?? [] }
    }

    /// The lines of each content, all through one process.
    private static func contents(_ ids: [Substring], _ checkout: URL, _ directory: URL) throws -> [[String]] {
        let output = try Git.shell(
            "git -C '\(checkout.path)' cat-file --batch", in: directory, input: Array((ids.joined(separator: "\n") + "\n").utf8))
        var contents: [[String]] = []
        var at = 0
        while at < output.count {
            let headEnd = try #require(output[at...].firstIndex(of: 10))
            let size = try #require(Int(String(decoding: output[at..<headEnd], as: UTF8.self).split(separator: " ")[2]))
            contents.append(TextLines(Array(output[headEnd + 1..<headEnd + 1 + size])).map { String(decoding: $0, as: UTF8.self) })
            at = headEnd + size + 2
        }
        try #require(contents.count == ids.count)
        return contents
    }
}
