import HTTPTypes
import SkerryHTTP
import SkerryObjects
import Synchronization
import Testing

@testable import SkerryS3

@Suite("Access and refusals") struct AccessTests {
    @Test func `the owner and root may, others and nobody may not`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key")
        for (method, path, query) in [("GET", "/bucket", [:]), ("GET", "/bucket/key", [:]), ("PUT", "/bucket/key", [:]), ("DELETE", "/bucket/key", [:])]
            as [(String, String, [String: String])]
        {
            #expect(try await endpoint.send(method, path, query, as: .other).failure == Failure(403, "AccessDenied"), "\(method) \(path)")
            #expect(try await endpoint.send(method, path, query, as: nil).failure == Failure(403, "AccessDenied"), "\(method) \(path)")
        }
        #expect(try await endpoint.send("GET", "/", as: nil).failure == Failure(403, "AccessDenied"))
        #expect(try await endpoint.send("PUT", "/fresh", as: nil).failure == Failure(403, "AccessDenied"))
        #expect(try await endpoint.send("GET", "/bucket/key", as: .root).status == 200)
    }

    @Test func `a missing bucket is missing for everyone`() async throws {
        let endpoint = try await Endpoint()
        for person in [Endpoint.Person.main, .other, nil] {
            let reply = try await endpoint.send("GET", "/nowhere/key", as: person)
            #expect(reply.failure == Failure(404, "NoSuchBucket"))
            #expect(reply["BucketName"] == "nowhere")
        }
    }

    @Test func `HEAD of a foreign bucket names its region and has no body`() async throws {
        let endpoint = try await Endpoint(region: "harbour-1")
        try await endpoint.makeBucket()
        let reply = try await endpoint.send("HEAD", "/bucket", as: .other)
        #expect(reply.status == 403)
        #expect(reply.bytes.isEmpty)
        #expect(reply.header("x-amz-bucket-region") == "harbour-1")
    }

    @Test func `an expected owner other than the owner is refused`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        #expect(try await endpoint.send("GET", "/bucket", [:], ["x-amz-expected-bucket-owner": "main-id"]).status == 200)
        let refused = try await endpoint.send("GET", "/bucket", [:], ["x-amz-expected-bucket-owner": "someone"])
        #expect(refused.failure == Failure(403, "AccessDenied"))
    }

    @Test func `a wrong key, a wrong secret and a wrong clock each have their answer`() async throws {
        let endpoint = try await Endpoint()
        let stranger = Endpoint.Person(id: "", name: "", accessKey: "NOSUCHKEY", secret: "x")
        #expect(try await endpoint.send("GET", "/", as: stranger).failure == Failure(403, "InvalidAccessKeyId"))
        var forger = Endpoint.Person.main
        forger.secret = "guess"
        let reply = try await endpoint.send("GET", "/", as: forger)
        #expect(reply.failure == Failure(403, "SignatureDoesNotMatch"))
        #expect(reply["AWSAccessKeyId"] == "MAINKEY")
        #expect(reply["StringToSign"]?.hasPrefix("AWS4-HMAC-SHA256") == true)
        #expect(!reply.text.contains("main-secret"))
    }

    @Test func `every answer names the request, and an error's document names it too`() async throws {
        let endpoint = try await Endpoint()
        for (method, path) in [("GET", "/"), ("GET", "/nowhere"), ("HEAD", "/nowhere"), ("OPTIONS", "/nowhere")] {
            let reply = try await endpoint.send(method, path)
            #expect(reply.header("x-amz-request-id") == "0000000000000000")
            #expect(reply.header("x-amz-id-2") == "skerry")
        }
        let reply = try await endpoint.send("GET", "/nowhere/a<b")
        #expect(reply["RequestId"] == "0000000000000000")
        #expect(reply["Resource"] == "/nowhere/a&lt;b")
        #expect(reply.header("content-type") == "application/xml")
    }

    @Test func `nothing of the body is asked for before the request was found good`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key")
        let body = Array("fresh".utf8)
        let refusals: [(HTTPRequest, Int)] = [
            (endpoint.request("PUT", "/nowhere/key", body: body), 404),
            (endpoint.request("PUT", "/bucket/key", body: body, as: .other), 403),
            (endpoint.request("PUT", "/bucket/key", [:], ["if-none-match": "*"], body: body), 412),
            (endpoint.request("PUT", "/bucket/key", [:], ["if-match": "\"0\""], body: body), 412),
            (endpoint.request("PUT", "/bucket/none", [:], ["if-match": "*"], body: body), 404),
            (endpoint.request("PUT", "/bucket/key", [:], ["x-amz-tagging": "a=b"], body: body), 501),
            (endpoint.request("PUT", "/bucket/key", [:], ["content-md5": "short"], body: body), 400),
        ]
        for (request, status) in refusals {
            let pieces = PiecesBody(bytes: body)
            #expect(try await endpoint.send(request, body: pieces).status == status)
            #expect(pieces.bytesTaken == 0, "\(status)")
        }
        #expect(try await endpoint.send("GET", "/bucket/key").text == "bar")
    }

    @Test func `a preflight is refused without a signature`() async throws {
        let endpoint = try await Endpoint()
        var request = HTTPRequest(method: .options, scheme: "http", authority: "localhost", path: "/bucket/key")
        #expect(try await endpoint.send(request, body: EmptyBody()).failure == Failure(400, "BadRequest"))
        request.headerFields[.origin] = "https://example.org"
        request.headerFields[.accessControlRequestMethod] = "GET"
        #expect(try await endpoint.send(request, body: EmptyBody()).failure == Failure(403, "AccessForbidden"))
    }

    @Test func `a presigned URL reads, and fields moved into its query count`() async throws {
        let endpoint = try await Endpoint()
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key")
        let signer = ReferenceSigner(secret: Endpoint.Person.main.secret, accessKey: Endpoint.Person.main.accessKey)
        func get(_ query: [(String, String)]) async throws -> CollectedReply {
            let target = signer.presigned(path: "/bucket/key", query: query)
            return try await endpoint.send(makeRequest("GET", target, [("host", "localhost:9000")]), body: EmptyBody())
        }
        #expect(try await get([]).text == "bar")
        #expect(try await get([("X-Amz-Checksum-Mode", "ENABLED")]).header("x-amz-checksum-crc64nvme") != nil)
        #expect(try await get([("response-content-type", "text/x")]).header("content-type") == "text/x")
        #expect(try await get([("x-amz-expected-bucket-owner", "someone")]).failure == Failure(403, "AccessDenied"))
    }

    @Test func `virtual-host style reaches the same object`() async throws {
        let endpoint = try await Endpoint(domains: ["localhost"])
        let signer = ReferenceSigner(secret: Endpoint.Person.main.secret, accessKey: Endpoint.Person.main.accessKey)
        let target = signer.presigned(path: "/key", host: "bucket.localhost:9000")
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key")
        #expect(try await endpoint.send(makeRequest("GET", target, [("host", "bucket.localhost:9000")]), body: EmptyBody()).text == "bar")
    }

    @Test func `the observer hears of every answer`() async throws {
        final class Ear: S3Observer {
            let heard = Mutex<[S3Observation]>([])
            func answered(_ observation: S3Observation) { heard.withLock { $0.append(observation) } }
        }
        let ear = Ear()
        let endpoint = try await Endpoint(observer: ear)
        try await endpoint.makeBucket()
        try await endpoint.put("/bucket/key", "12345")
        try await endpoint.send("GET", "/bucket/key")
        try await endpoint.send("GET", "/bucket/none")
        let heard = ear.heard.withLock { $0 }
        #expect(heard.map(\.operation) == [.createBucket, .putObject, .getObject, .getObject])
        #expect(heard.map(\.status) == [200, 200, 200, 404])
        #expect(heard.map(\.errorCode) == [nil, nil, nil, "NoSuchKey"])
        #expect(heard[1].bytesReceived == 5)
        #expect(heard[2].bytesSent == 5)
    }
}
