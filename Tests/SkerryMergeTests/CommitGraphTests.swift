import Foundation
import Testing

@testable import SkerryMerge

/// A graph without content: commits are numbers.
struct PlainGraph {
    var parents: [[Int]] = []
    var generations: [UInt64] = []
    var graph = CommitGraph()

    static func id(_ number: Int) -> ObjectID {
        var bytes = [UInt8](repeating: 0, count: 32)
        // Spread, so that the order of identifiers says nothing about age.
        let spread = UInt64(number &+ 1) &* 0x9E37_79B9_7F4A_7C15
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: spread >> UInt64(8 * index)) }
        bytes[31] = UInt8(truncatingIfNeeded: number)
        bytes[30] = UInt8(truncatingIfNeeded: number >> 8)
        return ObjectID(bytes)!
    }

    mutating func add(_ parents: [Int]) throws {
        let generation = parents.map { generations[$0] + 1 }.max() ?? 0
        let commit = Commit(
            tree: Self.id(0), parents: parents.map(Self.id), generation: generation, timestamp: UInt64(self.parents.count), author: "",
            message: "")
        try graph.insert(Self.id(self.parents.count), commit)
        self.parents.append(parents)
        generations.append(generation)
    }

    /// Branches that grow and merge; a few roots.
    static func random(_ seed: Int, count: Int) throws -> PlainGraph {
        var random = SeededRandom(seed)
        var plain = PlainGraph()
        for number in 0..<count {
            let window = max(1, min(number, 2 + random.below(8)))
            var parents: Set<Int> = []
            if number > 0, !random.chance(3) {
                for _ in 0..<(random.chance(40) ? 2 + random.below(2) : 1) { parents.insert(number - 1 - random.below(window)) }
            }
            try plain.add(parents.sorted())
        }
        return plain
    }

    func ancestors(_ number: Int) -> Set<Int> {
        var found: Set<Int> = [number]
        for number in stride(from: number, through: 0, by: -1) where found.contains(number) { found.formUnion(parents[number]) }
        return found
    }

    /// By the definition.
    func mergeBases(_ a: Int, _ b: Int) -> Set<Int> {
        let common = ancestors(a).intersection(ancestors(b))
        return common.filter { candidate in !common.contains { $0 != candidate && ancestors($0).contains(candidate) } }
    }
}

@Suite("Commit graph")
struct CommitGraphTests {
    @Test("merge bases are those of the definition", arguments: 0..<100)
    func definition(seed: Int) throws {
        let plain = try PlainGraph.random(seed, count: 40)
        var random = SeededRandom(seed)
        for _ in 0..<10 {
            let a = random.below(40), b = random.below(40)
            #expect(Set(plain.graph.mergeBases(PlainGraph.id(a), PlainGraph.id(b))) == Set(plain.mergeBases(a, b).map(PlainGraph.id)))
            #expect(plain.graph.isAncestor(PlainGraph.id(a), of: PlainGraph.id(b)) == plain.ancestors(b).contains(a))
            let listed = plain.graph.commits(from: [PlainGraph.id(a)], excluding: [PlainGraph.id(b)])
            #expect(Set(listed) == Set(plain.ancestors(a).subtracting(plain.ancestors(b)).map(PlainGraph.id)))
        }
    }

    @Test("G-01: the common ancestor after a merge is found through every parent, not the first alone")
    func secondParent() throws {
        // 0 - 1 - 3 (1, 2), 4 on 2: upstream's first parents of 3 lead to 0 only.
        var plain = PlainGraph()
        try plain.add([])
        try plain.add([0])
        try plain.add([0])
        try plain.add([1, 2])
        try plain.add([2])
        #expect(plain.graph.mergeBases(PlainGraph.id(3), PlainGraph.id(4)) == [PlainGraph.id(2)])
    }

    @Test("merge bases are git's on random graphs")
    func againstGit() throws {
        let count = isSoak ? 5_000 : 500, size = 30
        try Git.withDirectory { directory in
            var stream = ""
            var plains: [PlainGraph] = []
            for seed in 0..<count {
                let plain = try PlainGraph.random(1_000 + seed, count: size)
                for (number, parents) in plain.parents.enumerated() {
                    let mark = { seed * size + $0 + 1 }
                    stream += "commit refs/heads/g\(seed)-\(number)\nmark :\(mark(number))\ncommitter a <a@b> \(number) +0000\ndata 0\n"
                    for (index, parent) in parents.enumerated() { stream += "\(index == 0 ? "from" : "merge") :\(mark(parent))\n" }
                    // Without this a commit whose branch is new would get no parent only by chance.
                    stream += "M 100644 inline n\ndata \(String(mark(number)).utf8.count)\n\(mark(number))\n"
                }
                plains.append(plain)
            }
            try Git.shell("git init -q . && git fast-import --quiet --force --export-marks=marks", in: directory, input: Array(stream.utf8))
            var numbers: [Substring: Int] = [:]
            var hashes: [Int: Substring] = [:]
            for line in String(decoding: read("marks", directory), as: UTF8.self).split(separator: "\n") {
                let fields = line.split(separator: " ")
                let mark = try #require(Int(fields[0].dropFirst()))
                numbers[fields[1]] = mark - 1
                hashes[mark - 1] = fields[1]
            }
            #expect(numbers.count == count * size)
            var script = ""
            var questions: [(seed: Int, a: Int, b: Int)] = []
            var random = SeededRandom(77)
            for seed in 0..<count {
                for _ in 0..<2 {
                    let a = size - 1 - random.below(6), b = size - 1 - random.below(10)
                    questions.append((seed, a, b))
                    script +=
                        "git merge-base --all \(try #require(hashes[seed * size + a])) \(try #require(hashes[seed * size + b])); echo\n"
                }
            }
            let answers = String(decoding: try Git.shell(script, in: directory), as: UTF8.self)
                .split(separator: "\n\n", omittingEmptySubsequences: false)
            var several = 0
            var lines = String(decoding: Array(answers.joined(separator: "\n\n").utf8), as: UTF8.self)
                .split(separator: "\n", omittingEmptySubsequences: false)[...]
            for question in questions {
                let answer = lines.prefix { !$0.isEmpty }
                lines = lines.dropFirst(answer.count + 1)
                let git = Set(answer.map { numbers[$0].map { $0 - question.seed * size } ?? -1 })
                let ours = plains[question.seed].graph.mergeBases(PlainGraph.id(question.a), PlainGraph.id(question.b))
                #expect(Set(ours) == Set(git.map(PlainGraph.id)), "graph \(question.seed): \(question.a), \(question.b)")
                if git.count > 1 { several += 1 }
            }
            // Crosswise merges must be among the questions, or nothing was shown.
            #expect(several > count / 50)
        }
    }

    @Test("a commit whose parent is not here is refused, unless it is at the boundary")
    func dangling() throws {
        var graph = CommitGraph()
        let orphan = Commit(tree: PlainGraph.id(0), parents: [PlainGraph.id(9)], generation: 3, timestamp: 0, author: "", message: "")
        let error = #expect(throws: HistoryError.self) { try graph.insert(PlainGraph.id(1), orphan) }
        #expect(error?.code == .dangling)
        try graph.insert(PlainGraph.id(1), orphan, isBoundary: true)
        #expect(graph.boundary == [PlainGraph.id(1)])
        let liar = Commit(tree: PlainGraph.id(0), parents: [PlainGraph.id(1)], generation: 9, timestamp: 0, author: "", message: "")
        #expect(throws: HistoryError.self) { try graph.insert(PlainGraph.id(2), liar) }
    }

    @Test("the log shows every commit before its parents, and the newest first", arguments: 0..<30)
    func log(seed: Int) throws {
        let plain = try PlainGraph.random(seed, count: 30)
        let log = plain.graph.log(from: (25..<30).map(PlainGraph.id))
        let expected = (25..<30).reduce(into: Set<Int>()) { $0.formUnion(plain.ancestors($1)) }
        #expect(Set(log) == Set(expected.map(PlainGraph.id)))
        // Times grow with numbers here, so the order is plain.
        #expect(log == expected.sorted(by: >).map(PlainGraph.id))
    }

    @Test("G-11: the log is drawn with its branches")
    func drawn() {
        let ids = (0..<6).map(PlainGraph.id)
        let entries = [
            LogFormat.Entry(id: ids[5], parents: [ids[3], ids[4]], text: "merge\nof two"),
            LogFormat.Entry(id: ids[4], parents: [ids[1]], text: "theirs"), LogFormat.Entry(id: ids[3], parents: [ids[2]], text: "ours"),
            LogFormat.Entry(id: ids[2], parents: [ids[1]], text: "ours before"),
            LogFormat.Entry(id: ids[1], parents: [ids[0]], text: "fork"),
            LogFormat.Entry(id: ids[0], parents: [], text: "first"),
        ]
        let name = { ids[$0].abbreviated }
        #expect(
            LogFormat().render(entries) == """
                * \(name(5)) merge
                | of two
                |\\
                | * \(name(4)) theirs
                * | \(name(3)) ours
                * | \(name(2)) ours before
                |/
                * \(name(1)) fork
                * \(name(0)) first

                """)
        #expect(LogFormat(isColoured: true).render(entries).contains("\u{1B}[33m\(name(5))\u{1B}[m merge"))
    }

    @Test("lanes of the drawn log never cross a star", arguments: 0..<40)
    func lanes(seed: Int) throws {
        let plain = try PlainGraph.random(seed, count: 25)
        let log = plain.graph.log(from: (20..<25).map(PlainGraph.id))
        let text = LogFormat().render(log.map { LogFormat.Entry(id: $0, parents: plain.graph.parents(of: $0) ?? [], text: "x") })
        let stars = text.split(separator: "\n").filter { $0.contains("*") }
        #expect(stars.count == log.count)
        #expect(zip(stars, log).allSatisfy { line, id in line.hasSuffix("\(id.abbreviated) x") && line.count { $0 == "*" } == 1 })
    }
}
