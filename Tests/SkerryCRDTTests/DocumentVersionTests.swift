import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Versions of a document")
struct DocumentVersionTests {
    @Test(
        "every version seen on the way can be looked at again, and differences lead from any to any",
        arguments: 0..<Soak.count(30, soak: 2_000))
    func timeTravel(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 600)
        let documents = (0..<3).map { Document(origin: OriginID(rawValue: UInt64(30 - $0)), now: { 1_000_000 }) }
        var seen: [(version: CausalContext, plain: Plain)] = []
        for _ in 0..<60 {
            let who = random.below(3)
            if random.chance(25) {
                try documents[who].merge(documents[random.below(3)])
            } else {
                documents[who].change { DocumentConvergenceTests.step($0, &random) }
            }
            if random.chance(30) { seen.append((documents[who].version, Plain(documents[who]))) }
        }
        for from in documents { try documents[0].merge(from) }
        for (version, plain) in seen {
            let view = try documents[0].at(version)
            #expect(view.version == version)
            try #require(Plain(view.document) == plain, "seed \(seed)")
        }
        for _ in 0..<4 where seen.count > 1 {
            let from = seen[random.below(seen.count)].version, to = seen[random.below(seen.count)].version
            // From nothing to the one, and on or back to the other.
            var state = MirrorState()
            for delta in try documents[0].diff(from: CausalContext(), to: from) + documents[0].diff(from: from, to: to) {
                state.apply(delta)
            }
            #expect(state.failure == nil, "seed \(seed)")
            let there = try documents[0].at(to).document
            for path in state.touched { try state.compare(path, there) }
        }
    }

    private struct Stop: Error {}

    @Test("a document fresh from a snapshot takes back a change that throws and an import that is refused")
    func backToTheSnapshot() throws {
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 })
        one.change { change in
            change.text("t").insert("base", at: 0)
            change.list("l").append(.int(1))
            change.map("m")["k"] = .int(1)
        }
        let opened = try Document(origin: OriginID(rawValue: 2), snapshot: one.snapshot(), now: { 1_000_000 })
        let before = opened.snapshot()
        #expect(throws: Stop.self) {
            try opened.change { change throws(Stop) in
                change.text("t").insert("gone", at: 4)
                change.list("l").append(.int(2))
                change.map("m")["k"] = .int(2)
                throw Stop()
            }
        }
        #expect(opened.snapshot() == before)
        let far = Document(origin: OriginID(rawValue: 3), now: { 9_000_000_000 })
        try far.merge(one)
        far.change { change in
            change.text("t").insert("far", at: 0)
            change.map("m")["k"] = .int(3)
        }
        let error = #expect(throws: DocumentError.self) { try opened.merge(far) }
        #expect(error?.code == .futureStamp)
        #expect(opened.snapshot() == before)
        opened.change { $0.text("t").insert("!", at: 4) }
        try one.merge(opened)
        #expect(one.text("t").string == "base!" && one.version == opened.version)
    }

    @Test("a difference to a version that is not here, or that no replica had, is refused")
    func unknownDifferences() throws {
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 })
        let two = Document(origin: OriginID(rawValue: 2), now: { 1_000_000 })
        one.change { $0.text("t").insert("a", at: 0) }
        try two.merge(one)
        let known = one.version
        two.change { $0.text("t").insert("b", at: 1) }
        let ahead = two.version
        for (from, to) in [(known, ahead), (ahead, known)] {
            let error = #expect(throws: DocumentError.self) { try one.diff(from: from, to: to) }
            #expect(error?.code == .notFound)
        }
        try one.merge(two)
        // Without what its event builds on.
        let torn = CausalContext(covering: [Dot(origin: OriginID(rawValue: 2), sequence: 1)])
        let error = #expect(throws: DocumentError.self) { try one.diff(from: CausalContext(), to: torn) }
        #expect(error?.code == .notFound)
    }

    @Test("a copy takes stamps that its original let in, whatever the clock says now")
    func copiesOfTheFuture() throws {
        let one = Document(origin: OriginID(rawValue: 1), now: { 9_000_000_000 })
        one.change { $0.map("m")["k"] = .int(1) }
        let copy = try one.fork(origin: OriginID(rawValue: 2), now: { 1_000_000 })
        #expect(copy.map("m")["k"] == .int(1))
    }

    @Test("a fork goes its own way and comes back")
    func forks() throws {
        let one = Document(origin: OriginID(rawValue: 1))
        one.change { $0.text("t").insert("base", at: 0) }
        let two = try one.fork(origin: OriginID(rawValue: 2))
        two.change { $0.text("t").insert("!", at: 4) }
        one.change { $0.text("t").insert("the ", at: 0) }
        #expect(two.text("t").string == "base!")
        try one.merge(two)
        #expect(one.text("t").string == "the base!")
        #expect(try one.at(two.version).text("t").string == "base!")
        #expect(throws: DocumentError.self) { try two.at(one.version) }
        // A version with an event but not its past.
        #expect(throws: DocumentError.self) { try one.at(CausalContext(covering: [Dot(origin: OriginID(rawValue: 2), sequence: 1)])) }
    }

    @Test("merging is commutative, associative and idempotent over whole documents", arguments: 0..<Soak.count(30, soak: 2_000))
    func laws(seed: Int) throws {
        let (documents, _) = try DocumentConvergenceTests.session(seed: seed &+ 9_000, replicas: 3, steps: 40)
        let chunks = try documents.map { document throws(DocumentError) in try document.history() }
        func joined(_ order: [Int]) throws -> Plain {
            let document = Document(origin: OriginID(rawValue: 4), now: { 9_000_000 })
            for index in order { try document.merge(chunks[index]) }
            return Plain(document)
        }
        let expected = try joined([0, 1, 2])
        for order in [[2, 1, 0], [1, 0, 2], [0, 0, 1, 2, 1], [2, 0, 2, 1]] {
            #expect(try joined(order) == expected, "seed \(seed), \(order)")
        }
        // A join of joins.
        let left = Document(origin: OriginID(rawValue: 4), now: { 9_000_000 }),
            right = Document(origin: OriginID(rawValue: 6), now: { 9_000_000 })
        for index in [0, 1] { try left.merge(chunks[index]) }
        for index in [1, 2] { try right.merge(chunks[index]) }
        try right.merge(left)
        #expect(Plain(right) == expected)
    }
}

@Suite("Kinds of container")
struct ContainerTests {
    private func pair() throws -> (Document, Document) {
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000 }), two = Document(origin: OriginID(rawValue: 2), now: { 1_000 })
        return (one, two)
    }

    private func meet(_ one: Document, _ two: Document) throws {
        try one.merge(two)
        try two.merge(one)
        #expect(Plain(one) == Plain(two))
    }

    @Test("a key keeps concurrent values, the later stamp first, and the next write replaces all it saw")
    func registers() throws {
        let (one, two) = try pair()
        one.change { $0.map("m")["k"] = "a" }
        try meet(one, two)
        one.change { $0.map("m")["k"] = "b" }
        one.change { $0.map("m")["k"] = "bb" }
        two.change { $0.map("m")["k"] = "c" }
        try meet(one, two)
        #expect(one.map("m").values("k") == ["bb", "c"])
        two.change { $0.map("m")["k"] = nil }
        #expect(two.map("m")["k"] == nil && two.map("m").keys.isEmpty)
        one.change { $0.map("m")["k"] = "d" }
        try meet(one, two)
        #expect(one.map("m").values("k") == ["d"])
    }

    @Test("a member added while another replica removes it stays")
    func addWins() throws {
        let (one, two) = try pair()
        one.change { $0.set("s").insert("x") }
        try meet(one, two)
        one.change { $0.set("s").remove("x") }
        two.change { $0.set("s").insert("x") }
        try meet(one, two)
        #expect(one.set("s").members == ["x"])
        two.change { $0.set("s").remove("x") }
        try meet(one, two)
        #expect(one.set("s").members.isEmpty)
    }

    @Test("an element moved at two places stands in one, keeps an edit, and a deletion wins over a move")
    func moves() throws {
        let (one, two) = try pair()
        one.change { change in for value in ["a", "b", "c", "d"] { change.list("l").append(.string(value)) } }
        try meet(one, two)
        one.change { $0.list("l").move(from: 0, to: 3) }
        two.change { change in
            change.list("l").move(from: 0, to: 1)
            change.list("l")[1] = "A"
        }
        try meet(one, two)
        #expect(one.list("l").values.filter { $0 == "A" || $0 == "a" } == ["A"])
        #expect(one.list("l").count == 4)
        let index = one.list("l").values.firstIndex(of: "A")!
        one.change { $0.list("l").move(from: index, to: (index + 1) % 4) }
        two.change { $0.list("l").remove(at: index) }
        try meet(one, two)
        #expect(Set(one.list("l").values) == ["b", "c", "d"])
    }

    @Test("two replicas that make the same child share it")
    func sharedChildren() throws {
        let (one, two) = try pair()
        one.change { $0.map("m").text("body").insert("one", at: 0) }
        two.change { $0.map("m").text("body").insert("two", at: 0) }
        try meet(one, two)
        #expect(one.map("m").text("body").string.count == 6)
        #expect(one.map("m")["body"] == .container(.text))
    }

    @Test("counters add up, modulo 2⁶⁴")
    func counters() throws {
        let (one, two) = try pair()
        one.change { $0.counter("c") += 5 }
        two.change { $0.counter("c") -= 7 }
        try meet(one, two)
        #expect(one.counter("c").value == -2)
        one.change { $0.counter("c") += .max }
        two.change { $0.counter("c") += .max }
        try meet(one, two)
        #expect(one.counter("c").value == -4)
    }

    @Test("an event stamped too far in the future waits, and nothing of its batch is taken")
    func futureStamps() throws {
        let fast = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 }),
            slow = Document(origin: OriginID(rawValue: 2), now: { 5_000 })
        fast.change { change in
            change.text("t").insert("x", at: 0)
            change.map("m")["k"] = 1
        }
        let before = slow.snapshot()
        let error = #expect(throws: DocumentError.self) { try slow.merge(fast) }
        #expect(error?.code == .futureStamp)
        #expect(slow.snapshot() == before)
    }

    @Test("values read back as they were written, bit by bit")
    func values() throws {
        let (one, two) = try pair()
        let all: [DocumentValue] = [
            .null, true, false, .int(.min), .int(.max), 0, -1, 1.5, .double(.nan), .double(-0.0), "", "é😀", .bytes([]), .bytes([0, 255]),
        ]
        one.change { change in for (index, value) in all.enumerated() { change.map("m")["\(index)"] = value } }
        try meet(one, two)
        for (index, value) in all.enumerated() { #expect(two.map("m")["\(index)"] == value) }
    }
}
