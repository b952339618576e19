import SkerryHTTP
import Testing

@testable import SkerryS3

@Suite("Conditions and ranges") struct ConditionTests {
    private let past = "Sat, 29 Oct 1994 19:43:31 GMT"
    private let future = "Sat, 29 Oct 2095 19:43:31 GMT"

    @Test func `reads obey their conditions in RFC 9110's order`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let etag = try await endpoint.put("/bucket/key").etag
        let bare = String(etag.dropFirst().dropLast())
        let cases: [([String: String], Int)] = [
            (["if-match": etag], 200), (["if-match": bare], 200), (["if-match": "\"x\", \(etag)"], 200), (["if-match": "*"], 200),
            (["if-match": "\"ABCORZ\""], 412), (["if-none-match": etag], 304), (["if-none-match": "W/\(etag)"], 304),
            (["if-none-match": "*"], 304),
            (["if-none-match": "ABCORZ"], 200), (["if-modified-since": past], 200), (["if-modified-since": future], 304),
            (["if-unmodified-since": past], 412), (["if-unmodified-since": future], 200), (["if-unmodified-since": "yesterday"], 200),
            (["if-match": etag, "if-unmodified-since": past], 200), (["if-none-match": "x", "if-modified-since": future], 200),
        ]
        for (headers, status) in cases {
            for method in ["GET", "HEAD"] {
                let reply = try await endpoint.send(method, "/bucket/key", [:], headers)
                #expect(reply.status == status, "\(method) \(headers)")
                if status == 304 {
                    #expect(reply.bytes.isEmpty)
                    #expect(reply.etag == etag)
                    #expect(reply.header("last-modified") != nil)
                }
                if status == 412, method == "GET" { #expect(reply["Code"] == "PreconditionFailed") }
            }
        }
    }

    @Test func `writes obey theirs`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        func put(_ headers: [String: String]) async throws -> Failure {
            try await endpoint.send("PUT", "/bucket/key", [:], headers).failure
        }
        let fine = Failure(200, "")
        let failed = Failure(412, "PreconditionFailed")
        let absent = Failure(404, "NoSuchKey")
        #expect(try await put(["if-match": "*"]) == absent)
        #expect(try await put(["if-match": "badetag"]) == absent)
        #expect(try await put(["if-none-match": "*"]) == fine)
        let etag = try await endpoint.send("HEAD", "/bucket/key").etag
        #expect(try await put(["if-none-match": "*"]) == failed)
        #expect(try await put(["if-none-match": etag]) == failed)
        #expect(try await put(["if-none-match": "badetag"]) == fine)
        #expect(try await put(["if-match": etag]) == fine)
        #expect(try await put(["if-match": "*"]) == fine)
        #expect(try await put(["if-match": "badetag"]) == failed)
        try await endpoint.send("DELETE", "/bucket/key")
        #expect(try await put(["if-none-match": etag]) == fine)
    }

    @Test func `a delete marker counts as absent for writes`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket(versioning: "Enabled")
        try await endpoint.put("/bucket/key")
        try await endpoint.send("DELETE", "/bucket/key")
        #expect(try await endpoint.send("PUT", "/bucket/key", [:], ["if-match": "*"]).failure == Failure(404, "NoSuchKey"))
        #expect(try await endpoint.send("PUT", "/bucket/key", [:], ["if-none-match": "*"]).status == 200)
    }

    @Test func `deletes obey ETag, size and date, and succeed on what is not there`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        func delete(_ headers: [String: String]) async throws -> Int {
            try await endpoint.send("DELETE", "/bucket/key", [:], headers).status
        }
        for (name, wrong) in [("if-match", "badetag"), ("x-amz-if-match-size", "9999"), ("x-amz-if-match-last-modified-time", past)] {
            let etag = try await endpoint.put("/bucket/key").etag
            let modified = try await endpoint.send("HEAD", "/bucket/key").header("last-modified") ?? ""
            let right = ["if-match": etag, "x-amz-if-match-size": "3", "x-amz-if-match-last-modified-time": modified][name] ?? ""
            #expect(try await delete([name: wrong]) == 412, "\(name)")
            #expect(try await delete([name: right]) == 204, "\(name)")
            #expect(try await endpoint.send("HEAD", "/bucket/key").status == 404)
            #expect(try await delete([name: wrong]) == 204, "\(name) of nothing")
        }
        #expect(
            try await endpoint.send("DELETE", "/bucket/key", [:], ["x-amz-if-match-size": "many"]).failure
                == Failure(400, "InvalidArgument"))
    }

    @Test(arguments: [
        ("bytes=4-7", 206, "cont", "bytes 4-7/11"), ("bytes=4-", 206, "content", "bytes 4-10/11"),
        ("bytes=-7", 206, "content", "bytes 4-10/11"),
        ("bytes=-99", 206, "testcontent", "bytes 0-10/11"), ("bytes=0-99", 206, "testcontent", "bytes 0-10/11"),
        ("bytes=10-10", 206, "t", "bytes 10-10/11"), ("Bytes = 0-0", 206, "t", "bytes 0-0/11"),
        ("bytes=7-4", 200, "testcontent", ""), ("bytes=a-b", 200, "testcontent", ""), ("items=0-1", 200, "testcontent", ""),
        ("bytes=0-1,3-4", 200, "testcontent", ""), ("bytes=", 200, "testcontent", ""), ("bytes=-", 200, "testcontent", ""),
    ])
    func `ranges are resolved, and broken ones ignored`(_ range: String, _ status: Int, _ body: String, _ contentRange: String) async throws
    {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key", "testcontent")
        let reply = try await endpoint.send("GET", "/bucket/key", [:], ["range": range])
        #expect(reply.status == status)
        #expect(reply.text == body)
        #expect(reply.header("content-range") ?? "" == contentRange)
        let head = try await endpoint.send("HEAD", "/bucket/key", [:], ["range": range])
        #expect(head.status == status)
        #expect(head.header("content-length") == "\(body.count)")
    }

    @Test func `a range beyond the end, and any range of nothing, is 416`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key", "testcontent")
        try await endpoint.put("/bucket/empty", "")
        for (path, range) in [
            ("key", "bytes=11-"), ("key", "bytes=40-50"), ("key", "bytes=-0"), ("empty", "bytes=0-"), ("empty", "bytes=-5"),
        ] {
            let reply = try await endpoint.send("GET", "/bucket/\(path)", [:], ["range": range])
            #expect(reply.failure == Failure(416, "InvalidRange"), "\(path) \(range)")
            #expect(reply.header("content-range") == (path == "key" ? "bytes */11" : "bytes */0"))
        }
    }

    @Test func `If-Range lets a range count only for the version it names`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        let etag = try await endpoint.put("/bucket/key", "testcontent").etag
        func get(_ value: String) async throws -> Int {
            try await endpoint.send("GET", "/bucket/key", [:], ["range": "bytes=0-1", "if-range": value]).status
        }
        #expect(try await get(etag) == 206)
        #expect(try await get("\"other\"") == 200)
        #expect(try await get(past) == 200)
    }

    @Test func `a partial answer carries no checksum of the whole`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key", "testcontent")
        let mode = ["x-amz-checksum-mode": "ENABLED"]
        #expect(try await endpoint.send("GET", "/bucket/key", [:], mode).header("x-amz-checksum-crc64nvme") != nil)
        let part = try await endpoint.send("GET", "/bucket/key", [:], mode.merging(["range": "bytes=0-3"]) { $1 })
        #expect(part.status == 206)
        #expect(part.header("x-amz-checksum-crc64nvme") == nil)
    }
}
