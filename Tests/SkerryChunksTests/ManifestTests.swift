import SkerryChunks
import SkerryStorage
import Testing

@Suite struct ManifestTests {
    private func makeEntries(_ count: Int, seed: UInt64 = 1) -> [ManifestEntry] {
        var random = SplitMix(seed: seed)
        return (0..<count).map {
            ManifestEntry(
                digest: Digest(of: Array("\(seed) \($0)".utf8)),
                length: Int.random(in: 1...(1 << Int.random(in: 0...24, using: &random)), using: &random))
        }
    }

    private func decode(_ bytes: [UInt8]) throws(StorageError) -> Manifest { try Manifest(decoding: bytes[...]) }

    // MARK: The format

    static let golden = Manifest([
        ManifestEntry(digest: Digest(of: Array("skerry".utf8)), length: 6),
        ManifestEntry(digest: Digest(of: [UInt8](repeating: UInt8(ascii: "a"), count: 300_000)), length: 300_000),
    ])

    /// The worked example of `docs/formats/manifest.md`.
    static let goldenHex = """
        536b4d66 01 02 \
        afe86b1f7924d4bbeb58c4c7060ccff9210969484dbda3fe6c751c726d90897a 06 \
        12e1b9b179b29a4f7e5889b185d7ac71bff0ad1f49a7b391d0911b737a0f5381 e0a712
        """

    @Test func `golden bytes stay as they are`() throws {
        let bytes = hexBytes(ManifestTests.goldenHex)
        #expect(ManifestTests.golden.encoded() == bytes)
        #expect(ManifestTests.golden.digest.description == "6878ad96736421f1c3af41337a0bf3a0d698ee9b887bdb418a2809cfd2beebe9")
        #expect(try decode(bytes) == ManifestTests.golden)
        #expect(try decode(bytes).entries == ManifestTests.golden.entries)
    }

    @Test("decoding inverts encoding, and the name is that of the bytes", arguments: [1, 2, 127, 128, 1023, 1024])
    func roundTrip(count: Int) throws {
        let manifest = Manifest(makeEntries(count))
        let bytes = manifest.encoded()
        #expect(manifest.digest == Digest(of: bytes))
        let decoded = try Manifest(decoding: bytes[...], expected: manifest.digest)
        #expect(decoded.entries == manifest.entries)
        #expect(decoded.digest == manifest.digest)
        #expect(decoded.totalLength == manifest.entries.reduce(0) { $0 + UInt64($1.length) })
        #expect(bytes.count <= 7 + count * 36)
    }

    @Test func `every cut short and every changed frame is corrupt, never a trap`() {
        let bytes = Manifest(makeEntries(3)).encoded()
        for length in 0..<bytes.count {
            #expect(code(of: Array(bytes.prefix(length))) == .corrupt)
        }
        #expect(code(of: bytes + [0]) == .corrupt)
        for (index, byte) in [(0, 0x53 ^ 1), (3, 0), (4, 0), (5, 0), (5, 2), (5, 4)] as [(Int, UInt8)] {
            var changed = bytes
            changed[index] = byte
            #expect(code(of: changed) == .corrupt, "byte \(index)")
        }
    }

    @Test func `a later version is named as such`() {
        var bytes = ManifestTests.golden.encoded()
        bytes[4] = 2
        #expect(code(of: bytes) == .newerFormat)
    }

    @Test func `lengths of zero, over the limit, and longer than they need to be are corrupt`() {
        let frame = hexBytes("536b4d66 01 01") + [UInt8](repeating: 7, count: 32)
        #expect(code(of: frame + [1]) == nil)
        #expect(code(of: frame + [0]) == .corrupt)
        #expect(code(of: frame + [0x81, 0x00]) == .corrupt)
        #expect(code(of: frame + [0x80, 0x80, 0x80, 0x08]) == nil)
        #expect(code(of: frame + [0x81, 0x80, 0x80, 0x08]) == .corrupt)
        #expect(code(of: frame + [UInt8](repeating: 0xFF, count: 9) + [0x01]) == .corrupt)
        let many = hexBytes("536b4d66 01 8108") + [UInt8](repeating: 7, count: 1025 * 33)
        #expect(code(of: many) == .corrupt)
    }

    @Test func `bytes under another name are corrupt`() {
        let bytes = ManifestTests.golden.encoded()
        #expect(code(of: bytes, expected: Digest(of: [1])) == .corrupt)
    }

    @Test func `random bytes behind a good head give a value or an error`() {
        for seed in 0..<2_000 as Range<UInt64> {
            let bytes = hexBytes("536b4d66 01") + randomBytes(Int(seed % 300), seed: seed)
            guard let manifest = try? decode(bytes) else { continue }
            #expect(manifest.encoded() == bytes)
        }
    }

    // MARK: Ranges

    @Test func `finds the entry of every byte`() {
        let manifest = Manifest(
            [3, 1, 1, 5, 2].enumerated().map { ManifestEntry(digest: Digest(of: [UInt8($0.offset)]), length: $0.element) })
        let owners = [0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 4, 4]
        let starts: [UInt64] = [0, 3, 4, 5, 10]
        #expect(manifest.totalLength == 12)
        for (offset, owner) in owners.enumerated() {
            let position = manifest.entry(containing: UInt64(offset))
            #expect(position?.index == owner)
            #expect(position?.start == starts[owner])
            #expect(position?.offset == offset - Int(starts[owner]))
        }
        #expect(manifest.entry(containing: 12) == nil)
        #expect(manifest.entry(containing: .max) == nil)
    }

    @Test func `the pieces of a range are its bytes`() {
        let manifest = Manifest(makeEntries(40, seed: 3).map { ManifestEntry(digest: $0.digest, length: $0.length % 9 + 1) })
        // Each byte of the stretch as (entry, byte within it).
        let all = manifest.entries.flatMap { entry in (0..<entry.length).map { (entry.digest, $0) } }
        for lower in 0...all.count {
            for upper in [lower, lower + 1, lower + 7, all.count, all.count + 5] where upper >= lower {
                let pieces = manifest.pieces(in: UInt64(lower)..<UInt64(upper))
                let found = pieces.flatMap { piece in piece.range.map { (piece.entry.digest, $0) } }
                #expect(found.elementsEqual(all[lower..<min(upper, all.count)], by: ==))
                #expect(pieces.allSatisfy { !$0.range.isEmpty })
            }
        }
    }

    // MARK: Long lists

    @Test("a list of any length splits into full manifests and a rest", arguments: [0, 1, 1023, 1024, 1025, 2048, 5000])
    func split(count: Int) {
        let entries = makeEntries(count)
        let manifests = Manifest.split(entries)
        #expect(manifests.flatMap(\.entries) == entries)
        #expect(manifests.dropLast().allSatisfy { $0.entries.count == 1024 })
        #expect(manifests.count == (count + 1023) / 1024)
    }

    @Test func `a 5 GiB object takes about twenty manifests`() {
        let entries = repeatElement(ManifestEntry(digest: Digest(of: [1]), length: 290_000), count: (5 << 30) / 290_000)
        #expect((15...22).contains(Manifest.split(entries).count))
    }

    /// The code of the error that decoding gives; `nil` where it succeeds.
    private func code(of bytes: [UInt8], expected: Digest? = nil) -> StorageError.Code? {
        do {
            _ = try Manifest(decoding: bytes[...], expected: expected)
            return nil
        } catch {
            return error.code
        }
    }

    private func hexBytes(_ text: String) -> [UInt8] {
        let digits = text.filter { $0 != " " }.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }
}
