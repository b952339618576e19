import CSkerryKernels
import Crypto
import SkerryChunks
import Testing

@Suite struct ChecksumTests {
    static let digits = Array("123456789".utf8)

    /// Check values of the CRC catalogue (reveng) and of FIPS 180-4 implementations.
    @Test(
        "agrees with the published check values",
        arguments: [
            (ChecksumAlgorithm.crc32, "cbf43926"), (.crc32c, "e3069283"), (.crc64nvme, "ae8b14860a799888"),
            (.sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (.sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ])
    func checkValues(algorithm: ChecksumAlgorithm, hex: String) {
        let value = ChecksumValue(algorithm, of: ChecksumTests.digits)
        #expect(value.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == hex)
        #expect(value.bytes.count == algorithm.byteCount)
        #expect(ChecksumValue(algorithm, base64: value.base64) == value)
    }

    @Test("is the same in pieces as at once", arguments: ChecksumAlgorithm.allCases)
    func pieces(algorithm: ChecksumAlgorithm) {
        var random = SplitMix(seed: 5)
        for _ in 0..<40 {
            let bytes = randomBytes(Int.random(in: 0..<5_000, using: &random), seed: random.next())
            var state = ChecksumState(algorithm)
            #expect(state.algorithm == algorithm)
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...min(rest.count, 700), using: &random)
                rest.prefix(count).withUnsafeBytes { state.update($0) }
                rest = rest.dropFirst(count)
            }
            #expect(state.finalize() == ChecksumValue(algorithm, of: bytes))
        }
    }

    @Test func `the fast kernels agree with the tables at every length and alignment`() {
        let bytes = randomBytes(2_048, seed: 9)
        bytes.withUnsafeBytes { all in
            for length in 0..<1_024 {
                let part = UnsafeRawBufferPointer(rebasing: all[(length % 37)..<(length % 37 + length)])
                let seed = UInt64(length) &* 0x9E37_79B9_7F4A_7C15
                #expect(
                    skerry_crc32(UInt32(truncatingIfNeeded: seed), part.baseAddress, part.count)
                        == skerry_crc32_portable(UInt32(truncatingIfNeeded: seed), part.baseAddress, part.count))
                #expect(
                    skerry_crc64nvme(seed, part.baseAddress, part.count) == skerry_crc64nvme_portable(seed, part.baseAddress, part.count))
            }
        }
    }

    @Test func `the tables agree with division bit by bit`() {
        func plain(_ bytes: [UInt8], polynomial: UInt64, ones: UInt64) -> UInt64 {
            var register = ones
            for byte in bytes {
                register ^= UInt64(byte)
                for _ in 0..<8 { register = register >> 1 ^ (register & 1 == 1 ? polynomial : 0) }
            }
            return register ^ ones
        }
        for length in [0, 1, 7, 8, 9, 100, 1_000] {
            let bytes = randomBytes(length, seed: UInt64(length))
            #expect(UInt64(skerry_crc32_portable(0, bytes, bytes.count)) == plain(bytes, polynomial: 0xEDB8_8320, ones: 0xFFFF_FFFF))
            #expect(skerry_crc64nvme_portable(0, bytes, bytes.count) == plain(bytes, polynomial: 0x9A6C_9329_AC4B_C9B5, ones: .max))
        }
    }

    @Test("combines as the bytes do", arguments: [ChecksumAlgorithm.crc32, .crc32c, .crc64nvme])
    func combine(algorithm: ChecksumAlgorithm) {
        var random = SplitMix(seed: 17)
        for length in [0, 1, 2, 7, 8, 63, 64, 1_000, 65_537] {
            let a = randomBytes(Int.random(in: 0..<3_000, using: &random), seed: random.next())
            let b = randomBytes(length, seed: random.next())
            let combined = ChecksumValue.combine(
                ChecksumValue(algorithm, of: a), ChecksumValue(algorithm, of: b), lengthB: UInt64(length))
            #expect(combined == ChecksumValue(algorithm, of: a + b))
        }
    }

    @Test("combining is associative, for lengths nobody can hash here", arguments: [ChecksumAlgorithm.crc32, .crc32c, .crc64nvme])
    func associative(algorithm: ChecksumAlgorithm) throws {
        let parts = (0..<3 as Range<UInt64>).map { ChecksumValue(algorithm, of: randomBytes(50, seed: $0)) }
        let lengths: [UInt64] = [5 << 40, 50 << 40, 1 << 40 + 3]
        let ab = try #require(ChecksumValue.combine(parts[0], parts[1], lengthB: lengths[1]))
        let bc = try #require(ChecksumValue.combine(parts[1], parts[2], lengthB: lengths[2]))
        #expect(
            ChecksumValue.combine(ab, parts[2], lengthB: lengths[2])
                == ChecksumValue.combine(parts[0], bc, lengthB: lengths[1] + lengths[2]))
    }

    @Test func `cryptographic hashes and mixed algorithms do not combine`() {
        let (sha, crc) = (ChecksumValue(.sha256, of: [1]), ChecksumValue(.crc32, of: [1]))
        #expect(ChecksumValue.combine(sha, sha, lengthB: 1) == nil)
        #expect(ChecksumValue.combine(crc, ChecksumValue(.crc32c, of: [1]), lengthB: 1) == nil)
    }

    @Test("the composite is the checksum of the checksums", arguments: ChecksumAlgorithm.allCases)
    func composite(algorithm: ChecksumAlgorithm) {
        let parts = (0..<4 as Range<UInt64>).map { ChecksumValue(algorithm, of: randomBytes(99, seed: $0)) }
        #expect(ChecksumValue.composite(of: parts) == ChecksumValue(algorithm, of: parts.flatMap(\.bytes)))
        #expect(ChecksumValue.composite(of: []) == nil)
        let other: ChecksumAlgorithm = algorithm == .sha1 ? .crc32 : .sha1
        #expect(ChecksumValue.composite(of: parts + [ChecksumValue(other, of: [1])]) == nil)
    }

    @Test func `names are those of S3, and the numbers those of the format`() {
        #expect(ChecksumAlgorithm.allCases.map(\.name) == ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
        #expect(ChecksumAlgorithm.allCases.map(\.rawValue) == [1, 2, 3, 4, 5])
        for algorithm in ChecksumAlgorithm.allCases {
            #expect(algorithm.headerName == "x-amz-checksum-" + algorithm.name.lowercased())
            #expect(ChecksumAlgorithm(name: algorithm.name.lowercased()) == algorithm)
            #expect(algorithm.allows(algorithm.defaultMultipartType))
        }
        #expect(ChecksumAlgorithm(name: "MD5") == nil)
        #expect(ChecksumAlgorithm.allCases.filter(\.allowsFullObject) == [.crc32, .crc32c, .crc64nvme])
        #expect(ChecksumAlgorithm.allCases.filter(\.allowsComposite) == [.crc32, .crc32c, .sha1, .sha256])
        #expect(ChecksumType.allCases.map(\.name) == ["FULL_OBJECT", "COMPOSITE"])
        #expect(ChecksumType(name: "full_object") == .fullObject)
        #expect(ChecksumType(name: "") == nil)
    }

    @Test func `a value of another width is refused`() {
        #expect(ChecksumValue(.crc32, base64: "AAAAAA==") != nil)
        #expect(ChecksumValue(.crc64nvme, base64: "AAAAAA==") == nil)
        #expect(ChecksumValue(.crc32, base64: "AAAAAA") == nil)
        #expect(ChecksumValue(.sha1, bytes: [1, 2, 3]) == nil)
    }
}

@Suite struct PayloadHasherTests {
    @Test func `takes all hashes in one pass`() {
        let bytes = randomBytes(100_003, seed: 4)
        var hasher = PayloadHasher(algorithms: Set(ChecksumAlgorithm.allCases), payloadDigest: true)
        var start = 0
        for count in [0, 1, 63, 64, 65, 40_000, 59_810] {
            bytes[start..<start + count].withUnsafeBytes { hasher.update($0) }
            start += count
        }
        let hashes = hasher.finalize()
        #expect(start == bytes.count && hashes.length == UInt64(start))
        #expect(hashes.md5?.bytes == Array(Insecure.MD5.hash(data: bytes)))
        #expect(hashes.payloadDigest == Digest(of: bytes))
        #expect(hashes.checksums.map(\.algorithm) == ChecksumAlgorithm.allCases)
        for algorithm in ChecksumAlgorithm.allCases { #expect(hashes[algorithm] == ChecksumValue(algorithm, of: bytes)) }
    }

    @Test func `takes no more than was asked for`() {
        let hashes = PayloadHasher(md5: false, algorithms: [.sha256]).finalize()
        #expect(hashes.md5 == nil)
        #expect(hashes.payloadDigest == nil)
        #expect(hashes[.sha256] == ChecksumValue(.sha256, of: []))
        #expect(hashes[.crc32] == nil)
        #expect(PayloadHasher(payloadDigest: true).finalize().checksums == [])
    }

    @Test("lanes give what each hasher gives alone", arguments: [0, 1, 2, 3, 5, 8, 16, 17, 40])
    func lanes(count: Int) {
        var random = SplitMix(seed: UInt64(count))
        var together = (0..<count).map { PayloadHasher(md5: $0 % 7 != 6, algorithms: [.crc32], payloadDigest: $0 % 3 == 0) }
        var alone = together
        for round in 0..<6 {
            // All lengths about the block size, and some that outlast the others by far.
            let inputs = (0..<count).map { _ in
                randomBytes(Int.random(in: 0...(round % 2 == 0 ? 200 : 20_000), using: &random), seed: random.next())
            }
            withBuffers(of: inputs[...]) { pieces in
                PayloadHasher.update(&together, with: pieces)
                for index in 0..<count { alone[index].update(pieces[index]) }
            }
        }
        let same = together.map { $0.finalize() } == alone.map { $0.finalize() }
        #expect(same)
    }

    /// Every length of what is held over between updates, in every lane.
    @Test func `lanes begin and end within blocks`() {
        let bytes = randomBytes(1_000, seed: 8)
        for first in 0..<130 {
            var hashers = (0..<20).map { _ in PayloadHasher() }
            withBuffers(of: (0..<20).map { bytes.prefix(first + $0) }[...]) { PayloadHasher.update(&hashers, with: $0) }
            withBuffers(of: (0..<20).map { bytes.dropFirst(first + $0) }[...]) { PayloadHasher.update(&hashers, with: $0) }
            let expected = MD5Digest(of: bytes)
            #expect(hashers.allSatisfy { $0.finalize().md5 == expected })
        }
        #expect([4, 8, 16].contains(PayloadHasher.laneCount))
    }

    private func withBuffers(
        of inputs: ArraySlice<some Collection<UInt8>>, found: [UnsafeRawBufferPointer] = [], _ body: ([UnsafeRawBufferPointer]) -> Void
    ) {
        guard let input = inputs.first else { return body(found) }
        Array(input).withUnsafeBytes { withBuffers(of: inputs.dropFirst(), found: found + [$0], body) }
    }
}
