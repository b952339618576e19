import Testing

@testable import SkerryS3

@Suite struct ChunkedBodyDecoderTests {
    private static let signer = ReferenceSigner()
    private static let seed = String(repeating: "5", count: 64)

    /// The chain that ``ReferenceSigner/chunkedBody(_:seed:trailer:)`` signs.
    private static var signing: ChunkSigning {
        let key = SigningKey(secret: Array(signer.secret.utf8), day: 20_130_524, region: signer.region)
        return ChunkSigning(
            accessKey: signer.accessKey, key: key, context: Array("\(signer.timestamp)\n\(signer.scope)\n".utf8),
            seed: Array(seed.utf8)[...])
    }

    /// What a decoder made of a body.
    private enum Outcome: Equatable {
        case decoded([UInt8], verified: [UInt64], trailer: [String])
        case failed(ChunkedBodyError)

        var error: ChunkedBodyError? {
            guard case .failed(let error) = self else { return nil }
            return error
        }
    }

    private static func decode(_ body: [UInt8], sizes: [Int], with decoder: ChunkedBodyDecoder) -> Outcome {
        var decoder = decoder
        var bytes: [UInt8] = []
        var pending: [UInt8] = []
        var verified: [UInt64] = []
        func drain() throws(ChunkedBodyError) {
            while let event = try decoder.next() {
                switch event {
                case .bytes(let slice):
                    #expect(!slice.isEmpty)
                    pending += slice
                case .chunkVerified(let count):
                    #expect(pending.count == Int(count))
                    bytes += pending
                    pending = []
                    verified.append(count)
                case .end: Issue.record("an end before the last piece")
                }
            }
        }
        do throws(ChunkedBodyError) {
            var start = 0
            var turn = 0
            while start < body.count {
                let end = min(start + sizes[turn % sizes.count], body.count)
                decoder.receive(body[start..<end])
                try drain()
                start = end
                turn += 1
            }
            guard case .end(let trailer) = try decoder.finish() else {
                Issue.record("no end")
                return .failed(.truncated)
            }
            return .decoded(bytes + pending, verified: verified, trailer: trailer.fields.map { "\($0.name)=\($0.value)" })
        } catch {
            return .failed(error)
        }
    }

    private static func decoder(_ mode: Mode, length: Int, announced: [String] = ["x-amz-checksum-crc32"]) -> ChunkedBodyDecoder {
        let framing: ChunkedBodyDecoder.Framing =
            switch mode {
            case .signed: .signed(signing)
            case .signedTrailer: .signedWithTrailer(signing)
            case .unsignedTrailer: .unsignedWithTrailer
            }
        return ChunkedBodyDecoder(framing, decodedLength: UInt64(length), announcedTrailers: mode == .signed ? [] : announced)
    }

    enum Mode: CaseIterable, Sendable { case signed, signedTrailer, unsignedTrailer }

    private static let content = [UInt8](0..<200)

    /// 200 bytes in chunks of 7, 100 and 93.
    private static func body(_ mode: Mode) -> [UInt8] {
        let chunks = [Array(content[..<7]), Array(content[7..<107]), Array(content[107...])]
        return switch mode {
        case .signed: signer.chunkedBody(chunks, seed: seed)
        case .signedTrailer: signer.chunkedBody(chunks, seed: seed, trailer: [("x-amz-checksum-crc32", "AAAAAA==")])
        case .unsignedTrailer:
            chunks.flatMap { Array("\(String($0.count, radix: 16))\r\n".utf8) + $0 + Array("\r\n".utf8) }
                + Array("0\r\nX-Amz-Checksum-CRC32: AAAAAA==\r\n\r\n".utf8)
        }
    }

    private static func expected(_ mode: Mode) -> Outcome {
        .decoded(
            content, verified: mode == .unsignedTrailer ? [] : [7, 100, 93, 0],
            trailer: mode == .signed ? [] : ["x-amz-checksum-crc32=AAAAAA=="])
    }

    // MARK: - Pieces

    @Test(arguments: Mode.allCases)
    func `a body is the same however it is cut`(mode: Mode) {
        let body = Self.body(mode)
        for size in 1...body.count {
            #expect(Self.decode(body, sizes: [size], with: Self.decoder(mode, length: 200)) == Self.expected(mode))
            #expect(Self.decode(body, sizes: [size, body.count], with: Self.decoder(mode, length: 200)) == Self.expected(mode))
        }
    }

    @Test(arguments: Mode.allCases)
    func `an error is the same however the body is cut`(mode: Mode) {
        var numbers = SeededNumbers(state: 31)
        let original = Self.body(mode)
        for _ in 0..<100 {
            let body = Self.mutate(original, &numbers)
            let whole = Self.decode(body, sizes: [body.count + 1], with: Self.decoder(mode, length: 200))
            for size in [1, 2, 3, 17] {
                #expect(Self.decode(body, sizes: [size], with: Self.decoder(mode, length: 200)).error == whole.error)
            }
        }
    }

    private static func mutate(_ original: [UInt8], _ numbers: inout SeededNumbers) -> [UInt8] {
        var body = original
        for _ in 0..<Int.random(in: 1...3, using: &numbers) where !body.isEmpty {
            let index = Int.random(in: 0..<body.count, using: &numbers)
            switch Int.random(in: 0...3, using: &numbers) {
            case 0: body[index] = UInt8.random(in: 0...255, using: &numbers)
            case 1: body.insert(Array("\r\n:;0fF".utf8).randomElement(using: &numbers)!, at: index)
            case 2: body.remove(at: index)
            default: body.removeSubrange(index...)
            }
        }
        return body
    }

    @Test(arguments: [Mode.signed, .signedTrailer])
    func `a mutated signed body is refused or means the same`(mode: Mode) {
        var numbers = SeededNumbers(state: 32)
        let original = Self.body(mode)
        for _ in 0..<3_000 {
            let outcome = Self.decode(Self.mutate(original, &numbers), sizes: [64], with: Self.decoder(mode, length: 200))
            if outcome.error == nil { #expect(outcome == Self.expected(mode)) }
        }
    }

    @Test func `a mutated unsigned body never traps and never exceeds its length`() {
        var numbers = SeededNumbers(state: 33)
        let original = Self.body(.unsignedTrailer)
        for _ in 0..<3_000 {
            let outcome = Self.decode(Self.mutate(original, &numbers), sizes: [64], with: Self.decoder(.unsignedTrailer, length: 200))
            if case .decoded(let bytes, _, _) = outcome { #expect(bytes.count == 200) }
        }
    }

    @Test(arguments: Mode.allCases)
    func `every proper prefix is truncated, but for the last line end`(mode: Mode) {
        let body = Self.body(mode)
        for count in 0..<body.count {
            let outcome = Self.decode(Array(body[..<count]), sizes: [50], with: Self.decoder(mode, length: 200))
            switch outcome {
            case .decoded: #expect(outcome == Self.expected(mode) && count >= body.count - 2)
            case .failed(let error):
                // Cut behind a whole line of the trailer, what is missing can be named.
                let isNamed = if case .malformedTrailer = error { true } else { false }
                #expect(error == .truncated || mode != .signed && isNamed)
            }
        }
    }

    @Test func `an empty body is one last chunk`() {
        let body = Self.signer.chunkedBody([], seed: Self.seed)
        #expect(Self.decode(body, sizes: [9], with: Self.decoder(.signed, length: 0)) == .decoded([], verified: [0], trailer: []))
        #expect(
            Self.decode(Array("0\r\n\r\n".utf8), sizes: [9], with: Self.decoder(.unsignedTrailer, length: 0, announced: []))
                == .decoded([], verified: [], trailer: []))
    }

    // MARK: - Variants of clients

    private static let unsigned = "5\r\nhello\r\n0\r\n"

    @Test(arguments: [
        unsigned + "x-amz-checksum-crc32:AA==\r\n\r\n", unsigned + "x-amz-checksum-crc32:AA==\r\n",
        unsigned + "x-amz-checksum-crc32:AA==\n\r\n",
        unsigned + "x-amz-checksum-crc32:  AA==  \r\n\r\n\r\n", unsigned + "X-AMZ-Checksum-CRC32:AA==\r\n\r\n",
        "5;x=y\r\nhello\r\n0;z\r\nx-amz-checksum-crc32:AA==\r\n\r\n", "05\r\nhello\r\n00\r\nx-amz-checksum-crc32:AA==\r\n\r\n",
        "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n",
    ])
    func `variants of unsigned bodies are read`(text: String) {
        let outcome = Self.decode(Array(text.utf8), sizes: [4], with: Self.decoder(.unsignedTrailer, length: 5))
        #expect(outcome == .decoded(Array("hello".utf8), verified: [], trailer: ["x-amz-checksum-crc32=AA=="]))
    }

    @Test func `an empty line may stand before the trailer's signature`() {
        let text = String(
            decoding: Self.signer.chunkedBody([], seed: Self.seed, trailer: [("x-amz-checksum-crc32", "AA==")]), as: UTF8.self
        )
        .replacing("AA==\r\n", with: "AA==\n\r\n")
        let outcome = Self.decode(Array((text + "\r\n").utf8), sizes: [7], with: Self.decoder(.signedTrailer, length: 0))
        #expect(outcome == .decoded([], verified: [0], trailer: ["x-amz-checksum-crc32=AA=="]))
    }

    @Test func `a signed body may lack its last line end or have one more`() {
        let body = Self.body(.signed)
        #expect(Self.decode(Array(body.dropLast(2)), sizes: [99], with: Self.decoder(.signed, length: 200)) == Self.expected(.signed))
        #expect(Self.decode(body + [13, 10], sizes: [99], with: Self.decoder(.signed, length: 200)) == Self.expected(.signed))
    }

    // MARK: - Errors

    private static func error(_ text: String, length: Int = 5, announced: [String] = []) -> ChunkedBodyError? {
        decode(Array(text.utf8), sizes: [3], with: decoder(.unsignedTrailer, length: length, announced: announced)).error
    }

    @Test(arguments: [
        "\r\n", "x\r\n", ";\r\n", "-1\r\n", "0x5\r\n", "5 5\r\n", "11111111111111111\r\n", String(repeating: "0", count: 2_000),
    ])
    func `a broken head line is refused`(head: String) {
        #expect(Self.error(head) == .malformedChunkHead(offset: 0))
        #expect(Self.error("1\r\na\r\n" + head) == .malformedChunkHead(offset: 6))
    }

    @Test func `a chunk's bytes end in CRLF`() {
        #expect(Self.error("5\r\nhelloworld") == .malformedChunkEnd(offset: 8))
        #expect(Self.error("5\r\nhello\n0\r\n\r\n") == .malformedChunkEnd(offset: 8))
        #expect(Self.error("5\r\nhello\rx") == .malformedChunkEnd(offset: 9))
    }

    @Test func `the declared length is kept on both sides`() {
        #expect(Self.error("6\r\nhello!\r\n0\r\n\r\n") == .lengthMismatch(declared: 5, received: 6))
        #expect(Self.error("4\r\nhell\r\n0\r\n\r\n") == .lengthMismatch(declared: 5, received: 4))
        #expect(Self.error("0\r\n\r\n") == .lengthMismatch(declared: 5, received: 0))
        #expect(Self.error("1\r\na\r\nffffffffffffffff\r\n") == .lengthMismatch(declared: 5, received: .max))
    }

    @Test func `bytes behind the end are refused`() {
        #expect(Self.error(Self.unsigned + "\r\nx") == .extraBytes(offset: 15))
        #expect(Self.error(Self.unsigned + "\r\n\r\n\r\n") == .extraBytes(offset: 17))
        #expect(Self.error(Self.unsigned + "\r\n\r\n\n") == .extraBytes(offset: 17))
        #expect(Self.error(Self.unsigned + "\r\n5\r\nhello\r\n") == .extraBytes(offset: 15))
    }

    @Test(arguments: [
        ("x-amz-checksum-sha1:AA==\r\n\r\n", "not announced"), ("x-amz-checksum-crc32:A\r\nx-amz-checksum-crc32:B\r\n\r\n", "twice"),
        ("nonsense\r\n\r\n", "colon"), ("\r\n", "missing"), ("", "missing"), ("x-amz-trailer-signature:00\r\n\r\n", "none belongs"),
        ("x-amz-checksum-crc32:\(String(repeating: "A", count: 1_100))\r\n\r\n", "too long"),
    ])
    func `a trailer that is not what was announced is refused`(trailer: String, reason: String) throws {
        guard case .malformedTrailer(let text) = Self.error(Self.unsigned + trailer, announced: ["x-amz-checksum-crc32"]) else {
            Issue.record("passed")
            return
        }
        #expect(text.contains(reason))
    }

    @Test func `a trailer has few lines`() {
        let names = (0..<20).map { "x-amz-checksum-\($0)" }
        let trailer = names.map { "\($0):A\r\n" }.joined() + "\r\n"
        #expect(Self.error(Self.unsigned + trailer, announced: names) == .malformedTrailer("too many lines"))
    }

    @Test func `a trailer does not belong to a signed body without one`() {
        let body = Self.signer.chunkedBody([], seed: Self.seed).dropLast(2) + Array("x-amz-checksum-crc32:AA==\r\n\r\n".utf8)
        let outcome = Self.decode(Array(body), sizes: [9], with: Self.decoder(.signed, length: 0))
        #expect(outcome.error == .malformedTrailer("no trailer belongs to this body"))
    }

    @Test func `a signed trailer needs its signature, and nothing behind it`() {
        let trailer = "x-amz-checksum-crc32:AA==\r\n"
        let start = Array(Self.signer.chunkedBody([], seed: Self.seed).dropLast(2)) + Array(trailer.utf8)
        #expect(
            Self.decode(start, sizes: [9], with: Self.decoder(.signedTrailer, length: 0)).error
                == .malformedTrailer("its signature is missing"))
        let whole = Self.signer.chunkedBody([], seed: Self.seed, trailer: [("x-amz-checksum-crc32", "AA==")])
        let late = Array(whole.dropLast(2)) + Array("x-amz-checksum-sha1:AA==\r\n\r\n".utf8)
        #expect(
            Self.decode(
                late, sizes: [9], with: Self.decoder(.signedTrailer, length: 0, announced: ["x-amz-checksum-crc32", "x-amz-checksum-sha1"])
            )
            .error == .malformedTrailer("a line behind the signature"))
    }

    @Test func `a signed chunk without a signature is refused`() {
        let outcome = Self.decode(Array("5\r\nhello\r\n".utf8), sizes: [3], with: Self.decoder(.signed, length: 5))
        #expect(outcome.error == .malformedChunkHead(offset: 0))
    }

    @Test func `a signed chunk has a largest size, an unsigned one has none`() {
        let signature = ";chunk-signature=\(Self.seed)"
        #expect(
            Self.decode(Array("1000001\(signature)\r\n".utf8), sizes: [3], with: Self.decoder(.signed, length: 1 << 30)).error
                == .chunkTooLarge(size: 16 << 20 + 1))
        #expect(
            Self.decode(Array("1000000\(signature)\r\n".utf8), sizes: [3], with: Self.decoder(.signed, length: 1 << 30)).error == .truncated
        )
        #expect(Self.error("140000000\r\n", length: 5 << 30) == .truncated)
    }

    private static func isSignatureError(_ outcome: Outcome) -> Bool {
        guard case .signature(.signatureDoesNotMatch(let mismatch)) = outcome.error else { return false }
        return mismatch.accessKey == signer.accessKey && !mismatch.stringToSign.isEmpty
    }

    @Test func `a changed byte, a swapped, a missing and a foreign chunk break the chain`() {
        let chunks = [[UInt8](repeating: 1, count: 10), [UInt8](repeating: 2, count: 10)]
        let body = Self.signer.chunkedBody(chunks, seed: Self.seed)
        let chunkLength = "a;chunk-signature=".utf8.count + 64 + 2 + 10 + 2
        let (first, second, last) = (body[..<chunkLength], body[chunkLength..<(2 * chunkLength)], body[(2 * chunkLength)...])

        var changed = body
        changed[chunkLength - 3] ^= 1
        let foreign = Self.signer.chunkedBody(chunks, seed: String(repeating: "6", count: 64))
        for (spoiled, length) in [(changed, 20), (Array(second + first + last), 20), (Array(first + last), 10), (foreign, 20)] {
            #expect(Self.isSignatureError(Self.decode(spoiled, sizes: [30], with: Self.decoder(.signed, length: length))))
        }
    }

    @Test func `a changed trailer breaks its signature`() {
        let text = String(decoding: Self.body(.signedTrailer).suffix(150), as: UTF8.self).replacing("AAAAAA==", with: "AAAAAB==")
        let body = Self.body(.signedTrailer).dropLast(150) + Array(text.utf8)
        #expect(Self.isSignatureError(Self.decode(Array(body), sizes: [30], with: Self.decoder(.signedTrailer, length: 200))))
    }

    @Test func `an error is final`() throws {
        var decoder = Self.decoder(.unsignedTrailer, length: 5)
        decoder.receive(Array("x\r\n5\r\nhello\r\n0\r\n\r\n".utf8)[...])
        for _ in 0..<3 { #expect(throws: ChunkedBodyError.malformedChunkHead(offset: 0)) { try decoder.next() } }
        decoder.receive(Array("0\r\n\r\n".utf8)[...])
        #expect(throws: ChunkedBodyError.malformedChunkHead(offset: 0)) { try decoder.next() }
        #expect(throws: ChunkedBodyError.malformedChunkHead(offset: 0)) { try decoder.finish() }
    }
}
