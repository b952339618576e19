import Crypto
import HTTPTypes
import SkerryChunks

/// A presigned URL of Signature Version 2: `AWSAccessKeyId`, `Expires`, `Signature` in the query.
///
/// Kept for links alone, because the aws cli (version 1) and boto3 still make them by default for `us-east-1`; requests signed that way in the
/// header are refused. The signature is base64 of HMAC-SHA1 over method, `Content-MD5`, `Content-Type`, the expiry, the `x-amz-*`
/// headers and the resource (S3 reference, "Signing and authenticating REST requests").
struct LegacyLink {
    let accessKey: String
    /// Seconds since 1970.
    let expires: Int64
    /// Base64, as sent.
    let signature: String

    /// nil when the query holds no such link, or the request names another mechanism too.
    ///
    /// - Throws: `authorizationQueryParameters` when the expiry is no number.
    init?(_ request: HTTPRequest, query: QueryItems) throws(SignatureError) {
        guard !query.contains("X-Amz-Algorithm"), request.headerFields[.authorization] == nil,
            let accessKey = query.text("AWSAccessKeyId"), let signature = query.text("Signature")
        else { return nil }
        guard let expires = query.text("Expires").flatMap({ Int64($0) }) else {
            throw .authorizationQueryParameters(.init("Query-string authentication version 2 requires a numeric Expires"))
        }
        self.accessKey = accessKey
        self.signature = signature
        self.expires = expires
    }

    func verify(
        _ request: HTTPRequest, target: RequestTarget, now: AmzDate, credential: SigningCredential?
    ) throws(SignatureError) -> VerifiedSignature {
        guard let credential, credential.accessKey == accessKey else { throw .invalidAccessKeyID(accessKey) }
        guard now.seconds < expires else {
            throw .expired(lifetime: 0, expiry: AmzDate(seconds: expires), serverTime: now)
        }
        let text = stringToSign(request, target)
        // Compares in constant time; what is no base64 of the code's length is no match.
        guard let given = Base64.decode(signature),
            HMAC<Insecure.SHA1>.isValidAuthenticationCode(given, authenticating: text, using: SymmetricKey(data: credential.secret))
        else {
            throw .signatureDoesNotMatch(.init(accessKey: accessKey, signature: signature, stringToSign: text, canonicalRequest: []))
        }
        return VerifiedSignature(accessKey: accessKey, payload: .unsigned, date: now, isPresigned: true, chunkSigning: nil)
    }

    private func stringToSign(_ request: HTTPRequest, _ target: RequestTarget) -> [UInt8] {
        var text = "\(request.method.rawValue)\n"
        for name in ["Content-MD5", "Content-Type"] {
            // A link may carry these in its query; the header goes first.
            text += (HTTPField.Name(name).flatMap { request.headerFields[$0] } ?? target.query.text(name.lowercased()) ?? "") + "\n"
        }
        text += "\(expires)\n" + Self.amzHeaders(request.headerFields)
        return Array(text.utf8) + resource(request, target)
    }

    private static func amzHeaders(_ fields: HTTPFields) -> String {
        var values: [String: [String]] = [:]
        for field in fields where field.name.canonicalName.hasPrefix("x-amz-") {
            values[field.name.canonicalName, default: []].append(field.value)
        }
        return values.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.joined(separator: ","))\n" }.joined()
    }

    /// Bucket and path as sent, then the sub-resources of the query in the order of their names.
    private func resource(_ request: HTTPRequest, _ target: RequestTarget) -> [UInt8] {
        var text: [UInt8] = []
        if target.addressing == .virtualHost, let bucket = target.bucket { text += Array("/\(bucket)".utf8) }
        let raw = request.pseudoHeaderFields.path?.withUnsafeBytesOfValue { Array($0) } ?? []
        text += raw.prefix { $0 != UInt8(ascii: "?") }
        let named = target.query.compactMap { item in
            let name = String(decoding: item.name, as: UTF8.self)
            return Self.subresources.contains(name) ? (name, item.value) : nil
        }
        for (index, (name, value)) in named.sorted(by: { $0.0 < $1.0 }).enumerated() {
            text += Array((index == 0 ? "?" : "&").utf8) + Array(name.utf8)
            if let value { text += [UInt8(ascii: "=")] + value }
        }
        return text
    }

    private static let subresources: Set<String> = [
        "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location", "logging", "metrics",
        "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment", "response-cache-control",
        "response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type",
        "response-expires", "restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId",
        "versioning", "versions", "website",
    ]
}
