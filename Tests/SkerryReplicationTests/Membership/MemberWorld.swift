import SkerryGossip
import SkerrySession

@testable import SkerryReplication

/// Cores of members in virtual time, from one seed. Links take a millisecond, give or take half of it, and hold what a socket holds: a member that is frozen
/// takes nothing, and what it was sent waits. A member that is killed takes its links along.
struct MemberWorld {
    struct Node {
        var core: MemberCore
        var isUp = true
        var isFrozen = false
        /// When it runs next.
        var due: Moment
        /// What came while it was frozen.
        fileprivate var held: [Event] = []

        init(core: MemberCore, due: Moment) { (self.core, self.due) = (core, due) }
    }

    fileprivate enum Event {
        case dialled(node: Int, dial: UInt64, address: String)
        case frame(link: UInt64, to: Int, [UInt8])
        case ended(link: UInt64, node: Int)
        case pull(link: UInt64, node: Int)
    }

    private struct Link {
        let ends: (Int, Int)
        /// Bytes under way to either end.
        var underWay = [0, 0]
        var isEnded = false
    }

    /// Bytes that a link takes before the other side has taken any.
    static let window = 256 << 10

    private(set) var now = Moment.zero
    private(set) var nodes: [Node] = []
    private var events: [(time: Moment, number: UInt64, event: Event)] = []
    private var links: [UInt64: Link] = [:]
    private var nextNumber: UInt64 = 1
    private var generator: SeededGenerator
    let profile: NodeProfile
    let secret: [UInt8]?
    /// The most bytes that ever waited in one core.
    private(set) var waitingMaximum = 0

    init(seed: UInt64, profile: NodeProfile = NodeProfile(), secret: [UInt8]? = nil) {
        generator = SeededGenerator(seed: seed)
        (self.profile, self.secret) = (profile, secret)
    }

    // MARK: Members

    /// - Parameter incarnation: of a member that was there before, with its place.
    mutating func start(joining seeds: [Int], id: MemberID? = nil, at place: Int? = nil, incarnation: UInt64 = 1) {
        let place = place ?? nodes.count
        var core = MemberCore(
            id: id ?? MemberID(rawValue: generator.next()), address: "n\(place)", epoch: UInt64(now.nanoseconds / 1_000_000) + 1,
            incarnation: incarnation, secret: secret, seeds: seeds.map { "n\($0)" }, profile: profile, seed: generator.next(), now: now)
        core.set(.name, Array("member \(place)".utf8))
        let node = Node(core: core, due: now)
        if place < nodes.count { nodes[place] = node } else { nodes.append(node) }
    }

    mutating func kill(_ place: Int) {
        nodes[place].isUp = false
        for (number, link) in links.sorted(by: { $0.key < $1.key }) where link.ends.0 == place || link.ends.1 == place { end(number) }
    }

    mutating func freeze(_ place: Int) { nodes[place].isFrozen = true }

    mutating func thaw(_ place: Int) {
        nodes[place].isFrozen = false
        nodes[place].due = now
        for event in nodes[place].held { add(event) }
        nodes[place].held = []
    }

    mutating func leave(_ place: Int) { nodes[place].core.leave() }

    func views(_ place: Int) -> [MemberView] { nodes[place].core.views(now: now) }

    func status(of place: Int, at other: Int) -> MemberStatus? {
        views(other).first { $0.id == nodes[place].core.id }?.status
    }

    /// Whether all that run hold the same of each, and those that run for alive.
    var agree: Bool {
        let running = nodes.indices.filter { nodes[$0].isUp && !nodes[$0].isFrozen }
        return running.allSatisfy { one in running.allSatisfy { status(of: $0, at: one) == .alive } }
    }

    var linkCount: Int { links.values.count { !$0.isEnded } }

    // MARK: Time

    mutating func run(for duration: Duration) {
        let end = now + duration
        while step(until: end) {}
        now = end
    }

    /// Runs until it is so, or the time is over.
    ///
    /// - Returns: how long it took.
    mutating func run(until isSo: (MemberWorld) -> Bool, within limit: Duration) -> Duration? {
        let start = now
        while now - start < limit {
            if isSo(self) { return now - start }
            run(for: .milliseconds(50))
        }
        return isSo(self) ? now - start : nil
    }

    private mutating func step(until end: Moment) -> Bool {
        let event = events.indices.min { (events[$0].time, events[$0].number) < (events[$1].time, events[$1].number) }
        let node = nodes.indices.filter { nodes[$0].isUp && !nodes[$0].isFrozen }.min { nodes[$0].due < nodes[$1].due }
        let eventTime = event.map { events[$0].time } ?? .distantFuture
        let nodeTime = node.map { nodes[$0].due } ?? .distantFuture
        guard min(eventTime, nodeTime) <= end else { return false }
        now = max(now, min(eventTime, nodeTime))
        if let node, nodeTime < eventTime {
            change(node) { core, now, actions in core.advance(now: now, into: &actions) }
        } else if let event {
            happen(events.remove(at: event).event)
        }
        return true
    }

    private mutating func change(_ place: Int, _ body: (inout MemberCore, Moment, inout [MemberCore.Action]) -> Void) {
        var actions: [MemberCore.Action] = []
        body(&nodes[place].core, now, &actions)
        nodes[place].due = max(now, nodes[place].core.nextDeadline)
        waitingMaximum = max(waitingMaximum, nodes[place].core.waitingBytes)
        for action in actions {
            switch action {
            case .dial(let dial, let address): add(.dialled(node: place, dial: dial, address: address))
            case .wake(let link): add(.pull(link: link, node: place))
            case .close(let link), .cut(let link): end(link)
            case .changed: break
            }
        }
    }

    private mutating func add(_ event: Event) {
        nextNumber += 1
        // A pull is one's own affair.
        let isOwn = if case .pull = event { true } else { false }
        // Frames of one link keep their order because all take as long.
        events.append((isOwn ? now : now + .microseconds(1000), nextNumber, event))
    }

    private mutating func end(_ number: UInt64) {
        guard let link = links[number], !link.isEnded else { return }
        links[number]?.isEnded = true
        add(.ended(link: number, node: link.ends.0))
        add(.ended(link: number, node: link.ends.1))
    }

    private mutating func happen(_ event: Event) {
        switch event {
        case .dialled(let node, let dial, let address): connect(node, dial, address)
        case .ended(let link, let node):
            guard nodes[node].isUp else { return }
            // Its process hears of it when it runs again.
            if nodes[node].isFrozen { return nodes[node].held.append(event) }
            change(node) { core, now, actions in core.linkEnded(link, now: now, into: &actions) }
        case .pull(let link, let node): pull(link, node)
        case .frame(let link, let node, let bytes): deliver(link, node, bytes, event)
        }
    }

    private mutating func connect(_ node: Int, _ dial: UInt64, _ address: String) {
        guard nodes[node].isUp else { return }
        guard let other = Int(address.dropFirst()), other < nodes.count, nodes[other].isUp, !nodes[other].isFrozen else {
            return change(node) { core, now, actions in core.dialFailed(dial, now: now, into: &actions) }
        }
        nextNumber += 1
        let number = nextNumber
        links[number] = Link(ends: (node, other))
        let (own, theirs) = (nodes[node].core.id, nodes[other].core.id)
        change(node) { core, now, actions in core.linkOpened(number, to: theirs, dial: dial, now: now, into: &actions) }
        if other != node { change(other) { core, now, actions in core.linkOpened(number, to: own, dial: nil, now: now, into: &actions) } }
    }

    private mutating func pull(_ number: UInt64, _ node: Int) {
        guard nodes[node].isUp, !nodes[node].isFrozen, let link = links[number], !link.isEnded else { return }
        let side = link.ends.0 == node ? 1 : 0
        var frame: [UInt8] = []
        while links[number]?.underWay[side] ?? 0 < Self.window {
            frame.removeAll(keepingCapacity: true)
            guard nodes[node].core.nextFrame(of: number, now: now, into: &frame, maximum: 1 << 20) else { return }
            links[number]?.underWay[side] += frame.count
            add(.frame(link: number, to: side == 0 ? link.ends.0 : link.ends.1, frame))
        }
    }

    private mutating func deliver(_ number: UInt64, _ node: Int, _ bytes: [UInt8], _ event: Event) {
        guard nodes[node].isUp, let link = links[number], !link.isEnded else { return }
        if nodes[node].isFrozen { return nodes[node].held.append(event) }
        links[number]?.underWay[link.ends.0 == node ? 0 : 1] -= bytes.count
        bytes.withUnsafeBytes { bytes in
            change(node) { core, now, actions in core.received(bytes, from: number, now: now, into: &actions) }
        }
        let other = link.ends.0 == node ? link.ends.1 : link.ends.0
        add(.pull(link: number, node: other))
    }
}
