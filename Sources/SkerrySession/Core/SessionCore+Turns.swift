// Fairness: channels with something to send take turns (deficit round robin, Shreedhar and Varghese 1995). Each turn allows a quantum of bytes more; what a
// large element does not fit into is saved for the next turn.

extension SessionCore {
    /// The channel has something to send: it joins the end of the row.
    mutating func giveTurn(_ index: Int) {
        guard !channels[index].hasTurn, channels[index].pendingElements > 0, !channels[index].isInPart else { return }
        let id = channels[index].id
        if id & 1 == role.parity, let slot = liveExport(id), !exports[slot].isAnnounced { return }
        channels[index].hasTurn = true
        channels[index].deficit = 0
        turns.append(index)
    }

    /// Fills a packet up to `end` with elements, by turns.
    ///
    /// What the elements refer to is let go of at the end: it may be the channel itself.
    mutating func appendTurns(to buffer: inout [UInt8], end: Int) {
        var left: [SessionReference] = []
        takeTurns(to: &buffer, end: end, &left)
        if !left.isEmpty { elementsLeft(left) }
    }

    private mutating func takeTurns(to buffer: inout [UInt8], end: Int, _ left: inout [SessionReference]) {
        while let index = turns.first, end - buffer.count > SendLayout.overhead {
            // Alone it need not wait for its own next turn.
            let isAlone = turns.count == 1
            if isAlone {
                channels[index].deficit = Int.max / 2
            } else if !channels[index].isMidTurn {
                channels[index].deficit += SessionLimits.fairnessQuantum
            }
            channels[index].isMidTurn = false
            switch appendElements(index, to: &buffer, end: end, &left) {
            case .drained:
                turns.removeFirst(1)
                channels[index].hasTurn = false
                channels[index].deficit = 0
                finishIfDrained(index)
            case .turnOver:
                turns.removeFirst(1)
                turns.append(index)
            case .packetFull:
                // The turn goes on in the next packet.
                channels[index].isMidTurn = !isAlone
                if isAlone { channels[index].deficit = 0 }
                return
            case .leftRow: break
            case .waitsForPart:
                // Those behind it need not wait with it.
                turns.removeFirst(1)
                channels[index].deficit = 0
                parked.append(index)
            }
        }
    }

    private enum TurnOutcome {
        case drained, turnOver, packetFull
        /// Its next element goes in parts; the channel comes back behind it.
        case leftRow
        /// Its next element goes in parts, and another frame is under way in parts.
        case waitsForPart
    }

    /// No part is under way any more: the channels that waited for that come next, the longest waiting first.
    mutating func unpark() {
        guard !parked.isEmpty else { return }
        turns.prepend(parked.elements)
        parked.removeAll()
    }

    /// Sends from one channel what its deficit and the packet allow.
    private mutating func appendElements(
        _ index: Int, to buffer: inout [UInt8], end: Int, _ left: inout [SessionReference]
    ) -> TurnOutcome {
        while channels[index].pendingElements > 0 {
            let block = channels[index].blocks[0]
            writeSend(index, block)
            let room = end - buffer.count - writer.bytes.count - SendLayout.overhead
            let budget = min(room, channels[index].deficit)
            let piece = channels[index].piece(of: block, budget: budget, isText: isText)
            guard piece.elements > 0 else {
                if piece.bytes > room { return startLargeElement(index, piece.bytes, block, to: &buffer, end: end, &left) }
                return .turnOver
            }
            appendSend(index, piece, to: &buffer)
            channels[index].deficit -= piece.bytes
            if !block.references.isEmpty { left += block.references }
        }
        return .drained
    }

    /// The fields of SEND before its elements.
    private mutating func writeSend(_ index: Int, _ block: Channel.Block) {
        writer.begin(.send)
        writer.integer(channels[index].id)
        writer.integer((channels[index].ranDry ? SendFlag.ranDry : 0) | (isText || block.references.isEmpty ? 0 : SendFlag.hasReferences))
        writer.references(block.references)
    }

    private mutating func appendSend(_ index: Int, _ piece: Channel.Piece, to buffer: inout [UInt8]) {
        let start = channels[index].pendingStart
        let range = start..<start + piece.bytes
        if isText {
            appendTextElements(index, range)
            buffer.append(UInt8(ascii: ","))
            buffer.append(contentsOf: writer.bytes.bytes)
        } else {
            buffer.append(integer: UInt64(writer.bytes.count + piece.bytes))
            buffer.append(contentsOf: writer.bytes.bytes)
            channels[index].pending.withUnsafeBytes { buffer.append(contentsOf: $0[range]) }
        }
        channels[index].removePending(elements: piece.elements, bytes: piece.bytes, payload: piece.payload)
    }

    private mutating func appendTextElements(_ index: Int, _ range: Range<Int>) {
        writer.beginList(count: 0)
        channels[index].pending.withUnsafeBytes { bytes in
            var cursor = ElementCursor(UnsafeRawBufferPointer(rebasing: bytes[range]), isText: false)
            while let element = cursor.next() { writer.payload(element) }
        }
        writer.endList()
        writer.end()
    }

    /// The next element does not fit what is left of this packet. If it fits none, it goes in parts.
    private mutating func startLargeElement(
        _ index: Int, _ size: Int, _ block: Channel.Block, to buffer: inout [UInt8], end: Int, _ left: inout [SessionReference]
    ) -> TurnOutcome {
        let largest =
            min(traits.packetMaximum, SessionLimits.packetPreferred) - PacketLayout.overhead - SendLayout.overhead - writer.bytes.count
        guard size > largest else { return .packetFull }
        if isText {
            // Half an empty packet is enough to begin with: it may grow up to the maximum.
            guard end - buffer.count > largest / 2, size + largest < traits.packetMaximum else { return .packetFull }
            appendSend(index, channels[index].piece(of: block, budget: size, isText: true), to: &buffer)
            left += block.references
            return channels[index].pendingElements == 0 ? .drained : .packetFull
        }
        guard !part.isActive else { return .waitsForPart }
        let piece = channels[index].piece(of: block, budget: size, isText: false)
        part.bytes.append(writer.bytes.bytes)
        let start = channels[index].pendingStart
        channels[index].pending.withUnsafeBytes {
            part.bytes.append(UnsafeRawBufferPointer(rebasing: $0[start..<start + piece.bytes]))
        }
        part.channel = index
        part.references = block.references
        channels[index].isInPart = true
        channels[index].removePending(elements: piece.elements, bytes: piece.bytes, payload: piece.payload)
        turns.removeFirst(1)
        channels[index].hasTurn = false
        appendPart(to: &buffer, end: end)
        return .leftRow
    }
}

/// Sizes of SEND.
enum SendLayout {
    /// Most bytes of the length before the frame; and of the brackets in text.
    static let overhead = 8
}

extension Channel {
    /// Elements at the front of a block that go into one frame.
    struct Piece {
        var elements: Int
        /// With their lengths. When there are no elements: the size of the one that does not fit.
        var bytes: Int
        var payload: Int
    }

    /// As many elements as fit `budget`.
    func piece(of block: Block, budget: Int, isText: Bool) -> Piece {
        if block.byteCount <= budget, !isText || block.byteCount + block.count <= budget {
            return Piece(
                elements: block.count, bytes: block.byteCount,
                payload: block.count == pendingElements ? pendingPayloadBytes : payload(of: block))
        }
        var piece = Piece(elements: 0, bytes: 0, payload: 0)
        pending.withUnsafeBytes { bytes in
            while piece.elements < block.count {
                let (start, end) = FrameLength.read(bytes, at: pendingStart + piece.bytes)
                let size = end - pendingStart
                guard size + (isText ? piece.elements : 0) <= budget else {
                    if piece.elements == 0 { piece.bytes = size }
                    return
                }
                piece.elements += 1
                piece.bytes = size
                piece.payload += end - start
            }
        }
        return piece
    }

    /// Bytes of the elements of the block at the front, without their lengths.
    private func payload(of block: Block) -> Int {
        var total = 0
        var offset = pendingStart
        pending.withUnsafeBytes { bytes in
            for _ in 0..<block.count {
                let (start, end) = FrameLength.read(bytes, at: offset)
                total += end - start
                offset = end
            }
        }
        return total
    }
}
