internal import SkerrySession
internal import Synchronization

/// What lies between the two ends of a pair, called on their loop only.
protocol Transit: AnyObject {
    /// Whether the end may send more. When that changes back to true, the transit calls ``PairedLink/pull()``.
    func hasRoom(for side: PairedLink.Side) -> Bool

    func send(_ packet: [UInt8], from side: PairedLink.Side)

    /// Everything was sent; the other end is told behind all of it.
    func sayGoodbye(from side: PairedLink.Side)

    /// The other end is told at once; what is on the way is lost.
    func cut(from side: PairedLink.Side)

    /// The end was started: what waits for it may come.
    func started(_ side: PairedLink.Side)
}

/// One end of a pair of links in this process. Both ends live on one loop.
// @unchecked Sendable: apart from constants and atomics all state is touched on `loop` only; `start`, `close` and `cut` hop there.
final class PairedLink: Link, @unchecked Sendable {
    enum Side: Int {
        case left, right

        var other: Side { self == .left ? .right : .left }
    }

    private enum Phase {
        case idle
        case open
        case draining
        case closed
    }

    let traits: LinkTraits
    let peer: LinkPeer
    private let limits: LinkLimits
    private let side: Side
    private let loop: any LinkLoop
    private let transit: any Transit

    /// Called when the link is over, started or not. Set before the link is known to anyone.
    var didEnd: (@Sendable () -> Void)?

    /// Set by the first wake-up since the last pull, and for good when the link is over: its loop may be gone then.
    private let isWoken = Atomic(false)
    private let isOver = Atomic(false)
    private var driver: (any LinkDriver)?
    private var phase = Phase.idle
    private var outcome: LinkError?
    /// Between a packet and the end of its bundle: the pull comes by itself.
    private var isReading = false
    private var isMuted = false
    private var packet: [UInt8] = []

    init(_ side: Side, traits: LinkTraits, peer: LinkPeer, limits: LinkLimits, loop: any LinkLoop, transit: any Transit) {
        self.side = side
        self.traits = traits
        self.peer = peer
        self.limits = limits
        self.loop = loop
        self.transit = transit
    }

    /// Packets pulled in one turn, after which the other end has its own.
    private static let turnMaximum = 1024

    var isStarted: Bool { phase != .idle }
    var isClosed: Bool { phase == .closed }
}

// MARK: - Link

extension PairedLink {
    func start(_ driver: any LinkDriver) {
        loop.execute { [self] in
            guard self.driver == nil else { return }
            self.driver = driver
            guard phase == .idle else { return finish() }
            phase = .open
            transit.started(side)
            pull()
        }
    }

    func wake() {
        guard !isWoken.exchange(true, ordering: .acquiringAndReleasing) else { return }
        if loop.isCurrent, isReading { return }
        loop.execute { [self] in pull() }
    }

    func close() {
        guard !isOver.load(ordering: .acquiring) else { return }
        if loop.isCurrent { isMuted = true }
        loop.execute { [self] in beginClosing() }
    }

    func cut() {
        guard !isOver.load(ordering: .acquiring) else { return }
        if loop.isCurrent { isMuted = true }
        loop.execute { [self] in
            guard phase != .closed else { return }
            transit.cut(from: side)
            end(LinkError(.cut, "this side cut the link to \(peer)"))
        }
    }

    private func beginClosing() {
        switch phase {
        case .idle:
            transit.sayGoodbye(from: side)
            end(nil)
        case .open:
            phase = .draining
            isMuted = true
            loop.execute(after: limits.close) { [self] in
                guard phase == .draining else { return }
                transit.cut(from: side)
                end(LinkError(.timedOut, "\(peer) did not take the rest within \(limits.close)"))
            }
            pull()
        case .draining, .closed:
            return
        }
    }
}

extension PairedLink {
    /// Runs `body` on the loop, later.
    func onLoop(_ body: @escaping @Sendable () -> Void) {
        loop.execute(body)
    }
}

// MARK: - Called by the transit, on the loop

extension PairedLink {
    /// A packet arrived; ``readCompleted()`` follows.
    func received(_ packet: UnsafeRawBufferPointer) {
        isReading = true
        if phase == .open, !isMuted { driver?.received(packet) }
    }

    func readCompleted() {
        if phase == .open, !isMuted { driver?.readCompleted() }
        isReading = false
        pull()
    }

    /// Asks the driver for packets while there is room.
    func pull() {
        guard phase == .open || phase == .draining, let driver else { return }
        _ = isWoken.exchange(false, ordering: .acquiringAndReleasing)
        var count = 0
        while transit.hasRoom(for: side) {
            guard count < Self.turnMaximum else { return loop.execute { [self] in pull() } }
            packet.removeAll(keepingCapacity: true)
            guard driver.nextPacket(into: &packet, maximum: traits.packetMaximum) else {
                if phase == .draining { sayGoodbye() }
                return
            }
            guard packet.count <= traits.packetMaximum else { return refuse(packet.count) }
            transit.send(packet, from: side)
            count += 1
        }
    }

    /// The link is over: the other end said goodbye or is gone.
    func end(_ error: LinkError?) {
        guard phase != .closed else { return }
        phase = .closed
        isOver.store(true, ordering: .releasing)
        isWoken.store(true, ordering: .releasing)
        outcome = error
        finish()
        didEnd?()
        didEnd = nil
    }

    private func finish() {
        guard let driver else { return }
        self.driver = nil
        packet = []
        driver.linkClosed(outcome)
    }

    private func sayGoodbye() {
        transit.sayGoodbye(from: side)
        end(nil)
    }

    private func refuse(_ count: Int) {
        transit.cut(from: side)
        end(LinkError(.packetTooLarge, "the driver gave a packet of \(count) bytes; the link carries \(traits.packetMaximum)"))
    }
}
