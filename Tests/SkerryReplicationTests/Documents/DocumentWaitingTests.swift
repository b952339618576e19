import SkerryCRDT
import SkerryGossip
import SkerryWire
import Testing

@testable import SkerryReplication

@Suite("Entries of documents that wait for others", .timeLimit(.minutes(4)))
struct DocumentWaitingTests {
    /// Values of entries that build each on the one before.
    private static func chain(_ count: Int) throws -> [[UInt8]] {
        let author = Document(origin: OriginID(rawValue: 5))
        var values: [[UInt8]] = []
        for _ in 0..<count {
            let before = author.version
            author.change { $0.text("body").insert("x", at: 0) }
            values += try DocumentFeed.values(of: author.history(since: before)[...])
        }
        return values
    }

    /// Values of entries of authors who see each other's work now and then, and the document that they come to.
    private static func web(_ count: Int, _ draws: inout SeededDraws) throws -> (values: [[UInt8]], text: String) {
        let authors = (1...3).map { Document(origin: OriginID(rawValue: $0)) }
        var values: [[UInt8]] = []
        for _ in 0..<count {
            let author = authors[draws.next(below: authors.count)]
            if draws.next(below: 3) == 0 { try author.merge(authors[draws.next(below: authors.count)]) }
            let before = author.version
            author.change { $0.text("body").insert("\(draws.next(below: 10))", at: draws.next(below: $0.text("body").count() + 1)) }
            values += try DocumentFeed.values(of: author.history(since: before)[...])
        }
        let whole = Document(origin: OriginID(rawValue: 9))
        for author in authors { try whole.merge(author) }
        return (values, whole.text("body").string)
    }

    @Test("what waits for an event that does not come is not read with each entry; when it comes, all becomes part of the document")
    func lastingGap() async throws {
        let node = try await CountedNode()
        let relay = Relay()
        let peer = try Replica(["documents": relay])
        try peer.start(with: node.replica)
        let count = 6_000
        let values = try Self.chain(count)
        for (number, value) in values.dropFirst().enumerated() {
            try relay.publish(value, of: "d")
            guard number % 50 == 0 else { continue }
            try await node.documents.settle()
            // On the way, for what reads too much does not come to the end.
            try #require(node.rowsRead < 5 * (number + 200), "\(node.rowsRead) rows for \(number) entries")
        }
        try await node.documents.settle()
        #expect(try await node.text("d") == "")
        let read = node.rowsRead
        // Somebody who looks at it again and again reads no more.
        for _ in 0..<count / 10 { #expect(try await node.text("d") == "") }
        #expect(node.rowsRead - read < 2 * count, "\(node.rowsRead - read)")
        let before = node.rowsRead
        try relay.publish(values[0], of: "d")
        try await node.documents.settle()
        #expect(try await node.text("d").utf8.count == count)
        #expect(await eventually { node.documents.unreadNames.isEmpty })
        #expect(node.documents.refusals.isEmpty)
        #expect(node.rowsRead - before < 5 * count, "\(node.rowsRead - before)")
    }

    @Test("in whatever order entries come, each becomes part of the document, and none is read often", arguments: 0..<8)
    func anyOrder(seed: UInt64) async throws {
        var draws = SeededDraws(seed: seed)
        let node = try await CountedNode()
        let relays = [Relay(), Relay()]
        let peers = try relays.map { try Replica(["documents": $0]) }
        for peer in peers { try peer.start(with: node.replica) }
        // Also more than are known entry by entry.
        let count = seed == 0 ? DocumentLimits.waitingEntries + 1_000 : 400
        let (values, text) = try Self.web(count, &draws)
        let order = values.indices.shuffled(using: &draws)
        for (number, index) in order.enumerated() {
            try relays[draws.next(below: relays.count)].publish(values[index], of: "d")
            if draws.next(below: 3) == 0 { try await node.documents.settle() }
            if number % 40 == 0 { _ = try await node.text("d") }
            // Some tens of times each, as it falls; with each arrival it would be hundreds.
            try #require(node.rowsRead < 64 * count, "seed \(seed): \(node.rowsRead)")
        }
        try await node.documents.settle()
        #expect(try await node.text("d") == text, "seed \(seed)")
        #expect(await eventually { node.documents.unreadNames.isEmpty }, "seed \(seed)")
        #expect(node.documents.refusals.isEmpty, "seed \(seed)")
        #expect(node.rowsRead < 64 * count, "seed \(seed): \(node.rowsRead)")
    }

    @Test("an update in many pieces is not read with each of them")
    func pieces() async throws {
        let node = try await CountedNode()
        let relay = Relay()
        let peer = try Replica(["documents": relay])
        try peer.start(with: node.replica)
        let author = Document(origin: OriginID(rawValue: 5))
        var draws = SeededDraws(seed: 5)
        let noise = String(decoding: (0..<10_000_000).map { _ in UInt8(33 + draws.next(below: 90)) }, as: UTF8.self)
        author.change { $0.text("body").insert(noise, at: 0) }
        let values = try DocumentFeed.values(of: author.history()[...])
        try #require(values.count > 30)
        // It is in use, so that it is looked after with whatever comes.
        let document = try await node.documents.document("d")
        for value in values {
            try relay.publish(value, of: "d")
            try await node.documents.settle()
        }
        #expect(document.text("body").string == noise)
        #expect(node.documents.unreadNames.isEmpty && node.documents.refusals.isEmpty)
        #expect(node.rowsRead < 6 * values.count, "\(node.rowsRead) for \(values.count) pieces")
    }

    /// How what was missing comes.
    enum Closing: CaseIterable, Sendable {
        /// As the state of a replica whose log begins behind it.
        case history
        /// By an exchange with a node that has it.
        case exchange
        /// By an exchange with a node whose history was cut behind it.
        case snapshot
    }

    @Test("what waits becomes part of the document however what it waits for comes", arguments: Closing.allCases, [20, 5_000])
    func closed(closing: Closing, count: Int) async throws {
        let node = try await CountedNode()
        let values = try Self.chain(count)
        let relay = Relay()
        let peer = try Replica(["documents": relay])
        let session = try peer.start(with: node.replica)
        for value in values.dropFirst() { try relay.publish(value, of: "d") }
        #expect(try await node.text("d") == "")
        #expect(node.documents.unreadNames == ["d"])
        session.close()
        try await session.ended()
        let start = Relay()
        let begun = try Replica(["documents": start])
        for value in [values[0], [77], [77]] { try start.publish(value, of: "d") }
        switch closing {
        case .history:
            let carrier = try Replica(["junk": Relay()])
            try await carrier.start(with: begun, ReplicaOptions(tail: false)).ended()
            try await carrier.compact()
            try await node.replica.start(with: carrier, ReplicaOptions(tail: false)).ended()
            #expect(node.replica.statistics.repairs == 1)
        case .exchange, .snapshot:
            let full = try await DocumentNode("full")
            try await begun.start(with: full.replica, ReplicaOptions(tail: false)).ended()
            #expect(try await full.text("d") == "x")
            if closing == .snapshot { try await full.documents.cutHistory(of: "d") }
            let (mine, theirs) = MemoryLink.pair()
            full.documents.serve(over: theirs)
            let exchange = try await node.documents.subscribe(to: DocumentInterest(names: ["d"]), as: "full", over: mine)
            await exchange.caughtUp()
            #expect(exchange.reports.isEmpty, "\(exchange.reports)")
            exchange.close()
            try await exchange.ended()
            // Nobody has to ask for the document.
            #expect(await eventually { node.documents.unreadNames.isEmpty })
        }
        #expect(try await node.text("d").utf8.count == count)
        #expect(await eventually { node.documents.unreadNames.isEmpty })
    }
}
