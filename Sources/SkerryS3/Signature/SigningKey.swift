import Crypto

/// The key of one access key, day and region, ready to sign: HMAC-SHA256 with the key already absorbed.
///
/// Deriving it costs four HMACs; what is kept are the two hash states behind the padded key (RFC 2104, section 4, proposes exactly this),
/// so that a signature costs two short hashes and no key set-up. Copies share nothing that changes.
struct SigningKey: Sendable {
    private var inner: SHA256
    private var outer: SHA256

    /// Derives the key: HMAC over day, region, service and terminator, beginning with `AWS4` + secret.
    ///
    /// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, "Calculate the signature".
    init(secret: [UInt8], day: Int, region: String) {
        var key = SigningKey(key: Array("AWS4".utf8) + secret)
        key = SigningKey(key: key.code(for: Array(String(day).utf8)))
        key = SigningKey(key: key.code(for: Array(region.utf8)))
        key = SigningKey(key: key.code(for: Array("s3".utf8)))
        self = SigningKey(key: key.code(for: Array("aws4_request".utf8)))
    }

    private init(key: [UInt8]) {
        let blockSize = 64
        var padded = key.count > blockSize ? Array(SHA256.hash(of: key)) : key
        padded.append(contentsOf: repeatElement(0, count: blockSize - padded.count))
        inner = SHA256()
        inner.update(padded.map { $0 ^ 0x36 })
        outer = SHA256()
        outer.update(padded.map { $0 ^ 0x5c })
    }

    /// The authentication code of a message, 32 bytes.
    func code(for message: [UInt8]) -> [UInt8] {
        Array(digest(for: message))
    }

    /// Whether `signature`, 64 hexadecimal digits, is the code of `message`. The time taken does not depend on where they differ.
    func verifies(_ signature: ArraySlice<UInt8>, of message: [UInt8]) -> Bool {
        guard signature.count == 64 else { return false }
        var difference: UInt8 = 0
        var index = signature.startIndex
        for byte in digest(for: message) {
            difference |= Hex.lowerDigit(byte >> 4) ^ signature[index]
            difference |= Hex.lowerDigit(byte & 15) ^ signature[index + 1]
            index += 2
        }
        return difference == 0
    }

    private func digest(for message: [UInt8]) -> SHA256Digest {
        var inner = inner
        inner.update(message)
        var outer = outer
        inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
        return outer.finalize()
    }
}

extension SHA256 {
    /// Absorbs an array, without the detour over `DataProtocol`, which brings Foundation.
    mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update(bufferPointer: $0) }
    }

    /// Absorbs a slice.
    mutating func update(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { update(bufferPointer: $0) }
    }

    static func hash(of bytes: [UInt8]) -> SHA256Digest {
        var hasher = SHA256()
        hasher.update(bytes)
        return hasher.finalize()
    }
}
