internal import NIOCore
internal import SkerrySession

/// Packets as messages of WebSocket (RFC 6455): one message a packet, binary or text for the whole connection. No extensions.
///
/// A frame that arrives whole and unmasked is handed out in place; all others pass through one buffer, where they are unmasked and put together.
/// Text is checked to be UTF-8 when its message is whole.
struct WebSocketFraming: PacketFraming {
    enum Role {
        /// Masks what it sends.
        case client
        /// Closes the connection first.
        case server
    }

    /// Frames of one message. An honest peer splits a message by bytes; a thousand empty pieces are an attack.
    static let fragmentMaximum = 1024

    private let role: Role
    private let opcode: WebSocketOpcode
    private let packetMaximum: Int

    /// A head that is not whole.
    private var head: [UInt8] = []
    private var frame: Frame?
    /// The message so far, unmasked.
    private var message: [UInt8] = []
    /// Frames of the message so far, 0 between messages.
    private var fragmentCount = 0
    private var control: [UInt8] = []

    private var pong: [UInt8]?
    private var maskKeys = WebSocketMaskKeys()
    private var closeCode: UInt16?
    private(set) var peerGoodbye: PeerGoodbye?

    /// A frame whose head was read.
    private struct Frame {
        var header: WebSocketHeader
        /// Bytes of the payload read.
        var position = 0

        var rest: Int { header.length - position }
    }

    init(role: Role, encoding: LinkTraits.Encoding, packetMaximum: Int) {
        self.role = role
        self.packetMaximum = packetMaximum
        opcode = encoding == .text ? .text : .binary
    }

    var isAmidPacket: Bool { !head.isEmpty || frame != nil || fragmentCount > 0 }

    var explainsFailure: Bool { true }

    var ending: Ending {
        switch role {
        case .client: .peerCloses
        case .server: .selfCloses
        }
    }

    /// Bytes of a buffer worth keeping for the next message.
    private static let keptSize = 64 * 1024
}

// MARK: - Reading

extension WebSocketFraming {
    mutating func read(_ bytes: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) -> Void) throws(LinkError) {
        do throws(WebSocketViolation) {
            try readFrames(bytes, deliver)
        } catch {
            closeCode = error.closeCode
            throw LinkError(error.linkCode, "the peer broke WebSocket: \(error.message)")
        }
    }

    /// Behind the peer's close frame nothing is read any more.
    private mutating func readFrames(
        _ bytes: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) -> Void
    ) throws(WebSocketViolation) {
        var rest = bytes
        while peerGoodbye == nil {
            if frame == nil {
                guard let header = try takeHeader(&rest) else { return }
                try check(header)
                if !header.opcode.isControl, header.isFinal, fragmentCount == 0, header.mask == nil, rest.count >= header.length {
                    try deliverWhole(UnsafeRawBufferPointer(rebasing: rest[..<header.length]), deliver)
                    rest = UnsafeRawBufferPointer(rebasing: rest[header.length...])
                    continue
                }
                begin(header)
            }
            guard takePayload(&rest) else { return }
            try endFrame(deliver)
        }
    }

    private mutating func takeHeader(_ rest: inout UnsafeRawBufferPointer) throws(WebSocketViolation) -> WebSocketHeader? {
        if head.isEmpty {
            if let (header, size) = try WebSocketHeader.parse(rest) {
                rest = UnsafeRawBufferPointer(rebasing: rest[size...])
                return header
            }
            head.append(contentsOf: rest)
            return nil
        }
        // A head cut in two is rare, and short: byte by byte.
        while let byte = rest.first {
            head.append(byte)
            rest = UnsafeRawBufferPointer(rebasing: rest[1...])
            if let (header, _) = try head.withRawBytes({ bytes throws(WebSocketViolation) in try WebSocketHeader.parse(bytes) }) {
                head.removeAll(keepingCapacity: true)
                return header
            }
        }
        return nil
    }

    private func check(_ header: WebSocketHeader) throws(WebSocketViolation) {
        switch role {
        case .server: guard header.mask != nil else { throw WebSocketViolation("a client's frame is not masked") }
        case .client: guard header.mask == nil else { throw WebSocketViolation("a server's frame is masked") }
        }
        switch header.opcode {
        case .close, .ping, .pong:
            return
        case .continuation:
            guard fragmentCount > 0 else { throw WebSocketViolation("a continuation continues nothing") }
            guard fragmentCount < Self.fragmentMaximum else {
                throw WebSocketViolation(
                    "a message has more than \(Self.fragmentMaximum) frames", closeCode: WebSocketCloseCode.messageTooBig,
                    linkCode: .packetTooLarge)
            }
        case .text, .binary:
            guard fragmentCount == 0 else { throw WebSocketViolation("a message begins inside another") }
            guard header.opcode == opcode else {
                throw WebSocketViolation("the subprotocol has no such messages", closeCode: WebSocketCloseCode.unsupportedData)
            }
        }
        guard header.length <= packetMaximum - message.count else {
            throw WebSocketViolation(
                "a message is larger than the \(packetMaximum) bytes allowed", closeCode: WebSocketCloseCode.messageTooBig,
                linkCode: .packetTooLarge)
        }
    }

    private mutating func begin(_ header: WebSocketHeader) {
        frame = Frame(header: header)
        if !header.opcode.isControl { fragmentCount += 1 }
    }

    /// Moves what is there of the frame's payload. False when its end has not come.
    private mutating func takePayload(_ rest: inout UnsafeRawBufferPointer) -> Bool {
        guard var frame else { return false }
        let count = min(frame.rest, rest.count)
        if count > 0 {
            let piece = UnsafeRawBufferPointer(rebasing: rest[..<count])
            if frame.header.opcode.isControl {
                Self.append(piece, of: frame, to: &control)
            } else {
                Self.append(piece, of: frame, to: &message)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            frame.position += count
            self.frame = frame
        }
        return frame.rest == 0
    }

    private static func append(_ piece: UnsafeRawBufferPointer, of frame: Frame, to buffer: inout [UInt8]) {
        let start = buffer.count
        buffer.append(contentsOf: piece)
        guard let mask = frame.header.mask else { return }
        buffer.withUnsafeMutableBytes { bytes in
            WebSocketMask.apply(mask, to: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]), offset: frame.position)
        }
    }

    private mutating func endFrame(_ deliver: (UnsafeRawBufferPointer) -> Void) throws(WebSocketViolation) {
        guard let header = frame?.header else { return }
        frame = nil
        if header.opcode.isControl {
            try endControlFrame(header.opcode)
        } else if header.isFinal {
            fragmentCount = 0
            // Moved out, delivered, moved back: the packet does not hold the buffer twice.
            var whole: [UInt8] = []
            swap(&whole, &message)
            try whole.withRawBytes { bytes throws(WebSocketViolation) in try deliverWhole(bytes, deliver) }
            guard whole.capacity <= Self.keptSize else { return }
            whole.removeAll(keepingCapacity: true)
            swap(&whole, &message)
        }
    }

    private func deliverWhole(_ bytes: UnsafeRawBufferPointer, _ deliver: (UnsafeRawBufferPointer) -> Void) throws(WebSocketViolation) {
        if opcode == .text, !UTF8Check.isValid(bytes) {
            throw WebSocketViolation("a text message is not UTF-8", closeCode: WebSocketCloseCode.invalidPayload)
        }
        deliver(bytes)
    }

    private mutating func endControlFrame(_ opcode: WebSocketOpcode) throws(WebSocketViolation) {
        defer { control.removeAll(keepingCapacity: true) }
        switch opcode {
        // Of several pings the last is answered, which section 5.5.3 allows: a flood of them costs one answer a read.
        case .ping: pong = control
        case .close: peerGoodbye = PeerGoodbye(error: try closeReason())
        default: break
        }
    }

    private func closeReason() throws(WebSocketViolation) -> LinkError? {
        guard !control.isEmpty else { return nil }
        guard control.count >= 2 else { throw WebSocketViolation("a close frame has one byte") }
        let code = UInt16(control[0]) << 8 | UInt16(control[1])
        guard WebSocketCloseCode.isAllowed(code) else { throw WebSocketViolation("close code \(code) is not for the wire") }
        let reason = control[2...]
        guard reason.withUnsafeBytes(UTF8Check.isValid) else {
            throw WebSocketViolation("the reason of a close frame is not UTF-8", closeCode: WebSocketCloseCode.invalidPayload)
        }
        return WebSocketCloseCode.error(for: code, reason: String(decoding: reason, as: UTF8.self))
    }
}

// MARK: - Writing

extension WebSocketFraming {
    mutating func write(_ packet: [UInt8], into output: inout ByteBuffer) {
        packet.withUnsafeBytes { write(opcode, $0, into: &output) }
    }

    mutating func writeReplies(into output: inout ByteBuffer) {
        guard let payload = pong else { return }
        pong = nil
        payload.withUnsafeBytes { write(.pong, $0, into: &output) }
    }

    mutating func writeGoodbye(_ goodbye: Goodbye, into output: inout ByteBuffer) {
        let code = closeCode ?? WebSocketCloseCode.code(for: goodbye)
        withUnsafeBytes(of: code.bigEndian) { write(.close, $0, into: &output) }
    }

    private mutating func write(_ opcode: WebSocketOpcode, _ payload: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        let mask = role == .client ? maskKeys.next() : nil
        output.reserveCapacity(minimumWritableBytes: WebSocketHeader.sizeMaximum + payload.count)
        WebSocketHeader(isFinal: true, opcode: opcode, length: payload.count, mask: mask).write(into: &output)
        let start = output.readableBytes
        output.writeBytes(payload)
        guard let mask else { return }
        output.withUnsafeMutableReadableBytes { bytes in
            WebSocketMask.apply(mask, to: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]), offset: 0)
        }
    }
}
