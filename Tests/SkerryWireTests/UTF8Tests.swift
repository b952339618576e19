import SkerrySession
import Testing

@testable import SkerryWire

@Suite struct UTF8Tests {
    private static func agrees(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes(UTF8Check.isValid) == (String(validating: bytes, as: UTF8.self) != nil)
    }

    @Test("Every sequence of up to two bytes, and all three-byte ones with a lead, are judged as the library judges them")
    func exhaustive() {
        for first in UInt8.min ... .max {
            #expect(Self.agrees([first]))
            for second in UInt8.min ... .max where !Self.agrees([first, second]) { Issue.record("\(first) \(second)") }
        }
        for first in UInt8(0xE0)...0xF7 {
            for second in stride(from: UInt8(0x70), through: 0xD0, by: 1) {
                for third: UInt8 in [0x00, 0x7F, 0x80, 0xBF, 0xC0] {
                    for rest in [[], [0x80], [0xBF], [0xC0], [0x41]] as [[UInt8]] where !Self.agrees([first, second, third] + rest) {
                        Issue.record("\(first) \(second) \(third) \(rest)")
                    }
                }
            }
        }
    }

    @Test("Damaged text is found wherever the damage is", arguments: 0..<100 as Range<UInt64>)
    func damaged(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bytes = Packets.packet(Int(generator.below(200)), seed: seed, .text)
        #expect(bytes.withUnsafeBytes(UTF8Check.isValid))
        for _ in 0...generator.below(4) where !bytes.isEmpty {
            bytes[Int(generator.below(UInt64(bytes.count)))] ^= UInt8(truncatingIfNeeded: generator.next())
        }
        #expect(Self.agrees(bytes))
    }
}
