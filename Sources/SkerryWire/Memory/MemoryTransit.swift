internal import SkerrySession

/// Carries packets between two ends in memory, each copied once: what a driver does to its bytes afterwards cannot reach the other side.
// @unchecked Sendable: all state is touched on the loop of the two ends only; `join` comes before either is known to anyone.
final class MemoryTransit: Transit, @unchecked Sendable {
    /// Bytes on the way to one end, above which the other is not asked for more.
    private static let capacity = 256 * 1024

    private let loop: any LinkLoop
    private var ends: [PairedLink] = []
    private var inboxes = [Inbox(), Inbox()]

    /// What is on the way to one end.
    private struct Inbox {
        /// Packets, one behind the other.
        var bytes: [UInt8] = []
        var sizes: [Int] = []
        var isGoodbyeSaid = false
        var isDeliveryDue = false
        /// The sender found no room.
        var isFull = false
    }

    init(loop: any LinkLoop) {
        self.loop = loop
    }

    func join(_ left: PairedLink, _ right: PairedLink) {
        ends = [left, right]
    }
}

extension MemoryTransit {
    func hasRoom(for side: PairedLink.Side) -> Bool {
        let target = side.other.rawValue
        let hasRoom = inboxes[target].bytes.count + inboxes[target].sizes.count < Self.capacity
        if !hasRoom { inboxes[target].isFull = true }
        return hasRoom
    }

    func send(_ packet: [UInt8], from side: PairedLink.Side) {
        inboxes[side.other.rawValue].bytes.append(contentsOf: packet)
        inboxes[side.other.rawValue].sizes.append(packet.count)
        scheduleDelivery(to: side.other)
    }

    func sayGoodbye(from side: PairedLink.Side) {
        inboxes[side.other.rawValue].isGoodbyeSaid = true
        scheduleDelivery(to: side.other)
    }

    func cut(from side: PairedLink.Side) {
        guard let other = end(side.other) else { return }
        ends = []
        loop.execute { other.end(LinkError(.reset, "the other side cut the link")) }
    }

    func started(_ side: PairedLink.Side) {
        let inbox = inboxes[side.rawValue]
        if !inbox.sizes.isEmpty || inbox.isGoodbyeSaid { scheduleDelivery(to: side) }
    }

    private func end(_ side: PairedLink.Side) -> PairedLink? {
        ends.isEmpty ? nil : ends[side.rawValue]
    }

    /// By a job of its own and never at once: two ends that answer each other take turns instead of calling ever deeper.
    private func scheduleDelivery(to side: PairedLink.Side) {
        guard !inboxes[side.rawValue].isDeliveryDue else { return }
        inboxes[side.rawValue].isDeliveryDue = true
        loop.execute { [self] in deliver(to: side) }
    }

    private func deliver(to side: PairedLink.Side) {
        inboxes[side.rawValue].isDeliveryDue = false
        // What comes before the start waits for it.
        guard let end = end(side), end.isStarted else { return }
        var inbox = Inbox()
        swap(&inbox, &inboxes[side.rawValue])
        inbox.bytes.withUnsafeBytes { bytes in
            var start = 0
            for size in inbox.sizes {
                end.received(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + size)]))
                start += size
            }
        }
        if !inbox.sizes.isEmpty { end.readCompleted() }
        if inbox.isGoodbyeSaid {
            end.end(nil)
            ends = []
        } else if inbox.isFull {
            self.end(side.other)?.pull()
        }
        giveBack(&inbox, to: side)
    }

    /// Bytes of a buffer worth keeping for the next bundle.
    private static let keptSize = 2 * capacity

    private func giveBack(_ inbox: inout Inbox, to side: PairedLink.Side) {
        guard inboxes[side.rawValue].bytes.isEmpty, inboxes[side.rawValue].sizes.isEmpty, inbox.bytes.capacity <= Self.keptSize else {
            return
        }
        swap(&inboxes[side.rawValue].bytes, &inbox.bytes)
        swap(&inboxes[side.rawValue].sizes, &inbox.sizes)
        inboxes[side.rawValue].bytes.removeAll(keepingCapacity: true)
        inboxes[side.rawValue].sizes.removeAll(keepingCapacity: true)
    }
}
