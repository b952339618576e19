import Testing

@testable import SkerryMerge

@Suite("Formats")
struct FormatTests {
    @Test("the golden files of docs/formats/history.md are what is written, and are read back")
    func goldenObjects() throws {
        var history = try MemoryHistory(store: MemoryHistoryStore())
        let content = HistoryObject.content(Array("skerry".utf8)).encoded
        let id = try history.commit(snapshot(["f": "skerry"]), to: "main", author: "ada", message: "first", timestamp: 1_704_067_200_000)
        let tree = try history.commit(id).tree
        let expected: [(String, [UInt8])] = [
            ("content.bin", content), ("tree.bin", try history.object(tree)), ("commit.bin", try history.object(id)),
            ("root.bin", try history.object(history.rootID)),
        ]
        for (name, bytes) in expected {
            #expect(try golden(name) == bytes, "\(name)")
            #expect(try HistoryObject(encoded: golden(name)).encoded == bytes)
        }
        #expect(ContentHash.sha256(content).description == "4e3e3f5b8f715e406039f4655891b6189efb7a60ca36ec61020b5fbbee0422d4")
        #expect(id.description == "2cc7ff338b822d8553695ad14c47c0e3df3b8573c54a5d4a1a45a2b9965bd2a8")
        #expect(ObjectID(hex: id.description) == id)
    }

    @Test("a golden bundle, a golden value and a golden difference are read as they were written")
    func goldenStreams() throws {
        var history = try MemoryHistory(store: MemoryHistoryStore())
        var reader = HistoryBundleReader()
        try reader.read(golden("bundle.bin"), into: &history)
        #expect(reader.names?.keys.map(\.description) == ["branches/main"])
        let head = try #require(reader.names?[.branch("main")])
        #expect(try history.checkout(head) == snapshot(["f": "skerry"]))
        var written: [UInt8] = []
        try history.move([NameChange(.branch("main"), from: nil, to: head)])
        try HistoryBundle.write(history) { bytes throws(HistoryError) in written += bytes }
        #expect(try written == golden("bundle.bin"))

        let value = ObjectValue.map([
            "b": .list([.null, .bool(true), .bool(false), .integer(-1), .integer(.max), .number(1.5)]), "a": .bytes([0, 255]),
            "é": .string("skerry"), "r": .reference("x"),
        ])
        #expect(try value.encoded == golden("value.bin"))
        #expect(try ObjectValue(encoded: golden("value.bin")) == value)

        let base = (0..<40).map { "line \($0)\n" }
        var lines = base
        lines[7] = "changed\n"
        let record = HistoryRecord.delta(
            of: Array(lines.joined().utf8), from: Array(base.joined().utf8), PlainGraph.id(1), chain: 3)
        #expect(try record == golden("delta.bin"))
        guard case .delta(let id, let chain, let delta) = try HistoryRecord.parse(golden("delta.bin")) else { return #expect(Bool(false)) }
        #expect(id == PlainGraph.id(1) && chain == 3)
        #expect(try ByteDelta.apply(delta, to: Array(base.joined().utf8)) == Array(lines.joined().utf8))
    }

    @Test("what has two spellings is refused in the second")
    func canonical() {
        let id = PlainGraph.id(1).bytes
        let bad: [[UInt8]] = [
            [], [0x42], [0x42, 0], [0x42, 2], [0x58, 1], [0x54, 1], [0x54, 1, 0x80, 0], [0x54, 1, 0, 9], [0x54, 1, 1, 2, 1, 65] + id,
            [0x54, 1, 1, 0, 0] + id, [0x54, 1, 1, 0, 1, 0x2F] + id, [0x54, 1, 2, 0, 1, 66] + id + [0, 1, 65] + id,
            [0x54, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0x43, 1] + id + [2] + id + id + [0, 0, 0, 0],
            [0x43, 1] + id + [0, 0, 0, 1, 0xFF, 0],
            [0x43, 1] + id + [0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0],
        ]
        for bytes in bad { #expect(throws: FormatError.self, "\(bytes)") { try HistoryObject(encoded: bytes) } }
        let error = #expect(throws: FormatError.self) { try HistoryObject(encoded: [0x42, 2]) }
        #expect(error?.code == .newerVersion)
    }
}
