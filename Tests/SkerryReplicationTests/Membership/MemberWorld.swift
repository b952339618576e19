import SkerryGossip
import SkerrySession

@testable import SkerryReplication

/// Cores of members in virtual time, from one seed. Links take a millisecond, give or take half of it, and hold what a socket holds: a member that is frozen
/// takes nothing, and what it was sent waits. A member that is killed takes its links along. Frames are lost where ``lossPercent`` says so.
struct MemberWorld {
    struct Node {
        var core: MemberCore
        var isUp = true
        var isFrozen = false
        /// When it runs next, and for when that is planned.
        var due: Moment
        fileprivate var plannedAt: Moment?
        /// What came while it was frozen.
        fileprivate var held: [Event] = []

        init(core: MemberCore, due: Moment) { (self.core, self.due) = (core, due) }
    }

    fileprivate enum Event {
        case dialled(node: Int, dial: UInt64, address: String)
        case frame(link: UInt64, to: Int, [UInt8])
        case ended(link: UInt64, node: Int)
        case pull(link: UInt64, node: Int)
        case advance(node: Int)
    }

    /// Happens in order of time, first what came to be planned first; members run behind what comes to them at the same time.
    private struct Plan: Comparable {
        let time: Moment
        let number: UInt64
        let event: Event

        static func < (left: Plan, right: Plan) -> Bool { (left.time, left.number) < (right.time, right.number) }
        static func == (left: Plan, right: Plan) -> Bool { (left.time, left.number) == (right.time, right.number) }
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
    private var plans = PlanHeap<Plan>()
    private var links: [UInt64: Link] = [:]
    private var nextNumber: UInt64 = 1
    private var generator: SeededGenerator
    let profile: NodeProfile
    let secret: [UInt8]?
    /// The most bytes that ever waited in one core.
    private(set) var waitingMaximum = 0
    /// Of frames between members.
    var lossPercent = 0
    /// Over the frames that came, and who sent them to whom.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    /// Frames of views that came, and those of them that came to members that know none.
    private(set) var framesOfViews = (all: 0, misled: 0)
    /// Places of members of a build without views.
    private var withoutViews: Set<Int> = []

    init(seed: UInt64, profile: NodeProfile = NodeProfile(), secret: [UInt8]? = nil) {
        generator = SeededGenerator(seed: seed)
        (self.profile, self.secret) = (profile, secret)
    }

    // MARK: Members

    /// - Parameter incarnation: of a member that was there before, with its place.
    /// - Parameter knowsViews: false for a member of a build without views.
    mutating func start(
        joining seeds: [Int], id: MemberID? = nil, at place: Int? = nil, incarnation: UInt64 = 1, knowsViews: Bool = true
    ) {
        let place = place ?? nodes.count
        var profile = profile
        if !knowsViews {
            profile.neighbourhood.membersWithoutViews = .max
            profile.neighbourhood.membersWithViews = .max
            withoutViews.insert(place)
        }
        var core = MemberCore(
            id: id ?? MemberID(rawValue: generator.next()), address: "n\(place)", epoch: UInt64(now.nanoseconds / 1_000_000) + 1,
            incarnation: incarnation, secret: secret, seeds: seeds.map { "n\($0)" }, profile: profile, seed: generator.next(), now: now)
        core.set(.name, Array("member \(place)".utf8))
        let node = Node(core: core, due: now)
        if place < nodes.count { nodes[place] = node } else { nodes.append(node) }
        plan(place)
    }

    /// Lets a member run when it is due.
    private mutating func plan(_ place: Int) {
        guard nodes[place].plannedAt != nodes[place].due else { return }
        nodes[place].plannedAt = nodes[place].due
        plans.insert(Plan(time: nodes[place].due, number: 1 << 63 | UInt64(place), event: .advance(node: place)))
    }

    /// - Parameter isHeard: whether its links end for the others too.
    mutating func kill(_ place: Int, isHeard: Bool = true) {
        nodes[place].isUp = false
        guard isHeard else { return }
        for (number, link) in links.sorted(by: { $0.key < $1.key }) where link.ends.0 == place || link.ends.1 == place { end(number) }
    }

    mutating func freeze(_ place: Int) { nodes[place].isFrozen = true }

    mutating func thaw(_ place: Int) {
        nodes[place].isFrozen = false
        nodes[place].due = now
        plan(place)
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
        guard let plan = plans.minimum, plan.time <= end else { return false }
        plans.removeMinimum()
        now = max(now, plan.time)
        guard case .advance(let place) = plan.event else {
            happen(plan.event)
            return true
        }
        // Planned for another time since.
        guard nodes[place].plannedAt == plan.time else { return true }
        nodes[place].plannedAt = nil
        guard nodes[place].isUp, !nodes[place].isFrozen else { return true }
        change(place) { core, now, actions in core.advance(now: now, into: &actions) }
        return true
    }

    private mutating func change(_ place: Int, _ body: (inout MemberCore, Moment, inout [MemberCore.Action]) -> Void) {
        var actions: [MemberCore.Action] = []
        body(&nodes[place].core, now, &actions)
        nodes[place].due = max(now, nodes[place].core.nextDeadline)
        plan(place)
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
        plans.insert(Plan(time: isOwn ? now : now + .microseconds(1000), number: nextNumber, event: event))
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
        case .advance: break
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
        let isLost = lossPercent > 0 && generator.below(100) < UInt64(lossPercent)
        if !isLost { take(bytes, number, node) }
        let other = link.ends.0 == node ? link.ends.1 : link.ends.0
        add(.pull(link: number, node: other))
    }

    private mutating func take(_ bytes: [UInt8], _ number: UInt64, _ node: Int) {
        digest = (digest ^ UInt64(node) << 32 ^ UInt64(bytes.count)) &* 0x100_0000_01B3
        if bytes.first == MemberFrame.views.rawValue {
            framesOfViews.all += 1
            if withoutViews.contains(node) { framesOfViews.misled += 1 }
        }
        bytes.withUnsafeBytes { bytes in
            change(node) { core, now, actions in core.received(bytes, from: number, now: now, into: &actions) }
        }
    }
}
