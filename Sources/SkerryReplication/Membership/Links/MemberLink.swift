public import SkerrySession
public import SkerryWire
internal import SkerryGossip
internal import Synchronization

/// A link between two members, from its first packet on: shakes hands, says so, and is then a link like any other to whoever starts it.
///
/// What comes between the handshake and ``start(_:)`` waits, at most ``waitingMaximum`` bytes of it: who opens a link starts it soon.
final class MemberLink: Link {
    typealias Outcome = Result<MemberHandshake.Opened, MemberError>

    /// Bytes that may come before the link is started: what a peer sends without hearing anything.
    static let waitingMaximum = 256 << 10

    private let link: any Link
    private let opened: @Sendable (MemberLink, Outcome) -> Void
    private let state: Mutex<State>

    private struct State {
        var handshake: MemberHandshake
        var isOpen = false
        var isReported = false
        var driver: (any LinkDriver)?
        var waiting: [[UInt8]] = []
        var waitingBytes = 0
        var isClosed = false
        var error: LinkError?
    }

    /// - Parameter opened: called once, on the link's loop, with who is there or why there will be no link; the link is ending then.
    init(_ link: any Link, _ handshake: MemberHandshake, opened: @escaping @Sendable (MemberLink, Outcome) -> Void) {
        self.link = link
        self.opened = opened
        state = Mutex(State(handshake: handshake))
    }

    /// Begins to shake hands.
    func open() { link.start(Opener(link: self)) }

    var traits: LinkTraits { link.traits }
    var peer: LinkPeer { link.peer }
    var executor: (any TaskExecutor)? { link.executor }

    func start(_ driver: any LinkDriver) {
        let (isClosed, error) = state.withLock { state in
            state.driver = driver
            return (state.isClosed, state.error)
        }
        guard isClosed else { return link.wake() }
        // The loop calls no more for a link that is closed, and the driver must not hear of it inside this call.
        Task { driver.linkClosed(error) }
    }

    func wake() { link.wake() }
    func close() { link.close() }
    func cut() { link.cut() }
}

// MARK: - Called by the link, on its loop

extension MemberLink {
    /// Keeps the link's side apart, so that a member link is not itself a driver to others.
    private final class Opener: LinkDriver {
        private let member: MemberLink

        init(link: MemberLink) { member = link }

        func received(_ packet: UnsafeRawBufferPointer) { member.received(packet) }
        func readCompleted() { member.readCompleted() }
        func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool { member.nextPacket(into: &packet, maximum: maximum) }
        func linkClosed(_ error: LinkError?) { member.linkClosed(error) }
    }

    private func received(_ packet: UnsafeRawBufferPointer) {
        let (driver, step) = state.withLock { state -> ((any LinkDriver)?, MemberHandshake.Step) in
            if state.isOpen {
                if let driver = state.driver, state.waiting.isEmpty { return (driver, .wait) }
                state.waiting.append(Array(packet))
                state.waitingBytes += packet.count
                return (nil, .wait)
            }
            let step = state.handshake.receive(packet)
            if case .opened = step { state.isOpen = true }
            return (nil, step)
        }
        if let driver { return driver.received(packet) }
        switch step {
        case .wait: if state.withLock({ $0.waitingBytes > Self.waitingMaximum }) { link.cut() }
        case .opened(let opened): report(.success(opened))
        case .refused(let error):
            report(.failure(error))
            link.close()
        }
    }

    private func readCompleted() {
        guard let driver = deliverWaiting() else { return }
        driver.readCompleted()
    }

    private func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        if let own = state.withLock({ $0.handshake.takeOutput() }) {
            packet.append(contentsOf: own)
            return true
        }
        guard let driver = deliverWaiting() else { return false }
        return driver.nextPacket(into: &packet, maximum: maximum)
    }

    /// Hands over what came before the link was started; the driver, if there is one.
    private func deliverWaiting() -> (any LinkDriver)? {
        let (driver, waiting) = state.withLock { state -> ((any LinkDriver)?, [[UInt8]]) in
            guard state.isOpen, let driver = state.driver else { return (nil, []) }
            defer { (state.waiting, state.waitingBytes) = ([], 0) }
            return (driver, state.waiting)
        }
        guard let driver else { return nil }
        for packet in waiting { packet.withUnsafeBytes(driver.received) }
        if !waiting.isEmpty { driver.readCompleted() }
        return driver
    }

    private func linkClosed(_ error: LinkError?) {
        let (driver, isOpen) = state.withLock { state in
            state.isClosed = true
            state.error = error
            (state.waiting, state.waitingBytes) = ([], 0)
            return (state.driver, state.isOpen)
        }
        if !isOpen { report(.failure(MemberError(error ?? LinkError(.reset, "\(link.peer) closed the link amid the handshake")))) }
        driver?.linkClosed(error)
    }

    private func report(_ outcome: Outcome) {
        let isFirst = state.withLock { state in
            defer { state.isReported = true }
            return !state.isReported
        }
        if isFirst { opened(self, outcome) }
    }
}
