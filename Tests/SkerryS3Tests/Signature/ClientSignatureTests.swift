import HTTPTypes
import Testing

@testable import SkerryS3

/// Signatures made by a real client's code.
@Suite struct ClientSignatureTests {
    @Test(arguments: ClientVector.all)
    func `a client's request is verified and its key is read as it was meant`(vector: ClientVector) async throws {
        let request = makeRequest(vector.method, vector.target, vector.fields)
        let target = try RequestTarget(request, domains: EndpointDomains(["s3.example.org"]))
        #expect(target.bucket == vector.bucket)
        #expect(target.key == Array(vector.key.utf8))
        let authentication = try authenticate(request, region: "eu-west-1", domains: ["s3.example.org"])
        #expect(authentication.accessKey == exampleCredential.accessKey)

        let body = try DecodedBody(PiecedBody(Array(vector.body.utf8)), of: request, authentication: authentication)
        var count: UInt64 = 0
        while let piece = try await body.next() { count += UInt64(piece.count) }
        #expect(count == body.length)
    }

    @Test(arguments: ClientVector.all)
    func `a client's request is refused with another key`(vector: ClientVector) throws {
        let path = vector.target.prefix { $0 != "?" }
        let request = makeRequest(vector.method, "\(path)x" + vector.target.dropFirst(path.count), vector.fields)
        let error = #expect(throws: SignatureError.self) { try authenticate(request, region: "eu-west-1", domains: ["s3.example.org"]) }
        guard case .signatureDoesNotMatch = error else {
            Issue.record("\(error as Any)")
            return
        }
    }

    @Test(arguments: ClientVector.all)
    func `the host is found as a header field too`(vector: ClientVector) throws {
        var request = makeRequest(vector.method, vector.target, vector.fields)
        request.headerFields.append(HTTPField(name: HTTPField.Name("Host")!, value: request.authority!))
        request.authority = nil
        try authenticate(request, region: "eu-west-1", domains: ["s3.example.org"])
    }

    @Test func `query values come out as the client meant them`() throws {
        let vector = try #require(ClientVector.all.first { $0.name == "list with odd prefix" })
        let query = try RequestTarget(makeRequest("GET", vector.target, vector.fields)).query
        #expect(query.text("prefix") == "a b+c/ü&=%")
        #expect(query.text("delimiter") == "//")
        #expect(query.text("continuation-token") == "x+/=")
        #expect(query.text("list-type") == "2")
    }
}
