public import SkerryGossip
public import SkerryWire
internal import Synchronization

/// The links of a member to the others: it opens one to each address it sends to, and listens where they open theirs.
///
/// Frames travel in lanes, so that placement, membership and what an application adds share the links. A link carries frames one way, behind a ``MemberHello``.
/// Nothing waits: a frame is queued, or it is lost and ``Events/lost`` says so when it is known. Frames to one address are in order while none is lost.
///
/// ```swift
/// let links = MemberLinks(id: id, secret: secret, connect: { address in try TCPConnector(to: address, security: .plain) }, events)
/// try await links.start(listener, address: "10.0.0.7:7000")
/// links.send(MemberLinks.firstLane, bytes, to: "10.0.0.8:7000")
/// ```
public final class MemberLinks: Sendable {
    /// Lanes from here on are free to use; 0 is the hello.
    public static let firstLane: UInt8 = 1
    /// Bytes of frames that wait for one peer. Above it the link is cut and they are lost: a peer that takes nothing is as good as gone.
    public static let outboxMaximum = 64 << 20
    /// Addresses to which links may be open or opening.
    public static let peersMaximum = 4_096

    /// What is heard. Called on loops of links, and by whoever sends: do little there.
    public struct Events: Sendable {
        /// A frame came. False cuts the link: the peer broke the rules.
        public var received: @Sendable (_ lane: UInt8, _ bytes: UnsafeRawBufferPointer, _ from: MemberHello) -> Bool
        /// A link to an address ended or could not be made; what waited for it is lost.
        public var lost: @Sendable (_ address: String) -> Void

        public init(
            received: @escaping @Sendable (UInt8, UnsafeRawBufferPointer, MemberHello) -> Bool, lost: @escaping @Sendable (String) -> Void
        ) {
            self.received = received
            self.lost = lost
        }
    }

    private struct State {
        var address = ""
        var peers: [String: OutgoingLink] = [:]
        var isStopped = false
    }

    private let id: MemberID
    private let secret: ClusterSecret?
    private let connect: @Sendable (String) throws(LinkError) -> any Connector
    private let events: Events
    private let state = Mutex(State())

    /// - Parameter connect: makes the connector to an address of membership; what it throws counts as an address that cannot be reached.
    public init(
        id: MemberID, secret: ClusterSecret? = nil, connect: @escaping @Sendable (String) throws(LinkError) -> any Connector, events: Events
    ) {
        self.id = id
        self.secret = secret
        self.connect = connect
        self.events = events
    }

    /// Begins to listen.
    ///
    /// - Parameter address: where others reach this member; nil: where the listener listens.
    /// - Returns: that address.
    @discardableResult
    public func start(_ listener: any Listener, address: String? = nil) async throws(LinkError) -> String {
        let bound = try await listener.start { [secret, events] link in link.start(IncomingLink(link, secret, events)) }
        let own = address ?? "\(bound)"
        state.withLock { $0.address = own }
        return own
    }

    /// Queues a frame for an address, and connects when there is no link. Never waits.
    public func send(_ lane: UInt8, _ bytes: [UInt8], to address: String) {
        let (peer, isNew) = state.withLock { state -> (OutgoingLink?, Bool) in
            if state.isStopped { return (nil, false) }
            if let peer = state.peers[address] { return (peer, false) }
            guard state.peers.count < Self.peersMaximum else { return (nil, false) }
            let hello = MemberHello(member: id, address: state.address).encoded(with: secret)
            let peer = OutgoingLink(MemberFraming.frame(0, hello))
            state.peers[address] = peer
            return (peer, true)
        }
        guard let peer else { return events.lost(address) }
        peer.onEnd = { [weak self] in self?.ended(peer, address) }
        if !peer.add(MemberFraming.frame(lane, bytes)) { return ended(peer, address) }
        if isNew { open(peer, address) }
    }

    private func open(_ peer: OutgoingLink, _ address: String) {
        Task { [connect] in
            do throws(LinkError) {
                peer.start(on: try await connect(address).connect())
            } catch {
                peer.linkClosed(error)
            }
        }
    }

    private func ended(_ peer: OutgoingLink, _ address: String) {
        let isCurrent = state.withLock { state in
            guard state.peers[address] === peer else { return false }
            state.peers[address] = nil
            return true
        }
        peer.cut()
        if isCurrent { events.lost(address) }
    }

    /// Cuts the links that this side opened. The listener is its owner's to shut down.
    public func stop() {
        let peers = state.withLock { state in
            defer { state.peers = [:] }
            state.isStopped = true
            return Array(state.peers.values)
        }
        for peer in peers { peer.cut() }
    }
}

/// A link that this member opened: frames out, nothing in.
private final class OutgoingLink: LinkDriver {
    private struct State {
        var link: (any Link)?
        /// Frames to be sent, and how much of the first is gone.
        var outbox: [[UInt8]]
        var head = 0
        var sentOfFirst = 0
        var bytes = 0
        var isOver = false
        var onEnd: (@Sendable () -> Void)?
    }

    private let state: Mutex<State>

    init(_ hello: [UInt8]) { state = Mutex(State(outbox: [hello])) }

    /// Called once, when the link is over.
    var onEnd: (@Sendable () -> Void)? {
        get { state.withLock { $0.onEnd } }
        set { state.withLock { if !$0.isOver { $0.onEnd = newValue } } }
    }

    /// False when nothing can be sent any more, or too much waits.
    func add(_ frame: [UInt8]) -> Bool {
        let (isTaken, link) = state.withLock { state -> (Bool, (any Link)?) in
            guard !state.isOver, state.bytes + frame.count <= MemberLinks.outboxMaximum else { return (false, nil) }
            state.outbox.append(frame)
            state.bytes += frame.count
            return (true, state.link)
        }
        link?.wake()
        return isTaken
    }

    func start(on link: any Link) {
        let isOver = state.withLock { state in
            if !state.isOver { state.link = link }
            return state.isOver
        }
        if isOver { link.cut() } else { link.start(self) }
    }

    func cut() {
        let link = state.withLock { state in
            state.isOver = true
            state.onEnd = nil
            return state.link
        }
        link?.cut()
    }

    func received(_ packet: UnsafeRawBufferPointer) {}

    func readCompleted() {}

    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
        let limit = min(maximum, MemberFraming.packetSize)
        state.withLock { state in
            while packet.count < limit, state.head < state.outbox.count {
                let first = state.outbox[state.head]
                let count = min(limit - packet.count, first.count - state.sentOfFirst)
                packet.append(contentsOf: first[state.sentOfFirst..<state.sentOfFirst + count])
                state.sentOfFirst += count
                guard state.sentOfFirst == first.count else { break }
                state.bytes -= min(first.count, state.bytes)
                state.outbox[state.head] = []
                state.head += 1
                state.sentOfFirst = 0
            }
            if state.head * 2 > state.outbox.count {
                state.outbox.removeFirst(state.head)
                state.head = 0
            }
        }
        return !packet.isEmpty
    }

    func linkClosed(_ error: LinkError?) {
        let onEnd = state.withLock { state in
            defer { state.onEnd = nil }
            state.isOver = true
            state.outbox = []
            state.head = 0
            return state.onEnd
        }
        onEnd?()
    }
}

/// A link that another member opened: frames in, nothing out.
private final class IncomingLink: LinkDriver {
    private struct State {
        var framing = MemberFraming()
        var hello: MemberHello?
    }

    private let link: any Link
    private let secret: ClusterSecret?
    private let events: MemberLinks.Events
    /// Locked on the link's loop alone.
    private let state = Mutex(State())

    init(_ link: any Link, _ secret: ClusterSecret?, _ events: MemberLinks.Events) {
        self.link = link
        self.secret = secret
        self.events = events
    }

    func received(_ packet: UnsafeRawBufferPointer) {
        let isSound = state.withLock { state in
            var hello = state.hello
            let isSound = state.framing.read(packet) { lane, bytes in
                guard let peer = hello else {
                    hello = lane == 0 ? try? MemberHello(bytes, secret: secret) : nil
                    return hello != nil
                }
                return lane != 0 && events.received(lane, bytes, peer)
            }
            state.hello = hello
            return isSound
        }
        if !isSound { link.cut() }
    }

    func readCompleted() {}

    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool { false }

    func linkClosed(_ error: LinkError?) {}
}
