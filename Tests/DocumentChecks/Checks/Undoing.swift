import SkerryCRDT

/// One who undoes among others: own characters go, those of others stay.
enum Undoing {
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
