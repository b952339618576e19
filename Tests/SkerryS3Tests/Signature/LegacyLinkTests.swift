import HTTPTypes
import Testing

@testable import SkerryS3

/// Links as botocore 1.43 signs them by default for `us-east-1`, captured with the clock at 1,700,000,000 and an hour of life.
@Suite struct LegacyLinkTests {
    private let credential = SigningCredential(accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

    private func authenticate(_ method: String, _ target: String, now: Int64 = 1_700_000_000) throws -> Authentication {
        let request = makeRequest(method, target, [("host", "localhost:9000")])
        return try SignatureVerifier(region: "us-east-1").authenticate(
            request, target: try RequestTarget(request), now: AmzDate(seconds: now)
        ) { $0 == credential.accessKey ? credential : nil }
    }

    private static let links: [(method: String, target: String)] = [
        (
            "GET",
            "/bucket/a%20b%2Bc/%C3%BC?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=AjQyszQD4ui%2FktN3z3qGRmmB5lU%3D&Expires=1700003600"
        ),
        (
            "GET",
            "/bucket/k?versionId=01&response-content-type=text%2Fplain%3B%20charset%3Dutf-8&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=BxPN76q1UYMYgT4jnFuXMFEn%2Blo%3D&Expires=1700003600"
        ),
        ("PUT", "/bucket/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=FK3WWLDHPn1aoTdag3LQQKsCzNE%3D&Expires=1700003600"),
    ]

    @Test(arguments: links) func `a link of a real client is right until it expires`(_ link: (method: String, target: String)) throws {
        let authentication = try authenticate(link.method, link.target)
        #expect(authentication.accessKey == "AKIAIOSFODNN7EXAMPLE")
        #expect(authentication.payload == .unsigned)
        #expect(throws: SignatureError.self) { try authenticate(link.method, link.target, now: 1_700_003_600) }
    }

    @Test(arguments: links) func `a link is for its method, key, query and time alone`(_ link: (method: String, target: String)) throws {
        let changed = [
            (link.method == "GET" ? "PUT" : "GET", link.target), (link.method, link.target.replacing("/bucket/", with: "/bucket/x")),
            (link.method, link.target.replacing("1700003600", with: "1700003601")), (link.method, link.target + "&versionId=2"),
            (link.method, link.target.replacing("Signature=", with: "Signature=x")),
        ]
        for (method, target) in changed {
            guard case .signatureDoesNotMatch = #expect(throws: SignatureError.self, performing: { try authenticate(method, target) }) else {
                Issue.record("\(method) \(target) was let in")
                continue
            }
        }
    }

    @Test func `a link of an unknown key and one without a number for its expiry are refused`() {
        #expect(throws: SignatureError.invalidAccessKeyID("NOBODY")) {
            try authenticate("GET", "/b/k?AWSAccessKeyId=NOBODY&Signature=x&Expires=1700003600")
        }
        #expect(throws: SignatureError.self) { try authenticate("GET", "/b/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=x&Expires=soon") }
    }
}
