public import SkerryCRDT
public import SkerryGossip
public import SkerryStorage

/// Feeds in a metadata engine: entries, positions and the order of arrival, in rows of one family that begin with a prefix (`docs/formats/feeds-store.md`).
///
/// ```swift
/// var store = try EngineFeedStore(engine: engine, family: .feed, prefix: [0x66], log: random) { batch, commit in
///     for entry in batch.entries { table.apply(entry, into: &commit) }
/// }
/// let core = FeedCore(identity: identity, state: store.state, now: now)
/// ```
///
/// Each change is one batch of the engine, together with the rows that the owner adds to it, so an engine that keeps every batch up to some point and
/// none after it holds entries, positions and the owner's state of one moment, whatever crash came between two writes. What it keeps in memory is
/// the table of positions, at most ``FeedLimits/origins``; entries stay in the engine.
///
/// All calls block, `state` and `end` excepted: they belong into a job of a ``BlockingPool`` or on a thread of their own, one at a time, never on the loop of a
/// link. A value with one owner: a copy that is written to as well breaks both.
///
/// - Complexity: appending writes two rows for each entry, one for each origin and one more; trimming is two range deletions however much goes.
public struct EngineFeedStore<Engine: MetadataEngine>: FeedStore, Sendable {
    public typealias Failure = StorageError
    /// Adds the owner's rows to the commit of a batch. It must not read what the commit is about to write.
    public typealias Alongside = @Sendable (FeedBatch, inout MetadataBatch) throws(StorageError) -> Void

    struct Lane: Sendable, Hashable {
        var position = FeedPosition.start
        /// Entries up to here are not held.
        var floor: UInt64 = 0
        var isFrozen = false
    }

    struct Head: Sendable, Hashable {
        var log: UInt64
        /// Arrivals stand at the places from `base` up to `next`.
        var base: UInt64 = 0
        var next: UInt64 = 0
        var highWater = HybridTimestamp.zero
    }

    public let engine: Engine
    let rows: FeedRows
    private let alongside: Alongside
    private var lanes: [OriginID: Lane]
    private var head: Head
    private var syncedNext: UInt64
    /// What went wrong with a change; none is taken after it.
    public private(set) var failure: StorageError?

    /// Opens what the engine holds, or begins.
    ///
    /// - Parameters:
    ///   - prefix: of all its rows; nothing else in the family may begin with it.
    ///   - log: names the log in cursors where a new one begins: random.
    ///   - alongside: called in ``append(_:)``, before the engine is.
    /// - Throws: ``StorageError``: `corrupt` for rows that follow no grammar, `newerFormat`, and what the engine throws.
    public init(
        engine: Engine, family: MetadataFamily = .feed, prefix: [UInt8], log: UInt64, alongside: @escaping Alongside = { _, _ in }
    ) throws(StorageError) {
        self.engine = engine
        self.alongside = alongside
        rows = FeedRows(family: family, prefix: prefix)
        head = try rows.head(in: engine) ?? Head(log: log)
        lanes = try rows.lanes(in: engine)
        // All that an engine holds when it is opened was durable before.
        syncedNext = head.next
    }

    public var state: FeedState {
        var state = FeedState()
        (state.log, state.highWater) = (head.log, head.highWater)
        for (origin, lane) in lanes.sorted(by: { $0.key < $1.key }) {
            state.marks.append(FeedMark(origin: origin, position: lane.position))
            state.floors.append(Dot(origin: origin, sequence: lane.floor))
            if lane.isFrozen { state.frozen.append(origin) }
        }
        return state
    }

    public var end: FeedCursor { FeedCursor(log: head.log, offset: syncedNext) }
}

// MARK: - Changes

extension EngineFeedStore {
    /// - Precondition: each entry follows what its origin has. A ``FeedCore`` gives no others.
    public mutating func append(_ batch: FeedBatch) throws(StorageError) {
        try change(batch.origins) { store, commit throws(StorageError) in
            store.add(batch, to: &commit)
            try store.alongside(batch, &commit)
        }
    }

    private mutating func add(_ batch: FeedBatch, to commit: inout MetadataBatch) {
        for entry in batch.entries { add(entry, to: &commit) }
        for mark in batch.marks { lanes[mark.origin, default: Lane()].position = mark.position }
        for origin in batch.frozen { lanes[origin, default: Lane()].isFrozen = true }
        head.highWater = max(head.highWater, batch.highWater)
        for origin in batch.origins { putLane(origin, in: &commit) }
    }

    private mutating func add(_ entry: FeedEntry, to commit: inout MetadataBatch) {
        let lane = lanes[entry.dot.origin] ?? Lane()
        precondition(
            entry.dot.sequence == lane.position.sequence + 1, "entry \(entry.dot.sequence) follows \(lane.position.sequence) of its origin")
        lanes[entry.dot.origin, default: Lane()].position = FeedPosition(
            sequence: entry.dot.sequence, link: entry.link, stamp: entry.stamp)
        commit.put(rows.family, rows.entry(entry.dot), FeedRows.word(head.next) + entry.stored)
        commit.put(rows.family, rows.arrival(head.next), FeedRows.word(entry.dot.origin.rawValue) + FeedRows.word(entry.dot.sequence))
        head.next += 1
    }

    public mutating func sync() throws(StorageError) {
        if let failure { throw failure }
        do throws(StorageError) { try engine.flush() } catch { throw fail(error) }
        syncedNext = head.next
    }

    public mutating func trim(_ origin: OriginID, through sequence: UInt64) throws(StorageError) {
        guard let lane = lanes[origin], sequence > lane.floor else { return }
        let last = min(sequence, lane.position.sequence)
        try change([origin]) { store, commit throws(StorageError) in
            if last > lane.floor {
                let place = try store.rows.place(of: Dot(origin: origin, sequence: last), in: store.engine)
                store.remove(origin, lane.floor + 1...last, &commit)
                store.giveUpPlaces(before: place + 1, &commit)
            }
            store.lanes[origin]?.floor = last
            store.putLane(origin, in: &commit)
        }
    }

    public mutating func adopt(_ mark: FeedMark) throws(StorageError) { try adopt([mark]) }

    /// Takes positions, and goes on behind them with a batch, in one commit with what the owner adds: a state that was taken over, or the last part of it.
    ///
    /// A state too large for a commit is written before, in as many as it takes; applying a row twice must be harmless then. Of the batch only the owner of the
    /// call hears, not the one of ``append(_:)``.
    public mutating func adopt(
        _ marks: [FeedMark], followedBy batch: FeedBatch = .empty,
        alongside: (inout MetadataBatch) throws(StorageError) -> Void = { _ in }
    ) throws(StorageError) {
        try change(Set(marks.map(\.origin) + batch.origins).sorted()) { store, commit throws(StorageError) in
            for mark in marks {
                if let lane = store.lanes[mark.origin], lane.position.sequence > lane.floor {
                    store.remove(mark.origin, lane.floor + 1...lane.position.sequence, &commit)
                }
                let isFrozen = store.lanes[mark.origin]?.isFrozen ?? false
                store.lanes[mark.origin] = Lane(position: mark.position, floor: mark.position.sequence, isFrozen: isFrozen)
                store.head.highWater = max(store.head.highWater, mark.position.stamp)
                store.putLane(mark.origin, in: &commit)
            }
            // One place more than there were arrivals: whoever stood at the end has missed something too.
            store.head.next += 1
            store.giveUpPlaces(before: store.head.next, &commit)
            store.add(batch, to: &commit)
            try alongside(&commit)
        }
    }

    /// Gives the log another name, so that no cursor of before holds: after a backup was restored, whose places others have seen with other entries.
    public mutating func rename(log: UInt64) throws(StorageError) { try change([]) { store, _ in store.head.log = log } }

    private func remove(_ origin: OriginID, _ sequences: ClosedRange<UInt64>, _ commit: inout MetadataBatch) {
        let lower = rows.entry(Dot(origin: origin, sequence: sequences.lowerBound))
        let upper = rows.entry(Dot(origin: origin, sequence: sequences.upperBound + 1))
        commit.remove(rows.family, in: KeyRange(lower: lower, upper: upper))
    }

    private mutating func giveUpPlaces(before place: UInt64, _ commit: inout MetadataBatch) {
        guard place > head.base else { return }
        commit.remove(rows.family, in: KeyRange(lower: rows.arrival(head.base), upper: rows.arrival(place)))
        head.base = place
        syncedNext = max(syncedNext, place)
    }

    private func putLane(_ origin: OriginID, in commit: inout MetadataBatch) {
        commit.put(rows.family, rows.lane(origin), FeedRows.bytes(of: lanes[origin] ?? Lane()))
    }

    /// Makes a change here and in the engine, or in neither; after an error there are no more.
    ///
    /// - Parameter origins: whose lanes `body` may change.
    private mutating func change(
        _ origins: some Sequence<OriginID>, _ body: (inout EngineFeedStore, inout MetadataBatch) throws(StorageError) -> Void
    ) throws(StorageError) {
        if let failure { throw failure }
        let (lanesBefore, headBefore, syncedBefore) = (origins.map { ($0, lanes[$0]) }, head, syncedNext)
        var commit = MetadataBatch()
        do throws(StorageError) {
            try body(&self, &commit)
            commit.put(rows.family, rows.head, FeedRows.bytes(of: head))
            try engine.apply(commit)
        } catch {
            for (origin, lane) in lanesBefore { lanes[origin] = lane }
            (head, syncedNext) = (headBefore, syncedBefore)
            throw fail(error)
        }
    }

    private mutating func fail(_ error: StorageError) -> StorageError {
        failure = error
        return error
    }
}

// MARK: - Reading

extension EngineFeedStore {
    /// - Throws: ``StorageError``, `corrupt` where a row is missing, damaged, or does not follow the one before it.
    public func read(_ origin: OriginID, from first: UInt64, charge: Int) throws(StorageError) -> [FeedEntry] {
        guard let lane = lanes[origin], first > lane.floor, first <= lane.position.sequence else { return [] }
        var entries: [FeedEntry] = []
        // The one before, where it is held, is read for its link alone.
        var previous = first == 1 ? FeedHash.zero : nil
        var (expected, sum) = (max(lane.floor + 1, first - 1), 0)
        let start = rows.entry(Dot(origin: origin, sequence: expected))
        let end = rows.entry(Dot(origin: origin, sequence: lane.position.sequence + 1))
        try engine.scan(rows.family, KeyRange(lower: start, upper: end)) { key, value throws(StorageError) in
            let entry = try rows.entry(key: key, value: value).entry
            guard entry.dot == Dot(origin: origin, sequence: expected), previous.map({ entry.follows($0) }) ?? true else {
                throw StorageError(.corrupt, "entry \(expected) of origin \(origin) is not what was written")
            }
            (expected, previous) = (expected + 1, entry.link)
            guard entry.dot.sequence >= first else { return .next }
            sum += entry.charge
            guard sum <= charge || entries.isEmpty else { return .stop }
            entries.append(entry)
            return .next
        }
        guard !entries.isEmpty else { throw StorageError(.corrupt, "entry \(first) of origin \(origin) is missing") }
        return entries
    }

    /// - Throws: ``StorageError``, `corrupt` where a row is missing or damaged.
    public func scan(from cursor: FeedCursor, limit: Int) throws(StorageError) -> FeedScan? {
        guard cursor.log == head.log, cursor.offset >= head.base, cursor.offset <= syncedNext else { return nil }
        let stop = min(syncedNext, cursor.offset + UInt64(max(0, limit)))
        guard cursor.offset < stop else { return FeedScan(arrivals: [], next: cursor) }
        var dots: [Dot] = []
        let range = KeyRange(lower: rows.arrival(cursor.offset), upper: rows.arrival(stop))
        try engine.scan(rows.family, range) { _, value throws(StorageError) in
            dots.append(try FeedRows.dot(value))
            return .next
        }
        guard dots.count == Int(stop - cursor.offset) else { throw StorageError(.corrupt, "arrivals are missing before \(stop)") }
        var arrivals: [FeedScan.Arrival] = []
        arrivals.reserveCapacity(dots.count)
        for (index, dot) in dots.enumerated() {
            let place = cursor.offset + UInt64(index)
            let (entry, arrival) = try rows.entry(dot, in: engine)
            guard arrival == place else { throw StorageError(.corrupt, "entry \(dot.sequence) arrived at \(arrival) and at \(place)") }
            arrivals.append(FeedScan.Arrival(entry: entry, next: FeedCursor(log: head.log, offset: place + 1)))
        }
        return FeedScan(arrivals: arrivals, next: FeedCursor(log: head.log, offset: stop))
    }
}

extension FeedBatch {
    /// Ascending.
    fileprivate var origins: [OriginID] { Set(entries.map(\.dot.origin) + marks.map(\.origin) + frozen).sorted() }
}
