internal import SkerryCRDT
internal import SkerryGossip
internal import SkerryStorage
internal import SkerryWire
internal import Synchronization

extension Replica {
    // MARK: - Under the lock

    /// Does what the core wants, in order.
    func settle(_ state: inout State, _ now: FeedInstant) {
        var index = 0
        while index < state.actions.count {
            let action = state.actions[index]
            index += 1
            switch action {
            case .send(let peer, let bytes): send(bytes, to: peer.rawValue, &state)
            case .persist(let batch):
                var rows = batch.entries.flatMap { state.apply($0) }
                rows += state.members?.apply(batch.entries, own: state.core.identity.origin) ?? []
                if batch.entries.contains(where: { $0.kind == .registry }) { bar(&state) }
                state.lastTicket = max(state.lastTicket, batch.ticket)
                state.pendingHeads.append(
                    (batch.ticket, batch.marks.compactMap { mark in batch.entries.last { $0.dot.origin == mark.origin } }))
                state.work.append(.append(batch, rows))
            case .read(let read): state.work.append(.read(read))
            case .readLink(let query): state.work.append(.readLink(query))
            case .report(let report): note(report, &state, now)
            }
        }
        state.actions.removeAll(keepingCapacity: true)
        let completed = state.completed
        state.completed = []
        for id in completed { close(id, nil, &state) }
    }

    private func note(_ report: FeedReport, _ state: inout State, _ now: FeedInstant) {
        switch report {
        case .established(let peer, let identity, _):
            guard let session = state.sessions[peer.rawValue] else { return }
            session.handle.opened(by: identity)
            events.add(.opened(session.handle.id, identity))
            if session.openedEmpty, session.header?.isEmpty ?? false { synchronised(peer.rawValue, &state, now) }
        case .synchronised(let peer): synchronised(peer.rawValue, &state, now)
        case .refused(let peer, let error):
            guard let session = state.sessions[peer.rawValue] else { return }
            events.add(.refused(session.handle.id, error))
            if let end = ReplicaError(endingBecauseOf: error) { close(peer.rawValue, end, &state) }
        case .refusedByPeer(let peer, let error, _):
            guard let session = state.sessions[peer.rawValue] else { return }
            events.add(.refusedByPeer(session.handle.id, error))
            refusedOwn(error, by: peer, &state, now)
            if let end = ReplicaError(endingBecauseOf: error) { close(peer.rawValue, end, &state) }
        case .equivocation(let peer, let dot, _, _):
            guard let session = state.sessions[peer.rawValue] else { return }
            events.add(.equivocation(session.handle.id, dot))
        case .repairNeeded(let peer, let floor):
            // No history leads to a position behind a fence: one is enough.
            guard !state.core.isFenced(floor) || !state.exhausted.contains(floor.origin) else { return }
            // Of a stranger a history would bring nothing: it is asked for when the origin is a member.
            guard state.core.isAdmitted(floor.origin, from: state.sessions[peer.rawValue]?.header?.origin) else {
                if state.sessions[peer.rawValue]?.strangers.count ?? 0 < FeedLimits.origins {
                    state.sessions[peer.rawValue]?.strangers.insert(floor.origin)
                }
                return
            }
            requestHistory(peer.rawValue, &state)
        case .peerNeedsRepair: break
        }
    }

    // MARK: - Without it

    /// Lets the store work, wakes streams and tells observers, after anything changed.
    func settle() {
        work()
        let (sessions, parts) = state.withLock { state in
            var woken: [ReplicaSession] = []
            for id in state.sessionIDs where state.sessions[id]?.needsWake ?? false {
                state.sessions[id]?.needsWake = false
                if let handle = state.sessions[id]?.handle { woken.append(handle) }
            }
            return (woken, state.partOrder.compactMap { state.parts[$0] })
        }
        for session in sessions { session.wake() }
        for part in parts { part.tell() }
        events.tell()
    }

    /// Begins the store's work unless it is under way.
    private func work() {
        guard let executor = configuration.executor else {
            while let group = nextGroup() { finish(perform(group)) }
            return
        }
        guard let first = nextGroup() else { return }
        Task { await work(first, on: executor) }
    }

    private func work(_ first: [StoreWork], on executor: any BlockingExecutor) async {
        var group: [StoreWork]? = first
        while let some = group {
            do throws(StorageError) {
                finish(try await executor.run { () throws(StorageError) in self.perform(some) })
                group = nextGroup()
                settleSessions()
            } catch {
                // A full pool: the work has not begun.
                if error.code == .unavailable, (try? await Task.sleep(for: .milliseconds(10))) != nil { continue }
                fail("\(error)", some)
                group = nil
            }
        }
        settle()
    }

    /// Streams go on while the store works on the next group.
    private func settleSessions() {
        let woken = state.withLock { state in
            var woken: [ReplicaSession] = []
            for id in state.sessionIDs where state.sessions[id]?.needsWake ?? false {
                state.sessions[id]?.needsWake = false
                if let handle = state.sessions[id]?.handle { woken.append(handle) }
            }
            return woken
        }
        for session in woken { session.wake() }
    }

    /// All that waits; nil when nothing does or somebody else is at it.
    private func nextGroup() -> [StoreWork]? {
        let now = configuration.now()
        return state.withLock { state in
            guard !state.isWorking, state.failure == nil else { return nil }
            if state.work.isEmpty { hasten(&state, now) }
            guard !state.work.isEmpty else { return nil }
            state.isWorking = true
            state.groupsBegun += 1
            defer { state.work = [] }
            return state.work
        }
    }

    /// While a session has not become equal its acknowledgements do not wait for the next tick.
    private func hasten(_ state: inout State, _ now: FeedInstant) {
        guard state.sessions.values.contains(where: { $0.isHasty }) else { return }
        for id in state.sessionIDs { state.sessions[id]?.isHasty = false }
        state.core.tick(now: now, into: &state.actions)
        settle(&state, now)
    }

    /// On the executor: one group, one sync.
    private func perform(_ group: [StoreWork]) -> [StoreOutcome] {
        do throws(StorageError) {
            return try store.withLock { store throws(StorageError) in
                var outcomes: [StoreOutcome] = []
                for work in group {
                    let outcome = try adopted.withLock { adopted throws(StorageError) in
                        try Self.perform(work, on: &store, &adopted)
                    }
                    if let outcome { outcomes.append(outcome) }
                }
                if group.contains(where: \.writes) { try store.sync() }
                return outcomes
            }
        } catch {
            fail("\(error)", group)
            return []
        }
    }

    /// - Parameter adopted: positions taken over, behind which alone entries still count: others may have been taken before the core knew.
    private static func perform(
        _ work: StoreWork, on store: inout any ReplicaStore, _ adopted: inout [OriginID: UInt64]
    ) throws(StorageError) -> StoreOutcome? {
        switch work {
        case .append(var batch, let rows):
            if !adopted.isEmpty {
                batch.entries.removeAll { $0.dot.sequence <= adopted[$0.dot.origin] ?? 0 }
                batch.marks.removeAll { $0.position.sequence <= adopted[$0.origin] ?? 0 }
            }
            try store.append(batch, rows: rows)
            return .persisted(batch.ticket)
        case .read(let read): return .rows(read, try Self.rows(for: read, in: store))
        case .readLink(let query):
            return .link(query, try store.read(query.dot.origin, from: query.dot.sequence, charge: 0).first?.link)
        case .keep(let entries, let rows, let charge):
            try store.adopt([], keeping: entries, rows: rows)
            return .kept(charge)
        case .adopt(let heads, let alive, let whole, let rows):
            let lanes = StoreLanes(store.state)
            let news = heads.filter { $0.dot.sequence > lanes.positions[$0.dot.origin] ?? 0 }
            let origins = Set(news.map(\.dot.origin))
            // The log of these origins goes: what is alive in it stays beside it, in the same commit; where that is all of some parts, in commits before,
            // of which a crash leaves second copies.
            var peak = 0
            if !whole.isEmpty {
                let digest = CausalContext(covering: news.map { Dot(origin: $0.dot.origin, sequence: lanes.floors[$0.dot.origin] ?? 0) })
                var reader = HistoryReader(
                    of: whole, since: digest, through: CausalContext(store.state.marks.filter { origins.contains($0.origin) }))
                while !reader.isAtEnd { try store.adopt([], keeping: try reader.read(from: store), rows: []) }
                peak = reader.peak
            }
            let keeping = alive.filter { origins.contains($0.dot.origin) && lanes.hold($0.dot) }
            try store.adopt(news.map(FeedMark.init(of:)), keeping: keeping, rows: rows)
            for head in news { adopted[head.dot.origin] = head.dot.sequence }
            return .adopted(news, peak: peak)
        case .readHistory(var read):
            read.entries = try read.reader.read(from: store)
            return .historyRead(read)
        case .comeHome(let plan):
            let result = try HomecomingResult.perform(plan, on: &store)
            adopted = Dictionary(plan.heads.map { ($0.dot.origin, $0.dot.sequence) }, uniquingKeysWith: max)
            return .cameHome(result)
        case .withdraw(let entries, let rows):
            try store.replace([], keeping: [], forgetting: entries, followedBy: .empty, rows: rows)
            return nil
        case .compact(let plan, let done):
            try store.compact(trimming: plan.floors, keeping: plan.keeping, forgetting: plan.forgetting, rows: plan.rows)
            return .compacted(plan.floors, done)
        case .rows(let rows):
            try store.append(.empty, rows: rows)
            return nil
        }
    }

    private static func rows(for read: FeedRead, in store: any ReplicaStore) throws(StorageError) -> [[FeedEntry]] {
        var rows: [[FeedEntry]] = []
        var charge = read.charge
        for start in read.starts {
            let row = try store.read(start.origin, from: start.sequence, charge: charge)
            rows.append(row)
            charge -= row.reduce(0) { $0 + $1.charge }
            if charge <= 0 { break }
        }
        return rows
    }

    /// Hands to the core what came of a group.
    private func finish(_ outcomes: [StoreOutcome]) {
        let now = configuration.now()
        var done: [CheckedContinuation<Void, Never>] = []
        state.withLock { state in
            state.isWorking = false
            state.groupsDone = state.groupsBegun
            state.statistics.writeGroups += 1
            guard state.failure == nil else { return }
            // Batches become durable in order: the last ticket says it for all.
            var ticket: UInt64 = 0
            for case .persisted(let some) in outcomes { ticket = max(ticket, some) }
            if ticket > 0 { becameDurable(ticket, &state, now) }
            for outcome in outcomes {
                switch outcome {
                case .persisted: break
                case .rows(let read, let rows): state.core.supply(rows, for: read, now: now, into: &state.actions)
                case .link(let query, let link): state.core.supply(link: link, for: query, now: now, into: &state.actions)
                case .kept(let charge): if let waiter = historyKept(charge, &state) { done.append(waiter) }
                case .adopted(let heads, let peak):
                    state.statistics.historyPeak = max(state.statistics.historyPeak, peak)
                    historyAdopted(heads, &state, now)
                case .historyRead(let read): historyRead(read, &state)
                case .cameHome(let result): cameHome(result, &state, now)
                case .compacted(let floors, let continuation):
                    for floor in floors { state.core.trimmed(floor.origin, through: floor.sequence) }
                    done.append(continuation)
                }
            }
            settle(&state, now)
            enforceMembers(&state)
            serveHistories(&state)
            done += state.satisfiedWaiters()
        }
        for continuation in done { continuation.resume() }
    }

    private func becameDurable(_ ticket: UInt64, _ state: inout State, _ now: FeedInstant) {
        state.durableTicket = max(state.durableTicket, ticket)
        while let first = state.pendingHeads.first, first.ticket <= ticket {
            for entry in first.entries { state.hold(entry) }
            state.pendingHeads.removeFirst()
        }
        state.core.persisted(ticket, now: now, into: &state.actions)
        for id in state.sessionIDs where state.sessions[id]?.isSynchronised == false { state.sessions[id]?.isHasty = true }
    }

    /// Nothing more becomes durable: all sessions end, for nothing of them could be acknowledged.
    ///
    /// - Parameter group: what was not begun.
    func fail(_ message: String, _ group: [StoreWork] = []) {
        let (sessions, waiters) = state.withLock { state in
            var waiters = state.durableWaiters.map(\.continuation)
            for case .compact(_, let done) in group + state.work { waiters.append(done) }
            (state.durableWaiters, state.work) = ([], [])
            guard state.failure == nil else { return ([ReplicaSession](), waiters) }
            state.failure = message
            events.add(.storeFailed(message))
            return (state.sessionIDs.compactMap { state.sessions[$0]?.handle }, waiters)
        }
        for waiter in waiters { waiter.resume() }
        for session in sessions { end(session.id.rawValue, ReplicaError(.storeFailed, message)) }
        events.tell()
    }

    // MARK: - Time

    /// Begins to tick while there are sessions.
    func startTicking(_ state: inout State) {
        guard state.ticker == nil, !state.isDisposed, configuration.ticksByItself else { return }
        state.ticker = Task { [weak self] in
            while (try? await Task.sleep(for: .milliseconds(FeedLimits.tickInterval))) != nil {
                guard let self, self.tick() else { return }
                if self.isCollectionDue { _ = try? await self.compact() }
            }
        }
    }

    /// Time passes.
    ///
    /// - Returns: whether anybody is there for whom it does.
    func tick() -> Bool {
        let now = configuration.now()
        let (goesOn, lost) = state.withLock { state in
            state.core.tick(now: now, into: &state.actions)
            settle(&state, now)
            tickMembers(&state, now)
            serveRequests(&state, now)
            serveHistories(&state)
            let lost = tickSessions(&state, now)
            if state.sessions.isEmpty { state.ticker = nil }
            return (!state.sessions.isEmpty, lost)
        }
        for (id, error) in lost { end(id, error) }
        settle()
        return goesOn
    }

    /// Sends again what was lost.
    ///
    /// - Returns: sessions of which nothing is to be expected any more.
    private func tickSessions(_ state: inout State, _ now: FeedInstant) -> [(id: UInt32, error: ReplicaError?)] {
        var lost: [(id: UInt32, error: ReplicaError?)] = []
        for id in state.sessionIDs {
            guard let session = state.sessions[id] else { continue }
            if session.packets?.isDue(now: now.monotonic) ?? false { state.sessions[id]?.needsWake = true }
            if session.isClosing {
                // A peer may take nothing, and the last acknowledgement may be lost: nobody can wait for certainty.
                if session.closingSince + Self.farewellTime <= now.monotonic { lost.append((id, nil)) }
            } else if session.packets != nil, session.heardAt + Self.silenceTime <= now.monotonic {
                let silence = "nothing came from the peer for \(Self.silence)"
                lost.append((id, ReplicaError(.disconnected, silence, link: LinkError(.timedOut, silence))))
            }
        }
        return lost
    }
}

extension Replica.State {
    mutating func satisfiedWaiters() -> [CheckedContinuation<Void, Never>] {
        let done = durableWaiters.filter { $0.group <= groupsDone }
        durableWaiters.removeAll { $0.group <= groupsDone }
        return done.map(\.continuation)
    }
}

extension ReplicaError {
    /// The end of a session because of a refusal; nil for one after which it goes on.
    init?(endingBecauseOf error: FeedError) {
        switch error.code {
        case .malformed, .limitExceeded, .creditExceeded:
            self.init(.protocolViolation, "\(error)", feed: error)
        case .mismatch, .fenced: self.init(.refused, "\(error)", feed: error)
        case .futureStamp, .staleStamp, .badSignature, .equivocation, .overloaded, .unregistered: return nil
        }
    }
}
