internal import SkerryMerge

/// Messages in a stream of bytes, or in the packets of a link: each behind its length, cut anywhere (docs/formats/history.md, "Exchange";
/// docs/formats/replica.md).
struct MessageFraming: Sendable {
    /// Most bytes of a message whose first byte is given.
    private let maximum: @Sendable (UInt8) -> Int
    /// Length and first bytes of a message that is not whole. Grows with what has come, not with what the length promises.
    private var partial: [UInt8] = []

    /// Bytes of a packet at which it is full: 64 KiB.
    static let packetSize = 64 << 10
    /// Bytes of the longest length.
    private static let lengthMaximum = 5

    init(maximum: @escaping @Sendable (UInt8) -> Int = MessageFraming.exchangeMaximum) { self.maximum = maximum }

    /// Objects may be large, all else is small.
    private static let exchangeMaximum: @Sendable (UInt8) -> Int = { kind in
        kind == UInt8(ascii: "o") ? ExchangeMessage.sizeMaximum : ExchangeMessage.controlMaximum
    }

    static func frame(_ message: ExchangeMessage) -> [UInt8] { frame(message.encoded) }

    static func frame(_ message: [UInt8]) -> [UInt8] {
        var writer = FieldWriter()
        writer.string(message)
        return writer.bytes
    }

    /// Whether the bytes so far end amid a message.
    var isAmidMessage: Bool { !partial.isEmpty }

    /// Takes a packet and hands out the messages that are whole.
    ///
    /// - Throws: ``HistoryError`` with `tooLarge` or `protocolViolation`, before anything is allocated for what was announced.
    mutating func read(_ packet: UnsafeRawBufferPointer, _ deliver: ([UInt8]) -> Void) throws(HistoryError) {
        partial.append(contentsOf: packet)
        var start = 0
        while let (head, size) = try length(from: start) {
            guard start + head < partial.count || size == 0 else { break }
            guard size > 0 else { throw HistoryError(.protocolViolation, "an empty message") }
            try check(size, kind: partial[start + head])
            guard partial.count - start - head >= size else { break }
            deliver(Array(partial[start + head..<start + head + size]))
            start += head + size
        }
        if start == partial.count { partial = [] } else { partial.removeFirst(start) }
    }

    private func check(_ size: Int, kind: UInt8) throws(HistoryError) {
        let maximum = maximum(kind)
        guard size <= maximum else { throw HistoryError(.tooLarge, "a message of \(size) bytes where \(maximum) are allowed") }
    }

    /// The length at a place and how many bytes it takes; nil when it is not whole.
    private func length(from start: Int) throws(HistoryError) -> (head: Int, size: Int)? {
        var size = 0
        for index in 0..<Self.lengthMaximum {
            guard start + index < partial.count else { return nil }
            let byte = partial[start + index]
            size |= Int(byte & 0x7F) << (7 * index)
            guard byte >= 0x80 else {
                guard byte != 0 || index == 0 else { break }
                return (index + 1, size)
            }
        }
        throw HistoryError(.protocolViolation, "the length of a message is not of its grammar")
    }
}
