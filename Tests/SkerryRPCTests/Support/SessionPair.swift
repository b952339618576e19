import SkerryCSP
import SkerryRPC
import SkerrySession
import SkerryWire
import Testing

/// Two sessions that are the two sides of one.
struct SessionPair {
    let client: Session
    let server: Session
    let acceptor: SessionServer

    /// A pair over a link in memory.
    init(
        root: Reference, clientRoot: Reference = .nothing, options: SessionOptions = SessionOptions(),
        serverOptions: SessionOptions? = nil
    ) async throws {
        let listener = MemoryListener()
        let acceptor = SessionServer(root: root, options: serverOptions ?? options)
        try await listener.start { acceptor.accept($0) }
        try await self.init(connector: listener.connector, acceptor: acceptor, clientRoot: clientRoot, options: options)
    }

    /// A pair whose initiator connects by `connector` to `acceptor`.
    init(
        connector: any Connector, acceptor: SessionServer, clientRoot: Reference = .nothing, options: SessionOptions = SessionOptions()
    ) async throws {
        client = try await Session.open(to: connector, root: clientRoot, options: options)
        self.acceptor = acceptor
        let id = client.id
        server = try #require(acceptor.sessions.first { $0.id == id })
    }

    /// The example service, as the client finds it as the root.
    var arith: ArithClient { ArithClient(client.rootReference) }

    func close() async {
        await client.close()
        await server.ended()
    }

    /// A pair around the example service.
    static func withArith(_ calculator: Calculator = Calculator(), options: SessionOptions = SessionOptions()) async throws -> SessionPair {
        try await SessionPair(root: ArithService.reference(to: calculator), options: options)
    }
}

/// Waits until something holds and gives the processor away in between. After a minute, or when the test's own time is over, it
/// records what never came about and throws, so that a test that waits in vain fails instead of holding up the suite.
func eventually(
    _ what: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let start = ContinuousClock.now
    var turn = 0
    while try await !condition() {
        guard !Task.isCancelled, ContinuousClock.now - start < .seconds(60) else {
            Issue.record(what.map { "in vain waited for: \($0)" } ?? "in vain waited for", sourceLocation: sourceLocation)
            throw WaitedInVain()
        }
        turn += 1
        // Other threads get the core now and then.
        if turn % 64 == 0 { try? await Task.sleep(for: .milliseconds(1)) } else { await Task.yield() }
    }
}

struct WaitedInVain: Error {}

/// A gate that tasks wait at until it is opened.
final class Gate: Sendable {
    private let state = Locked<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    var waiting: Int { state.withLock { $0.waiters.count } }
}

/// A note of what happened, in order.
final class Journal<Entry: Sendable>: Sendable {
    private let state = Locked([Entry]())

    func add(_ entry: Entry) { state.withLock { $0.append(entry) } }

    var entries: [Entry] { state.withLock { $0 } }
}
