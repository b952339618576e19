extension SessionHello {
    /// Reads the HELLO of the first packet of a link, so that an acceptor can find the session it belongs to.
    ///
    /// - Throws: the rule that the packet breaks. On a lossy link with a damaged packet: drop it.
    public init(readingFrom packet: UnsafeRawBufferPointer, traits: LinkTraits) throws(ProtocolViolation) {
        guard packet.count <= traits.packetMaximum else {
            throw ProtocolViolation(.tooLarge, at: traits.packetMaximum, "a packet of \(packet.count) bytes")
        }
        var content = packet
        if traits.delivery == .lossy {
            guard let undamaged = PacketLayout.undamaged(packet) else { throw ProtocolViolation(.malformedPacket, at: 0, "wrong checksum") }
            content = undamaged
        }
        var reader = FrameReader(content, isText: traits.encoding == .text)
        let header = try PacketHeader(&reader)
        guard header.sequence == 0, try reader.hasFrame(), try reader.beginFrame() == .hello else {
            throw ProtocolViolation(.unexpectedHello, at: reader.offset, "the first packet of a link is HELLO")
        }
        try self.init(&reader, received: header.acknowledged)
    }

    init(_ reader: inout FrameReader, received: UInt64) throws(ProtocolViolation) {
        let magic = try reader.isText ? Array(reader.text(maximum: 4).utf8) : reader.fixed(4)
        guard magic == Array(ProtocolVersion.magic.description.utf8) else { throw reader.violation(.version, "not a session") }
        let version = try reader.integer()
        guard version == ProtocolVersion.current else {
            throw reader.violation(.version, "version \(version), this side speaks \(ProtocolVersion.current)")
        }
        let nodeKey = try reader.fixed(32)
        let session = try reader.fixed(16)
        let epoch = try reader.word64()
        guard epoch != 0 else { throw reader.malformed("epoch 0") }
        peerEpoch = try reader.word64()
        identity = SessionIdentity(
            nodeKey: nodeKey,
            session: SessionID(
                high: session[..<8].reduce(0) { $0 << 8 | UInt64($1) }, low: session[8...].reduce(0) { $0 << 8 | UInt64($1) }),
            epoch: epoch)
        self.received = received
        callsInFlight = try reader.natural(below: SessionLimits.questionSlots, "calls in flight")
        channelElements = try reader.natural(below: 1 << 31, "a window")
        channelBytes = try reader.natural(below: 1 << 31, "a window")
        sessionBytes = try reader.natural(below: 1 << 40, "a window")
        resumeWindow = .milliseconds(try reader.natural(below: 1 << 40, "a resume window"))
        applicationData = try reader.blob(maximum: SessionLimits.applicationDataMaximum)
        try reader.endFrame()
    }

    /// The frame, to which the acknowledgement in the header of its packet belongs.
    func write(to writer: inout FrameWriter) {
        writer.begin(.hello)
        if writer.isText {
            writer.text(ProtocolVersion.magic.description, maximum: 4)
        } else {
            writer.bytes.append(utf8: ProtocolVersion.magic)
        }
        writer.integer(ProtocolVersion.current)
        writer.fixed(identity.nodeKey)
        writer.word128(identity.session.high, identity.session.low)
        writer.word64(identity.epoch)
        writer.word64(peerEpoch)
        writer.integer(UInt64(callsInFlight))
        writer.integer(UInt64(channelElements))
        writer.integer(UInt64(channelBytes))
        writer.integer(UInt64(sessionBytes))
        writer.integer(UInt64(max(0, resumeWindow.nanoseconds / 1_000_000)))
        writer.blob(applicationData)
        writer.end()
    }
}
