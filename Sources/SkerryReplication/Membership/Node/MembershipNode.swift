public import SkerryCRDT
public import SkerryGossip
public import SkerrySession
public import SkerryWire
internal import Synchronization

/// A member of a cluster, over links: it finds the others, tells them of itself, and shows who lives.
///
/// ```swift
/// let transport = TCPMemberTransport(on: .init(host: "10.0.0.7", port: 7946), security: .tls(key, trusting: .pinned(peers)))
/// var configuration = MembershipNode.Configuration(id: id, epoch: milliseconds)
/// configuration.name = "hull"
/// configuration.seeds = ["10.0.0.1:7946"]                  // any member will do
/// let node = MembershipNode(configuration, transport: transport)
/// try await node.start()
/// for await members in node.changes { view.show(members) }
/// await node.stop()                                         // the others hear that it left
/// ```
///
/// Links are opened with a handshake that proves the cluster's secret. The one listener also takes links for other purposes, such as replication:
/// ``accept(_:_:)`` and ``connect(to:for:)``.
///
/// - Memory: ``NodeProfile`` bounds links, openings and what waits for each; a member that is stopped or slow costs what waits for it and no more.
public final class MembershipNode: Sendable {
    public struct Configuration: Sendable {
        /// The same for as long as the member's data lives.
        public var id: MemberID
        /// Larger than in every earlier life of this id, for example its milliseconds since 1970.
        public var epoch: UInt64
        /// Larger with every life, where that is known: 0 for an id that is new.
        public var incarnation: UInt64 = 0
        /// For people; at most ``MembershipNode/nameBytesMaximum`` bytes.
        public var name = ""
        /// Addresses of members, of which one that answers is enough. Its own may be among them.
        public var seeds: [String] = []
        /// What it tells the others of itself from the first word on: fields from 17 on, as ``MembershipNode/set(_:_:)``.
        public var fields: [MemberField: [UInt8]] = [:]
        /// What all members know and nobody else. At least 16 random bytes, or nil for a cluster that takes everybody.
        public var secret: [UInt8]?
        public var profile = NodeProfile()
        /// Of every random choice; nil to draw it.
        public var seed: UInt64?

        public init(id: MemberID, epoch: UInt64) {
            self.id = id
            self.epoch = epoch
        }
    }

    /// Called with a link that another member opened; starts it soon or cuts it.
    public typealias LinkHandler = @Sendable (any Link, MemberID) -> Void

    /// Bytes of the longest name.
    public static let nameBytesMaximum = 255

    private let configuration: Configuration
    private let transport: any MemberTransport
    private let clock: any NodeClock
    private let state: Mutex<State>

    private enum Phase { case new, starting, running, leaving, stopped }

    /// A connection that is not a link yet.
    private struct Opening {
        let link: MemberLink
        let deadline: Moment
        let isDialled: Bool
    }

    private struct State {
        var phase = Phase.new
        var core: MemberCore?
        var links: [UInt64: any Link] = [:]
        var openings: [UInt64: Opening] = [:]
        var nextNumber: UInt64 = 1
        var handlers: [LinkPurpose: LinkHandler] = [:]
        var wakeAt: Moment?
        var notices = SnapshotNotices()
        var refusals: [String: MemberError] = [:]
        var random: SystemRandomNumberGenerator
    }

    public init(_ configuration: Configuration, transport: any MemberTransport, clock: any NodeClock = MonotonicNodeClock()) {
        precondition(configuration.name.utf8.count <= Self.nameBytesMaximum, "a name of \(configuration.name.utf8.count) bytes")
        precondition(
            configuration.fields.keys.allSatisfy { $0 > .name }, "fields up to \(MemberField.name.rawValue) are not the application's")
        self.configuration = configuration
        self.transport = transport
        self.clock = clock
        state = Mutex(State(random: SystemRandomNumberGenerator()))
    }
}

// MARK: - Life

extension MembershipNode {
    /// Listens, and goes looking for the seeds. Called once.
    ///
    /// - Returns: the address that the others are told.
    /// - Throws: ``MemberError`` with `link` when the address cannot be listened on, with `stopped` when it was called before.
    @discardableResult
    public func start() async throws(MemberError) -> String {
        let isNew = state.withLock { state in
            defer { if state.phase == .new { state.phase = .starting } }
            return state.phase == .new
        }
        guard isNew else { throw MemberError(.stopped, "a node starts once") }
        let address: String
        do throws(LinkError) { address = try await transport.listen { [weak self] link in self?.accepted(link) ?? link.cut() } } catch {
            state.withLock { $0.phase = .stopped }
            throw MemberError(error)
        }
        guard !address.isEmpty, address.utf8.count <= MembershipLimits.addressBytesMaximum else {
            await transport.shutdown(within: .zero)
            throw MemberError(.address, "an address of \(address.utf8.count) bytes")
        }
        begin(at: address)
        return address
    }

    private func begin(at address: String) {
        perform { state, now, actions in
            var core = MemberCore(
                id: configuration.id, address: address, epoch: configuration.epoch, incarnation: configuration.incarnation,
                secret: configuration.secret, seeds: configuration.seeds, profile: configuration.profile,
                seed: configuration.seed ?? state.random.next(), now: now)
            core.set(.name, Array(configuration.name.utf8))
            for (field, bytes) in configuration.fields.sorted(by: { $0.key.rawValue < $1.key.rawValue }) { core.set(field, bytes) }
            core.advance(now: now, into: &actions)
            state.core = core
            state.phase = .running
            actions.append(.changed)
        }
    }

    /// Tells the others that this member leaves, takes its time for it, and closes all links.
    ///
    /// Returns when everything is closed. Idempotent.
    public func stop() async {
        let isRunning = state.withLock { state in
            guard state.phase == .running else { return false }
            state.phase = .leaving
            return true
        }
        if isRunning {
            perform { state, now, actions in
                state.core?.leave()
                state.core?.advance(now: now, into: &actions)
                actions.append(.changed)
            }
            await sleep(for: configuration.profile.leaving)
        }
        end { $0.close() }
        await transport.shutdown(within: Self.shutdownPatience)
    }

    /// Ends at once, without a word to anybody, as when the process dies.
    public func cut() async {
        end { $0.cut() }
        await transport.shutdown(within: .zero)
    }

    private static let shutdownPatience = Duration.milliseconds(500)

    private func end(_ finish: (any Link) -> Void) {
        let (links, waiters) = state.withLock { state in
            state.phase = .stopped
            let links = Array(state.links.values) + state.openings.values.map { $0.link as any Link }
            return (links, state.notices.finish())
        }
        for link in links { finish(link) }
        for waiter in waiters { waiter.resume() }
    }
}

// MARK: - Members

extension MembershipNode {
    public var id: MemberID { configuration.id }

    /// All members that are known with this one, by id; empty before the start. From any thread.
    public var members: [MemberView] { state.withLock { state in state.core?.views(now: clock.now) ?? [] } }

    /// The members now and after each change, until the node stops. Whoever is slow misses what lies between, never the latest.
    public var changes: MemberChanges { MemberChanges(node: self) }

    /// Tells the others something of this member: a field from 17 on.
    ///
    /// - Precondition: at most ``MembershipLimits/fieldBytesMaximum`` bytes.
    public func set(_ field: MemberField, _ bytes: [UInt8]) {
        precondition(field > .name, "the field \(field.rawValue) is not the application's")
        perform { state, _, actions in
            state.core?.set(field, bytes)
            actions.append(.changed)
        }
    }

    /// What a member told of itself in a field; nil when it did not, or is not known.
    public func value(of field: MemberField, at member: MemberID) -> [UInt8]? {
        state.withLock { $0.core?.membership.map.value(field, of: member) }
    }

    /// Tells the others what this member has applied: the highest sequence of each origin, sorted.
    public func setApplied(_ dots: [Dot]) {
        perform { state, _, actions in
            state.core?.setApplied(dots)
            actions.append(.changed)
        }
    }

    /// Why seeds that nobody answered at were not reached, by address.
    public var unreachedSeeds: [String: MemberError] {
        state.withLock { state in
            guard let core = state.core else { return [:] }
            let waiting = Set(core.seeds.filter { !$0.isMet }.map(\.address))
            return state.refusals.filter { waiting.contains($0.key) }
        }
    }

    /// Links for membership, and bytes that wait for members.
    public var load: (links: Int, waitingBytes: Int) {
        state.withLock { state in (state.core?.linkCount ?? 0, state.core?.waitingBytes ?? 0) }
    }
}

// MARK: - Links for others

extension MembershipNode {
    /// Takes links of a purpose from now on, from members that are held for alive and nobody else. Before ``start()``, so that none is turned away.
    ///
    /// A member may dial before this node has heard of it: its link is cut, and it dials again.
    public func accept(_ purpose: LinkPurpose, _ handler: @escaping LinkHandler) {
        precondition(purpose != .membership, "links of membership are the node's own")
        state.withLock { $0.handlers[purpose] = handler }
    }

    /// Opens a link to a member; whoever asks starts it soon or cuts it.
    ///
    /// Returns after ``NodeProfile/handshake`` and the transport's own patience at the latest; cancellation does not shorten that.
    public func connect(to member: MemberID, for purpose: LinkPurpose) async throws(MemberError) -> any Link {
        let (address, isRunning) = state.withLock { state in (state.core?.address(of: member), state.phase == .running) }
        guard isRunning else { throw MemberError(.stopped, "the node does not run") }
        guard let address else { throw MemberError(.unknownMember, "nobody knows where \(member) is") }
        let (link, outcome) = await withCheckedContinuation { continuation in
            dial(address, purpose) { link, outcome in continuation.resume(returning: (link, outcome)) }
        }
        let found = try outcome.get().member
        guard let link else { throw MemberError(.stopped, "the node does not run") }
        guard found == member else {
            link.cut()
            throw MemberError(.unknownMember, "\(found) is at \(address), and not \(member)")
        }
        return link
    }

    /// Connects and shakes hands.
    ///
    /// - Parameter completion: called once, with the link when there is one.
    private func dial(
        _ address: String, _ purpose: LinkPurpose, _ completion: @escaping @Sendable (MemberLink?, MemberLink.Outcome) -> Void
    ) {
        transport.connect(to: address) { [self] result in
            switch result {
            case .failure(let error): completion(nil, .failure(MemberError(error)))
            case .success(let link):
                let handshake = MemberHandshake(dialling: purpose, as: id, secret: configuration.secret, nonce: nonce())
                open(link, handshake, isDialled: true, completion)
            }
        }
    }

    private func nonce() -> [UInt8] {
        state.withLock { state in (0..<MemberHandshake.nonceBytes).map { _ in UInt8.random(in: 0...255, using: &state.random) } }
    }

    /// Shakes hands over a connection, for as long as the profile allows.
    private func open(
        _ link: any Link, _ handshake: MemberHandshake, isDialled: Bool,
        _ completion: @escaping @Sendable (MemberLink?, MemberLink.Outcome) -> Void
    ) {
        let deadline = clock.now + configuration.profile.handshake
        let number = state.withLock { state -> UInt64? in
            guard state.phase == .running || state.phase == .starting else { return nil }
            // One that dials bounds itself; those that come are turned away where there are too many.
            let count = state.openings.values.reduce(0) { $0 + ($1.isDialled == isDialled ? 1 : 0) }
            guard count < configuration.profile.openingsMaximum else { return nil }
            state.nextNumber += 1
            return state.nextNumber
        }
        guard let number else {
            link.cut()
            return completion(nil, .failure(MemberError(.busy, "\(link.peer): too many links are being opened")))
        }
        let member = MemberLink(link, handshake) { [self] link, outcome in
            state.withLock { _ = $0.openings.removeValue(forKey: number) }
            if case .success = outcome { completion(link, outcome) } else { completion(nil, outcome) }
        }
        state.withLock { $0.openings[number] = Opening(link: member, deadline: deadline, isDialled: isDialled) }
        clock.schedule(at: deadline) { [weak self] in self?.state.withLock { $0.openings[number]?.link }?.cut() }
        member.open()
    }

    /// Whether a link for anything but membership may be given to whoever this is: another member that is held for alive. Whoever is new, dead to the others or has left
    /// first says through membership that it is there; who knows the secret alone gets nothing of what members share.
    private func isMember(_ member: MemberID) -> Bool { state.withLock { $0.core?.isReachable(member) ?? false } }

    private func accepted(_ link: any Link) {
        let purposes = state.withLock { Set($0.handlers.keys).union([.membership]) }
        let handshake = MemberHandshake(accepting: purposes, as: id, secret: configuration.secret, nonce: nonce())
        open(link, handshake, isDialled: false) { [self] link, outcome in
            guard let link, case .success(let opened) = outcome else { return }
            if opened.purpose == .membership { return stand(link, opened.member, dial: nil) }
            guard let handler = state.withLock({ $0.handlers[opened.purpose] }), isMember(opened.member) else { return link.cut() }
            handler(link, opened.member)
        }
    }
}

// MARK: - Links of membership

extension MembershipNode {
    /// Begins to use a link.
    private func stand(_ link: MemberLink, _ member: MemberID, dial: UInt64?) {
        let number = state.withLock { state -> UInt64? in
            guard state.phase == .running || state.phase == .leaving else { return nil }
            state.nextNumber += 1
            state.links[state.nextNumber] = link
            return state.nextNumber
        }
        guard let number else { return link.cut() }
        link.start(LinkEnd(node: self, number: number))
        perform { state, now, actions in state.core?.linkOpened(number, to: member, dial: dial, now: now, into: &actions) }
    }

    /// Drives a link of membership.
    private final class LinkEnd: LinkDriver {
        private let node: MembershipNode
        private let number: UInt64

        init(node: MembershipNode, number: UInt64) {
            self.node = node
            self.number = number
        }

        func received(_ packet: UnsafeRawBufferPointer) {
            node.perform { state, now, actions in state.core?.received(packet, from: number, now: now, into: &actions) }
        }

        func readCompleted() {}

        func nextPacket(into packet: inout [UInt8], maximum: Int) -> Bool {
            let now = node.clock.now
            return node.state.withLock { state in
                state.core?.nextFrame(of: number, now: now, into: &packet, maximum: maximum) ?? false
            }
        }

        func linkClosed(_ error: LinkError?) {
            node.perform { state, now, actions in
                state.links[number] = nil
                state.core?.linkEnded(number, now: now, into: &actions)
            }
        }
    }

    /// Changes the state and does what follows, outside the lock.
    private func perform(_ change: (inout State, Moment, inout [MemberCore.Action]) -> Void) {
        let now = clock.now
        var actions: [MemberCore.Action] = []
        let (wakeAt, waiters) = state.withLock { state -> (Moment?, [CheckedContinuation<Void, Never>]) in
            change(&state, now, &actions)
            let waiters = actions.contains(.changed) ? state.notices.changed() : []
            guard let deadline = state.core?.nextDeadline, state.phase == .running || state.phase == .leaving else { return (nil, waiters) }
            if let wakeAt = state.wakeAt, wakeAt <= deadline { return (nil, waiters) }
            state.wakeAt = deadline
            return (deadline, waiters)
        }
        if let wakeAt { clock.schedule(at: wakeAt) { [weak self] in self?.woken(wakeAt) } }
        for waiter in waiters { waiter.resume() }
        for action in actions { carry(action) }
    }

    private func woken(_ moment: Moment) {
        perform { state, now, actions in
            // An earlier one was asked for in the meantime, and has done the work.
            guard state.wakeAt == moment else { return }
            state.wakeAt = nil
            guard state.phase == .running || state.phase == .leaving else { return }
            state.core?.advance(now: max(now, moment), into: &actions)
        }
    }

    private func carry(_ action: MemberCore.Action) {
        switch action {
        case .wake(let number): link(number)?.wake()
        case .close(let number): link(number)?.close()
        case .cut(let number): link(number)?.cut()
        case .changed: break
        case .dial(let number, let address):
            dial(address, .membership) { [self] link, outcome in
                switch outcome {
                case .success(let opened):
                    state.withLock { $0.refusals[address] = nil }
                    if let link { stand(link, opened.member, dial: number) }
                case .failure(let error):
                    perform { state, now, actions in
                        if state.core?.seeds.contains(where: { $0.address == address }) == true { state.refusals[address] = error }
                        state.core?.dialFailed(number, now: now, into: &actions)
                    }
                }
            }
        }
    }

    private func link(_ number: UInt64) -> (any Link)? { state.withLock { $0.links[number] } }
}

// MARK: - Time

extension MembershipNode {
    /// The time of the node, since its clock's zero.
    var now: Duration { clock.now - .zero }

    func sleep(for delay: Duration) async {
        await withCheckedContinuation { continuation in clock.schedule(at: clock.now + delay) { continuation.resume() } }
    }
}

// MARK: - Changes

extension MembershipNode {
    /// The members after the version that was seen, as soon as there are any; nil when the node has stopped.
    func members(after seen: UInt64) async -> (version: UInt64, members: [MemberView])? {
        let waiter = state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let waits = state.withLock { state in state.notices.wait(waiter, after: seen, continuation) }
                if !waits { return continuation.resume() }
                // Cancelled before it waited: nobody else will wake it.
                if Task.isCancelled { state.withLock { $0.notices.take(waiter) }?.resume() }
            }
        } onCancel: {
            state.withLock { $0.notices.take(waiter) }?.resume()
        }
        return state.withLock { state in
            guard !state.notices.isFinished, !Task.isCancelled, let core = state.core else { return nil }
            return (state.notices.version, core.views(now: clock.now))
        }
    }
}

/// Who waits for the next change, each at most once.
struct SnapshotNotices {
    private(set) var version: UInt64 = 0
    private(set) var isFinished = false
    private var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]

    /// - Returns: whether there is anything to wait for.
    mutating func wait(_ number: UInt64, after seen: UInt64, _ waiter: CheckedContinuation<Void, Never>) -> Bool {
        guard version <= seen, !isFinished else { return false }
        waiters[number] = waiter
        return true
    }

    mutating func take(_ number: UInt64) -> CheckedContinuation<Void, Never>? { waiters.removeValue(forKey: number) }

    mutating func changed() -> [CheckedContinuation<Void, Never>] {
        version += 1
        defer { waiters = [:] }
        return Array(waiters.values)
    }

    mutating func finish() -> [CheckedContinuation<Void, Never>] {
        isFinished = true
        return changed()
    }
}

/// The members of a cluster after each change; see ``MembershipNode/changes``.
public struct MemberChanges: AsyncSequence, Sendable {
    public typealias Element = [MemberView]
    public typealias Failure = Never

    fileprivate let node: MembershipNode

    public func makeAsyncIterator() -> Iterator { Iterator(node: node) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let node: MembershipNode
        fileprivate var seen: UInt64 = 0

        /// Nil when the node has stopped or the task was cancelled.
        public mutating func next() async -> [MemberView]? {
            guard let (version, members) = await node.members(after: seen) else { return nil }
            seen = version
            return members
        }

    }
}
