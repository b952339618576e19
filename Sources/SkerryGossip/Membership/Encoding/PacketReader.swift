/// Reads what ``PacketWriter`` writes, from bytes that anybody may have sent: every length is checked before anything is allocated for it.
///
/// It must not outlive the bytes.
struct PacketReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }
    var remaining: Int { bytes.count - offset }

    mutating func byte() throws(MalformedPacket) -> UInt8 {
        guard offset < bytes.count else { throw fail(.truncated) }
        offset += 1
        return bytes[offset - 1]
    }

    /// A LEB128 integer of at most 64 bits, in its shortest form.
    mutating func integer() throws(MalformedPacket) -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw fail(.integer) }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 {
                guard next > 0 || shift == 0 else { throw fail(.integer) }
                return value
            }
            shift += 7
        }
    }

    /// A number of things of which each takes at least `size` more bytes, so it cannot promise more than came.
    mutating func count(maximum: Int, eachAtLeast size: Int) throws(MalformedPacket) -> Int {
        let value = try integer()
        guard value <= UInt64(maximum) else { throw fail(.limit) }
        guard Int(value) * size <= remaining else { throw fail(.truncated) }
        return Int(value)
    }

    mutating func signed() throws(MalformedPacket) -> Int64 {
        let value = try integer()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func word() throws(MalformedPacket) -> UInt64 {
        guard remaining >= 8 else { throw fail(.truncated) }
        defer { offset += 8 }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    mutating func raw(_ count: Int) throws(MalformedPacket) -> [UInt8] {
        guard count >= 0, remaining >= count else { throw fail(.truncated) }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    mutating func blob(maximum: Int) throws(MalformedPacket) -> [UInt8] {
        let count = try count(maximum: maximum, eachAtLeast: 1)
        return try raw(count)
    }

    mutating func text(maximum: Int) throws(MalformedPacket) -> String {
        let raw = try blob(maximum: maximum)
        guard let text = String(validating: raw, as: UTF8.self) else { throw fail(.text) }
        return text
    }

    func fail(_ reason: MalformedPacket.Reason) -> MalformedPacket { MalformedPacket(reason: reason, offset: offset) }
}

/// Bytes from outside that do not follow their grammar. Drop the packet; on a stream, drop the link.
public struct MalformedPacket: Error, Sendable, Hashable {
    /// Which rule the bytes break.
    public enum Reason: Sendable, Hashable, CaseIterable {
        /// Shorter than its fields say.
        case truncated
        /// An integer of more than 64 bits or not in its shortest form.
        case integer
        /// More elements or bytes than the format allows.
        case limit
        /// Text that is not UTF-8.
        case text
        /// A number that stands for nothing here.
        case unknown
        /// Keys or bounds that do not ascend, or lie outside their range.
        case order
        /// Bytes behind the end.
        case excess
        /// Not signed with the cluster's secret.
        case secret
    }

    /// What is wrong there.
    public var reason: Reason
    /// The byte before which reading stopped.
    public var offset: Int
}
