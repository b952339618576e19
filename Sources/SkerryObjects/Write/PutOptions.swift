public import SkerryChunks

/// What a PUT brings besides its bytes.
public struct PutOptions: Sendable {
    /// S3's limit on one PUT or part, bytes.
    public static let sizeMaximum: UInt64 = 5 << 30

    public var metadata: ObjectMetadata
    public var conditions: WriteConditions
    /// Announced bytes (Content-Length or x-amz-decoded-content-length), nil when unknown. Another count at the end is `incompleteBody`.
    public var length: UInt64?
    /// The checksum to compute and keep; S3's default is CRC64NVME.
    public var checksum: ChecksumAlgorithm
    /// Whether SHA-256 over the whole payload is wanted for SigV4's payload hash.
    public var needsPayloadSHA256: Bool

    public init(
        metadata: ObjectMetadata = ObjectMetadata(), conditions: WriteConditions = WriteConditions(), length: UInt64? = nil,
        checksum: ChecksumAlgorithm = .crc64nvme, needsPayloadSHA256: Bool = false
    ) {
        self.metadata = metadata
        self.conditions = conditions
        self.length = length
        self.checksum = checksum
        self.needsPayloadSHA256 = needsPayloadSHA256
    }
}

/// What the client promised about the bytes; any mismatch stores nothing.
public struct PayloadExpectation: Sendable {
    public var md5: MD5Digest?
    public var checksum: ChecksumValue?
    public var payloadSHA256: Digest?

    public init(md5: MD5Digest? = nil, checksum: ChecksumValue? = nil, payloadSHA256: Digest? = nil) {
        self.md5 = md5
        self.checksum = checksum
        self.payloadSHA256 = payloadSHA256
    }

    /// Compares with what arrived.
    func check(_ hashes: PayloadHashes) throws(ObjectError) {
        if let payloadSHA256, hashes.payloadDigest != payloadSHA256 {
            throw ObjectError(.payloadHashMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
        }
        if let md5, md5 != hashes.md5 {
            throw ObjectError(.badDigest, "The Content-MD5 you specified did not match what we received.", condition: "Content-MD5")
        }
        if let checksum {
            guard hashes.checksums.contains(checksum) else {
                throw ObjectError(
                    .badDigest, "The \(checksum.algorithm) you specified did not match the calculated checksum.",
                    condition: checksum.algorithm.headerName)
            }
        }
    }
}

extension PayloadHashes {
    /// Every upload's hasher is asked for it: the ETag needs it.
    var contentMD5: MD5Digest {
        guard let md5 else { preconditionFailure("an upload was hashed without MD5") }
        return md5
    }
}
