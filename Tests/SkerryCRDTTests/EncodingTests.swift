import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Encodings of a document")
struct EncodingTests {
    private static let reader = OriginID(rawValue: 99)

    private func document(_ history: TextHistory, _ order: some Sequence<Int>) throws -> Document {
        let document = Document(origin: Self.reader)
        for index in order { _ = try document.apply(history.batch(of: [index])) }
        return document
    }

    @Test("history read back in one piece, in two, or twice says the same", arguments: 0..<Soak.count(60, soak: 4_000))
    func historyRoundTrip(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 1_000)
        let history = TextHistory.random(seed: seed &+ 500, replicas: 2 + seed % 4, count: 10 + random.below(60), mode: seed % 4)
        let order = history.order(&random)
        let whole = try document(history, order)
        let cut = random.below(order.count + 1)
        let early = try document(history, order[..<cut])
        let first = try early.history(), second = try whole.history(since: early.version)
        let copy = Document(origin: Self.reader)
        let taken = try copy.merge(first + second)
        #expect(taken.applied == order.count && taken.missing == nil)
        try #require(copy.text("t").string == whole.text("t").string, "seed \(seed)")
        #expect(copy.version == whole.version)
        #expect(copy.heads == whole.heads)
        #expect(try copy.merge(whole.history()).applied == 0)
        let other = Document(origin: Self.reader)
        try other.merge(whole.history())
        try #require(other.text("t").string == whole.text("t").string, "seed \(seed), reordered")
        #expect(other.snapshot() == whole.snapshot())
    }

    @Test("a part that came too early is named, and taken once its past is here")
    func missingPast() throws {
        let writer = Document(origin: OriginID(rawValue: 5))
        writer.change { $0.text("t").insert("ab", at: 0) }
        let early = writer.version
        writer.change { $0.text("t").insert("c", at: 2) }
        let late = try writer.history(since: early)
        let reader = Document(origin: Self.reader)
        let waiting = try reader.merge(late)
        #expect(waiting.applied == 0 && waiting.missing == Dot(origin: OriginID(rawValue: 5), sequence: 1))
        #expect(reader.text("t").string == "")
        try reader.merge(writer.history())
        #expect(reader.text("t").string == "abc")
        #expect(try reader.merge(late).applied == 0)
    }

    @Test(
        "a snapshot goes on where it was made, and reads history only for what branched off before",
        arguments: 0..<Soak.count(60, soak: 4_000))
    func snapshots(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 2_000)
        let history = TextHistory.random(seed: seed &+ 900, replicas: 2 + seed % 3, count: 10 + random.below(60), mode: seed % 4)
        let order = history.order(&random)
        let cut = random.below(order.count + 1)
        let early = try document(history, order[..<cut])
        let chunks = try early.history()
        let opened = try Document(origin: Self.reader, snapshot: early.snapshot(), history: { chunks })
        #expect(opened.version == early.version && opened.heads == early.heads)
        for end in cut..<order.count {
            let applied = try opened.apply(history.batch(of: [order[end]]))
            #expect(applied.applied == 1)
        }
        let expected = String(history.oracle(of: Set(history.events.indices)).scalars)
        try #require(opened.text("t").string == expected, "seed \(seed)")
        let copy = Document(origin: Self.reader)
        try copy.merge(opened.history())
        try #require(copy.text("t").string == expected, "seed \(seed), history of the reopened")
    }

    @Test("a snapshot without history takes what follows it and refuses what does not")
    func snapshotAlone() throws {
        let one = Document(origin: OriginID(rawValue: 1)), two = Document(origin: OriginID(rawValue: 2))
        one.change { $0.text("t").insert("hello", at: 0) }
        try two.merge(one.history())
        one.change { $0.text("t").insert(" world", at: 5) }
        two.change { $0.text("t").insert(">", at: 0) }
        let opened = try Document(origin: Self.reader, snapshot: one.snapshot())
        let before = opened.snapshot()
        let error = #expect(throws: DocumentError.self) { try opened.merge(two.history(since: one.version)) }
        #expect(error?.code == .notFound)
        #expect(opened.snapshot() == before)
        #expect(throws: DocumentError.self) { try opened.history() }
        opened.change { $0.text("t").insert("!", at: 11) }
        try one.merge(opened.history(since: one.version))
        #expect(one.text("t").string == "hello world!")
    }

    @Test("update frames carry a live session, each event once", arguments: 0..<Soak.count(40, soak: 2_000))
    func frames(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 3_000)
        let count = 2 + seed % 3
        let documents = (0..<count).map { Document(origin: OriginID(rawValue: UInt64(100 - $0))) }
        let links = (0..<count * count).map { _ in Link() }
        func pump(_ from: Int, _ to: Int) throws {
            links[to * count + from].encoder.peerHas(documents[from].version)
            guard let frame = try links[from * count + to].encoder.encode(documents[from]) else { return }
            let result = try links[from * count + to].decoder.apply(frame, to: documents[to])
            // With three, an event may have come round another way.
            #expect(result.missing == nil && (result.applied > 0 || count > 2))
            links[to * count + from].encoder.peerHas(documents[from].version)
        }
        for _ in 0..<150 {
            let who = random.below(count)
            if random.chance(30) {
                let other = (who + 1 + random.below(count - 1)) % count
                try pump(who, other)
                continue
            }
            documents[who].change { change in
                let text = change.text(random.chance(80) ? "a" : "b")
                let length = text.count(in: .scalars)
                let start = random.below(length + 1), end = min(length, start + random.below(3))
                text.replace(start..<end, in: .scalars, with: random.chance(70) ? ["x", "é", "hello", "😀\n"][random.below(4)] : "")
            }
        }
        for _ in 0..<count { for from in 0..<count { for to in 0..<count where from != to { try pump(from, to) } } }
        for document in documents {
            try #require(document.text("a").string == documents[0].text("a").string, "seed \(seed)")
            try #require(document.text("b").string == documents[0].text("b").string, "seed \(seed)")
            #expect(document.version == documents[0].version)
        }
    }

    private final class Link {
        var encoder = UpdateEncoder()
        var decoder = UpdateDecoder()
    }

    @Test("compression gives back what it was given", arguments: 0..<20)
    func compression(seed: Int) throws {
        var random = CheckRandom(seed: seed)
        let kinds: [() -> UInt8] = [
            { UInt8(random.below(256)) }, { 7 }, { UInt8(97 + random.below(4)) }, { random.chance(90) ? 32 : UInt8(random.below(256)) },
        ]
        let bytes = (0..<random.below(5000)).map { _ in kinds[seed % 4]() }
        var writer = ByteWriter()
        bytes.withUnsafeBufferPointer { Compression.compress($0, into: &writer) }
        var back = RawArray<UInt8>()
        try Compression.decompress(writer.bytes.elements, count: bytes.count, into: &back)
        #expect(Array(back.elements) == bytes)
        #expect(bytes.count / Compression.ratioMaximum <= writer.bytes.count)
    }

    @Test("the checksum is CRC-32C")
    func checksum() {
        // RFC 3720, appendix B.4.
        let zeros = [UInt8](repeating: 0, count: 32), counting = (0..<32).map { UInt8($0) }
        #expect(zeros.withUnsafeBufferPointer { CRC32C.checksum($0) } == 0x8A91_36AA)
        #expect(counting.withUnsafeBufferPointer { CRC32C.checksum($0) } == 0x46DD_794E)
        let split = counting[..<11].withUnsafeBufferPointer { CRC32C.checksum($0) }
        #expect(counting[11...].withUnsafeBufferPointer { CRC32C.checksum($0, after: split) } == 0x46DD_794E)
    }
}
