import SkerryCRDT

@testable import SkerryGossip

/// A node of the simulation: the shell around the cores, with a disk that can be torn, lost and restored.
final class FeedNode {
    /// What stands on disk beside the log, in the order of the log's bytes.
    enum Step {
        case batch(FeedBatch)
        case collect(UInt64)
    }

    /// The whole state of a replica.
    struct Snapshot {
        var table: KeyTable
        var retention: Retention
        var applied: CausalContext
        var marks: [FeedMark]
    }

    /// What a backup holds.
    struct Backup {
        var bytes: [UInt8]
        var journal: [(end: Int, step: Step)]
        var base: (table: KeyTable, retention: Retention, applied: CausalContext)
        var origin: OriginID
        var formerSelves: Set<OriginID>
        var conflicts: [(key: [UInt8], row: KeyTable.Row)]
        var news: [(key: [UInt8], row: KeyTable.Row)]
        var synced: CausalContext
    }

    let index: Int
    unowned let run: FeedRunner
    var world: FeedWorld { run.world }

    private(set) var origin: OriginID
    private(set) var epoch: UInt64 = 1
    private(set) var formerSelves: Set<OriginID> = []
    private(set) var core: FeedCore
    private(set) var store: MemoryFeedStore
    private(set) var table = KeyTable()
    private(set) var retention: Retention
    private var journal: [(end: Int, step: Step)] = []
    private var base: (table: KeyTable, retention: Retention, applied: CausalContext)
    private(set) var conflicts: [(key: [UInt8], row: KeyTable.Row)] = []
    private var news: [(key: [UInt8], row: KeyTable.Row)] = []
    private var backup: Backup?

    private(set) var isUp = false
    /// The member that was asked to register the present origin.
    private var asked: OriginID?
    /// Whether it must take over a member's state before it may take part.
    private(set) var needsHome = false
    private(set) var life = 0
    var wallOffset: Int64 = 0
    private var largestWall: UInt64 = 0
    private var lastTicket: UInt64 = 0
    private var isSyncing = false
    private var written: [(ticket: UInt64, dot: Dot)] = []
    private var acknowledgedAt: UInt64 = 0
    private var ticks = 0
    private var barred: [OriginID] = []
    private var fenceCount = 0
    private var admitted: [OriginID] = []
    private var turnedDownFirst: UInt64 = 0
    private var turnedDownLast: UInt64 = 0
    private var heard: [OriginID: UInt64] = [:]
    /// What this node has durable.
    private(set) var synced = CausalContext()
    private var applied = CausalContext()
    /// Joiners that wait for their registration to be durable.
    private var guests: [(guest: FeedNode, origin: OriginID, life: Int)] = []

    init(_ index: Int, _ run: FeedRunner) {
        self.index = index
        self.run = run
        origin = run.newOrigin()
        retention = Retention(floor: run.floor)
        retention.defects = run.defects
        table.defects = run.defects
        base = (table, retention, applied)
        store = MemoryFeedStore(log: run.world.next())
        core = FeedCore(identity: run.identity(index, origin, 1), now: FeedInstant(wall: 0, monotonic: 0))
    }

    var now: FeedInstant {
        let wall = UInt64(Int64(world.now) + run.wallBase + wallOffset)
        return FeedInstant(wall: wall, monotonic: world.now)
    }

    private func noteWall() { largestWall = max(largestWall, now.wall) }

    // MARK: Lives

    /// Starts with what is on disk.
    func start() {
        life += 1
        isUp = true
        isSyncing = false
        written = []
        guests = []
        noteWall()
        core = FeedCore(identity: run.identity(index, origin, epoch), state: store.state, trust: run.trust(index, origin), now: now)
        core.defects = run.defects
        lastTicket = 0
        synced = core.durable
        applied = synced
        heard = [:]
        barred = []
        acknowledgedAt = world.now
        tickLoop(life)
        guard !needsHome else { return seekHome() }
        takePart()
    }

    private func takePart() {
        admitMembers()
        for origin in retention.barred { core.fence(origin, through: fenceOf(origin), into: &run.actions) }
        run.perform(self)
        run.attachAll(self)
        let waiting = news
        for item in waiting { _ = publish(item.row.isRemoval ? .removal : .write, item.key, item.row.value) }
    }

    /// Entries of members alone are taken.
    private func admitMembers() {
        admitted = retention.members.map(\.origin)
        core.admit(admitted)
    }

    /// A peer says that this node is no member there. It may become one yet, unless its registration cannot arrive, or has not for long.
    private func turnedDown() {
        if world.now > turnedDownLast + 2 * FeedLimits.pauseInterval { turnedDownFirst = world.now }
        turnedDownLast = world.now
        guard retention.isOrphaned(origin) || world.now > turnedDownFirst + 2 * FeedLimits.pauseInterval else { return }
        world.faults.add("orphan")
        let mine = life
        world.after(1) { [self] in if life == mine { banned() } }
    }

    /// The first members register each other.
    func found(_ all: [FeedNode]) {
        for node in all {
            retention.apply(
                .register(origin: node.origin, site: UInt64(node.index), epoch: node.epoch), dot: Dot(origin: node.origin, sequence: 0),
                own: origin,
                applied: applied)
        }
        base = (table, retention, applied)
    }

    /// Loses its memory, and of its disk a part of what was not synced.
    func crash() {
        guard isUp else { return }
        isUp = false
        life += 1
        run.linksDown(self)
        let unsynced = store.bytes.count - store.synced
        let kept = unsynced > 0 ? world.below(unsynced + 1) : 0
        if unsynced > 0 { world.faults.add("torn tail") }
        world.faults.add("crash")
        recover(Array(store.bytes[..<(store.synced + kept)]))
        run.ledger.vanished(origin, behind: applied.sequence(of: origin), world)
    }

    private func recover(_ bytes: [UInt8]) {
        store = MemoryFeedStore(log: world.next(), recovering: bytes)
        journal.removeAll { $0.end > store.bytes.count }
        (table, retention, applied) = base
        for item in journal { replay(item.step) }
    }

    private func replay(_ step: Step) {
        switch step {
        case .batch(let batch):
            for entry in batch.entries {
                applied.insert(entry.dot)
                table.apply(entry)
                try? retention.apply(entry, own: origin, applied: applied)
            }
        case .collect(let wall): table.collect(&retention, now: wall)
        }
    }

    func loseDisk() {
        if isUp { crash() }
        world.faults.add("disk loss")
        destroyed(remaining: [])
        for item in conflicts + news { run.ledger.excuse(item.row.dot) }
        store = MemoryFeedStore(log: world.next())
        table = KeyTable()
        table.defects = run.defects
        retention = Retention(floor: run.floor)
        retention.defects = run.defects
        applied = CausalContext()
        base = (table, retention, applied)
        journal = []
        conflicts = []
        news = []
        synced = CausalContext()
        renew()
    }

    private func destroyed(remaining: [CausalContext]) {
        let others = run.nodes.filter { $0 !== self }
        run.ledger.destroyed(remaining: others.map(\.synced) + remaining, news: Set(others.flatMap(\.news).map(\.row.dot)))
    }

    func takeBackup() {
        guard isUp, !needsHome else { return }
        backup = Backup(
            bytes: Array(store.bytes[..<store.synced]), journal: journal.filter { $0.end <= store.synced }, base: base, origin: origin,
            formerSelves: formerSelves, conflicts: conflicts, news: news, synced: synced)
    }

    func restoreBackup() {
        guard let backup else { return }
        if isUp { crash() }
        world.faults.add("restored backup")
        destroyed(remaining: [backup.synced])
        let kept = Set((backup.conflicts + backup.news).map(\.row.dot))
        for item in conflicts + news where !kept.contains(item.row.dot) { run.ledger.excuse(item.row.dot) }
        (journal, base, formerSelves) = (backup.journal, backup.base, backup.formerSelves.union([origin]))
        (conflicts, news) = (backup.conflicts, backup.news)
        origin = backup.origin
        recover(backup.bytes)
        synced = backup.synced
        if run.defects.contains(.epochReused) {
            formerSelves.remove(origin)
            needsHome = false
        } else {
            renew()
        }
    }

    /// A new origin, under which it comes home.
    private func renew() {
        formerSelves.insert(origin)
        asked = nil
        (turnedDownFirst, turnedDownLast) = (0, 0)
        origin = run.newOrigin()
        epoch += 1
        needsHome = true
    }

    /// Others have retired this origin.
    private func banned() {
        guard !needsHome, !run.defects.contains(.fenceIgnored) else { return }
        world.faults.add("return after collection")
        run.linksDown(self)
        renew()
        start()
    }

    // MARK: Coming home

    private func seekHome() {
        let mine = life
        let hosts = run.neighbours(index).filter { $0.isUp && !$0.needsHome && run.isOpen(index, $0.index) && run.isOpen($0.index, index) }
        if !hosts.isEmpty {
            let former = hosts.first { $0.origin == asked }
            let host = former.flatMap { world.chance(80) ? $0 : nil } ?? hosts[world.below(hosts.count)]
            // Another host, another origin: who registers it counts on what it gives.
            if let asked, asked != host.origin {
                world.faults.add("other host")
                renew()
                return start()
            }
            asked = host.origin
            world.after(5 + world.below(40)) { [self] in
                if life == mine, host.isUp, !host.needsHome { host.welcome(self, origin, mine) }
            }
        }
        world.after(500 + world.below(500)) { [self] in if life == mine, needsHome, isUp { seekHome() } }
    }

    /// Registers a joiner, and gives it the state when that is durable.
    private func welcome(_ guest: FeedNode, _ guestOrigin: OriginID, _ guestLife: Int) {
        guard !retention.barred.contains(guestOrigin) else {
            return world.after(5 + world.below(40)) { guest.turnedAway(guestLife) }
        }
        // In its own feed, whoever else may have said so: who takes a later acknowledgement of this node must have taken that there is a guest.
        let known = retention.members.first { $0.origin == guestOrigin }
        if known?.registration.origin != origin {
            guard
                publish(.registry, [], RegistryChange.register(origin: guestOrigin, site: UInt64(guest.index), epoch: guest.epoch).encoded)
            else { return }
        }
        for member in retention.members where guest.formerSelves.contains(member.origin) && !member.isRetiring {
            _ = publish(.registry, [], RegistryChange.retire(origin: member.origin, isForced: false).encoded)
        }
        guests.append((guest, guestOrigin, guestLife))
        sync()
    }

    /// It was registered, could not come home for so long that it was retired again, and nobody registers a retired origin: it needs another.
    private func turnedAway(_ mine: Int) {
        guard life == mine, isUp, needsHome else { return }
        renew()
        start()
    }

    /// The state, all of it durable: whoever took over what a crash then undid would differ for ever.
    private func snapshot() -> Snapshot {
        store.sync()
        return Snapshot(
            table: table, retention: retention, applied: applied, marks: store.state.marks.filter { $0.position.sequence > 0 })
    }

    private func serve(_ waiting: [(guest: FeedNode, origin: OriginID, life: Int)], _ snapshot: Snapshot) {
        for (guest, guestOrigin, guestLife) in waiting {
            guard retention.isMember(guestOrigin) || run.defects.contains(.joinerForgotten) else { continue }
            guard !world.chance(10) else { continue }
            world.after(5 + world.below(60)) {
                if guest.life == guestLife, guest.isUp, guest.needsHome { guest.comeHome(snapshot) }
            }
        }
    }

    private func comeHome(_ snapshot: Snapshot) {
        let largest = snapshot.marks.map(\.position.stamp).max() ?? .zero
        guard largest.milliseconds <= now.wall + core.clock.futureBound else { return world.faults.add("refused stamp") }
        world.faults.add(table.rows.isEmpty ? "join" : "return")
        var home = Homecoming(applied: snapshot.applied, retention: snapshot.retention, formerSelves: formerSelves) { origin in
            self.store.read(origin, from: snapshot.applied.sequence(of: origin) + 1, charge: 1).isEmpty == false
        }
        home.defects = run.defects
        var rows: [(key: [UInt8], row: KeyTable.Row)] = []
        for (key, row) in table.rows.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) { rows.append((key, row)) }
        for (key, row) in rows { judge(row, key, home, snapshot) }
        adopt(snapshot, home)
        needsHome = false
        start()
    }

    private func judge(_ row: KeyTable.Row, _ key: [UInt8], _ home: Homecoming, _ snapshot: Snapshot) {
        switch home.verdict(row, current: snapshot.table.rows[key]) {
        case .news:
            world.check(!run.ledger.isDeleted(row, key: key, by: snapshot.applied), "a deleted key comes back with a returner: \(key)")
            news.append((key, row))
        case .late:
            world.faults.add("late entry")
            conflicts.append((key, row))
            run.ledger.keep(row.dot)
        case .known, .deleted, .underway: break
        }
    }

    /// Takes the state over; rows of live origins that the host does not have yet stay in the log.
    private func adopt(_ snapshot: Snapshot, _ home: Homecoming) {
        var next = snapshot
        next.retention = Retention(floor: run.floor)
        next.retention.defects = run.defects
        next.retention.adopt(snapshot.retention)
        let own = store.state.marks
        var kept: [FeedEntry] = []
        for mark in own where home.live.contains(mark.origin) {
            let theirs = snapshot.applied.sequence(of: mark.origin)
            let entries = store.read(mark.origin, from: theirs + 1, charge: .max)
            if entries.last?.dot.sequence == mark.position.sequence { kept += entries }
        }
        let keptOrigins = Set(kept.map(\.dot.origin))
        let gone = own.filter { mark in !keptOrigins.contains(mark.origin) && snapshot.applied.sequence(of: mark.origin) == 0 }
        for mark in gone { store.adopt(FeedMark(origin: mark.origin, position: .start)) }
        for mark in snapshot.marks where !keptOrigins.contains(mark.origin) { store.adopt(mark) }
        for entry in kept {
            next.table.apply(entry)
            next.applied.insert(entry.dot)
        }
        for entry in kept { try? next.retention.apply(entry, own: origin, applied: next.applied) }
        store.sync()
        table = next.table
        retention = next.retention
        applied = next.applied
        base = (table, retention, applied)
        journal = []
    }

    /// All others have lost their state: an operator declares this replica to be the cluster.
    func refound() {
        needsHome = false
        retention.refound(origin: origin, site: UInt64(index), epoch: epoch, applied: applied)
        base = (table, retention, applied)
        journal = []
        start()
    }

    // MARK: Repair

    /// The peer's log no longer holds what is missing here: its state is joined instead.
    private func repair(with peer: Int) {
        let (mine, host) = (life, run.nodes[peer])
        world.after(5 + world.below(40)) { [self] in
            guard life == mine, isUp, !needsHome, host.isUp, !host.needsHome, run.isOpen(index, peer), run.isOpen(peer, index) else {
                return
            }
            let (snapshot, giver) = (host.snapshot(), host.origin)
            world.after(5 + world.below(40)) { if self.life == mine, self.isUp, !self.needsHome { self.join(snapshot, of: giver) } }
        }
    }

    private func join(_ snapshot: Snapshot, of giver: OriginID) {
        sync()
        // Nothing is taken from a stranger, as in feeds, unless what makes it a member comes with it in time.
        guard isUp, !needsHome else { return }
        guard retention.mayJoin(snapshot.retention, of: giver) || run.defects.contains(.strangersAdmitted) else { return }
        let largest = snapshot.marks.map(\.position.stamp).max() ?? .zero
        guard isUp, !needsHome, largest.milliseconds <= now.wall + core.clock.futureBound else { return }
        world.faults.add("repair")
        for (key, row) in snapshot.table.rows { table.apply(row, key: key) }
        for mark in snapshot.marks where mark.position.sequence > applied.sequence(of: mark.origin) {
            store.adopt(mark)
            applied.insert(Dot(origin: mark.origin, sequence: mark.position.sequence))
            heard[mark.origin] = world.now
        }
        store.sync()
        retention.merge(snapshot.retention, applied: applied)
        base = (table, retention, applied)
        journal = []
        core.adopt(snapshot.marks, now: now, into: &run.actions)
        run.perform(self)
        sync()
    }

    // MARK: Events

    private func tickLoop(_ mine: Int) {
        world.after(run.tick - 10 + world.below(20)) { [self] in
            guard life == mine, isUp else { return }
            tick()
            tickLoop(life)
        }
    }

    private func tick() {
        noteWall()
        guard !needsHome else { return }
        core.horizon = retention.horizon
        core.tick(now: now, into: &run.actions)
        run.perform(self)
        ticks += 1
        if ticks % 4 == 0 { forget() }
        if retention.wantsAcknowledgement(since: acknowledgedAt, interval: run.acknowledgeInterval, now: world.now)
            || acknowledgedAt + run.retention / 4 <= world.now
        {
            acknowledgedAt = world.now
            _ = publish(.registry, [], RegistryChange.acknowledge(synced).encoded)
        }
        let life = self.life
        for origin in ticks % 4 != 1
            ? []
            : retention.overdue(
                own: origin, retention: run.retention,
                silence: { member in
                    let last = self.heard[member] ?? self.acknowledgedAt
                    self.heard[member] = last
                    return self.world.now - min(self.world.now, last)
                })
        where life == self.life {
            world.faults.add("retirement")
            _ = publish(.registry, [], RegistryChange.retire(origin: origin, isForced: false).encoded)
        }
        checkBounds()
    }

    /// Collects tombstones and trims the log.
    private func forget() {
        let wall = now.wall
        if table.rows.values.contains(where: \.isRemoval) {
            let before = retention
            run.collected += table.collect(&retention, now: wall)
            if before != retention { journal.append((store.bytes.count, .collect(wall))) }
        }
        let cut = retention.cut
        for dot in cut.dots {
            let through = min(retention.trimmable(dot.origin, cut: cut), synced.sequence(of: dot.origin))
            guard let floor = core.origins.first(where: { $0.id == dot.origin })?.floor, through > floor + 8 else { continue }
            store.trim(dot.origin, through: through)
            core.trimmed(dot.origin, through: through)
            run.trims += 1
        }
    }

    private func checkBounds() {
        world.check(store.gaps == 0, "node \(index) wrote a gap")
        world.check(
            core.unsyncedCharge <= FeedLimits.unsyncedMaximum + run.nodes.count * (FeedLimits.window + FeedLimits.frameMaximum),
            "node \(index) keeps \(core.unsyncedCharge) bytes")
        let ahead = core.clock.highWater.milliseconds
        world.check(
            ahead <= largestWall + core.clock.futureBound + 1_000, "node \(index) took a stamp from the future: \(ahead) at \(largestWall)")
    }

    /// Writes an entry. False where the node may not write.
    @discardableResult
    func publish(_ kind: FeedEntry.Kind, _ key: [UInt8], _ value: [UInt8]) -> Bool {
        guard isUp, !needsHome else { return false }
        noteWall()
        guard let entry = try? core.publish(kind, key: key, value: value, now: now, into: &run.actions) else { return false }
        run.ledger.issued(entry, world)
        written.append((lastTicket + 1, entry.dot))
        run.perform(self)
        return true
    }

    func receive(_ bytes: [UInt8], from peer: Int) {
        guard isUp, !needsHome else { return }
        noteWall()
        bytes.withUnsafeBytes { core.receive($0, from: FeedPeerID(rawValue: UInt32(peer)), now: now, into: &run.actions) }
        run.perform(self)
    }

    func attach(_ peer: Int, isOrdered: Bool) {
        guard isUp, !needsHome else { return }
        let session = UInt32(truncatingIfNeeded: world.next()) | 1
        try? core.attach(
            FeedPeerID(rawValue: UInt32(peer)), session: session, isOrdered: isOrdered, frameMaximum: isOrdered ? 4_096 : 1_200, now: now,
            into: &run.actions)
        run.perform(self)
    }

    func detach(_ peer: Int) { core.detach(FeedPeerID(rawValue: UInt32(peer))) }

    // MARK: Actions

    func persist(_ batch: FeedBatch) {
        lastTicket = batch.ticket
        for entry in batch.entries {
            applied.insert(entry.dot)
            heard[entry.dot.origin] = world.now
            world.note(entry.dot.origin.rawValue, entry.dot.sequence, entry.digest.tag, UInt64(index))
        }
        store.append(batch)
        journal.append((store.bytes.count, .batch(batch)))
        for entry in batch.entries {
            table.apply(entry)
            try? retention.apply(entry, own: origin, applied: applied)
        }
        guard !isSyncing else { return }
        isSyncing = true
        let mine = life
        world.after(world.below(20)) { [self] in if life == mine { sync() } }
    }

    private func sync() {
        isSyncing = false
        let state = guests.isEmpty ? nil : snapshot()
        let waiting = guests
        guests = []
        store.sync()
        for dot in applied.dots { synced.insert(dot) }
        if journal.count > 400 {
            base = (table, retention, applied)
            // The log's bytes stay; only the steps up to here are in the base.
            journal = []
        }
        while let first = written.first, first.ticket <= lastTicket {
            run.ledger.acknowledged(first.dot)
            news.removeAll { item in run.ledger.writes[first.dot].map { $0.key == item.key && $0.stamp > item.row.stamp } ?? false }
            written.removeFirst()
        }
        core.persisted(lastTicket, now: now, into: &run.actions)
        run.perform(self)
        if barred != retention.barred || fenceCount != retention.fences.count {
            barred = retention.barred
            fenceCount = retention.fences.count
            for origin in barred { core.fence(origin, through: fenceOf(origin), into: &run.actions) }
            run.perform(self)
        }
        if admitted != retention.members.map(\.origin) { admitMembers() }
        if retention.barred.contains(origin) { return banned() }
        if let state { serve(waiting, state) }
    }

    private func fenceOf(_ origin: OriginID) -> UInt64? { retention.fences.first { $0.origin == origin }?.through }

    func read(_ read: FeedRead) {
        var rows: [[FeedEntry]] = []
        var charge = min(read.charge, 6_000)
        for start in read.starts where charge > 0 {
            let entries = store.read(start.origin, from: start.sequence, charge: charge)
            charge -= entries.reduce(0) { $0 + $1.charge }
            rows.append(entries)
        }
        core.supply(rows, for: read, now: now, into: &run.actions)
    }

    func readLink(_ query: FeedLinkQuery) {
        let entry = store.read(query.dot.origin, from: query.dot.sequence, charge: 0).first
        core.supply(link: entry?.link, for: query, now: now, into: &run.actions)
    }

    func report(_ report: FeedReport) {
        switch report {
        case .refused(_, let error):
            switch error.code {
            case .futureStamp: world.faults.add("refused stamp")
            case .unregistered: world.faults.add("stranger")
            case .fenced,
                .badSignature where run.isForged:
                break
            case .staleStamp where run.isForged: break
            default: world.problem("node \(index) refused what an honest node sent: \(error)")
            }
        case .refusedByPeer(_, let error, _) where error.code == .fenced && error.dot?.origin == origin:
            let mine = life
            world.after(1) { [self] in if life == mine { banned() } }
        case .refusedByPeer(_, let error, _) where error.code == .unregistered && error.dot?.origin == origin: turnedDown()
        case .repairNeeded(let peer, _): repair(with: Int(peer.rawValue))
        case .equivocation(_, let dot, _, _): if !run.isForged { world.problem("node \(index) found two histories of \(dot)") }
        default: break
        }
    }

    // MARK: The end

    /// Somebody looks at the conflicts: some are written again, some given up.
    func settleConflicts() {
        guard isUp, !needsHome else { return }
        for item in conflicts {
            if world.chance(50), publish(item.row.isRemoval ? .removal : .write, item.key, item.row.value) { continue }
            run.ledger.excuse(item.row.dot)
        }
        conflicts = []
    }
}
