/// Messages of an exchange in the packets of an ordered link: each behind its length (four bytes, least significant first), cut into packets anywhere.
struct ExchangeFraming: Sendable {
    private var partial: [UInt8] = []

    static func frame(_ message: [UInt8]) -> [UInt8] {
        var writer = ExchangeWriter()
        writer.half(UInt32(message.count))
        return writer.bytes + message
    }

    /// Takes a packet and hands out the messages that are whole.
    ///
    /// - Throws: ``DocumentFeedError`` with `limitExceeded`, before anything is kept for what was announced.
    mutating func read(_ packet: UnsafeRawBufferPointer, _ deliver: (ArraySlice<UInt8>) -> Void) throws(DocumentFeedError) {
        partial.append(contentsOf: packet)
        var start = 0
        while partial.count - start >= 4 {
            let length = partial[start..<start + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard length > 0, length <= DocumentLimits.messageMaximum else {
                throw DocumentFeedError(.limitExceeded, "a message of \(length) bytes")
            }
            guard partial.count - start - 4 >= length else { break }
            deliver(partial[start + 4..<start + 4 + length])
            start += 4 + length
        }
        if start == partial.count { partial.removeAll(keepingCapacity: true) } else if start > 0 { partial.removeFirst(start) }
    }
}
