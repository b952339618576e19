import HTTPTypes
import SkerryHTTP
import Testing

@testable import SkerryS3

@Suite("Listings") struct ListTests {
    private func bucket(_ keys: [String]) async throws -> Endpoint {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        for key in keys { try await endpoint.put("/bucket/\(key)") }
        return endpoint
    }

    @Test func `an entry says what HEAD says`() async throws {
        let endpoint = try await bucket(["foo"])
        let head = try await endpoint.send("HEAD", "/bucket/foo")
        let reply = try await endpoint.send("GET", "/bucket")
        #expect(reply.all("Key") == ["foo"])
        #expect(reply["ETag"] == "&quot;\(head.etag.dropFirst().dropLast())&quot;")
        #expect(reply["Size"] == "3")
        #expect(reply["StorageClass"] == "STANDARD")
        #expect(reply["ID"] == "main-id")
        #expect(reply["ChecksumAlgorithm"] == "CRC64NVME")
        #expect(reply["ChecksumType"] == "FULL_OBJECT")
        let modified = try #require(reply["LastModified"])
        #expect(modified.count == 24 && modified.hasSuffix("Z"))
        #expect(S3Date.seconds(modified) == S3Date.seconds(head.header("last-modified") ?? ""))
        #expect(reply["Name"] == "bucket")
        #expect(reply["MaxKeys"] == "1000")
        #expect(reply["IsTruncated"] == "false")
        #expect(reply["Marker"] == "")
        #expect(reply["Prefix"] == "")
        #expect(reply["Delimiter"] == nil)
    }

    @Test func `keys come in the order of their bytes`() async throws {
        let keys = ["b", "a/b", "a/b/c", "a", "B", "ä", "a0", "a-"]
        let endpoint = try await bucket(keys)
        let sorted = keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        #expect(try await endpoint.send("GET", "/bucket").all("Key") == sorted)
    }

    @Test func `common prefixes count toward max-keys, and markers skip a whole prefix`() async throws {
        let endpoint = try await bucket(["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla"])
        struct Page: Equatable { var keys: [String], prefixes: [String], truncated: String, next: String? }
        func list(_ query: [String: String]) async throws -> Page {
            let reply = try await endpoint.send("GET", "/bucket", query.merging(["delimiter": "/"]) { a, _ in a })
            let prefixes = reply.all("CommonPrefixes").map { String($0.dropFirst("<Prefix>".count).dropLast("</Prefix>".count)) }
            return Page(keys: reply.all("Key"), prefixes: prefixes, truncated: reply["IsTruncated"] ?? "", next: reply["NextMarker"])
        }
        #expect(try await list(["max-keys": "1"]) == Page(keys: ["asdf"], prefixes: [], truncated: "true", next: "asdf"))
        #expect(try await list(["max-keys": "1", "marker": "asdf"]) == Page(keys: [], prefixes: ["boo/"], truncated: "true", next: "boo/"))
        #expect(try await list(["max-keys": "1", "marker": "boo/"]) == Page(keys: [], prefixes: ["cquux/"], truncated: "false", next: nil))
        #expect(try await list(["max-keys": "2"]) == Page(keys: ["asdf"], prefixes: ["boo/"], truncated: "true", next: "boo/"))
        #expect(try await list(["prefix": "boo/"]) == Page(keys: ["boo/bar"], prefixes: ["boo/baz/"], truncated: "false", next: nil))
        #expect(try await list(["delimiter": "oo/ba"]) == Page(keys: ["asdf", "cquux/bla", "cquux/thud"], prefixes: ["boo/ba"], truncated: "false", next: nil))
    }

    @Test func `NextMarker comes only with a delimiter`() async throws {
        let endpoint = try await bucket(["a", "b"])
        let reply = try await endpoint.send("GET", "/bucket", ["max-keys": "1"])
        #expect(reply["IsTruncated"] == "true")
        #expect(reply["NextMarker"] == nil)
    }

    @Test func `max-keys is capped, may be zero and must be a number`() async throws {
        let endpoint = try await bucket(["a", "b"])
        for version in [[:], ["list-type": "2"]] as [[String: String]] {
            func list(_ count: String) async throws -> CollectedReply {
                try await endpoint.send("GET", "/bucket", version.merging(["max-keys": count]) { $1 })
            }
            let none = try await list("0")
            #expect(none.all("Key").isEmpty)
            #expect(none["IsTruncated"] == "false")
            #expect(try await list("2000")["MaxKeys"] == "1000")
            for bad in ["blah", "-1", "9999999999"] { #expect(try await list(bad).failure == Failure(400, "InvalidArgument"), "\(bad)") }
        }
    }

    @Test func `the second form pages by tokens and after a name`() async throws {
        let endpoint = try await bucket(["bar", "baz", "foo", "quxx"])
        func list(_ query: [String: String]) async throws -> CollectedReply {
            try await endpoint.send("GET", "/bucket", query.merging(["list-type": "2"]) { $1 })
        }
        let first = try await list(["max-keys": "1", "start-after": "bar"])
        #expect(first.all("Key") == ["baz"])
        #expect(first["KeyCount"] == "1")
        #expect(first["StartAfter"] == "bar")
        let token = try #require(first["NextContinuationToken"])
        let second = try await list(["start-after": "bar", "continuation-token": token])
        #expect(second.all("Key") == ["foo", "quxx"])
        #expect(second["ContinuationToken"] == token)
        #expect(second["NextContinuationToken"] == nil)
        #expect(second["Owner"] == nil)
        let empty = try await list(["continuation-token": ""])
        #expect(empty["ContinuationToken"] == "")
        #expect(empty.all("Key").count == 4)
        #expect(try await list(["fetch-owner": "true"])["DisplayName"] == "Main")
        #expect(try await list(["continuation-token": "nonsense"]).failure == Failure(400, "InvalidArgument"))
        #expect(try await endpoint.send("GET", "/bucket", ["list-type": "3"]).failure == Failure(400, "InvalidArgument"))
    }

    @Test func `pages of any size add up to the whole`() async throws {
        let keys = (0..<23).map { "k\($0 % 3)/\($0)" }
        let endpoint = try await bucket(keys)
        for delimiter in [nil, "/"] {
            for size in [1, 2, 5, 23] {
                var names: [String] = []
                var token: String?
                repeat {
                    var query = ["list-type": "2", "max-keys": "\(size)"]
                    query["delimiter"] = delimiter
                    query["continuation-token"] = token
                    let page = try await endpoint.send("GET", "/bucket", query)
                    names += page.all("Key") + page.all("CommonPrefixes")
                    token = page["NextContinuationToken"]
                } while token != nil
                #expect(names.count == (delimiter == nil ? 23 : 3), "\(size)")
                #expect(Set(names).count == names.count)
            }
        }
    }

    @Test func `url encoding applies to every name in the answer`() async throws {
        let endpoint = try await bucket(["foo+1/bar", "foo/bar/xyzzy", "quux ab/thud", "asdf+b"])
        let reply = try await endpoint.send("GET", "/bucket", ["delimiter": "/", "encoding-type": "url", "marker": "a b"])
        #expect(reply.all("Key") == ["asdf%2Bb"])
        #expect(reply.all("CommonPrefixes") == ["<Prefix>foo%2B1/</Prefix>", "<Prefix>foo/</Prefix>", "<Prefix>quux%20ab/</Prefix>"])
        #expect(reply["Marker"] == "a%20b")
        #expect(reply["EncodingType"] == "url")
        #expect(reply["Delimiter"] == "/")
        let bad = try await endpoint.send("GET", "/bucket", ["encoding-type": "base64"])
        #expect(bad.failure == Failure(400, "InvalidArgument"))
    }

    @Test func `the first form repeats the prefix as it was asked`() async throws {
        let endpoint = try await bucket(["a b/c"])
        let query = ["prefix": "a b", "encoding-type": "url"]
        #expect(try await endpoint.send("GET", "/bucket", query)["Prefix"] == "a b")
        #expect(try await endpoint.send("GET", "/bucket", query.merging(["list-type": "2"]) { $1 })["Prefix"] == "a%20b")
    }

    @Test func `versions are listed newest first and paged by key and version`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket(versioning: "Enabled")
        var written: [String] = []
        for key in ["a", "a", "b"] { written.append(try await endpoint.put("/bucket/\(key)").version ?? "") }
        let marker = try await endpoint.send("DELETE", "/bucket/b").version
        let whole = try await endpoint.send("GET", "/bucket", ["versions": ""])
        #expect(whole.all("VersionId") == [written[1], written[0], marker ?? "", written[2]])
        #expect(whole.all("IsLatest") == ["true", "false", "true", "false"])
        #expect(whole.all("DeleteMarker").count == 1)
        #expect(whole.all("Version").count == 3)
        var paged: [String] = []
        var query = ["versions": "", "max-keys": "1"]
        while true {
            let page = try await endpoint.send("GET", "/bucket", query)
            paged += page.all("VersionId")
            guard page["IsTruncated"] == "true" else { break }
            query["key-marker"] = page["NextKeyMarker"]
            query["version-id-marker"] = page["NextVersionIdMarker"]
        }
        #expect(paged == whole.all("VersionId"))
        let lone = try await endpoint.send("GET", "/bucket", ["versions": "", "version-id-marker": written[0]])
        #expect(lone.failure == Failure(400, "InvalidArgument"))
    }

    @Test func `uploads are listed in order and paged by key and upload`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        var ids: [String] = []
        for key in ["a/x", "a/x", "b"] { ids.append(try await endpoint.beginUpload("/bucket/\(key)")) }
        let whole = try await endpoint.send("GET", "/bucket", ["uploads": ""])
        #expect(whole.all("UploadId") == ids)
        #expect(whole.all("Key") == ["a/x", "a/x", "b"])
        #expect(whole.all("ID").allSatisfy { $0 == "main-id" })
        var paged: [String] = []
        var query = ["uploads": "", "max-uploads": "1"]
        while true {
            let page = try await endpoint.send("GET", "/bucket", query)
            paged += page.all("UploadId")
            guard page["IsTruncated"] == "true" else { break }
            query["key-marker"] = page["NextKeyMarker"]
            query["upload-id-marker"] = page["NextUploadIdMarker"]
        }
        #expect(paged == ids)
        let grouped = try await endpoint.send("GET", "/bucket", ["uploads": "", "delimiter": "/"])
        #expect(grouped.all("UploadId") == [ids[2]])
        #expect(grouped.all("CommonPrefixes") == ["<Prefix>a/</Prefix>"])
        #expect(try await endpoint.send("GET", "/bucket", ["uploads": "", "prefix": "b"]).all("UploadId") == [ids[2]])
    }
}
