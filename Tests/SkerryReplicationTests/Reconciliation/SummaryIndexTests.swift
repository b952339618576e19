import SkerryCRDT
import SkerryGossip
import SkerryRocksDB
import SkerryStorage
import Testing

@testable import SkerryReplication

/// The tree over an engine beside the tree in memory, which has a reference of its own.
@Suite("Counts and sums over a metadata engine")
struct SummaryIndexTests {
    struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }

        mutating func below(_ bound: UInt64) -> UInt64 { next() % bound }

        mutating func key(_ span: UInt64) -> WriteKey {
            let stamp = HybridTimestamp(milliseconds: 1_700_000_000_000 + below(span), count: UInt16(below(3)))
            return WriteKey(stamp: stamp, origin: OriginID(rawValue: 1 + below(3)), sequence: 1 + below(500))
        }

        mutating func digest(_ key: WriteKey) -> EntryDigest { EntryDigest(key: key, content: [UInt8(below(256)), UInt8(below(256))]) }
    }

    /// Random folds beside the same changes of the tree in memory; then every question of both.
    static func compare(_ engine: some MetadataEngine, seed: UInt64) throws {
        var numbers = Numbers(state: seed)
        let index = SummaryIndex(engine: engine, family: .settings, prefix: [0x77, 1])
        // Neighbours that are not its own.
        var foreign = MetadataBatch()
        foreign.put(.settings, [0x77, 0, 9], [1])
        foreign.put(.settings, [0x77, 2], [1])
        try engine.apply(foreign)
        var tree = ReconciliationTree()
        var keys: [WriteKey] = []
        let span: UInt64 = [10, 2_000, 5_000_000_000][Int(numbers.below(3))]
        for round in 0..<6 as Range<UInt64> {
            var changes: [SummaryChange] = []
            for _ in 0..<numbers.below(120) {
                if numbers.below(4) == 0, let key = keys.randomElement(using: &numbers) {
                    changes.append(.remove(key))
                    tree.remove(key)
                } else {
                    let key = numbers.below(5) == 0 ? keys.randomElement(using: &numbers) ?? numbers.key(span) : numbers.key(span)
                    let digest = numbers.digest(key)
                    changes.append(.insert(WriteEntry(key: key, digest: digest)))
                    tree.insert(key, digest)
                    keys.append(key)
                }
            }
            try index.fold(changes, position: [UInt8(round)])
            // Once more, as after a crash between the feed and the fold: the last change of each key alone is what holds.
            if round % 2 == 0 { try index.fold(changes, position: [UInt8(round)]) }
            #expect(try index.position() == [UInt8(round)])
            try ask(index, tree, &numbers, span)
        }
        try index.fold(keys.map { .remove($0) }, position: [])
        #expect(try index.summary(of: .all) == RangeSummary())
        var rows = 0
        try engine.scan(.settings, KeyRange(prefix: [0x77])) { _, _ throws(StorageError) in
            rows += 1
            return .next
        }
        #expect(rows == 3, "an empty index keeps its position alone")
    }

    private static func ask(
        _ index: SummaryIndex<some MetadataEngine>, _ tree: borrowing ReconciliationTree, _ numbers: inout Numbers, _ span: UInt64
    ) throws {
        let total = tree.total
        #expect(try index.summary(of: .all) == total)
        for _ in 0..<20 {
            let bounds = [numbers.key(span), numbers.key(span)].sorted()
            let range = WriteRange(lower: numbers.below(5) == 0 ? .first : bounds[0], upper: numbers.below(5) == 0 ? nil : bounds[1])
            let summary = tree.summary(of: range)
            #expect(try index.summary(of: range) == summary)
            let rank = numbers.below(total.count + 2)
            let (key, digest) = (tree.key(at: rank), tree.digest(of: bounds[0]))
            #expect(try index.key(at: rank) == key)
            #expect(try index.digest(of: bounds[0]) == digest)
            if let key {
                let found = tree.digest(of: key)
                #expect(try index.digest(of: key) == found)
            }
            var (seen, expected): ([WriteEntry], [WriteEntry]) = ([], [])
            try index.visit(range) {
                seen.append($0); return seen.count < 50
            }
            tree.visit(range) {
                expected.append($0); return expected.count < 50
            }
            #expect(seen == expected)
        }
    }

    @Test("agrees with the tree in memory, over the memory engine", arguments: 1...12 as ClosedRange<UInt64>)
    func memory(_ seed: UInt64) throws { try Self.compare(MemoryMetadataEngine(), seed: seed) }

    @Test("agrees with the tree in memory, over RocksDB", arguments: 1...4 as ClosedRange<UInt64>)
    func rocks(_ seed: UInt64) throws {
        try withTemporaryDirectory { directory in
            let engine = try RocksDBEngine(directory: directory + "/index")
            defer { #expect(throws: Never.self) { try engine.close() } }
            try Self.compare(engine, seed: seed)
        }
    }

    @Test("a session between an engine and memory finds the difference")
    func session() throws {
        var numbers = Numbers(state: 5)
        let index = SummaryIndex(engine: MemoryMetadataEngine(), family: .settings, prefix: [1])
        var tree = ReconciliationTree()
        var changes: [SummaryChange] = []
        for number in 0..<3_000 as Range<UInt64> {
            let key = WriteKey(
                stamp: HybridTimestamp(milliseconds: 1_700_000_000_000 + number * 3, count: 0), origin: OriginID(rawValue: 4),
                sequence: number)
            let digest = numbers.digest(key)
            if number % 500 != 7 { tree.insert(key, digest) }
            if number < 2_950 { changes.append(.insert(WriteEntry(key: key, digest: digest))) }
        }
        try index.fold(changes, position: [1])
        var initiator = ReconciliationCore(initiator: ReconciliationNonce(low: 1, high: 1), secret: [1])
        var responder = ReconciliationCore(responder: [1])
        var (frame, found, heard): ([UInt8], [ReconciliationEvent], [ReconciliationEvent]) = ([], [], [])
        for _ in 0..<20 {
            while try initiator.nextFrame(into: &frame, from: index, events: &found) { try responder.receive(frame, events: &heard) }
            while responder.nextFrame(into: &frame, from: tree, events: &heard) { try initiator.receive(frame, events: &found) }
        }
        #expect(initiator.isComplete && responder.isComplete)
        var sent: UInt64 = 0
        for event in found {
            if case .peerLacks(_, let count) = event { sent += count }
            if case .wanted = event { sent += 1 }
        }
        var lacked: UInt64 = 0
        for event in found {
            if case .offered(let count) = event { lacked += count }
            if case .lacks = event { lacked += 1 }
        }
        #expect(sent == 6 && lacked == 50)
    }

    @Test("rows that are damaged are an error, not a wrong answer")
    func damage() throws {
        let engine = MemoryMetadataEngine()
        let index = SummaryIndex(engine: engine, family: .settings, prefix: [1])
        let key = WriteKey(stamp: HybridTimestamp(rawValue: 1 << 40), origin: OriginID(rawValue: 4), sequence: 1)
        try index.fold([.insert(WriteEntry(key: key, digest: EntryDigest(key: key, content: [])))], position: [])
        var batch = MetadataBatch()
        batch.put(.settings, index.entryRow(key), [1])
        batch.put(.settings, index.bucketRow(SummaryIndex<MemoryMetadataEngine>.Bucket(level: 0, number: 0)), [1])
        try engine.apply(batch)
        #expect(throws: StorageError.self) { try index.digest(of: key) }
        #expect(throws: StorageError.self) { try index.summary(of: .all) }
        #expect(throws: StorageError.self) { try index.visit(.all) { _ in true } }
    }
}
