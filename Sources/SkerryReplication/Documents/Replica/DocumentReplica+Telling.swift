internal import SkerryCRDT
internal import SkerryDocuments
internal import SkerryGossip
internal import Synchronization

// The store's own log of commits is the list of what is to be told. An entry of the feed is made of each document in it; how far that went is a row that is
// written behind the entries. So a crash in between tells some of it a second time, and nothing not at all.

extension DocumentReplica {
    /// Tells all that was committed and not told yet.
    func tellCommits() async throws(DocumentStoreError) {
        commitsGrew()
        guard state.withLock({ $0.handle?.replica != nil }) else { return }
        await turns.enter(Self.telling)
        defer { turns.leave(Self.telling) }
        state.withLock { $0.isTellingDue = false }
        do throws(DocumentStoreError) {
            for head in documents.feedHeads { try await tellCommits(of: head.origin, through: head.sequence) }
        } catch {
            // The replica takes nothing now: when it does, it is told without another commit.
            if error.code == .busy || error.code == .refused { state.withLock { $0.isTellingDue = true } }
            throw error
        }
        tellReports()
    }

    private func tellCommits(of origin: OriginID, through last: UInt64) async throws(DocumentStoreError) {
        var after = state.withLock { $0.told[origin] ?? 0 }
        while after < last {
            let page = try await documents.feed(of: origin, after: after, limit: DocumentLimits.commitsTold)
            for (name, stretches) in Self.stretches(in: page) {
                try await tell(name, untold(stretches, of: name))
                forget(stretches, of: name)
            }
            // A store that keeps only the last row of each document has fewer rows than commits.
            after = page.last?.dot.sequence ?? last
            toldCommits(of: origin, through: after)
        }
    }

    /// What was committed of each document, in the order of its first commit.
    private static func stretches(
        in page: [SkerryDocuments.FeedEntry]
    ) -> [(name: String, stretches: [SkerryDocuments.FeedEntry.Stretch])] {
        var found: [(name: String, stretches: [SkerryDocuments.FeedEntry.Stretch])] = []
        var places = NameTable<Int>()
        for row in page where !row.isDeletion {
            if let place = places[row.document] {
                found[place].stretches += row.stretches
            } else {
                places[row.document] = found.count
                found.append((row.document, row.stretches))
            }
        }
        return found
    }

    /// What no feed has said yet.
    private func untold(_ stretches: [SkerryDocuments.FeedEntry.Stretch], of name: String) -> [SkerryDocuments.FeedEntry.Stretch] {
        let heard = state.withLock { $0.heard[name] } ?? CausalContext()
        return stretches.filter { !heard.covers(Dot(origin: $0.writer, sequence: $0.events.upperBound)) }
    }

    /// What was heard of a document need not be remembered when the rows of its commits have been seen.
    private func forget(_ stretches: [SkerryDocuments.FeedEntry.Stretch], of name: String) {
        let seen = CausalContext(covering: stretches.map { Dot(origin: $0.writer, sequence: $0.events.upperBound) })
        state.withLock { state in
            guard let heard = state.heard[name] else { return }
            let rest = heard.dots.filter { !seen.covers($0) }
            state.heard[name] = rest.isEmpty ? nil : CausalContext(covering: rest)
        }
    }

    private func toldCommits(of origin: OriginID, through sequence: UInt64) {
        let (replica, rows) = state.withLock { state in
            state.told[origin] = sequence
            return (state.handle?.replica, state.rows)
        }
        guard let replica, let rows else { return }
        replica.write([ReplicaRow(key: rows.told(origin), value: DocumentRows.bytes(sequence))])
    }

    // MARK: - One document

    private func tell(_ name: String, _ stretches: [SkerryDocuments.FeedEntry.Stretch]) async throws(DocumentStoreError) {
        guard !stretches.isEmpty else { return }
        let document: Document
        do throws(DocumentStoreError) { document = try await documents.document(name) } catch {
            guard error.code == .damaged else { throw error }
            // What is damaged cannot be told; the rest can.
            return note(.failed(name, "\(error)"))
        }
        let extract: Extract
        do throws(DocumentError) {
            guard let some = try await self.extract(document, name, stretches) else { return }
            extract = some
        } catch {
            return refuse([DocumentFeedError(.historyCut, "what was committed cannot be told: \(error)", document: name, cause: error)])
        }
        // Of other writers the extract says nothing: what they wrote is told when its own commit is looked at.
        let writers = Set(stretches.map(\.writer))
        let told = CausalContext(covering: extract.version.dots.filter { writers.contains($0.origin) })
        for update in DocumentFeed.updates(of: extract.history) { try await publish(update, of: name, isAhead: extract.isAhead) }
        // Not before: what could not be told now is to be told the next time.
        state.withLock { $0.heard[name, default: CausalContext()].merge(told) }
    }

    private struct Extract {
        var history: [UInt8]
        /// What it reaches at least.
        var version: CausalContext
        /// Whether it may hold events that are not on disk.
        var isAhead: Bool
    }

    /// How often a document that changes meanwhile is looked at anew.
    private static let attemptsMaximum = 8

    private func extract(
        _ document: Document, _ name: String, _ stretches: [SkerryDocuments.FeedEntry.Stretch]
    ) async throws(DocumentError) -> Extract? {
        for attempt in 1... {
            let version = document.version
            let known = Self.version(version, before: stretches)
            guard known != version else { return nil }
            let history = try document.history(since: known)
            let isStill = document.version == version
            if isStill || attempt == Self.attemptsMaximum {
                let stored = try? await documents.summary(name)
                return Extract(history: history, version: version, isAhead: !isStill || !(stored?.version.covers(version) ?? false))
            }
        }
        return nil
    }

    /// A version without events from the first of some stretches on.
    private static func version(_ version: CausalContext, before stretches: [SkerryDocuments.FeedEntry.Stretch]) -> CausalContext {
        var firsts: [OriginID: UInt64] = [:]
        for stretch in stretches { firsts[stretch.writer] = min(firsts[stretch.writer] ?? .max, stretch.events.lowerBound) }
        let dots = version.dots.compactMap { dot -> Dot? in
            let last = min(dot.sequence, (firsts[dot.origin] ?? .max) - 1)
            return last > 0 ? Dot(origin: dot.origin, sequence: last) : nil
        }
        return CausalContext(covering: dots)
    }

    private func publish(_ update: ArraySlice<UInt8>, of name: String, isAhead: Bool) async throws(DocumentStoreError) {
        guard let handle = state.withLock({ $0.handle }) else { return }
        let (key, values) = try await Self.mapped { () throws(DocumentFeedError) in
            (try DocumentFeed.key(of: name), try DocumentFeed.values(of: update))
        }
        // Only this task publishes updates, so the flag is that of these entries.
        state.withLock { $0.isAhead = isAhead }
        defer { state.withLock { $0.isAhead = false } }
        for value in values { try await publish(.write, key, value, of: name, handle) }
    }

    func publish(
        _ kind: SkerryGossip.FeedEntry.Kind, _ key: [UInt8], _ value: [UInt8], of name: String, _ handle: ReplicaPart
    ) async throws(DocumentStoreError) {
        do throws(FeedError) { try handle.publish(kind, key: key, value: value) } catch {
            guard error.code == .overloaded, let replica = handle.replica else { throw Self.refusal(error, name) }
            // What waits becomes durable, then there is room.
            try await Self.mapped { () throws(ReplicaError) in try await replica.durable() }
            do throws(FeedError) { try handle.publish(kind, key: key, value: value) } catch { throw Self.refusal(error, name) }
        }
    }

    private static func refusal(_ error: FeedError, _ name: String) -> DocumentStoreError {
        DocumentStoreError(
            error.code == .overloaded ? .busy : .refused, "it is on disk and cannot be told: \(error)", document: name, cause: error)
    }

    /// Exchanges hear that the store has committed something.
    func commitsGrew() {
        let exchanges = state.withLock { state in
            state.exchanges.removeAll { $0.exchange == nil }
            return state.exchanges.compactMap(\.exchange)
        }
        for exchange in exchanges { exchange.commitsGrew() }
    }
}
