public import SkerryCRDT
public import SkerryDocuments
internal import SkerryGossip
internal import SkerryStorage
internal import Synchronization

/// The documents of a store as a part of a ``Replica``: all of them under one feed and one digest, beside whatever else the replica has.
///
/// ```swift
/// let documents = DocumentReplica(store)
/// let replica = try Replica(["documents": documents])
/// try await documents.change("notes/today") { $0.text("body").insert("Hello", at: 0) }
/// try await replica.replicate(over: link)
/// ```
///
/// - Own changes: a commit of the store holds the change and a row of the store's own log; from that row the entry of the feed is made. A crash between
///   both loses nothing: the row is there, and tells what is still to be said.
/// - Changes of others: the entry lies beside the document with the commit that takes it into the feed, so both are there or neither. A document in memory
///   gets it at once, as a remote change; one that nobody uses stays on disk, and gets it when it is opened or when much has come.
/// - Deletions (``delete(_:)``): a removal says what its author had seen; what nobody who deletes had seen survives.
/// - An entry that a document refuses is put aside with an error, see ``refusals``.
///
/// - Important: give a replica with documents a store that lasts as long as the document store does. Where a peer's log begins behind what is missing here,
///   documents come by an exchange (``subscribe(to:as:over:)``), not by the feed.
/// - Memory: what the document store's budget says, some hundred bytes for each document beside which something lies unread.
public final class DocumentReplica: Replicated {
    /// Where the documents are. Open documents by ``document(_:)``, commit by ``commit(_:)`` and delete by ``delete(_:)`` of the replica, so that both
    /// sides hear of it.
    public let documents: DocumentStore
    let report: @Sendable (DocumentReplicaEvent) -> Void
    let state = Mutex(State())
    let turns = Turns()

    /// The name under which own commits are told one after the other; no document has it.
    static let telling = ""

    struct State: Sendable {
        var handle: ReplicaPart?
        var rows: DocumentRows?
        /// The entries that were taken.
        var digest = CausalContext()
        /// To be committed with the entries that were taken since the last time.
        var changes: [ReplicaRow] = []
        /// What lies beside documents.
        var unread = NameTable<Unread>()
        /// Documents to look after, each once.
        var touched: [String] = []
        var isTouched = NameTable<Bool>()
        var isLookingAfter = false
        /// Of documents whose commits were not told yet: what need not be told, because it came from a feed or was said.
        var heard = NameTable<CausalContext>()
        /// By the store's origin.
        var told: [OriginID: UInt64] = [:]
        /// Whether something was committed that may not be told, and that nobody is about to tell.
        var isTellingDue = false
        /// Whether own entries may hold more than is on disk of their document.
        var isAhead = false
        var refusals: [DocumentFeedError] = []
        var events: [DocumentReplicaEvent] = []
        var exchanges: [WeakExchange] = []
        var bookmarks: [String: ExchangeBookmark] = [:]
    }

    struct WeakExchange: Sendable {
        weak var exchange: DocumentExchange?
    }

    /// - Parameter report: hears what happens, one after the other, without any lock.
    public init(_ documents: DocumentStore, report: @escaping @Sendable (DocumentReplicaEvent) -> Void = { _ in }) {
        self.documents = documents
        self.report = report
    }

    // MARK: - Documents

    /// The document of a name with all that came for it; an empty one when there is none yet.
    ///
    /// - Throws: as `DocumentStore.document(_:)`.
    public func document(_ name: String) async throws(DocumentStoreError) -> Document {
        try await takeIn(name)
        return try await documents.document(name)
    }

    /// Makes what the document has now durable, and tells it to all peers.
    ///
    /// - Throws: as `DocumentStore.commit(_:)`; `busy` when it is durable and cannot be told now: that follows with the next commit.
    @discardableResult
    public func commit(_ document: Document) async throws(DocumentStoreError) -> CausalContext {
        let version = try await documents.commit(document)
        try await tellCommits()
        return version
    }

    /// Changes a document; it is durable when the call returns, and on its way to all peers. Where a snapshot replaces the document meanwhile, the body
    /// runs once more, on that.
    @discardableResult
    public func change<Value: Sendable>(
        _ name: String, _ body: @Sendable (Change) -> Value
    ) async throws(DocumentStoreError) -> Value {
        for isLast in [false, true] {
            let document = try await document(name)
            let value = document.change(body)
            do throws(DocumentStoreError) { try await documents.commit(document) } catch {
                guard error.code == .notFound, !isLast else { throw error }
                continue
            }
            try await tellCommits()
            return value
        }
        throw DocumentStoreError(.notFound, "the document was replaced or deleted meanwhile", document: name)
    }

    /// Documents in the order of their names' bytes, with all that came for them.
    ///
    /// - Complexity: opens those beside which something lies unread.
    public func documents(
        prefix: String = "", after name: String? = nil, limit: Int = 1000
    ) async throws(DocumentStoreError) -> [DocumentSummary] {
        for unread in unreadNames where unread.utf8.starts(with: prefix.utf8) { try await takeIn(unread) }
        return try await documents.documents(prefix: prefix, after: name, limit: limit)
    }

    /// Cuts the history of a document at what it is now: a peer that lacks something from before gets the state instead.
    ///
    /// Safe when every peer has all that the document has; one that does not, and has events of its own, has to settle that by hand
    /// (``DocumentFeedError/Code/diverged``). Whoever holds the `Document` asks for it again.
    public func cutHistory(of name: String) async throws(DocumentStoreError) {
        let document = try await document(name)
        try await commit(document)
        try await documents.adopt(name, snapshot: document.snapshot())
        state.withLock { $0.unread[name]?.documentChanged() }
        note(.replaced(name))
        tellReports()
    }

    /// Waits until everything that came is where it belongs, and everything that was committed is told. Documents that nobody uses stay unread.
    public func settle() async throws(DocumentStoreError) {
        await lookAfter()
        for name in unreadNames where state.withLock({ $0.unread[name]?.isUrgent ?? false }) || documents.resident(name) != nil {
            try await takeIn(name)
        }
        try await tellCommits()
        if let replica = state.withLock({ $0.handle?.replica }) {
            try await Self.mapped { () throws(ReplicaError) in try await replica.durable() }
        }
    }

    // MARK: - Looking

    /// Documents beside which something lies that is not part of them, ascending.
    public var unreadNames: [String] { state.withLock { $0.unread.names.sorted(by: DocumentInterest.precedes) } }

    /// Entries that were refused, the latest last, at most ``DocumentLimits/refusals``.
    public var refusals: [DocumentFeedError] { state.withLock { $0.refusals } }

    // MARK: - Reports

    func note(_ event: DocumentReplicaEvent) { state.withLock { $0.events.append(event) } }

    func refuse(_ errors: [DocumentFeedError]) {
        state.withLock { state in for error in errors { state.refuse(error) } }
    }

    /// Called without any lock.
    func tellReports() {
        let events = state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
        for event in events { report(event) }
    }

    /// Errors of the replica as the store's.
    static func mapped<Value, E: Error>(_ body: () async throws(E) -> Value) async throws(DocumentStoreError) -> Value {
        do throws(E) { return try await body() } catch { throw DocumentStoreError(.failed, "\(error)", cause: error) }
    }
}

extension DocumentReplica.State {
    mutating func refuse(_ error: DocumentFeedError) {
        refusals.append(error)
        if refusals.count > DocumentLimits.refusals { refusals.removeFirst() }
        events.append(.refused(error))
    }
}
