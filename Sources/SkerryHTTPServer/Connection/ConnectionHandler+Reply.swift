internal import Glibc
internal import HTTPTypes
internal import NIOCore
internal import SkerryHTTP

/// Sending replies. All of it runs on the event loop, inside the connection's task.
extension ConnectionHandler {
    /// Bytes of files that are cheaper to copy behind the head than to send by themselves:
    /// one `pread` and one `write` in place of `write` and `sendfile`, and one packet in place of two.
    static let copiedFileSizeMaximum = 16 * 1024

    /// Hands the whole reply to the socket, at the socket's pace, and settles what becomes of the connection.
    func send(_ reply: HTTPReply, to head: RequestHead) async {
        ensureOnLoop()
        dropPieceWaiter()
        guard isOpen else { return }
        if let upgrade = reply.upgrade { return handOver(to: upgrade, reply: reply, head: head) }
        let framing = ReplyFraming(of: reply, method: head.request.method, isHTTP10: head.isHTTP10)
        let buffer = begin(reply, framing: framing, isHTTP10: head.isHTTP10)
        let isWhole = framing.sendsBody ? await sendBody(reply.body, behind: buffer, framing: framing) : send(head: buffer)
        guard isWhole else { return abort() }
        await finish()
    }

    /// The head, in a buffer with room for a small body.
    private func begin(_ reply: HTTPReply, framing: ReplyFraming, isHTTP10: Bool) -> ByteBuffer {
        let asksToClose = reply.head.headerFields.contains { $0.name == .connection && $0.value.lowercased() == "close" }
        let isKeptAlive = machine.replyStarts(closesConnection: asksToClose || framing == .untilClose || loop.isShuttingDown)
        var buffer = loop.takeScratch()
        ReplyHead.write(
            reply.head, framing: framing, connection: .init(isKeptAlive: isKeptAlive, isHTTP10: isHTTP10),
            date: loop.date.value(), into: &buffer)
        return buffer
    }

    /// Hands a buffer with the head to the channel and the buffer's room to the next reply.
    private func send(head buffer: consuming ByteBuffer) -> Bool {
        write(buffer)
        loop.giveBackScratch(buffer)
        return true
    }

    private func sendBody(_ body: HTTPReply.Body, behind head: consuming ByteBuffer, framing: ReplyFraming) async -> Bool {
        switch body {
        case .none:
            return send(head: head)
        case .bytes(let bytes):
            return send(bytes, behind: head)
        case .file(let regions):
            return await send(regions, behind: head)
        case .stream(let length, let next):
            return await send(next, length: length, behind: head, isChunked: framing == .chunked)
        }
    }

    /// What the reply leaves behind: the next request, a closed connection, or one that listens on until the client has read the reply.
    private func finish() async {
        context?.flush()
        guard await becomesWritable() else { return }
        switch machine.replyEnded(now: loop.now) {
        case .next: break
        case .close: closeWhenSent()
        case .linger: beginLingering()
        }
    }
}

// MARK: - Bytes and files

extension ConnectionHandler {
    /// The bytes are copied into a buffer in any case, so they are copied behind the head and leave in one write.
    private func send(_ bytes: [UInt8], behind head: consuming ByteBuffer) -> Bool {
        var buffer = head
        buffer.reserveCapacity(minimumWritableBytes: bytes.count)
        buffer.writeBytes(bytes)
        return send(head: buffer)
    }

    private func send(_ regions: [HTTPReply.FileRegion], behind head: consuming ByteBuffer) async -> Bool {
        var buffer = head
        if let region = regions.first, regions.count == 1, region.count <= Self.copiedFileSizeMaximum {
            guard buffer.append(region) else { return false }
            return send(head: buffer)
        }
        _ = send(head: buffer)
        return await send(regions)
    }

    /// Queues region by region, each when the socket has taken most of what came before.
    private func send(_ regions: [HTTPReply.FileRegion]) async -> Bool {
        for region in regions where region.count > 0 {
            guard await becomesWritable() else { return false }
            send(region)
            context?.flush()
        }
        return true
    }

    /// The handle only lends the descriptor to the channel and gives it back when the write ended, well or not;
    /// its owner lives in the callback until then.
    private func send(_ region: HTTPReply.FileRegion) {
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: region.descriptor)
        let promise = eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            withExtendedLifetime(region.owner) { _ = try? handle.takeDescriptorOwnership() }
        }
        let start = Int(region.offset)
        write(FileRegion(fileHandle: handle, readerIndex: start, endIndex: start + region.count), promise: promise)
    }
}

// MARK: - Streams

extension ConnectionHandler {
    /// Pulls piece after piece. False when the service failed or gave another length than it promised, or the connection is gone.
    ///
    /// The head waits for the first piece, so that both leave in one packet.
    private func send(
        _ next: @Sendable () async throws -> HTTPReply.Piece?, length: UInt64?, behind head: ByteBuffer, isChunked: Bool
    ) async -> Bool {
        var head: ByteBuffer? = head
        var rest = length ?? .max
        do {
            while let piece = try await next() {
                ensureOnLoop()
                guard isOpen else { return false }
                let count = UInt64(piece.count)
                // An empty chunk would end the body.
                guard count > 0 else { continue }
                guard count <= rest else { return false }
                if length != nil { rest -= count }
                if let first = head { write(first) }
                head = nil
                guard await send(piece, isChunked: isChunked) else { return false }
            }
        } catch {
            return false
        }
        guard isOpen, length == nil || rest == 0 else { return false }
        if let first = head { write(first) }
        if isChunked { write(ByteBuffer(staticString: "0\r\n\r\n")) }
        return true
    }

    private func send(_ piece: HTTPReply.Piece, isChunked: Bool) async -> Bool {
        var buffer = ByteBuffer()
        if isChunked { buffer.writeChunkSize(piece.count) }
        switch piece {
        case .bytes(let bytes):
            buffer.writeBytes(bytes)
            if isChunked { buffer.writeStaticString("\r\n") }
            write(buffer)
        case .file(let regions):
            if isChunked { write(buffer) }
            guard await send(regions) else { return false }
            if isChunked { write(ByteBuffer(staticString: "\r\n")) }
        }
        context?.flush()
        return await becomesWritable()
    }
}

extension HTTPReply.Piece {
    var count: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(let regions): regions.reduce(0) { $0 + $1.count }
        }
    }
}

extension ByteBuffer {
    /// Reads the region behind what stands here. False when the file is shorter than the region or cannot be read.
    fileprivate mutating func append(_ region: HTTPReply.FileRegion) -> Bool {
        var filled = 0
        while filled < region.count {
            let count = writeWithUnsafeMutableBytes(minimumWritableBytes: region.count - filled) { room in
                max(0, pread(region.descriptor, room.baseAddress, region.count - filled, off_t(region.offset) + off_t(filled)))
            }
            guard count > 0 else { return false }
            filled += count
        }
        return true
    }
}
