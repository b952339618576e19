import Crypto

/// The name of a chunk or manifest: the SHA-256 of its bytes.
///
/// Four words, most significant byte first, so that equality, order and hashing take a few instructions and no
/// allocation; the order is that of the 32 bytes.
public struct Digest: Sendable {
    /// Bytes of a digest.
    public static let byteCount = 32

    let words: (UInt64, UInt64, UInt64, UInt64)

    /// The name of `bytes`.
    public init(of bytes: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        self.init(hash.finalize())
    }

    /// The name of `bytes`; those that do not lie contiguous are copied first.
    public init(of bytes: some Collection<UInt8>) {
        self = bytes.withContiguousBytes { Digest(of: $0) }
    }

    /// The digest whose 32 bytes these are; `nil` for any other number of bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Digest.byteCount else { return nil }
        self = bytes.withContiguousBytes { Digest(loading: $0) }
    }

    /// The digest with this hexadecimal text of 64 digits, in either case.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex), let digest = Digest(bytes: bytes) else { return nil }
        self = digest
    }

    init(_ hash: SHA256.Digest) {
        self = hash.withUnsafeBytes { Digest(loading: $0) }
    }

    /// `bytes` hold at least 32.
    private init(loading bytes: UnsafeRawBufferPointer) {
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
        }
        words = (word(0), word(1), word(2), word(3))
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        withUnsafeBytes { Array($0) }
    }

    /// The 32 bytes, for the time of the call.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let stored = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
        return try Swift.withUnsafeBytes(of: stored, body)
    }
}

extension Digest: Hashable, Comparable {
    public static func == (left: Digest, right: Digest) -> Bool {
        left.words.0 == right.words.0 && left.words.1 == right.words.1
            && left.words.2 == right.words.2 && left.words.3 == right.words.3
    }

    public static func < (left: Digest, right: Digest) -> Bool {
        left.words < right.words
    }

    /// Feeds one word: it is as evenly spread as all four, and the hasher's seed keeps its buckets unguessable.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
    }
}

extension Digest: CustomStringConvertible {
    /// 64 hexadecimal digits in lower case.
    public var description: String {
        withUnsafeBytes { Hex.encode($0) }
    }
}
