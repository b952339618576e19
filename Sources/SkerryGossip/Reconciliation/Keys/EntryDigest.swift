internal import Crypto
internal import SkerryCRDT

/// The 256-bit name of an entry: a hash that covers its key and its content. Read as a number of four limbs, the least significant first.
///
/// Two entries of the same content under different keys must have different digests, or a set that holds one for the other would pass as equal:
/// make digests with ``init(key:content:)``, or from a hash that covers the key.
public struct EntryDigest: Sendable, Hashable, BitwiseCopyable {
    @usableFromInline var limbs: Limbs

    @usableFromInline
    init(limbs: Limbs) { self.limbs = limbs }

    /// From 32 bytes, the least significant first; nil for any other number of them.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        limbs = bytes.withUnsafeBytes(Limbs.init(loading:))
    }

    /// SHA-256 of the key (24 bytes, big-endian) followed by the content.
    public init(key: WriteKey, content: UnsafeRawBufferPointer) {
        var hash = SHA256()
        let fields = (key.stamp.rawValue.bigEndian, key.origin.rawValue.bigEndian, key.sequence.bigEndian)
        withUnsafeBytes(of: fields) { hash.update(bufferPointer: $0) }
        hash.update(bufferPointer: content)
        limbs = hash.finalize().withUnsafeBytes(Limbs.init(loading:))
    }

    /// SHA-256 of the key (24 bytes, big-endian) followed by the content.
    public init(key: WriteKey, content: [UInt8]) {
        self = content.withUnsafeBytes { EntryDigest(key: key, content: $0) }
    }

    /// 32 bytes, the least significant first.
    public var bytes: [UInt8] { limbs.bytes }

    /// The first 16 bytes: what a list of entries carries. Enough to tell two contents of one key apart, and nothing else rests on it.
    var prefix: DigestPrefix { DigestPrefix(low: limbs.first, high: limbs.second) }
}

/// The first 16 bytes of a digest or of a hash.
public struct DigestPrefix: Sendable, Hashable, BitwiseCopyable {
    /// The first eight of them, the least significant first.
    public var low: UInt64
    /// The last eight.
    public var high: UInt64
}

/// A number of 256 bits, the least significant limb first.
@frozen
@usableFromInline
struct Limbs: Sendable, Hashable, BitwiseCopyable {
    @usableFromInline var first: UInt64
    @usableFromInline var second: UInt64
    @usableFromInline var third: UInt64
    @usableFromInline var fourth: UInt64

    @usableFromInline
    init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        self.first = first
        self.second = second
        self.third = third
        self.fourth = fourth
    }

    /// From at least 32 bytes.
    init(loading bytes: UnsafeRawBufferPointer) {
        self.init(
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)))
    }

    var littleEndian: Limbs { Limbs(first.littleEndian, second.littleEndian, third.littleEndian, fourth.littleEndian) }
    var bytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }

    /// Modulo 2^256.
    @usableFromInline @inline(__always)
    mutating func add(_ other: Limbs) {
        var carry: UInt64 = 0
        first = Limbs.sum(first, other.first, &carry)
        second = Limbs.sum(second, other.second, &carry)
        third = Limbs.sum(third, other.third, &carry)
        fourth = fourth &+ other.fourth &+ carry
    }

    /// Modulo 2^256.
    @usableFromInline @inline(__always)
    mutating func subtract(_ other: Limbs) {
        var borrow: UInt64 = 0
        first = Limbs.difference(first, other.first, &borrow)
        second = Limbs.difference(second, other.second, &borrow)
        third = Limbs.difference(third, other.third, &borrow)
        fourth = fourth &- other.fourth &- borrow
    }

    @usableFromInline @inline(__always)
    static func sum(_ left: UInt64, _ right: UInt64, _ carry: inout UInt64) -> UInt64 {
        let (partial, overflow) = left.addingReportingOverflow(right)
        let (total, again) = partial.addingReportingOverflow(carry)
        carry = overflow || again ? 1 : 0
        return total
    }

    @usableFromInline @inline(__always)
    static func difference(_ left: UInt64, _ right: UInt64, _ borrow: inout UInt64) -> UInt64 {
        let (partial, underflow) = left.subtractingReportingOverflow(right)
        let (total, again) = partial.subtractingReportingOverflow(borrow)
        borrow = underflow || again ? 1 : 0
        return total
    }
}
