import Crypto
public import HTTPTypes

/// Who sent a request, as far as signatures tell.
public enum Authentication: Sendable {
    /// Nobody signed.
    case anonymous(payload: PayloadDeclaration)
    /// The holder of the secret signed.
    case signed(VerifiedSignature)

    /// nil for an anonymous request.
    public var accessKey: String? {
        guard case .signed(let signature) = self else { return nil }
        return signature.accessKey
    }

    /// What the request says about its body.
    public var payload: PayloadDeclaration {
        switch self {
        case .anonymous(let payload): payload
        case .signed(let signature): signature.payload
        }
    }

    /// Checks the body's chunks, where they are signed.
    var chunkSigning: ChunkSigning? {
        guard case .signed(let signature) = self else { return nil }
        return signature.chunkSigning
    }
}

/// A signature that was found right.
public struct VerifiedSignature: Sendable {
    public let accessKey: String
    public let payload: PayloadDeclaration
    /// When the request was signed, by the client's clock.
    public let date: AmzDate
    /// Whether the signature stands in the URL (presigned) and not in the header.
    public let isPresigned: Bool
    /// Checks the body's chunks, where it is sent in chunks.
    let chunkSigning: ChunkSigning?
}

/// Verifies Signature Version 4 as S3 uses it.
///
/// A pure value: the clock and the credentials come in as arguments, nothing is logged, nothing waits. What it keeps is a cache of derived
/// keys, shared by its copies.
///
/// Order of the checks, so that a client learns first what it must mend first: form and scope, access key, clock, signed headers, signature.
///
/// Choices where clients differ:
/// - Each `x-amz-*` header sent must be signed, in a presigned request too; otherwise who finds a URL could add an ACL or a checksum to it.
///   `x-amz-content-sha256` may be left out of the list, because its value is a line of the canonical request.
/// - A signed header that did not arrive counts as empty. A proxy that drops one spoils the signature; nothing is let in by it.
/// - A path holding `%2F` is tried with a plain slash, as S3 does, and then as it stands. Both name the same key here.
public struct SignatureVerifier: Sendable {
    /// How far a client's clock may be from ours, in seconds.
    public static let clockSkewMaximum: Int64 = 15 * 60

    /// The region that scopes must name.
    public let region: String
    private let keys: SigningKeyCache

    public init(region: String) {
        self.region = region
        keys = SigningKeyCache(region: region)
    }

    /// Verifies in one step, for credentials that are at hand.
    ///
    /// - Parameter credentials: The credential of an access key, nil when there is none.
    public func authenticate(
        _ request: HTTPRequest, target: RequestTarget, now: AmzDate, credentials: (_ accessKey: String) -> SigningCredential?
    ) throws(SignatureError) -> Authentication {
        if let link = try LegacyLink(request, query: target.query) {
            return .signed(try link.verify(request, target: target, now: now, credential: credentials(link.accessKey)))
        }
        guard let claim = try claim(of: request, target: target) else {
            return .anonymous(payload: try Self.anonymousPayload(of: request))
        }
        return .signed(try verify(claim, of: request, target: target, now: now, credential: credentials(claim.accessKey)))
    }

    /// First step, for credentials that must be fetched: what the request claims, nil when it is anonymous.
    public func claim(of request: HTTPRequest, target: RequestTarget) throws(SignatureError) -> SignatureClaim? {
        try SignatureClaim(request, query: target.query, region: region)
    }

    /// Second step: whether the claim holds.
    ///
    /// - Parameters:
    ///   - claim: What ``claim(of:target:)`` returned for the same request and target.
    ///   - credential: The credential of the claim's access key, nil when there is none.
    public func verify(
        _ claim: SignatureClaim, of request: HTTPRequest, target: RequestTarget, now: AmzDate, credential: SigningCredential?
    ) throws(SignatureError) -> VerifiedSignature {
        guard let credential, credential.accessKey == claim.accessKey else { throw .invalidAccessKeyID(claim.accessKey) }
        try Self.checkClock(claim, now: now)
        let signedHeaders = SignedHeaders(claim.signedHeaders, in: request.headerFields)
        guard signedHeaders.missing.isEmpty else { throw .headersNotSigned(signedHeaders.missing) }

        let key = keys.key(for: credential, day: claim.day)
        let context = scopeContext(of: claim)
        func check(keepingEscapedSlashes: Bool) -> SignatureError.Mismatch? {
            let canonical = CanonicalRequest.bytes(
                of: request, target: target, signedHeaders: signedHeaders, payload: claim.payloadLine,
                keepingEscapedSlashes: keepingEscapedSlashes)
            let text = Self.stringToSign(canonical, context: context)
            if key.verifies(claim.signature, of: text) { return nil }
            return .init(
                accessKey: claim.accessKey, signature: String(decoding: claim.signature, as: UTF8.self), stringToSign: text,
                canonicalRequest: canonical)
        }
        if let mismatch = check(keepingEscapedSlashes: false),
            target.pathWithEscapedSlash == nil || check(keepingEscapedSlashes: true) != nil
        {
            throw .signatureDoesNotMatch(mismatch)
        }
        return VerifiedSignature(
            accessKey: claim.accessKey, payload: claim.payload, date: claim.date, isPresigned: claim.mechanism != .header,
            chunkSigning: claim.payload.isChunked
                ? ChunkSigning(accessKey: claim.accessKey, key: key, context: context, seed: claim.signature) : nil)
    }

    // MARK: - Private machinery

    private static func checkClock(_ claim: SignatureClaim, now: AmzDate) throws(SignatureError) {
        switch claim.mechanism {
        case .header:
            guard abs(now.seconds - claim.date.seconds) <= clockSkewMaximum else {
                throw .requestTimeTooSkewed(requestTime: claim.date, serverTime: now)
            }
        case .query(let lifetime):
            guard claim.date.seconds - now.seconds <= clockSkewMaximum else { throw .notYetValid(start: claim.date, serverTime: now) }
            let expiry = AmzDate(seconds: claim.date.seconds + lifetime)
            guard lifetime > 0, now < expiry else { throw .expired(lifetime: lifetime, expiry: expiry, serverTime: now) }
        }
    }

    /// `timestamp LF scope LF`, part of every string to sign.
    private func scopeContext(of claim: SignatureClaim) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(64 + region.utf8.count)
        claim.date.appendBasic(to: &text)
        text.append(UInt8(ascii: "\n"))
        text.append(contentsOf: text[..<8])
        text.append(UInt8(ascii: "/"))
        text.append(contentsOf: region.utf8)
        text.append(contentsOf: "/s3/aws4_request\n".utf8)
        return text
    }

    private static func stringToSign(_ canonicalRequest: [UInt8], context: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(192)
        text.append(contentsOf: SignatureClaim.algorithm.utf8)
        text.append(UInt8(ascii: "\n"))
        text.append(contentsOf: context)
        text.appendHex(SHA256.hash(of: canonicalRequest))
        return text
    }

    /// What an unsigned request says about its body. Clients without credentials still frame it as aws-chunked, and not all of them then
    /// send `x-amz-content-sha256`.
    private static func anonymousPayload(of request: HTTPRequest) throws(SignatureError) -> PayloadDeclaration {
        if let declared = SecurityFields(request.headerFields).contentSHA256 {
            let payload = try PayloadDeclaration(declared.bytes)
            // Without a signed request there is no chain for its chunks to continue.
            if payload == .signedChunks || payload == .signedChunksWithTrailer { throw .invalidContentSHA256(declared.value) }
            return payload
        }
        return ContentCodings.containsAWSChunked(request.headerFields) ? .unsignedChunksWithTrailer : .unsigned
    }
}
