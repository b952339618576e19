import Crypto
import Foundation
import HTTPTypes

@testable import SkerryS3

/// The key pair of AWS's published examples.
let exampleCredential = SigningCredential(accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
let exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
/// The moment of AWS's published examples: 2013-05-24T00:00:00Z.
let exampleDate = AmzDate(seconds: 1_369_353_600)
let digestOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/// A request whose target is these bytes. `Host` becomes the authority, as servers give it.
func makeRequest(_ method: String, _ target: some Collection<UInt8>, _ fields: [(String, String)]) -> HTTPRequest {
    var request = HTTPRequest(method: HTTPRequest.Method(method)!, scheme: "http", authority: nil, path: "/")
    request.pseudoHeaderFields.path = HTTPField(name: request.pseudoHeaderFields.path!.name, lenientValue: Array(target))
    for (name, value) in fields {
        if name.lowercased() == "host" {
            request.authority = value
        } else {
            request.headerFields.append(HTTPField(name: HTTPField.Name(name)!, lenientValue: Array(value.utf8)))
        }
    }
    return request
}

func makeRequest(_ method: String, _ target: String, _ fields: [(String, String)]) -> HTTPRequest {
    makeRequest(method, Array(target.utf8), fields)
}

/// Verifies with the example credential.
@discardableResult
func authenticate(
    _ request: HTTPRequest, region: String = "us-east-1", domains: [String] = [], now: AmzDate = exampleDate
) throws -> Authentication {
    let target = try RequestTarget(request, domains: EndpointDomains(domains))
    return try SignatureVerifier(region: region).authenticate(request, target: target, now: now) {
        $0 == exampleCredential.accessKey ? exampleCredential : nil
    }
}

/// What verifying throws, nil when it passes.
func signatureError(_ request: HTTPRequest, region: String = "us-east-1", now: AmzDate = exampleDate) -> SignatureError? {
    do {
        try authenticate(request, region: region, now: now)
        return nil
    } catch {
        return error as? SignatureError
    }
}

/// A signer written from the specification with strings, to hold against the verifier.
struct ReferenceSigner {
    var region = "us-east-1"
    var timestamp = "20130524T000000Z"
    var secret = exampleSecret
    var accessKey = exampleCredential.accessKey

    var scope: String { "\(timestamp.prefix(8))/\(region)/s3/aws4_request" }

    static func hex(_ bytes: some Sequence<UInt8>) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

    static func encode(_ bytes: some Sequence<UInt8>, slash: Bool) -> String {
        bytes.map { byte in
            let character = Character(UnicodeScalar(byte))
            let isPlain =
                character.isASCII && (character.isLetter || character.isNumber) || "-._~".contains(character) || slash && character == "/"
            return isPlain ? String(character) : String(format: "%%%02X", byte)
        }.joined()
    }

    func sign(_ text: String) -> String {
        var key = Array("AWS4\(secret)".utf8)
        for part in [String(timestamp.prefix(8)), region, "s3", "aws4_request", text] {
            key = Array(HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: SymmetricKey(data: key)))
        }
        return Self.hex(key)
    }

    func stringToSign(_ canonical: String) -> String {
        "AWS4-HMAC-SHA256\n\(timestamp)\n\(scope)\n\(Self.hex(SHA256.hash(data: Array(canonical.utf8))))"
    }

    func canonical(_ method: String, path: [UInt8], query: [([UInt8], [UInt8])], headers: [(String, String)], payload: String) -> String {
        let items = query.map { (Self.encode($0, slash: false), Self.encode($1, slash: false)) }
            .sorted {
                Array($0.0.utf8) == Array($1.0.utf8)
                    ? Array($0.1.utf8).lexicographicallyPrecedes(Array($1.1.utf8))
                    : Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8))
            }
        let headers = headers.sorted { $0.0 < $1.0 }
        return """
            \(method)
            \(Self.encode(path, slash: true))
            \(items.map { "\($0)=\($1)" }.joined(separator: "&"))
            \(headers.map { "\($0):\($1)\n" }.joined())
            \(headers.map { $0.0 }.joined(separator: ";"))
            \(payload)
            """
    }

    /// A request with its `Authorization`. Header names in lower case; `host` and `x-amz-date` are added.
    func request(
        _ method: String, path: [UInt8], query: [([UInt8], [UInt8])] = [], headers: [(String, String)] = [],
        payload: String = digestOfNothing
    ) -> HTTPRequest {
        let headers = headers + [("host", "localhost:9000"), ("x-amz-date", timestamp), ("x-amz-content-sha256", payload)]
        let canonical = canonical(method, path: path, query: query, headers: headers, payload: payload)
        let names = headers.map { $0.0 }.sorted().joined(separator: ";")
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope),SignedHeaders=\(names),Signature=\(sign(stringToSign(canonical)))"
        let queryText = query.map { "\(Self.encode($0, slash: false))=\(Self.encode($1, slash: false))" }.joined(separator: "&")
        let target = Self.encode(path, slash: true) + (query.isEmpty ? "" : "?" + queryText)
        return makeRequest(method, target, headers + [("authorization", authorization)])
    }

    /// The target of a presigned GET, `host` signed alone.
    func presigned(path: String, lifetime: String = "3600", query extra: [(String, String)] = [], host: String = "localhost:9000") -> String
    {
        var query =
            extra + [
                ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", "\(accessKey)/\(scope)"), ("X-Amz-Date", timestamp),
                ("X-Amz-Expires", lifetime), ("X-Amz-SignedHeaders", "host"),
            ]
        let canonical = canonical(
            "GET", path: Array(path.utf8), query: query.map { (Array($0.utf8), Array($1.utf8)) }, headers: [("host", host)],
            payload: extra.first { $0.0 == "X-Amz-Content-Sha256" }?.1 ?? "UNSIGNED-PAYLOAD")
        query.append(("X-Amz-Signature", sign(stringToSign(canonical))))
        return Self.encode(path.utf8, slash: true) + "?"
            + query.map { "\(Self.encode($0.utf8, slash: false))=\(Self.encode($1.utf8, slash: false))" }.joined(separator: "&")
    }

    /// The body of `chunks` behind a request signed with `seed`.
    func chunkedBody(_ chunks: [[UInt8]], seed: String, trailer: [(String, String)]? = nil) -> [UInt8] {
        var body: [UInt8] = []
        var previous = seed
        for chunk in chunks + [[]] {
            let text =
                "AWS4-HMAC-SHA256-PAYLOAD\n\(timestamp)\n\(scope)\n\(previous)\n\(digestOfNothing)\n\(Self.hex(SHA256.hash(data: chunk)))"
            previous = sign(text)
            body += Array("\(String(chunk.count, radix: 16));chunk-signature=\(previous)\r\n".utf8) + chunk
            if !chunk.isEmpty { body += Array("\r\n".utf8) }
        }
        if let trailer {
            let lines = trailer.map { "\($0):\($1)\n" }.joined()
            let text = "AWS4-HMAC-SHA256-TRAILER\n\(timestamp)\n\(scope)\n\(previous)\n\(Self.hex(SHA256.hash(data: Array(lines.utf8))))"
            body += Array(trailer.map { "\($0):\($1)\r\n" }.joined().utf8)
            body += Array("x-amz-trailer-signature:\(sign(text))\r\n".utf8)
        }
        return body + Array("\r\n".utf8)
    }
}

/// Numbers from a seed, the same on every machine (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
