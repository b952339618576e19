import Testing

@testable import SkerryMerge

typealias Endpoint = HistoryEndpoint<MemoryHistoryStore>

/// Two histories and the link between them; messages pass through their encoding.
struct Pair {
    var a: Endpoint
    var b: Endpoint
    /// Bytes from a to b and from b to a.
    var bytes = (0, 0)
    private var toB: [ExchangeMessage] = []
    private var toA: [ExchangeMessage] = []

    init(_ a: MemoryHistory, _ b: MemoryHistory) throws {
        self.a = Endpoint(a, peer: "b")
        self.b = Endpoint(b, peer: "a")
        toB = try self.a.start()
        toA = try self.b.start()
        try run()
    }

    /// Something one of them wishes, and everything that follows.
    mutating func wish(_ body: (inout Pair) throws -> (a: [ExchangeMessage], b: [ExchangeMessage])) throws {
        let said = try body(&self)
        toB += said.a
        toA += said.b
        try run()
    }

    mutating func asA(_ body: (inout Endpoint) throws -> [ExchangeMessage]) throws { try wish { (try body(&$0.a), []) } }
    mutating func asB(_ body: (inout Endpoint) throws -> [ExchangeMessage]) throws { try wish { ([], try body(&$0.b)) } }

    private mutating func run() throws {
        while !toA.isEmpty || !toB.isEmpty {
            if !toB.isEmpty {
                let wire = toB.removeFirst().encoded
                bytes.0 += wire.count
                toA += try b.receive(ExchangeMessage(encoded: wire))
            }
            if !toA.isEmpty {
                let wire = toA.removeFirst().encoded
                bytes.1 += wire.count
                toB += try a.receive(ExchangeMessage(encoded: wire))
            }
        }
    }
}

private func empty() throws -> MemoryHistory { try MemoryHistory(store: MemoryHistoryStore()) }

@Suite("Exchange")
struct ExchangeTests {
    @Test("G-07: a clone has everything, and only an empty history becomes one")
    func clone() throws {
        var origin = try empty()
        try origin.commit(["f": "1", "d/g": "x"])
        let head = try origin.commit(["f": "2", "d/g": "x"], at: 2)
        try origin.createTag("v1", at: head)
        var pair = try Pair(origin, empty())
        try pair.asB { try $0.clone() }
        #expect(pair.b.takeOutcomes() == [.fetched(origin.names)])
        #expect(pair.b.history.names == origin.names.merging([.remote("a", branch: "main"): head]) { $1 })
        #expect(try pair.b.history.verify().isSound)
        #expect(try pair.b.history.checkout(head) == origin.checkout(head))
        let error = #expect(throws: HistoryError.self) { try pair.asB { try $0.clone() } }
        #expect(error?.code == .notEmpty)
        // Tags may lead to the same commit; a clone of nothing is nothing.
        var nothing = try Pair(empty(), empty())
        try nothing.asB { try $0.clone() }
        #expect(nothing.b.history.isEmpty)
    }

    @Test("G-07: what changes between the two greetings is told, and not only with the next change")
    func changeBetweenGreetings() throws {
        var origin = try empty()
        try origin.commit(["f": "1"])
        var (a, b) = try (Endpoint(origin, peer: "b"), Endpoint(empty(), peer: "a"))
        let greeting = try a.start()
        let news = try a.change { history throws(HistoryError) in
            _ = try history.commit(Snapshot([FilePath("f")!: Array("2".utf8)]), to: "main", author: "", message: "", timestamp: 2)
        }
        for message in try b.start() { _ = try a.receive(message) }
        for message in greeting + news { _ = try b.receive(message) }
        #expect(b.takeOutcomes() == [.heard(a.history.names)])
    }

    @Test("G-08: a fetch that meets a push of the other side waits for its end, whatever the order of messages", arguments: 0..<60)
    func fetchMeetsPush(seed: Int) throws {
        var random = SeededRandom(seed)
        var origin = try empty()
        try origin.commit(["f": "1"])
        var clone = origin
        for number in 2..<4 + random.below(20) { try clone.commit(["f": "\(number)", "g\(number)": "x"], at: UInt64(number)) }
        try origin.createBranch("side", at: origin.resolve(.branch("main")))
        for number in 2..<4 + random.below(20) { try origin.commit(["h": "\(number)"], to: "side", at: UInt64(number)) }
        try clone.createBranch("mine", at: clone.resolve(.branch("main")))
        var ends = [Endpoint(clone, peer: "b"), Endpoint(origin, peer: "a")]
        var inboxes: [[ExchangeMessage]] = [try ends[1].start(), try ends[0].start()]
        var wishes: [[(inout Endpoint) throws -> [ExchangeMessage]]] = [
            [{ try $0.push("main") }, { try $0.fetch() }, { try $0.push("mine") }], [{ try $0.fetch() }, { try $0.fetch() }],
        ]
        while !inboxes.allSatisfy(\.isEmpty) || !wishes.allSatisfy(\.isEmpty) {
            let side = random.below(2)
            if !wishes[side].isEmpty, random.chance(20) {
                inboxes[1 - side] += try wishes[side].removeFirst()(&ends[side])
            } else if !inboxes[side].isEmpty {
                inboxes[1 - side] += try ends[side].receive(ExchangeMessage(encoded: inboxes[side].removeFirst().encoded))
            }
        }
        let main = try clone.resolve(.branch("main"))
        #expect(ends[1].history.names[.branch("main")] == main)
        #expect(ends[1].history.names[.branch("mine")] == main)
        #expect(try ends[0].history.names[.remote("b", branch: "side")] == origin.resolve(.branch("side")))
        let outcomes = ends.map { end in
            var end = end
            return end.takeOutcomes()
        }
        #expect(outcomes[0].filter { if case .pushed(_, nil) = $0 { true } else { false } }.count == 2)
        // Wishes of one kind that wait at the same time are one.
        #expect(outcomes.allSatisfy { $0.contains { if case .fetched = $0 { true } else { false } } })
    }

    @Test("G-07: a peer that has a reserved name in a directory is told so: its push is refused, a fetch from it ends with the name")
    func reservedNames() throws {
        var hostile = try empty()
        try hostile.commit(["f": "1"])
        let good = hostile
        try hostile.commit(["f": "1", "d/.git/config": "x"], at: 2)
        var receiver = good
        receiver.reservedNames = [Array(".git".utf8)]
        var pair = try Pair(hostile, receiver)
        try pair.asA { try $0.push("main") }
        #expect(pair.a.takeOutcomes() == [.pushed(branch: "main", refusal: .badName)])
        #expect(pair.b.history.names == receiver.names)
        // The link holds, and what is in order is taken afterwards.
        try pair.asA { end in
            let base = try good.resolve(.branch("main"))
            return try end.change { history throws(HistoryError) in
                try history.createBranch("good", at: base)
                _ = try history.commit(snapshot(["f": "2"]), to: "good", author: "", message: "", timestamp: 3)
            }
        }
        try pair.asA { try $0.push("good") }
        #expect(pair.a.takeOutcomes() == [.pushed(branch: "good", refusal: nil)])
        #expect(try pair.b.history.checkout(pair.b.history.resolve(.branch("good"))) == snapshot(["f": "2"]))
        var clone = try empty()
        clone.reservedNames = [Array(".git".utf8)]
        let error = #expect(throws: HistoryError.self) {
            var pair = try Pair(hostile, clone)
            try pair.asB { try $0.clone() }
        }
        #expect(error?.code == .badName)
        #expect(error?.message.contains(".git") == true)
    }

    @Test("G-07: a push goes forward only: refused after divergence, accepted after a pull")
    func push() throws {
        var origin = try empty()
        try origin.commit(["f": "1\n2\n3\n"])
        var pair = try Pair(origin, empty())
        try pair.asB { try $0.clone() }
        try pair.asB {
            try $0.change { history throws(HistoryError) in
                _ = try history.commit(snapshot(["f": "1\n2\n3\n", "b": "b"]), to: "main", author: "", message: "", timestamp: 5)
            }
        }
        try pair.asB { try $0.push("main") }
        #expect(pair.b.takeOutcomes().last == .pushed(branch: "main", refusal: nil))
        #expect(pair.a.history.branches == pair.b.history.branches)

        try pair.asA {
            try $0.change { history throws(HistoryError) in
                _ = try history.commit(snapshot(["f": "one\n2\n3\n", "b": "b"]), to: "main", author: "", message: "", timestamp: 6)
            }
        }
        try pair.asB {
            try $0.change { history throws(HistoryError) in
                _ = try history.commit(snapshot(["f": "1\n2\nthree\n", "b": "b"]), to: "main", author: "", message: "", timestamp: 6)
            }
        }
        try pair.asB { try $0.push("main") }
        #expect(pair.b.takeOutcomes().last == .pushed(branch: "main", refusal: .notFastForward))
        #expect(pair.a.history.branches != pair.b.history.branches)

        try pair.asB { try $0.pull("main") }
        try pair.asB { try $0.push("main") }
        #expect(pair.b.takeOutcomes().last == .pushed(branch: "main", refusal: nil))
        #expect(pair.a.history.branches == pair.b.history.branches)
        let head = try pair.a.history.resolve(.branch("main"))
        #expect(try pair.a.history.checkout(head) == snapshot(["f": "one\n2\nthree\n", "b": "b"]))
        #expect(try pair.a.history.verify().isSound)
    }

    @Test("G-07: the receiver refuses a push that raced with another, whatever the sender believes")
    func racedPush() throws {
        var origin = try empty()
        try origin.commit(["f": "1"])
        var clone = origin
        let mine = try clone.commit(["f": "2"], at: 2), theirs = try origin.commit(["f": "3"], at: 2)
        var receiver = Endpoint(origin, peer: "b")
        _ = try receiver.start()
        _ = try receiver.receive(.greet(hash: "sha256", names: [.branch("main"): mine], boundary: []))
        let ids = try clone.objects(of: mine, against: clone.graph.parents(of: mine)!)
        _ = try receiver.receive(.objects(ids.map { try clone.object($0) }))
        let answer = try receiver.receive(.push(NameChange(.branch("main"), from: clone.graph.parents(of: mine)![0], to: mine)))
        #expect(answer == [.pushed(.branch("main"), refusal: .notFastForward)])
        #expect(receiver.history.branches == ["main": theirs])
    }

    @Test("G-06: merges made on both nodes at once are one commit")
    func bothMerge() throws {
        var a = try empty()
        try a.commit(["f": "1\n2\n3\n4\n"])
        var b = a
        try a.commit(["f": "one\n2\n3\n4\n"], at: 2)
        try b.commit(["f": "1\n2\n3\nfour\n"], at: 3)
        var pair = try Pair(a, b)
        try pair.wish { (try $0.a.pull("main"), try $0.b.pull("main")) }
        #expect(pair.a.history.branches == pair.b.history.branches)
        let head = try pair.a.history.resolve(.branch("main"))
        #expect(try pair.b.history.checkout(head) == snapshot(["f": "one\n2\n3\nfour\n"]))
        // Both have it: nothing more is sent.
        try pair.wish { (try $0.a.pull("main"), try $0.b.pull("main")) }
        #expect(pair.a.takeOutcomes().last == .pulled(branch: "main", .upToDate))
    }

    @Test("G-08: only what the other lacks crosses the link", arguments: 0..<20)
    func random(seed: Int) throws {
        var random = SeededRandom(seed)
        var a = try empty()
        var b = try empty()
        // A common past, then two branches each.
        for time in 1..<(5 + random.below(120)) { try a.commit(["f\(random.below(20))": "\(random.next())"], at: UInt64(time)) }
        var first = try Pair(a, b)
        try first.asB { try $0.clone() }
        (a, b) = (first.a.history, first.b.history)
        for time in 0..<random.below(100) {
            try a.commit(
                ["a": "\(time)", "x/\(random.below(5))": "\(random.next())"], to: random.chance(50) ? "main" : "left",
                at: UInt64(1000 + time))
        }
        for time in 0..<random.below(100) {
            try b.commit(["b": "\(time)"], to: random.chance(50) ? "main" : "right", at: UInt64(2000 + time))
        }
        var pair = try Pair(a, b)
        try pair.wish { (try $0.a.fetch(), try $0.b.fetch()) }
        for (endpoint, other) in [(pair.a, b), (pair.b, a)] {
            #expect(other.graph.nodes.allSatisfy { endpoint.history.graph.contains($0.id) })
            #expect(try endpoint.history.verify().isSound)
        }
        // A second time nothing but names and "nothing wanted".
        let before = pair.bytes
        try pair.wish { (try $0.a.fetch(), try $0.b.fetch()) }
        #expect(pair.bytes.0 + pair.bytes.1 - before.0 - before.1 < 100)
    }

    @Test("G-08: an edit of a known history costs the edit, not the history")
    func incremental() throws {
        var a = try empty()
        var random = SeededRandom(1)
        for time in 0..<200 { try a.commit(["f\(time)": "\(random.next()) \(random.next())"], at: UInt64(time + 1)) }
        var pair = try Pair(a, empty())
        try pair.asB { try $0.clone() }
        let whole = pair.bytes.0
        try pair.asA {
            try $0.change { history throws(HistoryError) in
                _ = try history.commit(snapshot(["f": "edit"]), to: "main", author: "", message: "", timestamp: 999)
            }
        }
        let before = pair.bytes
        try pair.asB { try $0.pull("main") }
        #expect(pair.a.history.branches == pair.b.history.branches)
        #expect(pair.bytes.0 - before.0 < 1_500)
        #expect(whole > 20 * 1_500)
    }

    @Test("G-08: neither side sends more than the window, and objects come after what they refer to")
    func window() throws {
        var a = try empty()
        var random = SeededRandom(2)
        for time in 0..<40 {
            try a.commit(["f": "\(random.next())", "g\(time)": String(repeating: "\(random.next())", count: 40_000)], at: UInt64(time + 1))
        }
        var sender = Endpoint(a, peer: "b"), receiver = Endpoint(try empty(), peer: "a")
        let greeting = try sender.start()
        _ = try sender.receive(try receiver.start()[0])
        _ = try receiver.receive(greeting[0])
        var out: [ExchangeMessage] = []
        for message in try receiver.fetch() { out += try sender.receive(message) }
        // Nothing was acknowledged: the window is full and no more.
        #expect(out.count == ExchangeSession.window)
        var messages = 0
        while !out.isEmpty {
            let message = out.removeFirst()
            messages += 1
            for answer in try receiver.receive(message) { out += try sender.receive(answer) }
            #expect(out.count <= ExchangeSession.window + 1)
        }
        #expect(messages > 20)
        #expect(receiver.takeOutcomes().count == 1)
    }

    @Test("a transfer that breaks off leaves nothing that dangles, and the next one completes it", arguments: 0..<10)
    func brokenOff(seed: Int) throws {
        var random = SeededRandom(seed)
        var a = try empty()
        for time in 0..<24 { try a.commit(["f": String(repeating: "\(random.next()) ", count: 10_000)], at: UInt64(time + 1)) }
        var receiver = Endpoint(try empty(), peer: "a")
        var sender = Endpoint(a, peer: "b")
        let greeting = try sender.start()
        _ = try sender.receive(try receiver.start()[0])
        _ = try receiver.receive(greeting[0])
        var out: [ExchangeMessage] = []
        for message in try receiver.clone() { out += try sender.receive(message) }
        for _ in 0..<random.below(5) where !out.isEmpty {
            for answer in try receiver.receive(out.removeFirst()) { out += try sender.receive(answer) }
        }
        // The link breaks; the store is opened anew.
        let left = try MemoryHistory(store: receiver.history.store)
        #expect(left.isEmpty)
        #expect(try left.verify().isSound)
        var pair = try Pair(a, left)
        try pair.asB { try $0.clone() }
        #expect(pair.b.history.branches == a.branches)
        #expect(try pair.b.history.verify().isSound)
    }

    @Test("a shallow clone has the last commits, works on, and gives its work back")
    func shallow() throws {
        var origin = try empty()
        for time in 0..<50 { try origin.commit(["f": "\(time)\n", "same": "s"], at: UInt64(time + 1)) }
        var pair = try Pair(origin, empty())
        try pair.asB { try $0.clone(depth: 3) }
        #expect(pair.b.history.graph.count == 3 + 1)
        #expect(pair.b.history.graph.boundary.count == 1)
        let head = try origin.resolve(.branch("main"))
        #expect(try pair.b.history.checkout(head) == origin.checkout(head))
        #expect(try pair.b.history.verify().isSound)
        // Opened anew, it still knows where it ends.
        #expect(try MemoryHistory(store: pair.b.history.store).graph.boundary == pair.b.history.graph.boundary)
        try pair.asB {
            try $0.change { history throws(HistoryError) in
                _ = try history.commit(snapshot(["f": "mine\n", "same": "s"]), to: "main", author: "", message: "", timestamp: 99)
            }
        }
        try pair.asB { try $0.push("main") }
        #expect(pair.b.takeOutcomes().last == .pushed(branch: "main", refusal: nil))
        #expect(pair.a.history.branches == pair.b.history.branches)
        #expect(try pair.a.history.verify().isSound)
        // News come without the past behind the boundary.
        try pair.asA {
            try $0.change { history throws(HistoryError) in
                _ = try history.commit(snapshot(["f": "next\n", "same": "s"]), to: "main", author: "", message: "", timestamp: 100)
            }
        }
        try pair.asB { try $0.pull("main") }
        #expect(pair.a.history.branches == pair.b.history.branches)
        #expect(pair.b.history.graph.count == 3 + 1 + 2)
    }

    @Test("objects that dangle, lie or are no objects are refused, and nothing of them is stored")
    func refused() throws {
        var history = try empty()
        let head = try history.commit(["f": "1"])
        let before = try history.verify()
        let commit = { (tree: ObjectID, parents: [ObjectID], generation: UInt64) in
            HistoryObject.commit(Commit(tree: tree, parents: parents, generation: generation, timestamp: 1, author: "", message: ""))
                .encoded
        }
        let tree = try history.commit(head).tree
        let good = HistoryObject.content([1, 2, 3]).encoded
        let cases: [([UInt8], HistoryError.Code)] = [
            (commit(tree, [PlainGraph.id(1)], 1), .dangling), (commit(PlainGraph.id(1), [head], 2), .dangling),
            (commit(tree, [head], 7), .corrupt), (commit(try history.tree(tree).entries[0].id, [head], 2), .corrupt),
            (HistoryObject.tree(try Tree([.init(kind: .content, name: [65], id: tree)])).encoded, .corrupt),
            (HistoryObject.tree(try Tree([.init(kind: .tree, name: [65], id: head)])).encoded, .corrupt), ([1, 2, 3], .corrupt),
            ([], .corrupt),
            (HistoryObject.tree(try Tree([.init(kind: .content, name: [65], id: PlainGraph.id(3))])).encoded, .dangling),
        ]
        for (object, code) in cases {
            let error = #expect(throws: HistoryError.self) { try history.accept([good, object]) }
            #expect(error?.code == code)
        }
        #expect(try history.verify() == before)
    }

    @Test("a peer that breaks the rules is told so and changes nothing")
    func violations() throws {
        var origin = try empty()
        let head = try origin.commit(["f": "1"])
        let messages: [ExchangeMessage] = [
            .want([PlainGraph.id(5)], depth: nil, deepens: false), .skip([head]), .have([head], isLast: true), .common([head]),
            .boundary([head]), .sent, .taken(3),
            .push(NameChange(.tag("t"), from: nil, to: head)), .push(NameChange(.branch("b"), from: nil, to: nil)),
            .greet(hash: "sha256", names: [:], boundary: []),
        ]
        for message in messages {
            var endpoint = Endpoint(origin, peer: "p")
            _ = try endpoint.start()
            _ = try endpoint.receive(.greet(hash: "sha256", names: [:], boundary: []))
            let error = #expect(throws: HistoryError.self) { try endpoint.receive(message) }
            #expect(error?.code == .protocolViolation, "\(message)")
            #expect(endpoint.history.names == origin.names)
        }
        var silent = Endpoint(origin, peer: "p")
        #expect(throws: HistoryError.self) { try silent.receive(.sent) }
    }

    @Test("messages have one encoding, and mutated ones never trap", arguments: 0..<20)
    func fuzz(seed: Int) throws {
        var random = SeededRandom(seed)
        let id = { (random: inout SeededRandom) in PlainGraph.id(random.below(100)) }
        let ids = (0..<random.below(5)).map { _ in id(&random) }
        let names: [HistoryName: ObjectID] = [
            .branch("main"): id(&random), .tag("v/1"): id(&random), .remote("r", branch: "b"): id(&random),
        ]
        let messages: [ExchangeMessage] = [
            .greet(hash: "sha256", names: names, boundary: ids), .names(names),
            .want(ids, depth: seed % 2 == 0 ? nil : seed, deepens: seed % 3 == 0), .skip(ids),
            .have(ids, isLast: seed % 2 == 0), .common(ids), .boundary(ids), .objects([[1, 2, 3], [4, 5, 6, 7]]), .taken(seed), .sent,
            .push(NameChange(.branch("x"), from: nil, to: id(&random))), .pushed(.branch("x"), refusal: nil),
            .pushed(.branch("x"), refusal: .notFastForward),
        ]
        for message in messages {
            let bytes = message.encoded
            #expect(try ExchangeMessage(encoded: bytes) == message)
            for _ in 0..<(isSoak ? 20_000 : 200) {
                let mutated = random.edited(bytes, edits: 1 + random.below(3)) { UInt8($0.below(256)) }
                if let other = try? ExchangeMessage(encoded: mutated) { #expect(try ExchangeMessage(encoded: other.encoded) == other) }
                _ = try? HistoryObject(encoded: mutated)
                _ = try? HistoryRecord.parse(mutated)
                _ = try? ByteDelta.apply(mutated[...], to: bytes)
            }
        }
    }

    @Test("G-13: a history goes through a file and comes out on the other side", arguments: [1, 7, 1 << 16])
    func bundle(piece: Int) throws {
        var origin = try empty()
        for time in 0..<20 { try origin.commit(["f": "\(time)", "d/g": "x\(time / 5)"], at: UInt64(time + 1)) }
        try origin.createTag("v1", at: try origin.resolve(.branch("main")))
        var file: [UInt8] = []
        try HistoryBundle.write(origin) { bytes throws(HistoryError) in file += bytes }
        var copy = try empty()
        try read(file, piece, into: &copy)
        #expect(copy.branches == origin.branches)
        #expect(try copy.verify().isSound)

        // What is new alone is small, and needs the past.
        let known = origin.names.values.first!
        try origin.commit(["f": "news", "d/g": "x3"], at: 99)
        var news: [UInt8] = []
        try HistoryBundle.write(origin, excluding: [known]) { bytes throws(HistoryError) in news += bytes }
        #expect(news.count * 4 < file.count)
        var stranger = try empty()
        let error = #expect(throws: HistoryError.self) { try read(news, piece, into: &stranger) }
        #expect(error?.code == .dangling)
        try read(news, piece, into: &copy)
        #expect(copy.branches == origin.branches)
    }

    private func read(_ file: [UInt8], _ piece: Int, into history: inout MemoryHistory) throws {
        var reader = HistoryBundleReader()
        for start in stride(from: 0, to: file.count, by: piece) {
            #expect(reader.names == nil)
            try reader.read(Array(file[start..<min(file.count, start + piece)]), into: &history)
        }
        let names = try #require(reader.names)
        for (name, id) in names { try history.move([NameChange(name, from: history.names[name], to: id)]) }
    }

    @Test("G-13: a damaged or cut bundle leaves no name behind")
    func damagedBundle() throws {
        var origin = try empty()
        for time in 0..<5 { try origin.commit(["f": "\(time)"], at: UInt64(time + 1)) }
        var file: [UInt8] = []
        try HistoryBundle.write(origin) { bytes throws(HistoryError) in file += bytes }
        var random = SeededRandom(3)
        for _ in 0..<(isSoak ? 20_000 : 300) {
            let cut =
                random.chance(30) ? Array(file.prefix(random.below(file.count))) : random.edited(file, edits: 1) { UInt8($0.below(256)) }
            if cut == file { continue }
            var history = try empty()
            var reader = HistoryBundleReader()
            try? reader.read(cut, into: &history)
            // Names are the one thing that hashes do not guard: a changed one leads to a commit that is here, or is refused.
            if let names = reader.names { #expect(names.values.allSatisfy(history.graph.contains)) }
            #expect(try history.verify().isSound)
        }
    }
}

@Suite("Live objects")
struct LiveObjectTests {
    /// A node: a history and the value it keeps.
    struct Node {
        var endpoint: Endpoint
        var object: LiveObject
        /// The value as somebody sees it who only hears of changes.
        var mirror = ObjectGraph(root: .null)

        mutating func edit(_ value: ObjectValue, at time: UInt64) throws -> [ExchangeMessage] {
            var object = object
            var change = ObjectPatch(edits: [])
            let messages = try endpoint.change { history throws(HistoryError) in
                change = try object.edit(value, in: &history, timestamp: time)
            }
            self.object = object
            mirror = try change.applied(to: mirror)
            return messages
        }

        mutating func integrate(_ head: ObjectID) throws -> [ExchangeMessage] {
            var object = object
            var outcome = LiveObject.Integration.unchanged
            let messages = try endpoint.change { history throws(HistoryError) in outcome = try object.integrate(head, in: &history) }
            self.object = object
            if case .changed(let change) = outcome { mirror = try change.applied(to: mirror) }
            return messages
        }
    }

    @Test("G-09: a value edited on two nodes becomes one value, one head and one stream of changes", arguments: 0..<20)
    func converge(seed: Int) throws {
        var random = SeededRandom(seed)
        var nodes = try ["b", "a"].map { Node(endpoint: Endpoint(try empty(), peer: $0), object: LiveObject(branch: "note")) }
        var queues: [[ExchangeMessage]] = [[], []]
        for index in 0..<2 { queues[1 - index] += try nodes[index].endpoint.start() }
        for round in 0..<30 {
            for index in 0..<2 where random.chance(50) {
                queues[1 - index] += try nodes[index].edit(edited(nodes[index].object.value, &random), at: UInt64(round + 1))
            }
            // Some messages arrive now, the rest later.
            for _ in 0..<random.below(12) { try deliver(random.below(2), &nodes, &queues) }
        }
        var deliveries = 0
        while queues.contains(where: { !$0.isEmpty }) {
            for index in 0..<2 { try deliver(index, &nodes, &queues) }
            deliveries += 1
            // They merge each other's merges without end.
            try #require(deliveries < 5_000)
        }
        #expect(nodes[0].object.value == nodes[1].object.value)
        #expect(nodes[0].object.head == nodes[1].object.head)
        for node in nodes {
            #expect(try node.mirror == ObjectGraph(node.object.value))
            #expect(try node.endpoint.history.verify().isSound)
        }
    }

    @Test("G-09: a node that yielded to one that left merges by itself, to the commit the other would have made")
    func insisting() throws {
        var history = try empty()
        var ours = LiveObject(branch: "note"), theirs = LiveObject(branch: "note")
        try ours.edit(.map(["a": .integer(1)]), in: &history, timestamp: 1)
        var other = history
        _ = try theirs.load(from: other)
        try ours.edit(.map(["a": .integer(2)]), in: &history, timestamp: 2)
        try theirs.edit(.map(["a": .integer(1), "b": .integer(3)]), in: &other, timestamp: 3)
        let heads = try (#require(ours.head), #require(theirs.head))
        var all = try Pair(history, other)
        try all.wish { (try $0.a.fetch(), try $0.b.fetch()) }
        (history, other) = (all.a.history, all.b.history)
        let both = [try ours.integrate(heads.1, in: &history), try theirs.integrate(heads.0, in: &other)]
        #expect(both.filter { $0 == .yielded }.count == 1)
        if both[0] == .yielded { _ = try ours.integrate(heads.1, in: &history, insists: true) }
        if both[1] == .yielded { _ = try theirs.integrate(heads.0, in: &other, insists: true) }
        #expect(ours.head == theirs.head)
        #expect(ours.value == .map(["a": .integer(2), "b": .integer(3)]))
        #expect(theirs.value == ours.value)
    }

    /// One message for a node, and what it does when a fetch of it completes or the other has news.
    private func deliver(_ index: Int, _ nodes: inout [Node], _ queues: inout [[ExchangeMessage]]) throws {
        guard !queues[index].isEmpty else { return }
        queues[1 - index] += try nodes[index].endpoint.receive(queues[index].removeFirst())
        var outcomes = nodes[index].endpoint.takeOutcomes()
        while !outcomes.isEmpty {
            switch outcomes.removeFirst() {
            case .heard: queues[1 - index] += try nodes[index].endpoint.fetch()
            case .fetched(let names):
                if let head = names[.branch("note")] { queues[1 - index] += try nodes[index].integrate(head) }
            default: break
            }
            outcomes += nodes[index].endpoint.takeOutcomes()
        }
    }

    private func edited(_ value: ObjectValue, _ random: inout SeededRandom) -> ObjectValue {
        var entries: [String: ObjectValue] = if case .map(let entries) = value { entries } else { [:] }
        switch random.below(3) {
        case 0: entries["k\(random.below(3))"] = random.value(depth: 3)
        case 1: entries["k\(random.below(3))"] = nil
        default:
            let list: [ObjectValue] = if case .list(let list)? = entries["list"] { list } else { [] }
            entries["list"] = .list(random.edited(list, edits: 1) { .integer(Int64($0.below(50))) })
        }
        entries["clock"] = .integer(Int64(random.below(1_000_000)))
        return .map(entries)
    }
}
