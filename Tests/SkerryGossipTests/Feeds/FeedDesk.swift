import SkerryCRDT

@testable import SkerryGossip

/// A node on a desk: a core and its store, whose messages wait until they are carried over by hand.
final class FeedDesk {
    let index: Int
    var core: FeedCore
    var store: MemoryFeedStore
    var actions: [FeedAction] = []
    var outbox: [(to: Int, bytes: [UInt8])] = []
    var reports: [FeedReport] = []
    /// Called with each report, at the moment of it.
    var hears: (FeedReport) -> Void = { _ in }
    var unsynced: [UInt64] = []
    /// Whether batches become durable at once.
    var syncs = true
    var time = FeedInstant(wall: 1_700_000_000_000, monotonic: 1_000)
    var table = KeyTable()

    init(_ index: Int, origin: UInt64? = nil, trust: FeedTrust = .members, store: MemoryFeedStore? = nil) {
        self.index = index
        let store = store ?? MemoryFeedStore(log: UInt64(index + 1))
        self.store = store
        core = FeedCore(
            identity: FeedIdentity(
                cluster: 7, site: UInt64(index), origin: OriginID(rawValue: origin ?? UInt64(index + 1) * 0x1111), epoch: 1),
            state: store.state, trust: trust, now: time)
    }

    var origin: OriginID { core.identity.origin }

    func attach(_ peer: FeedDesk, ordered: Bool = true, frame: Int = FeedLimits.framePreferred, session: UInt32? = nil) throws {
        try core.attach(
            FeedPeerID(rawValue: UInt32(peer.index)), session: session ?? UInt32(index * 1_000 + peer.index + 1), isOrdered: ordered,
            frameMaximum: frame,
            now: time, into: &actions)
        perform()
    }

    @discardableResult
    func write(_ key: String, _ value: String = "", kind: FeedEntry.Kind = .write) throws -> FeedEntry {
        let entry = try core.publish(kind, key: Array(key.utf8), value: Array(value.utf8), now: time, into: &actions)
        perform()
        return entry
    }

    func receive(_ bytes: [UInt8], from peer: Int) {
        bytes.withUnsafeBytes { core.receive($0, from: FeedPeerID(rawValue: UInt32(peer)), now: time, into: &actions) }
        perform()
    }

    func tick(_ milliseconds: UInt64 = 50) {
        time = FeedInstant(wall: time.wall + milliseconds, monotonic: time.monotonic + milliseconds)
        core.tick(now: time, into: &actions)
        perform()
    }

    func sync() {
        syncs = true
        store.sync()
        if let last = unsynced.last { core.persisted(last, now: time, into: &actions) }
        unsynced = []
        perform()
    }

    func perform() {
        var next = 0
        while next < actions.count {
            let action = actions[next]
            next += 1
            switch action {
            case .send(let peer, let bytes): outbox.append((Int(peer.rawValue), bytes))
            case .persist(let batch):
                store.append(batch)
                for entry in batch.entries { table.apply(entry) }
                guard syncs else {
                    unsynced.append(batch.ticket)
                    continue
                }
                store.sync()
                core.persisted(batch.ticket, now: time, into: &actions)
            case .read(let read):
                let rows = read.starts.map { store.read($0.origin, from: $0.sequence, charge: read.charge) }
                core.supply(rows, for: read, now: time, into: &actions)
            case .readLink(let query):
                let link = store.read(query.dot.origin, from: query.dot.sequence, charge: 0).first?.link
                core.supply(link: link, for: query, now: time, into: &actions)
            case .report(let report):
                reports.append(report)
                hears(report)
            }
        }
        actions = []
    }

    var refusals: [FeedError] {
        reports.compactMap { report -> FeedError? in
            guard case .refused(_, let error) = report else { return nil }
            return error
        }
    }

    var refusalsByPeer: [FeedError] {
        reports.compactMap { report -> FeedError? in
            guard case .refusedByPeer(_, let error, _) = report else { return nil }
            return error
        }
    }

    var synchronisations: Int {
        reports.filter { report -> Bool in
            guard case .synchronised = report else { return false }
            return true
        }.count
    }

    /// Origins with which a session was begun.
    var partners: [OriginID] {
        reports.compactMap { report -> OriginID? in
            guard case .established(_, let identity, _) = report else { return nil }
            return identity.origin
        }
    }

    var forks: [Dot] {
        reports.compactMap { report -> Dot? in
            guard case .equivocation(_, let dot, _, _) = report else { return nil }
            return dot
        }
    }

    func value(_ key: String) -> String? { table[Array(key.utf8)].map { String(decoding: $0, as: UTF8.self) } }
}

/// Carries messages until nobody has anything to say; `change` may drop, double or change them.
func carry(_ desks: [FeedDesk], rounds: Int = 200, _ change: (Int, Int, [UInt8]) -> [[UInt8]] = { _, _, bytes in [bytes] }) {
    for _ in 0..<rounds {
        var isQuiet = true
        for desk in desks {
            let outbox = desk.outbox
            desk.outbox = []
            for (to, bytes) in outbox {
                isQuiet = false
                for message in change(desk.index, to, bytes) { desks.first { $0.index == to }?.receive(message, from: desk.index) }
            }
        }
        if isQuiet { return }
    }
}

/// Links two desks, and lets them greet.
func join(_ one: FeedDesk, _ other: FeedDesk, ordered: Bool = true, frame: Int = FeedLimits.framePreferred) throws {
    try one.attach(other, ordered: ordered, frame: frame)
    try other.attach(one, ordered: ordered, frame: frame)
}

/// Lets time pass for all, and carries what is said.
func settle(_ desks: [FeedDesk], ticks: Int = 40, _ change: (Int, Int, [UInt8]) -> [[UInt8]] = { _, _, bytes in [bytes] }) {
    for _ in 0..<ticks {
        for desk in desks { desk.tick() }
        carry(desks, change)
    }
}
