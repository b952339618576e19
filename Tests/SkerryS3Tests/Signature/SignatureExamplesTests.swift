import HTTPTypes
import Testing

@testable import SkerryS3

/// The examples AWS publishes with their signatures (Amazon S3 API Reference: "Signature Calculations for the Authorization Header",
/// "Authenticating Requests: Using Query Parameters", the two pages on multiple chunks).
@Suite struct SignatureExamplesTests {
    private static let credential = "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
    private static let host = ("Host", "examplebucket.s3.amazonaws.com")
    private static let date = ("x-amz-date", "20130524T000000Z")
    private static let domain = ["s3.amazonaws.com"]

    private static func authorization(_ names: String, _ signature: String) -> (String, String) {
        ("Authorization", "AWS4-HMAC-SHA256 \(credential),SignedHeaders=\(names),Signature=\(signature)")
    }

    @Test func `GET object`() throws {
        let request = makeRequest(
            "GET", "/test.txt",
            [
                Self.host, ("Range", "bytes=0-9"), ("x-amz-content-sha256", digestOfNothing), Self.date,
                Self.authorization(
                    "host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
            ])
        #expect(try authenticate(request, domains: Self.domain).accessKey == "AKIAIOSFODNN7EXAMPLE")
        #expect(try RequestTarget(request, domains: EndpointDomains(Self.domain)).bucket == "examplebucket")
    }

    @Test func `PUT object`() throws {
        let digest = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
        let request = makeRequest(
            "PUT", "/test$file.text",
            [
                Self.host, ("Date", "Fri, 24 May 2013 00:00:00 GMT"), Self.date, ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ("x-amz-content-sha256", digest),
                Self.authorization(
                    "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
            ])
        #expect(try authenticate(request).payload == .sha256(Hex.decode(digest.utf8)!))
    }

    @Test(arguments: [
        ("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ])
    func `GET bucket lifecycle and list objects`(target: String, signature: String) throws {
        try authenticate(
            makeRequest(
                "GET", target,
                [
                    Self.host, ("x-amz-content-sha256", digestOfNothing), Self.date,
                    Self.authorization("host;x-amz-content-sha256;x-amz-date", signature),
                ]))
    }

    @Test func `presigned URL`() throws {
        let target =
            "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        guard case .signed(let signature) = try authenticate(makeRequest("GET", target, [Self.host])) else {
            Issue.record("anonymous")
            return
        }
        #expect(signature.isPresigned)
        #expect(signature.payload == .unsigned)
    }

    private static func chunkedRequest(trailer: Bool, seed: String) -> HTTPRequest {
        var fields = [
            ("Host", "s3.amazonaws.com"), date, ("x-amz-storage-class", "REDUCED_REDUNDANCY"), ("Content-Encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
        ]
        if trailer {
            fields += [
                ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"), ("x-amz-trailer", "x-amz-checksum-crc32c"),
                authorization(
                    "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
                    seed),
            ]
        } else {
            fields += [
                ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), ("Content-Length", "66824"),
                authorization(
                    "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
                    seed),
            ]
        }
        return makeRequest("PUT", "/examplebucket/chunkObject.txt", fields)
    }

    private static func body(_ signatures: [String], trailer: String) -> [UInt8] {
        let chunks = [String(repeating: "a", count: 65_536), String(repeating: "a", count: 1_024)]
        return Array(
            """
            10000;chunk-signature=\(signatures[0])\r\n\(chunks[0])\r\n400;chunk-signature=\(signatures[1])\r\n\(chunks[1])\r\n\
            0;chunk-signature=\(signatures[2])\r\n\(trailer)\r\n
            """.utf8)
    }

    private static func decode(_ body: [UInt8], _ request: HTTPRequest) async throws -> (count: Int, trailer: ChunkedTrailer?) {
        let decoded = try DecodedBody(PiecedBody(body, sizes: [1_000]), of: request, authentication: try authenticate(request))
        var count = 0
        while let piece = try await decoded.next() {
            #expect(piece.allSatisfy { $0 == UInt8(ascii: "a") })
            count += piece.count
        }
        return (count, decoded.trailer)
    }

    @Test func `upload in signed chunks`() async throws {
        let request = Self.chunkedRequest(trailer: false, seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
        let body = Self.body(
            [
                "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
            ], trailer: "")
        #expect(body.count == 66_824)
        #expect(try await Self.decode(body, request).count == 66_560)
    }

    @Test func `upload in signed chunks with a signed trailer`() async throws {
        let request = Self.chunkedRequest(trailer: true, seed: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e")
        let body = Self.body(
            [
                "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
            ],
            trailer:
                "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"
        )
        let (count, trailer) = try await Self.decode(body, request)
        #expect(count == 66_560)
        #expect(trailer?["x-amz-checksum-crc32c"] == "sOO8/Q==")
    }
}
