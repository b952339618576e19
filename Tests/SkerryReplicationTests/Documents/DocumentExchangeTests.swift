import SkerryCRDT
import Testing

@testable import SkerryReplication

@Suite("Exchange of documents of interest")
struct DocumentExchangeTests {
    static func interest(_ names: [String] = [], _ prefixes: [String] = []) throws -> DocumentInterest {
        try DocumentInterest(names: names, prefixes: prefixes)
    }

    static func pair(documents: Int) -> ExchangePair {
        let source = ExchangeNode("source", origin: 1), sink = ExchangeNode("sink", origin: 2)
        for number in 0..<documents { _ = source.change("\(number % 2 == 0 ? "notes" : "tasks")/\(1000 + number)", "text \(number)") }
        return ExchangePair(source, sink)
    }

    @Test("an interest keeps no term that another one covers, and matches by bytes")
    func interests() throws {
        let interest = try Self.interest(["b", "a/x", "b", "c"], ["a/", "a/b", "d"])
        #expect(interest.names == ["b", "c"])
        #expect(interest.prefixes == ["a/", "d"])
        for name in ["a/", "a/zzz", "b", "c", "d", "dd"] { #expect(interest.matches(name), "\(name)") }
        for name in ["a", "bb", "", "e", "B"] { #expect(!interest.matches(name), "\(name)") }
        #expect(DocumentInterest.all.matches("anything"))
        #expect(try Self.interest(["b"], ["a/b/", "e"]).subtracting(interest) == Self.interest([], ["e"]))
        #expect(
            try interest.intersection(Self.interest(["a/q", "b", "z"], ["a/b", "dd"])) == Self.interest(["b", "a/q"], ["a/b", "dd"]))
        #expect(throws: DocumentFeedError.self) { try Self.interest([""]) }
        #expect(throws: DocumentFeedError.self) { try Self.interest((0...DocumentLimits.interestTerms).map { "\($0)" }) }
    }

    @Test("a peer that wants some documents gets exactly those, and follows them")
    func subset() throws {
        var pair = Self.pair(documents: 300)
        pair.subscribe(try Self.interest(["tasks/1001"], ["notes/"]), session: 9)
        #expect(pair.isCaughtUp)
        #expect(pair.sink.documents.count == 151)
        #expect(pair.sink.documents.keys.allSatisfy { $0.hasPrefix("notes/") || $0 == "tasks/1001" })
        #expect(pair.sink.documents.keys.allSatisfy { pair.sink.text($0) == pair.source.text($0) })

        let before = pair.messages
        pair.changeAtSource("notes/1000", ", more")
        pair.changeAtSource("tasks/1003", ", more")
        #expect(pair.sink.text("notes/1000") == "text 0, more")
        #expect(pair.sink.text("tasks/1003") == nil)
        #expect(pair.messages - before == 3, "an offer, an ask, a give")
        #expect(pair.source.reports.isEmpty && pair.sink.reports.isEmpty)
    }

    @Test("what the peer writes itself reaches the source, also what it wrote while there was no link")
    func pushes() throws {
        var pair = Self.pair(documents: 10)
        for number in 0..<100 { _ = pair.sink.change("notes/\(2000 + number)", "mine") }
        _ = pair.sink.change("notes/1000", "mine")
        pair.subscribe(try Self.interest([], ["notes/"]), session: 9)
        #expect(pair.isCaughtUp)
        #expect(pair.source.documents.count == 110)
        #expect(pair.source.text("notes/2099") == "mine")
        #expect(pair.source.text("notes/1000") == pair.sink.text("notes/1000"))
        #expect(pair.source.text("notes/1000")?.count == 10)
        pair.changeAtSink("notes/1002", "!")
        #expect(pair.source.text("notes/1002") == "text 2!")
        #expect(pair.sink.pushed == UInt64(pair.sink.commits.count))
    }

    @Test("equal sides tell each other versions and nothing else")
    func equal() throws {
        var pair = Self.pair(documents: 1000)
        pair.subscribe(.all, session: 9)
        let taken = pair.sink.updatesTaken
        #expect(taken == 1000)
        // The cursor is lost, the documents are not.
        pair.sink.cursor = .start(.all)
        let before = pair.bytes
        pair.subscribe(.all, session: 20)
        #expect(pair.isCaughtUp)
        #expect(pair.sink.updatesTaken == taken)
        #expect(pair.bytes - before < 1000 * 48)
    }

    @Test("with its cursor a peer that comes back hears only of what changed")
    func resume() throws {
        var pair = Self.pair(documents: 1000)
        pair.subscribe(.all, session: 9)
        pair.sink.sink?.detach()
        pair.source.source.detach()
        _ = pair.source.change("tasks/1999", ", later")
        _ = pair.source.change("tasks/new", "new")
        let before = (pair.messages, pair.bytes)
        pair.subscribe(.all, session: 20)
        #expect(pair.isCaughtUp)
        #expect(pair.sink.text("tasks/1999") == "text 999, later")
        #expect(pair.sink.text("tasks/new") == "new")
        #expect(pair.messages - before.0 < 10)
        #expect(pair.bytes - before.1 < 1500)
    }

    @Test("an interest widens and narrows; only what is new in it is listed")
    func widening() throws {
        var pair = Self.pair(documents: 200)
        pair.subscribe(try Self.interest([], ["notes/"]), session: 9)
        #expect(pair.sink.documents.count == 100)
        let before = pair.bytes
        try pair.changeInterest(to: Self.interest(["tasks/1001"], ["notes/"]))
        #expect(pair.sink.documents.count == 101)
        #expect(pair.bytes - before < 1000, "the notes were not listed again")
        try pair.changeInterest(to: Self.interest(["tasks/1001"]))
        pair.changeAtSource("notes/1000", "?")
        pair.changeAtSource("tasks/1001", "?")
        #expect(pair.sink.text("notes/1000") == "text 0", "no longer kept up, and kept")
        #expect(pair.sink.text("tasks/1001") == "text 1?")
        try pair.changeInterest(to: .all)
        #expect(pair.isCaughtUp)
        #expect(pair.sink.documents.count == 200)
        #expect(pair.sink.text("notes/1000") == "text 0?")
    }

    @Test("where the history was cut, a snapshot answers; what would be lost with it stays")
    func cutHistory() throws {
        var pair = Self.pair(documents: 4)
        pair.subscribe(.all, session: 9)
        pair.sink.sink?.detach()
        // With its link what it was about to do is gone too.
        pair.source.source.detach()
        for name in ["notes/1000", "notes/1002"] {
            _ = pair.source.change(name, " before the cut")
            try pair.source.cutHistory(name)
            _ = pair.source.change(name, " and after")
        }
        // Of this one the peer has something that the cut history cannot take.
        _ = pair.sink.change("notes/1002", " mine")
        pair.subscribe(.all, session: 20)
        #expect(pair.sink.snapshotsTaken == 1)
        #expect(pair.sink.text("notes/1000") == "text 0 before the cut and after")
        #expect(pair.sink.text("notes/1002") == "text 2 mine")
        #expect(pair.sink.reports.contains { $0.code == .diverged && $0.document == "notes/1002" })
        // Others are not held up.
        pair.changeAtSource("tasks/1001", "!")
        #expect(pair.sink.text("tasks/1001") == "text 1!")
        // What follows the snapshot comes as history.
        pair.changeAtSource("notes/1000", " and on")
        #expect(pair.sink.text("notes/1000") == "text 0 before the cut and after and on")
        #expect(pair.sink.snapshotsTaken == 1)
    }

    @Test("a document larger than the window comes in parts under credit")
    func large() throws {
        let source = ExchangeNode("source", origin: 1), sink = ExchangeNode("sink", origin: 2)
        var draws = SeededDraws(seed: 3)
        let noise = String((0..<3_000_000).map { _ in Character(UnicodeScalar(UInt8(33 + draws.next(below: 90)))) })
        _ = source.change("large", noise)
        _ = sink.change("mine", String(noise.reversed()))
        var pair = ExchangePair(source, sink)
        pair.subscribe(.all, session: 9)
        #expect(pair.isCaughtUp)
        #expect(sink.text("large") == noise)
        #expect(source.text("mine")?.count == 3_000_000)
        #expect(pair.bytes > 4_000_000)
    }

    @Test("a store that was restored is another log: everything is compared again")
    func restored() throws {
        var pair = Self.pair(documents: 20)
        pair.subscribe(.all, session: 9)
        pair.source.log = 99
        pair.source.source = DocumentSource(log: 99, end: UInt64(pair.source.commits.count))
        pair.subscribe(.all, session: 20)
        #expect(pair.isCaughtUp)
        #expect(pair.sink.cursor.log == 99)
        #expect(pair.sink.updatesTaken == 20)
    }

    // MARK: - Conversations

    @Test("what the store answers to a conversation that is over is not taken for an answer to the next one")
    func lateAnswers() throws {
        var source = DocumentSource(log: 1, end: 10)
        func want(_ names: [String], _ tag: UInt32) throws -> [DocumentExchangeAction] {
            let interest = try Self.interest(names)
            let want = ExchangeWant(interest: interest, cursor: .start(interest), granted: 1 << 20)
            var actions: [DocumentExchangeAction] = []
            source.receive(DocumentMessage(tag: tag, number: 1, body: .want(want)).encoded[...], into: &actions)
            return actions
        }
        #expect(try want(["old"], 3).count == 1)
        #expect(try want(["new"], 9_000).count == 1)
        let version = CausalContext(covering: [Dot(origin: OriginID(rawValue: 5), sequence: 3)])
        var actions: [DocumentExchangeAction] = []
        source.supply(listing: [DocumentStanding(name: "old", version: version)], isEnd: true, into: &actions)
        #expect(actions.isEmpty)
        source.supply(listing: [DocumentStanding(name: "new", version: version)], isEnd: true, into: &actions)
        guard case .send(let bytes) = try #require(actions.first), case .offer(let offer) = try DocumentMessage(bytes[...]).body else {
            Issue.record("no offer: \(actions)")
            return
        }
        #expect(offer.documents.map(\.name) == ["new"])
    }

    @Test("what was read for a conversation that is over is not given for another document, nor counted as taken")
    func lateReads() throws {
        var actions: [DocumentExchangeAction] = []
        var old = ExchangeLane(tag: 1, granted: 1 << 20)
        try old.give(ExchangeLane.Wish(name: "old", since: CausalContext()), into: &actions)
        _ = try old.receive(ExchangePart(form: .history, name: "a", version: CausalContext(), offset: 0, total: 1, bytes: [0]))
        var lane = ExchangeLane(tag: 2, granted: 1 << 20, after: old)
        try lane.give(ExchangeLane.Wish(name: "new", since: CausalContext()), into: &actions)
        _ = try lane.receive(ExchangePart(form: .history, name: "b", version: CausalContext(), offset: 0, total: 1, bytes: [0]))
        actions = []
        lane.supply(DocumentMaterial(.history([1]), version: CausalContext()), into: &actions)
        #expect(actions.isEmpty && lane.givenCount == 0)
        lane.supply(DocumentMaterial(.history([2]), version: CausalContext()), into: &actions)
        #expect(actions.count == 1 && lane.givenCount == 1)
        let isOld = !lane.taken()
        #expect(isOld && lane.takenCount == 0)
        let isNew = lane.taken()
        #expect(isNew && lane.takenCount == 1)
    }

    @Test("whatever a peer grants, what is under way stays within the window", arguments: [UInt64(2 << 20), .max])
    func greed(granted: UInt64) throws {
        var actions: [DocumentExchangeAction] = []
        var lane = ExchangeLane(tag: 1, granted: granted)
        try lane.give(ExchangeLane.Wish(name: "d", since: CausalContext()), into: &actions)
        lane.supply(DocumentMaterial(.history([UInt8](repeating: 7, count: 8 << 20)), version: CausalContext()), into: &actions)
        func sent() -> Int { actions.reduce(0) { if case .send(let bytes) = $1 { $0 + bytes.count } else { $0 } } }
        #expect(sent() <= DocumentLimits.giveWindow + (DocumentLimits.partSize * 2))
        try lane.take(ExchangeStatus(wantsAnswer: false, granted: granted, taken: 0), into: &actions)
        #expect(sent() <= 2 * (DocumentLimits.giveWindow + (DocumentLimits.partSize * 2)))
    }

    // MARK: - Hostile

    @Test("a source that gives what was not asked for is not heard, and asked again only after a while")
    func hostileSource() throws {
        var pair = Self.pair(documents: 2)
        pair.subscribe(try Self.interest([], ["notes/"]), session: 9)
        var lane = ExchangeLane(tag: 10, granted: 1 << 20)
        var actions: [DocumentExchangeAction] = []
        // As many messages as the source has sent, so that the next number fits.
        while lane.sent < pair.sink.sink!.heardCount { lane.sendStatus(wantsAnswer: false, into: &actions) }
        actions = []
        let part = ExchangePart(form: .history, name: "evil", version: CausalContext(), offset: 0, total: 1, bytes: [0])
        lane.send(.give(part), into: &actions)
        guard case .send(let bytes) = actions[0] else { return }
        let answers = pair.sink.perform(pair.sink.receive(bytes, now: 1, asSource: false), asSource: false)
        #expect(pair.sink.reports.last?.code == .mismatch)
        #expect(answers.count == 1, "a refusal")
        #expect(pair.sink.documents["evil"] == nil)
        var ticked: [DocumentExchangeAction] = []
        pair.sink.sink?.tick(now: 2_000, into: &ticked)
        #expect(ticked.isEmpty)
        pair.sink.sink?.tick(now: 1 + DocumentLimits.silenceMaximum, into: &ticked)
        pair.run(toSource: pair.sink.perform(ticked, asSource: false))
        #expect(pair.isCaughtUp)
    }

    @Test("an offer of what is not wanted, an answer to nothing, and numbers that lie are refused")
    func hostileOffers() throws {
        let version = CausalContext(covering: [Dot(origin: OriginID(rawValue: 5), sequence: 3)])
        let cursor = ExchangeCursor.start(.all)
        let bodies: [DocumentMessage.Body] = [
            .offer(ExchangeOffer(serial: 1, cursor: cursor, documents: [ExchangeVersion(name: "other", version: version)])),
            .offer(ExchangeOffer(serial: 2, cursor: cursor, documents: [])),
            .offer(ExchangeOffer(serial: 0, cursor: cursor, documents: [ExchangeVersion(name: "notes/1", version: version)])),
            .status(ExchangeStatus(wantsAnswer: false, granted: 0, taken: 1)),
            .query(["notes/1"]),
        ]
        for body in bodies {
            let sink = ExchangeNode("sink", origin: 2)
            _ = sink.subscribe(try Self.interest([], ["notes/"]), session: 9, now: 0)
            let bytes = DocumentMessage(tag: 10, number: 1, body: body).encoded
            _ = sink.perform(sink.receive(bytes, now: 1, asSource: false), asSource: false)
            #expect(sink.reports.count == 1, "\(body)")
        }
        let asks: [DocumentMessage.Body] = [
            .ask(ExchangeAsk(serial: 7, isLast: true, documents: [])),
            .ask(ExchangeAsk(serial: 1, isLast: true, documents: [ExchangeVersion(name: "secret", version: CausalContext())])),
            .status(ExchangeStatus(wantsAnswer: false, granted: 0, taken: 1)),
            .query([]),
        ]
        for body in asks {
            let source = ExchangeNode("source", origin: 1)
            _ = source.change("notes/1", "a")
            let want = ExchangeWant(interest: try Self.interest([], ["notes/"]), cursor: cursor, granted: 1 << 20)
            _ = source.perform(
                source.receive(DocumentMessage(tag: 3, number: 1, body: .want(want)).encoded, now: 0, asSource: true), asSource: true)
            _ = source.perform(
                source.receive(DocumentMessage(tag: 3, number: 2, body: body).encoded, now: 0, asSource: true), asSource: true)
            #expect(source.reports.count == 1, "\(body)")
            #expect(!source.source.isServing)
        }
    }

    @Test("whatever bytes come, nothing traps, and documents are as they were", arguments: 0..<4)
    func fuzz(seed: UInt64) throws {
        var draws = SeededDraws(seed: seed)
        let source = ExchangeNode("source", origin: 1), sink = ExchangeNode("sink", origin: 2)
        for number in 0..<5 { _ = source.change("notes/\(number)", "text") }
        var toSource = sink.perform(sink.subscribe(.all, session: 9, now: 0), asSource: false)
        var toSink: [[UInt8]] = []
        var corpus = toSource
        for round in 0..<60 {
            for message in toSource { toSink += source.perform(source.receive(message, now: 0, asSource: true), asSource: true) }
            toSource = []
            for message in toSink { toSource += sink.perform(sink.receive(message, now: 0, asSource: false), asSource: false) }
            corpus += toSource + toSink
            toSink = []
            for _ in 0..<40 {
                var bytes = corpus[draws.next(below: corpus.count)]
                for _ in 0...draws.next(below: 3) {
                    let place = draws.next(below: bytes.count)
                    switch draws.next(below: 4) {
                    case 0: bytes[place] ^= UInt8(1 << draws.next(below: 8))
                    case 1: bytes[place] = UInt8(draws.next(below: 256))
                    case 2: bytes = Array(bytes[..<max(1, place)])
                    default: bytes.insert(UInt8(draws.next(below: 256)), at: place)
                    }
                }
                _ = try? DocumentMessage(bytes[...])
                _ = source.perform(source.receive(bytes, now: 0, asSource: true), asSource: true)
                _ = sink.perform(sink.receive(bytes, now: 0, asSource: false), asSource: false)
            }
            if round % 10 == 9 {
                toSource += sink.perform(sink.subscribe(.all, session: 100 + UInt32(round) * 2000, now: 0), asSource: false)
            }
        }
        for number in 0..<5 { #expect(source.text("notes/\(number)")?.hasPrefix("text") ?? false) }
    }
}
