import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("A text")
struct TextConvergenceTests {
    private func document() -> Document { Document(origin: OriginID(rawValue: 99)) }

    @Test("is what the naive tree says, after every event and in every order of delivery", arguments: 0..<Soak.count(160, soak: 20_000))
    func agreesWithOracle(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 7_000_000)
        let count = seed % 10 == 0 ? 160 : 10 + random.below(60)
        let history = TextHistory.random(seed: seed, replicas: 2 + seed % 4, count: count, mode: seed / 4 % 4)
        let expected = String(history.oracle(of: Set(history.events.indices)).scalars)
        for attempt in 0..<4 {
            let order = history.order(&random)
            let document = document()
            var tree = FugueTree()
            var start = 0
            while start < order.count {
                // One at a time, or several in a batch.
                let end = attempt < 2 ? start + 1 : min(order.count, start + 1 + random.below(9))
                let applied = try document.apply(history.batch(of: Array(order[start..<end])))
                #expect(applied.applied == end - start && applied.missing == nil)
                for index in order[start..<end] { tree.apply(history.events[index].operation, as: history.events[index].dot) }
                if attempt == 0 {
                    let expected = String(tree.scalars)
                    try #require(document.text("t").string == expected, "seed \(seed), after \(end) events of \(order)")
                }
                start = end
            }
            try #require(document.text("t").string == expected, "seed \(seed), order \(order)")
            document.withCore { $0.texts[0].rope.checkInvariants() }
        }
    }
}
