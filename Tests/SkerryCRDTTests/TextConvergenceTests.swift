import Testing

@testable import SkerryCRDT

@Suite("A text")
struct TextConvergenceTests {
    private func document() -> Document { Document(origin: OriginID(rawValue: 99)) }

    @Test("is what the naive tree says, after every event and in every order of delivery", arguments: 0..<Soak.count(160, soak: 20_000))
    func agreesWithOracle(seed: Int) throws {
        var random = TestRandom(seed: seed &+ 7_000_000)
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

    @Test("converges in the whole small scope: three writers, every position, every order", arguments: [2, Soak.isOn ? 4 : 3])
    func exhaustive(count: Int) throws {
        var checked = 0
        var failure: String?
        var orders = 0
        extend(TextHistory(), seen: [[], [], []], left: count) { history in
            checked += 1
            if failure != nil { return }
            let expected = String(history.oracle(of: Set(history.events.indices)).scalars)
            forEachOrder(of: history) { order in
                orders += 1
                let document = document()
                for index in order { _ = try? document.apply(history.batch(of: [index])) }
                if document.text("t").string != expected { failure = "\(history.events) \(order)" }
            }
        }
        #expect(failure == nil)
        #expect(checked > (count == 2 ? 20 : 400), "\(checked) histories, \(orders) orders")
    }

    /// Calls the body with every history of a length: who writes, what it hears of before, what it does where.
    private func extend(_ history: TextHistory, seen: [Set<Int>], left: Int, _ body: (TextHistory) -> Void) {
        if left == 0 { return body(history) }
        for replica in 0..<3 {
            // Writers are alike but for their ids: the first to write is fixed.
            if history.events.isEmpty, replica > 1 { continue }
            let news = history.events.indices.filter { !seen[replica].contains($0) }
            for choice in 0..<(1 << news.count) {
                let heard = seen[replica].union(news.indices.filter { choice >> $0 & 1 == 1 }.map { news[$0] })
                if !heard.allSatisfy({ history.pasts[$0].isSubset(of: heard) }) { continue }
                let tree = history.oracle(of: heard)
                let length = tree.scalars.count
                for position in 0...length {
                    for isDeletion in [false, true] where !isDeletion || position < length {
                        var next = history, knows = seen
                        let origin = TextHistory.origin(replica)
                        let sequence = history.events.count { $0.dot.origin == origin } + 1
                        let scalar = Unicode.Scalar(UInt8(97 + history.events.count))
                        next.append(
                            TextHistory.Event(
                                dot: Dot(origin: origin, sequence: UInt64(sequence)),
                                parents: history.heads(of: heard).map { history.events[$0].dot }.filter { $0.origin != origin },
                                kind: isDeletion ? .deletion : .insertion, position: position, scalar: isDeletion ? nil : scalar,
                                operation: isDeletion ? tree.deletion(at: position) : tree.insertion(of: scalar, at: position)),
                            past: heard)
                        knows[replica] = heard.union([history.events.count])
                        extend(next, seen: knows, left: left - 1, body)
                    }
                }
            }
        }
    }

    private func forEachOrder(of history: TextHistory, _ body: ([Int]) -> Void) {
        func extend(_ order: [Int]) {
            if order.count == history.events.count { return body(order) }
            for index in history.events.indices where !order.contains(index) && history.pasts[index].isSubset(of: order) {
                extend(order + [index])
            }
        }
        extend([])
    }
}
