import Crypto
import SkerryCRDT
import Testing

@testable import SkerryGossip

private func feed(_ bytes: [UInt8], to source: inout InterestSource, _ actions: inout [InterestSource.Action]) throws {
    try bytes.withUnsafeBytes { try source.receive($0, into: &actions) }
}

private func feed(_ bytes: [UInt8], to sink: inout InterestSink, _ actions: inout [InterestSink.Action]) throws {
    try bytes.withUnsafeBytes { try sink.receive($0, into: &actions) }
}

@Suite("Interest in a part")
struct InterestTests {
    private func carry(_ source: inout InterestSource, _ sink: inout InterestSink, _ desk: FeedDesk, persists: Bool = true) throws
        -> [FeedEntry]
    {
        var taken: [FeedEntry] = []
        var asked: [InterestSink.Action] = []
        sink.subscribe(into: &asked)
        var served: [InterestSource.Action] = []
        var rounds = 0
        while !(asked.isEmpty && served.isEmpty), rounds < 10_000 {
            rounds += 1
            let now = asked
            asked = []
            for action in now {
                switch action {
                case .send(let bytes): try feed(bytes, to: &source, &served)
                case .deliver(let entries, _):
                    taken += entries
                    if persists { sink.persisted(into: &asked) }
                case .reconcile: break
                }
            }
            let serving = served
            served = []
            for action in serving {
                switch action {
                case .send(let bytes): try feed(bytes, to: &sink, &asked)
                case .scan(let cursor, let limit):
                    if let scan = desk.store.scan(from: cursor, limit: limit) {
                        source.supply(scan, into: &served)
                    } else {
                        source.supplyReset(to: desk.store.end, into: &served)
                    }
                }
            }
        }
        return taken
    }

    @Test("a filter gets what matches, in the order of the log, and goes on from its cursor after a pause")
    func resumes() throws {
        let desk = FeedDesk(1)
        for number in 0..<3_000 {
            try desk.write(number % 3 == 0 ? "notes/\(number)" : "other/\(number)", String(repeating: "x", count: 50))
        }
        var source = InterestSource(frameMaximum: 4_096)
        var sink = InterestSink(
            filter: try InterestFilter(prefixes: [Array("notes/".utf8)]), cursor: FeedCursor(log: 2, offset: 0), session: 1)
        let first = try carry(&source, &sink, desk)
        let sequences: [UInt64] = first.map(\.dot.sequence)
        let expected: [UInt64] = stride(from: 1, through: 3_000, by: 3).map { UInt64($0) }
        #expect(sequences == expected)
        #expect(sink.cursor == desk.store.end)
        try desk.write("notes/late")
        try desk.write("other/late")
        var again = InterestSink(filter: sink.filter, cursor: sink.cursor, session: 2)
        let later = try carry(&source, &again, desk)
        #expect(later.count == 1)
        #expect(later.first.map { Array($0.key) } == Array("notes/late".utf8))
        #expect(again.cursor == desk.store.end)
    }

    @Test(
        "a cursor that the log no longer reaches, or of another log, asks for reconciliation and goes on behind it",
        arguments: [true, false])
    func resets(_ isOther: Bool) throws {
        let desk = FeedDesk(1)
        for number in 0..<40 { try desk.write("k\(number)") }
        desk.store.trim(desk.origin, through: 30)
        var source = InterestSource()
        let cursor = FeedCursor(log: isOther ? 77 : 2, offset: 5)
        var sink = InterestSink(filter: try InterestFilter(prefixes: [[]]), cursor: cursor, session: 1)
        #expect(try carry(&source, &sink, desk).isEmpty)
        #expect(sink.cursor == desk.store.end)
    }

    /// What a sink for `notes/` that was asked says to some messages: the last one's error, if it has one.
    private func answer(_ messages: [FeedMatches], trust: FeedTrust = .members, refusesExcess: Bool = true, persists: Bool = false) throws
        -> FeedError.Code?
    {
        var sink = InterestSink(
            filter: try InterestFilter(prefixes: [Array("notes/".utf8)]), cursor: .start, session: 1, trust: trust,
            refusesExcess: refusesExcess)
        var actions: [InterestSink.Action] = []
        sink.subscribe(into: &actions)
        for message in messages.dropLast() {
            try feed(FeedMessage.matches(message).encoded(), to: &sink, &actions)
            if persists { sink.persisted(into: &actions) }
        }
        let (cursor, count) = (sink.cursor, actions.count)
        do {
            try feed(FeedMessage.matches(messages[messages.count - 1]).encoded(), to: &sink, &actions)
        } catch let error as FeedError {
            #expect(sink.cursor == cursor && actions.count == count, "the sink is as it was")
            return error.code
        }
        #expect(sink.cursor == messages.last?.cursor && actions.count > count)
        return nil
    }

    /// Messages that follow each other, with so many entries each.
    private func messages(_ entries: [FeedEntry], each count: Int = 1) -> [FeedMatches] {
        var (position, messages): (UInt64, [FeedMatches]) = (0, [])
        for start in stride(from: 0, to: entries.count, by: count) {
            let some = Array(entries[start..<min(entries.count, start + count)])
            position += some.reduce(0) { $0 + UInt64($1.charge) }
            let from = messages.last?.cursor ?? .start
            let cursor = FeedCursor(log: 2, offset: UInt64(start + some.count))
            messages.append(FeedMatches(tag: 2, position: position, from: from, cursor: cursor, isReset: false, entries: some))
        }
        return messages
    }

    @Test("what was not asked for is refused")
    func refusesOthers() throws {
        let desk = FeedDesk(1)
        let (wanted, other) = (try desk.write("notes/a"), try desk.write("other"))
        #expect(try answer(messages([wanted])) == nil)
        #expect(try answer(messages([wanted, other])) == .mismatch)
        #expect(try answer(messages([wanted, other], each: 2)) == .mismatch, "of a message all or nothing")
    }

    @Test("what is not signed by its origin is refused, alone or among others")
    func refusesUnsigned() throws {
        let (key, stranger) = (Curve25519.Signing.PrivateKey(), Curve25519.Signing.PrivateKey())
        let publicKey = key.publicKey
        let origin = FeedDesk(1).origin
        let trust = FeedTrust.signed(by: key) { $0 == origin ? publicKey : nil }
        let genuine = try FeedDesk(1, trust: trust).write("notes/a", "1")
        #expect(try answer(messages([genuine]), trust: trust) == nil)
        let unsigned = try FeedDesk(1).write("notes/b", "2")
        let forged = try FeedDesk(1, trust: FeedTrust.signed(by: stranger) { _ in nil }).write("notes/c", "3")
        let unknown = try FeedDesk(3, trust: trust).write("notes/d", "4")
        var altered = genuine
        altered.body[altered.body.count - 1] ^= 1
        for entry in [unsigned, forged, unknown, altered] {
            #expect(try answer(messages([genuine, entry]), trust: trust) == .badSignature)
            #expect(try answer(messages([genuine, entry], each: 2), trust: trust) == .badSignature)
        }
    }

    @Test("more than was granted is refused, however it is counted, and what became durable is granted again")
    func refusesExcess() throws {
        let desk = FeedDesk(1)
        let value = String(repeating: "v", count: 60_000)
        let entries = try (0..<40).map { try desk.write("notes/\($0)", value) }
        let many = messages(entries)
        // The last one that a source would send begins within the credit and ends beyond it.
        let within = FeedLimits.window / entries[0].charge + 1
        #expect(try answer(Array(many[..<within])) == nil)
        #expect(try answer(Array(many[..<(within + 1)])) == .creditExceeded)
        #expect(try answer(many, persists: true) == nil)
        #expect(try answer(many, refusesExcess: false) == nil)
    }

    @Test(
        "a source cannot buy credit by saying that it sent more than came, nor hide what it sent", arguments: [-1, 1, 1 << 20] as [Int64])
    func refusesCounts(_ difference: Int64) throws {
        let desk = FeedDesk(1)
        let entries = try (0..<3).map { try desk.write("notes/\($0)") }
        for refusesExcess in [true, false] {
            var many = messages(entries)
            #expect(try answer(many, refusesExcess: refusesExcess) == nil)
            many[2].position = UInt64(Int64(many[2].position) + difference)
            #expect(try answer(many, refusesExcess: refusesExcess) == .malformed)
        }
    }

    @Test("a filter of too many prefixes is none")
    func refusesFilters() {
        let many = [[UInt8]](repeating: [], count: FeedLimits.filterPrefixes + 1)
        #expect(throws: FeedError.self) { try InterestFilter(prefixes: many) }
    }

    @Test("a filter matches as its prefixes do, one by one", arguments: 1...20 as ClosedRange<UInt64>)
    func filters(_ seed: UInt64) throws {
        let world = FeedWorld(seed: seed)
        func word() -> [UInt8] { (0..<world.below(4)).map { _ in UInt8(world.below(3)) } }
        let prefixes = (0..<world.below(6)).map { _ in word() }
        let filter = try InterestFilter(prefixes: prefixes)
        for _ in 0..<200 {
            let key = word() + word()
            #expect(filter.matches(key[...]) == prefixes.contains { key.starts(with: $0) })
        }
    }
}
