import SkerryRocksDB
import SkerryStorage
import Testing

/// An engine under test, with what a crash and a restart mean for it.
enum MetadataEngineKind: String, CaseIterable, Sendable {
    case memory
    case rocksDB

    func withEngine(_ body: (any MetadataEngine) throws -> Void) throws {
        switch self {
        case .memory:
            try body(MemoryMetadataEngine())
        case .rocksDB:
            try withTemporaryDirectory { directory in
                let engine = try RocksDBEngine(directory: directory + "/index")
                try body(engine)
                try engine.close()
            }
        }
    }

    /// Runs `before`, crashes, and runs `after` on what the crash left.
    func withCrash(_ before: (any MetadataEngine) throws -> Void, after: (any MetadataEngine) throws -> Void) throws {
        switch self {
        case .memory:
            let engine = MemoryMetadataEngine()
            try before(engine)
            try after(engine.crash())
        case .rocksDB:
            try withTemporaryDirectory { directory in
                let engine = try RocksDBEngine(directory: directory + "/index")
                try before(engine)
                // The files as they are at this instant are what a killed process leaves.
                try copyDatabase(directory + "/index", to: directory + "/crashed")
                try engine.close()
                let restarted = try RocksDBEngine(directory: directory + "/crashed")
                try after(restarted)
                try restarted.close()
            }
        }
    }
}

/// Copies the files of a database that is in use: what a killed process leaves.
///
/// The manifest first, as the files that it names stay until it says otherwise; what vanishes meanwhile is not named by it.
func copyDatabase(_ source: String, to target: String) throws {
    let files = PosixFileLayer()
    try files.createDirectory(target)
    let names = try files.list(source).filter { $0 != "LOCK" }
    let first = names.filter { $0 == "CURRENT" || $0.hasPrefix("MANIFEST") }
    for name in first + names.filter({ !first.contains($0) }) {
        guard let file = try? files.open(source + "/" + name, .read) else { continue }
        let copy = try files.open(target + "/" + name, .create)
        try copy.write(try file.read(at: 0, count: Int(try file.size())), at: 0)
        try copy.close()
    }
}

struct Row: Equatable {
    var key: [UInt8]
    var value: [UInt8]
}

extension MetadataEngine {
    func rows(
        _ family: MetadataFamily, _ range: KeyRange = .all, reversed: Bool = false, step: (Row) -> ScanStep = { _ in .next }
    ) throws -> [Row] {
        var rows: [Row] = []
        try scan(family, range, reversed: reversed) { key, value throws(StorageError) in
            let row = Row(key: Array(key), value: Array(value))
            rows.append(row)
            return step(row)
        }
        return rows
    }

    func put(_ family: MetadataFamily, _ key: [UInt8], _ value: [UInt8]) throws {
        var batch = MetadataBatch()
        batch.put(family, key, value)
        try apply(batch)
    }
}

@Suite("Metadata engines")
struct MetadataEngineTests {
    static let edgeKeys: [[UInt8]] = [
        [], [0], [0, 0], [0, 0xFF], [1], [0x61], [0x61, 0], [0x61, 0xFF], [0x61, 0xFF, 0xFF], [0x7F], [0x80], [0xFF], [0xFF, 0],
        [0xFF, 0xFF],
    ]

    @Test("a row is found by its key in its family alone", arguments: MetadataEngineKind.allCases)
    func familiesAreApart(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            for family in MetadataFamily.allCases { try engine.put(family, [7], [family.rawValue]) }
            for family in MetadataFamily.allCases {
                #expect(try engine.get(family, [7]) == [family.rawValue])
                #expect(try engine.get(family, [7, 0]) == nil)
                #expect(try engine.rows(family) == [Row(key: [7], value: [family.rawValue])])
            }
        }
    }

    @Test("the empty key, the empty value, 0x00 and 0xFF are rows like any other", arguments: MetadataEngineKind.allCases)
    func edgeKeysAreRows(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            for (index, key) in Self.edgeKeys.enumerated().reversed() {
                try engine.put(.current, key, index == 0 ? [] : [UInt8](repeating: 0, count: index))
            }
            for (index, key) in Self.edgeKeys.enumerated() {
                #expect(try engine.get(.current, key) == [UInt8](repeating: 0, count: index))
            }
            #expect(try engine.rows(.current).map(\.key) == Self.edgeKeys)
            #expect(try engine.rows(.current, reversed: true).map(\.key) == Self.edgeKeys.reversed())
        }
    }

    @Test("every range gives what filtering all keys gives, in both directions", arguments: MetadataEngineKind.allCases)
    func rangesAgreeWithFilter(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            for key in Self.edgeKeys { try engine.put(.versions, key, key) }
            let bounds = Self.edgeKeys + [[2], [0x61, 0, 0], [0xFF, 0xFF, 0xFF]]
            for lower in bounds {
                for upper in bounds.map(Optional.some) + [nil] {
                    let expected = Self.edgeKeys.filter { key in
                        !key.lexicographicallyPrecedes(lower) && (upper.map { key.lexicographicallyPrecedes($0) } ?? true)
                    }
                    let range = KeyRange(lower: lower, upper: upper)
                    #expect(try engine.rows(.versions, range).map(\.key) == expected, "\(range)")
                    #expect(try engine.rows(.versions, range, reversed: true).map(\.key) == expected.reversed(), "\(range)")
                }
            }
        }
    }

    @Test("a prefix range holds exactly the keys with that prefix", arguments: MetadataEngineKind.allCases)
    func prefixRanges(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            for key in Self.edgeKeys { try engine.put(.feed, key, []) }
            for prefix in Self.edgeKeys {
                #expect(try engine.rows(.feed, KeyRange(prefix: prefix)).map(\.key) == Self.edgeKeys.filter { $0.starts(with: prefix) })
            }
        }
    }

    @Test("a seek goes to the first row at or after its key, and never back", arguments: MetadataEngineKind.allCases)
    func seekForwards(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            for key in UInt8(0)..<100 { try engine.put(.current, [key * 2], []) }
            let visited = try engine.rows(.current, KeyRange(lower: [10], upper: [150])) { row in
                switch row.key[0] {
                case 10: .seek([31])  // between two rows: the next one
                case 32: .seek([40])  // exactly on a row
                case 40: .seek([40])  // where it stands: goes on
                case 42: .seek([0])  // backwards: goes on
                case 44: .seek([])
                case 46: .seek([0xFF])  // past the range: the end
                default: .next
                }
            }
            #expect(visited.map { $0.key[0] } == [10, 32, 40, 42, 44, 46])
        }
    }

    @Test("a backward seek goes to the first row at or before its key, and never forward", arguments: MetadataEngineKind.allCases)
    func seekBackwards(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            for key in UInt8(0)..<100 { try engine.put(.current, [key * 2], []) }
            let visited = try engine.rows(.current, KeyRange(lower: [10], upper: [151]), reversed: true) { row in
                switch row.key[0] {
                case 150: .seek([101])
                case 100: .seek([90])
                case 90: .seek([90])
                case 88: .seek([0xFF])
                case 86: .seek([86, 0])
                case 84: .seek([9])
                default: .next
                }
            }
            #expect(visited.map { $0.key[0] } == [150, 100, 90, 88, 86, 84])
        }
    }

    @Test("a scan stops when it is told, and throws what its body throws", arguments: MetadataEngineKind.allCases)
    func scanEnds(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            for key in UInt8(0)..<10 { try engine.put(.current, [key], []) }
            #expect(try engine.rows(.current) { $0.key[0] == 3 ? .stop : .next }.count == 4)
            let error = #expect(throws: StorageError.self) {
                try engine.scan(.current, .all) { _, _ throws(StorageError) in throw StorageError(.notFound, "mine") }
            }
            #expect(error?.code == .notFound)
        }
    }

    @Test("a scan sees the state it began with, whatever is written meanwhile", arguments: MetadataEngineKind.allCases)
    func scanIsConsistent(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            for key in UInt8(0)..<50 { try engine.put(.current, [key], [1]) }
            var seen: [Row] = []
            try engine.scan(.current, .all) { key, value throws(StorageError) in
                seen.append(Row(key: Array(key), value: Array(value)))
                var batch = MetadataBatch()
                batch.put(.current, [key[0]] + [9], [9])
                batch.put(.current, [49], [2])
                batch.remove(.current, [key[0] &+ 1])
                try engine.apply(batch)
                return .next
            }
            #expect(seen == (UInt8(0)..<50).map { Row(key: [$0], value: [1]) })
        }
    }

    @Test("changes of a batch take effect in their order", arguments: MetadataEngineKind.allCases)
    func batchOrder(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            try engine.put(.uploads, [1], [0])
            var batch = MetadataBatch()
            batch.put(.uploads, [1], [1])
            batch.put(.uploads, [200], [1])
            batch.put(.uploads, [255, 255], [1])
            batch.remove(.uploads, in: KeyRange(lower: [1], upper: nil))
            batch.put(.uploads, [2], [2])
            batch.put(.uploads, [3], [3])
            batch.remove(.uploads, [3])
            batch.remove(.uploads, in: KeyRange(lower: [9], upper: [9]))
            batch.remove(.uploads, in: KeyRange(lower: [9], upper: [1]))
            try engine.apply(batch)
            #expect(try engine.rows(.uploads) == [Row(key: [2], value: [2])])
        }
    }

    @Test("random operations agree with a dictionary", arguments: MetadataEngineKind.allCases, [1, 2, 3, 4] as [UInt64])
    func agreesWithModel(kind: MetadataEngineKind, seed: UInt64) throws {
        try kind.withEngine { engine in
            var generator = SplitMix64(seed: seed)
            var model: [[UInt8]: [UInt8]] = [:]
            func key() -> [UInt8] {
                (0..<Int.random(in: 0...3, using: &generator)).map { _ in [0, 1, 0x61, 0xFE, 0xFF].randomElement(using: &generator)! }
            }
            func expected(_ range: KeyRange) -> [Row] {
                model.filter {
                    !$0.key.lexicographicallyPrecedes(range.lower) && (range.upper.map($0.key.lexicographicallyPrecedes) ?? true)
                }
                .map { Row(key: $0.key, value: $0.value) }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            }
            for round in 0..<300 {
                var batch = MetadataBatch()
                for _ in 0..<Int.random(in: 1...8, using: &generator) {
                    switch Int.random(in: 0..<10, using: &generator) {
                    case 0:
                        let range = KeyRange(lower: key(), upper: Bool.random(using: &generator) ? key() : nil)
                        for row in expected(range) { model[row.key] = nil }
                        batch.remove(.versions, in: range)
                    case 1...3:
                        let key = key()
                        model[key] = nil
                        batch.remove(.versions, key)
                    default:
                        let key = key()
                        model[key] = [UInt8(truncatingIfNeeded: round)]
                        batch.put(.versions, key, [UInt8(truncatingIfNeeded: round)])
                    }
                }
                try engine.apply(batch)
                if round % 40 == 0 { try engine.flush() }
                let probe = key()
                #expect(try engine.get(.versions, probe) == model[probe], "seed \(seed) round \(round)")
                let range = KeyRange(lower: key(), upper: Bool.random(using: &generator) ? key() : nil)
                #expect(try engine.rows(.versions, range) == expected(range), "seed \(seed) round \(round)")
                #expect(try engine.rows(.versions, range, reversed: true) == expected(range).reversed(), "seed \(seed) round \(round)")
            }
        }
    }

    @Test("thousands of rows stand in order, also after most of them went", arguments: MetadataEngineKind.allCases)
    func manyRows(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            var generator = SplitMix64(seed: 9)
            let keys = (0..<5_000).map { number in [UInt8(number >> 8), UInt8(number & 0xFF)] }
            var batch = MetadataBatch()
            for key in keys.shuffled(using: &generator) { batch.put(.chunks, key, key) }
            try engine.apply(batch)
            #expect(try engine.rows(.chunks).map(\.key) == keys)
            var removal = MetadataBatch()
            removal.remove(.chunks, in: KeyRange(lower: [1], upper: [18, 200]))
            try engine.apply(removal)
            #expect(try engine.rows(.chunks).map(\.key) == keys.filter { $0[0] < 1 || !$0.lexicographicallyPrecedes([18, 200]) })
        }
    }

    @Test("a crash leaves the last flush, of all families at one point", arguments: MetadataEngineKind.allCases)
    func crashLeavesLastFlush(kind: MetadataEngineKind) throws {
        try kind.withCrash { engine in
            var batch = MetadataBatch()
            for family in MetadataFamily.allCases { batch.put(family, [1], [1]) }
            try engine.apply(batch)
            try engine.flush()
            // Flushing an engine without changes is no harm, and what follows is lost.
            try engine.flush()
            var later = MetadataBatch()
            for family in MetadataFamily.allCases {
                later.put(family, [2], [2])
                later.remove(family, [1])
            }
            try engine.apply(later)
        } after: { engine in
            for family in MetadataFamily.allCases {
                let rows = try engine.rows(family)
                #expect(rows == [Row(key: [1], value: [1])], "\(family)")
            }
        }
    }

    @Test("what was flushed after a clear stays cleared", arguments: MetadataEngineKind.allCases)
    func clearIsDurable(kind: MetadataEngineKind) throws {
        try kind.withCrash { engine in
            for family in MetadataFamily.allCases { try engine.put(family, [1], [1]) }
            try engine.flush()
            try engine.clear()
            for family in MetadataFamily.allCases { #expect(try engine.rows(family).isEmpty) }
        } after: { engine in
            for family in MetadataFamily.allCases { #expect(try engine.rows(family).isEmpty) }
            try engine.put(.feed, [3], [3])
            #expect(try engine.rows(.feed) == [Row(key: [3], value: [3])])
        }
    }

    @Test("a closed engine refuses every call and may be closed again", arguments: MetadataEngineKind.allCases)
    func closedRefuses(kind: MetadataEngineKind) throws {
        try kind.withEngine { engine in
            try engine.put(.feed, [1], [1])
            try engine.close()
            try engine.close()
            let calls: [() throws -> Void] = [
                { _ = try engine.get(.feed, [1]) }, { _ = try engine.rows(.feed) }, { try engine.put(.feed, [1], []) },
                { try engine.flush() }, { try engine.clear() },
            ]
            for call in calls { #expect(throws: StorageError.self) { try call() } }
            let error = #expect(throws: StorageError.self) { try engine.flush() }
            #expect(error?.code == .closed)
        }
    }

    @Test("readers and writers on many threads see whole batches", arguments: MetadataEngineKind.allCases)
    func threads(kind: MetadataEngineKind) async throws {
        // Both rows of a batch have one value: a reader that finds two different ones saw half a batch.
        func check(_ engine: any MetadataEngine) async throws {
            let pool = try BlockingPool(threads: 4)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in UInt8(0)..<2 {
                    group.addTask {
                        for round in UInt8(0)..<100 {
                            try await pool.run { () throws(StorageError) in
                                var batch = MetadataBatch()
                                batch.put(.current, [1], [writer, round])
                                batch.put(.current, [2], [writer, round])
                                try engine.apply(batch)
                            }
                        }
                    }
                    group.addTask {
                        for _ in 0..<100 {
                            let values = try await pool.run { () throws(StorageError) -> Set<[UInt8]> in
                                var values: Set<[UInt8]> = []
                                try engine.scan(.current, .all) { _, value throws(StorageError) in
                                    values.insert(Array(value))
                                    return .next
                                }
                                return values
                            }
                            #expect(values.count <= 1)
                        }
                    }
                }
                try await group.waitForAll()
            }
            await pool.shutdown()
        }
        switch kind {
        case .memory: try await check(MemoryMetadataEngine())
        case .rocksDB:
            try await withTemporaryDirectory { directory in
                let engine = try RocksDBEngine(directory: directory + "/index")
                try await check(engine)
                try engine.close()
            }
        }
    }
}

@Suite("RocksDB engine")
struct RocksDBEngineTests {
    @Test("a second open of the directory is refused as locked")
    func locked() throws {
        try withTemporaryDirectory { directory in
            let engine = try RocksDBEngine(directory: directory + "/index")
            let error = #expect(throws: StorageError.self) { _ = try RocksDBEngine(directory: directory + "/index") }
            #expect(error?.code == .locked)
            try engine.close()
        }
    }

    @Test("a file that rotted is reported as corrupt")
    func rot() throws {
        try withTemporaryDirectory { directory in
            let engine = try RocksDBEngine(directory: directory + "/index")
            for key in UInt8(0)..<100 { try engine.put(.versions, [key], [UInt8](repeating: key, count: 1000)) }
            try engine.close()
            let files = PosixFileLayer()
            let tables = try files.list(directory + "/index").filter { $0.hasSuffix(".sst") }
            #expect(!tables.isEmpty)
            for table in tables {
                let file = try files.open(directory + "/index/" + table, .write)
                try file.write([UInt8](repeating: 0xAA, count: 2000), at: 100)
            }
            let damaged = try RocksDBEngine(directory: directory + "/index")
            let error = #expect(throws: StorageError.self) { _ = try damaged.get(.versions, [0]) }
            #expect(error?.code == .corrupt)
            let scanError = #expect(throws: StorageError.self) { _ = try damaged.rows(.versions) }
            #expect(scanError?.code == .corrupt)
        }
    }

    @Test("memory stays within its bounds while much is written")
    func memoryIsBounded() throws {
        try withTemporaryDirectory { directory in
            var configuration = RocksDBConfiguration()
            configuration.writeBufferSize = 2 << 20
            configuration.blockCacheSize = 1 << 20
            let engine = try RocksDBEngine(directory: directory + "/index", configuration: configuration)
            let value = [UInt8](repeating: 7, count: 1000)
            for round in 0..<100 {
                var batch = MetadataBatch()
                for row in 0..<100 { batch.put(.versions, [UInt8(round), UInt8(row)], value) }
                try engine.apply(batch)
            }
            #expect(try engine.rows(.versions).count == 10_000)
            let usage = try engine.memoryUsage()
            // A table in memory is only given up once its successor has taken a part, so twice the bound is the honest limit.
            #expect(usage.writeBuffers <= 4 << 20)
            #expect(usage.blockCache <= 1 << 20)
            try engine.close()
        }
    }

    @Test("an index that flushed itself for want of memory has all families at one point")
    func backgroundFlushIsAtomic() throws {
        try withTemporaryDirectory { directory in
            var configuration = RocksDBConfiguration()
            configuration.writeBufferSize = 4 << 20
            let engine = try RocksDBEngine(directory: directory + "/index", configuration: configuration)
            let value = [UInt8](repeating: 1, count: 4000)
            for round in UInt16(0)..<2500 {
                var batch = MetadataBatch()
                batch.put(.versions, [UInt8(round >> 8), UInt8(round & 0xFF)], value)
                batch.put(.settings, [0], [UInt8(round >> 8), UInt8(round & 0xFF)])
                try engine.apply(batch)
            }
            try copyDatabase(directory + "/index", to: directory + "/crashed")
            try engine.close()
            let restarted = try RocksDBEngine(directory: directory + "/crashed")
            let position = try restarted.get(.settings, [0])
            #expect(position != nil, "it never flushed by itself, so this shows nothing")
            #expect(try restarted.rows(.versions).last?.key == position)
            try restarted.close()
        }
    }
}
