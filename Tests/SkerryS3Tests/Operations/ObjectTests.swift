import HTTPTypes
import SkerryChunks
import SkerryHTTP
import Testing

@testable import SkerryS3

@Suite("Objects") struct ObjectTests {
    @Test func `what was put comes back with its headers`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let put = try await endpoint.put(
            "/bucket/key", "bar",
            [
                "content-type": "text/plain", "cache-control": "public, max-age=14400", "content-disposition": "inline",
                "content-language": "cy",
                "content-encoding": "gzip, aws-chunked", "expires": "Thu, 01 Dec 2094 16:00:00 GMT", "x-amz-meta-one": "1",
                "x-amz-meta-empty": "",
                "x-amz-website-redirect-location": "/elsewhere", "x-amz-storage-class": "STANDARD", "x-amz-acl": "private",
            ])
        #expect(put.etag == "\"37b51d194a7513e45b56f6524f2d51f2\"")
        #expect(put.version == nil)
        #expect(put.header("x-amz-checksum-crc64nvme") == ChecksumValue(.crc64nvme, of: Array("bar".utf8)).base64)
        for method in ["GET", "HEAD"] {
            let reply = try await endpoint.send(method, "/bucket/key")
            #expect(reply.status == 200)
            #expect(reply.text == (method == "GET" ? "bar" : ""))
            #expect(method == "GET" || reply.header("content-length") == "3")
            let expected = [
                "etag": put.etag, "content-type": "text/plain", "cache-control": "public, max-age=14400", "content-disposition": "inline",
                "content-language": "cy", "content-encoding": "gzip", "expires": "Thu, 01 Dec 2094 16:00:00 GMT", "x-amz-meta-one": "1",
                "x-amz-meta-empty": "", "x-amz-website-redirect-location": "/elsewhere", "accept-ranges": "bytes",
            ]
            for (name, value) in expected { #expect(reply.header(name) == value, "\(method) \(name)") }
            #expect(reply.header("x-amz-storage-class") == nil)
            #expect(reply.header("x-amz-checksum-crc64nvme") == nil)
            #expect(S3Date.seconds(reply.header("last-modified") ?? "") != nil)
        }
    }

    @Test func `an object without a type is binary, an empty one is empty`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key", "")
        let reply = try await endpoint.send("GET", "/bucket/key")
        #expect(reply.header("content-type") == "binary/octet-stream")
        #expect(reply.bytes.isEmpty)
        #expect(try await endpoint.send("HEAD", "/bucket/key").header("content-length") == "0")
    }

    @Test(arguments: [4096, 4097, 300_000, 1_500_000])
    func `bytes of every size class come back whole and in ranges`(_ size: Int) async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let bytes = noise(size)
        #expect(try await endpoint.send("PUT", "/bucket/key", body: bytes).status == 200)
        let isWhole = try await endpoint.send("GET", "/bucket/key").bytes == bytes
        #expect(isWhole)
        let part = try await endpoint.send("GET", "/bucket/key", [:], ["range": "bytes=1000-\(size - 2)"])
        #expect(part.status == 206)
        let isPart = part.bytes == Array(bytes[1000..<size - 1])
        #expect(isPart)
        #expect(part.header("content-range") == "bytes 1000-\(size - 2)/\(size)")
    }

    @Test(arguments: [
        "//", "a//b", "../x", "a/", "a/b", "a/b/c", "%25", "a+b", "a b", "ä/ö", "\u{1}\u{7f}", "?versionId", "&<>\"'", "x?y=z&w",
        "\u{feff}", "~-._",
    ])
    func `keys are bytes and never normalised`(_ key: String) async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/\(key)", key)
        #expect(try await endpoint.send("GET", "/bucket/\(key)").text == key)
        let encoded = try await endpoint.send("GET", "/bucket", ["encoding-type": "url"])
        #expect(encoded.all("Key") == [ReferenceSigner.encode(key.utf8, slash: true)])
        #expect(try await endpoint.send("DELETE", "/bucket/\(key)").status == 204)
        #expect(try await endpoint.send("GET", "/bucket").all("Key").isEmpty)
    }

    @Test func `a key has at most 1,024 bytes`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/" + String(repeating: "k", count: 1024))
        let reply = try await endpoint.send("PUT", "/bucket/" + String(repeating: "k", count: 1025))
        #expect(reply.failure == Failure(400, "KeyTooLongError"))
    }

    @Test func `an absent key is 404, and says that it is no delete marker`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let reply = try await endpoint.send("GET", "/bucket/none")
        #expect(reply.failure == Failure(404, "NoSuchKey"))
        #expect(reply["Key"] == "none")
        let head = try await endpoint.send("HEAD", "/bucket/none")
        #expect(head.status == 404)
        #expect(head.bytes.isEmpty)
        #expect(head.header("x-amz-delete-marker") == "false")
    }

    @Test func `metadata is replaced whole by the next PUT and bounded by 2 KiB`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key", "bar", ["x-amz-meta-one": "1"])
        try await endpoint.put("/bucket/key", "bar")
        #expect(try await endpoint.send("HEAD", "/bucket/key").header("x-amz-meta-one") == nil)
        try await endpoint.put("/bucket/key", "bar", ["x-amz-meta-k": String(repeating: "v", count: 2047)])
        let reply = try await endpoint.send("PUT", "/bucket/key", [:], ["x-amz-meta-k": String(repeating: "v", count: 2048)])
        #expect(reply.failure == Failure(400, "MetadataTooLarge"))
    }

    @Test func `metadata outside ASCII travels as encoded words`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key", "bar", ["x-amz-meta-name": "=?UTF-8?B?w4RwZmVs?=", "x-amz-meta-plain": "=?odd"])
        let reply = try await endpoint.send("HEAD", "/bucket/key")
        #expect(reply.header("x-amz-meta-name") == "=?UTF-8?B?w4RwZmVs?=")
        #expect(reply.header("x-amz-meta-plain") == "=?odd")
    }

    @Test func `signed requests may override header fields of the answer`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key", "bar", ["content-type": "text/plain"])
        let query = [
            "response-cache-control": "no-cache", "response-content-disposition": "bla", "response-content-encoding": "aaa",
            "response-content-language": "esperanto", "response-content-type": "foo/bar", "response-expires": "123",
        ]
        let reply = try await endpoint.send("GET", "/bucket/key", query)
        for (name, value) in query { #expect(reply.header(String(name.dropFirst("response-".count))) == value) }
    }

    @Test func `a length must be known or framed, and at most 5 GiB`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        var request = endpoint.request("PUT", "/bucket/key")
        request.headerFields[.contentLength] = nil
        #expect(try await endpoint.send(request, body: EmptyBody()).failure == Failure(411, "MissingContentLength"))
        request.headerFields[.transferEncoding] = "chunked"
        #expect(try await endpoint.send(request, body: PiecesBody([], isLengthKnown: false)).status == 200)

        final class Endless: HTTPRequestBody {
            var length: UInt64? { (5 << 30) + 1 }
            func next() async throws(HTTPBodyError) -> ArraySlice<UInt8>? {
                Issue.record("asked for a body that is too large")
                return nil
            }
        }
        #expect(try await endpoint.send(endpoint.request("PUT", "/bucket/key"), body: Endless()).failure == Failure(400, "EntityTooLarge"))
    }

    @Test func `a body that is cut short or is another leaves what was there`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key", "before")
        let body = Array("after".utf8)
        let request = endpoint.request("PUT", "/bucket/key", body: body)
        for failure in [HTTPBodyError.truncated, .timedOut, .malformed] {
            let reply = try await endpoint.send(
                request, body: PiecesBody([Array(body.prefix(2))], isLengthKnown: false, ending: .failure(failure)))
            #expect(reply.status == 400)
        }
        let other = try await endpoint.send(request, body: PiecesBody(bytes: Array("aftEr".utf8)))
        #expect(other.failure == Failure(400, "XAmzContentSHA256Mismatch"))
        #expect(try await endpoint.send("GET", "/bucket/key").text == "before")
        #expect(try await endpoint.send("GET", "/bucket").all("Key") == ["key"])
    }

    @Test func `signed chunks with a trailer are taken apart and verified`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let bytes = noise(70_000)
        let checksum = ChecksumValue(.crc32c, of: bytes).base64
        func put(_ trailer: String, spoiling index: Int? = nil) async throws -> CollectedReply {
            let request = endpoint.request(
                "PUT", "/bucket/key", [:],
                [
                    "x-amz-decoded-content-length": "\(bytes.count)", "x-amz-trailer": "x-amz-checksum-crc32c",
                    "content-encoding": "aws-chunked",
                ],
                payload: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
            let seed = try #require(request.headerFields[.authorization]?.split(separator: "=").last.map(String.init))
            let signer = ReferenceSigner(secret: Endpoint.Person.main.secret, accessKey: Endpoint.Person.main.accessKey)
            var body = signer.chunkedBody(
                [Array(bytes[..<65536]), Array(bytes[65536...])], seed: seed, trailer: [("x-amz-checksum-crc32c", trailer)])
            if let index { body[index] ^= 1 }
            return try await endpoint.send(request, body: PiecesBody(bytes: body))
        }
        #expect(try await put(checksum).status == 200)
        let reply = try await endpoint.send("GET", "/bucket/key", [:], ["x-amz-checksum-mode": "ENABLED"])
        // An array of this size in a failure's message helps nobody.
        let isWhole = reply.bytes == bytes
        #expect(isWhole)
        #expect(reply.header("content-encoding") == nil)
        #expect(reply.header("x-amz-checksum-crc32c") == checksum)
        #expect(try await put(checksum, spoiling: 200).failure == Failure(403, "SignatureDoesNotMatch"))
        #expect(try await put("AAAAAA==").failure == Failure(400, "BadDigest"))
    }

    @Test func `unsigned chunks with a trailer, the default of SDKs, are taken apart`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let checksum = ChecksumValue(.crc32, of: Array("hello".utf8)).base64
        let body = Array("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:\(checksum)\r\n\r\n".utf8)
        let request = endpoint.request(
            "PUT", "/bucket/key", [:], ["x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"], body: body,
            payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        let reply = try await endpoint.send(request, body: PiecesBody(bytes: body))
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.header("x-amz-checksum-crc32") == checksum)
        #expect(reply.header("x-amz-checksum-type") == "FULL_OBJECT")
        #expect(try await endpoint.send("GET", "/bucket/key").text == "hello")
    }
}
