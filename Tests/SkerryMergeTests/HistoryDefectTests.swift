import Testing

@testable import SkerryMerge

#if DEBUG
/// Errors put into histories on purpose: each must be found by what the other tests look at, or these look at nothing.
@Suite("Defects put into histories on purpose")
struct HistoryDefectTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let defect: HistoryDefects
        let testDescription: String
        /// Whether everything is as it should be.
        let isSound: @Sendable () throws -> Bool

        init(_ defect: HistoryDefects, _ description: String, _ isSound: @escaping @Sendable () throws -> Bool) {
            self.defect = defect
            testDescription = description
            self.isSound = isSound
        }
    }

    static let cases: [Case] = [
        Case(.baseIsFirstParent, "the base of a merge is the first parent") {
            // After the second merge the first parent is no common ancestor at all: upstream's mistake.
            // Which parent is the first depends on identifiers, so several are tried.
            try (0..<32).allSatisfy { variant in
                var history = try started(["f": "1\n2\n3\n4\n5\n6\n7\n8\n9\n"])
                let start = try history.resolve(.branch("main"))
                try history.createBranch("side", at: start)
                try history.commit(["f": "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"], to: "side", at: UInt64(2 + variant))
                try history.commit(["f": "one\n2\n3\n4\n5\n6\n7\n8\n9\n"], at: 3)
                try history.merge(history.resolve(.branch("side")), into: "main")
                try history.commit(["f": "1\n2\n3\n4\nfive\n6\n7\n8\nnine\n"], to: "side", at: 50)
                guard case .merged(let id, let conflicts) = try history.merge(history.resolve(.branch("side")), into: "main") else {
                    return false
                }
                return try conflicts.isEmpty && history.checkout(id)["f"] == "one\n2\n3\n4\nfive\n6\n7\n8\nnine\n"
            }
        },
        Case(.noVirtualBase, "of several bases one stands for all") {
            try (0..<8).allSatisfy { variant in
                let lines = { (a: String, b: String, c: String) in ["f": "\(a)\n1\n2\n3\n\(b)\n4\n5\n6\n\(c)\n"] }
                var history = try started(lines("a", "b", "c"))
                let start = try history.resolve(.branch("main"))
                let left = try history.commit(lines("A", "b", "c"), at: UInt64(2 + variant))
                try history.createBranch("side", at: start)
                let right = try history.commit(lines("a", "B", "c"), to: "side", at: 2)
                try history.merge(right, into: "main")
                try history.commit(lines("A", "B", "C"), to: "main", at: 5)
                let side = try history.commitMerge(
                    of: left, into: "side", settled: snapshot(lines("A", "B2", "c")), author: "", message: "")
                guard case .merged(let id, let conflicts) = try history.merge(side, into: "main") else { return false }
                return try conflicts.isEmpty && history.checkout(id) == snapshot(lines("A", "B2", "C"))
            }
        },
        Case(.tagsMove, "a peer's tag replaces ours") {
            var ours = try started(["f": "1"])
            var theirs = ours
            try ours.createTag("v1", at: ours.resolve(.branch("main")))
            try theirs.createTag("v1", at: theirs.commit(["f": "2"], at: 2))
            var pair = try Pair(ours, theirs)
            try pair.asA { try $0.fetch() }
            return pair.a.history.names[.tag("v1")] == ours.names[.tag("v1")]
        },
        Case(.pushUnchecked, "a push moves a branch wherever it is to go") {
            var origin = try started(["f": "1"])
            var clone = origin
            let mine = try clone.commit(["f": "2"], at: 2), theirs = try origin.commit(["f": "3"], at: 2)
            var receiver = Endpoint(origin, peer: "b")
            _ = try receiver.start()
            _ = try receiver.receive(.greet(hash: "sha256", names: [.branch("main"): mine], boundary: []))
            let parents = clone.graph.parents(of: mine)!
            let ids = try clone.objects(of: mine, against: parents)
            _ = try receiver.receive(.objects(ids.map { try clone.object($0) }))
            _ = try receiver.receive(.push(NameChange(.branch("main"), from: parents[0], to: mine)))
            return receiver.history.branches == ["main": theirs]
        },
        Case(.danglingAccepted, "objects are stored without what they refer to") {
            var history = try started(["f": "1"])
            let tree = HistoryObject.tree(try Tree([.init(kind: .content, name: [65], id: PlainGraph.id(3))])).encoded
            return (try? history.accept([tree])) == nil
        },
        Case(.hashUnchecked, "objects are served whatever they hash to") {
            var history = try History(store: ProbedStore())
            let head = try history.commit(["f": "true"])
            let content = try history.files(of: head)[FilePath("f")!]!
            var store = history.store
            store.damage[content] = HistoryRecord.whole(HistoryObject.content(Array("fals".utf8)).encoded)
            return try !History(store: store).verify().isSound
        },
        Case(.chainUnbounded, "snapshots are left out, and a checkout costs the history") {
            var history = try History(store: ProbedStore())
            var lines = (0..<100).map { "line \($0)" }
            var head: ObjectID?
            for time in 0..<60 {
                lines[time] = "changed"
                head = try history.commit(["f": lines.joined(separator: "\n")], at: UInt64(time + 1))
            }
            history.store.counter.reads = 0
            _ = try history.checkout(head!)
            return history.store.counter.reads <= 3 + HistoryRecord.chainMaximum
        },
        Case(.parentsUnordered, "a merge depends on who makes it") {
            var a = try started(["f": "1\n2\n3\n4\n"])
            var b = a
            let ours = try a.commit(["f": "one\n2\n3\n4\n"], at: 2), theirs = try b.commit(["f": "1\n2\n3\nfour\n"], at: 3)
            var pair = try Pair(a, b)
            try pair.wish { (try $0.a.fetch(), try $0.b.fetch()) }
            (a, b) = (pair.a.history, pair.b.history)
            return try a.merge(theirs, into: "main") == b.merge(ours, into: "main")
        },
        Case(.windowIgnored, "objects are sent without credit") {
            var origin = try started(["f": "1"])
            for time in 0..<12 {
                let content = (0..<1_200_000).map { UInt8(truncatingIfNeeded: ($0 &* (time + 3)) >> 3) }
                try origin.commit(Snapshot([FilePath("f")!: content]), to: "main", author: "", message: "", timestamp: UInt64(time + 2))
            }
            return try HistoryTransferTests.mostUnderWay(origin) <= ExchangeSession.windowBytes
        },
        Case(.deltasOrphaned, "what stays depends on what is collected") {
            var history = try started(["g": "1"])
            var lines = (0..<100).map { "line \($0)" }
            try history.createBranch("doomed", at: history.resolve(.branch("main")))
            for time in 2..<5 {
                lines[time] = "changed"
                try history.commit(["f": lines.joined(separator: "\n")], to: "doomed", at: UInt64(time))
            }
            try history.commit(["f": lines.joined(separator: "\n")], at: 9)
            try history.delete(.branch("doomed"))
            try history.collect()
            return try history.verify().isSound
        },
        Case(.resumptionForgotten, "a transfer that broke off begins anew") {
            let (sent, total, _) = try HistoryTransferTests.brokenClone(seed: 3)
            return sent <= total + 130_000
        },
        Case(.boundaryForgotten, "a shallow clone does not know where it ends") {
            var origin = try started(["f": "1"])
            for time in 2..<20 { try origin.commit(["f": "\(time)"], at: UInt64(time)) }
            var pair = try Pair(origin, try MemoryHistory(store: MemoryHistoryStore()))
            try pair.asB { try $0.clone(depth: 3) }
            return try MemoryHistory(store: pair.b.history.store).verify().isSound
        },
        Case(.cloneOverwrites, "a history that has something becomes a clone") {
            var pair = try Pair(started(["f": "1"]), started(["f": "2"]))
            let before = pair.b.history.branches
            try? pair.asB { try $0.clone() }
            return pair.b.history.branches == before
        },
        Case(.emptyCommit, "a commit that changes nothing is made") {
            var history = try started(["f": "1"])
            return (try? history.commit(["f": "1"], at: 2)) == nil
        },
    ]

    private static func started(_ texts: [String: String]) throws -> MemoryHistory {
        var history = try MemoryHistory(store: MemoryHistoryStore())
        try history.commit(texts)
        return history
    }

    @Test("each defect is found, and nothing without one", arguments: cases)
    func found(_ defective: Case) throws {
        #expect(try defective.isSound(), "found without the defect")
        let isFound = HistoryDefects.$current.withValue(defective.defect) { (try? defective.isSound()) != true }
        #expect(isFound, "not found")
    }
}
#endif
