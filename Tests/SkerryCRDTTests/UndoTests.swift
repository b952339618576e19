import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Undo and anchors")
struct UndoTests {
    private static let clock: @Sendable () -> UInt64 = { 1_000_000 }

    @Test("X-04: undoing everything one did leaves nothing, redoing it brings everything back", arguments: 0..<Soak.count(60, soak: 4_000))
    func alone(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 31)
        let document = Document(origin: OriginID(rawValue: 1), now: Self.clock)
        try document.enableUndo()
        var states: [Plain] = [Plain(document)]
        for _ in 0..<25 {
            let before = document.version
            document.change { DocumentConvergenceTests.step($0, &random) }
            if document.version != before { states.append(Plain(document)) }
        }
        for round in 0..<2 {
            for index in states.indices.dropLast().reversed() {
                #expect(document.undo())
                try #require(Plain(document) == states[index], "seed \(seed), round \(round), back to \(index)")
            }
            #expect(!document.undo() && !document.canUndo)
            for index in states.indices.dropFirst() {
                #expect(document.redo())
                try #require(Plain(document) == states[index], "seed \(seed), round \(round), again to \(index)")
            }
            #expect(!document.redo() && !document.canRedo)
        }
        let copy = Document(origin: OriginID(rawValue: 3), now: Self.clock)
        try copy.merge(document)
        #expect(Plain(copy) == Plain(document))
    }

    @Test("X-04: undo takes back one's own and leaves what others did", arguments: 0..<Soak.count(40, soak: 3_000))
    func amongOthers(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 91)
        let one = Document(origin: OriginID(rawValue: 1), now: Self.clock), two = Document(origin: OriginID(rawValue: 2), now: Self.clock)
        try one.enableUndo()
        // Own characters are small letters, the other's are large.
        for _ in 0..<30 {
            let document = random.chance(50) ? one : two
            document.change { change in
                let text = change.text("t")
                let length = text.count()
                let start = random.below(length + 1)
                let end = document === one && random.chance(30) ? min(length, start + random.below(4)) : start
                text.replace(start..<end, with: document === one ? ["a", "bc", ""][random.below(3)] : ["X", "YZ"][random.below(2)])
            }
            if random.chance(30) {
                try one.merge(two)
                try two.merge(one)
            }
        }
        try one.merge(two)
        let typed = two.text("t").string.count { $0.isUppercase } + 0
        while one.undo() {}
        #expect(!one.text("t").string.contains { $0.isLowercase }, "seed \(seed)")
        #expect(one.text("t").string.count >= typed, "seed \(seed)")
        try two.merge(one)
        #expect(two.text("t").string == one.text("t").string)
    }

    @Test("X-04: what follows an undo within a group does not join the step before the group")
    func undoWithinAGroup() throws {
        let document = Document(origin: OriginID(rawValue: 1), now: Self.clock)
        try document.enableUndo()
        document.change { $0.text("t").insert("a", at: 0) }
        document.beginUndoGroup()
        document.change { $0.text("t").insert("b", at: 1) }
        #expect(document.undo() && document.text("t").string == "a")
        document.change { $0.text("t").insert("c", at: 1) }
        document.change { $0.text("t").insert("d", at: 2) }
        document.endUndoGroup()
        #expect(document.undo() && document.text("t").string == "a")
        #expect(document.undo() && document.text("t").string == "")
    }

    @Test("X-04: a write that somebody else replaced stays replaced")
    func values() throws {
        let one = Document(origin: OriginID(rawValue: 1), now: Self.clock), two = Document(origin: OriginID(rawValue: 2), now: Self.clock)
        one.change { $0.map("m")["k"] = "old" }
        try one.enableUndo()
        one.change { $0.map("m")["k"] = "mine" }
        try two.merge(one)
        two.change { $0.map("m")["k"] = "theirs" }
        try one.merge(two)
        one.undo()
        #expect(one.map("m")["k"] == "theirs")
        one.change { $0.map("m")["k"] = "again" }
        one.undo()
        #expect(one.map("m")["k"] == "theirs")
    }

    @Test("X-04: of several authors behind one replica each takes back its own", arguments: 0..<Soak.count(40, soak: 3_000))
    func byAuthor(seed: Int) throws { try Undoing.authors(seed: seed) }

    @Test(
        "X-04: when authors delete and paste into each other's text, undo shows and hides what a plain model does",
        arguments: 0..<Soak.count(100, soak: 5_000))
    func authorsAgainstModel(seed: Int) throws { try Authors.run(seed: seed) }

    @Test("X-04: what another replica or author wrote stays, written later or brought back by undo")
    func valuesOfOthers() throws {
        try Undoing.values()
        try Undoing.broughtBack()
    }

    @Test("X-04: what no step needs is let go of")
    func forgetting() throws {
        let one = Document(origin: OriginID(rawValue: 1), now: Self.clock), two = Document(origin: OriginID(rawValue: 2), now: Self.clock)
        try one.enableUndo(limit: 10)
        for number in 0..<1_000 {
            one.change(by: "ann") { $0.map("m")["k"] = .int(Int64(number)) }
            try two.merge(one)
            two.change { $0.map("m")["k"] = "theirs" }
            try one.merge(two)
            one.change(by: "ben") { $0.map("m")["k"] = .int(Int64(number)) }
            one.undo(by: "ben")
            #expect(one.map("m")["k"] == "theirs")
        }
        one.undo(by: "ann")
        #expect(one.map("m")["k"] == "theirs")
        one.withCore { core in
            let undo = core.undo!
            #expect(undo.standIns.count <= UndoHistory.standInsMinimum && undo.authors.count <= UndoHistory.authorsMinimum)
            #expect(undo.undoable.count <= 10 && undo.redoable.count <= 10)
        }
    }

    @Test("X-04: a change that an author gave up is nobody's, and the next one has no author")
    func abandoned() throws {
        struct Nothing: Error {}
        let document = Document(origin: OriginID(rawValue: 1), now: Self.clock)
        document.change(by: "ann") { $0.text("t").insert("before anybody remembered", at: 0) }
        #expect(!document.undo(by: "ann") && !document.canUndo(by: "ann"))
        try document.enableUndo()
        #expect(throws: Nothing.self) { try document.change(by: "ann") { change throws(Nothing) in throw Nothing() } }
        document.change { $0.text("t").insert("x", at: 0) }
        #expect(!document.canUndo(by: "ann") && document.canUndo)
        document.change(by: "ann") { $0.text("t").insert("y", at: 0) }
        #expect(document.canUndo(by: "ann") && !document.canRedo(by: "ann"))
        #expect(document.undo(by: "ann") && document.canRedo(by: "ann") && !document.undo(by: "ann"))
        // Another's change leaves what can be made again alone.
        document.change(by: "ben") { $0.text("t").insert("z", at: 0) }
        #expect(document.redo(by: "ann") && document.text("t").string.hasPrefix("zyx"))
    }

    @Test("X-03: an anchor stays on its character through everybody's edits", arguments: 0..<Soak.count(60, soak: 4_000))
    func anchors(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 17)
        let history = TextHistory.random(seed: seed &+ 4_000, replicas: 3, count: 40 + random.below(40), mode: seed % 4)
        let order = history.order(&random)
        let document = Document(origin: OriginID(rawValue: 99))
        var tree = FugueTree()
        var anchors: [(anchor: TextAnchor, dot: Dot?)] = []
        for index in order {
            _ = try document.apply(history.batch(of: [index]))
            tree.apply(history.events[index].operation, as: history.events[index].dot)
            let text = document.text("t")
            let length = text.count(in: .scalars)
            if random.chance(30) {
                let position = random.below(length + 1)
                let side: TextAnchor.Side = random.chance(50) ? .before : .after
                let anchor = try text.anchor(at: position, side, in: .scalars)
                let index = side == .before ? position : position - 1
                let expected = index >= 0 && index < length ? tree.dot(at: index) : nil
                #expect(anchor.character == expected, "seed \(seed)")
                anchors.append((anchor, expected))
            }
            for (anchor, dot) in anchors {
                let position = try text.position(of: anchor, in: .scalars)
                guard let dot else {
                    #expect(position == (anchor.side == .after ? 0 : length))
                    continue
                }
                let place = tree.place(of: dot)
                #expect(position == place.position + (anchor.side == .after && !place.isDeleted ? 1 : 0), "seed \(seed)")
                let bytes = try text.position(of: anchor)
                #expect(bytes == String(Array(tree.scalars[..<position])).utf8.count)
            }
        }
        #expect(throws: DocumentError.self) {
            try document.text("t").position(of: TextAnchor(character: Dot(origin: OriginID(rawValue: 1234), sequence: 1), side: .after))
        }
    }
}

extension FugueTree {
    /// The character at a position of what shows.
    func dot(at position: Int) -> Dot { order.filter { !isDeleted($0) }[position] }

    /// How many characters show before one.
    func place(of dot: Dot) -> (position: Int, isDeleted: Bool) {
        (order.prefix { $0 != dot }.count { !isDeleted($0) }, isDeleted(dot))
    }
}
