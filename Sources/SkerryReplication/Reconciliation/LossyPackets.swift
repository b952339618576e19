/// Makes an ordered stream of bytes out of packets that are lost, doubled, overtaken and damaged: numbers, acknowledgements, and all again where one is missing.
///
/// A value: time is an argument. A packet is a checksum (FNV-1a over the rest, 4 bytes, the least significant first), the number of its bytes' place among those sent, from 1, or 0 where it
/// only acknowledges, the number up to which all came, both as LEB128, and bytes of the stream.
struct LossyPackets: Sendable {
    /// Packets under way.
    static let window = 64
    /// Milliseconds without an acknowledgement after which all that is under way goes again; doubled each time, up to ``resendMaximum``.
    static let resendMinimum: UInt64 = 100
    static let resendMaximum: UInt64 = 2_000
    /// Most bytes of a packet that are not the stream's.
    static let overhead = 4 + 10 + 10

    /// Sent and not acknowledged, the first of them number `base`.
    private var underWay: [[UInt8]] = []
    private var base: UInt64 = 1
    /// How many of ``underWay`` need not go again.
    private var current = 0
    private var resendAt: UInt64 = 0
    private var wait = LossyPackets.resendMinimum
    private var repeats = 0
    /// All up to here came.
    private var reached: UInt64 = 0
    /// What came behind a gap.
    private var early: [UInt64: [UInt8]] = [:]
    private var owesAcknowledgement = false

    /// Whether another piece of the stream may be given to ``send(_:now:)``.
    var hasRoom: Bool { underWay.count < Self.window }
    /// Whether everything sent has come.
    var isSettled: Bool { underWay.isEmpty }

    /// Whether ``nextPacket(into:now:)`` has one.
    func isDue(now: UInt64) -> Bool {
        owesAcknowledgement || current < underWay.count || (!underWay.isEmpty && now >= resendAt)
    }

    mutating func send(_ bytes: [UInt8], now: UInt64) {
        if underWay.isEmpty { resendAt = now + wait }
        underWay.append(bytes)
    }

    /// Whether there is a packet to send now.
    mutating func nextPacket(into packet: inout [UInt8], now: UInt64) -> Bool {
        if !underWay.isEmpty, current == underWay.count, now >= resendAt {
            (current, wait) = (0, min(wait * 2, Self.resendMaximum))
        }
        guard current < underWay.count || owesAcknowledgement else { return false }
        var body: [UInt8] = []
        let isPayload = current < underWay.count
        Self.append(isPayload ? base + UInt64(current) : 0, to: &body)
        Self.append(reached, to: &body)
        if isPayload {
            body += underWay[current]
            current += 1
            if current == underWay.count { resendAt = now + wait }
        }
        owesAcknowledgement = false
        withUnsafeBytes(of: Self.checksum(body[...]).littleEndian) { packet.append(contentsOf: $0) }
        packet += body
        return true
    }

    /// Takes a packet and hands out the bytes of the stream that it makes whole. What is damaged is dropped.
    mutating func receive(_ packet: UnsafeRawBufferPointer, now: UInt64, _ deliver: ([UInt8]) -> Void) {
        guard packet.count > 4, packet.count <= 1 << 16 else { return }
        let body = Array(packet[4...])
        guard UInt32(littleEndian: packet.loadUnaligned(as: UInt32.self)) == Self.checksum(body[...]) else { return }
        var offset = 0
        guard let number = Self.integer(body, &offset), let theirs = Self.integer(body, &offset) else { return }
        acknowledged(theirs, now: now)
        guard number > 0 else { return }
        owesAcknowledgement = true
        guard number > reached, number <= reached + UInt64(Self.window) else { return }
        early[number] = Array(body[offset...])
        while let next = early.removeValue(forKey: reached + 1) {
            reached += 1
            deliver(next)
        }
    }

    private mutating func acknowledged(_ number: UInt64, now: UInt64) {
        guard number < base + UInt64(underWay.count) else { return }
        if number >= base {
            let count = Int(number - base + 1)
            underWay.removeFirst(count)
            (base, current) = (number + 1, max(0, current - count))
            (resendAt, wait, repeats) = (now + Self.resendMinimum, Self.resendMinimum, 0)
        } else if number + 1 == base, !underWay.isEmpty {
            // The same again and again: what follows was lost, and what is behind it came.
            repeats += 1
            if repeats == 4 { current = 0 }
        }
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private static func integer(_ bytes: [UInt8], _ offset: inout Int) -> UInt64? {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while offset < bytes.count, shift < 63 {
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBytes { raw in
            var sum: UInt32 = 0x811C_9DC5
            for byte in raw { sum = (sum ^ UInt32(byte)) &* 0x0100_0193 }
            return sum
        }
    }
}
