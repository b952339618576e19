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
            // What the life before committed, and had no time to tell.
            state.isTellingDue = true
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
        var unread = NameTable<Unread>()
        var lower = rows.waiting
        while true {
            let page = try store.rows(withPrefix: rows.waiting, from: lower, limit: 256)
            for row in page {
                guard let (name, dot) = rows.waitingEntry(row.key) else { continue }
                let isRemoval = row.value?.first == DocumentFeed.removalTag
                unread[name, default: Unread()].insert(dot, bytes: row.value?.count ?? 0, isRemoval: isRemoval)
            }
            guard page.count == 256, let last = page.last else { break }
            lower = last.key + [0]
        }
        for name in try unfinished(rows, in: store) { unread[name, default: Unread()].isUnfinished = true }
        let (known, found) = (digest ?? CausalContext(), unread)
        state.withLock { state in
            state.digest = known
            state.told = told
            state.unread = found
            // Whoever uses them: a removal is to be done, or a document to be put together.
            for name in found.names.sorted(by: DocumentInterest.precedes) where found[name]?.isUrgent ?? false { state.touch(name) }
        }
    }

    /// Documents that were being put together anew when the life before ended.
    private func unfinished(_ rows: DocumentRows, in store: any ReplicaStore) throws(StorageError) -> [String] {
        var (names, lower) = ([String](), rows.unfinished)
        while true {
            let page = try store.rows(withPrefix: rows.unfinished, from: lower, limit: 256)
            names += page.compactMap { String(validating: $0.key[rows.unfinished.count...], as: UTF8.self) }
            guard page.count == 256, let last = page.last else { return names }
            lower = last.key + [0]
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
        let (isTouched, isTellingDue, replica) = state.withLock { state in
            (!state.touched.isEmpty && !state.isLookingAfter, state.isTellingDue, state.handle?.replica)
        }
        let tells = isTellingDue && (replica?.takesWrites ?? false)
        guard isTouched || tells else { return }
        if tells { state.withLock { $0.isTellingDue = false } }
        Task { await self.lookAfter(tells: tells) }
    }

    // MARK: - Into documents

    /// Gives documents that are in memory, or that have much beside them, what came for them.
    ///
    /// - Parameter tells: whether what was committed is told too.
    func lookAfter(tells: Bool = false) async {
        while let name = nextTouched() {
            let isMuch = state.withLock { state in
                state.unread[name].map { $0.isMuch || $0.isUrgent } ?? false || state.unread.count > DocumentLimits.unreadDocuments
            }
            guard isMuch || documents.resident(name) != nil else { continue }
            do throws(DocumentStoreError) { try await takeIn(name) } catch { note(.failed(name, "\(error)")) }
        }
        // What was heard is forgotten when its commits have been looked at.
        if tells || state.withLock({ !$0.heard.isEmpty }) {
            do throws(DocumentStoreError) { try await tellCommits() } catch { note(.failed("", "\(error)")) }
        }
        tellReports()
    }

    private func nextTouched() -> String? {
        state.withLock { state in
            state.isLookingAfter = !state.touched.isEmpty
            guard let name = state.touched.popLast() else { return nil }
            state.isTouched[name] = nil
            return name
        }
    }

    /// Lets a document have what lies beside it.
    func takeIn(_ name: String) async throws(DocumentStoreError) {
        guard state.withLock({ $0.unread[name] != nil }) else { return }
        await turns.enter(name)
        defer { turns.leave(name) }
        guard let (handle, rows) = place, let replica = handle.replica else { return }
        // What was read may be what more waits for.
        repeat {} while try await look(at: name, rows, replica)
        if state.withLock({ $0.heard.count > DocumentLimits.heardDocuments }) { try await tellCommits() }
    }

    /// - Returns: whether there is more to be read now.
    private func look(at name: String, _ rows: DocumentRows, _ replica: Replica) async throws(DocumentStoreError) -> Bool {
        let version = try await version(of: name)
        guard let look = state.withLock({ $0.beginLook(at: name, version) }), look.reading != .nothing else { return false }
        do throws(DocumentStoreError) {
            let found = try await perform(look, at: name, rows, replica)
            state.withLock { $0.endLook(at: name, look, found) }
        } catch {
            state.withLock { $0.unread[name]?.failed(look.reading) }
            throw error
        }
        guard look.reading != .all, state.withLock({ $0.unread[name] != nil }) else { return false }
        let reached = try await self.version(of: name)
        return state.withLock { $0.unread[name]?.isFilled(at: reached) ?? false }
    }

    /// How far a document is, in memory or on disk.
    private func version(of name: String) async throws(DocumentStoreError) -> CausalContext {
        if let document = documents.resident(name) { return document.version }
        guard let summary = try await documents.summary(name), !summary.isDeleted else { return CausalContext() }
        return summary.version
    }

    /// A look at what lies beside a document.
    struct Look: Sendable {
        var reading: Unread.Reading
        /// What was there when it began.
        var taken: CausalContext
    }

    private func perform(
        _ look: Look, at name: String, _ rows: DocumentRows, _ replica: Replica
    ) async throws(DocumentStoreError) -> Found? {
        // Rows that came are there, those that went are not.
        try await Self.mapped { () throws(ReplicaError) in try await replica.durable() }
        guard case .some(let first, let single) = look.reading else { return try await takeInAll(name, look, rows, replica) }
        guard let some = try await read(first, single, of: name, rows, replica) else { return nil }
        var found = Found()
        found.read = some.map(\.dot)
        found.note(try await takeIn(some, of: name, rows, replica), of: Set(first.map(\.origin)))
        return found
    }

    /// What lies beside a document from some entries on, and single ones; nil where it is more than may be in memory.
    private func read(
        _ first: [Dot], _ single: [Dot], of name: String, _ rows: DocumentRows, _ replica: Replica
    ) async throws(DocumentStoreError) -> [Waiting]? {
        var (found, bytes) = ([Waiting](), 0)
        let ranges = first.map { (rows.waiting(name, $0), rows.waiting(name, $0.origin)) }
        for (lower, prefix) in ranges + single.map({ (rows.waiting(name, $0), rows.waiting(name, $0)) }) {
            let page = try await page(from: lower, within: prefix, of: name, rows, replica)
            found += page.waiting
            bytes += page.waiting.reduce(0) { $0 + $1.value.count }
            guard page.next == nil, found.count <= DocumentLimits.waitingEntries, bytes <= DocumentLimits.waitingBytes else { return nil }
        }
        // Of an origin in the order of their sequences.
        return found.sorted { $0.dot < $1.dot }
    }

    /// Lets a document have all that lies beside it: page by page, again as long as that brings more. Of no page more than
    /// ``DocumentLimits/waitingEntries`` is in memory.
    private func takeInAll(
        _ name: String, _ look: Look, _ rows: DocumentRows, _ replica: Replica
    ) async throws(DocumentStoreError) -> Found {
        var hasMoved = false
        while true {
            var found = Found()
            var pages = 0
            var lower: [UInt8]? = rows.waiting(name)
            while let start = lower {
                let page = try await page(from: start, within: rows.waiting(name), of: name, rows, replica)
                // Also where nothing is there: the document may have to be put together anew.
                let taken = try await takeIn(page.waiting, of: name, rows, replica)
                found.note(taken, of: Set(page.waiting.map(\.dot.origin)))
                found.keep(page.waiting.filter { !taken.gone.contains($0.dot) && look.taken.covers($0.dot) })
                lower = Self.next(page, taken, rows, name)
                pages += 1
            }
            hasMoved = hasMoved || found.isMoving
            // What is on one page was offered until nothing moved any more.
            guard found.isMoving, pages > 1 else {
                found.isMoving = hasMoved
                return found
            }
            try await Self.mapped { () throws(ReplicaError) in try await replica.durable() }
        }
    }

    /// Where the page behind begins. An update whose last pieces are there is read from its first one on, unless it began this page already.
    private static func next(_ page: Page, _ taken: Taken, _ rows: DocumentRows, _ name: String) -> [UInt8]? {
        guard let next = page.next, let origin = page.waiting.last?.dot.origin, let sequence = taken.open[origin] else { return page.next }
        let open = Dot(origin: origin, sequence: sequence)
        return open == page.waiting[0].dot ? next : rows.waiting(name, open)
    }

    /// An entry that lies beside a document.
    typealias Waiting = (dot: Dot, value: [UInt8])

    /// Some of what lies beside a document, and where the next ones begin; nil behind the last.
    private struct Page: Sendable {
        var waiting: [Waiting] = []
        var next: [UInt8]?
    }

    /// Rows that are read at once: of the largest kind they take 16 MiB.
    private static let rowsAtOnce = 64

    /// Rows beside a document from a key on, as many as may be in memory.
    private func page(
        from lower: [UInt8], within prefix: [UInt8], of name: String, _ rows: DocumentRows, _ replica: Replica
    ) async throws(DocumentStoreError) -> Page {
        var page = Page(next: lower)
        var bytes = 0
        while let start = page.next, page.waiting.count < DocumentLimits.waitingEntries {
            let limit = min(Self.rowsAtOnce, DocumentLimits.waitingEntries - page.waiting.count)
            let found = try await Self.mapped { () throws(ReplicaError) in
                try await replica.rows(withPrefix: prefix, from: start, limit: limit)
            }
            page.next = found.count == limit ? found.last.map { $0.key + [0] } : nil
            for row in found {
                guard let dot = rows.waitingEntry(row.key)?.dot, let value = row.value else { continue }
                bytes += value.count
                guard page.waiting.isEmpty || bytes <= DocumentLimits.waitingBytes else {
                    page.next = row.key
                    return page
                }
                page.waiting.append((dot, value))
            }
        }
        return page
    }

    /// What came of letting a document have some of what lies beside it.
    struct Taken: Sendable {
        /// Entries that are done with.
        var gone: Set<Dot>
        /// By origin the first entry of an update that lacks pieces.
        var open: [OriginID: UInt64]
        var waits: [Unread.Wait]
        /// Whether anything became part of the document.
        var isMoving: Bool
    }

    /// Lets a document have some of what lies beside it.
    private func takeIn(
        _ waiting: [Waiting], of name: String, _ rows: DocumentRows, _ replica: Replica
    ) async throws(DocumentStoreError) -> Taken {
        let removals = try await removals(of: name, rows, replica)
        if waiting.isEmpty, !removals.isUnfinished { return Taken(gone: [], open: [:], waits: [], isMoving: false) }
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
        return Taken(gone: gone, open: inbox.openUpdates, waits: inbox.waits, isMoving: !settlement.applied.isEmpty)
    }

    /// Rows whose entries are done with go.
    private func drop(
        _ gone: Set<Dot>, of name: String, _ waiting: [Waiting], _ rows: DocumentRows, _ replica: Replica
    ) {
        let dropped = waiting.filter { gone.contains($0.dot) }
        guard !dropped.isEmpty else { return }
        state.withLock { state in
            for (dot, _) in dropped { state.unread[name]?.remove(dot) }
            if state.unread[name]?.isEmpty ?? false { state.unread[name] = nil }
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
        let (name, value): (String, DocumentFeed.Value)
        do throws(DocumentFeedError) {
            name = try DocumentFeed.name(of: entry.key)
            value = try DocumentFeed.value(entry.value)
            guard value.isRemoval == entry.isRemoval else {
                throw DocumentFeedError(.malformed, "a removal and an update in one entry", document: name)
            }
        } catch {
            var error = error
            error.dot = entry.dot
            throw error
        }
        unread[name, default: DocumentReplica.Unread()].insert(
            entry.dot, bytes: entry.value.count, isRemoval: entry.isRemoval, isLast: value.index + 1 == value.count)
        changes.append(ReplicaRow(key: rows.waiting(name, entry.dot), value: Array(entry.value)))
        // What it had seen stays known, for what comes later.
        if entry.isRemoval { changes.append(ReplicaRow(key: rows.removed(name, entry.origin), value: Array(entry.value.dropFirst()))) }
        touch(name)
    }

    /// The document is to be looked after.
    mutating func touch(_ name: String) {
        guard isTouched[name] == nil else { return }
        isTouched[name] = true
        touched.append(name)
    }

    // MARK: - Looks

    fileprivate mutating func beginLook(at name: String, _ version: CausalContext) -> DocumentReplica.Look? {
        guard let reading = unread[name]?.begin(at: version) else { return nil }
        return DocumentReplica.Look(reading: reading, taken: digest)
    }

    /// - Parameter found: nil where it was more than may be in memory: then all is read.
    fileprivate mutating func endLook(at name: String, _ look: DocumentReplica.Look, _ found: DocumentReplica.Found?) {
        guard let found else {
            unread[name]?.failed(look.reading)
            unread[name]?.documentChanged()
            return
        }
        unread[name]?.ended(look.reading, found)
        if unread[name]?.isEmpty ?? false { unread[name] = nil }
    }
}

extension DocumentReplica.Found {
    fileprivate mutating func note(_ taken: DocumentReplica.Taken, of origins: Set<OriginID>) {
        self.origins.formUnion(origins)
        for origin in origins { open[origin] = taken.open[origin] }
        for wait in taken.waits {
            guard waits.count >= DocumentLimits.waitingEntries else {
                waits.append(wait)
                continue
            }
            for dot in wait.missing { missing[dot.origin] = min(missing[dot.origin] ?? .max, dot.sequence) }
        }
        isMoving = isMoving || taken.isMoving || !taken.gone.isEmpty
    }

    /// Entries that stay. Beyond the bound it is only counted how many.
    fileprivate mutating func keep(_ waiting: [DocumentReplica.Waiting]) {
        for (dot, value) in waiting {
            // Some are on two pages.
            if let last, dot <= last { continue }
            last = dot
            if left.count < DocumentLimits.waitingEntries { left.append((dot, value.count)) } else { othersLeft += 1 }
        }
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
