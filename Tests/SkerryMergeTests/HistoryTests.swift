import Testing

@testable import SkerryMerge

typealias MemoryHistory = History<MemoryHistoryStore>

func snapshot(_ texts: [String: String]) -> Snapshot { Snapshot(texts: texts)! }

extension History {
    @discardableResult
    mutating func commit(_ texts: [String: String], to branch: String = "main", at time: UInt64 = 1, _ message: String = "m") throws
        -> ObjectID
    {
        try commit(snapshot(texts), to: branch, author: "t", message: message, timestamp: time)
    }
}

/// A store that counts, and that can lose or damage what it holds.
struct ProbedStore: HistoryStore {
    final class Counter: @unchecked Sendable {
        // Tests touch it from one task.
        var reads = 0
    }

    var base = MemoryHistoryStore()
    let counter = Counter()
    var damage: [ObjectID: [UInt8]?] = [:]

    func record(_ id: ObjectID) throws(HistoryError) -> [UInt8]? {
        counter.reads += 1
        if let damaged = damage[id] { return damaged }
        return base.record(id)
    }
    mutating func insert(_ records: [(id: ObjectID, record: [UInt8])]) { base.insert(records) }
    mutating func replace(_ records: [(id: ObjectID, record: [UInt8])]) { base.replace(records) }
    func names() -> [HistoryName: ObjectID] { base.names() }
    func boundary() -> Set<ObjectID> { base.boundary() }
    mutating func update(names changes: [NameChange], boundary: Set<ObjectID>?) throws(HistoryError) {
        try base.update(names: changes, boundary: boundary)
    }
    func forEachID(_ body: (ObjectID) throws(HistoryError) -> Void) throws(HistoryError) { try base.forEachID(body) }
    mutating func remove(_ ids: [ObjectID]) { base.remove(ids) }
}

@Suite("History")
struct HistoryTests {
    @Test("G-01: a commit is named by its content and its past, the same everywhere")
    func contentAddressed() throws {
        var a = try MemoryHistory(store: MemoryHistoryStore()), b = try MemoryHistory(store: MemoryHistoryStore())
        #expect(a.rootID == b.rootID)
        let first = try a.commit(["f": "1"])
        #expect(try b.commit(["f": "1"]) == first)
        #expect(try a.commit(first).parents == [a.rootID])
        let second = try a.commit(["f": "2"])
        #expect(try b.commit(["f": "2"], at: 2) != second)
        #expect(try a.commit(second).generation == 2)
    }

    @Test("G-01: a commit that changes nothing is refused")
    func noChange() throws {
        var history = try MemoryHistory(store: MemoryHistoryStore())
        try history.commit(["f": "1"])
        let error = #expect(throws: HistoryError.self) { try history.commit(["f": "1"], at: 9) }
        #expect(error?.code == .noChange)
    }

    @Test("G-02: a checkout gives every snapshot back, and its cost does not grow with the history")
    func checkout() throws {
        var history = try History(store: ProbedStore())
        var random = SeededRandom(4)
        var lines = (0..<200).map { "line \($0) \(random.below(1000))" }
        var commits: [(ObjectID, Snapshot)] = []
        for time in 0..<(isSoak ? 2_000 : 300) {
            lines = random.edited(lines, edits: 2) { "new \($0.below(100_000))" }
            let snapshot = snapshot(["big": lines.joined(separator: "\n"), "dir/small": "\(time)", "dir/same": "same"])
            commits.append((try history.commit(snapshot, to: "main", author: "", message: "", timestamp: UInt64(time)), snapshot))
        }
        for (id, snapshot) in commits {
            history.store.counter.reads = 0
            #expect(try history.checkout(id) == snapshot)
            // The commit, two trees, three files, each behind at most 16 differences.
            #expect(history.store.counter.reads <= 6 + 3 * HistoryRecord.chainMaximum)
        }
        // Versions are kept as differences: far less than each of them whole.
        var stored = 0
        try history.store.forEachID { id throws(HistoryError) in stored += history.store.base.record(id)?.count ?? 0 }
        #expect(stored < commits.reduce(0) { $0 + $1.1.files.values.reduce(0) { $0 + $1.count } } / 3)
        // What was written can be opened again.
        let again = try History(store: history.store)
        #expect(again.graph.count == commits.count + 1)
        #expect(try again.checkout(commits[7].0) == commits[7].1)
        #expect(try again.verify().isSound)
    }

    @Test("G-03: branches move, tags do not, and names are checked")
    func names() throws {
        var history = try MemoryHistory(store: MemoryHistoryStore())
        let first = try history.commit(["f": "1"])
        try history.createTag("v1", at: first)
        try history.createBranch("side/work", at: first)
        let second = try history.commit(["f": "2"], to: "side/work")
        #expect(history.branches == ["main": first, "side/work": second])
        #expect(try history.resolve(.tag("v1")) == first)
        #expect(throws: HistoryError.self) { try history.createTag("v1", at: second) }
        #expect(throws: HistoryError.self) { try history.createBranch("new", at: PlainGraph.id(1)) }
        for bad in ["", "a//b", "..", "a/../b", "/a", "a/", "a\u{0}", "a\nb", String(repeating: "x", count: 300)] {
            let error = #expect(throws: HistoryError.self) { try history.createBranch(bad, at: first) }
            #expect(error?.code == .badName)
        }
        for name in [HistoryName.branch("a/b"), .tag("v1"), .remote("hull", branch: "a/b")] {
            #expect(HistoryName(name.description) == name)
        }
        try history.delete(.branch("side/work"))
        #expect(history.branches == ["main": first])
        let error = #expect(throws: HistoryError.self) {
            try history.commit(snapshot(["f": "3"]), to: "main", from: second, author: "", message: "", timestamp: 3)
        }
        #expect(error?.code == .changedMeanwhile)
    }

    @Test("G-06: two nodes that merge the same pair make the same commit")
    func deterministicMerge() throws {
        var a = try MemoryHistory(store: MemoryHistoryStore())
        try a.commit(["f": "1\n2\n3\n4\n5\n", "g": "x\n"])
        var b = a
        let ours = try a.commit(["f": "one\n2\n3\n4\n5\n", "g": "x\n"], at: 10),
            theirs = try b.commit(["f": "1\n2\n3\n4\nfive\n", "g": "y\n"], at: 7)
        try carry(&a, &b)
        guard case .merged(let inA, let conflicts) = try a.merge(theirs, into: "main") else { return #expect(Bool(false)) }
        #expect(try b.merge(ours, into: "main") == .merged(inA, conflicts: conflicts))
        #expect(conflicts.isEmpty)
        #expect(try a.checkout(inA) == snapshot(["f": "one\n2\n3\n4\nfive\n", "g": "y\n"]))
        let commit = try a.commit(inA)
        #expect(commit.parents == [ours, theirs].sorted())
        #expect(commit.timestamp == 11)
        // No third merge follows.
        #expect(try a.merge(inA, into: "main") == .upToDate)
    }

    /// Every object of each in the other.
    private func carry(_ a: inout MemoryHistory, _ b: inout MemoryHistory) throws {
        try copy(from: a, to: &b)
        try copy(from: b, to: &a)
    }

    private func copy(from source: MemoryHistory, to target: inout MemoryHistory) throws {
        for commit in source.graph.commits(from: source.names.values, excluding: target.graph.nodes.map(\.id)) {
            let ids = try source.objects(of: commit, against: source.graph.parents(of: commit) ?? [])
            try target.accept(ids.map { try source.object($0) })
        }
    }

    @Test("merges of random histories are the same on both nodes", arguments: 0..<10)
    func randomDAGs(part: Int) throws {
        for seed in 0..<(isSoak ? 2_000 : 100) {
            var random = SeededRandom(part * 100_000 + seed)
            var a = try MemoryHistory(store: MemoryHistoryStore())
            let line = { (random: inout SeededRandom) in "\(random.below(40))\n" }
            var texts = (0..<12).map { _ in line(&random) }
            try a.commit(["f": texts.joined()])
            var b = a
            for time in 2..<(4 + random.below(5)) {
                for isA in [true, false] where random.chance(70) {
                    texts = random.edited(texts, edits: 1, fresh: line)
                    let files = ["f": texts.joined(), "d/\(random.below(3))": "\(random.below(3))\n"]
                    if isA { _ = try? a.commit(files, at: UInt64(time)) } else { _ = try? b.commit(files, at: UInt64(time)) }
                }
                try carry(&a, &b)
                // Sometimes one side merges alone, which makes crosswise bases.
                let heads = (try a.resolve(.branch("main")), try b.resolve(.branch("main")))
                if random.chance(40) { _ = try a.merge(heads.1, into: "main", policy: .marking) }
                if random.chance(40) { _ = try b.merge(heads.0, into: "main", policy: .marking) }
                try carry(&a, &b)
            }
            let heads = (try a.resolve(.branch("main")), try b.resolve(.branch("main")))
            let inA = try a.merge(heads.1, into: "main", policy: .marking), inB = try b.merge(heads.0, into: "main", policy: .marking)
            let ends = (try a.resolve(.branch("main")), try b.resolve(.branch("main")))
            #expect(ends.0 == ends.1, "seed \(part), \(seed): \(inA), \(inB)")
            #expect(try a.checkout(ends.0) == b.checkout(ends.1))
            #expect(try a.verify().isSound)
        }
    }

    @Test("several merge bases are merged into a virtual one")
    func crissCross() throws {
        var history = try MemoryHistory(store: MemoryHistoryStore())
        let lines = { (a: String, b: String, c: String) in ["f": "\(a)\n1\n2\n3\n\(b)\n4\n5\n6\n\(c)\n"] }
        let start = try history.commit(lines("a", "b", "c"))
        let left = try history.commit(lines("A", "b", "c"), to: "main", at: 2)
        try history.createBranch("side", at: start)
        let right = try history.commit(lines("a", "B", "c"), to: "side", at: 2)
        // Each merges the other's first commit, and both go on.
        try history.merge(right, into: "main")
        try history.commit(lines("A", "B", "C"), to: "main", at: 5)
        let merge = try history.commitMerge(of: left, into: "side", settled: snapshot(lines("A", "B2", "c")), author: "", message: "")
        let head = try history.resolve(.branch("main"))
        #expect(history.graph.mergeBases(head, merge).count == 2)
        guard case .merged(let id, let conflicts) = try history.merge(merge, into: "main") else { return #expect(Bool(false)) }
        #expect(conflicts.isEmpty)
        // Against either base alone "A" or "B" would be a change of one side; against the virtual base only B2 and C are changes.
        #expect(try history.checkout(id) == snapshot(lines("A", "B2", "C")))
    }

    @Test("conflicts are refused with what would be merged, marked, or settled by hand")
    func conflicts() throws {
        var history = try MemoryHistory(store: MemoryHistoryStore())
        let start = try history.commit(["f": "1\n", "gone": "x\n", "kind": "file\n"])
        try history.createBranch("side", at: start)
        let ours = try history.commit(["f": "2\n", "gone": "y\n", "kind": "other\n"], at: 2)
        let theirs = try history.commit(["f": "3\n", "kind/sub": "dir\n"], to: "side", at: 2)
        guard case .refused(let paths, let merged) = try history.merge(theirs, into: "main") else { return #expect(Bool(false)) }
        #expect(paths.map(\.description) == ["f", "kind"])
        #expect(merged["gone"] == "y\n")
        #expect(merged["kind/sub"] == "dir\n")
        let (first, second) = ours < theirs ? ("2", "3") : ("3", "2")
        #expect(merged["f"] == "<<<<<<<\n\(first)\n|||||||\n1\n=======\n\(second)\n>>>>>>>\n")
        #expect(history.branches["main"] == ours)
        let settled = try history.commitMerge(of: theirs, into: "main", settled: snapshot(["f": "4\n"]), author: "t", message: "settled")
        #expect(try history.commit(settled).parents.count == 2)
        #expect(try history.merge(theirs, into: "main") == .upToDate)
        #expect(try history.merge(settled, into: "side") == .fastForward(settled))
    }

    @Test("G-10: the hash is whatever names 32 bytes")
    func pluggableHash() throws {
        // Good enough to tell these few apart, and plainly not SHA-256.
        let hash = ContentHash(name: "toy") { bytes in
            var words: [UInt64] = [1, 2, 3, 4]
            for (index, byte) in bytes.enumerated() {
                words[index % 4] = (words[index % 4] ^ UInt64(byte)) &* 0x100_0000_01B3 &+ UInt64(index)
            }
            return ObjectID(words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } })!
        }
        var history = try History(store: MemoryHistoryStore(), hash: hash)
        let id = try history.commit(["f": "1"])
        #expect(try history.checkout(id) == snapshot(["f": "1"]))
        #expect(try id != MemoryHistory(store: MemoryHistoryStore()).rootID)
        var a = HistoryEndpoint(history, peer: "p"), b = HistoryEndpoint(try MemoryHistory(store: MemoryHistoryStore()), peer: "q")
        let error = #expect(throws: HistoryError.self) {
            try HistoryEndpoint.converse(&a, &b) { a, _ throws(HistoryError) in try a.fetch() }
        }
        #expect(error?.code == .incompatible)
    }

    @Test("damage is found, named, and never served")
    func integrity() throws {
        var history = try History(store: ProbedStore())
        let first = try history.commit(["f": "1", "g": "same"])
        let second = try history.commit(["f": "2", "g": "same"], at: 2)
        #expect(try history.verify() == .init(reachableCount: 9, unreachableCount: 0, faults: []))
        var random = SeededRandom(6)
        for commit in [first, second] {
            let tree = try history.commit(commit).tree
            for id in [commit, tree] + (try history.tree(tree).entries.map(\.id)) {
                let record = try #require(history.store.base.record(id))
                var store = history.store
                store.damage[id] = random.edited(record, edits: 1) { UInt8($0.below(256)) }
                if store.damage[id] == record { continue }
                guard let damaged = try? History(store: store) else { continue }
                let report = try damaged.verify()
                #expect(report.faults.map(\.object) == [id])
                store.damage[id] = .some(nil)
                if let lost = try? History(store: store) { #expect(try lost.verify().faults.map(\.code) == [.notFound]) }
            }
        }
    }

    @Test("collection removes what no name leads to, and nothing that stays depends on it")
    func collection() throws {
        var history = try History(store: ProbedStore())
        var lines = (0..<100).map { "line \($0)" }
        let first = try history.commit(["f": lines.joined(separator: "\n")])
        try history.createBranch("doomed", at: first)
        lines[50] = "changed"
        let doomed = try history.commit(["f": lines.joined(separator: "\n")], to: "doomed", at: 2)
        // Written after its twin of the doomed branch, this content is a difference from it.
        lines[51] = "changed too"
        let kept = try history.commit(["f": lines.joined(separator: "\n")], to: "doomed", at: 3)
        let content = try history.checkout(kept)
        let copy = try history.commit(content, to: "main", author: "", message: "", timestamp: 4)
        try history.delete(.branch("doomed"))
        #expect(try history.verify().unreachableCount > 0)
        #expect(try history.collect() > 0)
        #expect(try history.verify() == .init(reachableCount: 8, unreachableCount: 0, faults: []))
        #expect(try history.checkout(copy) == content)
        #expect(!history.graph.contains(doomed))
        #expect(try history.collect() == 0)
    }

    @Test("paths that would leave the directory are no paths")
    func paths() {
        for bad in ["", "/a", "a//b", "../a", "a/..", ".", "a/./b", "a\u{0}b", String(repeating: "a/", count: 100) + "a"] {
            #expect(FilePath(bad) == nil)
        }
        #expect(FilePath("a/b c/.d")?.description == "a/b c/.d")
        var history = try? MemoryHistory(store: MemoryHistoryStore())
        #expect(throws: HistoryError.self) { try history?.commit(["a": "file", "a/b": "below it"]) }
    }
}
