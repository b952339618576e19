import HTTPTypes
import SkerryHTTP
import Testing

@testable import SkerryS3

@Suite struct DecodedBodyTests {
    private func chunked(_ fields: [(String, String)], _ body: String, sizes: [Int] = [4], failure: HTTPBodyError? = nil) throws
        -> DecodedBody
    {
        let request = makeRequest("PUT", "/b/k", [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")] + fields)
        return try DecodedBody(
            PiecedBody(Array(body.utf8), sizes: sizes, failure: failure), of: request, authentication: try authenticate(request))
    }

    private func read(_ body: DecodedBody) async throws(DecodedBodyError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await body.next() { bytes += piece }
        return bytes
    }

    @Test func `a plain body passes through with the hash it must have`() async throws {
        let bytes = [UInt8](0...99)
        let request = ReferenceSigner().request("PUT", path: Array("/b/k".utf8))
        let body = try DecodedBody(PiecedBody(bytes, sizes: [7]), of: request, authentication: try authenticate(request))
        #expect(body.length == 100)
        #expect(body.expectedPayloadSHA256 == Hex.decode(digestOfNothing.utf8))
        #expect(body.trailer == nil)
        #expect(try await read(body) == bytes)
        #expect(body.trailer == ChunkedTrailer())
        #expect(try await body.next() == nil)
    }

    @Test func `a chunked body comes decoded, with its trailer at the end`() async throws {
        let body = try chunked(
            [("x-amz-decoded-content-length", "5"), ("X-Amz-Trailer", "x-amz-checksum-crc32 , X-Amz-Checksum-SHA1")],
            "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:A\r\nx-amz-checksum-sha1:B\r\n\r\n")
        #expect(body.length == 5)
        #expect(body.expectedPayloadSHA256 == nil)
        #expect(body.announcedTrailers == ["x-amz-checksum-crc32", "x-amz-checksum-sha1"])
        #expect(body.trailer == nil)
        #expect(try await read(body) == Array("hello".utf8))
        #expect(body.trailer?["x-amz-checksum-crc32"] == "A")
        #expect(body.trailer?["x-amz-checksum-sha1"] == "B")
        #expect(try await body.next() == nil)
    }

    @Test func `a chunked body needs its decoded length`() {
        #expect(throws: ChunkedBodyError.missingDecodedLength) { try chunked([], "0\r\n\r\n") }
        for value in ["", "-1", "+1", "x", "99999999999999999999", "1 2"] {
            #expect(throws: ChunkedBodyError.invalidDecodedLength(value)) {
                try chunked([("x-amz-decoded-content-length", value)], "0\r\n\r\n")
            }
        }
    }

    @Test func `only checksums may be announced as trailers`() {
        #expect(throws: ChunkedBodyError.unsupportedTrailer("etag")) {
            try chunked([("x-amz-decoded-content-length", "0"), ("x-amz-trailer", "ETag")], "0\r\n\r\n")
        }
    }

    @Test func `an error is final`() async throws {
        let body = try chunked([("x-amz-decoded-content-length", "5")], "5\r\nhelloX\r\n0\r\n\r\n")
        let wrong = DecodedBodyError.chunked(.malformedChunkEnd(offset: 8))
        await #expect(throws: wrong) { try await read(body) }
        await #expect(throws: wrong) { try await read(body) }
        #expect(body.trailer == nil)
    }

    @Test func `a broken connection is final and no end`() async throws {
        let body = try chunked([("x-amz-decoded-content-length", "5")], "5\r\nhe", failure: .truncated)
        await #expect(throws: DecodedBodyError.transport(.truncated)) { try await read(body) }
        await #expect(throws: DecodedBodyError.transport(.truncated)) { try await read(body) }
        #expect(body.trailer == nil)
    }

    @Test func `a body that ends early is truncated`() async throws {
        let body = try chunked([("x-amz-decoded-content-length", "5")], "5\r\nhello\r\n")
        await #expect(throws: DecodedBodyError.chunked(.truncated)) { try await read(body) }
    }
}
