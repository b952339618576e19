// Channels: elements flow from a producer to a consumer under credit, in elements and in bytes, for the channel and for the session. Credit is granted as the
// consumer takes, so a slow consumer is felt by the producer, and the window bounds what waits in between.

extension SessionCore {
    /// Queues an element if there is credit for it.
    ///
    /// An element is charged when it is queued, and may overdraw the bytes once: credit of one byte admits an element of any size, so what a
    /// consumer must hold is its window and one element more.
    ///
    /// - Parameters:
    ///   - element: one encoded value, copied, at most ``SessionLimits/elementMaximum`` bytes.
    ///   - references: what it refers to by index.
    /// - Returns: false when there is no credit; then ``SessionEvent/writable(_:)`` follows when there is.
    /// - Throws: ``SessionError/Code/closed`` when either side has closed the channel, ``SessionError/Code/wrongKind`` when this side does not produce,
    ///   ``SessionError/Code/unknownReference``, ``SessionError/Code/tooLarge``.
    public mutating func send(
        _ channel: ReferenceID, element: UnsafeRawBufferPointer, references: [SessionReference] = []
    ) throws(SessionError) -> Bool {
        guard let index = channelIndex(channel.rawValue) else { throw SessionError(.unknownReference, "\(channel) is no channel here") }
        guard channels[index].isProducer else { throw SessionError(.wrongKind, "elements of \(channel) come to this side") }
        guard channels[index].finishing == nil, !channels[index].isRefused else { throw SessionError(.closed, "\(channel) is closed") }
        guard element.count <= SessionLimits.elementMaximum else { throw SessionError(.tooLarge, "an element of \(element.count) bytes") }
        if !references.isEmpty { try checkElement(references) }
        guard channels[index].creditElements > 0, channels[index].creditBytes > 0, sessionCredit > 0 else {
            channels[index].ranDry = true
            return false
        }
        if !has(.creditNotCharged) {
            channels[index].creditElements -= 1
            channels[index].creditBytes -= element.count
            sessionCredit -= element.count
        }
        counters.elementsSent += 1
        if channels[index].isRendezvous { channels[index].untold += 1 }
        channels[index].append(element, references)
        if !references.isEmpty { introduce(references, isMessage: false) }
        if !channels[index].hasTurn { giveTurn(index) }
        return true
    }

    private func checkElement(_ references: [SessionReference]) throws(SessionError) {
        guard !references.contains(where: { $0.promise != nil }) else {
            throw SessionError(.unknownReference, "promises can only stand in calls")
        }
        try checkValue(UnsafeRawBufferPointer(start: nil, count: 0), .none, references)
    }

    /// What may still be sent on a channel: elements, and bytes before the last of them.
    public func credit(_ channel: ReferenceID) -> (elements: Int, bytes: Int) {
        guard let index = channelIndex(channel.rawValue), channels[index].isProducer else { return (0, 0) }
        return (max(0, channels[index].creditElements), max(0, min(channels[index].creditBytes, sessionCredit)))
    }

    /// Whether an element may be sent now; when not, ``SessionEvent/writable(_:)`` follows when it may.
    public mutating func mayProduce(_ channel: ReferenceID) -> Bool {
        guard let index = channelIndex(channel.rawValue), channels[index].isProducer else { return false }
        if channels[index].hasRoom, sessionCredit > 0 { return true }
        channels[index].ranDry = true
        return false
    }

    /// The consumer took elements: the producer may send as many more.
    ///
    /// Credit is told when half a window was taken. Of a rendezvous channel each element is told at once, unless it has no bytes: by it the producer
    /// knows that it was received. The window doubles, up to the limits of the configuration, when the producer ran dry
    /// and everything was taken within a round trip: then it is the window that holds the channel back.
    ///
    /// - Parameters:
    ///   - elements: how many; more than came are ignored.
    ///   - bytes: their size, as ``ElementBlock/byteCount`` counts it.
    public mutating func taken(_ channel: ReferenceID, elements: Int, bytes: Int, now: Moment) {
        guard let index = channelIndex(channel.rawValue), !channels[index].isProducer else { return }
        let elements = min(elements, channels[index].untakenElements)
        let bytes = min(bytes, channels[index].untakenBytes)
        channels[index].untakenElements -= elements
        channels[index].untakenBytes -= bytes
        refund(bytes)
        guard !channels[index].isEnded, !channels[index].isDropped else { return }
        guard !channels[index].isRendezvous else { return tellTaken(index, elements, bytes) }
        channels[index].unreportedElements += elements
        channels[index].unreportedBytes += bytes
        growWindow(index, now: now)
        grantIfDue(index)
    }

    /// One CREDIT for each element, by the bytes of which the producer counts them.
    private mutating func tellTaken(_ index: Int, _ elements: Int, _ bytes: Int) {
        var bytes = bytes
        for rest in stride(from: elements - 1, through: 0, by: -1) where bytes > 0 {
            let share = max(1, bytes - rest)
            bytes -= share
            channels[index].unreportedBytes += share
            grant(index)
        }
    }

    /// The consumer of a rendezvous channel waits for so many more elements.
    public mutating func demand(_ channel: ReferenceID, elements: Int) {
        guard let index = channelIndex(channel.rawValue), !channels[index].isProducer, channels[index].isRendezvous,
            !channels[index].isEnded, !channels[index].isDropped
        else { return }
        channels[index].unreportedElements += max(
            0, min(elements, SessionLimits.channelElementsMaximum - channels[index].windowLeftElements))
        if channels[index].unreportedElements > 0 { grant(index) }
    }

    /// Closes a channel end from this side, or takes a hosted service out of use.
    ///
    /// A producer's end closes after what was sent, a consumer's at once: what is on the way is dropped. The other side is told in either case. The
    /// reference stays until it is released.
    public mutating func close(_ id: ReferenceID, reason: CloseReason = .finished) {
        if let index = channelIndex(id.rawValue) { return closeChannel(index, reason) }
        guard let slot = liveExport(id.rawValue), !exports[slot].isClosed else { return }
        exports[slot].isClosed = true
        tellClosed(id.rawValue, reason)
    }

    private mutating func closeChannel(_ index: Int, _ reason: CloseReason) {
        guard channels[index].isProducer else {
            guard !channels[index].isDropped else { return }
            channels[index].isDropped = true
            if !channels[index].isEnded { tellClosed(channels[index].id, reason) }
            return
        }
        guard channels[index].finishing == nil, !channels[index].isRefused else { return }
        channels[index].finishing = reason
        finishIfDrained(index)
    }

    /// Tells the peer, as soon as it knows what is closed.
    private mutating func tellClosed(_ id: UInt64, _ reason: CloseReason) {
        guard id & 1 == role.parity, let slot = liveExport(id), !exports[slot].isAnnounced else { return queueClose(id, reason) }
        exports[slot].closePending = reason
    }

    mutating func queueClose(_ id: UInt64, _ reason: CloseReason) {
        guard !has(.closesSilently) else { return }
        writer.begin(.close)
        writer.integer(id)
        writer.integer(UInt64(reason.code))
        writer.text(reason.message, maximum: SessionLimits.messageMaximum)
        writer.end()
        queueUrgent()
    }

    /// A producer that has closed and sent all tells so.
    mutating func finishIfDrained(_ index: Int) {
        guard let reason = channels[index].finishing, !channels[index].didFinish, channels[index].pendingElements == 0,
            !channels[index].isInPart
        else { return releaseIfDrained(channels[index].id) }
        let id = channels[index].id
        if id & 1 == role.parity {
            guard let slot = liveExport(id), exports[slot].isAnnounced else { return }
        }
        channels[index].didFinish = true
        queueClose(id, reason)
        releaseIfDrained(id)
    }
}

// MARK: - Table

extension SessionCore {
    /// The channel with this id, wherever it is hosted.
    @inline(__always)
    func channelIndex(_ id: UInt64) -> Int? {
        let index: Int
        if id & 1 == role.parity {
            guard let slot = liveExport(id) else { return nil }
            index = exports[slot].channel
        } else {
            guard let slot = liveImport(id) else { return nil }
            index = imports[slot].channel
        }
        return index < 0 ? nil : index
    }

    mutating func makeChannel(_ id: UInt64, isProducer: Bool, isRendezvous: Bool) -> Int {
        var channel = Channel()
        channel.id = id
        channel.isProducer = isProducer
        channel.isRendezvous = isRendezvous
        if isProducer {
            if let peer { channel.grantInitialCredit(peer) }
        } else {
            channel.windowElements = isRendezvous ? 0 : configuration.channelElements
            channel.windowBytes = configuration.channelBytes
            channel.windowLeftElements = channel.windowElements
            channel.windowLeftBytes = channel.windowBytes
        }
        channelCount += 1
        guard freeChannel >= 0 else {
            channels.append(channel)
            return channels.count - 1
        }
        let index = freeChannel
        freeChannel = channels[index].nextFree
        channels[index] = channel
        return index
    }

    mutating func removeChannel(_ index: Int) {
        refund(channels[index].untakenBytes)
        dropPending(index)
        if channels[index].hasTurn {
            turns.removeAll { $0 == index }
            parked.removeAll { $0 == index }
        }
        if part.channel == index { part.channel = ChannelOfPart.gone }
        let concealed = channels[index].concealed
        channels[index] = Channel()
        channels[index].nextFree = freeChannel
        freeChannel = index
        channelCount -= 1
        for case .elements(_, let block) in concealed {
            counters.elementsDropped += UInt64(block.count)
            giveBack(block.references)
        }
    }

    /// Elements that nobody wants any more.
    private mutating func dropPending(_ index: Int) {
        guard channels[index].pendingElements > 0 else { return }
        let references = channels[index].blocks.elements.flatMap(\.references)
        sessionCredit += channels[index].pendingPayloadBytes
        channels[index].removePending()
        elementsDropped(references)
    }

    /// The peer's windows are known: channels that were made before may send.
    mutating func grantInitialCredit(_ hello: SessionHello, into events: inout [SessionEvent]) {
        sessionCredit = hello.sessionBytes
        for index in channels.indices where channels[index].isProducer && !channels[index].hasCredit {
            channels[index].grantInitialCredit(hello)
            reportWritable(index, into: &events)
        }
    }
}

extension Channel {
    mutating func grantInitialCredit(_ hello: SessionHello) {
        hasCredit = true
        creditElements = isRendezvous ? 0 : hello.channelElements
        creditBytes = hello.channelBytes
    }

    /// What is remembered of it.
    var residue: ChannelResidue {
        ChannelResidue(
            elements: isProducer ? creditElements : windowLeftElements, bytes: isProducer ? creditBytes : windowLeftBytes,
            windowElements: windowElements, windowBytes: windowBytes, isClosedHere: isProducer ? finishing != nil : isDropped,
            isClosedThere: isProducer ? isRefused : isEnded)
    }

    /// Goes on from there. What came meanwhile was dropped, which is as good as taken.
    mutating func restore(_ residue: ChannelResidue) {
        if isProducer {
            creditElements = residue.elements
            creditBytes = residue.bytes
            finishing = residue.isClosedHere ? .finished : nil
            didFinish = residue.isClosedHere
            isRefused = residue.isClosedThere
        } else {
            windowElements = residue.windowElements
            windowBytes = residue.windowBytes
            windowLeftElements = residue.elements
            windowLeftBytes = residue.bytes
            unreportedElements = isRendezvous ? 0 : max(0, windowElements - windowLeftElements)
            unreportedBytes = max(0, windowBytes - windowLeftBytes)
            isDropped = residue.isClosedHere
            isEnded = residue.isClosedThere
        }
    }

    /// Whether an element may be queued.
    var hasRoom: Bool { creditElements > 0 && creditBytes > 0 }

    @inline(__always)
    mutating func append(_ element: UnsafeRawBufferPointer, _ references: [SessionReference]) {
        let before = pending.count
        pending.append(integer: UInt64(element.count))
        pending.append(contentsOf: element)
        let count = pending.count - before
        pendingElements += 1
        pendingPayloadBytes += element.count
        if references.isEmpty, let last = blocks.lastIndex, blocks[last].references.isEmpty {
            blocks[last].count += 1
            blocks[last].byteCount += count
        } else {
            blocks.append(Block(count: 1, byteCount: count, references: references))
        }
    }

    mutating func removePending() {
        pending = []
        pendingStart = 0
        pendingElements = 0
        pendingPayloadBytes = 0
        blocks.removeAll()
    }

    /// Elements at the front are in a packet.
    mutating func removePending(elements: Int, bytes: Int, payload: Int) {
        pendingStart += bytes
        pendingElements -= elements
        pendingPayloadBytes -= payload
        if blocks[0].count == elements {
            blocks.removeFirst(1)
        } else {
            blocks[0].count -= elements
            blocks[0].byteCount -= bytes
        }
        if pendingStart == pending.count {
            pending.removeAll(keepingCapacity: pending.count <= SessionLimits.channelBytesMaximum)
            pendingStart = 0
        } else if pendingStart > 64 << 10, pendingStart * 2 > pending.count {
            pending.removeFirst(pendingStart)
            pendingStart = 0
        }
    }
}

/// What `PartOutput.channel` holds besides an index.
enum ChannelOfPart {
    /// A message.
    static let none = -1
    /// A channel that is not there any more; the element is sent to its end all the same.
    static let gone = Int.max
}

// MARK: - Windows

extension SessionCore {
    private mutating func growWindow(_ index: Int, now: Moment) {
        guard channels[index].dryAt != .distantFuture, channels[index].untakenElements == 0, !channels[index].isRendezvous else { return }
        let isQuick = now - channels[index].dryAt <= max(recovery.smoothed ?? .zero, .milliseconds(10))
        channels[index].dryAt = .distantFuture
        guard isQuick else { return }
        if channels[index].dryElements {
            let larger = max(channels[index].windowElements, min(channels[index].windowElements * 2, configuration.channelElementsMaximum))
            channels[index].unreportedElements += larger - channels[index].windowElements
            channels[index].windowElements = larger
        }
        if channels[index].dryBytes {
            let larger = max(channels[index].windowBytes, min(channels[index].windowBytes * 2, configuration.channelBytesMaximum))
            channels[index].unreportedBytes += larger - channels[index].windowBytes
            channels[index].windowBytes = larger
        }
    }

    /// Grants what was taken when it is half a window.
    mutating func grantIfDue(_ index: Int) {
        let channel = channels[index]
        guard !channel.isProducer, !channel.isEnded, !channel.isDropped else { return }
        if channel.unreportedElements > 0 && channel.unreportedElements * 2 >= channel.windowElements
            || channel.unreportedBytes > 0 && channel.unreportedBytes * 2 >= channel.windowBytes
        {
            grant(index)
        }
    }

    /// Tells the producer what it may send in addition.
    private mutating func grant(_ index: Int) {
        guard !has(.dropsCredit) else { return }
        let elements = channels[index].unreportedElements
        let bytes = channels[index].unreportedBytes
        channels[index].unreportedElements = 0
        channels[index].unreportedBytes = 0
        channels[index].windowLeftElements += elements
        channels[index].windowLeftBytes += bytes
        queueCredit(channels[index].id, elements, bytes)
    }

    /// Nobody here holds the channel any more: what its consumer did not take is dropped, which is as good as taken. The channel may be there for a while, and
    /// whoever gets hold of it then knows nothing of those elements.
    mutating func letGo(_ index: Int) {
        guard !channels[index].isProducer, channels[index].untakenElements > 0 else { return }
        if !channels[index].isRendezvous { channels[index].unreportedElements += channels[index].untakenElements }
        channels[index].unreportedBytes += channels[index].untakenBytes
        refund(channels[index].untakenBytes)
        channels[index].untakenElements = 0
        channels[index].untakenBytes = 0
        channels[index].dryAt = .distantFuture
    }

    /// Bytes of the session's window that are free again.
    private mutating func refund(_ bytes: Int) {
        sessionUntaken -= bytes
        sessionUnreported += bytes
        guard sessionUnreported * 4 >= configuration.sessionBytes, sessionUnreported > 0 else { return }
        sessionWindow += sessionUnreported
        queueCredit(0, 0, sessionUnreported)
        sessionUnreported = 0
    }

    private mutating func queueCredit(_ id: UInt64, _ elements: Int, _ bytes: Int) {
        writer.begin(.credit)
        writer.integer(id)
        writer.integer(UInt64(elements))
        writer.integer(UInt64(bytes))
        writer.end()
        queueUrgent()
    }

    private mutating func reportWritable(_ index: Int, into events: inout [SessionEvent]) {
        guard channels[index].ranDry, channels[index].hasRoom, sessionCredit > 0 else { return }
        channels[index].ranDry = false
        events.append(.writable(ReferenceID(rawValue: channels[index].id)))
    }

    mutating func receiveCredit(_ reader: inout FrameReader, into events: inout [SessionEvent]) throws(ProtocolViolation) {
        let id = try reader.identifier()
        let elements = try reader.natural(below: SessionLimits.creditMaximum, "credit")
        let bytes = try reader.natural(below: SessionLimits.creditMaximum, "credit")
        try reader.endFrame()
        guard id != 0 else { return try receiveSessionCredit(bytes, reader, into: &events) }
        guard let index = try channel(id, isProducer: true, reader) else {
            return remember(id) {
                $0.elements += elements
                $0.bytes += bytes
            }
        }
        channels[index].creditElements += elements
        channels[index].creditBytes += bytes
        if bytes > 0, channels[index].untold > 0 {
            channels[index].untold -= 1
            events.append(.taken(ReferenceID(rawValue: id)))
        }
        guard channels[index].creditElements < SessionLimits.creditMaximum, channels[index].creditBytes < SessionLimits.creditMaximum else {
            throw reader.violation(.creditOverflow, "channel \(id) holds more than \(SessionLimits.creditMaximum) of credit")
        }
        reportWritable(index, into: &events)
    }

    private mutating func receiveSessionCredit(
        _ bytes: Int, _ reader: FrameReader, into events: inout [SessionEvent]
    ) throws(ProtocolViolation) {
        sessionCredit += bytes
        guard sessionCredit < SessionLimits.creditMaximum else {
            throw reader.violation(.creditOverflow, "the session holds more than \(SessionLimits.creditMaximum) of credit")
        }
        for index in channels.indices where channels[index].isProducer { reportWritable(index, into: &events) }
    }

    /// The channel of a frame; nil when it is over and the frame crossed its end.
    @inline(__always)
    private func channel(_ id: UInt64, isProducer: Bool, _ reader: FrameReader) throws(ProtocolViolation) -> Int? {
        if let index = channelIndex(id) {
            guard channels[index].isProducer == isProducer else {
                throw reader.violation(.wrongKind, "elements of \(id) flow the other way")
            }
            return index
        }
        try checkIsOver(id, reader)
        return nil
    }

    private func checkIsOver(_ id: UInt64, _ reader: FrameReader) throws(ProtocolViolation) {
        if kind(of: ReferenceID(rawValue: id)) != nil { throw reader.violation(.wrongKind, "\(id) is no channel") }
        if id & 1 == role.parity { try checkWasExported(id, reader) } else { try checkWasImported(id, reader) }
    }
}

// MARK: - SEND, CLOSE

extension SessionCore {
    @inline(__always)
    mutating func receiveSend(_ reader: inout FrameReader, now: Moment, into events: inout [SessionEvent]) throws(ProtocolViolation) {
        let id = try reader.identifier()
        let flags = try reader.integer()
        guard flags & ~SendFlag.all == 0 else { throw reader.malformed("flags \(flags)") }
        let raw = try reader.references(isPresent: flags & SendFlag.hasReferences != 0)
        let known = raw.isEmpty || !isConcealed(id) ? [] : known(raw)
        let references = raw.isEmpty ? [] : try arrived(raw, reader)
        guard let index = try channel(id, isProducer: false, reader) else {
            return try dropElements(&reader, id, references)
        }
        guard !channels[index].isEnded else { throw reader.violation(.channelClosed, "elements after the end of channel \(id)") }
        let block = try receiveElements(&reader, index, references)
        guard block.count > 0, references.isEmpty || block.count == 1 else { throw reader.malformed("\(block.count) elements") }
        counters.elementsReceived += UInt64(block.count)
        guard !channels[index].isDropped, isHeld(id) else {
            // Nobody here takes it, but a reference that is crossing may bring the channel back.
            if !channels[index].isRendezvous { channels[index].unreportedElements += block.count }
            channels[index].unreportedBytes += block.byteCount
            counters.elementsDropped += UInt64(block.count)
            refund(block.byteCount)
            return giveBack(references)
        }
        channels[index].untakenElements += block.count
        channels[index].untakenBytes += block.byteCount
        if flags & SendFlag.ranDry != 0 { ranDry(index, now: now) }
        guard !isConcealed(id) else {
            var block = block
            if block.payload.owner == nil { block.payload = Payload(block.payload.copy(from: reader.bytes)) }
            conceal(references, known: known)
            return channels[index].concealed.append(.elements(ReferenceID(rawValue: id), block))
        }
        events.append(.elements(ReferenceID(rawValue: id), block))
        revealAgain(into: &events)
    }

    @inline(__always)
    private func isConcealed(_ id: UInt64) -> Bool {
        guard id & 1 == peerParity else { return false }
        return liveImport(id).map { imports[$0].isConcealed } ?? false
    }

    /// Takes the elements out of the windows, one by one: each needs credit of its channel left by those before it.
    ///
    /// The session's credit is charged in the order in which elements are queued and checked in the order in which channels take turns, so of it can only be
    /// said that all together overdraw it by less than one element.
    @inline(__always)
    private mutating func receiveElements(
        _ reader: inout FrameReader, _ index: Int, _ references: [SessionReference]
    ) throws(ProtocolViolation) -> ElementBlock {
        var elements = channels[index].windowLeftElements
        var bytes = channels[index].windowLeftBytes
        var session = sessionWindow
        let id = channels[index].id
        let offset = reader.offset
        let block = try reader.elements(references: references) { (size) throws(ProtocolViolation) in
            guard elements > 0, bytes > 0, session - size > -SessionLimits.elementMaximum else {
                throw ProtocolViolation(
                    .creditOverrun, at: offset,
                    "channel \(id) had credit for \(elements) elements and \(bytes) bytes, the session for \(session)")
            }
            guard size <= SessionLimits.elementMaximum else {
                throw ProtocolViolation(.tooLarge, at: offset, "an element of \(size) bytes")
            }
            elements -= 1
            bytes -= size
            session -= size
        }
        try reader.endFrame()
        channels[index].windowLeftElements = elements
        channels[index].windowLeftBytes = bytes
        sessionWindow = session
        sessionUntaken += block.byteCount
        return block
    }

    /// Elements of a channel whose end they crossed.
    private mutating func dropElements(
        _ reader: inout FrameReader, _ id: UInt64, _ references: [SessionReference]
    ) throws(ProtocolViolation) {
        var session = sessionWindow
        let offset = reader.offset
        let block = try reader.elements(references: references) { (size) throws(ProtocolViolation) in
            guard session - size > -SessionLimits.elementMaximum else {
                throw ProtocolViolation(.creditOverrun, at: offset, "the session had no credit left")
            }
            session -= size
        }
        try reader.endFrame()
        sessionWindow = session
        sessionUntaken += block.byteCount
        counters.elementsReceived += UInt64(block.count)
        counters.elementsDropped += UInt64(block.count)
        refund(block.byteCount)
        remember(id) {
            $0.elements -= block.count
            $0.bytes -= block.byteCount
        }
        giveBack(references)
    }

    /// Whether somebody on this side has the consumer's end.
    @inline(__always)
    private func isHeld(_ id: UInt64) -> Bool {
        if id & 1 == role.parity { return true }
        return liveImport(id).map { imports[$0].isHeld } ?? false
    }

    /// Changes what is remembered of a channel end that was given back.
    private mutating func remember(_ id: UInt64, _ change: (inout ChannelResidue) -> Void) {
        let slot = SlotID.slot(id, slotBits: SessionLimits.referenceSlotBits)
        guard id & 1 == peerParity, slot < imports.count, imports[slot].id == id, var residue = imports[slot].residue else { return }
        change(&residue)
        residue.elements = min(residue.elements, SessionLimits.creditMaximum)
        residue.bytes = min(residue.bytes, SessionLimits.creditMaximum)
        imports[slot].residue = residue
    }

    private mutating func ranDry(_ index: Int, now: Moment) {
        channels[index].dryAt = now
        channels[index].dryElements = channels[index].windowLeftElements <= 0
        channels[index].dryBytes = channels[index].windowLeftBytes <= 0
    }

    mutating func receiveClose(_ reader: inout FrameReader, into events: inout [SessionEvent]) throws(ProtocolViolation) {
        let id = try reader.identifier()
        let reason = try reader.reason()
        try reader.endFrame()
        if let index = channelIndex(id) {
            guard !channels[index].isEnded, !channels[index].isRefused else { return }
            if channels[index].isProducer {
                channels[index].isRefused = true
                dropPending(index)
                finishIfDrained(index)
            } else {
                channels[index].isEnded = true
            }
            if isConcealed(id) { return channels[index].concealed.append(.closed(ReferenceID(rawValue: id), reason)) }
        } else if let slot = liveImport(id) {
            guard !imports[slot].isClosed else { return }
            imports[slot].isClosed = true
            if imports[slot].isConcealed { return }
        } else {
            remember(id) { $0.isClosedThere = true }
            return try checkMayClose(id, reader)
        }
        events.append(.closed(ReferenceID(rawValue: id), reason))
    }

    private func checkMayClose(_ id: UInt64, _ reader: FrameReader) throws(ProtocolViolation) {
        if liveExport(id) != nil { throw reader.violation(.wrongKind, "only its host takes service \(id) out of use") }
        try checkIsOver(id, reader)
    }
}
