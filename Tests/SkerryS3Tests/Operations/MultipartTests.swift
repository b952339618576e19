import SkerryChunks
import SkerryHTTP
import Testing

@testable import SkerryS3

@Suite("Multipart uploads") struct MultipartTests {
    private static let partSize = 5 << 20
    /// 5 MiB of zeros: parts must be that long, and hashing them is what these tests spend their time on.
    private static let big = [UInt8](repeating: 0, count: partSize)

    @Test func `parts become an object that knows them`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket(versioning: "Enabled")
        let id = try await endpoint.beginUpload("/bucket/key", ["content-type": "text/bla", "x-amz-meta-a": "1"])
        #expect(try await endpoint.send("GET", "/bucket/key", ["partNumber": "1"]).failure == Failure(404, "NoSuchKey"))
        let tail = Array("tail".utf8)
        // Out of order, with gaps, one part sent twice: the last one counts.
        let last = try await endpoint.putPart(7, "/bucket/key", id, tail)
        _ = try await endpoint.putPart(2, "/bucket/key", id, Array("other".utf8))
        let first = try await endpoint.putPart(2, "/bucket/key", id, Self.big)
        #expect(last.header("x-amz-checksum-crc64nvme") == ChecksumValue(.crc64nvme, of: tail).base64)

        let parts = try await endpoint.send("GET", "/bucket/key", ["uploadId": id])
        #expect(parts.all("PartNumber") == ["2", "7"])
        #expect(parts.all("Size") == ["\(Self.partSize)", "4"])
        #expect(parts["UploadId"] == id)
        #expect(parts["IsTruncated"] == "false")
        let page = try await endpoint.send("GET", "/bucket/key", ["uploadId": id, "max-parts": "1"])
        #expect(page["IsTruncated"] == "true")
        #expect(page["NextPartNumberMarker"] == "2")
        #expect(try await endpoint.send("GET", "/bucket/key", ["uploadId": id, "part-number-marker": "2"]).all("PartNumber") == ["7"])

        let list = [(2, first.etag), (7, last.etag)]
        let done = try await endpoint.complete("/bucket/key", id, list)
        #expect(done.status == 200, "\(done.text)")
        #expect(done["Location"] == "http://localhost:9000/bucket/key")
        #expect(done["ETag"]?.hasSuffix("-2&quot;") == true)
        #expect(done["ChecksumType"] == "FULL_OBJECT")
        #expect(done["ChecksumCRC64NVME"] == ChecksumValue(.crc64nvme, of: Self.big + tail).base64)
        let version = try #require(done.version)
        let again = try await endpoint.complete("/bucket/key", id, list)
        #expect(again.status == 200)
        #expect(again.version == version)
        #expect(again["ETag"] == done["ETag"])

        let head = try await endpoint.send("HEAD", "/bucket/key")
        #expect(head.header("content-length") == "\(Self.partSize + 4)")
        #expect(head.header("content-type") == "text/bla")
        #expect(head.header("x-amz-meta-a") == "1")
        #expect(head.header("x-amz-mp-parts-count") == nil)
        let second = try await endpoint.send("GET", "/bucket/key", ["partNumber": "7"], ["x-amz-checksum-mode": "ENABLED"])
        #expect(second.status == 206)
        #expect(second.text == "tail")
        #expect(second.header("x-amz-mp-parts-count") == "2")
        #expect(second.header("content-range") == "bytes \(Self.partSize)-\(Self.partSize + 3)/\(Self.partSize + 4)")
        #expect(second.header("x-amz-checksum-crc64nvme") == ChecksumValue(.crc64nvme, of: tail).base64)
        #expect(second.etag == head.etag)
        let size = try await endpoint.send("HEAD", "/bucket/key", ["partNumber": "2"])
        #expect(size.header("content-length") == "\(Self.partSize)")
        for number in ["1", "3", "8"] {
            #expect(try await endpoint.send("GET", "/bucket/key", ["partNumber": number]).failure == Failure(400, "InvalidPart"))
        }

        let attributes = try await endpoint.send(
            "GET", "/bucket/key", ["attributes": ""], ["x-amz-object-attributes": "ETag,Checksum,ObjectParts,StorageClass,ObjectSize"])
        #expect(attributes["PartsCount"] == "2")
        #expect(attributes.all("PartNumber").count == 2)
        #expect(attributes.all("Size") == ["\(Self.partSize)", "4"])
        #expect(attributes["ObjectSize"] == "\(Self.partSize + 4)")
        #expect(attributes["StorageClass"] == "STANDARD")
        #expect(attributes["ETag"] == String(head.etag.dropFirst().dropLast()))
        let one = try await endpoint.send(
            "GET", "/bucket/key", ["attributes": ""], ["x-amz-object-attributes": "ObjectParts", "x-amz-max-parts": "1"])
        #expect(one["IsTruncated"] == "true")
        #expect(one["NextPartNumberMarker"] == one["PartNumber"])
        #expect(one["ObjectSize"] == nil)
    }

    @Test func `what cannot be completed says why`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let id = try await endpoint.beginUpload("/bucket/key")
        let one = try await endpoint.putPart(1, "/bucket/key", id, Array("small".utf8)).etag
        let two = try await endpoint.putPart(2, "/bucket/key", id, Array("tail".utf8)).etag
        func complete(_ parts: [(Int, String)]) async throws -> Failure { try await endpoint.complete("/bucket/key", id, parts).failure }
        #expect(try await complete([]) == Failure(400, "MalformedXML"))
        #expect(try await complete([(9999, one)]) == Failure(400, "InvalidPart"))
        #expect(try await complete([(1, "ffffffffffffffffffffffffffffffff")]) == Failure(400, "InvalidPart"))
        #expect(try await complete([(2, two), (1, one)]) == Failure(400, "InvalidPartOrder"))
        #expect(try await complete([(1, one), (2, two)]) == Failure(400, "EntityTooSmall"))
        #expect(try await complete([(0, one)]) == Failure(400, "InvalidArgument"))
        #expect(try await complete([(1, one), (1, two)]) == Failure(400, "InvalidPart"), "the later of two is meant")
        for (name, value, code) in [
            ("x-amz-mp-object-size", "6", "InvalidRequest"), ("x-amz-mp-object-size", "six", "InvalidArgument"),
            ("x-amz-checksum-crc64nvme", "bad", "BadDigest"), ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "BadDigest"),
        ] {
            #expect(try await endpoint.complete("/bucket/key", id, [(1, one)], [name: value])["Code"] == code, "\(name): \(value)")
        }
        #expect(try await endpoint.complete("/bucket/key", id, [(1, one)], ["if-match": "*"]).failure == Failure(404, "NoSuchKey"))
        #expect(try await endpoint.send("HEAD", "/bucket/key").status == 404)
        #expect(try await endpoint.complete("/bucket/key", id, [(1, one)], ["if-none-match": "*", "x-amz-mp-object-size": "5"]).status == 200)
        #expect(try await endpoint.send("GET", "/bucket/key").text == "small")
        #expect(try await endpoint.send("GET", "/bucket/key", ["uploadId": id]).failure == Failure(404, "NoSuchUpload"))
    }

    @Test func `an upload that is unknown or aborted is not there`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        for id in ["56788", "0123456789abcdef0123456789abcdef"] {
            #expect(try await endpoint.send("DELETE", "/bucket/key", ["uploadId": id]).failure == Failure(404, "NoSuchUpload"))
            #expect(try await endpoint.putPart(1, "/bucket/key", id, [1]).failure == Failure(404, "NoSuchUpload"))
            #expect(try await endpoint.complete("/bucket/key", id, [(1, "x")]).failure == Failure(404, "NoSuchUpload"))
            #expect(try await endpoint.send("GET", "/bucket/key", ["uploadId": id]).failure == Failure(404, "NoSuchUpload"))
        }
        let id = try await endpoint.beginUpload("/bucket/key")
        #expect(try await endpoint.send("DELETE", "/bucket/key", ["uploadId": id]).status == 204)
        #expect(try await endpoint.putPart(1, "/bucket/key", id, [1]).failure == Failure(404, "NoSuchUpload"))
        #expect(try await endpoint.send("GET", "/bucket", ["uploads": ""]).all("UploadId").isEmpty)
    }

    @Test func `part numbers run from 1 to 10,000`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let id = try await endpoint.beginUpload("/bucket/key")
        for number in ["0", "10001", "one", ""] {
            let reply = try await endpoint.send("PUT", "/bucket/key", ["partNumber": number, "uploadId": id])
            #expect(reply.failure == Failure(400, "InvalidArgument"), "\(number)")
        }
        #expect(try await endpoint.putPart(10_000, "/bucket/key", id, [1]).status == 200)
    }

    @Test func `parts are copied, whole and in ranges`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket(versioning: "Enabled")
        try await endpoint.put("/bucket/source", "0123456789")
        let id = try await endpoint.beginUpload("/bucket/key")
        func copy(_ number: Int, _ headers: [String: String]) async throws -> CollectedReply {
            try await endpoint.send(
                "PUT", "/bucket/key", ["partNumber": "\(number)", "uploadId": id], headers.merging(["x-amz-copy-source": "bucket/source"]) { a, _ in a })
        }
        let ranged = try await copy(1, ["x-amz-copy-source-range": "bytes=2-4"])
        #expect(ranged.status == 200, "\(ranged.text)")
        #expect(ranged.header("x-amz-copy-source-version-id") != nil)
        let whole = try await copy(1, [:])
        #expect(whole["ETag"] == "&quot;\(MD5Digest(of: Array("0123456789".utf8)).hex)&quot;")
        for range in ["0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5", "bytes=-3", "bytes=3-"] {
            #expect(try await copy(2, ["x-amz-copy-source-range": range]).failure == Failure(400, "InvalidArgument"), "\(range)")
        }
        #expect(try await copy(2, ["x-amz-copy-source-range": "bytes=0-21"]).failure == Failure(416, "InvalidRange"))
        #expect(try await copy(2, ["x-amz-copy-source": "bucket/none"]).failure == Failure(404, "NoSuchKey"))
        #expect(try await copy(2, ["x-amz-copy-source-if-match": "x"]).failure == Failure(412, "PreconditionFailed"))
        let etag = try #require(whole["ETag"]).replacing("&quot;", with: "")
        #expect(try await endpoint.complete("/bucket/key", id, [(1, etag)]).status == 200)
        #expect(try await endpoint.send("GET", "/bucket/key").text == "0123456789")
    }

    @Test(arguments: [
        (ChecksumAlgorithm.sha256, "COMPOSITE"), (.sha1, "COMPOSITE"), (.crc32, "COMPOSITE"), (.crc32, "FULL_OBJECT"), (.crc32c, "FULL_OBJECT"),
        (.crc64nvme, "FULL_OBJECT"),
    ])
    func `the object's checksum is of its bytes or of its parts' checksums`(_ algorithm: ChecksumAlgorithm, _ type: String) async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let begun = try await endpoint.send(
            "POST", "/bucket/key", ["uploads": ""], ["x-amz-checksum-algorithm": algorithm.name, "x-amz-checksum-type": type])
        #expect(begun.header("x-amz-checksum-algorithm") == algorithm.name)
        #expect(begun.header("x-amz-checksum-type") == type)
        let id = try #require(begun["UploadId"])
        let body = Array("only part".utf8)
        let value = ChecksumValue(algorithm, of: body)
        let other = ChecksumAlgorithm.allCases.first { $0 != algorithm } ?? .crc32
        let mismatched = try await endpoint.putPart(1, "/bucket/key", id, body, [other.headerName: ChecksumValue(other, of: body).base64])
        #expect(mismatched.failure == Failure(400, "InvalidRequest"))
        let wrong = ChecksumValue(algorithm, of: Array("other".utf8)).base64
        #expect(try await endpoint.putPart(1, "/bucket/key", id, body, [algorithm.headerName: wrong]).failure == Failure(400, "BadDigest"))
        let part = try await endpoint.putPart(1, "/bucket/key", id, body, [algorithm.headerName: value.base64])
        #expect(part.header(algorithm.headerName) == value.base64)
        let expected = type == "FULL_OBJECT" ? value.base64 : try #require(ChecksumValue.composite(of: [value])).base64 + "-1"
        let refused = try await endpoint.complete("/bucket/key", id, [(1, part.etag)], [algorithm.headerName: "bad"])
        #expect(refused.failure == Failure(400, "BadDigest"))
        let done = try await endpoint.complete("/bucket/key", id, [(1, part.etag)], [algorithm.headerName: expected])
        #expect(done.status == 200, "\(done.text)")
        #expect(done["Checksum\(algorithm.name)"] == expected)
        #expect(done["ChecksumType"] == type)
        #expect(try await endpoint.send("HEAD", "/bucket/key").header(algorithm.headerName) == nil)
        let head = try await endpoint.send("HEAD", "/bucket/key", [:], ["x-amz-checksum-mode": "ENABLED"])
        #expect(head.header(algorithm.headerName) == expected)
        #expect(head.header("x-amz-checksum-type") == type)
        let got = try await endpoint.send("GET", "/bucket/key", ["partNumber": "1"], ["x-amz-checksum-mode": "ENABLED"])
        #expect(got.header(algorithm.headerName) == value.base64)
        #expect(got.header("x-amz-checksum-type") == type)
    }

    @Test func `types an algorithm does not have are refused`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        for (algorithm, type) in [("SHA256", "FULL_OBJECT"), ("SHA1", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE"), ("CRC32", "HALF"), ("MD6", "COMPOSITE"), (nil, "COMPOSITE")] {
            var headers = ["x-amz-checksum-type": type]
            headers["x-amz-checksum-algorithm"] = algorithm
            #expect(try await endpoint.send("POST", "/bucket/key", ["uploads": ""], headers).failure == Failure(400, "InvalidRequest"))
        }
    }

    @Test func `an object sent in one piece has one part and no parts`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let etag = try await endpoint.put("/bucket/key", "body").etag
        let whole = try await endpoint.send("GET", "/bucket/key", ["partNumber": "1"])
        #expect(whole.text == "body")
        #expect(whole.etag == etag)
        #expect(whole.header("x-amz-mp-parts-count") == nil)
        #expect(try await endpoint.send("GET", "/bucket/key", ["partNumber": "2"]).failure == Failure(400, "InvalidPart"))
        let attributes = try await endpoint.send("GET", "/bucket/key", ["attributes": ""], ["x-amz-object-attributes": "ObjectParts, ETag"])
        #expect(!attributes.text.contains("ObjectParts"))
        #expect(attributes["ETag"] == String(etag.dropFirst().dropLast()))
        #expect(try await endpoint.send("GET", "/bucket/key", ["attributes": ""]).failure == Failure(400, "InvalidRequest"))
        let odd = try await endpoint.send("GET", "/bucket/key", ["attributes": ""], ["x-amz-object-attributes": "Colour"])
        #expect(odd.failure == Failure(400, "InvalidArgument"))
    }
}
