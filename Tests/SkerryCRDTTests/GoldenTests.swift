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
        #expect(document.snapshot().hex == Golden.textSnapshot)
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

    func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

extension [UInt8] {
    var hex: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
