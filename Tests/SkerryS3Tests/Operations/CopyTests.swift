import SkerryChunks
import SkerryHTTP
import Testing

@testable import SkerryS3

@Suite("Copies") struct CopyTests {
    private func copy(_ endpoint: Endpoint, _ source: String, _ target: String, _ headers: [String: String] = [:]) async throws
        -> CollectedReply
    {
        try await endpoint.send("PUT", target, [:], headers.merging(["x-amz-copy-source": source]) { $1 })
    }

    @Test func `a copy keeps bytes, type and metadata, within a bucket and between two`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.makeBucket("second")
        let put = try await endpoint.put("/bucket/key", "bar", ["content-type": "audio/ogg", "x-amz-meta-a": "1"])
        for (source, target) in [("/bucket/key", "/bucket/copy"), ("bucket/key", "/second/copy"), ("bucket%2Fkey", "/second/again")] {
            let reply = try await copy(endpoint, source, target)
            #expect(reply.status == 200, "\(reply.text)")
            #expect(reply["ETag"] == "&quot;\(put.etag.dropFirst().dropLast())&quot;")
            #expect(reply["LastModified"] != nil)
            #expect(reply["ChecksumCRC64NVME"] == put.header("x-amz-checksum-crc64nvme"))
            let got = try await endpoint.send("GET", target)
            #expect(got.text == "bar")
            #expect(got.header("content-type") == "audio/ogg")
            #expect(got.header("x-amz-meta-a") == "1")
        }
    }

    @Test func `REPLACE keeps nothing of the source's metadata, and a redirect is never copied`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put(
            "/bucket/key", "bar", ["content-type": "audio/ogg", "x-amz-meta-a": "1", "x-amz-website-redirect-location": "/there"])
        _ = try await copy(endpoint, "bucket/key", "/bucket/kept")
        let kept = try await endpoint.send("HEAD", "/bucket/kept")
        #expect(kept.header("x-amz-website-redirect-location") == nil)
        #expect(kept.header("content-type") == "audio/ogg")
        _ = try await copy(endpoint, "bucket/key", "/bucket/key", ["x-amz-metadata-directive": "REPLACE", "x-amz-meta-b": "2"])
        let replaced = try await endpoint.send("HEAD", "/bucket/key")
        #expect(replaced.header("x-amz-meta-a") == nil)
        #expect(replaced.header("x-amz-meta-b") == "2")
        #expect(replaced.header("content-type") == "binary/octet-stream")
        #expect(
            try await copy(endpoint, "bucket/key", "/bucket/x", ["x-amz-metadata-directive": "MERGE"]).failure
                == Failure(400, "InvalidArgument"))
    }

    @Test func `a copy onto itself must change something`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket(versioning: "Enabled")
        let first = try await endpoint.put("/bucket/key", "one").version ?? ""
        try await endpoint.put("/bucket/key", "two")
        #expect(try await copy(endpoint, "bucket/key", "/bucket/key").failure == Failure(400, "InvalidRequest"))
        #expect(try await copy(endpoint, "bucket/key", "/bucket/key", ["x-amz-checksum-algorithm": "SHA256"]).status == 200)
        let restored = try await copy(endpoint, "bucket/key?versionId=\(first)", "/bucket/key")
        #expect(restored.status == 200)
        #expect(restored.header("x-amz-copy-source-version-id") == first)
        #expect(restored.version != nil)
        #expect(try await endpoint.send("GET", "/bucket/key").text == "one")
    }

    @Test func `another checksum is computed for the copy`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key")
        let reply = try await copy(endpoint, "bucket/key", "/bucket/copy", ["x-amz-checksum-algorithm": "sha256"])
        #expect(reply["ChecksumSHA256"] == ChecksumValue(.sha256, of: Array("bar".utf8)).base64)
        #expect(
            try await copy(endpoint, "bucket/key", "/bucket/x", ["x-amz-checksum-algorithm": "md6"]).failure
                == Failure(400, "InvalidRequest"))
    }

    @Test func `a source that is not there, hidden or foreign is refused`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket(versioning: "Enabled")
        try await endpoint.makeBucket("theirs", as: .other)
        try await endpoint.put("/bucket/key")
        #expect(try await copy(endpoint, "bucket/none", "/bucket/x").failure == Failure(404, "NoSuchKey"))
        #expect(try await copy(endpoint, "nowhere/key", "/bucket/x").failure == Failure(404, "NoSuchBucket"))
        #expect(try await copy(endpoint, "theirs/key", "/bucket/x").failure == Failure(403, "AccessDenied"))
        for source in ["bucket", "bucket/", "", "/", "bucket/key?version=1", "bucket/%zz"] {
            #expect(try await copy(endpoint, source, "/bucket/x").failure == Failure(400, "InvalidArgument"), "\(source)")
        }
        let marker = try await endpoint.send("DELETE", "/bucket/key").version ?? ""
        #expect(try await copy(endpoint, "bucket/key", "/bucket/x").failure == Failure(404, "NoSuchKey"))
        #expect(try await copy(endpoint, "bucket/key?versionId=\(marker)", "/bucket/x").failure == Failure(400, "InvalidRequest"))
    }

    @Test(arguments: [
        ("foo?bar", "foo%3Fbar"), ("a+b", "a+b"), ("a b", "a%20b"), ("anyfile%25", "anyfile%2525"), ("?versionId", "%3FversionId"),
        ("ä/", "%C3%A4/"),
    ])
    func `a source is decoded once`(_ key: String, _ encoded: String) async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/\(key)", key)
        #expect(try await copy(endpoint, "bucket/\(encoded)", "/bucket/copy").status == 200)
        #expect(try await endpoint.send("GET", "/bucket/copy").text == key)
    }

    @Test func `source and destination have conditions of their own`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let etag = try await endpoint.put("/bucket/key").etag
        let past = "Sat, 29 Oct 1994 19:43:31 GMT"
        let cases: [([String: String], Int)] = [
            (["x-amz-copy-source-if-match": etag], 200), (["x-amz-copy-source-if-match": "ABCORZ"], 412),
            (["x-amz-copy-source-if-none-match": etag], 412), (["x-amz-copy-source-if-none-match": "ABCORZ"], 200),
            (["x-amz-copy-source-if-modified-since": past], 200), (["x-amz-copy-source-if-unmodified-since": past], 412),
            (["if-none-match": "*"], 412), (["if-match": etag], 200), (["if-match": "ABCORZ"], 412),
        ]
        try await endpoint.put("/bucket/copy")
        for (headers, status) in cases {
            #expect(try await copy(endpoint, "bucket/key", "/bucket/copy", headers).status == status, "\(headers)")
        }
        #expect(try await copy(endpoint, "bucket/key", "/bucket/fresh", ["if-match": "*"]).failure == Failure(404, "NoSuchKey"))
    }
}
