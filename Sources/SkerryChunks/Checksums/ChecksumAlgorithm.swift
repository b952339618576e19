/// A checksum that S3 lets a client name. The numbers are part of the format: records keep them.
public enum ChecksumAlgorithm: UInt8, Sendable, Hashable, CaseIterable {
    case crc32 = 1
    case crc32c = 2
    case crc64nvme = 3
    case sha1 = 4
    case sha256 = 5

    /// The algorithm S3 calls by this name (`x-amz-checksum-algorithm`, `x-amz-sdk-checksum-algorithm`), in any case.
    public init?(name: some StringProtocol) {
        let wanted = name.uppercased()
        guard let found = ChecksumAlgorithm.allCases.first(where: { $0.name == wanted }) else { return nil }
        self = found
    }

    /// What S3 calls it: in `x-amz-checksum-algorithm` and, after `Checksum`, in XML.
    public var name: String {
        switch self {
        case .crc32: "CRC32"
        case .crc32c: "CRC32C"
        case .crc64nvme: "CRC64NVME"
        case .sha1: "SHA1"
        case .sha256: "SHA256"
        }
    }

    /// The header or trailer that carries its value, in lower case.
    public var headerName: String {
        switch self {
        case .crc32: "x-amz-checksum-crc32"
        case .crc32c: "x-amz-checksum-crc32c"
        case .crc64nvme: "x-amz-checksum-crc64nvme"
        case .sha1: "x-amz-checksum-sha1"
        case .sha256: "x-amz-checksum-sha256"
        }
    }

    /// Bytes of a value.
    public var byteCount: Int {
        switch self {
        case .crc32, .crc32c: 4
        case .crc64nvme: 8
        case .sha1: 20
        case .sha256: 32
        }
    }

    /// Whether the checksum of a whole multipart object may be asked for: those of the parts combine without their bytes.
    public var allowsFullObject: Bool {
        switch self {
        case .crc32, .crc32c, .crc64nvme: true
        case .sha1, .sha256: false
        }
    }

    /// Whether a multipart object may carry the checksum of its parts' checksums.
    public var allowsComposite: Bool { self != .crc64nvme }

    /// What a multipart upload gets that names the algorithm and no type.
    public var defaultMultipartType: ChecksumType { allowsComposite ? .composite : .fullObject }

    /// Whether a multipart upload may ask for this type.
    public func allows(_ type: ChecksumType) -> Bool {
        switch type {
        case .fullObject: allowsFullObject
        case .composite: allowsComposite
        }
    }
}

/// What the checksum of an object is taken of. The numbers are part of the format: records keep them.
public enum ChecksumType: UInt8, Sendable, Hashable, CaseIterable {
    /// Its bytes.
    case fullObject = 1
    /// The raw checksums of its parts, in order.
    case composite = 2

    /// The type S3 calls by this name, in any case.
    public init?(name: some StringProtocol) {
        let wanted = name.uppercased()
        guard let found = ChecksumType.allCases.first(where: { $0.name == wanted }) else { return nil }
        self = found
    }

    /// What S3 calls it (`x-amz-checksum-type`).
    public var name: String {
        switch self {
        case .fullObject: "FULL_OBJECT"
        case .composite: "COMPOSITE"
        }
    }
}
