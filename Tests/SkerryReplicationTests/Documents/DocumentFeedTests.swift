import SkerryCRDT
import SkerryGossip
import Testing

@testable import SkerryReplication

@Suite("Updates of documents as entries of feeds")
struct DocumentFeedTests {
    static let now: @Sendable () -> UInt64 = { 1_800_000_000_000 }

    static func document(_ origin: UInt64) -> Document { Document(origin: OriginID(rawValue: origin), now: now) }

    static func dot(_ origin: UInt64, _ sequence: UInt64) -> Dot { Dot(origin: OriginID(rawValue: origin), sequence: sequence) }

    /// A value of an entry for what a document has behind a version.
    static func value(_ document: Document, since known: CausalContext = CausalContext()) throws -> [UInt8] {
        try DocumentFeed.values(of: document.history(since: known)[...])[0]
    }

    // MARK: - Grammar

    @Test("names are keys, and only names are")
    func keys() throws {
        #expect(try DocumentFeed.key(of: "notes/ä") == Array("notes/ä".utf8))
        #expect(try DocumentFeed.name(of: Array("notes/ä".utf8)[...]) == "notes/ä")
        #expect(throws: DocumentFeedError.self) { try DocumentFeed.key(of: "") }
        #expect(throws: DocumentFeedError.self) { try DocumentFeed.key(of: String(repeating: "x", count: 1025)) }
        #expect(throws: DocumentFeedError.self) { try DocumentFeed.name(of: [0xFF]) }
        #expect(throws: DocumentFeedError.self) { try DocumentFeed.name(of: []) }
    }

    @Test(
        "a long update is cut into entries that a feed takes, and comes out as it went in", arguments: [0, 1, 262_144, 262_145, 1_000_000])
    func pieces(size: Int) throws {
        let update = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let values = try DocumentFeed.values(of: update[...])
        #expect(values.allSatisfy { $0.count + DocumentLimits.nameMaximum <= FeedLimits.bodyMaximum })
        var found: [UInt8] = []
        for (index, bytes) in values.enumerated() {
            let value = try DocumentFeed.value(bytes[...])
            #expect(value.index == index)
            found += value.bytes
        }
        #expect(found == update)
    }

    @Test("values that are none are refused, whatever they are")
    func malformed() throws {
        let cases: [([UInt8], DocumentFeedError.Code)] = [
            ([], .malformed), ([9], .newerVersion), ([2], .malformed), ([2, 0, 1, 0], .malformed),
            ([2, 0x80, 0, 2, 1], .malformed), ([2, 2, 2, 0xFF, 0xFF, 0x1F], .malformed),
            ([2, 0, 2] + [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], .limitExceeded), ([2, 0xFF, 0xFF, 0x7F, 2, 1], .limitExceeded),
        ]
        for (bytes, code) in cases {
            #expect { try DocumentFeed.value(bytes[...]) } throws: { ($0 as? DocumentFeedError)?.code == code }
        }
        var draws = SeededDraws(seed: 1)
        for _ in 0..<20_000 { _ = try? DocumentFeed.value((0..<draws.next(below: 12)).map { _ in UInt8(draws.next(below: 4)) }[...]) }
    }

    @Test("a long history is cut between its chunks into updates that stand on each other")
    func cutting() throws {
        let author = Self.document(1)
        var history: [UInt8] = []
        var known = CausalContext()
        var draws = SeededDraws(seed: 4)
        for _ in 0..<12 {
            let noise = String((0..<600_000).map { _ in Character(UnicodeScalar(UInt8(33 + draws.next(below: 90)))) })
            author.change { $0.text("body").insert(noise, at: 0) }
            history += try author.history(since: known)
            known = author.version
        }
        let updates = DocumentFeed.updates(of: history)
        #expect(updates.count > 1)
        #expect(updates.flatMap { Array($0) } == history)
        let reader = Self.document(2)
        for update in updates { try reader.merge(Array(update)) }
        #expect(reader.text("body").string == author.text("body").string)
        #expect(DocumentFeed.updates(of: []).isEmpty)
        #expect(DocumentFeed.updates(of: [1, 2, 3]).map { Array($0) } == [[1, 2, 3]])
    }

    // MARK: - Imports

    @Test("in whatever order entries of different origins come, the document is the same", arguments: 0..<20)
    func anyOrder(seed: UInt64) throws {
        var draws = SeededDraws(seed: seed)
        // Three authors who now and then see each other's work: what each commits builds on all it saw.
        let authors = (1...3).map { Self.document(UInt64($0)) }
        var feeds: [[(Dot, [UInt8])]] = [[], [], []]
        for _ in 0..<30 {
            let index = draws.next(below: 3)
            if draws.next(below: 3) == 0 { try authors[index].merge(authors[draws.next(below: 3)]) }
            let known = authors[index].version
            authors[index].change { change in
                change.text("body").insert("\(index)", at: draws.next(below: change.text("body").count() + 1))
                change.counter("n") += 1
            }
            let own = try Self.value(authors[index], since: known)
            feeds[index].append((Self.dot(UInt64(index + 1), UInt64(feeds[index].count + 1)), own))
        }
        let expected = Self.document(9)
        for author in authors { try expected.merge(author) }

        let reader = Self.document(10)
        var inbox = DocumentInbox(name: "d")
        var done: [Dot] = []
        var places = [0, 0, 0]
        while let index = [0, 1, 2].filter({ places[$0] < feeds[$0].count }).randomElement(using: &draws) {
            let (dot, value) = feeds[index][places[index]]
            places[index] += 1
            #expect(try inbox.receive(dot, value[...]).isEmpty)
            // Sometimes several at once.
            if draws.next(below: 2) == 0 { done += inbox.settle(into: reader).done }
        }
        let last = inbox.settle(into: reader)
        done += last.done
        #expect(reader.text("body").string == expected.text("body").string)
        #expect(reader.counter("n").value == 30)
        #expect(inbox.isEmpty && inbox.byteCount == 0 && last.missing.isEmpty)
        #expect(done.sorted() == feeds.flatMap { $0.map(\.0) }.sorted(), "each entry is done once")
    }

    @Test("what waits says for what, and survives a document that was let go of")
    func gaps() throws {
        let first = Self.document(1), second = Self.document(2)
        first.change { $0.text("body").insert("one", at: 0) }
        try second.merge(first)
        let known = second.version
        second.change { $0.text("body").insert(" two", at: 3) }
        let late = try Self.value(first), early = try Self.value(second, since: known)

        var inbox = DocumentInbox(name: "d")
        _ = try inbox.receive(Self.dot(2, 1), early[...])
        let waiting = inbox.settle(into: Self.document(3))
        #expect(waiting.done.isEmpty && waiting.applied.isEmpty)
        #expect(waiting.missing == [Self.dot(1, 3)])
        // Another object of the same document: what waited in the first one is gone with it, but not what is in here.
        var again = DocumentInbox(name: "d")
        _ = try again.receive(Self.dot(2, 1), early[...])
        _ = try again.receive(Self.dot(1, 1), late[...])
        let reader = Self.document(4)
        let settled = again.settle(into: reader)
        #expect(settled.done == [Self.dot(1, 1), Self.dot(2, 1)])
        #expect(reader.text("body").string == "one two")
    }

    @Test("a hostile update is given up with its name and place, and holds up nobody")
    func hostile() throws {
        let author = Self.document(1)
        author.change { $0.text("body").insert("good", at: 0) }
        let good = try Self.value(author)
        var damaged = good
        damaged[damaged.count - 1] ^= 1
        var inbox = DocumentInbox(name: "d")
        _ = try inbox.receive(Self.dot(7, 1), damaged[...])
        _ = try inbox.receive(Self.dot(8, 1), ([1] + author.snapshot())[...])
        _ = try inbox.receive(Self.dot(9, 1), good[...])
        #expect { try inbox.receive(Self.dot(7, 2), [77]) } throws: {
            ($0 as? DocumentFeedError)?.code == .newerVersion && ($0 as? DocumentFeedError)?.dot == Self.dot(7, 2)
        }
        let reader = Self.document(2)
        let settlement = inbox.settle(into: reader)
        #expect(settlement.refused.map(\.code) == [.impossible, .impossible])
        #expect(settlement.refused.map(\.dot) == [Self.dot(7, 1), Self.dot(8, 1)])
        #expect(settlement.refused.allSatisfy { $0.document == "d" && $0.cause != nil })
        #expect(settlement.done == [Self.dot(9, 1)])
        #expect(reader.text("body").string == "good")
        #expect(inbox.isEmpty)
    }

    @Test("an update in pieces waits for its last one, and is given up when that cannot come any more")
    func torn() throws {
        let author = Self.document(1)
        var draws = SeededDraws(seed: 2)
        author.change {
            $0.text("body").insert(String((0..<900_000).map { _ in Character(UnicodeScalar(UInt8(33 + draws.next(below: 90)))) }), at: 0)
        }
        let values = try DocumentFeed.values(of: author.history()[...])
        try #require(values.count > 2)
        var inbox = DocumentInbox(name: "d")
        let reader = Self.document(2)
        for (index, value) in values.dropLast().enumerated() {
            #expect(try inbox.receive(Self.dot(1, UInt64(index + 5)), value[...]).isEmpty)
            #expect(try inbox.receive(Self.dot(1, UInt64(index + 5)), value[...]).isEmpty, "again")
            #expect(inbox.settle(into: reader).done.isEmpty)
        }
        var whole = inbox
        _ = try whole.receive(Self.dot(1, UInt64(values.count + 4)), values[values.count - 1][...])
        #expect(whole.settle(into: reader).done.count == values.count)
        #expect(reader.text("body").string == author.text("body").string)
        #expect(whole.isEmpty && whole.entryCount == 0)

        author.change { $0.text("body").insert("x", at: 0) }
        let next = try Self.value(author, since: reader.version)
        let given = try inbox.receive(Self.dot(1, 99), next[...])
        #expect(given.count == values.count - 1)
        #expect(given.allSatisfy { $0.code == .incomplete })
        #expect { try inbox.receive(Self.dot(1, 100), values[1][...]) } throws: { ($0 as? DocumentFeedError)?.code == .incomplete }
    }

    @Test("writes of an origin elsewhere, between the pieces of an update, do not tear it")
    func piecesApart() throws {
        let author = Self.document(1)
        var draws = SeededDraws(seed: 2)
        author.change {
            $0.text("body").insert(String((0..<900_000).map { _ in Character(UnicodeScalar(UInt8(33 + draws.next(below: 90)))) }), at: 0)
        }
        let values = try DocumentFeed.values(of: author.history()[...])
        try #require(values.count > 2)
        var inbox = DocumentInbox(name: "d")
        let dots = values.indices.map { Self.dot(1, UInt64(3 + $0 * 2)) }
        for (dot, value) in zip(dots, values) {
            #expect(try inbox.receive(dot, value[...]).isEmpty)
            #expect(try inbox.receive(dot, value[...]).isEmpty, "again")
        }
        let reader = Self.document(2)
        #expect(inbox.settle(into: reader).done == dots)
        #expect(reader.text("body").string == author.text("body").string)
        #expect(inbox.isEmpty && inbox.entryCount == 0 && inbox.byteCount == 0)

        // A piece that is left out gives up those before it, by the entries that they came in.
        _ = try inbox.receive(dots[0], values[0][...])
        #expect { try inbox.receive(dots[2], values[2][...]) } throws: { ($0 as? DocumentFeedError)?.code == .incomplete }
        #expect(inbox.isEmpty && inbox.entryCount == 0)
    }

    @Test("what waits for one document is bounded")
    func bounds() throws {
        let author = Self.document(1)
        author.change { $0.text("body").insert("a", at: 0) }
        let known = author.version
        author.change { $0.text("body").insert("b", at: 1) }
        let value = try Self.value(author, since: known)
        var inbox = DocumentInbox(name: "d")
        for number in 0..<DocumentLimits.waitingEntries { _ = try inbox.receive(Self.dot(UInt64(number + 2), 1), value[...]) }
        #expect { try inbox.receive(Self.dot(1, 1), value[...]) } throws: { ($0 as? DocumentFeedError)?.code == .overflow }
    }
}

extension SeededDraws: RandomNumberGenerator {}
