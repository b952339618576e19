import SkerryCRDT
import Testing

@testable import SkerryGossip

@Suite("Bytes of placement")
struct PlacementFormatTests {
    private static let key: [UInt8] = Array("list".utf8)

    private static var copy: Siblings {
        var copy = Siblings()
        copy.write(
            Array("milk".utf8), replacing: CausalContext(), as: Dot(origin: OriginID(rawValue: 0x0102_0304_0506_0708), sequence: 300))
        copy.write(nil, replacing: CausalContext(), as: Dot(origin: OriginID(rawValue: 0x1112_1314_1516_1718), sequence: 1))
        return copy
    }

    static var messages: [(name: String, message: PlacementMessage)] {
        [
            ("read", PlacementMessage(300, .read(key: key))),
            ("store", PlacementMessage(301, .store(key: key, home: nil, copy: copy))),
            ("hint", PlacementMessage(302, .store(key: key, home: MemberID(rawValue: 9), copy: copy))),
            ("write", PlacementMessage(303, .write(key: key, value: [0x61], seen: copy.context))),
            ("delete", PlacementMessage(304, .write(key: key, value: nil, seen: CausalContext()))),
            ("copy", PlacementMessage(305, .copy(copy))),
            ("stored", PlacementMessage(306, .stored)),
            ("refused", PlacementMessage(307, .refused(PlacementError(.unavailable, answers: 1)))),
            ("ask", PlacementMessage(308, .compare(fromInitiator: true, frame: [1, 2, 3]))),
            ("reply", PlacementMessage(308, .compare(fromInitiator: false, frame: [4]))),
            ("ask-ended", PlacementMessage(308, .compareEnded(fromInitiator: true))),
            ("reply-ended", PlacementMessage(308, .compareEnded(fromInitiator: false))),
        ]
    }

    private static func read(_ bytes: [UInt8]) throws -> PlacementMessage { try bytes.withUnsafeBytes { try PlacementMessage($0) } }

    @Test("messages have the bytes of the specification, and are read as they were written")
    func messages() throws {
        for (name, message) in Self.messages {
            try GoldenBytes.check("placement-\(name)", message.encoded)
            #expect(try Self.read(message.encoded) == message)
        }
        let place = PlacementRing.place(of: Self.key)
        #expect(place.stamp.rawValue == PlacementRing.position(of: Self.key))
    }

    @Test("what is cut off or changed is refused or another message, and nothing traps")
    func hostile() {
        var draws = Draws(5)
        for (_, message) in Self.messages {
            let bytes = message.encoded
            for count in bytes.indices where !message.isComparison || count < 4 {
                #expect(throws: MalformedPacket.self) { try Self.read(Array(bytes.prefix(count))) }
            }
            for _ in 0..<400 {
                var changed = bytes
                for _ in 0...draws.below(3) { changed[draws.below(changed.count)] = UInt8(draws.below(256)) }
                guard let other = try? Self.read(changed) else { continue }
                #expect((try? Self.read(other.encoded)) == other)
            }
        }
        // A copy whose version its context does not cover would be dropped by a merge as replaced.
        let uncovered = Siblings(
            versions: [Siblings.Version(dot: Dot(origin: OriginID(rawValue: 1), sequence: 2), value: [1])], context: CausalContext())
        #expect(throws: MalformedPacket.self) { try Self.read(PlacementMessage(1, .copy(uncovered)).encoded) }
        // Sequences must leave room for the next one.
        let huge = CausalContext(covering: [Dot(origin: OriginID(rawValue: 1), sequence: .max)])
        #expect(throws: MalformedPacket.self) { try Self.read(PlacementMessage(1, .write(key: [1], value: nil, seen: huge)).encoded) }
    }
}

extension PlacementMessage {
    /// Its frame may be of any length.
    fileprivate var isComparison: Bool {
        if case .compare = content { true } else { false }
    }
}
