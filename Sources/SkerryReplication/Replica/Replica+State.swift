internal import SkerryCRDT
internal import SkerryGossip
internal import Synchronization

extension Replica {
    /// What the lock guards.
    struct State: Sendable {
        var core: FeedCore
        var actions: [FeedAction] = []
        /// By prefix of their keys, and the order in which they were added.
        var parts: [[UInt8]: any Replicated] = [:]
        var partOrder: [[UInt8]] = []
        /// Entries of parts that this replica does not have.
        var unclaimed = EntryIndex()
        /// What comes for parts that are being added: their views may have looked before it.
        var arriving: [[UInt8]: Set<Dot>] = [:]
        /// Prefixes of parts of which something came in this life while they were not here; at most ``Replica/partsMaximum``.
        var stale: Set<[UInt8]> = []
        /// Nil without rules for members.
        var members: MemberState?
        /// Entries beside the log that stand for the position of their origin alone: at most one for each.
        var superseded: Set<Dot> = []
        /// Fenced origins of which a history brought all that is taken in front of the fence: a log that begins behind it has nothing more. At most
        /// ``FeedLimits/origins``.
        var exhausted: Set<OriginID> = []
        /// Histories whose positions are on their way to the store, with what is known of members where they come from.
        var adoptions = 0
        /// The last durable entry of each origin: what makes others believe a position.
        var heads: [OriginID: FeedEntry] = [:]
        /// The last entries of batches that are not durable yet.
        var pendingHeads: [(ticket: UInt64, entries: [FeedEntry])] = []
        var sessions: [UInt32: SessionState] = [:]
        /// Sessions that end when the actions are done.
        var completed: [UInt32] = []
        var nextSession: UInt32 = 1
        var work: [StoreWork] = []
        var isWorking = false
        var lastTicket: UInt64 = 0
        var durableTicket: UInt64 = 0
        /// Groups of work that the store began and ended. What waits goes with the next.
        var groupsBegun: UInt64 = 0
        var groupsDone: UInt64 = 0
        var durableWaiters: [(group: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
        var ticker: Task<Void, Never>?
        var isDisposed = false
        var failure: String?
        var statistics = ReplicaStatistics()

        init(core: FeedCore) { self.core = core }

        /// Keeps an entry if it is its origin's last.
        mutating func hold(_ entry: FeedEntry) {
            if entry.dot.sequence > (heads[entry.dot.origin]?.dot.sequence ?? 0) { heads[entry.dot.origin] = entry }
        }

        /// Applies an entry to its part.
        ///
        /// - Returns: rows to commit with it.
        mutating func apply(_ entry: FeedEntry) -> [ReplicaRow] {
            // What is said about members is no part's.
            if entry.kind == .registry, members != nil { return [] }
            guard let prefix = PartName.prefix(of: entry), let part = parts[Array(prefix)] else {
                let prefix = PartName.prefix(of: entry).map { Array($0) }
                unclaimed.insert(ReplicaEntry(entry, keyStart: prefix?.count ?? 0))
                guard let prefix else { return [] }
                arriving[prefix]?.insert(entry.dot)
                guard !stale.contains(prefix) else { return [] }
                if stale.count < Replica.partsMaximum { stale.insert(prefix) }
                return [ReplicaRow(key: Replica.staleKey(prefix), value: [])]
            }
            return apply(ReplicaEntry(entry, keyStart: prefix.count), to: part)
        }

        private mutating func apply(_ entry: ReplicaEntry, to part: any Replicated) -> [ReplicaRow] {
            if part.apply(entry) { statistics.changes += 1 } else { statistics.unchanged += 1 }
            return part.takeRows()
        }

        /// Gives a new part what waited for it.
        ///
        /// - Parameter wasStale: whether the part's views were told to begin anew.
        mutating func claim(_ prefix: [UInt8], for part: any Replicated, wasStale: Bool) {
            let known = part.digest
            let arrived = arriving.removeValue(forKey: prefix) ?? []
            var late: [ReplicaEntry] = []
            var rows: [ReplicaRow] = part.takeRows()
            for entry in unclaimed.entries(since: CausalContext())
            where PartName.prefix(of: entry.feed).map({ $0.elementsEqual(prefix) }) ?? false {
                unclaimed.remove(entry.dot)
                guard !known.covers(entry.dot) else { continue }
                if arrived.contains(entry.dot) { late.append(entry) } else { rows += apply(entry, to: part) }
            }
            part.caughtUp()
            // What came after the views had looked is in none of their rows.
            for entry in late { rows += apply(entry, to: part) }
            if wasStale || !arrived.isEmpty {
                rows.append(ReplicaRow(key: Replica.staleKey(prefix), value: nil))
                stale.remove(prefix)
            }
            if !rows.isEmpty { work.append(.rows(rows)) }
        }

        /// Takes entries out of all parts that hold theirs in memory.
        ///
        /// - Returns: what went, in write-time order, and the rows of views that go with it.
        mutating func forget(_ isForgotten: (ReplicaEntry) -> Bool) -> (entries: [ReplicaEntry], rows: [ReplicaRow]) {
            var gone: (entries: [ReplicaEntry], rows: [ReplicaRow]) = ([], [])
            for part in partOrder.compactMap({ parts[$0] }) where !part.needsLog {
                gone.entries += part.forget(isForgotten)
                gone.rows += part.takeRows()
            }
            for entry in unclaimed.entries(since: CausalContext()) where isForgotten(entry) {
                unclaimed.remove(entry.dot)
                gone.entries.append(entry)
            }
            gone.entries.sort()
            return gone
        }

        /// What is alive and lacking in a digest, with the last entry of each origin; the positions that it leads to; which of these last entries are alive
        /// no more; and the ticket whose batches must be durable before any of it is sent. Without the entries that only the store has.
        ///
        /// Not less than is applied: what superseded a durable entry may itself not be durable yet, and then neither stands for the other.
        ///
        /// - Parameter isOneWay: whether nobody can ask for what is not given. Else nothing goes beyond the positions: it would hide the entries that lead to them.
        func history(since digest: CausalContext, isOneWay: Bool = false) -> History {
            let frozen = Set(core.frozenOrigins)
            var last = heads
            for batch in pendingHeads {
                for entry in batch.entries where entry.dot.sequence > last[entry.dot.origin]?.dot.sequence ?? 0 {
                    last[entry.dot.origin] = entry
                }
            }
            let lacking = last.values.filter { $0.dot.sequence > digest.sequence(of: $0.dot.origin) && !frozen.contains($0.dot.origin) }
            var entries = (partOrder.compactMap { parts[$0] }.flatMap { $0.history(since: digest) } + unclaimed.entries(since: digest))
                .filter { !frozen.contains($0.origin) }
            if !isOneWay || members != nil { entries.removeAll { $0.dot.sequence > last[$0.origin]?.dot.sequence ?? 0 } }
            let (seen, whole) = (Set(entries.map(\.dot)), wholePrefixes)
            var superseded: [Dot] = []
            for head in lacking where !seen.contains(head.dot) && !head.isOf(whole) {
                entries.append(ReplicaEntry(head, keyStart: PartName.prefix(of: head)?.count ?? 0))
                superseded.append(head.dot)
            }
            return History(
                entries: entries.sorted().map(\.feed), marks: lacking.map(FeedMark.init(of:)).sorted { $0.origin < $1.origin },
                superseded: superseded.sorted(), ticket: lastTicket)
        }

        /// What is alive of some origins up to some of their entries.
        func alive(upTo heads: [FeedEntry]) -> [FeedEntry] {
            let through = CausalContext(covering: heads.map(\.dot))
            let others = Set(core.marks.map(\.origin)).subtracting(heads.map(\.dot.origin))
            let digest = CausalContext(covering: others.sorted().map { Dot(origin: $0, sequence: FeedLimits.sequenceMaximum) })
            let entries = partOrder.compactMap { parts[$0] }.flatMap { $0.history(since: digest) } + unclaimed.entries(since: digest)
            return entries.filter { through.covers($0.dot) }.map(\.feed)
        }

        /// Prefixes of the keys of parts whose entries build on each other (``Replicated/needsLog``): all of these are alive, and only the store has them.
        var wholePrefixes: [[UInt8]] { partOrder.filter { parts[$0]?.needsLog ?? false } }

        /// Ascending, so that what is sent does not depend on the order of a dictionary.
        var sessionIDs: [UInt32] { sessions.keys.sorted() }
    }

    /// What a replica gives to one that lacks more than the log holds.
    struct History: Sendable {
        var entries: [FeedEntry]
        var marks: [FeedMark]
        /// Of the entries those that stand for a position alone.
        var superseded: [Dot]
        var ticket: UInt64
    }

    /// What the store is asked to do, one after the other.
    enum StoreWork: Sendable {
        case append(FeedBatch, [ReplicaRow])
        case read(FeedRead)
        case readLink(FeedLinkQuery)
        /// Entries of a history; the session is told when they are durable.
        case keep([FeedEntry], [ReplicaRow], HistoryCharge)
        /// Positions of a history, by the entries that lead to them; and what the log may hold up to there and is still alive. All entries of some
        /// parts stay, by the prefixes of their keys.
        case adopt([FeedEntry], keeping: [FeedEntry], whole: [[UInt8]], rows: [ReplicaRow])
        /// The state of a member in place of this one.
        case comeHome(HomecomingPlan)
        /// Entries beside the log that must not count any more.
        case withdraw([FeedEntry], [ReplicaRow])
        /// The next entries of a history that only the store has.
        case readHistory(HistoryRead)
        case compact(CompactionPlan, done: CheckedContinuation<Void, Never>)
        case rows([ReplicaRow])

        var writes: Bool {
            switch self {
            case .read, .readLink, .readHistory: false
            default: true
            }
        }
    }

    /// What a part of a history takes of the credit of its session.
    struct HistoryCharge: Sendable {
        var session: UInt32
        /// Of the history.
        var tag: UInt32
        var charge: Int
    }

    /// What a history that is given takes from the store.
    struct HistoryRead: Sendable {
        var session: UInt32
        var tag: UInt32
        var reader: HistoryReader
        /// What was read.
        var entries: [FeedEntry] = []
    }

    /// What came of it.
    enum StoreOutcome: Sendable {
        case persisted(UInt64)
        case rows(FeedRead, [[FeedEntry]])
        case link(FeedLinkQuery, FeedHash?)
        case kept(HistoryCharge)
        /// With the bytes of the log that were in memory for it.
        case adopted([FeedEntry], peak: Int)
        case historyRead(HistoryRead)
        case cameHome(HomecomingResult)
        case compacted([Dot], CheckedContinuation<Void, Never>)
    }
}
