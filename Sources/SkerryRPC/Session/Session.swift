import SkerryCSP
public import SkerrySession
public import SkerryWire

/// A session with one peer: calls, references and channels in both directions, over whatever link there is at the moment.
///
/// The shell around ``SessionCore``, which decides everything: this class keeps what the core names by number (waiting tasks, objects, proxies,
/// running handlers), moves packets between core and link, and does what the core reports.
///
/// An initiator that loses its link connects again and the session goes on as if nothing had happened, as long as the peer still knows it;
/// otherwise every pending call fails at once, every proxy breaks and every exported object is let go of.
///
/// How it runs: packets come in on the loop of the link. Replies resume their callers; a call starts its handler on the loop, up to
/// the first suspension, and what the handlers of one read answer leaves in one write. Everything happens under one lock, but nothing of others does:
/// effects are queued under the lock and done after it, in order, by whoever finds nobody doing them.
///
/// Any thread may use a session. It lives until it is closed or fails, whoever holds it.
public final class Session: Sendable {
    let options: SessionOptions
    let connector: (any Connector)?
    private let server: SessionServer?
    /// Names the session, the same on both sides.
    public let id: SessionID
    let state: Locked<SessionState>
    /// Methods that the peer is known to have in the shape of this side.
    let confirmed = MethodFlags()

    init(
        role: SessionRole, id: SessionID, options: SessionOptions, connector: (any Connector)?, root: Reference,
        server: SessionServer? = nil
    ) {
        self.id = id
        self.server = server
        self.options = options
        self.connector = connector
        var generator = SystemRandomNumberGenerator()
        let identity = SessionIdentity(nodeKey: options.nodeKey, session: id, epoch: .random(in: 1...UInt64.max, using: &generator))
        state = Locked(
            SessionState(
                core: SessionCore(role: role, configuration: options.configuration, identity: identity, now: options.clock.now),
                role: role, options: options, root: root.target))
    }

    /// Opens a session to the peer that `connector` reaches, and returns when the peer has answered.
    ///
    /// - Parameters:
    ///   - root: what the peer finds as the root of this side. Nothing but ``Reference/nothing`` when left out.
    /// - Throws: ``LinkError`` when no link can be made; ``CallError`` when the peer refuses the session or does not answer in time.
    public static func open(
        to connector: any Connector, root: Reference = .nothing, options: SessionOptions = SessionOptions()
    ) async throws -> Session {
        let link = try await connector.connect()
        let options = options.fitting(link)
        var generator = SystemRandomNumberGenerator()
        let session = Session(
            role: .initiator, id: .random(using: &generator), options: options, connector: connector, root: root)
        try await session.begin(link)
        return session
    }

    /// Opens a session over a link that exists; it ends with the link.
    public static func open(
        over link: any Link, root: Reference = .nothing, options: SessionOptions = SessionOptions()
    ) async throws -> Session {
        let options = options.fitting(link)
        var generator = SystemRandomNumberGenerator()
        let session = Session(role: .initiator, id: .random(using: &generator), options: options, connector: nil, root: root)
        try await session.begin(link)
        return session
    }

    // MARK: - What the peer offers

    /// The peer's root facet.
    public var root: RootClient { RootClient(rootReference) }

    /// The peer's root, whatever service it is.
    public var rootReference: Reference { Reference(target: RemoteTarget(self, .root)) }

    /// Who the peer is, as its link says; nil while there is none.
    public var peer: LinkPeer? { state.withLock { $0.attachment?.link.peer ?? $0.lastPeer } }

    /// The hash of the peer's node key as it told; proved by the link where that is possible.
    public var peerKey: [UInt8]? { state.withLock { $0.core.peer?.identity.nodeKey } }

    /// Runs tasks on the loop that carries the present link; nil while there is none, and for links without a thread of their own.
    ///
    /// Many callers at once are served best there: `withTaskExecutorPreference(session.executor) { … }` spares each call two changes of thread. They must
    /// not block. After a reconnection the executor goes on to work, on the loop of the former link.
    public var executor: (any TaskExecutor)? { state.withLock { $0.attachment?.link.executor } }

    // MARK: - The end

    /// Ends the session: what was queued is sent, pending calls fail with code `closed` here and `peerLost` there.
    ///
    /// Returns when the link is closed, or with the last words unsent when the peer does not take them in time.
    public func close(_ reason: CloseReason = .finished) async {
        perform { state, now in
            state.isClosedHere = true
            state.core.close(reason, now: now, into: &state.events)
        }
        await ended()
    }

    /// Takes no more calls and asks for none; returns when those under way have ended and the session is closed.
    ///
    /// For upgrades: the peer's new calls fail with code ``CallError/Code/goingAway``, and were not begun.
    public func drain(_ reason: CloseReason = CloseReason(code: 1, "going away")) async {
        perform { state, _ in state.core.goAway(reason) }
        await ended()
    }

    /// The session is over and nothing refers to it any more but its holders.
    func leave() { server?.forget(self) }

    /// Returns when the session is over.
    public func ended() async {
        await withUnsafeContinuation { continuation in
            let isOver = state.withLock { state in
                if state.isGone { return true }
                state.watchers.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Why the session is over; nil while it lives.
    public var failure: CallError? { state.withLock { $0.failure } }

    /// Whether packets flow at the moment.
    public var isConnected: Bool { state.withLock { $0.failure == nil && $0.core.isEstablished } }
}

extension Session: Equatable {
    public static func == (left: Session, right: Session) -> Bool { left === right }
}
