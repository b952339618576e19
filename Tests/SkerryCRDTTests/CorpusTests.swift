import Foundation
import SkerryCRDT
import Testing

/// Files that releases have written, one of each form: `Golden` keeps them all, and every later release reads them byte for byte.
@Suite("Files of former releases")
struct CorpusTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
    private static let reader = OriginID(rawValue: 9)

    static let names: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()

    private func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: Self.folder.appendingPathComponent(name))) }

    @Test("are read, and say what they said", arguments: names)
    func reads(name: String) throws {
        let bytes = try read(name)
        let parts = name.split(separator: ".").map(String.init)
        try #require(parts.count == 2)
        switch parts[1] {
        case "history":
            let document = Document(origin: Self.reader, now: { 1_700_000_100_000 })
            let result = try document.merge(bytes)
            #expect(result.applied > 0 && result.missing == nil && result.refused.isEmpty)
            try compare(document, parts[0])
            let copy = Document(origin: Self.reader, now: { 1_700_000_100_000 })
            try copy.merge(document.history())
            try compare(copy, parts[0])
        case "snapshot":
            let document = try Document(origin: Self.reader, snapshot: bytes, now: { 1_700_000_100_000 })
            #expect(document.snapshot() == bytes)
        case "frames":
            let document = Document(origin: Self.reader)
            var decoder = UpdateDecoder()
            var rest = bytes[...]
            while !rest.isEmpty {
                let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
                let frame = Array(rest.dropFirst(4).prefix(length))
                #expect(try decoder.apply(frame, to: document).missing == nil)
                rest = rest.dropFirst(4 + length)
            }
            try compare(document, parts[0])
        case "presence":
            let messages = try Presence.decode(bytes)
            #expect(messages.count == 2 && messages.map(\.state) == ["ann @ 12", nil])
            #expect(Presence.encode(messages) == [bytes])
        case "state": #expect(try rewritten(bytes) == bytes)
        default: Issue.record("no reader for \(name)")
        }
    }

    @Test("are all there")
    func count() {
        #expect(Self.names.count { $0.hasSuffix(".state") } == StateGolden.states.count)
        let kinds = ["history", "snapshot", "frames"]
        let documents = (kinds.map { "text.\($0)" } + kinds.map { "marks.\($0)" }) + ["values.history", "values.snapshot", "two.presence"]
        #expect(Set(Self.names).isSuperset(of: documents))
    }

    @Test("of texts and marks are written the same today")
    func same() throws {
        let text = try GoldenTests.text().document, marks = try GoldenTests.marks().document, values = try GoldenTests.values()
        for (name, document) in [("text", text), ("marks", marks), ("values", values)] {
            #expect(try read("\(name).history") == document.history())
            #expect(try read("\(name).snapshot") == document.snapshot())
        }
    }

    /// The document says what the snapshot of the same name says.
    private func compare(_ document: Document, _ name: String) throws {
        let expected = try Document(origin: Self.reader, snapshot: read("\(name).snapshot"), now: { 1_700_000_100_000 })
        #expect(document.version == expected.version && document.heads == expected.heads)
        #expect(document.text("body").runs == expected.text("body").runs)
        #expect(document.text("title").string == expected.text("title").string)
        #expect(document.list("list").values == expected.list("list").values)
        for map in [document, expected].map({ $0.map("map") }) { #expect(map.keys == expected.map("map").keys) }
        for key in expected.map("map").keys { #expect(document.map("map").values(key) == expected.map("map").values(key)) }
        #expect(document.set("set").members == expected.set("set").members)
        #expect(document.counter("counter").value == expected.counter("counter").value)
        #expect(document.register("register").values == expected.register("register").values)
    }

    /// Read as the type that the bytes name, and written again.
    private func rewritten(_ bytes: [UInt8]) throws -> [UInt8]? {
        func of<State: StateCodable>(_ type: State.Type) throws -> [UInt8]? {
            Array(bytes[16...].prefix(type.stateType.count)) == type.stateType ? try State(decoding: bytes).encoded() : nil
        }
        if let same = try of(Maximum<UInt64>.self) { return same }
        if let same = try of(Minimum<Int64>.self) { return same }
        if let same = try of(GCounter.self) { return same }
        if let same = try of(PNCounter.self) { return same }
        if let same = try of(LWWRegister<String>.self) { return same }
        if let same = try of(LWWMap<String, Int64>.self) { return same }
        if let same = try of(CausalLengthSet<DocumentValue>.self) { return same }
        if let same = try of(MVRegister<DocumentValue>.self) { return same }
        if let same = try of(AddWinsSet<String>.self) { return same }
        if let same = try of(EnableWinsFlag.self) { return same }
        if let same = try of(ORMap<String, DotMap<Int64, DotSet>>.self) { return same }
        if let same = try of(DotSet.self) { return same }
        return try of(CausalContext.self)
    }
}
