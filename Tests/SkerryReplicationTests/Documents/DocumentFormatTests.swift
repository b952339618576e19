import SkerryCRDT
import Testing

@testable import SkerryReplication

/// `docs/formats/document-feed.md` takes its examples from here. A change of these bytes is a change of the format.
@Suite("Formats of documents over gossip")
struct DocumentFormatTests {
    static let version = CausalContext(covering: [
        Dot(origin: OriginID(rawValue: 0x0102_0304_0506_0708), sequence: 3),
        Dot(origin: OriginID(rawValue: 0x1112_1314_1516_1718), sequence: 300),
    ])

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func messages() throws -> [(String, DocumentMessage.Body, String)] {
        let interest = try DocumentInterest(names: ["plan"], prefixes: ["notes/"])
        let cursor = ExchangeCursor(log: 0xA1, offset: 17, unlisted: try DocumentInterest(prefixes: ["notes/"]), lastName: "notes/m")
        let documents = [ExchangeVersion(name: "notes/n", version: version)]
        let part = ExchangePart(form: .history, name: "notes/n", version: version, offset: 0, total: 4, bytes: [0x53, 0x4B, 0x44, 0x43])
        return [
            (
                "want", .want(ExchangeWant(interest: interest, cursor: cursor, granted: 1 << 20)),
                "01443322110101" + "0104706c616e" + "01066e6f7465732f" + "a100000000000000" + "11" + "00" + "01066e6f7465732f"
                    + "076e6f7465732f6d" + "808040"
            ),
            (
                "offer", .offer(ExchangeOffer(serial: 2, cursor: .start(.none), documents: documents)),
                "02443322110102" + "0000000000000000" + "00" + "0000" + "00" + "01" + "076e6f7465732f6e" + "02" + "0807060504030201" + "03"
                    + "1817161514131211" + "ac02"
            ),
            (
                "ask", .ask(ExchangeAsk(serial: 2, isLast: true, documents: [ExchangeVersion(name: "notes/n", version: CausalContext())])),
                "03443322110102" + "01" + "01" + "076e6f7465732f6e" + "00"
            ),
            (
                "give", .give(part),
                "044433221101" + "01" + "076e6f7465732f6e" + "02" + "0807060504030201" + "03" + "1817161514131211" + "ac02" + "00" + "04"
                    + "534b4443"
            ),
            (
                "status", .status(ExchangeStatus(wantsAnswer: true, granted: 1 << 20, taken: 5)), "054433221101" + "01" + "808040" + "05"
            ),
            ("query", .query(["plan"]), "064433221101" + "01" + "04706c616e"),
            ("refuse", .refuse(ExchangeRefusal(code: 5, name: "plan")), "074433221101" + "05" + "04706c616e"),
        ]
    }

    @Test("messages have the bytes that the format tells, and come back from them")
    func golden() throws {
        for (name, body, bytes) in try Self.messages() {
            let message = DocumentMessage(tag: 0x1122_3344, number: 1, body: body)
            #expect(Self.hex(message.encoded) == bytes, "\(name)")
            #expect(try DocumentMessage(message.encoded[...]) == message, "\(name)")
            for end in 0..<message.encoded.count where name != "give" || end < message.encoded.count - 4 {
                #expect(throws: DocumentFeedError.self, "\(name) up to \(end)") { try DocumentMessage(message.encoded[..<end]) }
            }
            if name != "give" { #expect(throws: DocumentFeedError.self) { try DocumentMessage((message.encoded + [0])[...]) } }
        }
    }

    @Test("values of entries have the bytes that the format tells")
    func values() throws {
        #expect(Self.hex(try DocumentFeed.values(of: [0x53, 0x4B])[0]) == "01" + "534b")
        let update = [UInt8](repeating: 7, count: DocumentLimits.pieceSize + 1)
        let values = try DocumentFeed.values(of: update[...])
        #expect(Self.hex(Array(values[0].prefix(7))) == "02" + "00" + "02" + "818010" + "07")
        #expect(Self.hex(values[1]) == "02" + "01" + "02" + "818010" + "07")
        let removal = try DocumentFeed.value(ofRemoval: Self.version)
        #expect(Self.hex(removal) == "03" + "02" + "0807060504030201" + "03" + "1817161514131211" + "ac02")
        #expect(try DocumentFeed.value(removal[...]) == .removal(Self.version))
        #expect(throws: DocumentFeedError.self) { try DocumentFeed.value((removal + [0])[...]) }
        for count in 1..<removal.count { #expect(throws: DocumentFeedError.self) { try DocumentFeed.value(removal[..<count]) } }
    }

    @Test("messages that promise more than they bring are refused before anything is allocated")
    func promises() {
        let head: [UInt8] = [0x44, 0x33, 0x22, 0x11, 1]
        let cases: [[UInt8]] = [
            [2] + head + [1] + [UInt8](repeating: 0, count: 8) + [0, 0, 0, 0, 0x40],
            [6] + head + [0x40], [6] + head + [0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            [3] + head + [1, 1, 1, 1, 0x61, 0xFF, 0xFF, 0x01], [3] + head + [1, 1, 1, 1, 0x61, 0xFF, 0x7F],
            [4] + head + [1, 1, 0x61, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1], [4] + head + [1, 1, 0x61, 0, 2, 1, 1],
            [9] + head,
        ]
        for bytes in cases { #expect(throws: DocumentFeedError.self) { try DocumentMessage(bytes[...]) } }
    }
}
