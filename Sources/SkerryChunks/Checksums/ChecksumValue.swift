/// A checksum: its algorithm and its raw bytes, most significant first as S3 writes them.
public struct ChecksumValue: Sendable, Hashable {
    public let algorithm: ChecksumAlgorithm
    /// As many as the algorithm's ``ChecksumAlgorithm/byteCount``.
    public let bytes: [UInt8]

    /// `nil` unless `bytes` are as many as the algorithm has.
    public init?(_ algorithm: ChecksumAlgorithm, bytes: some Collection<UInt8>) {
        guard bytes.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.bytes = Array(bytes)
    }

    /// `nil` unless the text is canonical base64 of as many bytes as the algorithm has.
    public init?(_ algorithm: ChecksumAlgorithm, base64: some StringProtocol) {
        guard let bytes = Base64.decode(base64) else { return nil }
        self.init(algorithm, bytes: bytes)
    }

    /// The checksum of `bytes`.
    public init(_ algorithm: ChecksumAlgorithm, of bytes: UnsafeRawBufferPointer) {
        var state = ChecksumState(algorithm)
        state.update(bytes)
        self = state.finalize()
    }

    /// The checksum of `bytes`; those that do not lie contiguous are copied first.
    public init(_ algorithm: ChecksumAlgorithm, of bytes: some Collection<UInt8>) {
        self = bytes.withContiguousBytes { ChecksumValue(algorithm, of: $0) }
    }

    /// A CRC, in the low bits of `register`.
    init(_ algorithm: ChecksumAlgorithm, register: UInt64) {
        self.algorithm = algorithm
        bytes = (0..<algorithm.byteCount).reversed().map { UInt8(truncatingIfNeeded: register >> UInt64(8 * $0)) }
    }

    /// `bytes` are as many as the algorithm has.
    init(_ algorithm: ChecksumAlgorithm, unchecked bytes: some Sequence<UInt8>) {
        self.algorithm = algorithm
        self.bytes = Array(bytes)
    }

    /// As in a header or in XML.
    public var base64: String { Base64.encode(bytes) }
}

extension ChecksumValue: CustomStringConvertible {
    public var description: String { "\(algorithm.name):\(base64)" }
}
