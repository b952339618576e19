import Synchronization
import Testing

@testable import SkerryCRDT
@testable import document_checks

/// What the systems this one follows did wrong, or promised; see `docs/source-systems.md`.
@Suite("What came before")
struct SourceRowTests {
    private func pair(_ now: @escaping @Sendable () -> UInt64 = { 1_000 }) -> (Document, Document) {
        (Document(origin: OriginID(rawValue: 1), now: now), Document(origin: OriginID(rawValue: 2), now: now))
    }

    private func meet(_ one: Document, _ two: Document) throws {
        try one.merge(two)
        try two.merge(one)
    }

    @Test("C-02: at equal stamps the larger origin shows on both sides, and one update may win one field and lose another")
    func ties() throws {
        let (one, two) = pair()
        try Rows(one).add("r", ["a": "one", "b": "one"])
        try Rows(two).add("r", ["a": "two"])
        try meet(one, two)
        #expect(Rows(one)["r"] == ["a": "two", "b": "one"] && Rows(two)["r"] == Rows(one)["r"])
        let time = CheckClock()
        let now: @Sendable () -> UInt64 = { time.now }
        let (early, late) = pair(now)
        try Rows(early).add("r", ["a": 0, "b": 0])
        try meet(early, late)
        time.advance(10)
        try Rows(late).set("r", ["a": 2])
        time.advance(10)
        try Rows(early).set("r", ["a": 3, "b": 3])
        time.advance(10)
        try Rows(late).set("r", ["b": 4])
        try meet(early, late)
        #expect(Rows(early)["r"] == ["a": 3, "b": 4] && Rows(late)["r"] == Rows(early)["r"])
    }

    @Test(
        "C-03: a removal is replicated from a live set too, is in the history that a late peer reads, and meets an update the same in both orders"
    )
    func removals() throws {
        let (one, two) = pair()
        let set = LiveSet(Rows(one), where: .field("type", equals: "todo")),
            other = LiveSet(Rows(two), where: .field("type", equals: "todo"))
        try set.insert("a")
        try set.insert("b")
        try set.insert("c")
        try meet(one, two)
        #expect(Rows(one).remove("a"))
        #expect(try set.remove("b"))
        try meet(one, two)
        #expect(other.ids == ["c"] && Rows(two).ids == ["b", "c"])
        // Removed while a third was away, and updated by it meanwhile.
        let third = try one.fork(origin: OriginID(rawValue: 3), now: { 1_000 })
        Rows(one).remove("c")
        try Rows(third).set("c", ["text": "late"])
        let bytes = (try one.history(), try third.history())
        var rows: [[String]] = []
        for order in [[bytes.0, bytes.1], [bytes.1, bytes.0]] {
            let reader = Document(origin: OriginID(rawValue: 9), now: { 1_000 })
            for part in order { try reader.merge(part) }
            rows.append(Rows(reader).ids)
        }
        #expect(rows == [["b"], ["b"]])
        try meet(one, third)
        #expect(Rows(third).ids == ["b"])
    }

    @Test("C-04, C-06, C-07: ten thousand rows go into sets and a sequence, each event told once", .timeLimit(.minutes(1)))
    func tenThousandRows() throws {
        let (one, two) = pair()
        let count = 10_000
        let set = LiveSet(Rows(one), where: .field("list", equals: "main"))
        let even = LiveSet(Rows(one), where: .predicate { row in if case .int(let n)? = row["n"] { n % 2 == 0 } else { false } })
        let sequence = LiveSequence(Rows(one), field: "list", equals: "main", name: "main")
        let added = Mutex(0), others = Mutex(0)
        _ = set.watch { event in
            if case .added = event { added.withLock { $0 += 1 } } else { others.withLock { $0 += 1 } }
        }
        for index in 0..<count { try sequence.push("r\(index)", ["n": .int(Int64(index))]) }
        #expect(added.withLock { $0 } == count && others.withLock { $0 } == 0)
        #expect(set.count == count && even.count == count / 2)
        let ids = sequence.ids
        #expect(ids.count == count && ids.first == "r0" && ids.last == "r\(count - 1)")
        // Three events a row: its name among the rows, its two fields; one more in the list.
        #expect(one.version.dots[0].sequence == UInt64(4 * count))
        try two.merge(one)
        #expect(LiveSet(Rows(two), where: .field("list", equals: "main")).count == count)
    }

    @Test(
        "C-07: hundreds of rows put between the same two neither hang nor lose their order, and what lies at one place on two replicas is all kept"
    )
    func betweenTwo() throws {
        let (one, two) = pair()
        let left = LiveSequence(Rows(one), field: "l", equals: 1, name: "s"),
            right = LiveSequence(Rows(two), field: "l", equals: 1, name: "s")
        try left.push("first")
        try left.push("last")
        try meet(one, two)
        for index in 0..<150 {
            try left.insert("a\(index)", after: "first")
            try right.insert("b\(index)", before: "last")
        }
        let events = (one.version, two.version)
        try meet(one, two)
        #expect(left.ids == right.ids && left.count == 302)
        #expect(left.ids.filter { $0.hasPrefix("a") } == (0..<150).reversed().map { "a\($0)" })
        #expect(left.ids.filter { $0.hasPrefix("b") } == (0..<150).map { "b\($0)" })
        // Nothing is written to settle it, so nothing can go back and forth.
        var both = events.0
        both.merge(events.1)
        #expect(one.version == both && two.version == both)
    }

    @Test("C-08: a document goes over a connection one way or both, and is kept as bytes, its version and sets with it")
    func streams() throws {
        let (one, two) = pair()
        var encoder = UpdateEncoder(peerHas: two.version)
        var decoder = UpdateDecoder()
        for index in 0..<5 {
            try Rows(one).add("r\(index)", ["type": "todo"])
            try Rows(two).add("own", ["type": "todo", "n": .int(Int64(index))])
            if let frame = try encoder.encode(one) { _ = try decoder.apply(frame, to: two) }
        }
        #expect(Rows(two).ids.count == 6 && Rows(one).ids.count == 5)
        let kept = try Document(origin: OriginID(rawValue: 3), snapshot: two.snapshot(), now: { 1_000 })
        #expect(kept.version == two.version && kept.heads == two.heads)
        #expect(LiveSet(Rows(kept), where: .field("type", equals: "todo")).count == 6)
        let read = Document(origin: OriginID(rawValue: 4), now: { 1_000 })
        try read.merge(two.history())
        #expect(Plain(read) == Plain(two))
    }

    @Test("C-09: validation runs for every way a row is written, sets and sequences too, and not for what others wrote")
    func validation() throws {
        let (one, two) = pair()
        let asked = Mutex(0)
        let rows = Rows(one) { _, fields throws(DocumentError) in
            asked.withLock { $0 += 1 }
            if fields["bad"] != nil { throw DocumentError(code: .mismatch, message: "bad") }
        }
        let set = LiveSet(rows, where: .field("s", equals: 1))
        let sequence = LiveSequence(rows, field: "q", equals: 1, name: "q")
        try set.insert("a")
        try sequence.push("b")
        #expect(throws: DocumentError.self) { try set.insert("c", ["bad": 1]) }
        #expect(throws: DocumentError.self) { try sequence.push("d", ["bad": 1]) }
        #expect(throws: DocumentError.self) { try rows.set("a", ["bad": 1]) }
        #expect(rows.ids == ["a", "b"] && sequence.ids == ["b"] && asked.withLock { $0 } == 5)
        try Rows(two).add("theirs", ["bad": 1])
        try one.merge(two)
        #expect(rows.ids == ["a", "b", "theirs"] && asked.withLock { $0 } == 5)
    }

    @Test(
        "X-01: splices of an array are replicated, and what two insert at one place is all kept, each run whole",
        arguments: 0..<Soak.count(20, soak: 1_000))
    func splices(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 61)
        let (one, two) = pair()
        var plain: [DocumentValue] = []
        for _ in 0..<20 {
            let start = random.below(plain.count + 1), end = min(plain.count, start + random.below(4))
            let new = (0..<random.below(4)).map { _ in DocumentValue.int(Int64(random.below(100))) }
            one.change { change in
                let list = change.list("l")
                for _ in start..<end { list.remove(at: start) }
                for (offset, value) in new.enumerated() { list.insert(value, at: start + offset) }
            }
            plain.replaceSubrange(start..<end, with: new)
            #expect(one.list("l").values == plain)
        }
        try meet(one, two)
        let place = random.below(plain.count + 1)
        for (document, name) in [(one, "one"), (two, "two")] {
            document.change { change in for index in 0..<50 { change.list("l").insert(.string("\(name)\(index)"), at: place + index) } }
        }
        try meet(one, two)
        let values = one.list("l").values
        #expect(two.list("l").values == values && values.count == plain.count + 100)
        let runs = values.compactMap { value in if case .string(let text) = value { String(text.prefix(3)) } else { nil } }
        #expect(runs == Array(repeating: runs[0], count: 50) + Array(repeating: runs[99], count: 50))
    }

    @Test("X-02, X-06: two edits of one line are both there")
    func sameLine() throws {
        let (one, two) = pair()
        one.change { $0.text("t").insert("one line\nand another\n", at: 0) }
        try two.merge(one)
        one.change { $0.text("t").insert("first ", at: 4) }
        two.change { $0.text("t").replace(4..<8, with: "row") }
        try meet(one, two)
        #expect(one.text("t").string == two.text("t").string)
        #expect(one.text("t").string.contains("first ") && one.text("t").string.contains("row") && !one.text("t").string.contains("line"))
    }

    @Test("X-03: a caret keeps its place when others type before, at and behind it, and finds its place when its text is deleted")
    func carets() throws {
        let (one, two) = pair()
        one.change { $0.text("t").insert("abcdef", at: 0) }
        try two.merge(one)
        let caret = try one.text("t").anchor(at: 3, .after)
        two.change { change in
            change.text("t").insert("X", at: 0)
            change.text("t").insert("Y", at: 4)
            change.text("t").insert("Z", at: 8)
        }
        try one.merge(two)
        #expect(one.text("t").string == "XabcYdefZ")
        #expect(try one.text("t").position(of: caret) == 4)
        one.change { $0.text("t").delete(1..<7) }
        #expect(try one.text("t").position(of: caret) == 1)
    }

    @Test("X-04: changes are taken back one by one, in groups that are named, or as they follow each other in time")
    func undoGroups() throws {
        let time = CheckClock()
        let document = Document(origin: OriginID(rawValue: 1), now: { time.now })
        try document.enableUndo()
        func type(_ text: String) { document.change { $0.text("t").insert(text, at: $0.text("t").count()) } }
        var text: String { document.text("t").string }
        type("a")
        document.undoGroup {
            type("b")
            document.undoGroup { type("c") }
            type("d")
        }
        type("e")
        #expect(text == "abcde")
        #expect(document.undo() && text == "abcd")
        #expect(document.undo() && text == "a")
        #expect(document.redo() && text == "abcd")
        #expect(document.redo() && text == "abcde" && !document.canRedo)
        while document.undo() {}
        #expect(text == "")
        // A group in which nothing happens is none, and one that throws is still one.
        document.undoGroup {}
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try document.undoGroup { () throws(Stop) in
                type("x")
                type("y")
                throw Stop()
            }
        }
        #expect(document.undo() && text == "" && !document.canUndo)
        // By time: what follows within the window joins, a group ends it, undo ends it.
        try document.enableUndo(joiningWithin: 500)
        for (text, gap) in [("1", 0), ("2", 400), ("3", 500), ("4", 501)] {
            time.advance(UInt64(gap))
            type(text)
        }
        #expect(document.undo() && text == "123")
        type("5")
        #expect(document.undo() && text == "123")
        #expect(document.undo() && text == "")
        #expect(document.redo() && text == "123")
        document.undoGroup { type("6") }
        type("7")
        #expect(document.undo() && text == "1236")
        #expect(document.undo() && text == "123")
    }

    @Test(
        "history larger than a reader takes at once is several chunks, each of which a reader takes",
        arguments: 0..<Soak.count(20, soak: 500))
    func splitting(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 600)
        let (documents, _) = try DocumentConvergenceTests.session(seed: seed &+ 9_000, replicas: 3, steps: 60)
        let document = documents[0]
        document.change { change in
            change.text("t").insert(String(repeating: "long é ", count: 400), at: 0)
            change.map("m")["big"] = .bytes(Array(repeating: 7, count: 3_000))
        }
        let middle = documents[1].version
        for known in [CausalContext(), middle.intersection(document.version)] {
            let bytes = try document.history(since: known, until: nil, budget: 1_000 + random.below(3_000))
            let parts = try chunks(bytes)
            #expect(parts.count > 3, "seed \(seed)")
            let copy = Document(origin: OriginID(rawValue: 77), now: { 9_000_000 })
            if !known.isEmpty { try copy.merge(document.history(since: CausalContext(), until: known)) }
            for (index, part) in parts.enumerated() {
                let result = try copy.merge(part)
                #expect(result.missing == nil && result.applied > 0, "seed \(seed), part \(index)")
            }
            try #require(Plain(copy) == Plain(document) && copy.version == document.version, "seed \(seed)")
        }
        // A version of the past is cut where it ends.
        let limited = Document(origin: OriginID(rawValue: 78), now: { 9_000_000 })
        let version = middle.intersection(document.version)
        try limited.merge(document.history(since: CausalContext(), until: version, budget: 1_500))
        #expect(limited.version == version)
        #expect(try chunks(document.history()).count == 1)
    }

    /// The chunks of a file, each by itself.
    private func chunks(_ bytes: [UInt8]) throws -> [[UInt8]] {
        var result: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[start + 8 + $1]) << ($1 * 8) } + Chunk.headerLength
            result.append(Array(bytes[start..<start + length]))
            start += length
        }
        return result
    }

    @Test("a reader of changes that falls behind is told everything, in bounded pieces", arguments: 0..<Soak.count(20, soak: 500))
    func behind(seed: Int) async throws {
        var random = CheckRandom(seed: seed &+ 800)
        let (one, two) = pair()
        var iterator = one.changes.makeAsyncIterator()
        for _ in 0..<150 {
            if random.chance(20) {
                two.change { DocumentConvergenceTests.step($0, &random) }
                try one.merge(two)
            } else {
                one.change { DocumentConvergenceTests.step($0, &random) }
            }
        }
        // The last change, so that the reader knows when it has come to the end.
        one.change { $0.counter("end") += 1 }
        var changes: [DocumentChange] = []
        while let change = await iterator.next() {
            changes.append(change)
            if change.deltas.contains(where: { $0.container.steps[0].key == "end" }) { break }
        }
        #expect(changes.count <= DocumentChanges.bufferMaximum && changes.last?.source == .several)
        let state = MirrorState(changes)
        #expect(state.failure == nil, "seed \(seed)")
        for path in state.touched { try state.compare(path, one) }
        // Of a text its edits and its marks, of everything else one thing, however long the reader was away.
        let told = Dictionary(grouping: changes.last!.deltas, by: \.container)
        #expect(told.values.allSatisfy { $0.count <= 2 }, "seed \(seed)")
    }
}
