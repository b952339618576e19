public import SkerryMerge
public import SkerryStorage
public import SkerryWire

/// Offers a history to whoever connects: each link has the history opened for itself, so that a slow one holds up nobody.
///
/// ```swift
/// let server = HistoryServer(executor: pool) { _ throws(HistoryError) in
///     .init(history: try History(store: DirectoryHistoryStore(directory: path, files: files)), peer: "client", pushRule: .none)
/// }
/// try await listener.start(server.accept)
/// ```
///
/// How many links there are at once is bounded by the listener's ``LinkLimits/links``.
public struct HistoryServer<Store: HistoryStore>: Sendable {
    /// What a peer is given.
    public struct Offer: Sendable {
        public var history: History<Store>
        /// What the peer is called in remote names.
        public var peer: String
        public var pushRule: ExchangeSession.PushRule

        public init(history: History<Store>, peer: String, pushRule: ExchangeSession.PushRule) {
            self.history = history
            self.peer = peer
            self.pushRule = pushRule
        }
    }

    /// What happens to links, for a log.
    public enum Event: Sendable {
        case connected(LinkPeer)
        case accepted(NameChange, from: LinkPeer)
        /// Nil: politely.
        case ended(LinkPeer, HistoryError?)
    }

    private let executor: any BlockingExecutor
    private let open: @Sendable (LinkPeer) throws(HistoryError) -> Offer
    private let event: @Sendable (Event) -> Void

    /// - Parameters:
    ///   - event: called on any thread.
    ///   - open: called on the executor for each link; what it throws cuts the link.
    public init(
        executor: any BlockingExecutor, event: @escaping @Sendable (Event) -> Void = { _ in },
        open: @escaping @Sendable (LinkPeer) throws(HistoryError) -> Offer
    ) {
        self.executor = executor
        self.event = event
        self.open = open
    }

    /// Serves a link until it ends; returns at once. What a listener is given.
    public func accept(_ link: any Link) {
        Task { [self] in await serve(link) }
    }

    /// Serves a link until it ends.
    public func serve(_ link: any Link) async {
        let peer = link.peer
        event(.connected(peer))
        do throws(HistoryError) {
            let offer = try await openHistory(peer)
            let exchange = HistoryExchange(offer.history, peer: offer.peer, pushRule: offer.pushRule, executor: executor) { _ in
            } accepted: { [event] change in
                event(.accepted(change, from: peer))
            }
            exchange.start(on: link)
            try await exchange.ended()
            event(.ended(peer, nil))
        } catch {
            link.cut()
            event(.ended(peer, error))
        }
    }

    private func openHistory(_ peer: LinkPeer) async throws(HistoryError) -> Offer {
        let open = open
        let result: Result<Offer, HistoryError>
        do throws(StorageError) {
            result = try await executor.run { Result { () throws(HistoryError) in try open(peer) } }
        } catch {
            throw HistoryError(error)
        }
        return try result.get()
    }
}
