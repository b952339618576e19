import SkerryChunks
import Testing

@Suite struct DigestTests {
    @Test func `the name of bytes is their SHA-256`() {
        #expect(Digest(of: Array("abc".utf8)).description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Digest(of: [] as [UInt8]).description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        let bytes = randomBytes(1000, seed: 3)
        #expect(Digest(of: bytes[100..<900]) == Digest(of: Array(bytes[100..<900])))
        #expect(Digest(of: bytes.reversed()) == Digest(of: Array(bytes.reversed())))
    }

    @Test func `bytes and text give the digest back`() {
        for seed in 0..<100 as Range<UInt64> {
            let bytes = randomBytes(32, seed: seed)
            let digest = Digest(bytes: bytes)
            #expect(digest?.bytes == bytes)
            #expect(digest.flatMap { Digest(hex: $0.description) } == digest)
            #expect(digest.flatMap { Digest(hex: $0.description.uppercased()) } == digest)
        }
    }

    @Test func `the order is that of the bytes`() {
        let digests = (0..<200 as Range<UInt64>).map { seed in
            // Few leading bytes differ, so that all four words decide in turn.
            Digest(of: [UInt8(seed)]).bytes.enumerated().map { $0.offset < Int(seed) % 32 ? 0 : $0.element }
        }.compactMap { Digest(bytes: $0) }
        #expect(digests.count == 200)
        for (left, right) in zip(digests, digests.dropFirst()) {
            #expect((left < right) == left.bytes.lexicographicallyPrecedes(right.bytes))
            #expect((left == right) == (left.bytes == right.bytes))
        }
    }

    @Test(
        "refuses what is no digest",
        arguments: ["", "00", String(repeating: "0", count: 63), String(repeating: "0", count: 65), String(repeating: "g", count: 64), "é"])
    func refuses(text: String) {
        #expect(Digest(hex: text) == nil)
        #expect(Digest(bytes: Array(text.utf8).prefix(31)) == nil)
        #expect(MD5Digest(hex: text) == nil)
    }
}

@Suite struct MD5DigestTests {
    /// RFC 1321, A.5.
    @Test(
        "agrees with the RFC",
        arguments: [
            ("", "d41d8cd98f00b204e9800998ecf8427e"), ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"), ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a"
            ),
        ])
    func vectors(text: String, hex: String) {
        let digest = MD5Digest(of: Array(text.utf8))
        #expect(digest.hex == hex)
        #expect(MD5Digest(hex: hex) == digest)
        #expect(MD5Digest(base64: digest.base64) == digest)
        #expect(MD5Digest(bytes: digest.bytes) == digest)
    }

    @Test func `the ETag of parts is the MD5 of their digests`() {
        let parts = (0..<5 as Range<UInt64>).map { MD5Digest(of: randomBytes(100, seed: $0)) }
        #expect(MD5Digest(ofParts: parts) == MD5Digest(of: parts.flatMap(\.bytes)))
    }

    @Test func `a digest taken midway leaves the state going`() {
        let bytes = randomBytes(300, seed: 1)
        var state = MD5State()
        bytes.prefix(150).withUnsafeBytes { state.update($0) }
        #expect(state.finalize() == MD5Digest(of: bytes.prefix(150)))
        bytes.dropFirst(150).withUnsafeBytes { state.update($0) }
        #expect(state.finalize() == MD5Digest(of: bytes))
    }
}

@Suite struct Base64Tests {
    /// RFC 4648, section 10.
    @Test(
        "agrees with the RFC",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ])
    func vectors(plain: String, text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(Base64.decode(text) == Array(plain.utf8))
    }

    @Test func `decoding inverts encoding`() {
        for length in 0..<200 {
            let bytes = randomBytes(length, seed: UInt64(length))
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }

    @Test(
        "refuses all but the canonical text",
        arguments: [
            "Z", "Zg", "Zg=", "Zg===", "=", "==", "===", "====", "Zh==", "Zm9=", "Zm8=Zm8=", "Zg== ", " Zg==", "Zm9v\n", "Zm-v", "Zm_v",
            "Z=9v",
            "Zm9vZg==Zm9v", "Zmé=",
        ])
    func refuses(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
