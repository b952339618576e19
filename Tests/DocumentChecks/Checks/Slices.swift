import SkerryCRDT

/// Imports in slices of any size leave what one import leaves.
enum Slices {
    static func run(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 600)
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 }),
            two = Document(origin: OriginID(rawValue: 2), now: { 1_000_000 })
        for _ in 0..<20 {
            let document = random.chance(70) ? one : two
            for _ in 0..<random.below(200) {
                document.change { change in
                    let length = change.text("t").count(in: .scalars), start = random.below(length + 1)
                    let end = random.chance(20) ? min(length, start + 2) : start
                    change.text("t").replace(start..<end, in: .scalars, with: random.pick(["a", "é", "long enough", ""]))
                    if random.chance(20) {
                        change.list("l").insert(.int(Int64(random.below(9))), at: random.below(change.list("l").count + 1))
                    }
                    if random.chance(10) { change.map("m")[random.pick(["a", "b"])] = .int(Int64(random.below(9))) }
                }
            }
            if random.chance(30) { try one.merge(two) }
            if random.chance(30) { try two.merge(one) }
        }
        try one.merge(two)
        let bytes = try random.chance(50) ? one.history() : one.history(chunkMaximum: 1 << (10 + random.below(4)))
        let whole = Document(origin: OriginID(rawValue: 3), now: { 1_000_000 }),
            sliced = Document(origin: OriginID(rawValue: 3), now: { 1_000_000 })
        let expected = try whole.merge(bytes)
        var work = DocumentImport(bytes)
        var slices = 0
        while !work.isDone {
            var left = random.below(4)
            let before = sliced.version
            try work.step(into: sliced) {
                left -= 1
                return left > 0
            }
            slices += 1
            try require(sliced.version.covers(before), "seed \(seed): a slice took something away")
        }
        try require(
            work.result.applied == expected.applied && work.result.missing == nil,
            "seed \(seed): \(work.result.applied) of \(expected.applied)")
        try require(sliced.snapshot() == whole.snapshot(), "seed \(seed): \(slices) slices left something else")
        try require(Plain(sliced) == Plain(one), "seed \(seed): another state in slices")
    }

    /// The piece at fault leaves no trace; what came before it is a document.
    static func fault() throws {
        let one = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 })
        for number in 0..<500 { one.change { $0.text("t").insert("\(number % 10)", at: 0) } }
        var bytes = try one.history(chunkMaximum: 1 << 10)
        bytes[bytes.count - 1] ^= 1
        let document = Document(origin: OriginID(rawValue: 3), now: { 1_000_000 })
        var work = DocumentImport(bytes)
        do {
            while !work.isDone { try work.step(into: document) { false } }
            throw CheckFailure("a damaged chunk was taken")
        } catch let error as DocumentError { try require(error.code == .corrupt, "\(error)") }
        try require(work.isDone, "a refused import goes on")
        document.change { $0.text("t").insert("x", at: 0) }
        try document.merge(one)
        try require(document.text("t").string.count == 501, "what came before the damage is no document")
    }
}
