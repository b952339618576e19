import CSkerryKernels

/// The MD5 of some bytes: what S3 calls the ETag of an object sent in one piece. It names, and proves nothing.
public struct MD5Digest: Hashable, Sendable {
    /// Bytes of a digest.
    public static let byteCount = 16

    private let words: (UInt64, UInt64)

    /// The digest of `bytes`.
    public init(of bytes: UnsafeRawBufferPointer) {
        var state = MD5State()
        state.update(bytes)
        self = state.finalize()
    }

    /// The digest of `bytes`; those that do not lie contiguous are copied first.
    public init(of bytes: some Collection<UInt8>) {
        self = bytes.withContiguousBytes { MD5Digest(of: $0) }
    }

    /// The ETag of an object made of parts: the MD5 of their digests in order. S3 appends `-` and the number of parts.
    public init(ofParts parts: some Sequence<MD5Digest>) {
        var state = MD5State()
        for part in parts { Swift.withUnsafeBytes(of: part.words) { state.update($0) } }
        self = state.finalize()
    }

    /// The digest whose 16 bytes these are; `nil` for any other number of bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == MD5Digest.byteCount else { return nil }
        self = bytes.withContiguousBytes { MD5Digest(loading: $0) }
    }

    /// The digest with this hexadecimal text of 32 digits, as in an ETag.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex), let digest = MD5Digest(bytes: bytes) else { return nil }
        self = digest
    }

    /// The digest with this base64 text, as in `Content-MD5`.
    public init?(base64: some StringProtocol) {
        guard let bytes = Base64.decode(base64), let digest = MD5Digest(bytes: bytes) else { return nil }
        self = digest
    }

    /// `bytes` hold at least 16.
    fileprivate init(loading bytes: UnsafeRawBufferPointer) {
        words = (
            bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )
    }

    /// The 16 bytes.
    public var bytes: [UInt8] { Swift.withUnsafeBytes(of: words) { Array($0) } }
    /// 32 hexadecimal digits in lower case, as in an ETag.
    public var hex: String { Hex.encode(bytes) }
    /// As in `Content-MD5`.
    public var base64: String { Base64.encode(bytes) }

    public static func == (left: MD5Digest, right: MD5Digest) -> Bool { left.words == right.words }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}

extension MD5Digest: CustomStringConvertible {
    public var description: String { hex }
}

/// An MD5 in the making; a plain value, so a copy goes its own way.
public struct MD5State: Sendable {
    var kernel = skerry_md5()

    public init() {
        skerry_md5_init(&kernel)
    }

    /// Takes the next bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        skerry_md5_update(&kernel, bytes.baseAddress, bytes.count)
    }

    /// The digest of all bytes taken; the state itself stays as it is and may take more.
    public func finalize() -> MD5Digest {
        var ending = kernel
        return withUnsafeTemporaryAllocation(byteCount: MD5Digest.byteCount, alignment: 8) { digest in
            skerry_md5_final(&ending, digest.baseAddress)
            return MD5Digest(loading: UnsafeRawBufferPointer(digest))
        }
    }
}
