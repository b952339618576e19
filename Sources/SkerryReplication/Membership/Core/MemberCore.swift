internal import SkerryCRDT
internal import SkerryGossip
internal import SkerrySession
internal import SkerryWire

/// A member and its links, as a value: which links there are, whom to dial and when, what waits for whom. Nothing in it waits or sends.
///
/// Packets of ``Membership`` go over one link for each member: dialled when there is something to say, taken when the member dialled first, closed
/// when nothing went over it for a while. Both sides prefer the link that the lower id made, so that of two made at once one falls idle.
/// A member that takes nothing costs ``NodeProfile/outboxBytes``: what waits is dropped from the oldest on, as a network would.
struct MemberCore: Sendable {
    typealias LinkID = UInt64

    enum Action: Sendable, Hashable {
        /// Connect and shake hands; then ``linkOpened(_:to:dial:now:into:)`` or ``dialFailed(_:now:into:)``.
        case dial(UInt64, address: String)
        /// The link has output: ``nextFrame(of:now:into:maximum:)``.
        case wake(LinkID)
        case close(LinkID)
        case cut(LinkID)
        /// What ``views(now:)`` shows has changed in more than times.
        case changed
    }

    struct Peer: Sendable {
        /// The one that is sent over comes first.
        var links: [LinkID] = []
        var dial: UInt64?
        var attempts: ReconnectPolicy.Attempts
        /// Not dialled before.
        var retryAt = Moment.zero
        var outbox: FrameQueue
        var heardAt: Moment?
        var roundTrip: Duration?
        var echoToken: UInt64?
        var echoAt = Moment.zero
        /// It has spoken of views over a link that stands.
        var speaksViews = false
    }

    struct OpenLink: Sendable {
        var member: MemberID
        var isDialled: Bool
        var usedAt: Moment
    }

    /// An address that a person wrote.
    struct Seed: Sendable {
        let address: String
        var attempts: ReconnectPolicy.Attempts
        var retryAt: Moment
        var dial: UInt64?
        /// A member answered there.
        var isMet = false
        /// It is this node's own.
        var isSelf = false
    }

    private enum DialTarget: Sendable { case member(MemberID), seed(Int) }

    private(set) var membership: Membership
    private(set) var neighbourhood: Neighbourhood
    let profile: NodeProfile
    /// Packets and frames that broke the rules, for a log.
    private(set) var malformed: UInt64 = 0
    private(set) var isLeaving = false

    private var generator: SeededGenerator
    private var peers: [MemberID: Peer] = [:]
    private var links: [LinkID: OpenLink] = [:]
    private(set) var seeds: [Seed] = []
    private var dials: [UInt64: DialTarget] = [:]
    private var nextDial: UInt64 = 1
    /// Every member that was heard of and not forgotten.
    private var known: Set<MemberID> = []
    /// Since when members are dead or away.
    private var goneSince: [MemberID: Moment] = [:]
    private var forgotten: [MemberID: MemberOpinion] = [:]
    private var housekeepingAt: Moment
    /// The last moment seen, and how long this process did not run in all.
    private var lastSeen: Moment
    private var stalled = Duration.zero
    private var output = MembershipOutput()
    private var viewOutput: [PeerViews.Action] = []

    /// - Parameter seed: of every random choice.
    init(
        id: MemberID, address: String, epoch: UInt64, incarnation: UInt64, secret: [UInt8]?, seeds: [String], profile: NodeProfile,
        seed: UInt64,
        now: Moment
    ) {
        membership = Membership(
            id: id, address: address, epoch: epoch, incarnation: incarnation, profile: profile.gossip,
            secret: secret.map { ClusterSecret($0) },
            now: Self.milliseconds(now - .zero))
        membership.map.setAddresses([address])
        neighbourhood = Neighbourhood(id: id, profile: profile.neighbourhood)
        self.profile = profile
        self.seeds = seeds.map { Seed(address: $0, attempts: profile.reconnect.attempts(), retryAt: now) }
        generator = SeededGenerator(seed: seed)
        housekeepingAt = now + Self.housekeepingInterval
        lastSeen = now
    }

    var id: MemberID { membership.id }

    private static let housekeepingInterval = Duration.seconds(1)

    private static func milliseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        return UInt64(max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }

    /// The time of membership: without that in which this process did not run.
    private mutating func memberTime(_ now: Moment) -> UInt64 {
        let gap = now - lastSeen
        if gap > max(profile.stall, .milliseconds(Int(3 * profile.gossip.gossipInterval))) { stalled += gap }
        lastSeen = max(lastSeen, now)
        return Self.milliseconds(lastSeen - .zero - stalled)
    }
}

// MARK: - Time

extension MemberCore {
    /// When ``advance(now:into:)`` has something to do.
    var nextDeadline: Moment {
        var next = min(housekeepingAt, .zero + .milliseconds(Int(clamping: membership.nextDeadline)) + stalled)
        guard !isLeaving else { return next }
        for seed in seeds where isWanted(seed) { next = min(next, seed.retryAt) }
        return next
    }

    mutating func advance(now: Moment, into actions: inout [Action]) {
        let time = memberTime(now)
        membership.advance(now: time, using: &generator, into: &output)
        carry(now, &actions)
        dialSeeds(now, &actions)
        guard now >= housekeepingAt else { return }
        housekeepingAt = now + Self.housekeepingInterval
        tendViews(at: time, now, &actions)
        closeIdle(now, &actions)
        forgetGone(now, &actions)
    }

    /// A seed is dialled until somebody answered there, and again when nobody else is left.
    private func isWanted(_ seed: Seed) -> Bool {
        !seed.isSelf && seed.dial == nil && (!seed.isMet || membership.detector.count == 1)
    }

    private mutating func dialSeeds(_ now: Moment, _ actions: inout [Action]) {
        guard !isLeaving else { return }
        for index in seeds.indices where isWanted(seeds[index]) && seeds[index].retryAt <= now {
            guard let dial = beginDial(.seed(index), seeds[index].address, &actions) else { return }
            seeds[index].dial = dial
        }
    }

    private mutating func closeIdle(_ now: Moment, _ actions: inout [Action]) {
        for (link, state) in links.sorted(by: { $0.key < $1.key }) {
            let isFirst = peers[state.member]?.links.first == link
            guard !isFirst || !neighbourhood.relies(on: state.member) else { continue }
            if now - state.usedAt > (isFirst ? profile.linkIdle : profile.secondLinkIdle) { actions.append(.close(link)) }
        }
    }

    private mutating func forgetGone(_ now: Moment, _ actions: inout [Action]) {
        for member in known.sorted() {
            guard let opinion = membership.detector.opinion(of: member), member != id, !opinion.status.isReachable else {
                goneSince[member] = nil
                continue
            }
            let since = goneSince[member] ?? now
            goneSince[member] = since
            guard now - since >= profile.forgetAfter || forgotten[member].map({ opinion <= $0 }) == true else { continue }
            membership.forget(member)
            if forgotten.count < NodeProfile.forgottenMaximum { forgotten[member] = opinion }
            goneSince[member] = nil
            known.remove(member)
            peers[member] = nil
            actions.append(.changed)
        }
    }
}

// MARK: - Links

extension MemberCore {
    /// A link stands and both sides know who is there.
    ///
    /// - Parameter dial: of links that this side made.
    mutating func linkOpened(_ link: LinkID, to member: MemberID, dial: UInt64?, now: Moment, into actions: inout [Action]) {
        _ = memberTime(now)
        let isGreeting = endDial(dial, member, now)
        // A node that dialled itself, or one that took its name: nothing good comes of either.
        guard member != id else { return actions.append(.cut(link)) }
        links[link] = OpenLink(member: member, isDialled: dial != nil, usedAt: now)
        var peer = peers[member] ?? makePeer()
        if dial == nil { peer.attempts.connected(now: now - .zero) }
        peer.retryAt = now
        peer.heardAt = now
        insert(link, into: &peer)
        while peer.links.count > 2 { actions.append(.close(peer.links.removeLast())) }
        if isGreeting { peer.outbox.append(MemberFrame.exchange.frame(membership.greeting())) }
        let isWaiting = !peer.outbox.isEmpty
        peers[member] = peer
        if isWaiting { actions.append(.wake(peer.links[0])) }
        makeRoom(for: link, &actions)
    }

    /// The preferred one first: made by the lower id; of those, the latest.
    private func insert(_ link: LinkID, into peer: inout Peer) {
        let isPreferred = links[link].map(isPreferred) ?? false
        let place = peer.links.firstIndex { other in isPreferred || !(links[other].map(self.isPreferred) ?? false) }
        peer.links.insert(link, at: place ?? peer.links.count)
    }

    private func isPreferred(_ link: OpenLink) -> Bool { link.isDialled == (id < link.member) }

    private mutating func makeRoom(for link: LinkID, _ actions: inout [Action]) {
        guard links.count > profile.linksMaximum else { return }
        let others = links.filter { $0.key != link && !neighbourhood.relies(on: $0.value.member) }
        let oldest = others.min { ($0.value.usedAt, $0.key) < ($1.value.usedAt, $1.key) }
        if let oldest { actions.append(.close(oldest.key)) }
    }

    /// No link came of a dial.
    mutating func dialFailed(_ dial: UInt64, now: Moment, into actions: inout [Action]) {
        _ = memberTime(now)
        switch dials.removeValue(forKey: dial) {
        case .seed(let index):
            var seed = seeds[index]
            seed.dial = nil
            seed.retryAt = now + retry(&seed.attempts, now)
            seeds[index] = seed
        case .member(let member):
            guard var peer = peers[member] else { return }
            peer.dial = nil
            peer.retryAt = now + retry(&peer.attempts, now)
            peer.outbox.removeAll()
            peers[member] = peer
            lose(member, now, &actions)
        case nil: break
        }
    }

    private mutating func retry(_ attempts: inout ReconnectPolicy.Attempts, _ now: Moment) -> Duration {
        // The policy of a node never gives up; a stranger's that does waits its longest.
        guard case .retry(let delay) = attempts.failed(now: now - .zero, random: generator.unit()) else { return profile.reconnect.maximum }
        return delay
    }

    /// A link is gone, however it ended.
    mutating func linkEnded(_ link: LinkID, now: Moment, into actions: inout [Action]) {
        _ = memberTime(now)
        guard let state = links.removeValue(forKey: link), var peer = peers[state.member] else { return }
        peer.links.removeAll { $0 == link }
        // Who only said a name and went leaves nothing behind.
        if peer.links.isEmpty, peer.dial == nil, !known.contains(state.member) {
            peers[state.member] = nil
            return
        }
        peer.echoToken = nil
        if peer.links.isEmpty {
            peer.outbox.removeAll()
            peer.speaksViews = false
            peer.retryAt = now + retry(&peer.attempts, now)
        } else if !peer.outbox.isEmpty {
            actions.append(.wake(peer.links[0]))
        }
        peers[state.member] = peer
        guard peer.links.isEmpty, !isLeaving else { return }
        neighbourhood.linkEnded(state.member, using: &generator, into: &viewOutput)
        carryViews(now, &actions)
    }

    /// - Returns: whether the member is to be greeted: nobody introduced this node to it yet.
    private mutating func endDial(_ dial: UInt64?, _ member: MemberID, _ now: Moment) -> Bool {
        guard let dial, let target = dials.removeValue(forKey: dial) else { return false }
        switch target {
        case .seed(let index):
            seeds[index].dial = nil
            seeds[index].isMet = true
            seeds[index].isSelf = member == id
            seeds[index].attempts.connected(now: now - .zero)
            seeds[index].retryAt = now + profile.reconnect.maximum
            return true
        case .member(let wanted):
            peers[wanted]?.dial = nil
            if wanted == member {
                peers[wanted]?.attempts.connected(now: now - .zero)
                return false
            }
            // Somebody else has the address now; the views hear of it when they confirm their edges.
            peers[wanted]?.outbox.removeAll()
            peers[wanted]?.retryAt = now + profile.reconnect.maximum
            return true
        }
    }

    private mutating func beginDial(_ target: DialTarget, _ address: String, _ actions: inout [Action]) -> UInt64? {
        guard dials.count < profile.openingsMaximum else { return nil }
        defer { nextDial += 1 }
        dials[nextDial] = target
        actions.append(.dial(nextDial, address: address))
        return nextDial
    }

    private func makePeer() -> Peer {
        Peer(
            attempts: profile.reconnect.attempts(),
            outbox: FrameQueue(countMaximum: profile.outboxFrames, bytesMaximum: profile.outboxBytes))
    }

    /// Links that stand.
    var linkCount: Int { links.count }
    /// Bytes that wait, for all members.
    var waitingBytes: Int { peers.values.reduce(0) { $0 + $1.outbox.bytes } }
}

// MARK: - Frames

extension MemberCore {
    /// Takes a frame. What breaks the rules cuts the link.
    mutating func received(_ frame: UnsafeRawBufferPointer, from link: LinkID, now: Moment, into actions: inout [Action]) {
        let time = memberTime(now)
        guard let member = links[link]?.member else { return }
        links[link]?.usedAt = now
        peers[member]?.heardAt = now
        guard take(frame, of: member, at: time, now, &actions) else {
            malformed += 1
            output.removeAll()
            return actions.append(.cut(link))
        }
        carry(now, &actions)
    }

    /// - Returns: whether the frame follows the rules.
    private mutating func take(
        _ frame: UnsafeRawBufferPointer, of member: MemberID, at time: UInt64, _ now: Moment, _ actions: inout [Action]
    ) -> Bool {
        let body = UnsafeRawBufferPointer(rebasing: frame.dropFirst())
        do throws(MalformedPacket) {
            switch frame.first.flatMap(MemberFrame.init) {
            case .packet: try membership.receive(packet: body, now: time, into: &output)
            case .exchange: try membership.receive(message: body, now: time, into: &output)
            case .echo:
                guard body.count == MemberFrame.tokenBytes else { return false }
                send(MemberFrame.echoReply.frame(Array(body)), to: member, now, &actions)
            case .echoReply: takeEcho(body, of: member, now)
            case .views: takeViews(try membership.viewMessage(in: body, from: member), of: member, now, &actions)
            case nil: return false
            }
            return true
        } catch {
            return false
        }
    }

    private mutating func takeEcho(_ body: UnsafeRawBufferPointer, of member: MemberID, _ now: Moment) {
        guard let peer = peers[member], let token = peer.echoToken, body.elementsEqual(MemberFrame.bytes(of: token)) else { return }
        peers[member]?.echoToken = nil
        peers[member]?.roundTrip = now - peer.echoAt
    }

    /// Gives the next frame for a link.
    ///
    /// - Returns: false when nothing waits that goes over it.
    mutating func nextFrame(of link: LinkID, now: Moment, into frame: inout [UInt8], maximum: Int) -> Bool {
        guard let member = links[link]?.member, var peer = peers[member], peer.links.first == link, !peer.outbox.isEmpty else {
            return false
        }
        defer { peers[member] = peer }
        links[link]?.usedAt = now
        if peer.echoToken == nil || now - peer.echoAt > profile.linkIdle, now - peer.echoAt >= profile.echoInterval {
            let token = generator.next()
            (peer.echoToken, peer.echoAt) = (token, now)
            frame.append(contentsOf: MemberFrame.echo.frame(MemberFrame.bytes(of: token)))
            return true
        }
        while let next = peer.outbox.popFirst() {
            // A table of thousands of members with long addresses may be more than the link carries: then packets have to do.
            guard next.count <= maximum else { continue }
            frame.append(contentsOf: next)
            return true
        }
        return false
    }

    /// Sends a frame, over a link that is dialled where there is none. What nobody can take now is lost, as a datagram is.
    ///
    /// - Returns: false when the member cannot be reached.
    @discardableResult
    private mutating func send(_ frame: [UInt8], to member: MemberID, _ now: Moment, _ actions: inout [Action]) -> Bool {
        var peer = peers[member] ?? makePeer()
        defer { peers[member] = peer }
        if let link = peer.links.first {
            actions.append(.wake(link))
        } else if peer.dial == nil {
            guard peer.retryAt <= now, let address = membership.detector.address(of: member) else { return false }
            // Too many links are being opened, which says nothing of the member.
            guard let dial = beginDial(.member(member), address, &actions) else { return true }
            peer.dial = dial
        }
        peer.outbox.append(frame)
        return true
    }

    /// Does what membership wants done.
    private mutating func carry(_ now: Moment, _ actions: inout [Action]) {
        guard !output.packets.isEmpty || !output.messages.isEmpty || !output.events.isEmpty else { return }
        var taken = MembershipOutput()
        swap(&taken, &output)
        for packet in taken.packets { send(MemberFrame.packet.frame(packet.bytes), to: packet.target, now, &actions) }
        for message in taken.messages { send(MemberFrame.exchange.frame(message.bytes), to: message.target, now, &actions) }
        for event in taken.events { follow(event, now, &actions) }
        taken.removeAll()
        output = taken
    }

    private mutating func follow(_ event: MembershipEvent, _ now: Moment, _ actions: inout [Action]) {
        switch event {
        case .joined(let member), .suspected(let member, _), .cleared(let member), .changed(let member): note(member)
        case .left(let member):
            note(member)
            peers[member]?.outbox.removeAll()
            lose(member, now, &actions)
        case .died(let member):
            note(member)
            // Whoever is there after all finds the links gone and makes new ones.
            for link in peers[member]?.links ?? [] { actions.append(.cut(link)) }
            peers[member]?.outbox.removeAll()
            peers[member]?.roundTrip = nil
            lose(member, now, &actions)
        case .refuted: break
        }
        actions.append(.changed)
    }

    private mutating func note(_ member: MemberID) {
        known.insert(member)
        if membership.detector.opinion(of: member)?.status.isReachable == true { forgotten[member] = nil }
    }
}

// MARK: - Views

extension MemberCore {
    private mutating func tendViews(at time: UInt64, _ now: Moment, _ actions: inout [Action]) {
        guard !isLeaving else { return }
        let members = membership.detector.reachable
        let partakers = members.filter { membership.map.usesViews($0) == true }
        let usedViews = usesViews
        neighbourhood.advance(now: time, members: members, partakers: partakers, using: &generator, into: &viewOutput)
        if usesViews != usedViews {
            membership.map.setUsesViews(usesViews)
            actions.append(.changed)
        }
        carryViews(now, &actions)
    }

    private mutating func takeViews(_ message: ViewMessage, of member: MemberID, _ now: Moment, _ actions: inout [Action]) {
        peers[member]?.speaksViews = true
        // Who is dead here says first through membership that it is not.
        guard isReachable(member), !isLeaving else { return }
        neighbourhood.receive(message, from: member, using: &generator, into: &viewOutput)
        carryViews(now, &actions)
    }

    /// A member is gone, or cannot be reached.
    private mutating func lose(_ member: MemberID, _ now: Moment, _ actions: inout [Action]) {
        neighbourhood.failed(member, using: &generator, into: &viewOutput)
        carryViews(now, &actions)
    }

    /// Does what the views want done. Whoever cannot be sent a message is lost to them, so it ends with the names that they hold.
    private mutating func carryViews(_ now: Moment, _ actions: inout [Action]) {
        while !viewOutput.isEmpty {
            var taken: [PeerViews.Action] = []
            swap(&taken, &viewOutput)
            for action in taken {
                guard case .send(let message, let target) = action else {
                    actions.append(.changed)
                    continue
                }
                if speaksViews(target), send(MemberFrame.views.frame(membership.packet(of: message)), to: target, now, &actions) {
                    continue
                }
                neighbourhood.failed(target, using: &generator, into: &viewOutput)
            }
        }
    }

    private func speaksViews(_ member: MemberID) -> Bool {
        isReachable(member) && (peers[member]?.speaksViews == true || membership.map.usesViews(member) != nil)
    }

    private var usesViews: Bool { neighbourhood.views != nil }

    /// All others in a small cluster, a few in a large one; sorted.
    var neighbours: [MemberID] { neighbourhood.neighbours(among: membership.detector.reachable) }
}

// MARK: - Members

extension MemberCore {
    /// Writes a field of this member.
    mutating func set(_ field: MemberField, _ bytes: [UInt8]) { membership.map.set(field, bytes) }

    mutating func setApplied(_ dots: [Dot]) { membership.map.setApplied(dots) }

    /// Tells the others that this member leaves. Go on for ``NodeProfile/leaving``.
    mutating func leave() {
        isLeaving = true
        membership.leave()
    }

    /// All members that are known with this one, by id.
    func views(now: Moment) -> [MemberView] {
        let neighbours = Set(neighbours)
        return known.union([id]).sorted().compactMap { member in view(of: member, neighbours, now) }
    }

    private func view(of member: MemberID, _ neighbours: Set<MemberID>, _ now: Moment) -> MemberView? {
        guard let opinion = membership.detector.opinion(of: member), let address = membership.detector.address(of: member) else {
            return nil
        }
        let peer = peers[member]
        let name = membership.map.value(.name, of: member).flatMap { String(validating: $0, as: UTF8.self) }
        return MemberView(
            id: member, name: name ?? "", address: address, status: opinion.status, incarnation: opinion.incarnation, isSelf: member == id,
            silence: peer?.heardAt.map { now - $0 }, roundTrip: peer?.roundTrip, applied: membership.map.applied(of: member) ?? [],
            usesViews: membership.map.usesViews(member) ?? false, isNeighbour: neighbours.contains(member))
    }

    /// Whether another is a member that is held for alive, or doubted and not given up.
    func isReachable(_ member: MemberID) -> Bool { member != id && membership.detector.opinion(of: member)?.status.isReachable == true }

    func address(of member: MemberID) -> String? { membership.detector.address(of: member) }
}
