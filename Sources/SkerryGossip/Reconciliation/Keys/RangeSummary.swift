internal import Crypto

/// What a branch knows of the entries below it: how many, and the sum of their digests modulo 2^256.
///
/// Summaries of neighbouring ranges add up, and a part can be taken out again, so a tree keeps them along one path per write.
public struct RangeSummary: Sendable, Hashable, BitwiseCopyable {
    /// How many entries.
    public private(set) var count: UInt64
    @usableFromInline var limbs: Limbs

    /// Of no entries.
    public init() { self.init(count: 0, limbs: Limbs(0, 0, 0, 0)) }

    @usableFromInline
    init(count: UInt64, limbs: Limbs) {
        self.count = count
        self.limbs = limbs
    }

    /// From a count and 32 bytes of sum, as ``sumBytes`` gives them; nil for any other number of bytes.
    public init?(count: UInt64, sumBytes: [UInt8]) {
        guard sumBytes.count == 32 else { return nil }
        self.init(count: count, limbs: sumBytes.withUnsafeBytes(Limbs.init(loading:)))
    }

    /// The sum as 32 bytes, the least significant first.
    public var sumBytes: [UInt8] { limbs.bytes }

    /// Counts an entry in. Whether it is counted already nobody knows here.
    @inline(__always)
    public mutating func insert(_ digest: EntryDigest) {
        count += 1
        limbs.add(digest.limbs)
    }

    /// Takes an entry out again that was counted in.
    @inline(__always)
    public mutating func remove(_ digest: EntryDigest) {
        count &-= 1
        limbs.subtract(digest.limbs)
    }

    /// Counts the entries of another range in.
    @inline(__always)
    public mutating func add(_ other: RangeSummary) {
        count &+= other.count
        limbs.add(other.limbs)
    }

    /// Takes the entries of a part out again.
    @inline(__always)
    public mutating func subtract(_ other: RangeSummary) {
        count &-= other.count
        limbs.subtract(other.limbs)
    }
}

/// The secret under which two replicas compare ranges in one session.
///
/// Sums alone fall to whoever can choose entries so that two sets add up alike (generalised birthday search); whoever does not know the key cannot
/// use such sets against a third replica's comparison, nor learn from fingerprints what a range holds.
public struct FingerprintKey: Sendable, Hashable {
    @usableFromInline let limbs: Limbs

    /// SHA-256 over the name of the protocol, what the two replicas share, and the nonce of this session.
    ///
    /// - Parameter secret: of the pair, any length: for example the link's exporter, or the cluster's secret with both site ids in their order.
    public init(secret: [UInt8], nonce: ReconciliationNonce) {
        var hash = SHA256()
        hash.update(data: Array("skerry reconciliation 1".utf8))
        withUnsafeBytes(of: (nonce.low.littleEndian, nonce.high.littleEndian)) { hash.update(bufferPointer: $0) }
        hash.update(data: secret)
        limbs = hash.finalize().withUnsafeBytes(Limbs.init(loading:))
    }

    /// The first 16 bytes of SHA-256(key, sum, count).
    public func fingerprint(of summary: RangeSummary) -> RangeFingerprint {
        let fields = (limbs.littleEndian, summary.limbs.littleEndian, summary.count.littleEndian)
        return withUnsafeBytes(of: fields) { bytes in
            var hash = SHA256()
            hash.update(bufferPointer: bytes)
            return hash.finalize().withUnsafeBytes {
                RangeFingerprint(
                    low: UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                    high: UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
            }
        }
    }
}

/// 16 bytes that are equal when two ranges are, and hardly ever otherwise.
public struct RangeFingerprint: Sendable, Hashable, BitwiseCopyable {
    public var low: UInt64
    public var high: UInt64
}

/// 128 random bits of the initiator, new for every session.
public struct ReconciliationNonce: Sendable, Hashable, BitwiseCopyable {
    public var low: UInt64
    public var high: UInt64

    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    public init(using generator: inout some RandomNumberGenerator) { self.init(low: generator.next(), high: generator.next()) }
}
