import SkerryCSP
import SkerrySession
public import SkerryWire

/// Accepts sessions: gives each link that comes to the session it means, or begins one.
///
/// ```swift
/// let server = SessionServer(root: registry.facet)
/// let listener = TCPListener(on: address, security: .tls(key, trusting: .pinned(peers)))
/// try await listener.start { link in server.accept(link) }
/// ```
public final class SessionServer: Sendable {
    public let options: SessionOptions
    private let root: @Sendable (LinkPeer) -> Reference
    private let state = Locked(State())

    private struct State: Sendable {
        var sessions: [SessionID: Session] = [:]
        var isDraining = false
    }

    /// - Parameters:
    ///   - root: what peers find as the root of this side.
    public convenience init(root: Reference, options: SessionOptions = SessionOptions()) {
        self.init(options: options) { _ in root }
    }

    /// - Parameters:
    ///   - root: chooses what a peer finds as the root of this side, by who it is.
    public init(options: SessionOptions = SessionOptions(), root: @escaping @Sendable (LinkPeer) -> Reference) {
        self.options = options
        self.root = root
    }

    /// Takes a link: its first packet says which session it belongs to.
    public func accept(_ link: any Link) {
        if state.withLock({ $0.isDraining }) { return link.cut() }
        link.start(SessionAttachment(link, at: self))
    }

    /// The sessions there are, those without a link included.
    public var sessions: [Session] {
        state.withLock { state in state.sessions.values.sorted { ($0.id.high, $0.id.low) < ($1.id.high, $1.id.low) } }
    }

    /// Takes no new sessions and no new calls; returns when all calls under way have ended and all sessions are closed.
    public func drain() async {
        state.withLock { $0.isDraining = true }
        await withTaskGroup { group in
            for session in sessions { group.addTask { await session.drain() } }
        }
    }

    /// Closes all sessions at once.
    public func close() async {
        state.withLock { $0.isDraining = true }
        await withTaskGroup { group in
            for session in sessions { group.addTask { await session.close() } }
        }
    }

    // MARK: - For links

    /// The session a link's first packet belongs to.
    func session(for attachment: SessionAttachment, _ packet: UnsafeRawBufferPointer) throws(CallError) -> Session {
        let link = attachment.link
        let hello: SessionHello
        do throws(ProtocolViolation) {
            hello = try SessionHello(readingFrom: packet, traits: link.traits)
        } catch {
            throw CallError(.denied, error.description)
        }
        // Who proves a key need not say it; who says one proves it where the link can.
        if let key = link.peer.key, hello.identity.nodeKey != key.bytes, hello.identity.nodeKey.contains(where: { $0 != 0 }) {
            throw CallError(.denied, "the peer says it is another node than its link proves")
        }
        let id = hello.identity.session
        if let session = state.withLock({ $0.sessions[id] }) {
            // Who knows the id alone may not take the session over.
            guard session.peerKey == nil || session.peerKey == hello.identity.nodeKey, session.peer?.key == link.peer.key else {
                throw CallError(.denied, "the session belongs to another node")
            }
            session.attach(attachment)
            return session
        }
        let session = Session(
            role: .acceptor, id: id, options: options.fitting(link), connector: nil, root: root(link.peer), server: self)
        try state.withLock { state throws(CallError) in
            if state.isDraining { throw CallError(.goingAway, "the node takes no new sessions") }
            state.sessions[id] = session
        }
        session.attach(attachment)
        return session
    }

    /// A session is over.
    func forget(_ session: Session) {
        state.withLock { state in
            if state.sessions[session.id] === session { state.sessions[session.id] = nil }
        }
    }
}
