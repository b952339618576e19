import NIOCore
import SkerrySession
import Testing

@testable import SkerryWire

/// Packets behind their length, as a value: bytes in, packets out.
@Suite struct FramingTests {
    /// Feeds bytes in pieces and returns the packets that came out.
    static func packets(
        _ framing: inout some PacketFraming, _ bytes: [UInt8], pieces: () -> Int
    ) throws(LinkError) -> [[UInt8]] {
        var packets: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + max(1, pieces()))
            try Array(bytes[start..<end]).withRawBytes { bytes throws(LinkError) in
                try framing.read(bytes) { packets.append(Array($0)) }
            }
            start = end
        }
        return packets
    }

    @Test("The bytes on the wire are the length in four bytes, big-endian, and the packet")
    func goldenBytes() {
        var framing = LengthFraming(packetMaximum: 1000)
        var output = ByteBuffer()
        framing.write([], into: &output)
        framing.write(Array("skerry".utf8), into: &output)
        framing.write([UInt8](repeating: 0xAB, count: 258), into: &output)
        framing.writeGoodbye(.done, into: &output)
        let bytes = Array(output.readableBytesView)
        #expect(
            bytes == [0, 0, 0, 0] + [0, 0, 0, 6] + Array("skerry".utf8) + [0, 0, 1, 2] + [UInt8](repeating: 0xAB, count: 258) + [
                255, 255, 255, 255,
            ])
    }

    @Test("Wherever reads cut the stream, the same packets come out", arguments: 0..<200 as Range<UInt64>)
    func splits(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let sent = (0..<Int(1 + generator.below(20))).map { number in
            Packets.packet(Int(generator.below(generator.chance(0.1) ? 100_000 : 40)), seed: seed ^ UInt64(number), .binary)
        }
        var writer = LengthFraming(packetMaximum: 100_000)
        var output = ByteBuffer()
        for packet in sent { writer.write(packet, into: &output) }
        writer.writeGoodbye(.done, into: &output)
        var reader = LengthFraming(packetMaximum: 100_000)
        let longest = 1 + generator.below(generator.chance(0.5) ? 8 : 20_000)
        let received = try Self.packets(&reader, Array(output.readableBytesView)) { Int(1 + generator.below(longest)) }
        #expect(received == sent)
        #expect(reader.peerGoodbye == PeerGoodbye(error: nil))
        #expect(!reader.isAmidPacket)
    }

    @Test("A length above the maximum is refused before a byte of it has come", arguments: [1001, 0x4745_5420, 0xFFFF_FFFE])
    func oversized(_ length: UInt32) {
        for piece in 1...4 {
            var framing = LengthFraming(packetMaximum: 1000)
            let bytes = withUnsafeBytes(of: length.bigEndian) { Array($0) }
            let error = #expect(throws: LinkError.self) { try Self.packets(&framing, bytes) { piece } }
            #expect(error?.code == .packetTooLarge)
        }
    }

    @Test("A packet of exactly the maximum passes")
    func maximum() throws {
        var framing = LengthFraming(packetMaximum: 1000)
        let packet = Packets.packet(1000, seed: 3, .binary)
        #expect(try Self.packets(&framing, [0, 0, 3, 0xE8] + packet) { 7 } == [packet])
    }

    @Test("Bytes behind the goodbye are refused, in the same read and later", arguments: [1, 100])
    func behindGoodbye(_ piece: Int) throws {
        var framing = LengthFraming(packetMaximum: 1000)
        let error = #expect(throws: LinkError.self) { try Self.packets(&framing, [255, 255, 255, 255, 0]) { piece } }
        #expect(error?.code == .malformed)
    }

    @Test("A header without its packet is noticed as amid a packet, and takes no room in advance")
    func partial() throws {
        var framing = LengthFraming(packetMaximum: 1 << 20)
        #expect(try Self.packets(&framing, [0, 0x10, 0, 0, 1, 2, 3]) { 2 } == [])
        #expect(framing.isAmidPacket)
        #expect(framing.partialCapacity < 1024)
    }
}
