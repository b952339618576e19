import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Snapshots of lists")
struct ListSnapshotTests {
    private static func document(_ origin: UInt64) -> Document { Document(origin: OriginID(rawValue: origin), now: { 1_000_000 }) }

    private static func opened(_ document: Document, as origin: UInt64) throws -> Document {
        let history = try document.history()
        return try Document(origin: OriginID(rawValue: origin), snapshot: document.snapshot(), now: { 1_000_000 }, history: { history })
    }

    @Test("a queue costs what waits in it, not what has been through it")
    func queue() throws {
        let document = Self.document(1)
        for index in 0..<3_000 {
            document.change { change in
                change.list("l").append(.int(Int64(index)))
                if index >= 20 { change.list("l").remove(at: 0) }
            }
        }
        #expect(document.snapshot().count < 250)
        #expect(try Self.opened(document, as: 2).list("l").values == (2_980..<3_000).map { .int($0) })
    }

    @Test("a few moved elements among many other events find what they are")
    func fewAmongMany() throws {
        let document = Self.document(1)
        document.change { change in
            for index in 0..<5 { change.list("l").append(.int(Int64(index))) }
            change.text("t").insert(String(repeating: "x", count: 10_000), at: 0)
            change.list("l").move(from: 0, to: 4)
            change.list("l").move(from: 1, to: 0)
        }
        let values = document.list("l").values
        let copy = try Self.opened(document, as: 2)
        #expect(copy.list("l").values == values)
        copy.change { $0.list("l").move(from: 4, to: 0) }
        #expect(copy.list("l").values == [values[4]] + values.dropLast())
    }

    /// One step of someone who inserts, deletes, moves, writes and undoes nothing.
    private static func step(_ document: Document, _ random: inout CheckRandom) {
        document.change { change in
            let list = change.list("l")
            switch list.count == 0 ? 0 : random.below(7) {
            case 0, 1: list.insert(.int(Int64(random.below(1_000))), at: random.below(list.count + 1))
            case 2, 3: list.remove(at: random.below(list.count))
            case 4, 5: list.move(from: random.below(list.count), to: random.below(list.count))
            default: list[random.below(list.count)] = .int(Int64(random.below(1_000)))
            }
        }
    }

    @Test(
        "whoever opens one goes on like those who have the history, with what was written beside it too",
        arguments: 0..<Soak.count(60, soak: 4_000))
    func goesOn(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 8_000)
        let writers = [Self.document(3), Self.document(2), Self.document(1)]
        for _ in 0..<random.below(60) {
            let who = random.below(3)
            if random.chance(30) { try writers[who].merge(writers[random.below(3)]) } else { Self.step(writers[who], &random) }
        }
        for from in writers { try writers[0].merge(from) }
        let first = try Self.opened(writers[0], as: 9)
        // Written the same again, whoever writes it.
        try #require(first.snapshot() == writers[0].snapshot(), "seed \(seed)")
        let other = Self.document(8)
        try other.merge(writers[0].history())
        try #require(other.snapshot() == writers[0].snapshot(), "seed \(seed), from history")
        for _ in 0..<20 {
            Self.step(first, &random)
            if random.chance(40) { Self.step(writers[0], &random) }
            // Once one of those, which have not seen all that was opened, is heard of, the history has been read.
            if random.chance(20) { Self.step(writers[2], &random) }
            if random.chance(20) { try first.merge(writers[random.chance(50) ? 0 : 2].history(since: first.version)) }
        }
        for from in writers { try first.merge(from.history(since: first.version)) }
        for document in writers {
            try document.merge(first.history(since: document.version))
            try #require(document.list("l").values == first.list("l").values, "seed \(seed)")
            try #require(document.snapshot() == first.snapshot(), "seed \(seed), snapshots")
        }
    }

    @Test("an event that names a deleted element means the same to whoever opened a snapshot, once the history is read")
    func namesTheDeleted() throws {
        let document = Self.document(1)
        document.change { $0.list("l").append(.int(1)) }
        document.change { $0.list("l").append(.int(2)) }
        document.change { $0.list("l").remove(at: 0) }
        let history = try document.history()
        let opened = try Self.opened(document, as: 2)
        let cut = try Document(origin: OriginID(rawValue: 3), snapshot: document.snapshot(), now: { 1_000_000 })
        func batch() -> ChangeBatch {
            var batch = ChangeBatch()
            var item = ByteWriter()
            ListItem.move(of: Dot(origin: OriginID(rawValue: 1), sequence: 1), stamp: HybridTimestamp(rawValue: 1)).encode(to: &item)
            batch.origins = [OriginID(rawValue: 1)]
            batch.containers = [ChangeBatch.Container(parent: ContainerTable.root, key: "l", kind: .list, depth: 1)]
            batch.bytes.append(contentsOf: item.bytes.elements)
            batch.operations.append(
                ChangeBatch.Operation(
                    container: 0, kind: .insertion, count: 1, position: 1, content: 0, contentCount: UInt32(item.bytes.count)))
            batch.runs.append(
                ChangeBatch.Run(origin: 0, sequence: 3, count: 1, parents: 0, parentCount: 0, operations: 0, operationCount: 1))
            return batch
        }
        let whole = Self.document(4)
        try whole.merge(history)
        for document in [whole, opened] {
            let result = try document.withCore { core throws(DocumentError) in try core.apply(batch()).result.applied }
            #expect(result == 1)
            #expect(document.list("l").values == [.int(2)])
        }
        #expect(whole.snapshot() == opened.snapshot())
        let before = cut.snapshot()
        #expect(throws: DocumentError.self) { try cut.withCore { core throws(DocumentError) in _ = try core.apply(batch()) } }
        #expect(cut.snapshot() == before)
    }

    private static let bad: [(name: String, bytes: [UInt8])] = [
        ("a form that is none", [1, 0x08, 0, 0]),
        ("a place of an origin that is none", [1, 0x01, 2, 0, 0]),
        ("an event after the last of its origin", [1, 0x00, 20, 0]),
        ("an event before the first", [1, 0x00, 1, 0]),
        ("a slot with two places", [2, 0x00, 0, 0, 0x00, 1, 0]),
        ("three places, two of them the same", [3, 0x00, 0, 0, 0x00, 2, 0, 0x00, 5, 0]),
        ("an element without a write", [1, 0x02, 0, 0]),
        ("a move of a move", [1, 0x06, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("a move of an element that cannot be", [1, 0x06, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("more places than bytes", [100, 0x00, 0, 0]),
        ("a sequence beyond all numbers", [1, 0x00] + [UInt8](repeating: 0xFF, count: 9) + [0x01, 0]),
    ]

    @Test("places that cannot be are refused", arguments: bad.indices)
    func refuses(index: Int) {
        let origins = SnapshotOrigins([Dot(origin: OriginID(rawValue: 5), sequence: 10)])
        var list = ListState()
        let failure = Self.bad[index].bytes.withUnsafeBufferPointer { bytes -> DocumentError? in
            var reader = ByteReader(bytes)
            do throws(DocumentError) { try list.decodeState(&reader, version: 9, origins: origins) } catch { return error }
            return nil
        }
        #expect(failure?.code == .corrupt, "\(Self.bad[index].name)")
    }
}
