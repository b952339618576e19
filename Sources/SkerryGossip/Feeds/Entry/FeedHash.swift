internal import Crypto
internal import SkerryCRDT

/// A SHA-256: the digest of an entry, or the link of an origin's chain.
public struct FeedHash: Sendable, Hashable, BitwiseCopyable, CustomStringConvertible {
    // The bytes as they stand in memory, eight at a time.
    private var first: UInt64
    private var second: UInt64
    private var third: UInt64
    private var fourth: UInt64

    /// 32 zero bytes: the link before an origin's first entry.
    public static let zero = FeedHash()

    private init() { (first, second, third, fourth) = (0, 0, 0, 0) }

    /// From 32 bytes; nil for any other number of them.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 32 else { return nil }
        first = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        second = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        third = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        fourth = bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
    }

    /// From 32 bytes; nil for any other number of them.
    public init?(bytes: [UInt8]) {
        guard let hash = bytes.withUnsafeBytes({ FeedHash($0) }) else { return nil }
        self = hash
    }

    /// 32 bytes, in the order of the hash.
    public var bytes: [UInt8] { withUnsafeBytes(of: self) { Array($0) } }

    /// The first 8 bytes, the least significant first: what a digest carries to find forks.
    public var tag: UInt64 { UInt64(littleEndian: first) }

    /// For the reader of a log.
    public var description: String {
        bytes.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "…"
    }
}

// MARK: - Hashing

extension FeedHash {
    /// The digest of an entry: SHA-256 of its place in write-time order (stamp, origin and sequence, 8 bytes each, big-endian), its kind, the length of
    /// its key (4 bytes, big-endian), its key and its value.
    ///
    /// The same as reconciliation's digest of a key and a content: entries have one name in feeds and in repair.
    static func digest(stamp: HybridTimestamp, dot: Dot, kind: FeedEntry.Kind, keyLength: Int, body: UnsafeRawBufferPointer) -> FeedHash {
        var hash = SHA256()
        let place = (stamp.rawValue.bigEndian, dot.origin.rawValue.bigEndian, dot.sequence.bigEndian)
        withUnsafeBytes(of: place) { hash.update(bufferPointer: $0) }
        // Kind and length as five bytes of one number.
        let shape = (UInt64(kind.rawValue) << 56 | UInt64(UInt32(keyLength)) << 24).bigEndian
        withUnsafeBytes(of: shape) { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<5])) }
        hash.update(bufferPointer: body)
        return hash.finalize().withUnsafeBytes { FeedHash($0) } ?? .zero
    }

    /// The link of an entry: SHA-256 of the link before it and its own digest, so it stands for all entries of its origin up to this one.
    static func link(after previous: FeedHash, digest: FeedHash) -> FeedHash {
        let input = (previous, digest)
        return withUnsafeBytes(of: input) { bytes in
            SHA256.hash(bufferPointer: bytes).withUnsafeBytes { FeedHash($0) }
        } ?? .zero
    }
}

extension SHA256 {
    fileprivate static func hash(bufferPointer: UnsafeRawBufferPointer) -> SHA256Digest {
        var hash = SHA256()
        hash.update(bufferPointer: bufferPointer)
        return hash.finalize()
    }
}
