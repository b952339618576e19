import Testing

@testable import SkerryMerge

private func empty() throws -> MemoryHistory { try MemoryHistory(store: MemoryHistoryStore()) }

@Suite("Transfers that are cut, deepened or not wanted")
struct HistoryTransferTests {
    @Test("a clone of depth n, deepened to m, is a clone of depth m", arguments: 0..<20)
    func deepening(seed: Int) throws {
        var random = SeededRandom(seed)
        let origin = try Self.woven(&random, commits: 20 + random.below(40))
        var shallow = try Pair(origin, empty())
        try shallow.asB { try $0.clone(depth: 1 + random.below(5)) }
        var history = shallow.b.history
        for depth in [3, 8, 15].map({ $0 + random.below(5) }) {
            var deepened = try Pair(origin, history)
            try deepened.asB { try $0.deepen(to: depth) }
            var fresh = try Pair(origin, empty())
            try fresh.asB { try $0.clone(depth: depth) }
            history = deepened.b.history
            // What it had stays, so it may have more than the fresh one, but nothing less, and it ends nowhere the fresh one goes on.
            #expect(fresh.b.history.graph.nodes.allSatisfy { history.graph.contains($0.id) })
            #expect(history.names == fresh.b.history.names)
            #expect(try history.verify().isSound)
            for end in history.graph.boundary { #expect(try history.commit(end).parents.contains { !history.graph.contains($0) }) }
            #expect(try MemoryHistory(store: history.store).graph.boundary == history.graph.boundary)
            #expect(try MemoryHistory(store: history.store).graph.count == history.graph.count)
        }
        var whole = try Pair(origin, history)
        try whole.asB { try $0.deepen() }
        #expect(whole.b.history.graph.boundary.isEmpty)
        #expect(whole.b.history.graph.count == origin.graph.count)
        #expect(try whole.b.history.verify().isSound)
        // Bases are those of the whole history again.
        let heads = origin.names.values.sorted()
        for left in heads {
            for right in heads { #expect(whole.b.history.graph.mergeBases(left, right) == origin.graph.mergeBases(left, right)) }
        }
        // And of a history without a boundary deepening is a fetch.
        let before = whole.bytes
        try whole.asB { try $0.deepen() }
        #expect(whole.bytes.0 - before.0 < 100)
    }

    /// Branches that part and merge.
    static func woven(_ random: inout SeededRandom, commits: Int) throws -> MemoryHistory {
        var history = try empty()
        try history.commit(["f": "start"])
        try history.createBranch("side", at: history.resolve(.branch("main")))
        for time in 2..<commits {
            let branch = random.chance(50) ? "main" : "side"
            if random.chance(20) {
                let other = try history.resolve(.branch(branch == "main" ? "side" : "main"))
                _ = try history.merge(other, into: branch, policy: .marking)
            } else {
                try history.commit(["f": "\(random.next())", "\(branch)/g": "\(time)"], to: branch, at: UInt64(time))
            }
        }
        return history
    }

    @Test("deepening costs what is missing", arguments: 0..<5)
    func deepeningCost(seed: Int) throws {
        var random = SeededRandom(seed)
        var origin = try empty()
        for time in 0..<60 { try origin.commit(["f": "\((0..<40).map { _ in random.next() })"], at: UInt64(time + 1)) }
        var whole = try Pair(origin, empty())
        try whole.asB { try $0.clone() }
        var shallow = try Pair(origin, empty())
        try shallow.asB { try $0.clone(depth: 30) }
        let first = shallow.bytes.0
        try shallow.asB { try $0.deepen() }
        #expect(first < whole.bytes.0 * 6 / 10)
        #expect(shallow.bytes.0 < whole.bytes.0 * 11 / 10)
        #expect(shallow.b.history.graph.count == 61)
    }

    @Test("a fetch that breaks off anywhere goes on with what is missing", arguments: 0..<6)
    func resumption(seed: Int) throws {
        let (sent, total, store) = try Self.brokenClone(seed: seed)
        // Once more at most: what came in no more than 64 KiB, and the message under way.
        #expect(sent <= total + 130_000, "\(sent) of \(total)")
        #expect(try store.verify().isSound)
    }

    /// A clone over links that die after some messages, each with a note of it or, as in a crash, without.
    static func brokenClone(seed: Int) throws -> (sent: Int, total: Int, MemoryHistory) {
        var random = SeededRandom(seed)
        var origin = try empty()
        var files: [String: String] = [:]
        for index in 0..<40 { files["d\(index % 5)/f\(index)"] = String(repeating: "\(random.below(1_000_000)) ", count: 12_000) }
        // One large commit, then some small ones.
        try origin.commit(files)
        for time in 2..<40 {
            try origin.commit(["d0/f0": String(repeating: "\(random.below(1_000_000)) ", count: 3_000)], at: UInt64(time))
        }
        var history = try empty()
        var sent = 0, tries = 0
        while history.branches != origin.branches {
            tries += 1
            try #require(tries < 30)
            var receiver = Endpoint(history, peer: "a"), sender = Endpoint(origin, peer: "b")
            let greeting = try sender.start()
            _ = try sender.receive(try receiver.start()[0])
            _ = try receiver.receive(greeting[0])
            var out: [ExchangeMessage] = []
            for message in try receiver.clone() { out += try sender.receive(message) }
            for _ in 0..<1 + random.below(3) where !out.isEmpty {
                let message = out.removeFirst()
                if case .objects(let objects) = message { sent += objects.reduce(0) { $0 + $1.count } }
                for answer in try receiver.receive(message) { out += try sender.receive(answer) }
            }
            if tries >= 6 {
                while !out.isEmpty {
                    let message = out.removeFirst()
                    if case .objects(let objects) = message { sent += objects.reduce(0) { $0 + $1.count } }
                    for answer in try receiver.receive(message) { out += try sender.receive(answer) }
                }
            }
            try receiver.linkEnded()
            history = try MemoryHistory(store: receiver.history.store)
            #expect(try history.verify().isSound)
        }
        var total = 0
        for node in origin.graph.nodes.dropFirst() {
            for id in try origin.objects(of: node.id, against: origin.graph.parents(of: node.id) ?? []) {
                total += try origin.object(id).count
            }
        }
        let incoming = history.names.keys.filter(\.isIncoming)
        #expect(incoming.isEmpty)
        return (sent, total, history)
    }

    @Test("names that keep the parts of a transfer are nobody else's business, and collection keeps what they lead to")
    func incomingNames() throws {
        var origin = try empty()
        for time in 0..<40 { try origin.commit(["f": String(repeating: "\(time) ", count: 5_000)], at: UInt64(time + 1)) }
        var receiver = Endpoint(try empty(), peer: "a"), sender = Endpoint(origin, peer: "b")
        let greeting = try sender.start()
        _ = try sender.receive(try receiver.start()[0])
        _ = try receiver.receive(greeting[0])
        var out: [ExchangeMessage] = []
        for message in try receiver.clone() { out += try sender.receive(message) }
        _ = try receiver.receive(out[0])
        try receiver.linkEnded()
        var part = receiver.history
        #expect(part.isEmpty)
        #expect(part.names.keys.map(\.isIncoming) == [true])
        let count = part.graph.count
        #expect(count > 2)
        try part.collect()
        #expect(part.graph.count == count)
        var greeter = Endpoint(part, peer: "c")
        guard case .greet(_, let names, _) = try greeter.start()[0] else { return #expect(Bool(false)) }
        #expect(names.isEmpty)
    }

    @Test("a message of objects holds many commits, so that a long history is few messages")
    func batching() throws {
        var origin = try empty()
        for time in 0..<200 { try origin.commit(["f": "\(time)"], at: UInt64(time + 1)) }
        var sender = Endpoint(origin, peer: "b"), receiver = Endpoint(try empty(), peer: "a")
        let greeting = try sender.start()
        _ = try sender.receive(try receiver.start()[0])
        _ = try receiver.receive(greeting[0])
        var out: [ExchangeMessage] = []
        for message in try receiver.clone() { out += try sender.receive(message) }
        #expect(out.count == 2)
        for message in out { _ = try receiver.receive(message) }
        #expect(receiver.history.graph.count == 201)
    }

    @Test("the window bounds bytes as well as messages")
    func byteWindow() throws {
        var origin = try empty()
        for time in 0..<12 {
            let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: ($0 &* (time + 3)) >> 3) }
            try origin.commit(Snapshot([FilePath("f")!: content]), to: "main", author: "", message: "", timestamp: UInt64(time + 1))
        }
        #expect(try Self.mostUnderWay(origin) <= ExchangeSession.windowBytes)
    }

    /// Bytes of objects sent before any was taken.
    static func mostUnderWay(_ origin: MemoryHistory) throws -> Int {
        var sender = Endpoint(origin, peer: "b"), receiver = Endpoint(try empty(), peer: "a")
        let greeting = try sender.start()
        _ = try sender.receive(try receiver.start()[0])
        _ = try receiver.receive(greeting[0])
        var out: [ExchangeMessage] = []
        for message in try receiver.clone() { out += try sender.receive(message) }
        return out.reduce(0) { sum, message in
            if case .objects(let objects) = message { sum + objects.reduce(0) { $0 + $1.count } } else { sum }
        }
    }

    @Test("branches that are not the peer's to move stay, and a refused push stores nothing where none is accepted")
    func pushRules() throws {
        var origin = try empty()
        try origin.commit(["f": "1"])
        var clone = origin
        let head = try clone.commit(["f": "2"], at: 2)
        for (rule, isMoved) in [
            (ExchangeSession.PushRule.all, true), (.none, false), (.allExcept(["main"]), false), (.allExcept(["x"]), true),
        ] {
            var receiver = Endpoint(origin, peer: "b", pushRule: rule)
            var sender = Endpoint(clone, peer: "a")
            try HistoryEndpoint.converse(&sender, &receiver) { sender, _ throws(HistoryError) in try sender.push("main") }
            #expect(sender.takeOutcomes() == [.pushed(branch: "main", refusal: isMoved ? nil : .refused)])
            #expect((receiver.history.branches["main"] == head) == isMoved)
            if rule == .none { #expect(try receiver.history.verify() == origin.verify()) }
        }
    }

    @Test("files whose content is stored are committed without it")
    func files() throws {
        var history = try empty()
        let ids = try history.store(contents: [([1], nil), ([2], nil), (Array(repeating: 7, count: 1_000), nil)])
        #expect(ids[0] == history.id(ofContent: [1]))
        let files = [FilePath("a")!: ids[0], FilePath("d/b")!: ids[1], FilePath("d/c")!: ids[2]]
        let head = try history.commit(files: files, to: "main", author: "", message: "", timestamp: 1)
        #expect(try history.files(of: head) == files)
        #expect(
            try history.checkout(head).files == [
                FilePath("a")!: [1], FilePath("d/b")!: [2], FilePath("d/c")!: Array(repeating: 7, count: 1_000),
            ])
        let error = #expect(throws: HistoryError.self) {
            try history.commit(files: [FilePath("x")!: PlainGraph.id(9)], to: "main", author: "", message: "", timestamp: 2)
        }
        #expect(error?.code == .dangling)
        let same = #expect(throws: HistoryError.self) {
            try history.commit(files: files, to: "main", author: "", message: "", timestamp: 2)
        }
        #expect(same?.code == .noChange)
        let clash = #expect(throws: HistoryError.self) {
            try history.commit(
                files: [FilePath("a")!: ids[0], FilePath("a/b")!: ids[1]], to: "main", author: "", message: "", timestamp: 2)
        }
        #expect(clash?.code == .badName)
    }
}
