@testable import SkerryChunks
import Testing

@Suite struct ChunkerTests {
    static let small = ChunkSizes(minimum: 256, average: 1024, maximum: 4096) ?? .standard

    // MARK: The format

    @Test func `the gear table is that of the format, for ever`() {
        #expect(GearTable.words[0] == 0x630d_41a3_6539_20b3)
        #expect(GearTable.words[255] == 0xbc04_f09e_c7c2_cb5b)
        let bytes = (0..<256).flatMap { index in (0..<8).map { UInt8(truncatingIfNeeded: GearTable.words[index] >> (56 - 8 * $0)) } }
        #expect(Digest(of: bytes).description == "ba0107df7be68742ad687c5fde990509c49f43f8d1517f53315587f77a84f691")
    }

    /// Lengths worked out by another program from the text of the format.
    @Test func `golden data is cut where it always was`() {
        #expect(
            chunkLengths(of: randomBytes(8 << 20, seed: 1), .standard) { 1 << 20 } == [
                340817, 381200, 288856, 275386, 354331, 297061, 296409, 292316, 360275, 335227, 268154, 446951, 135108, 306377, 286144,
                182311, 196437, 264816, 137898, 89702, 153169, 598945, 307069, 324297, 313981, 312327, 364074, 293392, 185578,
            ])
        let lengths = chunkLengths(of: randomBytes(100_000, seed: 2), ChunkerTests.small) { 4096 }
        #expect(lengths.count == 92)
        let bytes = lengths.flatMap { length in (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } }
        #expect(Digest(of: bytes).description == "8052b44fd2a0a3dedb454e856e762f752a6fcfa3aad7ed8d710036f46f4a1a7c")
    }

    // MARK: Laws

    @Test("agrees with the format byte by byte, whatever the pieces", arguments: 0..<12 as Range<UInt64>)
    func agreesWithReference(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let sizes = try #require(
            [
                ChunkerTests.small, ChunkSizes(minimum: 64, average: 128, maximum: 300),
                ChunkSizes(minimum: 130, average: 256, maximum: 257),
            ][
                Int(seed) % 3])
        var bytes = randomBytes(Int.random(in: 0..<20_000, using: &random), seed: seed)
        // Stretches of one byte never or always cut.
        if bytes.count > 9_000 { bytes.replaceSubrange(3_000..<9_000, with: repeatElement(UInt8(seed), count: 6_000)) }
        let expected = ReferenceChunker(sizes: sizes).lengths(of: bytes)
        #expect(expected.reduce(0, +) == bytes.count)
        for largest in [1, 7, 64, 1_000, 100_000] {
            #expect(chunkLengths(of: bytes, sizes) { Int.random(in: 0...largest, using: &random) } == expected)
        }
    }

    /// The positions where one rule takes over from another: the first that may be cut, the first with the loose mask, the last.
    @Test func `the first cut agrees at the minimum, the average and the maximum`() throws {
        let sizes = try #require(ChunkSizes(minimum: 64, average: 128, maximum: 300))
        let reference = ReferenceChunker(sizes: sizes)
        var found: Set<Int> = []
        for seed in 0..<1_500 as Range<UInt64> {
            let bytes = randomBytes(310, seed: seed)
            var chunker = Chunker(sizes)
            let length = chunker.nextCut(in: bytes, from: 0, isLast: true)
            #expect(length == reference.lengths(of: bytes).first)
            if let length { found.insert(length) }
        }
        #expect(found.isSuperset(of: [64, 127, 128, 300]))
    }

    @Test func `one byte at the front of 64 MiB makes few chunks new`() {
        let bytes = randomBytes(64 << 20, seed: 7)
        let before = names(of: bytes)
        let after = names(of: [42] + bytes)
        let new = after.filter { before[$0.key] == nil }
        #expect(new.count <= 4)
        #expect(new.values.reduce(0, +) < 2 << 20)
    }

    @Test func `an edit in the middle changes chunks about it alone`() {
        var bytes = randomBytes(16 << 20, seed: 8)
        let before = names(of: bytes)
        bytes.replaceSubrange(5_000_000..<5_000_100, with: randomBytes(50, seed: 1))
        let new = names(of: bytes).filter { before[$0.key] == nil }
        #expect(!new.isEmpty)
        #expect(new.values.reduce(0, +) < 3 << 20)
    }

    @Test func `sizes keep to their bounds and gather about the average`() {
        let lengths = chunkLengths(of: randomBytes(64 << 20, seed: 11), .standard) { 1 << 20 }.dropLast()
        #expect(lengths.allSatisfy { (64 << 10...1 << 20).contains($0) })
        let mean = lengths.reduce(0, +) / lengths.count
        #expect((256 << 10...330 << 10).contains(mean), "mean \(mean)")
        // Normalised chunking of level 2: about one in six below the average, very few at the maximum.
        let below = Double(lengths.filter { $0 < 256 << 10 }.count) / Double(lengths.count)
        #expect((0.08...0.28).contains(below), "\(below) below the average")
        #expect(lengths.filter { $0 == 1 << 20 }.count <= 2)
    }

    @Test func `zeros are cut at the maximum, into equal chunks`() {
        let lengths = chunkLengths(of: [UInt8](repeating: 0, count: 3 << 20 | 5), .standard) { 1 << 19 }
        #expect(lengths == [1 << 20, 1 << 20, 1 << 20, 5])
    }

    // MARK: Edges

    @Test func `short and empty ends are handed out`() {
        var chunker = Chunker()
        let bytes = randomBytes(1_000, seed: 1)
        bytes.withUnsafeBytes { buffer in
            #expect(chunker.nextCut(in: UnsafeRawBufferPointer(rebasing: buffer[..<0]), isLast: true) == nil)
            #expect(chunker.nextCut(in: buffer, isLast: false) == nil)
            #expect(chunker.nextCut(in: buffer, isLast: true) == 1_000)
            #expect(chunker.nextCut(in: UnsafeRawBufferPointer(start: nil, count: 0), isLast: true) == nil)
        }
    }

    @Test func `a chunker used again, and a copy of one midway, cut alike`() {
        let bytes = randomBytes(3 << 20, seed: 12)
        let expected = chunkLengths(of: bytes, .standard) { 100_000 }
        var chunker = Chunker()
        for _ in 0..<2 {
            #expect(chunker.nextCut(in: Array(bytes.prefix(expected[0] - 1)), from: 0, isLast: false) == nil)
            var copy = chunker
            #expect(copy.nextCut(in: bytes, from: 0, isLast: false) == expected[0])
            var start = 0
            var lengths: [Int] = []
            while let length = chunker.nextCut(in: bytes, from: start, isLast: true) {
                lengths.append(length)
                start += length
            }
            #expect(lengths == expected)
        }
    }

    @Test func `a buffer that shrank is a mistake of the caller`() async {
        await #expect(processExitsWith: .failure) {
            var chunker = Chunker()
            let bytes = [UInt8](repeating: 0, count: 200_000)
            bytes.withUnsafeBytes { buffer in
                _ = chunker.nextCut(in: buffer, isLast: false)
                _ = chunker.nextCut(in: UnsafeRawBufferPointer(rebasing: buffer[..<100_000]), isLast: false)
            }
        }
    }

    @Test func `sizes that make no sense are refused`() {
        #expect(ChunkSizes(minimum: 64 << 10, average: 256 << 10, maximum: 1 << 20) == .standard)
        #expect(ChunkSizes(average: 256 << 10) == .standard)
        #expect(ChunkSizes(minimum: 63, average: 256, maximum: 1024) == nil)
        #expect(ChunkSizes(minimum: 256, average: 256, maximum: 1024) == nil)
        #expect(ChunkSizes(minimum: 64, average: 256, maximum: 256) == nil)
        #expect(ChunkSizes(minimum: 64, average: 300, maximum: 1024) == nil)
        #expect(ChunkSizes(minimum: 64, average: 256, maximum: 16 << 20 | 1) == nil)
        #expect(ChunkSizes(average: 1 << 62) == nil)
        #expect(ChunkSizes(average: 0) == nil)
        #expect(ChunkSizes(average: -4) == nil)
        for average in [64 << 10, 256 << 10, 1 << 20] { #expect(ChunkSizes(average: average) != nil) }
    }

    @Test func `objects up to 256 KiB are whole`() {
        #expect(ChunkPolicy.standard.isWhole(length: 0))
        #expect(ChunkPolicy.standard.isWhole(length: 256 << 10))
        #expect(!ChunkPolicy.standard.isWhole(length: 256 << 10 | 1))
        #expect(!ChunkPolicy.standard.isWhole(length: .max))
        #expect(ChunkPolicy(wholeMaximum: 5 << 20, sizes: .standard).wholeMaximum == 1 << 20)
    }

    private func names(of bytes: [UInt8]) -> [Digest: Int] {
        var start = 0
        var names: [Digest: Int] = [:]
        for length in chunkLengths(of: bytes, .standard, pieces: { 1 << 20 }) {
            names[Digest(of: bytes[start..<start + length])] = length
            start += length
        }
        return names
    }
}

extension Chunker {
    fileprivate mutating func nextCut(in bytes: [UInt8], from start: Int, isLast: Bool) -> Int? {
        bytes.withUnsafeBytes { nextCut(in: UnsafeRawBufferPointer(rebasing: $0[start...]), isLast: isLast) }
    }
}
