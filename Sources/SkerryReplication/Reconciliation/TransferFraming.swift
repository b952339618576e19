internal import SkerryGossip

/// Messages in a stream of bytes, each behind its length as LEB128, at most three bytes and a half.
struct TransferFraming: Sendable {
    private var partial: [UInt8] = []

    static func frame(_ message: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = message.count
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
        return bytes + message
    }

    /// Takes bytes and gives the messages that are whole; nil when the bytes are none, before anything is allocated for what was announced.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> [[UInt8]]? {
        partial.append(contentsOf: bytes)
        var (messages, start): ([[UInt8]], Int) = ([], 0)
        while true {
            guard let head = length(from: start) else { break }
            guard head.size > 0, head.size <= TransferLimits.messageMaximum else { return nil }
            guard partial.count - start - head.bytes >= head.size else { break }
            let first = start + head.bytes
            messages.append(Array(partial[first..<first + head.size]))
            start = first + head.size
        }
        if start > 0 { partial.removeFirst(start) }
        return messages
    }

    /// Nil when it is not whole; a length that is too long comes out too large.
    private func length(from start: Int) -> (bytes: Int, size: Int)? {
        var size = 0
        for index in 0..<5 {
            guard start + index < partial.count else { return nil }
            size |= Int(partial[start + index] & 0x7F) << (7 * index)
            if partial[start + index] < 0x80 { return (index + 1, size) }
        }
        return (5, .max)
    }
}
