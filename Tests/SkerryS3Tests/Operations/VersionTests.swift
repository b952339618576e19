import SkerryHTTP
import Testing

@testable import SkerryS3

@Suite("Versions and deletion") struct VersionTests {
    @Test func `versions are kept and read by their IDs`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket(versioning: "Enabled")
        let first = try #require(try await endpoint.put("/bucket/key", "one").version)
        let second = try #require(try await endpoint.put("/bucket/key", "two").version)
        #expect(first != second)
        #expect(try await endpoint.send("GET", "/bucket/key").text == "two")
        let old = try await endpoint.send("GET", "/bucket/key", ["versionId": first])
        #expect(old.text == "one")
        #expect(old.version == first)
        #expect(try await endpoint.send("DELETE", "/bucket/key", ["versionId": second]).version == second)
        #expect(try await endpoint.send("GET", "/bucket/key").text == "one")
        #expect(try await endpoint.send("GET", "/bucket/key", ["versionId": second]).failure == Failure(404, "NoSuchVersion"))
        #expect(try await endpoint.send("GET", "/bucket/key", ["versionId": "odd"]).failure == Failure(400, "InvalidArgument"))
    }

    @Test func `a delete marker hides, is told apart, and its removal restores`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket(versioning: "Enabled")
        try await endpoint.put("/bucket/key")
        let deleted = try await endpoint.send("DELETE", "/bucket/key")
        #expect(deleted.status == 204)
        #expect(deleted.header("x-amz-delete-marker") == "true")
        let marker = try #require(deleted.version)
        let hidden = try await endpoint.send("GET", "/bucket/key")
        #expect(hidden.failure == Failure(404, "NoSuchKey"))
        #expect(hidden.header("x-amz-delete-marker") == "true")
        #expect(hidden.version == marker)
        let named = try await endpoint.send("HEAD", "/bucket/key", ["versionId": marker])
        #expect(named.status == 405)
        #expect(named.header("x-amz-delete-marker") == "true")
        #expect(named.header("last-modified") != nil)
        #expect(named.header("allow") == "DELETE")
        let restored = try await endpoint.send("DELETE", "/bucket/key", ["versionId": marker])
        #expect(restored.header("x-amz-delete-marker") == "true")
        #expect(restored.version == marker)
        #expect(try await endpoint.send("GET", "/bucket/key").text == "bar")
    }

    @Test func `while suspended the null version is replaced and not stacked`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key", "plain")
        try await endpoint.setVersioning("Enabled")
        let kept = try #require(try await endpoint.put("/bucket/key", "kept").version)
        try await endpoint.setVersioning("Suspended")
        for body in ["null one", "null two"] { #expect(try await endpoint.put("/bucket/key", body).version == nil) }
        #expect(try await endpoint.send("HEAD", "/bucket/key").version == "null")
        let list = try await endpoint.send("GET", "/bucket", ["versions": ""])
        #expect(list.all("VersionId") == ["null", kept])
        #expect(try await endpoint.send("GET", "/bucket/key", ["versionId": "null"]).text == "null two")
        let deleted = try await endpoint.send("DELETE", "/bucket/key")
        #expect(deleted.version == "null")
        #expect(deleted.header("x-amz-delete-marker") == "true")
        #expect(try await endpoint.send("GET", "/bucket", ["versions": ""]).all("VersionId") == ["null", kept])
        #expect(try await endpoint.send("GET", "/bucket/key", ["versionId": kept]).text == "kept")
    }

    @Test func `an unversioned bucket says nothing of versions`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        #expect(try await endpoint.put("/bucket/key").version == nil)
        #expect(try await endpoint.send("GET", "/bucket/key").version == nil)
        let deleted = try await endpoint.send("DELETE", "/bucket/key")
        #expect(deleted.version == nil)
        #expect(deleted.header("x-amz-delete-marker") == nil)
        #expect(try await endpoint.send("DELETE", "/bucket/key").status == 204)
    }

    // MARK: DeleteObjects

    @Test func `many keys are deleted at once, also those that are not there`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        for key in ["a", "b"] { try await endpoint.put("/bucket/\(key)") }
        let document = "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object><Object><Key>c&amp;d</Key></Object></Delete>"
        let reply = try await endpoint.delete(document)
        #expect(reply.status == 200)
        #expect(reply.all("Key") == ["a", "b", "c&amp;d"])
        #expect(reply["Error"] == nil)
        #expect(try await endpoint.send("GET", "/bucket").all("Key").isEmpty)
        let quiet = try await endpoint.delete("<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>")
        #expect(quiet.all("Key").isEmpty)
    }

    @Test func `versions and markers are deleted and made at once`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket(versioning: "Enabled")
        let version = try #require(try await endpoint.put("/bucket/key").version)
        let made = try await endpoint.delete("<Delete><Object><Key>key</Key></Object></Delete>")
        #expect(made["DeleteMarker"] == "true")
        let marker = try #require(made["DeleteMarkerVersionId"])
        let objects = [version, marker].map { "<Object><Key>key</Key><VersionId>\($0)</VersionId></Object>" }.joined()
        for _ in 0..<2 {
            let reply = try await endpoint.delete("<Delete>\(objects)</Delete>")
            #expect(reply.all("VersionId") == [version, marker])
            #expect(reply["Error"] == nil)
        }
        #expect(try await endpoint.send("GET", "/bucket", ["versions": ""]).all("VersionId").isEmpty)
        let odd = try await endpoint.delete("<Delete><Object><Key>key</Key><VersionId>odd</VersionId></Object><Object><Key>x</Key></Object></Delete>")
        #expect(odd["Code"] == "NoSuchVersion")
        #expect(odd.all("Deleted").count == 1)
    }

    @Test func `each key has conditions of its own`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let etag = try await endpoint.put("/bucket/key").etag
        let modified = try await endpoint.send("HEAD", "/bucket/key").header("last-modified") ?? ""
        for wrong in ["<ETag>badetag</ETag>", "<Size>9999</Size>", "<LastModifiedTime>Thu, 01 Jan 2015 00:00:00 GMT</LastModifiedTime>"] {
            let reply = try await endpoint.delete("<Delete><Object><Key>key</Key>\(wrong)</Object></Delete>")
            #expect(reply["Code"] == "PreconditionFailed", "\(wrong)")
        }
        let right = "<ETag>\(etag)</ETag><Size>3</Size><LastModifiedTime>\(modified)</LastModifiedTime>"
        #expect(try await endpoint.delete("<Delete><Object><Key>key</Key>\(right)</Object></Delete>")["Error"] == nil)
        #expect(try await endpoint.send("HEAD", "/bucket/key").status == 404)
    }

    @Test func `the list is whole, digested and at most 1,000 long`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let one = "<Delete><Object><Key>a</Key></Object></Delete>"
        #expect(try await endpoint.delete(one, [:]).failure == Failure(400, "InvalidRequest"))
        #expect(try await endpoint.delete(one, ["content-md5": "rL0Y20xC+Fzt72VPzMSk2A=="]).failure == Failure(400, "BadDigest"))
        #expect(try await endpoint.delete(one, ["x-amz-checksum-crc32": "AAAAAA=="]).failure == Failure(400, "BadDigest"))
        let many = (0...1000).map { "<Object><Key>\($0)</Key></Object>" }.joined()
        for document in ["<Delete>\(many)</Delete>", "<Delete></Delete>", "<Delete><Object></Object></Delete>", "<Delete>", "<Remove/>", ""] {
            #expect(try await endpoint.delete(document).failure == Failure(400, "MalformedXML"))
        }
    }

    @Test func `a document is at most 2 MiB, and is refused before it is read`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let body = PiecesBody(bytes: [UInt8](repeating: 0x20, count: S3Limits.documentMaximum + 1))
        let request = endpoint.request("POST", "/bucket", ["delete": ""], ["content-md5": "rL0Y20xC+Fzt72VPzMSk2A=="])
        #expect(try await endpoint.send(request, body: body).failure == Failure(400, "MaxMessageLengthExceeded"))
        #expect(body.bytesTaken == 0)
    }
}
