extension SessionCore {
    /// Takes a packet from the attached link.
    ///
    /// Never traps and never waits. A packet that breaks the protocol ends the session: ``SessionEvent/failed(_:)`` tells which rule and where. On lossy
    /// links a damaged packet is dropped instead. Payloads in the events refer to `packet` (``Payload``).
    ///
    /// - Parameter events: what happened is appended, in order.
    public mutating func receive(_ packet: UnsafeRawBufferPointer, now: Moment, into events: inout [SessionEvent]) {
        reportPending(into: &events)
        counters.packetsReceived += 1
        counters.bytesReceived += UInt64(packet.count)
        switch phase {
        case .fresh, .detached: return
        case .closed: return receivedAfterEnd(packet)
        case .handshaking, .established, .closing: break
        }
        do throws(ProtocolViolation) {
            guard packet.count <= traits.packetMaximum else {
                throw ProtocolViolation(.tooLarge, at: traits.packetMaximum, "a packet of \(packet.count) bytes")
            }
            guard let content = undamaged(packet) else {
                counters.packetsDamaged += 1
                return
            }
            lastReceivedAt = now
            forgetPings()
            var reader = FrameReader(content, isText: isText)
            try receivePacket(&reader, now: now, into: &events)
        } catch {
            fail(error, into: &events)
        }
        reportPending(into: &events)
        if isDrained { reportDrained(into: &events) }
    }

    /// Who still sends to a session that is over has missed its BYE, or says BYE again because the answer to it was lost.
    private mutating func receivedAfterEnd(_ packet: UnsafeRawBufferPointer) {
        guard traits.delivery == .lossy, let content = undamaged(packet) else { return }
        do throws(ProtocolViolation) {
            var reader = FrameReader(content, isText: false)
            guard try PacketHeader(&reader).sequence == 0 else { return byeDue = closeReason }
            var nonce: UInt64?
            while try reader.hasFrame() {
                switch try reader.beginFrame() {
                case .ping: nonce = try reader.integer()
                case .bye: return byeAnswerDue = nonce
                // An answer is not answered, or two sides that are over would talk for ever.
                case .pong: return
                default: return byeDue = closeReason
                }
                try reader.endFrame()
            }
            byeDue = closeReason
        } catch {
            // There is no session left that could fail.
        }
    }

    /// The packet without its checksum, or nil when that is wrong.
    private func undamaged(_ packet: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard traits.delivery == .lossy else { return packet }
        return PacketLayout.undamaged(packet)
    }

    private mutating func receivePacket(
        _ reader: inout FrameReader, now: Moment, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        let header = try PacketHeader(&reader)
        guard header.sequence == 0 else { return try receiveNumbered(header, &reader, now: now, into: &events) }
        if phase != .handshaking { try receiveAcknowledgement(header, reader, now: now) }
        while try reader.hasFrame() {
            try receiveLinkFrame(&reader, header, now: now, into: &events)
            guard phase != .closed else { return }
        }
    }

    private mutating func receiveNumbered(
        _ header: PacketHeader, _ reader: inout FrameReader, now: Moment, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        if phase == .handshaking {
            guard traits.delivery == .lossy else { throw ProtocolViolation(.unexpectedHello, at: 0, "a numbered packet before HELLO") }
            guard establishWithoutHello(into: &events) else { return }
        }
        try receiveAcknowledgement(header, reader, now: now)
        confirmLater(bytes: reader.bytes.count, now: now)
        if header.sequence == received + 1 {
            received += 1
            try receiveFrames(&reader, header, now: now, into: &events)
            return try receiveReordered(now: now, into: &events)
        }
        guard header.sequence > received else {
            counters.packetsDuplicate += 1
            confirmationDue = true
            if has(.actsTwice) { try receiveFrames(&reader, header, now: now, into: &events) }
            return
        }
        guard traits.delivery == .lossy else {
            throw ProtocolViolation(.sequenceGap, at: 0, "packet \(header.sequence), expected \(received + 1)")
        }
        confirmationDue = true
        guard header.sequence <= received + UInt64(SessionLimits.reorderWindow) else { return }
        if reorder.insert(reader.bytes, sequence: header.sequence) {
            counters.packetsReordered += 1
        } else {
            counters.packetsDuplicate += 1
        }
    }

    /// Packets that waited for the one that has just come.
    private mutating func receiveReordered(now: Moment, into events: inout [SessionEvent]) throws(ProtocolViolation) {
        while phase != .closed, let packet = reorder.take(received + 1) {
            received += 1
            try packet.withUnsafeBufferPointer { (bytes) throws(ProtocolViolation) in
                var reader = FrameReader(UnsafeRawBufferPointer(bytes), owner: packet, isText: isText)
                let header = try PacketHeader(&reader)
                try receiveFrames(&reader, header, now: now, into: &events)
            }
        }
    }

    @inline(__always)
    private mutating func receiveFrames(
        _ reader: inout FrameReader, _ header: PacketHeader, now: Moment, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        guard phase == .established else { return }
        if isText { return try receiveTextFrames(&reader, header, now: now, into: &events) }
        let packetEnd = reader.bytes.count
        while reader.offset < packetEnd {
            let type = try reader.beginBinaryFrame(packetEnd: packetEnd)
            try receiveFrame(type, &reader, header, now: now, into: &events)
            if !pendingEvents.isEmpty { reportPending(into: &events) }
        }
    }

    private mutating func receiveTextFrames(
        _ reader: inout FrameReader, _ header: PacketHeader, now: Moment, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        while try reader.hasFrame() {
            let word = try reader.beginTextFrame()
            if word == "error" {
                try receiveReturn(&reader, isFailure: true, into: &events)
            } else {
                try receiveFrame(FrameType(word: word)?.rawValue ?? 0, &reader, header, now: now, into: &events)
            }
            if !pendingEvents.isEmpty { reportPending(into: &events) }
        }
    }

    @inline(__always)
    private mutating func receiveFrame(
        _ type: UInt8, _ reader: inout FrameReader, _ header: PacketHeader, now: Moment, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        switch type {
        case FrameType.call.rawValue: try receiveCall(&reader, header, isVoid: false, now: now, into: &events)
        case FrameType.return.rawValue: try receiveReturn(&reader, isFailure: false, into: &events)
        case FrameType.send.rawValue: try receiveSend(&reader, now: now, into: &events)
        default: try receiveControl(type, &reader, header, now: now, into: &events)
        }
    }

    private mutating func receiveControl(
        _ type: UInt8, _ reader: inout FrameReader, _ header: PacketHeader, now: Moment, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        switch FrameType(rawValue: type) {
        case .void: try receiveCall(&reader, header, isVoid: true, now: now, into: &events)
        case .credit: try receiveCredit(&reader, into: &events)
        case .release: try receiveRelease(&reader, into: &events)
        case .cancel: try receiveCancel(&reader, into: &events)
        case .finish: try receiveFinish(&reader, into: &events)
        case .close: try receiveClose(&reader, into: &events)
        case .probe: try receiveProbe(&reader)
        case .working: try receiveWorking(&reader, into: &events)
        case .done: try receiveDone(&reader, into: &events)
        case .goAway: try receiveGoAway(&reader, into: &events)
        case .part where !isText: try receivePart(&reader, header, now: now, into: &events)
        default: throw reader.violation(.unknownFrame, "a frame of type \(type)")
        }
    }

    /// A piece of a frame that is larger than a packet.
    private mutating func receivePart(
        _ reader: inout FrameReader, _ header: PacketHeader, now: Moment, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        guard !isAssembling else { throw reader.violation(.unknownFrame, "a part within parts") }
        let isLast = try reader.natural(below: 2, "a flag") == 1
        let count = reader.end - reader.offset
        guard assembly.count + count <= SessionLimits.frameMaximum else {
            throw reader.violation(.tooLarge, "a frame of more than \(SessionLimits.frameMaximum) bytes")
        }
        assembly.append(contentsOf: reader.bytes[reader.offset..<reader.end])
        reader.offset = reader.end
        guard isLast else { return }
        let frame = assembly
        assembly = []
        guard let type = frame.first else { throw reader.malformed("a frame without a type") }
        isAssembling = true
        defer { isAssembling = false }
        try frame.withUnsafeBufferPointer { (bytes) throws(ProtocolViolation) in
            var whole = FrameReader(UnsafeRawBufferPointer(bytes), owner: frame, isText: false)
            whole.offset = 1
            try receiveFrame(type, &whole, header, now: now, into: &events)
        }
    }
}

// MARK: - Frames of the link

extension SessionCore {
    private mutating func receiveLinkFrame(
        _ reader: inout FrameReader, _ header: PacketHeader, now: Moment, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        let start = reader.offset
        switch try reader.beginFrame() {
        case .hello:
            let hello = try SessionHello(&reader, received: header.acknowledged)
            guard phase != .closing else { return }
            try received(hello, at: start, now: now, into: &events)
        case .ping:
            pongDue = try reader.integer()
            try reader.endFrame()
        case .pong:
            let nonce = try reader.integer()
            try reader.endFrame()
            if nonce == pingNonce, pingSentAt > .zero {
                recovery.measured(now - pingSentAt)
                pingSentAt = .zero
            }
            // BYE has come.
            if nonce == byeNonce, byeNonce > 0 { end() }
        case .bye:
            let reason = try reader.reason()
            try reader.endFrame()
            receivedBye(reason, into: &events)
        default: throw reader.violation(.unknownFrame, "a frame that needs a number in a packet without one")
        }
    }
}

extension FrameReader {
    /// Whether another frame follows in the packet; in text the end of the packet is checked.
    mutating func hasFrame() throws(ProtocolViolation) -> Bool {
        guard isText else {
            end = bytes.count
            return offset < end
        }
        if takeText(UInt8(ascii: ",")) { return true }
        guard takeText(UInt8(ascii: "]")) else { throw violation(.malformedPacket, "expected a frame or the end of the packet") }
        var rest = TextCursor(bytes, at: offset)
        rest.skipSpace()
        guard rest.offset == bytes.count else { throw violation(.malformedPacket, "bytes after the packet") }
        return false
    }

    /// The type of the next frame, with the reader set to its fields; nil when there is none of this type.
    mutating func beginFrame() throws(ProtocolViolation) -> FrameType? {
        isText ? FrameType(word: try beginTextFrame()) : FrameType(rawValue: try beginBinaryFrame(packetEnd: bytes.count))
    }

    mutating func reason() throws(ProtocolViolation) -> CloseReason {
        let code = try natural(below: 1 << 16, "a code")
        return CloseReason(code: UInt16(code), try text(maximum: SessionLimits.messageMaximum))
    }
}

extension FrameType {
    init?(word: String) {
        guard let type = FrameType.allCases.first(where: { $0.word.description == word }) else { return nil }
        self = type
    }
}
