import Testing

@testable import SkerryCRDT

/// Bytes that releases have written: they read for ever, and the same document is written the same way.
@Suite("Golden bytes")
struct GoldenTests {
    /// Two writers, a branch, every kind of text operation.
    static func text() throws -> (document: Document, frames: [[UInt8]]) {
        let one = Document(origin: OriginID(rawValue: 0x1111_2222_3333_4444)),
            two = Document(origin: OriginID(rawValue: 0xAAAA_0000_0000_0001))
        var encoder = UpdateEncoder()
        var frames: [[UInt8]] = []
        one.change { $0.text("body").insert("Hello wörld", at: 0) }
        frames.append(try encoder.encode(one)!)
        try two.merge(one.history())
        one.change { $0.text("body").replace(0..<5, with: "HELLO") }
        two.change { $0.text("body").insert("! 😀", at: 12) }
        two.change { $0.text("title").insert("T", at: 0) }
        for position in stride(from: 4, through: 2, by: -1) { one.change { $0.text("body").delete(position..<position + 1) } }
        frames.append(try encoder.encode(one)!)
        try one.merge(two.history())
        one.change { $0.text("body").insert("é", at: 2) }
        frames.append(try encoder.encode(one)!)
        return (one, frames)
    }

    @Test("a text's history, snapshot and frames are written as before")
    func writes() throws {
        let (document, frames) = try Self.text()
        #expect(document.text("body").string == "HEé wörld! 😀")
        let history = try document.history().hex
        #expect(history == Golden.textHistory)
        let snapshot = document.snapshot().hex
        #expect(snapshot == Golden.textSnapshot)
        #expect(frames.map(\.hex) == Golden.textFrames)
    }

    @Test("a text's history, snapshot and frames from before are read")
    func reads() throws {
        let expected = try Self.text().document
        let merged = Document(origin: OriginID(rawValue: 9))
        try merged.merge(bytes(Golden.textHistory))
        let opened = try Document(origin: OriginID(rawValue: 9), snapshot: bytes(Golden.textSnapshot))
        let followed = Document(origin: OriginID(rawValue: 9))
        var decoder = UpdateDecoder()
        for frame in Golden.textFrames { #expect(try decoder.apply(bytes(frame), to: followed).missing == nil) }
        for document in [merged, opened, followed] {
            #expect(document.text("body").string == expected.text("body").string)
            #expect(document.text("title").string == "T")
            #expect(document.version == expected.version)
            #expect(document.heads == expected.heads)
        }
    }

    /// One of each kind of container and value, moves and concurrent writes.
    static func values() throws -> Document {
        let one = Document(origin: OriginID(rawValue: 0x1111_2222_3333_4444), now: { 1_700_000_000_000 })
        let two = Document(origin: OriginID(rawValue: 0xAAAA_0000_0000_0001), now: { 1_700_000_000_001 })
        one.change { change in
            change.map("map")["int"] = -7
            change.map("map")["bytes"] = .bytes([1, 2])
            change.map("map").map("inner")["double"] = 0.5
            for value in ["a", "b", "c"] { change.list("list").append(.string(value)) }
            change.set("set").insert(true)
            change.set("set").insert(.null)
            change.counter("counter") += 300
        }
        try two.merge(one)
        one.change { change in
            change.list("list").move(from: 0, to: 2)
            change.list("list")[0] = "B"
            change.register("register").value = "one"
        }
        two.change { change in
            change.list("list").remove(at: 2)
            change.register("register").value = "two"
            change.map("map")["int"] = nil
            change.set("set").remove(true)
        }
        try one.merge(two)
        return one
    }

    @Test("values of every kind are written as before and read from before")
    func values() throws {
        let document = try Self.values()
        let values = try document.history().hex, snapshot = document.snapshot().hex
        #expect(values == Golden.valuesHistory)
        #expect(snapshot == Golden.valuesSnapshot)
        let merged = Document(origin: OriginID(rawValue: 9))
        try merged.merge(bytes(Golden.valuesHistory))
        for read in [merged, try Document(origin: OriginID(rawValue: 9), snapshot: bytes(Golden.valuesSnapshot))] {
            #expect(read.list("list").values == ["B", "a"])
            #expect(read.map("map").keys == ["bytes", "inner"])
            #expect(read.map("map").map("inner")["double"] == 0.5)
            #expect(read.register("register").values == ["two", "one"])
            #expect(read.set("set").members == [.null])
            #expect(read.counter("counter").value == 300)
            #expect(read.snapshot().hex == (read === merged ? merged.snapshot().hex : Golden.valuesSnapshot))
        }
    }

    /// Marks of every expansion and kind of value, on what was deleted and by two writers.
    static func marks() throws -> (document: Document, frames: [[UInt8]]) {
        let one = Document(origin: OriginID(rawValue: 0x1111_2222_3333_4444), now: { 1_700_000_000_000 })
        let two = Document(origin: OriginID(rawValue: 0xAAAA_0000_0000_0001), now: { 1_700_000_000_001 })
        var encoder = UpdateEncoder()
        one.change { change in
            change.text("body").insert("The fox jumped.", at: 0)
            change.text("body").mark(4..<14, "bold")
        }
        var frames = [try encoder.encode(one)!]
        try two.merge(one)
        one.change { change in
            change.text("body").mark(0..<7, "link", "https://fox", expansion: .none)
            change.text("body").delete(6..<7)
            change.text("body").unmark(8..<9, "bold")
        }
        two.change { change in
            change.text("body").mark(4..<7, "size", 1.5, expansion: .both)
            change.text("body").mark(0..<1, "note", .null, expansion: .before)
            change.text("body").insert("es", at: 7)
        }
        try one.merge(two)
        frames.append(try encoder.encode(one)!)
        return (one, frames)
    }

    private static let markedRuns: [TextRun] = [
        TextRun("T", ["link": "https://fox", "note": .null]), TextRun("he ", ["link": "https://fox"]),
        TextRun("fo", ["bold": true, "link": "https://fox", "size": 1.5]), TextRun("es", ["bold": true, "size": 1.5]),
        TextRun(" j", ["bold": true]), TextRun("u"), TextRun("mped", ["bold": true]), TextRun("."),
    ]

    @Test("marks are written as before and read from before, in chunks of their own version")
    func marks() throws {
        let (document, frames) = try Self.marks()
        #expect(document.text("body").runs == Self.markedRuns)
        let history = try document.history().hex, snapshot = document.snapshot().hex
        #expect(history == Golden.marksHistory)
        #expect(snapshot == Golden.marksSnapshot)
        #expect(frames.map(\.hex) == Golden.marksFrames)
        #expect(Golden.marksHistory.hasPrefix("534b44430201") && Golden.textHistory.hasPrefix("534b44430101"))
        let merged = Document(origin: OriginID(rawValue: 9))
        try merged.merge(bytes(Golden.marksHistory))
        let opened = try Document(origin: OriginID(rawValue: 9), snapshot: bytes(Golden.marksSnapshot))
        let followed = Document(origin: OriginID(rawValue: 9))
        var decoder = UpdateDecoder()
        for frame in Golden.marksFrames { #expect(try decoder.apply(bytes(frame), to: followed).missing == nil) }
        for read in [merged, opened, followed] {
            #expect(read.text("body").runs == Self.markedRuns)
            #expect(read.snapshot().hex == Golden.marksSnapshot)
        }
        // Chunks without marks in them stay what every reader knows.
        #expect(try document.history(since: document.version).isEmpty)
        let later = try { () throws -> [UInt8] in
            let version = document.version
            document.change { $0.text("body").insert("!", at: 0) }
            return try document.history(since: version)
        }()
        #expect(later[4] == 1)
    }

    func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

extension [UInt8] {
    var hex: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
