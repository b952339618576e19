import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Compression of columns")
struct CompressionTests {
    /// Noise, one byte, few letters, mostly blanks, repeats near and far, counting numbers.
    static func bytes(seed: Int) -> [UInt8] {
        var random = CheckRandom(seed: seed)
        let count = random.below(seed % 5 == 0 ? 200_000 : 3000)
        var bytes: [UInt8] = []
        while bytes.count < count {
            switch seed % 6 {
            case 0: bytes.append(UInt8(random.below(256)))
            case 1: bytes.append(7)
            case 2: bytes.append(UInt8(97 + random.below(4)))
            case 3: bytes.append(random.chance(90) ? 32 : UInt8(random.below(256)))
            case 4 where bytes.count > 10 && random.chance(60):
                let start = random.below(bytes.count), length = random.below(random.chance(10) ? 600 : 20)
                for index in start..<start + length { bytes.append(bytes[index]) }
            default: bytes.append(UInt8(truncatingIfNeeded: bytes.count / 3 &* random.below(3)))
            }
        }
        return bytes
    }

    @Test("gives back what it was given, and never claims more than its ratio", arguments: 0..<120)
    func roundTrip(seed: Int) throws {
        let bytes = Self.bytes(seed: seed)
        var writer = ByteWriter()
        bytes.withUnsafeBufferPointer { Compression.compress($0, into: &writer) }
        var back = RawArray<UInt8>()
        back.append(99)
        try Compression.decompress(writer.bytes.elements, count: bytes.count, into: &back)
        #expect(Array(back.elements) == [99] + bytes)
        #expect(bytes.count / Compression.ratioMaximum <= writer.bytes.count)
    }

    @Test("damaged bytes are refused or read as others, and never trap", arguments: 0..<60)
    func damaged(seed: Int) {
        var random = CheckRandom(seed: seed)
        let bytes = Self.bytes(seed: seed * 5 + 1)
        var writer = ByteWriter()
        bytes.withUnsafeBufferPointer { Compression.compress($0, into: &writer) }
        let whole = writer.finish()
        for _ in 0..<30 {
            var damaged = whole
            for _ in 0..<1 + random.below(3) where !damaged.isEmpty { damaged[random.below(damaged.count)] ^= UInt8(1 << random.below(8)) }
            if random.chance(30) { damaged.removeLast(random.below(damaged.count + 1)) }
            var back = RawArray<UInt8>()
            damaged.withUnsafeBufferPointer { source in
                do throws(DocumentError) {
                    try Compression.decompress(source, count: bytes.count, into: &back)
                    #expect(back.count == bytes.count)
                } catch { #expect((error as? DocumentError)?.code == .corrupt) }
            }
        }
    }

    @Test("a code of bytes as skewed as can be keeps to twelve bits and is a code")
    func skewed() {
        var counts = [UInt32](repeating: 0, count: 256)
        var next: (UInt32, UInt32) = (1, 1)
        for byte in 0..<40 {
            counts[byte] = next.0
            next = (next.1, next.0 &+ next.1)
        }
        let code = counts.withUnsafeBufferPointer { HuffmanCode(counts: $0.baseAddress!) }
        #expect(code.lengths.allSatisfy { Int($0) <= HuffmanCode.lengthMaximum })
        #expect(code.lengths[0..<40].allSatisfy { $0 > 0 })
        #expect(code.lengths.reduce(0) { $0 + ($1 > 0 ? 1 << (12 - Int($1)) : 0) } <= 4096)
    }
}
