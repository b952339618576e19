public import SkerryCRDT
internal import SkerryDocuments
internal import SkerryGossip
internal import SkerryStorage
internal import Synchronization

// The way of an entry: under the replica's lock it becomes a row beside its document, which is committed with the entry and the mark of its feed; then the
// document takes it in, when it is in memory or when it is asked for; when the document is on disk with it, the row goes.

extension DocumentReplica {
    public var digest: CausalContext { state.withLock { $0.digest } }

    /// True: updates build on each other, and what the log holds is not kept a second time.
    public var needsLog: Bool { true }

    /// Nothing: the replica finds all of it in its store (``needsLog``), in the log or beside it.
    public func history(since digest: CausalContext) -> [ReplicaEntry] { [] }

    public func attached(_ handle: ReplicaPart) {
        let rows = DocumentRows(prefix: handle.prefix)
        state.withLock { state in
            state.handle = handle
            state.rows = rows
        }
        guard let replica = handle.replica else { return }
        do throws(StorageError) {
            try replica.store.withLock { store throws(StorageError) in try load(rows, from: store) }
        } catch {
            // With nothing known every entry of the log is taken again, which changes nothing.
            note(.failed("", "\(error)"))
        }
    }

    /// What the life before left.
    private func load(_ rows: DocumentRows, from store: any ReplicaStore) throws(StorageError) {
        let digest = try store.rows(withPrefix: rows.digest, from: rows.digest, limit: 1).first?.value.flatMap { DocumentRows.version($0) }
        var told: [OriginID: UInt64] = [:]
        for row in try store.rows(withPrefix: rows.told, from: rows.told, limit: 4096) {
            told[OriginID(rawValue: DocumentRows.number(row.key[rows.told.count...]))] = DocumentRows.number((row.value ?? [])[...])
        }
        var unread: [String: Unread] = [:]
        var lower = rows.waiting
        while true {
            let page = try store.rows(withPrefix: rows.waiting, from: lower, limit: 256)
            for row in page {
                guard let (name, dot) = rows.waitingEntry(row.key) else { continue }
                unread[name, default: Unread()].insert(dot, bytes: row.value?.count ?? 0)
                if row.value?.first == DocumentFeed.removalTag { unread[name]?.hasRemoval = true }
            }
            guard page.count == 256, let last = page.last else { break }
            lower = last.key + [0]
        }
        let (known, found) = (digest ?? CausalContext(), unread)
        state.withLock { state in
            state.digest = known
            state.told = told
            state.unread = found
        }
    }

    public func apply(_ entry: ReplicaEntry) -> Bool {
        state.withLock { state in
            guard let rows = state.rows, !state.digest.covers(entry.dot) else { return false }
            state.digest.insert(entry.dot)
            // Own entries are made of what is in the document already.
            if entry.origin == state.handle?.replica?.identity.origin, !state.isAhead, !entry.isRemoval { return true }
            do throws(DocumentFeedError) {
                try state.take(entry, rows)
                return true
            } catch {
                state.refuse(error)
                return false
            }
        }
    }

    public func takeRows() -> [ReplicaRow] {
        state.withLock { state in
            guard let rows = state.rows else { return [] }
            defer { state.changes = [] }
            return state.changes + [ReplicaRow(key: rows.digest, value: DocumentRows.bytes(state.digest))]
        }
    }

    public func tell() {
        tellReports()
        let isDue = state.withLock { !$0.touched.isEmpty && !$0.isLookingAfter }
        guard isDue else { return }
        Task { await self.lookAfter() }
    }

    // MARK: - Into documents

    /// Gives documents that are in memory, or that have much beside them, what came for them.
    func lookAfter() async {
        while let name = nextTouched() {
            let isMuch = state.withLock { state in
                state.unread[name].map { $0.isMuch || $0.hasRemoval } ?? false || state.unread.count > DocumentLimits.unreadDocuments
            }
            guard isMuch || documents.resident(name) != nil else { continue }
            do throws(DocumentStoreError) { try await takeIn(name) } catch { note(.failed(name, "\(error)")) }
        }
        // What was heard is forgotten when its commits have been looked at.
        if state.withLock({ !$0.heard.isEmpty }) {
            do throws(DocumentStoreError) { try await tellCommits() } catch { note(.failed("", "\(error)")) }
        }
        tellReports()
    }

    private func nextTouched() -> String? {
        state.withLock { state in
            state.isLookingAfter = !state.touched.isEmpty
            guard let name = state.touched.popLast() else { return nil }
            // Once for all that came meanwhile.
            state.touched.removeAll { $0 == name }
            return name
        }
    }

    /// Lets a document have what lies beside it.
    func takeIn(_ name: String) async throws(DocumentStoreError) {
        guard state.withLock({ $0.unread[name] != nil }) else { return }
        await turns.enter(name)
        defer { turns.leave(name) }
        guard let replica = state.withLock({ $0.handle?.replica }), let rows = state.withLock({ $0.rows }) else { return }
        if state.withLock({ ($0.unread[name]?.others ?? 0) > 0 }) {
            try await takeInPages(name, rows, replica)
        } else {
            let waiting = try await waiting(name, rows, replica)
            if !waiting.isEmpty { _ = try await takeIn(waiting, of: name, rows, replica) }
        }
        if state.withLock({ $0.heard.count > DocumentLimits.heardDocuments }) { try await tellCommits() }
    }

    /// Lets a document have more than is known entry by entry: page by page, again as long as that brings more. Of no page more than
    /// ``DocumentLimits/waitingEntries`` is in memory.
    private func takeInPages(_ name: String, _ rows: DocumentRows, _ replica: Replica) async throws(DocumentStoreError) {
        let others = state.withLock { $0.unread[name]?.others ?? 0 }
        var isMoving = true
        while isMoving {
            isMoving = false
            // Rows that came are there, those that went are not.
            try await Self.mapped { () throws(ReplicaError) in try await replica.durable() }
            var left: [(dot: Dot, bytes: Int)] = []
            var lower: [UInt8]? = rows.waiting(name)
            while let start = lower {
                let page = try await page(of: name, from: start, rows, replica)
                guard !page.waiting.isEmpty else { break }
                let taken = try await takeIn(page.waiting, of: name, rows, replica)
                if !taken.gone.isEmpty { isMoving = true }
                var open: Dot?
                if page.next != nil, let last = page.waiting.last { open = taken.inbox.openUpdate(of: last.dot.origin) }
                // An update whose last pieces are on the next page is read there from its first one on.
                if let some = open, some == page.waiting[0].dot { open = nil }
                lower = open.map { rows.waiting(name, $0) } ?? page.next
                // For telling what is left the bound and one more is enough.
                for (dot, value) in page.waiting where !taken.gone.contains(dot) && left.count <= DocumentLimits.waitingEntries {
                    left.append((dot, value.count))
                }
            }
            guard !isMoving else { continue }
            state.withLock { state in
                var unread = state.unread[name] ?? DocumentReplica.Unread()
                unread.others -= others
                for (dot, bytes) in left { unread.insert(dot, bytes: bytes) }
                state.unread[name] = unread.isEmpty ? nil : unread
            }
        }
    }

    /// Some of the rows beside a document, and where the next ones begin; nil behind the last.
    private func page(
        of name: String, from lower: [UInt8], _ rows: DocumentRows, _ replica: Replica
    ) async throws(DocumentStoreError) -> (waiting: [(dot: Dot, value: [UInt8])], next: [UInt8]?) {
        let prefix = rows.waiting(name)
        let found = try await Self.mapped { () throws(ReplicaError) in
            try await replica.onStore { store throws(StorageError) in
                try store.rows(withPrefix: prefix, from: lower, limit: DocumentLimits.waitingEntries)
            }
        }
        var (bytes, count) = (0, 0)
        for row in found {
            bytes += row.value?.count ?? 0
            guard count == 0 || bytes <= DocumentLimits.waitingBytes else { break }
            count += 1
        }
        let waiting = found[..<count].compactMap { row -> (dot: Dot, value: [UInt8])? in
            guard let (owner, dot) = rows.waitingEntry(row.key), owner == name else { return nil }
            return (dot, row.value ?? [])
        }
        let isLast = count == found.count && found.count < DocumentLimits.waitingEntries
        return (waiting, isLast ? nil : found[count - 1].key + [0])
    }

    /// Lets a document have some of what lies beside it.
    ///
    /// - Returns: the entries that are done with, and what is not.
    private func takeIn(
        _ waiting: [(dot: Dot, value: [UInt8])], of name: String, _ rows: DocumentRows, _ replica: Replica
    ) async throws(DocumentStoreError) -> (gone: Set<Dot>, inbox: DocumentInbox) {
        let removals = try await removals(of: name, rows, replica)
        let removed = waiting.filter { $0.value.first == DocumentFeed.removalTag }
        if !removed.isEmpty || removals.isUnfinished { try await bury(name, removals, rows, replica) }
        let updates = removed.isEmpty ? waiting : waiting.filter { $0.value.first != DocumentFeed.removalTag }
        var document = try await documents.document(name)
        var inbox = DocumentInbox(name: name)
        var refusals: [DocumentFeedError] = []
        for (dot, value) in updates {
            do throws(DocumentFeedError) { refusals += try inbox.receive(dot, value[...]) } catch {
                // What is too much now stays where it is.
                if error.code != .overflow { refusals.append(error) }
            }
        }
        var settlement = inbox.settle(into: document, removed: removals.seen)
        if settlement.bringsBack {
            try await restore(name, removals, rows, replica)
            document = try await documents.document(name)
            settlement.add(inbox.settle(into: document, removed: removals.seen))
        }
        refusals += settlement.refused
        // Before the commit, whose row would otherwise be told again.
        heard(settlement.applied, of: name)
        if !settlement.done.isEmpty || !settlement.applied.isEmpty { try await documents.commit(document) }
        refuse(refusals)
        let gone = Set(settlement.done + refusals.compactMap(\.dot) + removed.map(\.dot))
        drop(gone, of: name, waiting, rows, replica)
        if !settlement.applied.isEmpty { note(.imported(name, settlement.applied)) }
        if !settlement.missing.isEmpty || settlement.needsHistory { note(.lacks(name, settlement.missing)) }
        tellReports()
        if !settlement.applied.isEmpty { commitsGrew() }
        return (gone, inbox)
    }

    /// What lies beside a document, by origin and sequence.
    private func waiting(
        _ name: String, _ rows: DocumentRows, _ replica: Replica
    ) async throws(DocumentStoreError) -> [(dot: Dot, value: [UInt8])] {
        // Beside those that lie there may still be rows that are on their way out.
        let expected = state.withLock { $0.unread[name]?.sizes ?? [:] }
        if expected.isEmpty { return [] }
        var found = try await read(name, expected, rows, replica)
        if found.count < expected.count {
            // The rows are on their way.
            try await Self.mapped { () throws(ReplicaError) in try await replica.durable() }
            found = try await read(name, expected, rows, replica)
        }
        return found
    }

    /// Those of some entries whose rows are there.
    private func read(
        _ name: String, _ expected: [Dot: Int], _ rows: DocumentRows, _ replica: Replica
    ) async throws(DocumentStoreError) -> [(dot: Dot, value: [UInt8])] {
        let prefix = rows.waiting(name)
        let found = try await Self.mapped { () throws(ReplicaError) in
            try await replica.onStore { store throws(StorageError) in
                try store.rows(withPrefix: prefix, from: prefix, limit: DocumentLimits.waitingEntries)
            }
        }
        return found.compactMap { row in
            guard let dot = rows.waitingEntry(row.key)?.dot, expected[dot] != nil else { return nil }
            return (dot, row.value ?? [])
        }
    }

    /// Rows whose entries are done with go.
    private func drop(
        _ gone: Set<Dot>, of name: String, _ waiting: [(dot: Dot, value: [UInt8])], _ rows: DocumentRows, _ replica: Replica
    ) {
        let dropped = waiting.filter { gone.contains($0.dot) }
        guard !dropped.isEmpty else { return }
        state.withLock { state in
            guard var unread = state.unread[name] else { return }
            for (dot, _) in dropped { unread.remove(dot) }
            state.unread[name] = unread.isEmpty ? nil : unread
        }
        replica.write(dropped.map { ReplicaRow(key: rows.waiting(name, $0.dot), value: nil) })
    }

    private func heard(_ ranges: [EventRange], of name: String) {
        guard !ranges.isEmpty else { return }
        state.withLock { state in
            for range in ranges { state.heard[name, default: CausalContext()].insert(Dot(origin: range.origin, sequence: range.last)) }
        }
    }
}

extension DocumentReplica.State {
    /// Puts an entry beside its document.
    mutating func take(_ entry: ReplicaEntry, _ rows: DocumentRows) throws(DocumentFeedError) {
        let name: String
        do throws(DocumentFeedError) {
            name = try DocumentFeed.name(of: entry.key)
            guard try DocumentFeed.value(entry.value).isRemoval == entry.isRemoval else {
                throw DocumentFeedError(.malformed, "a removal and an update in one entry", document: name)
            }
        } catch {
            var error = error
            error.dot = entry.dot
            throw error
        }
        var unread = unread[name] ?? DocumentReplica.Unread()
        unread.insert(entry.dot, bytes: entry.value.count)
        unread.hasRemoval = unread.hasRemoval || entry.isRemoval
        self.unread[name] = unread
        changes.append(ReplicaRow(key: rows.waiting(name, entry.dot), value: Array(entry.value)))
        // What it had seen stays known, for what comes later.
        if entry.isRemoval { changes.append(ReplicaRow(key: rows.removed(name, entry.origin), value: Array(entry.value.dropFirst()))) }
        touched.append(name)
    }
}

extension Replica {
    /// Changes rows of a part, behind all that was written before.
    func write(_ rows: [ReplicaRow]) {
        state.withLock { state in
            guard state.failure == nil else { return }
            state.work.append(.rows(rows))
        }
        settle()
    }
}
