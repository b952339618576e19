import SkerryCRDT

/// Two authors behind one replica type, paste, delete each other's text, undo and redo, among what another replica does: which characters show is
/// what a plain model says. Where they show is not compared: what comes back out of turn may stand on the other side of what was deleted with it.
enum Authors {
    static func run(seed: Int, steps: Int = 60) throws {
        var random = CheckRandom(seed: seed &+ 93)
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 }),
            two = Document(origin: OriginID(rawValue: 2), now: { 1_000_000 })
        try one.enableUndo()
        var model = AuthorsModel()
        var next: UInt32 = 0x4E00
        for step in 0..<steps {
            let author = random.pick(["ann", "ben"])
            switch random.below(12) {
            case 0..<5: edit(one, by: author)
            case 5: edit(two, by: nil)
            case 6, 7, 8: try rewind(one.undo(by: author), model.undo(by: author), "undo by \(author)")
            case 9, 10: try rewind(one.redo(by: author), model.redo(by: author), "redo by \(author)")
            case 11 where random.chance(50): try rewind(one.undo(), model.undo(by: nil), "undo")
            default: try rewind(one.redo(), model.redo(by: nil), "redo")
            }
            try one.merge(two)
            try two.merge(one)
            try agree("step \(step)")
        }
        for author in ["ann", "ben"] {
            while model.undo(by: author) { try require(one.undo(by: author), "seed \(seed): too little to undo by \(author)") }
            try require(!one.canUndo(by: author), "seed \(seed): too much to undo by \(author)")
            try agree("without \(author)")
        }
        while model.redo(by: nil) { try require(one.redo(), "seed \(seed): too little to redo") }
        try require(!one.canRedo, "seed \(seed): too much to redo")
        try agree("with all again")
        try two.merge(one)
        try require(two.text("t").string == one.text("t").string, "seed \(seed): undo diverged")

        func edit(_ document: Document, by author: String?) {
            let before = Array(document.text("t").string.unicodeScalars)
            let start = random.below(before.count + 1)
            let end = random.chance(50) ? min(before.count, start + 1 + random.below(10)) : start
            let inserted = (0..<random.pick([0, 1, 1, 2, 20])).map { _ in
                defer { next += 1 }
                return Unicode.Scalar(next)!
            }
            func write(_ change: Change) { change.text("t").replace(start..<end, in: .scalars, with: text(inserted)) }
            if let author { document.change(by: author, write) } else { document.change(write) }
            model.replace(Array(before[start..<end]), with: inserted, by: author, isOwn: document === one)
        }
        func rewind(_ isDone: Bool, _ expected: Bool, _ what: String) throws {
            try require(isDone == expected, "seed \(seed): \(what) says \(isDone)")
        }
        func agree(_ what: String) throws {
            let actual = Array(one.text("t").string.unicodeScalars)
            try require(Set(actual) == model.showing && actual.count == model.showing.count, "seed \(seed), \(what): other characters")
        }
    }

    private static func text(_ scalars: [Unicode.Scalar]) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
