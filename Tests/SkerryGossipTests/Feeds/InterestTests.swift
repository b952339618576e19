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

    @Test("what is not asked for, not signed or more than granted is refused")
    func refuses() throws {
        let desk = FeedDesk(1)
        let entry = try desk.write("other")
        var sink = InterestSink(filter: try InterestFilter(prefixes: [Array("notes/".utf8)]), cursor: .start, session: 1)
        var actions: [InterestSink.Action] = []
        sink.subscribe(into: &actions)
        let matches = FeedMatches(
            tag: 2, position: 1, from: .start, cursor: FeedCursor(log: 2, offset: 1), isReset: false, entries: [entry])
        let bytes = FeedMessage.matches(matches).encoded()
        var code: FeedError.Code?
        do {
            try feed(bytes, to: &sink, &actions)
        } catch let error as FeedError {
            code = error.code
        }
        #expect(code == .mismatch)
        #expect(sink.cursor == .start)
        let many = [[UInt8]](repeating: [], count: FeedLimits.filterPrefixes + 1)
        let filter = try? InterestFilter(prefixes: many)
        #expect(filter == nil)
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
