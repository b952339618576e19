import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Events that come before their past")
struct PendingTests {
    private static let reader = OriginID(rawValue: 99)

    /// A writer's changes, a character each, with the bytes of each alone.
    private func changes(_ origin: UInt64, _ text: String) throws -> (document: Document, bytes: [[UInt8]]) {
        let document = Document(origin: OriginID(rawValue: origin))
        var bytes: [[UInt8]] = []
        for (position, letter) in text.enumerated() {
            let before = document.version
            document.change { $0.text("t").insert(String(letter), at: position) }
            bytes.append(try document.history(since: before))
        }
        return (document, bytes)
    }

    private func range(_ origin: UInt64, _ first: UInt64, _ last: UInt64) -> EventRange {
        EventRange(origin: OriginID(rawValue: origin), first: first, last: last)
    }

    @Test("wait, are named with what they wait for, and are applied when that comes")
    func waits() throws {
        let (_, bytes) = try changes(5, "abcd")
        let reader = Document(origin: Self.reader)
        let last = try reader.merge(bytes[3])
        #expect(last.applied == 0 && last.appliedRanges.isEmpty && last.refused.isEmpty)
        #expect(last.pending.map(\.events) == [range(5, 4, 4)])
        #expect(last.missing == Dot(origin: OriginID(rawValue: 5), sequence: 1))
        #expect(try reader.merge(bytes[1]).pending.map(\.events) == [range(5, 2, 2)])
        #expect(reader.pending.events == 2 && reader.pending.missing == [Dot(origin: OriginID(rawValue: 5), sequence: 1)])
        #expect(reader.text("t").string == "" && reader.version.isEmpty)
        let first = try reader.merge(bytes[0])
        #expect(first.appliedRanges == [range(5, 1, 1), range(5, 2, 2)] && first.applied == 2 && first.missing == nil)
        #expect(reader.text("t").string == "ab")
        #expect(reader.pending.missing == [Dot(origin: OriginID(rawValue: 5), sequence: 3)])
        #expect(try reader.merge(bytes[2]).applied == 2)
        #expect(reader.text("t").string == "abcd")
        #expect(reader.pending == PendingSummary(events: 0, bytes: 0, missing: []))
    }

    @Test("are in no version, history or snapshot")
    func isNotExported() throws {
        let (_, bytes) = try changes(5, "abc")
        let reader = Document(origin: Self.reader)
        try reader.merge(bytes[2])
        #expect(try reader.history().isEmpty && reader.heads.isEmpty)
        let opened = try Document(origin: OriginID(rawValue: 98), snapshot: reader.snapshot())
        #expect(opened.version.isEmpty && opened.pending.events == 0)
        reader.change { $0.text("t").insert("x", at: 0) }
        let copy = Document(origin: OriginID(rawValue: 97))
        try copy.merge(reader)
        #expect(copy.text("t").string == "x" && copy.pending.events == 0)
    }

    @Test("that come whole again leave nothing waiting")
    func twice() throws {
        let (writer, bytes) = try changes(5, "abcdef")
        let reader = Document(origin: Self.reader)
        for index in [5, 3, 5, 4, 3] { try reader.merge(bytes[index]) }
        #expect(reader.pending.events == 3)
        #expect(try reader.merge(writer).applied == 6)
        #expect(reader.pending.events == 0 && reader.text("t").string == "abcdef")
        #expect(try reader.merge(bytes[5]) == ImportResult())
    }

    @Test("wait for one missing event after another, of several origins")
    func severalParents() throws {
        let one = Document(origin: OriginID(rawValue: 1)), two = Document(origin: OriginID(rawValue: 2))
        one.change { $0.text("t").insert("a", at: 0) }
        two.change { $0.map("m")["k"] = 1 }
        let first = try one.history(), second = try two.history()
        try one.merge(two)
        let both = one.version
        one.change { $0.text("t").insert("b", at: 1) }
        let third = try one.history(since: both)
        for order in [[first, second], [second, first]] {
            let reader = Document(origin: Self.reader)
            try reader.merge(third)
            #expect(try reader.merge(order[0]).applied == 1)
            #expect(reader.pending.events == 1)
            #expect(try reader.merge(order[1]).applied == 2)
            #expect(reader.text("t").string == "ab" && reader.map("m")["k"] == 1)
        }
    }

    @Test("within one input in the wrong order are taken at once")
    func withinOneInput() throws {
        let (_, bytes) = try changes(5, "abc")
        let reader = Document(origin: Self.reader)
        let result = try reader.merge(bytes[2] + bytes[1] + bytes[0])
        #expect(result.applied == 3 && result.pending.isEmpty && result.missing == nil)
        #expect(reader.text("t").string == "abc")
    }

    @Test("beyond the limits are refused with a reason, and what waits already stays")
    func limits() throws {
        let (writer, bytes) = try changes(5, "abcdefgh")
        let reader = Document(origin: Self.reader)
        reader.limitPending(to: PendingLimits(events: 2, bytes: 1 << 20))
        for index in [7, 6] { #expect(try reader.merge(bytes[index]).refused.isEmpty) }
        let refused = try reader.merge(bytes[5])
        #expect(refused.pending.isEmpty && refused.refused.map(\.events) == [range(5, 6, 6)])
        #expect(refused.refused.first?.error.code == .limitExceeded && refused.missing == Dot(origin: OriginID(rawValue: 5), sequence: 1))
        #expect(reader.pending.events == 2)
        reader.limitPending(to: PendingLimits(events: 100, bytes: reader.pending.bytes + 100))
        #expect(try reader.merge(bytes[5]).refused.first?.error.code == .limitExceeded)
        #expect(try reader.merge(writer).applied == 8)
        #expect(reader.text("t").string == "abcdefgh" && reader.pending.events == 0)
        try Document(origin: Self.reader).merge(bytes[7])
        reader.discardPending()
    }

    @Test("that turn out impossible when their past comes are refused alone, by name")
    func impossible() throws {
        let (_, bytes) = try changes(5, "abc")
        let reader = Document(origin: Self.reader)
        // An insertion at position 9 by one who claims to have seen the first letter.
        var batch = ChangeBatch()
        batch.origins = [OriginID(rawValue: 5), OriginID(rawValue: 6)]
        batch.containers = [ChangeBatch.Container(parent: ContainerTable.root, key: "t", kind: .text, depth: 1)]
        batch.parents.append(ChangeBatch.Parent(origin: 0, sequence: 0))
        batch.runs.append(
            ChangeBatch.Run(origin: 1, sequence: 0, count: 1, parents: 0, parentCount: 1, operations: 0, operationCount: 1))
        batch.bytes.append(65)
        batch.operations.append(
            ChangeBatch.Operation(container: 0, kind: .insertion, count: 1, position: 9, content: 0, contentCount: 1))
        #expect(try reader.apply(batch).pending.count == 1)
        let result = try reader.merge(bytes[0])
        #expect(result.appliedRanges == [range(5, 1, 1)])
        #expect(result.refused.map(\.events) == [range(6, 1, 1)] && result.refused.first?.error.code == .invalidEvent)
        #expect(reader.text("t").string == "a" && reader.pending.events == 0)
        #expect(try reader.merge(bytes[1] + bytes[2]).applied == 2)
    }

    @Test("in no order at all make the same document, with bounded bookkeeping", arguments: 0..<Soak.count(40, soak: 4_000))
    func anyOrder(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 70)
        let history = TextHistory.random(seed: seed &+ 700, replicas: 2 + seed % 4, count: 40 + random.below(60), mode: seed % 4)
        let expected = String(history.oracle(of: Set(history.events.indices)).scalars)
        let reader = Document(origin: Self.reader)
        var applied = 0
        for index in history.events.indices.shuffled(using: &random) {
            let result = try reader.apply(history.batch(of: [index]))
            applied += result.applied
            #expect(result.refused.isEmpty)
            #expect(applied + reader.pending.events >= 1)
        }
        #expect(applied == history.events.count && reader.pending.events == 0 && reader.pending.bytes == 0)
        try #require(reader.text("t").string == expected, "seed \(seed)")
    }

    @Test("a thousand links of a chain, the last first, are taken in one go")
    func chain() throws {
        let (_, bytes) = try changes(5, String(repeating: "x", count: 1_000))
        let reader = Document(origin: Self.reader)
        for index in (1..<1_000).reversed() { try reader.merge(bytes[index]) }
        #expect(reader.pending.events == 999)
        #expect(try reader.merge(bytes[0]).applied == 1_000)
        #expect(reader.text("t").count() == 1_000)
    }

    @Test("that come again as part of a longer run wait once, as the longer one")
    func longer() throws {
        let writer = Document(origin: OriginID(rawValue: 5))
        writer.change { $0.text("t").insert("a", at: 0) }
        let first = writer.version
        writer.change { $0.text("t").insert("b", at: 1) }
        let short = try writer.history(since: first)
        writer.change { $0.text("t").insert("cd", at: 2) }
        let reader = Document(origin: Self.reader)
        #expect(try reader.merge(short).pending.map(\.events) == [range(5, 2, 2)])
        let long = try reader.merge(writer.history(since: first))
        #expect(long.pending.map(\.events) == [range(5, 2, 4)])
        #expect(reader.pending.events == 3 && reader.pending.missing.count == 1)
        #expect(try reader.merge(short).pending.map(\.events) == [range(5, 2, 4)])
        #expect(try reader.merge(writer).applied == 4)
        #expect(reader.pending == PendingSummary(events: 0, bytes: 0, missing: []) && reader.text("t").string == "abcd")
    }
}
