internal import SkerrySession

/// What is under way between the two ends of one link of a ``SimulatedNetwork``.
// @unchecked Sendable: all state is touched on the loop of the two ends only; `makeEnds` comes before either is known to anyone.
final class SimulatedTransit: Transit, @unchecked Sendable {
    /// Bytes under way to one end, above which the other is not asked for more: the buffers of its socket.
    private static let capacity = 256 * 1024

    private let network: SimulatedNetwork
    private let loop: any LinkLoop
    private let delivery: LinkTraits.Delivery
    private var ends: [PairedLink] = []
    private var underWay = TimeQueue<Arrival>()
    private var inboxes = [Inbox(), Inbox()]
    /// When the earliest job that looks for arrivals comes.
    private var lookDue: Moment?
    /// Nothing arrives any more.
    private var isDead = false

    private struct Arrival {
        var side: PairedLink.Side
        /// Nil for the goodbye.
        var packet: [UInt8]?
    }

    private struct Inbox {
        var bytesUnderWay = 0
        /// The sender found no room.
        var isFull = false
        /// What arrived before the end was started.
        var waiting: [Arrival] = []
    }

    init(network: SimulatedNetwork, loop: any LinkLoop, delivery: LinkTraits.Delivery) {
        self.network = network
        self.loop = loop
        self.delivery = delivery
    }

    func makeEnds(_ traits: LinkTraits, _ limits: LinkLimits) -> (initiator: any Link, acceptor: any Link) {
        let peer = LinkPeer(address: "simulated")
        let left = PairedLink(.left, traits: traits, peer: peer, limits: limits, loop: loop, transit: self)
        let right = PairedLink(.right, traits: traits, peer: peer, limits: limits, loop: loop, transit: self)
        ends = [left, right]
        return (left, right)
    }
}

// MARK: - Sending

extension SimulatedTransit {
    func hasRoom(for side: PairedLink.Side) -> Bool {
        let hasRoom = inboxes[side.other.rawValue].bytesUnderWay < Self.capacity
        if !hasRoom { inboxes[side.other.rawValue].isFull = true }
        return hasRoom
    }

    func send(_ packet: [UInt8], from side: PairedLink.Side) {
        // A stream that leads nowhere takes what its buffers hold; datagrams go on for ever.
        if isDead {
            if delivery == .ordered { inboxes[side.other.rawValue].bytesUnderWay += packet.count + 1 }
            return
        }
        let (fate, bytes) = network.send(packet, on: side.path, delivery: delivery)
        if let arrival = fate.arrival { insert(Arrival(side: side.other, packet: bytes), at: arrival) }
        if let arrival = fate.duplicate { insert(Arrival(side: side.other, packet: bytes), at: arrival) }
    }

    /// The goodbye is never lost, but waits for the end of a partition: a datagram link has none, and its sessions end by silence there.
    func sayGoodbye(from side: PairedLink.Side) {
        guard !isDead, let arrival = network.send([], on: side.path, delivery: .ordered).0.arrival else { return }
        insert(Arrival(side: side.other, packet: nil), at: arrival)
    }

    func cut(from side: PairedLink.Side) {
        guard !isDead, let other = end(side.other) else { return }
        die()
        loop.execute { other.end(LinkError(.reset, "the other side cut the link")) }
    }

    func cut(noticedBy notice: NetworkModel.Notice) {
        guard !isDead else { return }
        let (left, right) = (end(.left), end(.right))
        die()
        let error = LinkError(.reset, "the simulated network broke")
        if notice != .acceptor { left?.end(error) }
        if notice != .initiator { right?.end(error) }
    }

    func die() {
        isDead = true
        underWay.removeAll()
        ends = []
    }

    private func end(_ side: PairedLink.Side) -> PairedLink? {
        ends.isEmpty ? nil : ends[side.rawValue]
    }

    private func insert(_ arrival: Arrival, at time: Moment) {
        // One byte more, so that empty packets fill the line as well.
        inboxes[arrival.side.rawValue].bytesUnderWay += (arrival.packet?.count ?? 0) + 1
        underWay.insert(arrival, at: time)
        look(at: time)
    }

    private func look(at time: Moment) {
        if let lookDue, lookDue <= time { return }
        lookDue = time
        loop.execute(after: time - loop.now) { [self] in deliver() }
    }
}

// MARK: - Arriving

extension SimulatedTransit {
    func started(_ side: PairedLink.Side) {
        loop.execute { [self] in
            let waiting = inboxes[side.rawValue].waiting
            inboxes[side.rawValue].waiting = []
            arrive(waiting)
        }
    }

    private func deliver() {
        lookDue = nil
        var arrivals: [Arrival] = []
        while let next = underWay.first, next.time <= loop.now, let entry = underWay.popFirst() { arrivals.append(entry.value) }
        arrive(arrivals)
        if let next = underWay.first { look(at: next.time) }
    }

    private func arrive(_ arrivals: [Arrival]) {
        for side in [PairedLink.Side.left, .right] {
            let own = arrivals.filter { $0.side == side }
            guard !own.isEmpty, let end = end(side) else { continue }
            // What waits from before the start comes first, also when it is not its turn on the loop yet.
            if end.isStarted, inboxes[side.rawValue].waiting.isEmpty {
                hand(own, to: end, side)
            } else {
                inboxes[side.rawValue].waiting += own
            }
        }
    }

    private func hand(_ arrivals: [Arrival], to end: PairedLink, _ side: PairedLink.Side) {
        var isOver = false
        for arrival in arrivals {
            inboxes[side.rawValue].bytesUnderWay -= (arrival.packet?.count ?? 0) + 1
            if let packet = arrival.packet { packet.withUnsafeBytes(end.received) } else { isOver = true }
        }
        end.readCompleted()
        if isOver {
            end.end(nil)
            die()
        } else if inboxes[side.rawValue].isFull, self.end(side.other) != nil {
            inboxes[side.rawValue].isFull = false
            self.end(side.other)?.pull()
        }
    }
}

extension PairedLink.Side {
    /// The left end is the initiator's.
    fileprivate var path: NetworkModel.Path { self == .left ? .toAcceptor : .toInitiator }
}
