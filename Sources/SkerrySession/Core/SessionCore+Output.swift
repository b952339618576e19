// Packets are pulled: whoever owns the link asks for the next one when the link can take it. So the order of what is sent is decided as late as can be,
// and what overtakes is decided here:
// link frames, then packets that must be sent again, then urgent control, messages in their order, and the channels' elements by turns.

extension SessionCore {
    /// Appends the next packet to `buffer`, or returns false when there is nothing to send now.
    ///
    /// - Parameters:
    ///   - buffer: bytes before the packet are left as they are, so that several packets can leave in one write.
    ///   - now: the moment of sending.
    public mutating func nextPacket(into buffer: inout [UInt8], now: Moment) -> Bool {
        let start = buffer.count
        guard appendPacket(to: &buffer, now: now) else { return false }
        if traits.delivery == .lossy {
            let checksum = buffer.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[start...])) }
            withUnsafeBytes(of: checksum.littleEndian) { buffer.append(contentsOf: $0) }
        }
        counters.packetsSent += 1
        counters.bytesSent += UInt64(buffer.count - start)
        return true
    }

    private mutating func appendPacket(to buffer: inout [UInt8], now: Moment) -> Bool {
        if byeDue != nil { return appendBye(to: &buffer, now: now) }
        switch phase {
        case .fresh, .detached: return false
        case .closed: return appendByeAnswer(to: &buffer)
        case .handshaking:
            guard helloDue else { return false }
        case .established, .closing: break
        }
        if helloDue { return appendHello(to: &buffer, now: now) }
        if pongDue != nil || pingDue { return appendPings(to: &buffer, now: now) }
        if retention.unsent > 0 {
            if windowIsOpen { return appendAgain(to: &buffer, now: now) }
        } else if appendNumbered(to: &buffer, now: now) {
            return true
        }
        if confirmationDue { return appendConfirmation(to: &buffer) }
        guard phase == .closing, byeNonce == 0, isFlushed else { return false }
        if traits.delivery == .lossy {
            pingNonce += 1
            byeNonce = pingNonce
            pingSentAt = .zero
        } else {
            end()
        }
        byeDue = closeReason
        return appendBye(to: &buffer, now: now)
    }

    /// Whether `nextPacket` may give one: false is certain.
    public var hasOutput: Bool {
        if byeDue != nil { return true }
        switch phase {
        case .fresh, .detached: return false
        case .closed: return byeAnswerDue != nil
        case .handshaking: return helloDue
        case .closing: return byeNonce == 0 || pongDue != nil || confirmationDue
        case .established:
            return helloDue || pongDue != nil || pingDue || confirmationDue || (retention.unsent > 0 && windowIsOpen)
                || (!isQueueEmpty && windowIsOpen)
        }
    }

    var isQueueEmpty: Bool {
        messages.isEmpty && urgent.isEmpty && turns.isEmpty && !part.isActive && releases.isEmpty
    }

    /// Of a closing session: whether all was sent, and confirmed where packets get lost.
    private var isFlushed: Bool {
        isQueueEmpty && (traits.delivery == .ordered || retention.isEmpty)
    }

    /// Whether another packet may be under way.
    private var windowIsOpen: Bool {
        guard traits.delivery == .lossy else { return true }
        return retention.underWay < recovery.window
    }

    /// Whether a packet with a new number may be sent: it must fit what is kept, and the peer's window on lossy links.
    private var mayNumber: Bool {
        guard keepsPackets else { return true }
        guard retention.byteCount < configuration.retention, retention.records.count < SessionLimits.retainedPackets else { return false }
        return traits.delivery == .ordered || (windowIsOpen && retention.records.count < SessionLimits.reorderWindow)
    }
}

// MARK: - Packets without a number

extension SessionCore {
    private mutating func appendHello(to buffer: inout [UInt8], now: Moment) -> Bool {
        helloDue = false
        if traits.delivery == .lossy, role == .initiator { helloAgainAt = now + recovery.timeout }
        beginPacket(in: &buffer)
        hello.write(to: &writer)
        appendFrame(to: &buffer)
        endPacket(in: &buffer)
        return true
    }

    private mutating func appendPings(to buffer: inout [UInt8], now: Moment) -> Bool {
        beginPacket(in: &buffer)
        if let nonce = pongDue {
            pongDue = nil
            writer.begin(.pong)
            writer.integer(nonce)
            writer.end()
            appendFrame(to: &buffer)
        }
        if pingDue {
            pingDue = false
            pingNonce += 1
            pingSentAt = now
            writer.begin(.ping)
            writer.integer(pingNonce)
            writer.end()
            appendFrame(to: &buffer)
        }
        endPacket(in: &buffer)
        confirmationReset()
        return true
    }

    private mutating func appendBye(to buffer: inout [UInt8], now: Moment) -> Bool {
        guard let reason = byeDue else { return false }
        byeDue = nil
        beginPacket(in: &buffer)
        if byeNonce > 0 {
            byeAgainAt = now + recovery.timeout
            writer.begin(.ping)
            writer.integer(byeNonce)
            writer.end()
            appendFrame(to: &buffer)
        }
        writer.begin(.bye)
        writer.integer(UInt64(reason.code))
        writer.text(reason.message, maximum: SessionLimits.messageMaximum)
        writer.end()
        appendFrame(to: &buffer)
        endPacket(in: &buffer)
        return true
    }

    private mutating func appendByeAnswer(to buffer: inout [UInt8]) -> Bool {
        guard let nonce = byeAnswerDue else { return false }
        byeAnswerDue = nil
        beginPacket(in: &buffer)
        writer.begin(.pong)
        writer.integer(nonce)
        writer.end()
        appendFrame(to: &buffer)
        endPacket(in: &buffer)
        return true
    }

    private mutating func appendConfirmation(to buffer: inout [UInt8]) -> Bool {
        if reorder.count > 0 {
            appendRanges(to: &buffer)
        } else {
            beginPacket(in: &buffer)
            endPacket(in: &buffer)
        }
        confirmationReset()
        return true
    }

    /// A confirmation that tells what has come beyond the first missing packet. Only binary packets get lost.
    private func appendRanges(to buffer: inout [UInt8]) {
        var count = 0
        var body: [UInt8] = []
        reorder.forEachRange(after: received) { gap, length in
            count += 1
            body.append(integer: gap)
            body.append(integer: length)
        }
        buffer.append(PacketFlag.ranges)
        buffer.append(integer: acknowledgement)
        buffer.append(integer: UInt64(count))
        buffer.append(contentsOf: body)
    }

    /// What the header of a packet confirms.
    private var acknowledgement: UInt64 { has(.confirmsAhead) ? received + 1 : received }

    private func beginPacket(in buffer: inout [UInt8], sequence: UInt64 = 0) {
        guard !isText else {
            buffer.append(UInt8(ascii: "["))
            buffer.append(decimal: sequence)
            buffer.append(UInt8(ascii: ","))
            return buffer.append(decimal: acknowledgement)
        }
        if sequence == 0 {
            buffer.append(0)
        } else {
            buffer.append(PacketFlag.numbered)
            buffer.append(integer: sequence)
        }
        buffer.append(integer: acknowledgement)
    }

    private func endPacket(in buffer: inout [UInt8]) {
        if isText { buffer.append(UInt8(ascii: "]")) }
    }

    /// Appends the frame in the writer.
    private func appendFrame(to buffer: inout [UInt8]) {
        if isText {
            buffer.append(UInt8(ascii: ","))
        } else {
            buffer.append(integer: UInt64(writer.bytes.count))
        }
        buffer.append(contentsOf: writer.bytes.bytes)
    }

    /// A packet that bears the newest confirmation leaves: none is due any more.
    mutating func confirmationReset() {
        unconfirmedPackets = 0
        unconfirmedBytes = 0
        confirmationDue = false
        confirmationAt = .distantFuture
    }
}

// MARK: - Numbered packets

extension SessionCore {
    private mutating func appendAgain(to buffer: inout [UInt8], now: Moment) -> Bool {
        let order = recovery.nextOrder()
        var sequence: UInt64 = 0
        var copy: UnsafeRawBufferPointer?
        retention.takeUnsent(order: order, now: now) { number, body in
            sequence = number
            copy = body
        }
        guard let copy else { return false }
        counters.packetsResent += 1
        awaitConfirmation(now: now)
        beginPacket(in: &buffer, sequence: sequence)
        buffer.append(contentsOf: copy)
        endPacket(in: &buffer)
        confirmationReset()
        return true
    }

    private mutating func appendNumbered(to buffer: inout [UInt8], now: Moment) -> Bool {
        guard !isQueueEmpty, mayNumber else { return false }
        queueReleases()
        let start = buffer.count
        beginPacket(in: &buffer, sequence: nextSequence)
        let bodyStart = buffer.count
        appendQueued(to: &buffer)
        guard buffer.count > bodyStart else {
            buffer.removeLast(buffer.count - start)
            return false
        }
        if goAwayQueued, urgent.isEmpty {
            goAwayQueued = false
            goAwaySequence = nextSequence
        }
        if keepsPackets {
            let order = recovery.nextOrder()
            awaitConfirmation(now: now)
            buffer.withUnsafeBytes {
                retention.append(UnsafeRawBufferPointer(rebasing: $0[bodyStart...]), order: order, now: now)
            }
            if has(.forgetsEarly), nextSequence % 8 == 0 { retention.remove(through: nextSequence) { _ in } }
        } else {
            retention.skip(to: nextSequence + 1)
        }
        endPacket(in: &buffer)
        nextSequence += 1
        confirmationReset()
        return true
    }

    /// Bytes of frames that a packet takes.
    private var packetRoom: Int { min(traits.packetMaximum, SessionLimits.packetPreferred) - PacketLayout.overhead }

    /// Fills a packet by rank: control first, messages next, and a quarter for elements as long as there are any.
    private mutating func appendQueued(to buffer: inout [UInt8]) {
        let end = buffer.count + packetRoom
        _ = urgent.moveFrames(to: &buffer, end: end, isText: isText, isFirst: true)
        let isElementInPart = part.isActive && part.channel >= 0
        let messageEnd = turns.isEmpty && !isElementInPart ? end : end - packetRoom / 4
        if part.isActive, part.channel < 0 || messages.isEmpty {
            appendPart(to: &buffer, end: messageEnd)
        } else if part.isActive {
            appendPart(to: &buffer, end: buffer.count + (messageEnd - buffer.count) / 2)
        }
        if !part.isActive || part.channel >= 0 { appendMessages(to: &buffer, end: messageEnd) }
        if !turns.isEmpty { appendTurns(to: &buffer, end: end) }
        // What the others left of their shares: the frame behind may itself wait for the part to end.
        if part.isActive { appendPart(to: &buffer, end: end) }
    }

    private mutating func appendMessages(to buffer: inout [UInt8], end: Int) {
        guard !messages.isEmpty else { return }
        let isFirst = end - buffer.count > packetRoom / 2
        messagesSent += UInt64(messages.moveFrames(to: &buffer, end: end, isText: isText, isFirst: isFirst))
        if !unannounced.isEmpty { announce() }
        if messages.isEmpty {
            refusalsQueued = 0
        } else if !isText, !part.isActive, end - buffer.count > packetRoom / 2 {
            beginPart(end: end, buffer: &buffer)
        }
    }

    /// References whose introduction has left may be named by frames that overtake.
    private mutating func announce() {
        while let first = unannounced.first, first.position <= messagesSent {
            unannounced.removeFirst(1)
            announced(first.slot, first.id)
        }
    }

    mutating func announced(_ slot: Int, _ id: UInt64) {
        guard exports[slot].id == id, exports[slot].isLive, !exports[slot].isAnnounced else { return }
        exports[slot].isAnnounced = true
        if let reason = exports[slot].closePending {
            exports[slot].closePending = nil
            queueClose(id, reason)
        }
        if exports[slot].channel >= 0 {
            let channel = exports[slot].channel
            giveTurn(channel)
            finishIfDrained(channel)
        }
    }
}

// MARK: - Frames in parts

extension SessionCore {
    /// Takes the frame at the front of the messages, which fits no packet, to send it in parts.
    private mutating func beginPart(end: Int, buffer: inout [UInt8]) {
        let (start, next) = FrameLength.read(messages.bytes, at: 0)
        // What elements are guaranteed counts too, or a frame a little smaller than a packet would wait for a pause of theirs.
        guard next > packetRoom - packetRoom / 4 else { return }
        part.bytes.append(UnsafeRawBufferPointer(rebasing: messages.bytes[start..<next]))
        part.messageBytes = UInt64(next)
        part.channel = ChannelOfPart.none
        messages.removeFirst(next)
        appendPart(to: &buffer, end: end)
    }

    /// Appends a piece as large as fits.
    mutating func appendPart(to buffer: inout [UInt8], end: Int) {
        let room = end - buffer.count - PartLayout.overhead
        guard part.isActive, room >= PartLayout.minimum || room >= part.bytes.count else { return }
        let count = min(room, part.bytes.count)
        let isLast = count == part.bytes.count
        buffer.append(integer: UInt64(count + 2))
        buffer.append(FrameType.part.rawValue)
        buffer.append(isLast ? 1 : 0)
        buffer.append(contentsOf: part.bytes.bytes[..<count])
        part.bytes.removeFirst(count)
        if isLast { partEnded() }
    }

    private mutating func partEnded() {
        if part.channel < 0 {
            messagesSent += part.messageBytes
            unpark()
            announce()
            return
        }
        let channel = part.channel
        let references = part.references
        part.references = []
        part.channel = ChannelOfPart.none
        unpark()
        elementsLeft(references)
        guard channel != ChannelOfPart.gone else { return }
        channels[channel].isInPart = false
        giveTurn(channel)
        finishIfDrained(channel)
    }
}

/// Sizes of PART.
enum PartLayout {
    /// Most bytes before the piece: length, type, flag.
    static let overhead = 3 + 1 + 1
    /// Pieces are not made smaller than this, unless they are the last.
    static let minimum = 64
}

/// The length before each frame of a queue.
enum FrameLength {
    /// Where the frame at `offset` begins behind its length, and where it ends.
    @inline(__always)
    static func read(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> (start: Int, end: Int) {
        var length = 0
        var shift = 0
        var start = offset
        while true {
            let byte = bytes[start]
            start += 1
            length |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return (start, start + length) }
            shift += 7
        }
    }
}

extension ByteQueue {
    /// Moves whole frames from the front into a packet that ends at `end`; returns how many bytes of the queue they were.
    ///
    /// - Parameter isFirst: a text frame that is larger than packets should be may go, because text frames cannot be cut.
    mutating func moveFrames(to buffer: inout [UInt8], end: Int, isText: Bool, isFirst: Bool) -> Int {
        guard !isEmpty else { return 0 }
        if !isText, count <= end - buffer.count {
            let all = count
            buffer.append(contentsOf: bytes)
            removeAll()
            return all
        }
        let taken =
            isText
            ? ByteQueue.appendTextFrames(bytes, to: &buffer, end: end, isFirst: isFirst)
            : ByteQueue.appendFrames(bytes, to: &buffer, end: end)
        removeFirst(taken)
        return taken
    }

    private static func appendFrames(_ bytes: UnsafeRawBufferPointer, to buffer: inout [UInt8], end: Int) -> Int {
        var offset = 0
        while offset < bytes.count {
            let next = FrameLength.read(bytes, at: offset).end
            guard buffer.count + next <= end else { break }
            offset = next
        }
        buffer.append(contentsOf: bytes[..<offset])
        return offset
    }

    private static func appendTextFrames(_ bytes: UnsafeRawBufferPointer, to buffer: inout [UInt8], end: Int, isFirst: Bool) -> Int {
        var offset = 0
        while offset < bytes.count {
            let (start, next) = FrameLength.read(bytes, at: offset)
            guard buffer.count + next - start < end || (isFirst && offset == 0) else { break }
            buffer.append(UInt8(ascii: ","))
            buffer.append(contentsOf: bytes[start..<next])
            offset = next
        }
        return offset
    }
}

extension [UInt8] {
    /// LEB128.
    @inline(__always)
    mutating func append(integer value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func append(decimal value: UInt64) { append(contentsOf: String(value).utf8) }
}

// MARK: - Queues

extension SessionCore {
    /// Puts the frame in the writer, with `payload` as the rest of it where it is binary, behind the messages.
    @inline(__always)
    mutating func queueMessage(_ payload: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
        let before = messages.count
        messages.append(integer: UInt64(writer.bytes.count + payload.count))
        messages.append(writer.bytes.bytes)
        messages.append(payload)
        messagesQueued += UInt64(messages.count - before)
    }

    /// Puts the frame in the writer where it overtakes messages.
    mutating func queueUrgent() {
        urgent.append(integer: UInt64(writer.bytes.count))
        urgent.append(writer.bytes.bytes)
    }

    /// Puts it where it overtakes, if what it is about has left already, and otherwise behind the messages.
    mutating func queueControl(about position: UInt64) {
        if position < messagesSent { queueUrgent() } else { queueMessage() }
    }

    mutating func queueReleases() {
        guard !releases.isEmpty else { return }
        writer.begin(.release)
        if !isText { writer.integer(UInt64(releases.count)) }
        for release in releases {
            writer.integer(release.id)
            writer.integer(UInt64(release.count))
        }
        writer.end()
        queueMessage()
        if has(.releasesTwice) { queueMessage() }
        releases.removeAll(keepingCapacity: releases.count <= 64)
    }
}

// MARK: - Confirmations

extension SessionCore {
    /// A numbered packet came: it is confirmed with the next packet, or by itself when that does not come soon.
    @inline(__always)
    mutating func confirmLater(bytes: Int, now: Moment) {
        unconfirmedPackets += 1
        unconfirmedBytes += bytes
        if traits.delivery == .lossy {
            if unconfirmedPackets >= 2 { confirmationDue = true }
            if confirmationAt == .distantFuture { confirmationAt = now + SessionLimits.acknowledgementDelayLossy }
        } else {
            if unconfirmedBytes >= SessionLimits.acknowledgementBytes || unconfirmedPackets >= SessionLimits.acknowledgementPackets {
                confirmationDue = true
            }
            if confirmationAt == .distantFuture { confirmationAt = now + SessionLimits.acknowledgementDelay }
        }
    }

    @inline(__always)
    mutating func receiveAcknowledgement(_ header: PacketHeader, _ reader: FrameReader, now: Moment) throws(ProtocolViolation) {
        if header.acknowledged > confirmed { try acknowledged(header.acknowledged, at: 0, now: now) }
        if header.rangesOffset >= 0 { try receiveRanges(header, reader, now: now) }
    }

    mutating func acknowledged(_ sequence: UInt64, at offset: Int, now: Moment) throws(ProtocolViolation) {
        guard sequence < nextSequence else {
            throw ProtocolViolation(.acknowledgementAhead, at: offset, "packet \(sequence) is confirmed, \(nextSequence - 1) was the last")
        }
        guard sequence > confirmed else { return }
        confirmed = sequence
        guard keepsPackets else { return }
        guard traits.delivery == .lossy else { return retention.remove(through: sequence) { _ in } }
        var recovery = recovery
        retention.remove(through: sequence) { recovery.confirmed($0, now: now) }
        self.recovery = recovery
        findLost(now: now)
    }

    private mutating func receiveRanges(_ header: PacketHeader, _ reader: FrameReader, now: Moment) throws(ProtocolViolation) {
        guard traits.delivery == .lossy else {
            throw ProtocolViolation(.malformedPacket, at: header.rangesOffset, "ranges on an ordered link")
        }
        var reader = reader
        reader.offset = header.rangesOffset
        reader.end = reader.bytes.count
        var edge = header.acknowledged + 1
        var recovery = recovery
        let nextSequence = nextSequence
        try PacketHeader.forEachRange(&reader) { (gap, length) throws(ProtocolViolation) in
            let start = edge + gap
            edge = start + length
            guard edge <= nextSequence else {
                throw ProtocolViolation(
                    .acknowledgementAhead, at: header.rangesOffset, "packet \(edge - 1) is confirmed, \(nextSequence - 1) was the last")
            }
            for sequence in max(start, retention.firstSequence)..<max(edge, max(start, retention.firstSequence)) {
                retention.confirm(sequence) { recovery.confirmed($0, now: now) }
            }
        }
        self.recovery = recovery
        findLost(now: now)
    }

    /// Packets that later ones have overtaken are sent again at once.
    private mutating func findLost(now: Moment) {
        guard !has(.noRetransmission) else { return }
        let recovery = recovery
        let largest = retention.lose { recovery.isLost($0) }
        if largest > 0 { self.recovery.lost(upTo: largest) }
        retransmitAt = retention.underWay > 0 ? now + self.recovery.timeout : .distantFuture
    }

    /// A packet left on a lossy link: unless others are under way already, its answer is awaited from now.
    private mutating func awaitConfirmation(now: Moment) {
        guard traits.delivery == .lossy, retransmitAt == .distantFuture, !has(.noRetransmission) else { return }
        retransmitAt = now + recovery.timeout
    }
}
