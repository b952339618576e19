import SkerryCRDT
import SkerryGossip
import SkerryRocksDB
import SkerryStorage
import Synchronization
import Testing

@testable import SkerryReplication

/// Feeds in an engine beside feeds in memory.
@Suite("Feeds in a metadata engine")
struct EngineFeedStoreTests {
    typealias Drill = FeedStoreDrill

    static func open<Engine: MetadataEngine>(_ engine: Engine, family: MetadataFamily = .feed) throws(StorageError) -> EngineFeedStore<
        Engine
    > {
        try EngineFeedStore(engine: engine, family: family, prefix: Drill.prefix, log: Drill.log)
    }

    /// Every question of both, the answers of which must be the same.
    static func compare(_ store: EngineFeedStore<some MetadataEngine>, _ model: MemoryFeedStore, _ numbers: inout SummaryIndexTests.Numbers)
        throws
    {
        #expect(store.state == model.state)
        #expect(store.end == model.end)
        for mark in model.state.marks {
            for _ in 0..<3 {
                let first = numbers.below(mark.position.sequence + 3)
                let charge = Int(numbers.below(900))
                #expect(try store.read(mark.origin, from: first, charge: charge) == model.read(mark.origin, from: first, charge: charge))
            }
            #expect(try store.read(mark.origin, from: 1, charge: .max) == model.read(mark.origin, from: 1, charge: .max))
        }
        for _ in 0..<3 {
            let cursor = FeedCursor(log: numbers.below(9) == 0 ? 1 : Drill.log, offset: numbers.below(model.end.offset + 4))
            let limit = Int(numbers.below(12))
            #expect(try store.scan(from: cursor, limit: limit) == model.scan(from: cursor, limit: limit))
        }
    }

    static func drill(_ engine: some MetadataEngine, seed: UInt64, steps: Int) throws {
        var drill = Drill(seed: seed, isSigned: seed % 3 == 0)
        // Neighbours that are not its own.
        var foreign = MetadataBatch()
        for key in [[0x66, 6, 0xFF], [0x66, 8]] as [[UInt8]] { foreign.put(.feed, key, [1]) }
        try engine.apply(foreign)
        var store = try open(engine)
        var model = MemoryFeedStore(log: Drill.log)
        var answered = 0
        for step in 0..<steps {
            let change = try drill.change(model.state)
            try store.perform(change)
            model.perform(change)
            if step % 3 == 0 { try compare(store, model, &drill.numbers) }
            if drill.numbers.below(25) == 0 {
                try store.sync()
                model.sync()
                store = try open(engine)
                try compare(store, model, &drill.numbers)
            }
            answered += model.count
        }
        #expect(answered > steps, "the stores held something")
        #expect(model.gaps == 0)
        #expect(try engine.get(.feed, [0x66, 6, 0xFF]) == [1])
        #expect(try engine.get(.feed, [0x66, 8]) == [1])
    }

    @Test("U-08: agree with feeds in memory whatever is done with them, over the memory engine", arguments: 1...12 as ClosedRange<UInt64>)
    func memory(_ seed: UInt64) throws { try Self.drill(MemoryMetadataEngine(), seed: seed, steps: 250) }

    @Test("agree with feeds in memory, over RocksDB", arguments: 1...2 as ClosedRange<UInt64>)
    func rocks(_ seed: UInt64) throws {
        try withTemporaryDirectory { directory in
            let engine = try RocksDBEngine(directory: directory + "/index")
            defer { #expect(throws: Never.self) { try engine.close() } }
            try Self.drill(engine, seed: seed, steps: 80)
        }
    }

    // MARK: Crashes

    /// The owner's state: for each origin the sum of all values applied. Not idempotent, so it shows an entry that acts twice or not at all.
    static func tally(_ batch: FeedBatch, _ commit: inout MetadataBatch, _ sums: inout [OriginID: UInt64]) {
        for entry in batch.entries { sums[entry.dot.origin, default: 0] += entry.value.reduce(1) { $0 + UInt64($1) } }
        for (origin, sum) in sums.sorted(by: { $0.key < $1.key }) {
            commit.put(.settings, FeedRows.word(origin.rawValue), FeedRows.word(sum))
        }
    }

    @Test(
        "U-08: a crash between any two writes leaves entries, positions and the owner's state of one moment, and all that was synced",
        arguments: 1...6 as ClosedRange<UInt64>)
    func crash(_ seed: UInt64) throws {
        var drill = Drill(seed: seed)
        let engine = JournalEngine()
        let sums = Sums()
        var store = try EngineFeedStore(engine: engine, prefix: Drill.prefix, log: Drill.log) { batch, commit in
            sums.value.withLock { Self.tally(batch, &commit, &$0) }
        }
        var model = MemoryFeedStore(log: Drill.log)
        /// What there was after each batch of the engine.
        var history: [(model: MemoryFeedStore, sums: [OriginID: UInt64])] = [(model, [:])]
        for _ in 0..<120 {
            let change = try drill.change(model.state)
            try store.perform(change)
            model.perform(change)
            if engine.batches.count == history.count {
                history.append((model, sums.value.withLock { $0 }))
            } else {
                #expect(engine.batches.count == history.count - 1, "a change is one batch")
            }
            if case .sync = change { #expect(engine.flushed == engine.batches.count) }
        }
        #expect(history.count > 60)
        for count in history.indices {
            let rest = try JournalEngine(replaying: engine.batches[..<count])
            var (expected, sums) = history[count]
            expected.sync()
            try Self.compare(try Self.open(rest), expected, &drill.numbers)
            for (origin, sum) in sums {
                #expect(try rest.get(.settings, FeedRows.word(origin.rawValue)) == FeedRows.word(sum), "after \(count) batches")
            }
        }
    }

    @Test("a real crash keeps what was synced, and cursors that were given hold")
    func synced() throws {
        var drill = Drill(seed: 3)
        let engine = MemoryMetadataEngine()
        var store = try Self.open(engine)
        try store.append(try drill.batch())
        #expect(store.end.offset == 0, "nothing is durable yet")
        #expect(try store.scan(from: FeedCursor(log: Drill.log, offset: 0), limit: 10)?.arrivals.isEmpty == true)
        try store.sync()
        let (state, end) = (store.state, store.end)
        try store.append(try drill.batch())
        #expect(store.end == end)
        let again = try Self.open(engine.crash())
        #expect(again.state == state)
        #expect(again.end == end)
        #expect(try again.scan(from: end, limit: 10)?.arrivals.isEmpty == true)
    }

    @Test("what the engine throws comes out, changes nothing, and is the answer to every change after it", arguments: 0..<4)
    func failure(_ kind: Int) throws {
        var drill = Drill(seed: 4)
        let engine = JournalEngine()
        var store = try Self.open(engine)
        try store.append(try drill.batch())
        try store.sync()
        let (state, end, count) = (store.state, store.end, engine.batches.count)
        engine.failAfter(applies: 0, flushes: 0)
        let origin = try #require(state.marks.first?.origin)
        let change: Drill.Change =
            switch kind {
            case 0: .append(try drill.batch())
            case 1: .trim(origin, 1)
            case 2: .adopt(try drill.mark(), followedBy: try drill.batch())
            default: .sync
            }
        let error = #expect(throws: StorageError.self) { try store.perform(change) }
        #expect(error?.code == (kind == 3 ? .failed : .full))
        #expect(store.state == state && store.end == end && engine.batches.count == count)
        engine.failAfter()
        for later in [.append(try drill.batch()), .trim(origin, 1), .adopt(try drill.mark(), followedBy: .empty), .sync] as [Drill.Change] {
            let again = #expect(throws: StorageError.self) { try store.perform(later) }
            #expect(again?.code == error?.code)
        }
        #expect(engine.batches.count == count)
        #expect(store.failure?.code == error?.code)
        #expect(try Self.open(engine).state == state, "a new store goes on from what was written")
    }

    @Test("the owner's error is the store's")
    func ownerFails() throws {
        var drill = Drill(seed: 5)
        let engine = JournalEngine()
        var store = try EngineFeedStore(engine: engine, prefix: Drill.prefix, log: 1) { _, _ throws(StorageError) in
            throw StorageError(.corrupt, "the owner's row is damaged")
        }
        let batch = try drill.batch()
        #expect(throws: StorageError.self) { try store.append(batch) }
        #expect(engine.batches.isEmpty && store.state.marks.isEmpty)
    }

    // MARK: What must not be believed

    @Test("rows that are damaged or missing are an error, not a wrong answer")
    func damage() throws {
        var drill = Drill(seed: 6)
        let engine = MemoryMetadataEngine()
        var store = try Self.open(engine)
        var entries: [FeedEntry] = []
        for _ in 0..<4 { entries.append(try drill.entry(0)) }
        let last = entries[3]
        try store.append(
            FeedBatch(
                ticket: 1, entries: entries,
                marks: [
                    FeedMark(
                        origin: last.dot.origin,
                        position: FeedPosition(sequence: 4, link: last.link, stamp: last.stamp))
                ], highWater: last.stamp))
        try store.sync()
        let origin = last.dot.origin
        func with(_ change: (inout MetadataBatch) -> Void, _ check: (EngineFeedStore<MemoryMetadataEngine>) throws -> Void) throws {
            let copy = MemoryMetadataEngine()
            var (batch, all) = (MetadataBatch(), MetadataBatch())
            try engine.scan(.feed, .all) { key, value throws(StorageError) in
                all.put(.feed, Array(key), Array(value))
                return .next
            }
            try copy.apply(all)
            let store = try Self.open(copy)
            change(&batch)
            try copy.apply(batch)
            try check(store)
        }
        let third = store.rows.entry(Dot(origin: origin, sequence: 3))
        try with({ $0.remove(.feed, third) }) { store throws in
            #expect(try store.read(origin, from: 1, charge: 0).count == 1)
            #expect(throws: StorageError.self) { try store.read(origin, from: 1, charge: .max) }
            #expect(throws: StorageError.self) { try store.read(origin, from: 3, charge: 0) }
            #expect(throws: StorageError.self) { try store.scan(from: FeedCursor(log: Drill.log, offset: 0), limit: 9) }
        }
        for bytes in [[], [1, 2, 3], FeedRows.word(2) + entries[1].stored] as [[UInt8]] {
            try with({ $0.put(.feed, third, bytes) }) { store throws in
                #expect(throws: StorageError.self) { try store.read(origin, from: 3, charge: 0) }
                // The last one is whole, but another's: only the link of the one before tells.
                guard bytes.count < 10 else { return }
                #expect(throws: StorageError.self) { try store.scan(from: FeedCursor(log: Drill.log, offset: 0), limit: 9) }
            }
        }
        try with({ $0.remove(.feed, store.rows.arrival(1)) }) { store throws in
            #expect(throws: StorageError.self) { try store.scan(from: FeedCursor(log: Drill.log, offset: 0), limit: 9) }
        }
        let damaged: [([UInt8], [UInt8])] = [(store.rows.head, [1]), (store.rows.lane(origin), [1]), (store.rows.lane(origin) + [1], [])]
        for (key, value) in damaged {
            try with({ $0.put(.feed, key, value) }) { store throws in
                let error = #expect(throws: StorageError.self) { try Self.open(store.engine) }
                #expect(error?.code == .corrupt)
            }
        }
        try with({ $0.put(.feed, store.rows.head, [2] + [UInt8](repeating: 0, count: 40)) }) { store throws in
            let error = #expect(throws: StorageError.self) { try Self.open(store.engine) }
            #expect(error?.code == .newerFormat)
        }
    }

    @Test("a log with another name knows no cursor of before")
    func renamed() throws {
        var drill = Drill(seed: 8)
        let engine = MemoryMetadataEngine()
        var store = try Self.open(engine)
        try store.append(try drill.batch())
        try store.sync()
        let end = store.end
        try store.rename(log: 99)
        #expect(try store.scan(from: end, limit: 1) == nil)
        #expect(try Self.open(engine).state.log == 99)
    }

    @Test("positions taken over and what the owner writes with them are one commit")
    func adopted() throws {
        var drill = Drill(seed: 9)
        let engine = JournalEngine()
        var store = try Self.open(engine)
        let marks = [try drill.mark(), try drill.mark()]
        try store.adopt(marks) { commit throws(StorageError) in commit.put(.settings, [1], [2]) }
        #expect(engine.batches.count == 1)
        #expect(try engine.get(.settings, [1]) == [2])
        #expect(throws: StorageError.self) {
            try store.adopt(marks) { _ throws(StorageError) in throw StorageError(.corrupt, "") }
        }
        #expect(engine.batches.count == 1)
    }

    // MARK: The format

    @Test("rows are as docs/formats/feeds-store.md has them")
    func golden() throws {
        let engine = MemoryMetadataEngine()
        var core = FeedCore(
            identity: FeedIdentity(cluster: 1, site: 1, origin: OriginID(rawValue: 0x0102_0304_0506_0708), epoch: 1),
            now: FeedInstant(wall: 1_000, monotonic: 0))
        var actions: [FeedAction] = []
        try core.publish(.write, key: [0x6B], value: [0x76, 0x77], now: FeedInstant(wall: 1_000, monotonic: 0), into: &actions)
        var store = try EngineFeedStore(engine: engine, prefix: [0xF0], log: 0x1122_3344_5566_7788)
        for case .persist(let batch) in actions { try store.append(batch) }
        var lines: [String] = []
        try engine.scan(.feed, .all) { key, value throws(StorageError) in
            lines.append(Self.hex(key) + " " + Self.hex(value))
            return .next
        }
        #expect(lines == Self.goldenRows)
    }

    static let goldenRows = [
        "f000 011122334455667788000000000000000000000000000000010000000003e80000",
        "f0010102030405060708 "
            + "00000000000000010000000003e800000000000000000000006ed3327cb3996def6c26413201affc79779cb89440f44717ea787ff38a558f31",
        "f00201020304050607080000000000000001 "
            + "0000000000000000006ed3327cb3996def6c26413201affc79779cb89440f44717ea787ff38a558f3104028080c03e6b7677",
        "f0030000000000000000 01020304050607080000000000000001",
    ]

    static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// The owner's sums, which the hook changes.
private final class Sums: Sendable {
    let value = Mutex<[OriginID: UInt64]>([:])
}
