import SkerryCRDT
import SkerryGossip
import SkerryStorage
import Synchronization

@testable import SkerryReplication

/// An engine that writes down every batch, so that a crash can be had between any two, and that fails when it is told to.
final class JournalEngine: MetadataEngine {
    struct State {
        var batches: [MetadataBatch] = []
        /// How many of them the last flush made durable.
        var flushed = 0
        var appliesLeft = Int.max
        var flushesLeft = Int.max
    }

    let rows = MemoryMetadataEngine()
    let state = Mutex(State())

    init() {}

    /// What is there after a crash that kept the first `count` batches.
    init(replaying batches: ArraySlice<MetadataBatch>) throws(StorageError) { for batch in batches { try apply(batch) } }

    var batches: [MetadataBatch] { state.withLock { $0.batches } }
    var flushed: Int { state.withLock { $0.flushed } }

    func failAfter(applies: Int = .max, flushes: Int = .max) {
        state.withLock { ($0.appliesLeft, $0.flushesLeft) = (applies, flushes) }
    }

    func get(_ family: MetadataFamily, _ key: [UInt8]) throws(StorageError) -> [UInt8]? { try rows.get(family, key) }

    func scan(
        _ family: MetadataFamily, _ range: KeyRange, reversed: Bool,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) { try rows.scan(family, range, reversed: reversed, body) }

    func apply(_ batch: MetadataBatch) throws(StorageError) {
        let mayGoOn = state.withLock { state in
            guard state.appliesLeft > 0 else { return false }
            state.appliesLeft -= 1
            state.batches.append(batch)
            return true
        }
        guard mayGoOn else { throw StorageError(.full, "the disk is full") }
        try rows.apply(batch)
    }

    func flush() throws(StorageError) {
        let mayGoOn = state.withLock { state in
            guard state.flushesLeft > 0 else { return false }
            state.flushesLeft -= 1
            state.flushed = state.batches.count
            return true
        }
        guard mayGoOn else { throw StorageError(.failed, "a sync failed") }
        try rows.flush()
    }

    func clear() throws(StorageError) { try rows.clear() }
    func close() throws(StorageError) { try rows.close() }
}

/// Writers of entries, one for each origin, and random changes of a store from a seed.
struct FeedStoreDrill {
    static let prefix: [UInt8] = [0x66, 7]
    static let log: UInt64 = 0xA0A1_A2A3_A4A5_A6A7

    var numbers: SummaryIndexTests.Numbers
    var writers: [FeedCore]
    var ticket: UInt64 = 0
    let now = FeedInstant(wall: 1_700_000_000_000, monotonic: 0)

    init(seed: UInt64, isSigned: Bool = false) {
        numbers = SummaryIndexTests.Numbers(state: seed)
        let trust = isSigned ? FeedTrust.custom(sign: { _ in [UInt8](repeating: 7, count: 64) }, verify: { _, _, _ in true }) : .members
        writers = (1...3 as ClosedRange<UInt64>).map { origin in
            FeedCore(
                identity: FeedIdentity(cluster: 1, site: origin, origin: OriginID(rawValue: origin << 56 | origin), epoch: 1), trust: trust,
                now: FeedInstant(wall: 1_700_000_000_000, monotonic: 0))
        }
    }

    var origins: [OriginID] { writers.map(\.identity.origin) }

    mutating func entry(_ writer: Int) throws(FeedError) -> FeedEntry {
        var actions: [FeedAction] = []
        let key = [UInt8](repeating: UInt8(numbers.below(256)), count: Int(numbers.below(12)))
        let value = [UInt8](repeating: UInt8(numbers.below(256)), count: Int(numbers.below(40)))
        let kind = FeedEntry.Kind.allCases[Int(numbers.below(3))]
        let entry = try writers[writer].publish(kind, key: key, value: value, now: now, into: &actions)
        for case .persist(let batch) in actions { writers[writer].persisted(batch.ticket, now: now, into: &actions) }
        return entry
    }

    mutating func batch() throws(FeedError) -> FeedBatch {
        ticket += 1
        var batch = FeedBatch(ticket: ticket, entries: [], marks: [], highWater: .zero)
        for _ in 0...numbers.below(4) {
            let entry = try entry(Int(numbers.below(3)))
            batch.entries.append(entry)
            batch.highWater = max(batch.highWater, entry.stamp)
            batch.marks.removeAll { $0.origin == entry.dot.origin }
            batch.marks.append(mark(entry))
        }
        if numbers.below(30) == 0 { batch.frozen = [OriginID(rawValue: 77)] }
        return batch
    }

    /// Where an origin stands elsewhere, after entries that never come here.
    mutating func mark() throws(FeedError) -> FeedMark {
        let writer = Int(numbers.below(3))
        for _ in 0..<numbers.below(3) { _ = try entry(writer) }
        return mark(try entry(writer))
    }

    private func mark(_ entry: FeedEntry) -> FeedMark {
        FeedMark(
            origin: entry.dot.origin, position: FeedPosition(sequence: entry.dot.sequence, link: entry.link, stamp: entry.stamp))
    }

    enum Change {
        case append(FeedBatch)
        case trim(OriginID, UInt64)
        case adopt(FeedMark, followedBy: FeedBatch)
        case sync
    }

    mutating func change(_ state: FeedState) throws(FeedError) -> Change {
        switch numbers.below(20) {
        case 0:
            let mark = try mark()
            return .adopt(mark, followedBy: numbers.below(2) == 0 ? try batch() : .empty)
        case 1, 2:
            guard let mark = state.marks.randomElement(using: &numbers) else { return .sync }
            return .trim(mark.origin, numbers.below(mark.position.sequence + 3))
        case 3, 4, 5, 6: return .sync
        default: return .append(try batch())
        }
    }
}

extension FeedStore {
    mutating func perform(_ change: FeedStoreDrill.Change) throws(Failure) {
        switch change {
        case .append(let batch): try append(batch)
        case .trim(let origin, let sequence): try trim(origin, through: sequence)
        case .adopt(let mark, let batch):
            try adopt(mark)
            if batch != .empty { try append(batch) }
        case .sync: try sync()
        }
    }
}

extension EngineFeedStore {
    /// As all feed stores do, but each change is one commit.
    mutating func perform(_ change: FeedStoreDrill.Change) throws(StorageError) {
        switch change {
        case .append(let batch): try append(batch)
        case .trim(let origin, let sequence): try trim(origin, through: sequence)
        case .adopt(let mark, let batch): try adopt([mark], followedBy: batch)
        case .sync: try sync()
        }
    }
}
