internal import SkerrySession
internal import Synchronization

/// A place in memory where this process connects to itself: the listener that needs no port.
///
/// ```swift
/// let listener = MemoryListener()
/// try await listener.start { link in link.start(session()) }
/// let link = try await listener.connector.connect()
/// ```
public final class MemoryListener: Listener {
    private let limits: LinkLimits
    private let loops: WireLoops
    private let state = Mutex(State())

    private struct State {
        var accept: (@Sendable (any Link) -> Void)?
        var isStopped = false
        var statistics = ListenerStatistics()
        var nextID = 0
        /// The accepted ends, while their drivers have them.
        var links: [Int: any Link] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    public init(limits: LinkLimits = LinkLimits(), loops: WireLoops = .shared) {
        self.limits = limits
        self.loops = loops
    }

    public var statistics: ListenerStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.openLinks = state.links.count
            return statistics
        }
    }

    /// Connects to this listener.
    public var connector: some Connector { MemoryConnector(listener: self) }

    @discardableResult
    public func start(_ accept: @escaping @Sendable (any Link) -> Void) async throws(LinkError) -> LinkAddress {
        let isFirst = state.withLock { state in
            guard state.accept == nil, !state.isStopped else { return false }
            state.accept = accept
            return true
        }
        guard isFirst else { throw LinkError(.alreadyStarted, "the listener in memory was started before") }
        return LinkAddress(host: "memory", port: 0)
    }

    public func shutdown(within patience: Duration) async {
        let loop = ThreadLoop(eventLoop: loops.next())
        state.withLock { state in
            state.isStopped = true
            state.accept = nil
        }
        loop.execute(after: patience) { [self] in for link in links { link.close() } }
        loop.execute(after: patience + limits.close + .seconds(1)) { [self] in for link in links { link.cut() } }
        await withCheckedContinuation { waiter in
            let isEmpty = state.withLock { state in
                if !state.links.isEmpty { state.waiters.append(waiter) }
                return state.links.isEmpty
            }
            if isEmpty { waiter.resume() }
        }
    }

    private var links: [any Link] {
        state.withLock { Array($0.links.values) }
    }

    fileprivate func connect() throws(LinkError) -> any Link {
        let (near, far) = MemoryLink.pair(.binary, limits, ThreadLoop(eventLoop: loops.next()))
        let accept = state.withLock { state -> (@Sendable (any Link) -> Void)? in
            guard let accept = state.accept else { return nil }
            guard state.links.count < limits.links else {
                state.statistics.refusedConnections += 1
                return nil
            }
            let id = state.nextID
            far.didEnd = { [self] in closed(id) }
            state.nextID += 1
            state.links[id] = far
            state.statistics.acceptedLinks += 1
            return accept
        }
        guard let accept else { throw LinkError(.refused, "the listener in memory takes no link") }
        far.onLoop { accept(far) }
        return near
    }

    private func closed(_ id: Int) {
        let waiters: [CheckedContinuation<Void, Never>] = state.withLock { state in
            state.links.removeValue(forKey: id)
            guard state.links.isEmpty else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

struct MemoryConnector: Connector {
    let listener: MemoryListener

    func connect() async throws(LinkError) -> any Link {
        try listener.connect()
    }
}
