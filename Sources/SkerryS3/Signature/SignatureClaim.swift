import HTTPTypes

/// What a request claims about its sender, read and found well-formed, not yet believed.
///
/// The grammar, the scope (day, region, service) and the dates' form were checked; the access key, the clock and the signature were not.
public struct SignatureClaim: Sendable {
    /// Where the claim stands.
    enum Mechanism: Sendable, Equatable {
        /// The `Authorization` header.
        case header
        /// A presigned query, valid for `lifetime` seconds, at most 604,800; with 0 it was never valid.
        case query(lifetime: Int64)
    }

    /// The access key whose secret decides.
    public let accessKey: String
    /// What the request says about its body.
    public let payload: PayloadDeclaration
    /// When the request was signed, by the client's clock.
    public let date: AmzDate
    let mechanism: Mechanism
    /// The day of the scope as the number `yyyyMMdd`.
    let day: Int
    /// Names in lower case joined by `;`, as sent.
    let signedHeaders: ArraySlice<UInt8>
    /// Hexadecimal, as sent.
    let signature: ArraySlice<UInt8>
    /// The last line of the canonical request.
    let payloadLine: ArraySlice<UInt8>

    /// The longest life of a presigned URL in seconds: seven days.
    public static let lifetimeMaximum: Int64 = 604_800
}

// MARK: - Reading

extension SignatureClaim {
    static let algorithm = "AWS4-HMAC-SHA256"

    /// What `request` claims; nil when it claims nothing (anonymous).
    ///
    /// - Parameter region: The region that its scope must name.
    init?(_ request: HTTPRequest, query: QueryItems, region: String) throws(SignatureError) {
        let fields = SecurityFields(request.headerFields)
        let isPresigned = query.contains("X-Amz-Algorithm") || query.contains("X-Amz-Signature") || query.contains("X-Amz-Credential")
        let isVersion2Query = query.contains("AWSAccessKeyId") && query.contains("Signature")
        guard let authorization = fields.authorization else {
            if isPresigned {
                try self.init(presigned: query, fields: fields, region: region)
                return
            }
            if isVersion2Query { throw .signatureVersion2 }
            return nil
        }
        if isPresigned || isVersion2Query { throw .severalMechanisms }
        try self.init(authorization: authorization.bytes, fields: fields, region: region)
    }

    // MARK: The header

    private init(authorization: ArraySlice<UInt8>, fields: SecurityFields, region: String) throws(SignatureError) {
        let parameters = try Self.parameters(of: authorization)
        guard let date = (fields.amzDate ?? fields.date).flatMap({ AmzDate($0.bytes) }) else { throw .missingDate }
        do throws(SignatureMalformed) {
            guard let credential = parameters.credential, let signedHeaders = parameters.signedHeaders,
                let signature = parameters.signature,
                !credential.isEmpty, !signedHeaders.isEmpty, !signature.isEmpty
            else {
                throw SignatureMalformed("the authorization header requires three components: Credential, SignedHeaders, and Signature.")
            }
            let scope = try CredentialScope(credential, region: region, date: date, place: "")
            accessKey = scope.accessKey
            day = scope.day
            self.signedHeaders = signedHeaders
            self.signature = signature
        } catch {
            throw .authorizationHeaderMalformed(error.value)
        }
        guard fields.securityToken == nil else { throw .invalidToken }
        guard let payload = fields.contentSHA256?.bytes else { throw .missingContentSHA256 }
        self.payload = try PayloadDeclaration(payload)
        payloadLine = payload
        self.date = date
        mechanism = .header
    }

    private struct Parameters {
        var credential: ArraySlice<UInt8>?
        var signedHeaders: ArraySlice<UInt8>?
        var signature: ArraySlice<UInt8>?
    }

    /// The `name=value` pairs behind the algorithm, separated by commas with or without spaces.
    private static func parameters(of authorization: ArraySlice<UInt8>) throws(SignatureError) -> Parameters {
        let schemeEnd = authorization.firstIndex { $0.isWhiteSpace } ?? authorization.endIndex
        let scheme = authorization[..<schemeEnd]
        guard scheme.elementsEqual(algorithm.utf8) else {
            let scheme = String(decoding: scheme, as: UTF8.self)
            if scheme == "AWS" { throw .signatureVersion2 }
            throw scheme.hasPrefix("AWS4-") ? .unsupportedAlgorithm(scheme) : .unsupportedScheme(scheme)
        }
        var parameters = Parameters()
        for part in authorization[schemeEnd...].split(separator: UInt8(ascii: ",")) {
            let part = part.trimmed
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = part[(equals + 1)...].trimmed
            switch equals - part.startIndex {
            case 10 where part[..<equals].elementsEqual("Credential".utf8): parameters.credential = value
            case 13 where part[..<equals].elementsEqual("SignedHeaders".utf8): parameters.signedHeaders = value
            case 9 where part[..<equals].elementsEqual("Signature".utf8): parameters.signature = value
            default: break
            }
        }
        return parameters
    }

    // MARK: The query

    private init(presigned query: QueryItems, fields: SecurityFields, region: String) throws(SignatureError) {
        do throws(SignatureMalformed) {
            guard let algorithm = query["X-Amz-Algorithm"], let credential = query["X-Amz-Credential"],
                let signature = query["X-Amz-Signature"],
                let dateText = query["X-Amz-Date"], let signedHeaders = query["X-Amz-SignedHeaders"], let expires = query["X-Amz-Expires"]
            else {
                throw SignatureMalformed(
                    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
                        + "X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
            }
            guard algorithm.elementsEqual(Self.algorithm.utf8) else {
                throw SignatureMalformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
            }
            guard let date = AmzDate(basic: dateText) else {
                throw SignatureMalformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
            }
            mechanism = .query(lifetime: try Self.lifetime(expires))
            let scope = try CredentialScope(credential, region: region, date: date, place: "Error parsing the X-Amz-Credential parameter; ")
            accessKey = scope.accessKey
            day = scope.day
            self.date = date
            self.signedHeaders = signedHeaders
            self.signature = signature
        } catch {
            throw .authorizationQueryParameters(error.value)
        }
        guard !query.contains("X-Amz-Security-Token"), fields.securityToken == nil else { throw .invalidToken }
        // Some signers move the header into the query, others send it beside; most leave it out, which means unsigned.
        if let payload = query["X-Amz-Content-Sha256"] ?? fields.contentSHA256?.bytes {
            self.payload = try PayloadDeclaration(payload)
            payloadLine = payload
        } else {
            payload = .unsigned
            payloadLine = Array("UNSIGNED-PAYLOAD".utf8)[...]
        }
    }

    private static func lifetime(_ text: ArraySlice<UInt8>) throws(SignatureMalformed) -> Int64 {
        guard let seconds = Int64(String(decoding: text, as: UTF8.self)) else { throw .init("X-Amz-Expires should be a number") }
        guard seconds >= 0 else { throw .init("X-Amz-Expires must be non-negative") }
        guard seconds <= lifetimeMaximum else {
            throw .init(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
        }
        return seconds
    }
}
