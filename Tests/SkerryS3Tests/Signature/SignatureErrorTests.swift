import HTTPTypes
import Testing

@testable import SkerryS3

@Suite struct SignatureErrorTests {
    private let signer = ReferenceSigner()

    private func request() -> HTTPRequest { signer.request("GET", path: Array("/bucket/key".utf8)) }

    /// A request with this `Authorization` and otherwise in order.
    private func request(authorization: String) -> HTTPRequest {
        var request = request()
        request.headerFields[.authorization] = authorization
        return request
    }

    private func presigned(_ target: String) -> HTTPRequest { makeRequest("GET", target, [("host", "localhost:9000")]) }

    private func malformed(_ error: SignatureError?) -> SignatureError.Malformed? {
        switch error {
        case .authorizationHeaderMalformed(let malformed): malformed
        default: nil
        }
    }

    private func malformedQuery(_ error: SignatureError?) -> SignatureError.Malformed? {
        switch error {
        case .authorizationQueryParameters(let malformed): malformed
        default: nil
        }
    }

    // MARK: - Mechanisms

    @Test func `a request without a credential is anonymous`() throws {
        let authentication = try authenticate(makeRequest("GET", "/bucket/key?versionId=1", []))
        #expect(authentication.accessKey == nil)
        #expect(authentication.payload == .unsigned)
    }

    @Test func `an anonymous body may be framed in unsigned chunks and not in signed ones`() throws {
        #expect(
            try authenticate(makeRequest("PUT", "/b/k", [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")])).payload
                == .unsignedChunksWithTrailer)
        #expect(
            try authenticate(makeRequest("PUT", "/b/k", [("content-encoding", "gzip, aws-chunked")])).payload == .unsignedChunksWithTrailer)
        for value in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"] {
            #expect(signatureError(makeRequest("PUT", "/b/k", [("x-amz-content-sha256", value)])) == .invalidContentSHA256(value))
        }
    }

    @Test func `a credential in header and query is refused`() {
        var request = request()
        request.path = "/bucket/key?X-Amz-Signature=00"
        #expect(signatureError(request) == .severalMechanisms)
    }

    @Test func `signature version 2 is refused by name`() {
        #expect(signatureError(request(authorization: "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=")) == .signatureVersion2)
    }

    @Test func `other schemes and algorithms are refused by name`() {
        #expect(signatureError(request(authorization: "Bearer token")) == .unsupportedScheme("Bearer"))
        #expect(signatureError(request(authorization: "")) == .unsupportedScheme(""))
        #expect(
            signatureError(request(authorization: "AWS4-ECDSA-P256-SHA256 Credential=x")) == .unsupportedAlgorithm("AWS4-ECDSA-P256-SHA256"))
    }

    // MARK: - Form and scope

    @Test(arguments: [
        "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 nonsense", "AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/s3/aws4_request,SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/s3/aws4_request,SignedHeaders=,Signature=00",
        "AWS4-HMAC-SHA256 Credential=,SignedHeaders=host,Signature=00", "AWS4-HMAC-SHA256 SignedHeaders=host,Signature=00",
    ])
    func `a header without its three parts is malformed`(authorization: String) throws {
        let error = try #require(malformed(signatureError(request(authorization: authorization))))
        #expect(error.reason.contains("three components"))
    }

    @Test(arguments: [
        ("a", "mal-formed"), ("a/20130524/us-east-1/s3", "mal-formed"), ("/20130524/us-east-1/s3/aws4_request", "mal-formed"),
        ("a/2013052/us-east-1/s3/aws4_request", "incorrect date format"), ("a/2013052x/us-east-1/s3/aws4_request", "incorrect date format"),
        ("a/20130523/us-east-1/s3/aws4_request", "not the same as X-Amz-Date"), ("a/20130524/us-east-1/ec2/aws4_request", "incorrect service"),
        ("a/20130524/us-east-1/s3/aws5_request", "incorrect terminal"), ("a/20130524/eu-west-1/s3/aws4_request", "expecting 'us-east-1'"),
    ])
    func `a wrong credential scope is named, in the header and in the query`(credential: String, reason: String) throws {
        let header = "AWS4-HMAC-SHA256 Credential=\(credential), SignedHeaders=host, Signature=00"
        let inHeader = try #require(malformed(signatureError(request(authorization: header))))
        #expect(inHeader.reason.contains(reason))
        let encoded = ReferenceSigner.encode(credential.utf8, slash: false)
        let target =
            "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\(encoded)&X-Amz-Date=20130524T000000Z&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
        let inQuery = try #require(malformedQuery(signatureError(presigned(target))))
        #expect(inQuery.reason.contains(reason))
        #expect(inQuery.reason.hasPrefix("Error parsing the X-Amz-Credential parameter; "))
    }

    @Test func `a wrong region comes with the right one`() throws {
        var signer = signer
        signer.region = "eu-west-1"
        let error = signatureError(signer.request("GET", path: Array("/b/k".utf8)))
        #expect(malformed(error)?.region == "us-east-1")
    }

    @Test func `an access key may hold slashes`() {
        var signer = signer
        signer.accessKey = "a/b"
        #expect(signatureError(signer.request("GET", path: Array("/b/k".utf8))) == .invalidAccessKeyID("a/b"))
    }

    @Test func `an unknown access key is named`() {
        var signer = signer
        signer.accessKey = "AKIANOBODY"
        #expect(signatureError(signer.request("GET", path: Array("/b/k".utf8))) == .invalidAccessKeyID("AKIANOBODY"))
    }

    @Test func `a session token is refused`() {
        let request = signer.request("GET", path: Array("/b/k".utf8), headers: [("x-amz-security-token", "t")])
        #expect(signatureError(request) == .invalidToken)
        #expect(signatureError(presigned(signer.presigned(path: "/b/k", query: [("X-Amz-Security-Token", "t")]))) == .invalidToken)
    }

    // MARK: - Time

    @Test(arguments: [(0, true), (900, true), (901, false), (-900, true), (-901, false), (86_400, false)])
    func `a header signed more than 15 minutes away is refused`(offset: Int64, isValid: Bool) {
        let now = AmzDate(seconds: exampleDate.seconds + offset)
        #expect(signatureError(request(), now: now) == (isValid ? nil : .requestTimeTooSkewed(requestTime: exampleDate, serverTime: now)))
    }

    @Test func `a header without a readable date is refused`() {
        var request = request()
        request.headerFields[HTTPField.Name("x-amz-date")!] = nil
        #expect(signatureError(request) == .missingDate)
        request.headerFields[HTTPField.Name("date")!] = "yesterday"
        #expect(signatureError(request) == .missingDate)
    }

    @Test func `the Date header serves where x-amz-date is missing`() throws {
        let headers = [("host", "h"), ("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-content-sha256", digestOfNothing)]
        let canonical = signer.canonical("GET", path: Array("/b/k".utf8), query: [], headers: headers, payload: digestOfNothing)
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(signer.accessKey)/\(signer.scope),SignedHeaders=date;host;x-amz-content-sha256,Signature=\(signer.sign(signer.stringToSign(canonical)))"
        try authenticate(makeRequest("GET", "/b/k", headers + [("authorization", authorization)]))
    }

    @Test(arguments: [(0, true), (3_599, true), (-900, true)])
    func `a presigned URL is valid from 15 minutes before its date to its end`(offset: Int64, isValid: Bool) {
        let now = AmzDate(seconds: exampleDate.seconds + offset)
        #expect(signatureError(presigned(signer.presigned(path: "/b/k")), now: now) == nil)
    }

    @Test func `a presigned URL expires`() {
        let expiry = AmzDate(seconds: exampleDate.seconds + 3_600)
        #expect(
            signatureError(presigned(signer.presigned(path: "/b/k")), now: expiry)
                == .expired(lifetime: 3_600, expiry: expiry, serverTime: expiry))
        #expect(
            signatureError(presigned(signer.presigned(path: "/b/k", lifetime: "0")))
                == .expired(lifetime: 0, expiry: exampleDate, serverTime: exampleDate))
    }

    @Test func `a presigned URL from the future is not valid yet`() {
        let now = AmzDate(seconds: exampleDate.seconds - 901)
        #expect(signatureError(presigned(signer.presigned(path: "/b/k")), now: now) == .notYetValid(start: exampleDate, serverTime: now))
    }

    @Test(arguments: [
        ("604801", "less than a week"), ("-1", "non-negative"), ("", "a number"), ("soon", "a number"), ("99999999999999999999", "a number"),
        ("1.5", "a number"),
    ])
    func `a lifetime out of bounds is named`(lifetime: String, reason: String) throws {
        let error = malformedQuery(signatureError(presigned(signer.presigned(path: "/b/k", lifetime: lifetime))))
        #expect(try #require(error).reason.contains(reason))
    }

    @Test func `a lifetime of a week is valid`() throws {
        try authenticate(presigned(signer.presigned(path: "/b/k", lifetime: "604800")))
    }

    @Test(arguments: ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"])
    func `a presigned URL needs all six parameters`(name: String) throws {
        let target = signer.presigned(path: "/b/k").replacing("\(name)=", with: "Y=")
        let error = malformedQuery(signatureError(presigned(target)))
        #expect(try #require(error).reason.contains("requires the X-Amz-Algorithm"))
    }

    @Test func `another algorithm or form of date is named`() throws {
        let target = signer.presigned(path: "/b/k")
        let algorithm = malformedQuery(signatureError(presigned(target.replacing("AWS4-HMAC-SHA256", with: "AWS4-HMAC-SHA1"))))
        #expect(try #require(algorithm).reason.contains("only supports"))
        let date = malformedQuery(signatureError(presigned(target.replacing("Date=20130524T000000Z", with: "Date=2013-05-24"))))
        #expect(try #require(date).reason.contains("ISO8601"))
    }

    // MARK: - Headers

    @Test func `each x-amz header must be signed`() {
        var request = request()
        request.headerFields.append(HTTPField(name: HTTPField.Name("X-Amz-Acl")!, value: "public-read"))
        request.headerFields.append(HTTPField(name: HTTPField.Name("x-amz-meta-a")!, value: "1"))
        #expect(signatureError(request) == .headersNotSigned(["x-amz-acl", "x-amz-meta-a"]))
        var url = presigned(signer.presigned(path: "/b/k"))
        url.headerFields.append(HTTPField(name: HTTPField.Name("x-amz-acl")!, value: "public-read"))
        #expect(signatureError(url) == .headersNotSigned(["x-amz-acl"]))
    }

    @Test func `the host must be signed`() {
        let request = request()
        let authorization = request.headerFields[.authorization]!.replacing("=host;", with: "=")
        #expect(signatureError(self.request(authorization: authorization)) == .headersNotSigned(["host"]))
    }

    @Test func `the payload hash need not be listed, for it is signed by itself`() throws {
        let headers = [("host", "h"), ("x-amz-date", signer.timestamp)]
        let canonical = signer.canonical("GET", path: Array("/b/k".utf8), query: [], headers: headers, payload: digestOfNothing)
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(signer.accessKey)/\(signer.scope),SignedHeaders=host;x-amz-date,Signature=\(signer.sign(signer.stringToSign(canonical)))"
        func request(_ payload: String) -> HTTPRequest {
            makeRequest("GET", "/b/k", headers + [("x-amz-content-sha256", payload), ("authorization", authorization)])
        }
        try authenticate(request(digestOfNothing))
        #expect(signatureError(request("UNSIGNED-PAYLOAD")) != nil)
    }

    @Test func `other headers need no signature`() throws {
        var request = request()
        request.headerFields.append(HTTPField(name: .userAgent, value: "x"))
        request.headerFields.append(HTTPField(name: HTTPField.Name("x-amzn-trace-id")!, value: "x"))
        try authenticate(request)
    }

    @Test func `white space in values is collapsed and repeated headers are joined`() throws {
        let signed = signer.request("GET", path: Array("/b/k".utf8), headers: [("x-amz-meta-a", "one two,three")])
        var sent = signed
        let name = HTTPField.Name("x-amz-meta-a")!
        sent.headerFields[values: name] = []
        sent.headerFields.append(HTTPField(name: name, lenientValue: Array("  one \t  two ".utf8)))
        sent.headerFields.append(HTTPField(name: name, lenientValue: Array("three".utf8)))
        try authenticate(sent)
    }

    @Test func `signed headers may come in any order`() throws {
        let request = request()
        let authorization = request.headerFields[.authorization]!
            .replacing("host;x-amz-content-sha256;x-amz-date", with: "x-amz-date;host;x-amz-content-sha256")
        try authenticate(self.request(authorization: authorization))
    }

    // MARK: - Payload

    @Test func `a header signature needs a payload hash`() {
        var request = request()
        request.headerFields[HTTPField.Name("x-amz-content-sha256")!] = nil
        #expect(signatureError(request) == .missingContentSHA256)
    }

    @Test(arguments: ["", "abc", String(repeating: "g", count: 64), "STREAMING-SOMETHING"])
    func `an unknown payload hash is named`(value: String) {
        let request = signer.request("GET", path: Array("/b/k".utf8), payload: value)
        #expect(signatureError(request) == .invalidContentSHA256(value))
    }

    @Test func `forms of streaming that are not offered are named`() {
        let value = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
        #expect(signatureError(signer.request("PUT", path: Array("/b/k".utf8), payload: value)) == .unsupportedPayload(value))
    }

    @Test(arguments: [
        ("UNSIGNED-PAYLOAD", PayloadDeclaration.unsigned), ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", .signedChunks),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", .signedChunksWithTrailer),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", .unsignedChunksWithTrailer),
        (String(repeating: "aB", count: 32), .sha256([UInt8](repeating: 0xab, count: 32))),
    ])
    func `the payload hash says what the body is`(value: String, declaration: PayloadDeclaration) throws {
        let authentication = try authenticate(signer.request("PUT", path: Array("/b/k".utf8), payload: value))
        #expect(authentication.payload == declaration)
    }

    @Test func `a presigned URL may carry its payload hash in the query`() throws {
        let target = signer.presigned(path: "/b/k", query: [("X-Amz-Content-Sha256", digestOfNothing)])
        #expect(try authenticate(presigned(target)).payload == .sha256(Hex.decode(digestOfNothing.utf8)!))
    }

    // MARK: - Signatures

    @Test func `a mismatch says what should have been signed`() throws {
        var signer = signer
        signer.secret = "wrong"
        let request = signer.request("GET", path: Array("/b/k".utf8), query: [(Array("a".utf8), Array("b c".utf8))])
        guard case .signatureDoesNotMatch(let mismatch) = signatureError(request) else {
            Issue.record("passed")
            return
        }
        let headers = [("host", "localhost:9000"), ("x-amz-content-sha256", digestOfNothing), ("x-amz-date", signer.timestamp)]
        let canonical = signer.canonical(
            "GET", path: Array("/b/k".utf8), query: [(Array("a".utf8), Array("b c".utf8))], headers: headers, payload: digestOfNothing)
        #expect(String(decoding: mismatch.canonicalRequest, as: UTF8.self) == canonical)
        #expect(String(decoding: mismatch.stringToSign, as: UTF8.self) == signer.stringToSign(canonical))
        #expect(mismatch.accessKey == signer.accessKey)
        #expect(mismatch.signature.utf8.count == 64)
    }

    @Test(arguments: 0..<64)
    func `every digit of the signature counts`(position: Int) throws {
        let request = request()
        var authorization = Array(request.headerFields[.authorization]!.utf8)
        let index = authorization.count - 64 + position
        authorization[index] = authorization[index] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
        guard case .signatureDoesNotMatch = signatureError(self.request(authorization: String(decoding: authorization, as: UTF8.self))) else {
            Issue.record("passed")
            return
        }
    }

    @Test(arguments: [0, 1, 63, 65, 128])
    func `a signature of another length is wrong`(length: Int) {
        let authorization = request().headerFields[.authorization]!
        let signature = String(authorization.suffix(64) + authorization.suffix(64)).prefix(length)
        let error = signatureError(request(authorization: String(authorization.dropLast(64)) + signature))
        switch error {
        case .signatureDoesNotMatch?: break
        case .authorizationHeaderMalformed?: #expect(length == 0)
        default: Issue.record("\(error as Any)")
        }
    }

    @Test func `an escaped slash may be signed as it stands or as a slash`() throws {
        for path in ["/b/x%2Fy", "/b/x/y"] {
            let headers = [("host", "h"), ("x-amz-content-sha256", digestOfNothing), ("x-amz-date", signer.timestamp)]
            let canonical = signer.canonical("GET", path: [], query: [], headers: headers, payload: digestOfNothing)
                .replacing("GET\n\n", with: "GET\n\(path)\n")
            let authorization =
                "AWS4-HMAC-SHA256 Credential=\(signer.accessKey)/\(signer.scope),SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=\(signer.sign(signer.stringToSign(canonical)))"
            let request = makeRequest("GET", "/b/x%2fy", headers + [("authorization", authorization)])
            try authenticate(request)
            #expect(try RequestTarget(request).key == Array("x/y".utf8))
        }
    }

    @Test func `the way a client escapes does not matter`() throws {
        var request = signer.request(
            "GET", path: Array("/b/a b+c~".utf8), query: [(Array("q".utf8), Array("x y+/".utf8)), (Array("acl".utf8), [])])
        request.path = "/b/a%20b+c%7e?acl&q=x+y%2b/&"
        try authenticate(request)
    }

    // MARK: - Laws

    @Test func `random requests agree with the reference signer`() throws {
        var numbers = SeededNumbers(state: 11)
        for _ in 0..<300 {
            func bytes(_ count: ClosedRange<Int>) -> [UInt8] {
                (0..<Int.random(in: count, using: &numbers)).map { _ in UInt8.random(in: 0...255, using: &numbers) }
            }
            let key = bytes(0...40)
            let query = (0..<Int.random(in: 0...6, using: &numbers)).map { _ in (Array("n".utf8) + bytes(0...2), bytes(0...9)) }
            let request = signer.request("GET", path: Array("/bucket/".utf8) + key, query: query)
            try authenticate(request)
            let target = try RequestTarget(request)
            #expect(target.key == key)
            #expect(target.query.map { Array($0.name) } == query.map { $0.0 })
            #expect(target.query.map { Array($0.value ?? [0]) } == query.map { $0.1 })
        }
    }

    @Test func `a mutated request is refused or means the same`() throws {
        var numbers = SeededNumbers(state: 12)
        let targets = [signer.presigned(path: "/bucket/a//b c/%", query: [("response-content-type", "a/b")])]
        for target in targets {
            let original = try RequestTarget(presigned(target))
            try authenticate(presigned(target))
            for _ in 0..<5_000 {
                var bytes = Array(target.utf8)
                for _ in 0..<Int.random(in: 1...3, using: &numbers) {
                    let index = Int.random(in: 0..<bytes.count, using: &numbers)
                    switch Int.random(in: 0...2, using: &numbers) {
                    case 0: bytes[index] = UInt8.random(in: 0...255, using: &numbers)
                    case 1: bytes.insert(Array("%&=+/?;".utf8).randomElement(using: &numbers)!, at: index)
                    default: bytes.remove(at: index)
                    }
                }
                let request = makeRequest("GET", bytes, [("host", "localhost:9000")])
                guard let mutated = try? RequestTarget(request), case .signed? = try? authenticate(request) else { continue }
                #expect(mutated.key == original.key)
                #expect(mutated.bucket == original.bucket)
                let meaning = { (target: RequestTarget) in Set(target.query.map { Array($0.name) + [0] + ($0.value ?? []) }) }
                #expect(meaning(mutated) == meaning(original))
            }
        }
    }

    @Test func `a mutated authorization never passes and never traps`() {
        var numbers = SeededNumbers(state: 13)
        let authorization = Array(request().headerFields[.authorization]!.utf8)
        for _ in 0..<5_000 {
            var bytes = authorization
            let index = Int.random(in: 0..<bytes.count, using: &numbers)
            if Bool.random(using: &numbers) { bytes[index] = UInt8.random(in: 33...126, using: &numbers) } else { bytes.removeSubrange(index...) }
            if bytes == authorization { continue }
            #expect(signatureError(request(authorization: String(decoding: bytes, as: UTF8.self))) != nil)
        }
    }
}
