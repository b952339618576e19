internal import SkerryCRDT
internal import SkerryDocuments
internal import SkerrySession
internal import SkerryStorage
public import SkerryWire
internal import Synchronization

extension DocumentReplica {
    // MARK: - Exchanges

    /// Takes some documents of a peer over a link, keeps them up, and gives the peer what is changed here. The peer calls ``serve(over:)``.
    ///
    /// For a node that wants a part: it need not have the feed, nor be a part of a ``Replica``. Also for one whose peers' logs no longer hold what it lacks.
    ///
    /// - Parameter peer: what the place in the peer's documents is kept under, the same each time; see ``bookmark(as:)``.
    /// - Precondition: the link is ordered.
    @discardableResult
    public func subscribe(to interest: DocumentInterest, as peer: String, over link: any Link) async throws(DocumentFeedError)
        -> DocumentExchange
    {
        precondition(link.traits.delivery == .ordered, "an exchange of documents needs an ordered link")
        var bookmark =
            await bookmark(as: peer)
            ?? ExchangeBookmark(
                interest: interest, cursor: .start(interest), ownLog: documents.origin.rawValue, pushed: 0)
        bookmark.cursor = try bookmark.cursor.moved(from: bookmark.interest, to: interest)
        bookmark.interest = interest
        // Of another log nothing is known to be with the peer.
        if bookmark.ownLog != documents.origin.rawValue { (bookmark.ownLog, bookmark.pushed) = (documents.origin.rawValue, 0) }
        keep(peer) { $0 = bookmark }
        let sink = DocumentSink(interest, cursor: bookmark.cursor, pushed: bookmark.pushed, session: UInt32.random(in: .min ... .max))
        return begin(DocumentExchange(self, sink: sink, peer: peer, over: link))
    }

    /// Serves a peer that wants some documents, over a link.
    ///
    /// - Precondition: the link is ordered.
    @discardableResult
    public func serve(over link: any Link) -> DocumentExchange {
        precondition(link.traits.delivery == .ordered, "an exchange of documents needs an ordered link")
        let source = DocumentSource(log: documents.origin.rawValue, end: commitCount)
        return begin(DocumentExchange(self, source: source, over: link))
    }

    private func begin(_ exchange: DocumentExchange) -> DocumentExchange {
        state.withLock { state in
            state.exchanges.removeAll { $0.exchange == nil }
            state.exchanges.append(WeakExchange(exchange: exchange))
        }
        exchange.begin()
        return exchange
    }

    /// Where the exchange with a peer stands; nil before the first. As a part of a ``Replica`` it is kept beside the log; otherwise keep it, and hand it to
    /// ``setBookmark(_:as:)`` in the next life: without it everything is compared again.
    public func bookmark(as peer: String) async -> ExchangeBookmark? {
        let (known, replica, rows) = state.withLock { ($0.bookmarks[peer], $0.handle?.replica, $0.rows) }
        if known != nil { return known }
        guard let replica, let key = rows?.exchange(peer) else { return nil }
        let found = try? await replica.onStore { store throws(StorageError) in try store.rows(withPrefix: key, from: key, limit: 1) }
        guard let row = found?.first, row.key == key, let value = row.value else { return nil }
        return try? ExchangeBookmark(value)
    }

    public func setBookmark(_ bookmark: ExchangeBookmark, as peer: String) { keep(peer) { $0 = bookmark } }

    func keep(_ peer: String, _ change: (inout ExchangeBookmark) -> Void) {
        let origin = documents.origin.rawValue
        let (bookmark, replica, rows) = state.withLock { state in
            var bookmark = state.bookmarks[peer] ?? ExchangeBookmark(interest: .none, cursor: .start(.none), ownLog: origin, pushed: 0)
            change(&bookmark)
            state.bookmarks[peer] = bookmark
            return (bookmark, state.handle?.replica, state.rows)
        }
        if let replica, let rows { replica.write([ReplicaRow(key: rows.exchange(peer), value: bookmark.bytes)]) }
    }

    // MARK: - What exchanges ask

    /// The last commit of the store.
    var commitCount: UInt64 {
        let origin = documents.origin
        return documents.feedHeads.first { $0.origin == origin }?.sequence ?? 0
    }

    /// How much there is of some documents, with all that came for them.
    func standings(of names: [String]) async throws(DocumentStoreError) -> [DocumentStanding] {
        var found: [DocumentStanding] = []
        for name in names {
            try await takeIn(name)
            let summary = try await documents.summary(name)
            let version = summary.map { $0.isDeleted ? CausalContext() : $0.version }
            found.append(DocumentStanding(name: name, version: version ?? CausalContext()))
        }
        return found
    }

    /// Documents of an interest behind a name, in the order of their names' bytes; whether there are no more.
    func list(
        _ interest: DocumentInterest, after: String, limit: Int
    ) async throws(DocumentStoreError) -> (found: [DocumentStanding], isEnd: Bool) {
        for name in unreadNames where interest.matches(name) { try await takeIn(name) }
        var found: [DocumentSummary] = []
        for name in interest.names where DocumentInterest.precedes(after, name) {
            if let summary = try await documents.summary(name), !summary.isDeleted { found.append(summary) }
            if found.count > limit { break }
        }
        for prefix in interest.prefixes {
            // One more than fits tells whether there are more.
            let page = try await documents.documents(prefix: prefix, after: after.isEmpty ? nil : after, limit: limit + 1)
            found += page
            // Prefixes ascend, and so do their documents.
            if page.count > limit { break }
        }
        found.sort { DocumentInterest.precedes($0.name, $1.name) }
        return (found.prefix(limit).map { DocumentStanding(name: $0.name, version: $0.version) }, found.count <= limit)
    }

    /// The documents that commits behind one changed, each once, by the last of them.
    func changes(after: UInt64, limit: Int) async throws(DocumentStoreError) -> (changes: [DocumentStanding], end: UInt64) {
        let end = commitCount
        let rows = try await documents.feed(of: documents.origin, after: after, limit: limit)
        guard let last = rows.last?.dot.sequence else { return ([], end) }
        var offsets = NameTable<UInt64>()
        for row in rows where !row.isDeletion { offsets[row.document] = row.dot.sequence }
        let ordered = offsets.names.map { (key: $0, value: offsets[$0] ?? 0) }.sorted { $0.value < $1.value }
        let standings = try await standings(of: ordered.map(\.key))
        let changes = zip(ordered, standings).map { DocumentStanding(name: $0.key, version: $1.version, offset: $0.value) }
        return (changes, rows.count < limit ? max(last, end) : last)
    }

    func material(_ name: String, since known: CausalContext) async throws(DocumentStoreError) -> DocumentMaterial {
        let document = try await document(name)
        do throws(DocumentError) { return try DocumentMaterial(of: document, since: known) } catch {
            throw DocumentStoreError(.refused, "\(error)", document: name, cause: error)
        }
    }

    /// Makes what a peer gave part of a document and durable.
    ///
    /// - Returns: why it never becomes part of it, if so.
    /// - Throws: what may be otherwise the next time: nothing is known then of what is on disk.
    func take(_ gift: DocumentGift) async throws(DocumentStoreError) -> DocumentFeedError? {
        switch gift.material.content {
        case .nothing: return nil
        case .diverged:
            return DocumentFeedError(.diverged, "both sides have what the other's history was cut before", document: gift.name)
        case .history(let bytes): return try await take(bytes, gift.name)
        case .snapshot(let bytes): return try await adopt(bytes, gift)
        }
    }

    private func take(_ history: [UInt8], _ name: String) async throws(DocumentStoreError) -> DocumentFeedError? {
        let document = try await document(name)
        var outcome = Result<ImportResult, DocumentError>.success(ImportResult())
        try await taking(name) { () async throws(DocumentStoreError) in
            do throws(DocumentError) { outcome = .success(try document.merge(history)) } catch {
                try Self.throwPassing(error, name)
                return outcome = .failure(error)
            }
            // Also when it brought nothing new: what an earlier one brought may not be on disk yet.
            try await documents.commit(document)
        }
        let result: ImportResult
        do throws(DocumentError) { result = try outcome.get() } catch {
            return DocumentFeedError(
                error.code == .notFound ? .historyCut : .impossible, "the document refused it: \(error)", document: name, cause: error)
        }
        if result.applied > 0 { note(.imported(name, result.appliedRanges)) }
        // Of what is on disk the peer hears, whether or not it could be told to others yet: that follows with the next commit.
        do throws(DocumentStoreError) { try await tellCommits() } catch { note(.failed(name, "\(error)")) }
        await goOn(name)
        guard let missing = result.missing else { return nil }
        return DocumentFeedError(.incomplete, "it builds on event \(missing.sequence) of \(missing.origin)", document: name)
    }

    /// Commits what a peer gave, which may have been deleted here.
    private func taking(_ name: String, _ commit: () async throws(DocumentStoreError) -> Void) async throws(DocumentStoreError) {
        guard let (handle, rows) = place, let replica = handle.replica else { return try await commit() }
        await turns.enter(name)
        defer { turns.leave(name) }
        let removals = try await removals(of: name, rows, replica)
        guard !removals.isEmpty else { return try await commit() }
        // A crash behind the commit must not leave what was deleted: whoever opens the documents then puts this one together anew.
        replica.write(rows.marks(ofUnfinished: name))
        try await Self.mapped { () throws(ReplicaError) in try await replica.durable() }
        try await commit()
        try await bury(name, removals, rows, replica)
        finish(name, rows, replica)
    }

    /// What a document refuses today alone is no answer to the peer.
    private static func throwPassing(_ error: DocumentError, _ name: String) throws(DocumentStoreError) {
        guard error.code == .futureStamp else { return }
        throw DocumentStoreError(.busy, "the clock here is behind: \(error)", document: name, cause: error)
    }

    private func adopt(_ snapshot: [UInt8], _ gift: DocumentGift) async throws(DocumentStoreError) -> DocumentFeedError? {
        var refusal: DocumentStoreError?
        try await taking(gift.name) { () async throws(DocumentStoreError) in
            do throws(DocumentStoreError) { try await adoptAsHeard(gift.name, snapshot) } catch {
                guard error.code == .refused else { throw error }
                if let cause = error.cause as? DocumentError { try Self.throwPassing(cause, gift.name) }
                refusal = error
            }
        }
        if let refusal {
            return DocumentFeedError(.diverged, "\(refusal.message)", document: gift.name, cause: refusal.cause as? DocumentError)
        }
        note(.replaced(gift.name))
        await goOn(gift.name)
        commitsGrew()
        return nil
    }

    private func adoptAsHeard(_ name: String, _ snapshot: [UInt8]) async throws(DocumentStoreError) {
        // Its commit is not looked at before it is known what of it was heard.
        await turns.enter(Self.telling)
        defer { turns.leave(Self.telling) }
        let version = try await documents.adopt(name, snapshot: snapshot)
        // What is in a snapshot was told by those who wrote it.
        state.withLock { state in
            state.heard[name, default: CausalContext()].merge(version)
            state.unread[name]?.documentChanged()
        }
    }

    /// What a peer gave may be what something beside the document waits for.
    private func goOn(_ name: String) async {
        do throws(DocumentStoreError) { try await takeIn(name) } catch { note(.failed(name, "\(error)")) }
        tellReports()
    }
}
