import SkerryChunks
import SkerryHTTP
import Testing

@testable import SkerryS3

@Suite("Checksums of one PUT") struct PutChecksumTests {
    private let bytes = Array("hello checksums".utf8)

    @Test(arguments: ChecksumAlgorithm.allCases)
    func `a right value is kept, a wrong one stores nothing`(_ algorithm: ChecksumAlgorithm) async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let value = ChecksumValue(algorithm, of: bytes).base64
        let put = try await endpoint.send("PUT", "/bucket/key", [:], [algorithm.headerName: value], body: bytes)
        #expect(put.status == 200, "\(put.text)")
        #expect(put.header(algorithm.headerName) == value)
        #expect(put.header("x-amz-checksum-type") == "FULL_OBJECT")
        #expect(try await endpoint.send("HEAD", "/bucket/key").header(algorithm.headerName) == nil)
        let head = try await endpoint.send("HEAD", "/bucket/key", [:], ["x-amz-checksum-mode": "enabled"])
        #expect(head.header(algorithm.headerName) == value)
        let attributes = try await endpoint.send("GET", "/bucket/key", ["attributes": ""], ["x-amz-object-attributes": "Checksum"])
        #expect(attributes["Checksum\(algorithm.name)"] == value)
        for wrong in ["bad", ChecksumValue(algorithm, of: [1]).base64] {
            let refused = try await endpoint.send("PUT", "/bucket/other", [:], [algorithm.headerName: wrong], body: bytes)
            #expect(refused.failure == Failure(400, "BadDigest"))
        }
        #expect(try await endpoint.send("HEAD", "/bucket/other").status == 404)
    }

    @Test func `an algorithm that is only named is computed`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let put = try await endpoint.send("PUT", "/bucket/key", [:], ["x-amz-sdk-checksum-algorithm": "SHA1"], body: bytes)
        #expect(put.header("x-amz-checksum-sha1") == ChecksumValue(.sha1, of: bytes).base64)
    }

    @Test func `unknown and several algorithms are refused`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        for headers in [
            ["x-amz-checksum-md6": "AAAA"], ["x-amz-sdk-checksum-algorithm": "MD6"],
            ["x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA=="],
        ] {
            #expect(try await endpoint.send("PUT", "/bucket/key", [:], headers, body: bytes).failure == Failure(400, "InvalidRequest"))
        }
    }

    @Test(arguments: [
        ("YWJyYWNhZGFicmE=", "InvalidDigest"), ("", "InvalidDigest"), ("AWS HAHAHA", "InvalidDigest"),
        ("rL0Y20xC+Fzt72VPzMSk2A==", "BadDigest"),
    ])
    func `a Content-MD5 that is none or another is told apart`(_ value: String, _ code: String) async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        #expect(try await endpoint.send("PUT", "/bucket/key", [:], ["content-md5": value], body: bytes).failure == Failure(400, code))
        #expect(try await endpoint.send("PUT", "/bucket/key", [:], ["content-md5": MD5Digest(of: bytes).base64], body: bytes).status == 200)
    }
}
