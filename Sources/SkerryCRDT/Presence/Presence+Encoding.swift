extension Presence {
    /// Bytes of a frame's body; more than stands at once goes into several frames.
    public static let frameMaximum = 256 << 10

    private static let frame = ChecksummedFrame(magic: 0x5250_4B53, version: 1, bodyMaximum: frameMaximum, name: "a presence")
    /// Origin, number, time to live, form: what a message takes at least.
    private static let messageMinimum = 11

    /// Frames with messages, to send over any link: as few as ``frameMaximum`` allows, none for no messages. Of several by one origin the newest goes.
    ///
    /// - Precondition: states within ``stateMaximum``, none of them a container; what ``say(_:now:)`` and ``messages(now:)`` return is.
    public static func encode(_ messages: [Message]) -> [[UInt8]] {
        let newest = Dictionary(messages.map { ($0.origin, $0) }) { $0.number >= $1.number ? $0 : $1 }
        var frames: [[UInt8]] = []
        var bodies: [[UInt8]] = []
        var size = 0
        for message in newest.values.sorted(by: { $0.origin < $1.origin }) {
            var writer = ByteWriter()
            message.encode(to: &writer)
            let body = writer.finish()
            if size + body.count + 3 > frameMaximum {
                frames.append(frame(of: bodies))
                bodies = []
                size = 0
            }
            size += body.count
            bodies.append(body)
        }
        if !bodies.isEmpty { frames.append(frame(of: bodies)) }
        return frames
    }

    private static func frame(of messages: [[UInt8]]) -> [UInt8] {
        var body = ByteWriter()
        body.write(varint: messages.count)
        for message in messages { message.withUnsafeBufferPointer { body.write($0) } }
        return frame.wrap(body.bytes.elements)
    }

    /// Reads a frame from untrusted bytes.
    ///
    /// - Throws: `corrupt`, `unsupportedVersion` or `limitExceeded`.
    public static func decode(_ bytes: [UInt8]) throws(DocumentError) -> [Message] {
        let result = bytes.withUnsafeBufferPointer { bytes -> Result<[Message], DocumentError> in
            do throws(DocumentError) { return .success(try messages(in: frame.unwrap(bytes))) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private static func messages(in body: UnsafeBufferPointer<UInt8>) throws(DocumentError) -> [Message] {
        var reader = ByteReader(body)
        let count = try reader.count(atMost: min(replicasMaximum, reader.remaining / messageMinimum), "the number of messages")
        var messages: [Message] = []
        messages.reserveCapacity(count)
        for _ in 0..<count {
            let message = try Message(&reader)
            guard messages.last.map({ $0.origin < message.origin }) ?? true else { throw reader.damaged("messages are out of order") }
            messages.append(message)
        }
        guard reader.isAtEnd else { throw reader.damaged("bytes are left over") }
        return messages
    }

    /// Takes in a frame from untrusted bytes, whole or not at all.
    ///
    /// - Returns: the replicas whose state came, changed or went, sorted.
    /// - Throws: as ``decode(_:)``; what stood stands.
    public mutating func hear(_ bytes: [UInt8], now: UInt64) throws(DocumentError) -> [OriginID] {
        var changed: [OriginID] = []
        for message in try Presence.decode(bytes) where hear(message, now: now) { changed.append(message.origin) }
        return changed
    }
}

extension Presence.Message {
    /// The message alone in a frame.
    public func encoded() -> [UInt8] { Presence.encode([self])[0] }

    /// ```
    /// message = origin:8 number:varint time-to-live:varint (0 | 1 value)
    /// ```
    func encode(to writer: inout ByteWriter) {
        writer.write(fixed: origin.rawValue)
        writer.write(varint: number)
        writer.write(varint: min(timeToLive, Presence.timeToLiveMaximum))
        writer.write(state == nil ? 0 : 1)
        state?.encode(to: &writer)
    }

    init(_ reader: inout ByteReader) throws(DocumentError) {
        origin = OriginID(rawValue: try reader.fixed64())
        number = try reader.varint()
        timeToLive = try reader.varint()
        guard timeToLive <= Presence.timeToLiveMaximum else { throw reader.damaged("a presence stands too long") }
        let form = try reader.byte()
        guard form <= 1 else { throw reader.damaged("an unknown form of message") }
        state = nil
        if form == 0 { return }
        let start = reader.offset
        let value = try DocumentValue(&reader)
        if case .container = value { throw reader.damaged("a container says nothing of presence") }
        guard reader.offset - start <= Presence.stateMaximum else {
            throw DocumentError(code: .limitExceeded, message: "a presence of more than \(Presence.stateMaximum) bytes", offset: start)
        }
        state = value
    }
}
