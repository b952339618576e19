import NIOCore
import SkerrySession
import Testing

@testable import SkerryWire

/// Messages of WebSocket, as a value.
@Suite struct WebSocketFramingTests {
    // MARK: Building frames

    static func frame(
        _ opcode: UInt8, _ payload: [UInt8] = [], final: Bool = true, reserved: UInt8 = 0, mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
    ) -> [UInt8] {
        var bytes = [(final ? 0x80 : 0) | reserved << 4 | opcode]
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        switch payload.count {
        case ..<126: bytes.append(maskBit | UInt8(payload.count))
        case ..<65_536: bytes += [maskBit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default: bytes += [maskBit | 127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        bytes += mask ?? []
        bytes += payload.enumerated().map { $1 ^ (mask?[$0 & 3] ?? 0) }
        return bytes
    }

    private static func server(_ encoding: LinkTraits.Encoding = .binary, maximum: Int = 1000) -> WebSocketFraming {
        WebSocketFraming(role: .server, encoding: encoding, packetMaximum: maximum)
    }

    /// The messages read, and what the framing then has to say, byte by byte or at once.
    private static func read(_ framing: inout WebSocketFraming, _ bytes: [UInt8], piece: Int = .max) throws(LinkError) -> [[UInt8]] {
        try FramingTests.packets(&framing, bytes) { piece }
    }

    private static func replies(_ framing: inout WebSocketFraming) -> [UInt8] {
        var output = ByteBuffer()
        framing.writeReplies(into: &output)
        return Array(output.readableBytesView)
    }

    private static func goodbye(_ framing: inout WebSocketFraming, _ goodbye: Goodbye = .done) -> UInt16? {
        var output = ByteBuffer()
        framing.writeGoodbye(goodbye, into: &output)
        let bytes = Array(output.readableBytesView)
        guard bytes.count == 4, bytes[0] == 0x88, bytes[1] == 2 else { return nil }
        return UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }

    // MARK: What is right

    @Test("The examples of RFC 6455 section 5.7 are read as they say", arguments: [1, 2, 3, .max])
    func rfcExamples(_ piece: Int) throws {
        let hello = Array("Hello".utf8)
        var client = WebSocketFraming(role: .client, encoding: .text, packetMaximum: 1000)
        #expect(try Self.read(&client, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], piece: piece) == [hello])
        #expect(try Self.read(&client, [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f], piece: piece) == [hello])
        #expect(try Self.read(&client, [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], piece: piece) == [])
        var server = Self.server(.text)
        #expect(try Self.read(&server, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], piece: piece) == [hello])
        #expect(try Self.read(&server, [0x89, 0x80, 0, 0, 0, 0], piece: piece) == [])
        #expect(Self.replies(&server) == [0x8A, 0x00])
        var large = WebSocketFraming(role: .client, encoding: .binary, packetMaximum: 65_536)
        let bytes = [UInt8](repeating: 7, count: 65_536)
        #expect(
            try Self.read(&large, [0x82, 0x7E, 0x01, 0x00] + bytes.prefix(256), piece: piece == 1 ? 100 : piece) == [
                Array(bytes.prefix(256))
            ])
        #expect(try Self.read(&large, [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + bytes, piece: piece == 1 ? 100 : piece) == [bytes])
    }

    @Test("What one role writes the other reads, wherever reads cut the stream", arguments: 0..<100 as Range<UInt64>)
    func roundTrip(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let encoding: LinkTraits.Encoding = seed % 2 == 0 ? .binary : .text
        let roles: (WebSocketFraming.Role, WebSocketFraming.Role) = seed % 4 < 2 ? (.client, .server) : (.server, .client)
        var writer = WebSocketFraming(role: roles.0, encoding: encoding, packetMaximum: 100_000)
        var reader = WebSocketFraming(role: roles.1, encoding: encoding, packetMaximum: 100_000)
        let sent = (0..<Int(1 + generator.below(12))).map { number in
            Packets.packet(
                [0, 1, 7, 125, 126, 127, 65_535, 65_536, Int(generator.below(1000))][Int(generator.below(9))], seed: seed ^ UInt64(number),
                encoding)
        }
        var output = ByteBuffer()
        for packet in sent { writer.write(packet, into: &output) }
        writer.writeGoodbye(.done, into: &output)
        let longest = 1 + generator.below(generator.chance(0.5) ? 9 : 30_000)
        let received = try FramingTests.packets(&reader, Array(output.readableBytesView)) { Int(1 + generator.below(longest)) }
        #expect(received == sent)
        #expect(reader.peerGoodbye == PeerGoodbye(error: nil))
    }

    @Test("Messages in pieces with control frames between them are put together", arguments: 0..<60 as Range<UInt64>)
    func fragments(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var framing = Self.server(.text, maximum: 10_000)
        var bytes: [UInt8] = []
        var expected: [[UInt8]] = []
        var lastPing: [UInt8]?
        for _ in 0..<5 {
            let message = Packets.packet(Int(generator.below(500)), seed: generator.next(), .text)
            expected.append(message)
            var start = 0
            var isFirst = true
            repeat {
                let end = min(message.count, start + Int(generator.below(200)))
                let isLast = end == message.count && generator.chance(0.7)
                bytes += Self.frame(isFirst ? 1 : 0, Array(message[start..<end]), final: isLast)
                isFirst = false
                start = end
                if isLast { break }
                if generator.chance(0.4) {
                    lastPing = Packets.packet(Int(generator.below(126)), seed: generator.next(), .binary)
                    bytes += Self.frame(9, lastPing ?? [])
                }
                if generator.chance(0.2) { bytes += Self.frame(10, [1, 2]) }
            } while true
        }
        let longest = 1 + generator.below(100)
        #expect(try FramingTests.packets(&framing, bytes) { Int(1 + generator.below(longest)) } == expected)
        #expect(!framing.isAmidPacket)
        #expect(Self.replies(&framing) == (lastPing.map { Self.frame(10, $0, mask: nil) } ?? []))
        #expect(Self.replies(&framing) == [])
    }

    @Test("Masking is its own inverse at any offset, and agrees with the rule byte by byte", arguments: 0..<50 as Range<UInt64>)
    func masking(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let key = UInt32(truncatingIfNeeded: generator.next())
        let plain = Packets.packet(Int(generator.below(70)), seed: seed, .binary)
        let offset = Int(generator.below(9))
        var masked = plain
        masked.withUnsafeMutableBytes { WebSocketMask.apply(key, to: $0, offset: offset) }
        #expect(masked == plain.enumerated().map { $1 ^ UInt8(truncatingIfNeeded: key >> (UInt32(($0 + offset) & 3) * 8)) })
        masked.withUnsafeMutableBytes { WebSocketMask.apply(key, to: $0, offset: offset) }
        #expect(masked == plain)
    }

    @Test("Keys for masking do not repeat")
    func maskKeys() {
        var keys = WebSocketMaskKeys()
        #expect(Set((0..<1000).map { _ in keys.next() }).count > 990)
    }

    // MARK: What is wrong

    struct Offence: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var closeCode: UInt16
        var encoding = LinkTraits.Encoding.text
        var testDescription: String { name }
    }

    static let offences: [Offence] = [
        Offence(name: "not masked", bytes: frame(1, [0x41], mask: nil), closeCode: 1002),
        Offence(name: "reserved bit 1", bytes: frame(1, [0x41], reserved: 4), closeCode: 1002),
        Offence(name: "reserved bit 3", bytes: frame(1, [0x41], reserved: 1), closeCode: 1002),
        Offence(name: "reserved opcode 3", bytes: frame(3), closeCode: 1002),
        Offence(name: "reserved opcode 11", bytes: frame(11), closeCode: 1002),
        Offence(name: "continuation of nothing", bytes: frame(0, [0x41]), closeCode: 1002),
        Offence(name: "message inside a message", bytes: frame(1, [0x41], final: false) + frame(1, [0x41]), closeCode: 1002),
        Offence(name: "control frame in pieces", bytes: frame(9, [], final: false), closeCode: 1002),
        Offence(name: "long control frame", bytes: frame(9, [UInt8](repeating: 0, count: 126)), closeCode: 1002),
        Offence(name: "long form of 125", bytes: [0x81, 0xFE, 0, 125, 0, 0, 0, 0], closeCode: 1002),
        Offence(name: "longest form of 65,535", bytes: [0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0], closeCode: 1002),
        Offence(name: "length with the highest bit", bytes: [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], closeCode: 1002),
        Offence(name: "length of 2^62", bytes: [0x81, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], closeCode: 1009),
        Offence(name: "one byte too much", bytes: frame(1, [UInt8](repeating: 0x41, count: 1001)), closeCode: 1009),
        Offence(
            name: "one byte too much in pieces",
            bytes: frame(1, [UInt8](repeating: 0x41, count: 600), final: false)
                + frame(0, [UInt8](repeating: 0x41, count: 401), final: false),
            closeCode: 1009),
        Offence(
            name: "a thousand and more empty pieces",
            bytes: frame(1, [], final: false) + (0..<1024).flatMap { _ in frame(0, [], final: false) },
            closeCode: 1009),
        Offence(name: "binary where text was agreed", bytes: frame(2, [0x41]), closeCode: 1003),
        Offence(name: "text where binary was agreed", bytes: frame(1, [0x41]), closeCode: 1003, encoding: .binary),
        Offence(name: "text that is not UTF-8", bytes: frame(1, [0xC3, 0x28]), closeCode: 1007),
        Offence(name: "text cut inside a character", bytes: frame(1, [0xC3]), closeCode: 1007),
        Offence(name: "a surrogate", bytes: frame(1, [0xED], final: false) + frame(0, [0xA0, 0x80]), closeCode: 1007),
        Offence(name: "close of one byte", bytes: frame(8, [3]), closeCode: 1002),
        Offence(name: "close code 1005", bytes: frame(8, [3, 0xED]), closeCode: 1002),
        Offence(name: "close code 999", bytes: frame(8, [3, 0xE7]), closeCode: 1002),
        Offence(name: "close code 5000", bytes: frame(8, [0x13, 0x88]), closeCode: 1002),
        Offence(name: "reason that is not UTF-8", bytes: frame(8, [3, 0xE8, 0xFF]), closeCode: 1007),
    ]

    @Test("What breaks the rules is refused with the right code, in one read or byte by byte", arguments: offences)
    func offence(_ offence: Offence) {
        for piece in [1, 2, .max] {
            var framing = Self.server(offence.encoding)
            let error = #expect(throws: LinkError.self) { try Self.read(&framing, offence.bytes, piece: piece) }
            #expect(error?.code == (offence.closeCode == 1009 ? .packetTooLarge : .malformed))
            #expect(error?.isRetryable == false)
            #expect(Self.goodbye(&framing, .failed(.malformed)) == offence.closeCode)
        }
    }

    @Test("A client refuses masked frames")
    func maskedServer() {
        var framing = WebSocketFraming(role: .client, encoding: .text, packetMaximum: 1000)
        #expect(throws: LinkError.self) { try Self.read(&framing, Self.frame(1, [0x41])) }
    }

    @Test("A thousand pings in one read are answered once, with the last")
    func pingFlood() throws {
        var framing = Self.server()
        #expect(try Self.read(&framing, (0..<1000).flatMap { Self.frame(9, [UInt8($0 & 0xFF)]) }) == [])
        #expect(Self.replies(&framing) == [0x8A, 1, UInt8(999 & 0xFF)])
    }

    @Test(
        "The peer's close code says what to do",
        arguments: [
            (1000, nil), (1001, .stopped), (1002, .rejected), (1008, .rejected), (1009, .rejected), (1011, .reset), (1012, .stopped),
            (1013, .stopped),
            (3000, .other), (4999, .other),
        ] as [(UInt16, LinkError.Code?)])
    func closeCodes(_ code: UInt16, _ meaning: LinkError.Code?) throws {
        var framing = Self.server()
        let reason = Array("see you".utf8)
        #expect(try Self.read(&framing, Self.frame(8, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason) + [0xFF, 0xFF]) == [])
        #expect(framing.peerGoodbye != nil)
        #expect(framing.peerGoodbye?.error?.code == meaning)
        if meaning != nil { #expect(framing.peerGoodbye?.error?.message.contains("see you") == true) }
    }

    @Test("An empty close frame is polite, and this side says 1000, or 1001 when it stops")
    func goodbyes() throws {
        var framing = Self.server()
        _ = try Self.read(&framing, Self.frame(8))
        #expect(framing.peerGoodbye == PeerGoodbye(error: nil))
        #expect(Self.goodbye(&framing) == 1000)
        var second = Self.server()
        #expect(Self.goodbye(&second, .stopping) == 1001)
        var third = Self.server()
        #expect(Self.goodbye(&third, .failed(.timedOut)) == 1008)
    }

    @Test("Random bytes are refused or read, but break nothing", arguments: 0..<300 as Range<UInt64>)
    func noise(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var framing = Self.server(seed % 2 == 0 ? .binary : .text)
        var bytes: [UInt8] = []
        for _ in 0..<20 {
            bytes += Self.frame(
                UInt8(generator.below(11)), Packets.packet(Int(generator.below(40)), seed: generator.next(), .text),
                final: generator.chance(0.6))
        }
        for _ in 0...generator.below(5) { bytes[Int(generator.below(UInt64(bytes.count)))] = UInt8(truncatingIfNeeded: generator.next()) }
        let messages = try? FramingTests.packets(&framing, bytes) { Int(1 + generator.below(30)) }
        #expect((messages ?? []).allSatisfy { $0.count <= 1000 })
    }
}
