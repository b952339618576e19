public import SkerryGossip
internal import SkerryWire
internal import Synchronization

/// The links over which a member that places keys talks to the others, made and taken by its ``MembershipNode``: whoever is no member of the cluster now gets none
/// (``LinkPurpose/placement``).
///
/// A link carries messages one way; each side opens its own. Nothing waits: a message is queued or lost, and ``Events/lost`` says so when that is because the link is.
/// Messages to one member are in order while none is lost.
///
/// ```swift
/// let links = PlacementLinks(node: node, events)        // before the node starts
/// try await node.start()
/// links.send(bytes, to: member)
/// ```
public final class PlacementLinks: Sendable {
    /// Bytes of messages that wait for one member. A message that comes above it is lost, silently.
    public static let outboxMaximum = 64 << 20
    /// A member that takes nothing for so long while that much waits is as good as gone: the link is cut, and what waits is lost.
    public static let patience = Duration.seconds(5)
    /// Members to which links may be open or opening.
    public static let peersMaximum = 4_096

    /// What is heard. Called on loops of links, and by whoever sends: do little there.
    public struct Events: Sendable {
        /// A message came. False cuts the link: the peer broke the rules.
        public var received: @Sendable (_ bytes: UnsafeRawBufferPointer, _ member: MemberID) -> Bool
        /// A link to a member ended or could not be made; what waited for it is lost.
        public var lost: @Sendable (_ member: MemberID) -> Void

        public init(
            received: @escaping @Sendable (UnsafeRawBufferPointer, MemberID) -> Bool, lost: @escaping @Sendable (MemberID) -> Void
        ) {
            self.received = received
            self.lost = lost
        }
    }

    private struct State {
        var peers: [MemberID: OutgoingLink] = [:]
        var isStopped = false
    }

    private let node: MembershipNode
    private let events: Events
    private let state = Mutex(State())

    /// Takes links of placement from the node from now on: before the node starts.
    public init(node: MembershipNode, events: Events) {
        self.node = node
        self.events = events
        node.accept(.placement) { [events] link, member in link.start(IncomingLink(link, member, events)) }
    }

    /// Queues a message for a member, and connects when there is no link. Never waits.
    public func send(_ bytes: [UInt8], to member: MemberID) {
        let (peer, isNew) = state.withLock { state -> (OutgoingLink?, Bool) in
            if state.isStopped { return (nil, false) }
            if let peer = state.peers[member] { return (peer, false) }
            guard state.peers.count < Self.peersMaximum else { return (nil, false) }
            let peer = OutgoingLink()
            state.peers[member] = peer
            return (peer, true)
        }
        guard let peer else { return events.lost(member) }
        if isNew { peer.onEnd = { [weak self] in self?.ended(peer, member) } }
        if !peer.add(PlacementFraming.frame(bytes), now: .now) { return ended(peer, member) }
        if isNew { open(peer, member) }
    }

    private func open(_ peer: OutgoingLink, _ member: MemberID) {
        Task { [node] in
            do throws(MemberError) {
                peer.start(on: try await node.connect(to: member, for: .placement))
            } catch {
                peer.linkClosed(error.link)
            }
        }
    }

    private func ended(_ peer: OutgoingLink, _ member: MemberID) {
        let isCurrent = state.withLock { state in
            guard state.peers[member] === peer else { return false }
            state.peers[member] = nil
            return true
        }
        peer.cut()
        if isCurrent { events.lost(member) }
    }

    /// Cuts the links that this side opened; those that others opened are the node's to end.
    public func stop() {
        let peers = state.withLock { state in
            defer { state.peers = [:] }
            state.isStopped = true
            return Array(state.peers.values)
        }
        for peer in peers { peer.cut() }
    }
}

/// A link that this member opened: messages out, nothing in.
final class OutgoingLink: LinkDriver {
    private struct State {
        var link: (any Link)?
        /// Frames to be sent, and how much of the first is gone.
        var outbox: [[UInt8]] = []
        var head = 0
        var sentOfFirst = 0
        var bytes = 0
        /// When a frame was lost because too much waits, and since when nothing was taken.
        var stuckSince: ContinuousClock.Instant?
        var isOver = false
        var onEnd: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Called once, when the link is over.
    var onEnd: (@Sendable () -> Void)? {
        get { state.withLock { $0.onEnd } }
        set { state.withLock { if !$0.isOver { $0.onEnd = newValue } } }
    }

    /// Queues a frame, or drops it when too much waits. False when the link is of no more use.
    func add(_ frame: [UInt8], now: ContinuousClock.Instant) -> Bool {
        let (isUsable, link) = state.withLock { state -> (Bool, (any Link)?) in
            guard !state.isOver else { return (false, nil) }
            guard state.bytes + frame.count <= PlacementLinks.outboxMaximum else {
                // A burst comes faster than any peer takes it. Only time tells one that is slow from one that is gone.
                let since = state.stuckSince ?? now
                state.stuckSince = since
                return (now - since < PlacementLinks.patience, nil)
            }
            state.outbox.append(frame)
            state.bytes += frame.count
            return (true, state.link)
        }
        link?.wake()
        return isUsable
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
        let limit = min(maximum, PlacementFraming.packetSize)
        state.withLock { state in
            while packet.count < limit, state.head < state.outbox.count {
                let first = state.outbox[state.head]
                let count = min(limit - packet.count, first.count - state.sentOfFirst)
                packet.append(contentsOf: first[state.sentOfFirst..<state.sentOfFirst + count])
                state.sentOfFirst += count
                state.stuckSince = nil
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

/// A link that another member opened: messages in, nothing out.
private final class IncomingLink: LinkDriver {
    private let link: any Link
    private let member: MemberID
    private let events: PlacementLinks.Events
    /// Locked on the link's loop alone.
    private let framing = Mutex(PlacementFraming())

    init(_ link: any Link, _ member: MemberID, _ events: PlacementLinks.Events) {
        self.link = link
        self.member = member
        self.events = events
    }

    func received(_ packet: UnsafeRawBufferPointer) {
        let isSound = framing.withLock { framing in framing.read(packet) { events.received($0, member) } }
        if !isSound { link.cut() }
    }

    func readCompleted() {}

    func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool { false }

    func linkClosed(_ error: LinkError?) {}
}
