import Crypto

/// The chain of signatures through a body sent in signed chunks.
///
/// Each chunk signs the signature before it, beginning with that of the request, so no chunk can be left out, moved or taken from another
/// request. Strings to sign: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and `sigv4-streaming-trailers.html`.
public struct ChunkSigning: Sendable {
    private let accessKey: String
    private let key: SigningKey
    /// `timestamp LF scope LF`.
    private let context: [UInt8]
    /// The signature before, hexadecimal.
    private var previous: ArraySlice<UInt8>

    /// - Parameter seed: The signature of the request.
    init(accessKey: String, key: SigningKey, context: [UInt8], seed: ArraySlice<UInt8>) {
        self.accessKey = accessKey
        self.key = key
        self.context = context
        previous = seed
    }

    /// Moves on to the next signature if it is the one of a chunk with this digest.
    mutating func accept(_ signature: ArraySlice<UInt8>, chunk digest: SHA256Digest) throws(SignatureError) {
        try accept(signature, algorithm: "AWS4-HMAC-SHA256-PAYLOAD", headers: Self.digestOfNothing, digest: digest)
    }

    /// Checks the signature of the trailer, given as `name:value LF` lines.
    mutating func accept(_ signature: ArraySlice<UInt8>, trailer: [UInt8]) throws(SignatureError) {
        try accept(signature, algorithm: "AWS4-HMAC-SHA256-TRAILER", headers: "", digest: SHA256.hash(of: trailer))
    }

    private static let digestOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"

    private mutating func accept(
        _ signature: ArraySlice<UInt8>, algorithm: String, headers: String, digest: SHA256Digest
    ) throws(SignatureError) {
        var text: [UInt8] = []
        text.reserveCapacity(384)
        text.append(contentsOf: algorithm.utf8)
        text.append(UInt8(ascii: "\n"))
        text.append(contentsOf: context)
        text.append(contentsOf: previous)
        text.append(UInt8(ascii: "\n"))
        text.append(contentsOf: headers.utf8)
        text.appendHex(digest)
        guard key.verifies(signature, of: text) else {
            throw .signatureDoesNotMatch(
                .init(accessKey: accessKey, signature: String(decoding: signature, as: UTF8.self), stringToSign: text, canonicalRequest: [])
            )
        }
        previous = signature
    }
}
