/// What a request says about its body: the value of `x-amz-content-sha256`.
///
/// Values: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and `sigv4-streaming.html`,
/// `sigv4-streaming-trailers.html` beside it.
public enum PayloadDeclaration: Sendable, Equatable {
    /// The body's SHA-256, 32 bytes. Whoever stores the body compares it and answers `XAmzContentSHA256Mismatch`.
    case sha256([UInt8])
    /// Nothing is said of the body: `UNSIGNED-PAYLOAD`, a presigned URL, an anonymous request.
    case unsigned
    /// aws-chunked, each chunk signed: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`.
    case signedChunks
    /// aws-chunked, each chunk and the trailer signed: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`.
    case signedChunksWithTrailer
    /// aws-chunked with a checksum in the trailer and no signature: `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    case unsignedChunksWithTrailer

    /// Whether the body is framed as aws-chunked.
    public var isChunked: Bool {
        switch self {
        case .sha256, .unsigned: false
        case .signedChunks, .signedChunksWithTrailer, .unsignedChunksWithTrailer: true
        }
    }

    /// Reads the value of `x-amz-content-sha256`.
    ///
    /// - Throws: ``SignatureError/unsupportedPayload(_:)`` for SigV4A and event streams, ``SignatureError/invalidContentSHA256(_:)`` for
    ///   anything unknown.
    init(_ text: some Collection<UInt8>) throws(SignatureError) {
        if text.count == 64, let digest = Hex.decode(text) {
            self = .sha256(digest)
            return
        }
        switch String(decoding: text, as: UTF8.self) {
        case "UNSIGNED-PAYLOAD": self = .unsigned
        case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": self = .signedChunks
        case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": self = .signedChunksWithTrailer
        case "STREAMING-UNSIGNED-PAYLOAD-TRAILER": self = .unsignedChunksWithTrailer
        case let text where text.hasPrefix("STREAMING-AWS4-"): throw .unsupportedPayload(text)
        case let text: throw .invalidContentSHA256(text)
        }
    }
}
