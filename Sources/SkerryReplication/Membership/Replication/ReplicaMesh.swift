public import SkerryGossip
public import SkerryWire
internal import SkerrySession
internal import Synchronization

/// Keeps a replica linked with the members that are alive: over which links news goes, whichever way membership finds them.
///
/// ```swift
/// let mesh = ReplicaMesh(node: node) { link in try await replica.replicate(over: link) }
/// try await node.start()
/// mesh.start()
/// ```
///
/// ``MeshPolicy`` says with whom: each with each in a small cluster, with few in a larger one, and along the views of the node in one that has them.
/// A link that breaks is dialled again with back-off, as long as membership holds the member for alive and it is wanted.
public final class ReplicaMesh: Sendable {
    /// Replicates over a link until it ends.
    public typealias Replicate = @Sendable (any Link, MemberID) async -> Void

    private let node: MembershipNode
    private let replicate: Replicate
    private let state: Mutex<State>

    private struct State {
        var policy: MeshPolicy
        var links: [MemberID: (number: UInt64, link: any Link)] = [:]
        var nextNumber: UInt64 = 0
        /// Links that replication runs over right now, also those that were replaced.
        var running = 0
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
        var follower: Task<Void, Never>?
        /// Somebody looks again after links that are not wanted any more.
        var isLookingAgain = false
        var generator = SystemRandomNumberGenerator()
        var isStopped = false
    }

    /// Takes links of replication from the node from now on: before the node starts.
    ///
    /// - Parameter replicate: starts the link, and returns when it has ended.
    public init(node: MembershipNode, policy: MeshPolicy.Profile = MeshPolicy.Profile(), replicate: @escaping Replicate) {
        self.node = node
        self.replicate = replicate
        state = Mutex(State(policy: MeshPolicy(id: node.id, profile: policy)))
        node.accept(.replication) { [weak self] link, member in
            guard let self else { return link.cut() }
            run(link, with: member)
        }
    }

    /// Begins to follow the members.
    public func start() {
        let follower = Task { [weak self, node] in
            for await members in node.changes {
                guard let self else { return }
                follow(members)
            }
        }
        state.withLock { $0.follower = follower }
    }

    /// Closes all links, and returns when replication over them has ended.
    public func stop() async {
        let (links, follower) = state.withLock { state in
            state.isStopped = true
            return (state.links.values.map(\.link), state.follower)
        }
        follower?.cancel()
        for link in links { link.close() }
        await withCheckedContinuation { waiter in
            let isOver = state.withLock { state in
                if state.running > 0 { state.stopWaiters.append(waiter) }
                return state.running == 0
            }
            if isOver { waiter.resume() }
        }
    }

    /// Members that replication runs with, by id.
    public var linked: [MemberID] { state.withLock { $0.links.keys.sorted() } }

    // MARK: Links

    private func follow(_ members: [MemberView]) {
        let reachable = members.filter { !$0.isSelf && $0.status.isReachable }.map(\.id)
        let (here, views, now) = (Set(reachable), MeshPolicy.Views(members), node.now)
        let (wanted, gone, surplus, next) = state.withLock { state -> ([MemberID], [any Link], [any Link], Duration?) in
            guard !state.isStopped else { return ([], [], [], nil) }
            let gone = state.links.filter { !here.contains($0.key) }.map(\.value.link)
            let linked = Set(state.links.keys)
            let wanted = state.policy.wanted(among: reachable, linked: linked, views: views)
            let (surplus, next) = state.policy.surplus(among: reachable, linked: linked.intersection(here), views: views, now: now)
            let isAwaited = next == nil || state.isLookingAgain
            if !isAwaited { state.isLookingAgain = true }
            return (wanted, gone, surplus.compactMap { state.links[$0]?.link }, isAwaited ? nil : next)
        }
        // Whoever is dead to the others may hold its end for ever.
        for link in gone { link.cut() }
        for link in surplus { link.close() }
        for member in wanted { dial(member) }
        if let next { lookAgain(after: next - now) }
    }

    private func lookAgain(after delay: Duration) {
        Task { [weak self, node] in
            await node.sleep(for: delay)
            self?.state.withLock { $0.isLookingAgain = false }
            self?.follow(node.members)
        }
    }

    /// Dials, in a task of its own. The policy lets one member be dialled once at a time.
    private func dial(_ member: MemberID) {
        Task { [weak self, node] in
            do throws(MemberError) {
                let link = try await node.connect(to: member, for: .replication)
                guard let self else { return link.cut() }
                await self.hold(link, with: member)
            } catch {
                await self?.again(member)
            }
        }
    }

    private func run(_ link: any Link, with member: MemberID) {
        Task { [weak self] in
            guard let self else { return link.cut() }
            await hold(link, with: member)
        }
    }

    /// Replicates over a link until it ends, in place of the one that was there.
    private func hold(_ link: any Link, with member: MemberID) async {
        let (number, former) = state.withLock { state -> (UInt64?, (any Link)?) in
            state.policy.connected(member, now: node.now)
            guard !state.isStopped else { return (nil, nil) }
            state.nextNumber += 1
            state.running += 1
            let former = state.links.updateValue((state.nextNumber, link), forKey: member)
            return (state.nextNumber, former?.link)
        }
        guard let number else { return link.cut() }
        // The newer one: the older may have lost its other end without anybody having noticed yet.
        former?.close()
        await replicate(link, member)
        let (isLast, waiters) = state.withLock { state in
            state.running -= 1
            let isLast = state.links[member]?.number == number
            if isLast { state.links[member] = nil }
            guard state.running == 0 else { return (isLast, [CheckedContinuation<Void, Never>]()) }
            defer { state.stopWaiters = [] }
            return (isLast, state.stopWaiters)
        }
        for waiter in waiters { waiter.resume() }
        if isLast { await again(member) }
    }

    /// Dials again after a while, if membership still holds the member for alive.
    private func again(_ member: MemberID) async {
        let delay = state.withLock { state in
            state.isStopped ? nil : state.policy.failed(member, now: node.now, random: Double.random(in: 0..<1, using: &state.generator))
        }
        guard let delay else { return }
        await node.sleep(for: delay)
        state.withLock { $0.policy.waited(member) }
        follow(node.members)
    }
}
