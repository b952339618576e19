import Synchronization
import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Rows, live sets and sequences")
struct RowsTests {
    private func pair() -> (Document, Document) {
        let time = CheckClock()
        // Each question takes a millisecond, so later writes have later stamps.
        let now: @Sendable () -> UInt64 = {
            time.advance(1)
            return time.now
        }
        return (Document(origin: OriginID(rawValue: 1), now: now), Document(origin: OriginID(rawValue: 2), now: now))
    }

    private func meet(_ one: Document, _ two: Document) throws {
        try one.merge(two)
        try two.merge(one)
    }

    @Test("C-01: a row has an id and fields, is made, read, changed and removed")
    func row() throws {
        let rows = Rows(pair().0)
        try rows.add("a", ["x": 1])
        try rows.set("a", ["y": 2, "x": nil])
        #expect(rows["a"] == ["y": 2])
        #expect(rows["b"] == nil && rows.ids == ["a"])
        #expect(rows.remove("a") && !rows.remove("a") && !rows.remove("never"))
        #expect(rows["a"] == nil && rows.ids.isEmpty)
        try rows.add("a", ["z": 3])
        #expect(rows["a"] == ["z": 3])
        try rows.add("__proto__", ["__proto__": "v"])
        #expect(rows["__proto__"] == ["__proto__": "v"])
    }

    @Test("C-02: fields written concurrently both stay, of one field the later stamp shows on both sides")
    func fields() throws {
        let (one, two) = pair()
        try Rows(one).add("r", ["a": 0])
        try meet(one, two)
        try Rows(one).set("r", ["a": 1, "b": 1])
        try Rows(two).set("r", ["a": 2, "c": 2])
        try meet(one, two)
        #expect(Rows(one)["r"] == ["a": 2, "b": 1, "c": 2])
        #expect(Rows(two)["r"] == Rows(one)["r"])
    }

    @Test("C-03: a row removed while a peer was away is removed there too, and a concurrent update does not bring it back")
    func removals() throws {
        let (one, two) = pair()
        try Rows(one).add("r", ["a": 0])
        try Rows(one).add("s", ["a": 0])
        try meet(one, two)
        Rows(one).remove("r")
        let late = Document(origin: OriginID(rawValue: 3))
        try late.merge(one)
        #expect(Rows(late).ids == ["s"])
        Rows(one).remove("s")
        try Rows(two).set("s", ["a": 9])
        try two.merge(one)
        try one.merge(two)
        #expect(Rows(one).ids.isEmpty && Rows(two).ids.isEmpty)
    }

    @Test("C-04: a live set tells of rows that come, change and go, here and from elsewhere")
    func liveSet() throws {
        let (one, two) = pair()
        try Rows(one).add("old", ["type": "todo"])
        let set = LiveSet(Rows(one), where: .field("type", equals: "todo"))
        let events = Mutex<[LiveSet.Event]>([]), each = Mutex<[String]>([])
        let number = set.watch { event in events.withLock { $0.append(event) } }
        _ = set.forEach { id in each.withLock { $0.append(id) } }
        try set.insert("a", ["text": "x"])
        try meet(one, two)
        try Rows(two).set("a", ["text": "y"])
        try Rows(two).add("b", ["type": "todo"])
        try Rows(two).set("old", ["type": "done"])
        try one.merge(two)
        #expect(set.ids == ["a", "b"] && set.count == 2 && set.contains("b"))
        #expect(events.withLock { $0 } == [.added("a"), .changed("a"), .added("b"), .removed("old")])
        #expect(each.withLock { $0 } == ["old", "a", "b"])
        set.stop(number)
        #expect(try set.remove("a") && !set.remove("a"))
        #expect(events.withLock { $0.count } == 4)
        #expect(Rows(one)["a"] == ["text": "y"])
    }

    @Test("C-05: sets of one field with different values exclude each other")
    func exclusive() throws {
        let rows = Rows(pair().0)
        let todo = LiveSet(rows, where: .field("type", equals: "todo")), done = LiveSet(rows, where: .field("type", equals: "done"))
        try todo.insert("a")
        try done.insert("a")
        #expect(todo.ids.isEmpty && done.ids == ["a"])
    }

    @Test("C-06: a set by predicate notices a later change into and out of it")
    func predicate() throws {
        let rows = Rows(pair().0)
        let large = LiveSet(rows, where: .predicate { row in if case .int(let size) = row["size"] { size > 10 } else { false } })
        try rows.add("a", ["size": 5])
        #expect(large.ids.isEmpty)
        try rows.set("a", ["size": 50])
        #expect(large.ids == ["a"])
        try rows.set("a", ["size": 7])
        #expect(large.ids.isEmpty)
        #expect(throws: DocumentError.self) { try large.insert("b") }
    }

    @Test("C-07: a sequence is the array it is compared with, through every operation", arguments: 0..<Soak.count(20, soak: 500))
    func sequence(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 3)
        let sequence = LiveSequence(Rows(pair().0), field: "list", equals: "main", name: "main")
        var plain: [String] = []
        for step in 0..<92 {
            let id = random.chance(30) && !plain.isEmpty ? plain[random.below(plain.count)] : "r\(step)"
            switch random.below(8) {
            case 0:
                try sequence.push(id)
                plain.removeAll { $0 == id }
                plain.append(id)
            case 1:
                try sequence.unshift(id)
                plain.removeAll { $0 == id }
                plain.insert(id, at: 0)
            case 2: #expect(try sequence.pop() == plain.popLast())
            case 3: #expect(try sequence.shift() == (plain.isEmpty ? nil : plain.removeFirst()))
            case 4:
                #expect(try sequence.remove(id) == plain.contains(id))
                plain.removeAll { $0 == id }
            default:
                let others = plain.filter { $0 != id }
                guard let other = others.isEmpty ? nil : others[random.below(others.count)] else { continue }
                let isBefore = random.chance(50)
                if isBefore { try sequence.insert(id, before: other) } else { try sequence.insert(id, after: other) }
                plain.removeAll { $0 == id }
                plain.insert(id, at: plain.firstIndex(of: other)! + (isBefore ? 0 : 1))
            }
            try #require(sequence.ids == plain, "seed \(seed), step \(step)")
        }
        #expect(sequence.first == plain.first && sequence.last == plain.last && sequence.count == plain.count)
        for (index, id) in plain.enumerated() {
            #expect(sequence.index(of: id) == index && sequence.at(index) == id)
            #expect(sequence.next(after: id) == (index + 1 < plain.count ? plain[index + 1] : nil))
            #expect(sequence.previous(before: id) == (index > 0 ? plain[index - 1] : nil))
        }
        #expect(throws: DocumentError.self) { try sequence.insert("x", before: "nobody") }
    }

    @Test("C-07: runs inserted concurrently at one place stay whole, and a row moved between sequences stands in one")
    func concurrentRuns() throws {
        let (one, two) = pair()
        let left = LiveSequence(Rows(one), field: "list", equals: "main", name: "main")
        let right = LiveSequence(Rows(two), field: "list", equals: "main", name: "main")
        try left.push("first")
        try left.push("last")
        try meet(one, two)
        for index in 0..<5 {
            try left.insert("a\(index)", before: "last")
            try right.insert("b\(index)", before: "last")
        }
        try meet(one, two)
        #expect(left.ids == right.ids)
        let runs = left.ids.filter { $0 != "first" && $0 != "last" }.map { String($0.first!) }.joined()
        #expect(runs == "aaaaabbbbb" || runs == "bbbbbaaaaa")
        let done = LiveSequence(Rows(one), field: "list", equals: "done", name: "done")
        try done.push("a0")
        try right.insert("a0", after: "last")
        try meet(one, two)
        #expect([left.ids, done.ids].joined().count { $0 == "a0" } == 1)
        #expect(left.ids == right.ids)
    }

    @Test("C-09: a row that validation refuses leaves no trace")
    func validation() throws {
        let document = pair().0
        let rows = Rows(document) { id, fields throws(DocumentError) in
            if fields["name"] == nil { throw DocumentError(code: .mismatch, message: "\(id) has no name") }
        }
        #expect(throws: DocumentError.self) { try rows.add("a", ["x": 1]) }
        #expect(rows.ids.isEmpty && document.heads.isEmpty)
        try rows.add("a", ["name": "n"])
        #expect(throws: DocumentError.self) { try rows.set("a", ["name": nil, "x": 2]) }
        #expect(rows["a"] == ["name": "n"])
    }

    @Test("changes come as a sequence in order, joined when the reader is behind, and end with the task")
    func asyncChanges() async {
        let document = pair().0
        var iterator = document.changes.makeAsyncIterator()
        for index in 0..<100 { document.change { $0.counter("c") += Int64(index) } }
        var sum: Int64 = 0, count = 0
        while count < DocumentChanges.bufferMaximum, let change = await iterator.next() {
            count += 1
            #expect(change.source == (count < DocumentChanges.bufferMaximum ? .local : .several))
            for delta in change.deltas { if case .counter(let amount) = delta.effect { sum += amount } }
        }
        #expect(sum == 4950)
        let changes = document.changes
        let reader = Task {
            for await _ in changes {}
            return true
        }
        reader.cancel()
        #expect(await reader.value)
    }
}
