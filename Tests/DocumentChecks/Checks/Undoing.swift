import SkerryCRDT

/// One who undoes among others: own characters go, those of others stay.
enum Undoing {
    /// Of two authors behind one replica each takes back its own, among what another replica writes.
    static func authors(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 92)
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 }),
            two = Document(origin: OriginID(rawValue: 2), now: { 1_000_000 })
        try one.enableUndo()
        // Ann's characters are small letters, Ben's are digits, those of the other replica are large. Nobody deletes.
        func add(_ characters: String, in change: Change) {
            change.text("t").insert(characters, at: random.below(change.text("t").count() + 1))
        }
        for _ in 0..<30 {
            switch random.below(3) {
            case 0: one.change(by: "ann") { add(random.pick(["a", "bc"]), in: $0) }
            case 1: one.change(by: "ben") { add(random.pick(["1", "23"]), in: $0) }
            default: two.change { add(random.pick(["X", "YZ"]), in: $0) }
            }
            if random.chance(20) { try one.merge(two) }
            if random.chance(20) { try two.merge(one) }
            if random.chance(10) { one.undo(by: random.pick(["ann", "ben"])) }
        }
        try one.merge(two)
        while one.redo(by: "ann") {}
        let before = one.text("t").string
        while one.undo(by: "ann") {}
        try require(!one.canUndo(by: "ann"), "seed \(seed): there is more to undo")
        let text = one.text("t").string
        try require(text == String(before.filter { !$0.isLowercase }), "seed \(seed): undo by one author left \(text) of \(before)")
        while one.redo(by: "ann") {}
        try require(one.text("t").string == before, "seed \(seed): redo by one author brought \(one.text("t").string), it was \(before)")
        while one.undo() {}
        try require(one.text("t").string == String(before.filter(\.isUppercase)), "seed \(seed): undo by all left \(one.text("t").string)")
        try two.merge(one)
        try require(two.text("t").string == one.text("t").string, "seed \(seed): undo diverged")
    }

    /// A value of another, replica or author, stays: written later, or come back because a later own one was taken back.
    static func values() throws {
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 }),
            two = Document(origin: OriginID(rawValue: 2), now: { 1_000_000 })
        try one.enableUndo()
        func write(_ value: DocumentValue, _ document: Document, by author: String = "ann") throws {
            document.change(by: author) { $0.map("m")["k"] = value }
            try one.merge(two)
            try two.merge(one)
        }
        func expect(_ value: DocumentValue?, _ what: String) throws {
            try require(one.map("m")["k"] == value, "\(what): \(String(describing: one.map("m")["k"]))")
        }
        try write("mine", one)
        try write("theirs", two)
        one.undo()
        try expect("theirs", "undo took back what another wrote")
        try write("again", one)
        one.undo()
        try expect("theirs", "undo brought something else back")
        try write("first", one)
        try write("other", two)
        try write("second", one)
        one.undo()
        try expect("other", "undo brought something else back")
        one.undo()
        try expect("other", "what undo brought back of another went with an older step")
        one.redo()
        one.redo()
        try expect("second", "redo stopped")
        try write("ben's", one, by: "ben")
        try write("ann's", one, by: "ann")
        one.undo(by: "ben")
        try expect("ann's", "an author's undo took back what another author wrote")
        one.undo(by: "ann")
        one.undo(by: "ann")
        try expect("ben's", "an author's undo went on to another's value")
        try write("same", two)
        try write("same", one)
        one.undo()
        one.undo()
        try expect("same", "what another wrote too went with an older step")
    }

    /// What undo brought back of another author is that author's still.
    static func broughtBack() throws {
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 })
        one.change { $0.list("l").insert("first", at: 0) }
        try one.enableUndo()
        for (author, value) in [("ann", "1"), ("ben", "2"), ("ann", "3")] {
            one.change(by: author) { $0.map("m")["k"] = .string(value) }
        }
        for (author, value) in [("ann", "2"), ("ben", "1"), ("ann", nil)] as [(String, DocumentValue?)] {
            one.undo(by: author)
            try require(one.map("m")["k"] == value, "undo by \(author) left \(String(describing: one.map("m")["k"]))")
        }
        one.redo(by: "ann")
        try require(one.map("m")["k"] == "1", "redo left \(String(describing: one.map("m")["k"]))")
        one.change(by: "ann") { $0.list("l")[0] = "ann's" }
        one.change(by: "ben") { $0.list("l").remove(at: 0) }
        one.undo(by: "ben")
        try require(one.list("l").values == ["ann's"], "an element came back as \(one.list("l").values)")
        one.undo(by: "ann")
        try require(one.list("l").values == ["first"], "an element that another brought back stays \(one.list("l").values)")
    }

    static func run(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 91)
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 }),
            two = Document(origin: OriginID(rawValue: 2), now: { 1_000_000 })
        try one.enableUndo()
        // Own characters are small letters, the other's are large, and only the other deletes what it likes.
        var expected = 0
        for _ in 0..<30 {
            let document = random.chance(50) ? one : two
            document.change { change in
                let text = change.text("t")
                let characters = Array(text.string)
                let start = random.below(characters.count + 1)
                let inserted = document === one ? ["a", "bc"][random.below(2)] : ["X", "YZ"][random.below(2)]
                var end = start
                // The other deletes small letters only, so that every large one stays.
                while document === two, end < characters.count, characters[end].isLowercase, random.chance(70) { end += 1 }
                text.replace(start..<end, with: inserted)
                if document === two { expected += inserted.count }
            }
            if random.chance(40) {
                try one.merge(two)
                try two.merge(one)
            }
        }
        try one.merge(two)
        while one.undo() {}
        let text = one.text("t").string
        try require(!text.contains(where: \.isLowercase), "seed \(seed): undo left \(text)")
        try require(text.count == expected, "seed \(seed): undo took what others typed: \(text.count) of \(expected)")
        try two.merge(one)
        try require(two.text("t").string == text, "seed \(seed): undo diverged")
    }
}
