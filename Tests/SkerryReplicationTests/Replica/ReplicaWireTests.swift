import SkerryCRDT
import SkerryGossip
import SkerryMerge
@testable import SkerryReplication
import Testing

@Suite("Messages of replicas")
struct ReplicaWireTests {
    private static var messages: [(name: String, message: ReplicaMessage, hex: String)] {
        let origins = [OriginID(rawValue: 0x0102_0304_0506_0708), OriginID(rawValue: 9)]
        let header = ReplicaHeader(
            cluster: 7, origin: origins[0], direction: .writeOnly, tail: true, isEmpty: false, tag: 0xA1B2_C3D4,
            metadata: [("name", "hull"), ("room", "ä")])
        let mark = FeedMark(
            origin: origins[1],
            position: FeedPosition(sequence: 300, link: .zero, stamp: HybridTimestamp(milliseconds: 1_700_000_000_000, count: 2)))
        return [
            (
                "header", .header(header),
                "10534b525001" + "0700000000000000" + "0807060504030201" + "09" + "d4c3b2a1" + "02" + "046e616d65" + "0468756c6c"
                    + "04726f6f6d"
                    + "02c3a4"
            ),
            (
                "request", .request(tag: 5, [Dot(origin: origins[1], sequence: 300), Dot(origin: origins[0], sequence: 1)]),
                "11" + "05000000" + "02" + "0900000000000000" + "ac02" + "0807060504030201" + "01"
            ),
            (
                "marks", .marks(tag: 5, isLast: true, [mark]),
                "12" + "05000000" + "01" + "01" + "0900000000000000" + "ac02" + String(repeating: "00", count: 32) + "0200" + "0068e5cf8b01"
            ),
            ("end", .end, "14"),
            ("checked", .checked([1, 2, 3]), "13" + Self.hex(ReplicaMessage.checksum([1, 2, 3]).byteSwapped.replicaBytes) + "010203"),
            (
                "join", .join(tag: 7, JoinRequest(site: 5, epoch: 300, formerSelves: [OriginID(rawValue: 1), OriginID(rawValue: 2)])),
                "15" + "07000000" + "0500000000000000" + "ac02" + "02" + "0100000000000000" + "0200000000000000"
            ),
            (
                "registry",
                .registry(
                    tag: 7, isLast: true, [Retention.Record(key: [3], value: [8, 0, 0, 0, 0, 0, 0, 0])],
                    superseded: [Dot(origin: OriginID(rawValue: 1), sequence: 300)]),
                "16" + "07000000" + "01" + "01" + "0103" + "080800000000000000" + "01" + "0100000000000000" + "ac02"
            ),
            ("turned away", .turnedAway(tag: 7, .unwelcome), "17" + "07000000" + "02"),
        ]
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("U-18: every message of replicas is written as its format says, and read back as it was")
    func golden() throws {
        for (name, message, hex) in Self.messages {
            #expect(Self.hex(message.encoded) == hex, "\(name)")
            #expect(try ReplicaMessage(decoding: message.encoded) == message, "\(name)")
        }
        // FNV-1a of 64 bits: the published values of "" and "a".
        #expect(ReplicaMessage.checksum([]) == 0xCBF2_9CE4_8422_2325)
        #expect(ReplicaMessage.checksum(Array("a".utf8)[...]) == 0xAF63_DC4C_8601_EC8C)
    }

    @Test("U-07: hostile bytes never trap, and what is read is what would be written", arguments: 0..<8)
    func hostile(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for (_, message, _) in Self.messages {
            let good = message.encoded
            for length in 0..<good.count { #expect(throws: FormatError.self) { try ReplicaMessage(decoding: Array(good[..<length])) } }
            for _ in 0..<200 {
                var bytes = good
                for _ in 0...random.next() % 3 {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
                if let read = try? ReplicaMessage(decoding: bytes) { #expect(read.encoded == bytes) }
            }
        }
    }
}
