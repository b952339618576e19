import SkerryCRDT
import SkerryGossip
import SkerryReplication
import SkerryRocksDB
import SkerryStorage
import Testing

@Suite("Placed keys in an engine")
struct EnginePlacementStoreTests {
    private static func copy(_ value: UInt8, _ sequence: UInt64) -> Siblings {
        var copy = Siblings()
        copy.write([value], replacing: CausalContext(), as: Dot(origin: OriginID(rawValue: 1), sequence: sequence))
        return copy
    }

    private static func open<Engine: MetadataEngine>(_ engine: Engine, newOrigin: UInt64 = 7) throws -> EnginePlacementStore<Engine> {
        try EnginePlacementStore(engine: engine, family: .settings, prefix: [0x70], newOrigin: newOrigin)
    }

    /// The same changes to a store in an engine and to one in memory, which agree, also after it was opened again.
    private static func check<Engine: MetadataEngine>(_ engine: Engine) throws {
        var model = MemoryPlacementStore(origin: OriginID(rawValue: 7))
        var store = try open(engine)
        #expect(store.origin == model.origin)
        for index in 0..<300 {
            let key = Array("key \(index % 90)".utf8)
            let copy = copy(UInt8(index % 251), UInt64(index + 1))
            #expect(try store.merge(copy, into: key) == model.merge(copy, into: key))
            #expect(try store.nextSequence() == model.nextSequence())
            if index % 3 == 0 {
                let hint = HintTable.Hint(home: MemberID(rawValue: UInt64(index % 4)), key: key, copy: copy)
                try store.keep(hint)
                model.keep(hint)
            }
            if index % 7 == 0 {
                try store.drop(hintFor: MemberID(rawValue: UInt64(index % 4)), of: key)
                model.drop(hintFor: MemberID(rawValue: UInt64(index % 4)), of: key)
            }
        }
        try store.commit()
        try compare(store, model)
        let again = try open(engine, newOrigin: 8)
        try compare(again, model)
        #expect(again.count == 90)
    }

    private static func compare<Engine: MetadataEngine>(
        _ store: borrowing EnginePlacementStore<Engine>, _ model: borrowing MemoryPlacementStore
    ) throws {
        #expect(store.origin == model.origin)
        #expect(store.summary(of: .all) == model.summary(of: .all))
        #expect(try store.hints() == model.hints())
        for index in 0..<91 {
            let key = Array("key \(index)".utf8)
            let place = PlacementRing.place(of: key)
            #expect(try store.siblings(of: key) == model.siblings(of: key))
            #expect(try store.key(at: place) == model.key(at: place))
            #expect(store.digest(of: place) == model.digest(of: place))
            #expect(store.key(at: UInt64(index)) == model.key(at: UInt64(index)))
        }
    }

    @Test("T-17: a store in memory and one in an engine hold the same, whichever engine")
    func engines() throws {
        try Self.check(MemoryMetadataEngine())
        try withTemporaryDirectory { directory in
            let engine = try RocksDBEngine(directory: directory + "/rows")
            try Self.check(engine)
            try engine.close()
        }
    }

    @Test("T-17: a crash leaves what was committed, with its origin, and no sequence comes twice")
    func crash() throws {
        let engine = MemoryMetadataEngine()
        var store = try Self.open(engine)
        let sequence = try store.nextSequence()
        _ = try store.merge(Self.copy(1, 1), into: [1])
        try store.commit()
        _ = try store.nextSequence()
        _ = try store.merge(Self.copy(2, 2), into: [2])
        var left = try Self.open(engine.crash(), newOrigin: 8)
        #expect(left.origin == OriginID(rawValue: 7))
        #expect(try left.siblings(of: [1]).values == [[1]])
        #expect(try left.siblings(of: [2]).isEmpty)
        #expect(try left.nextSequence() > sequence)
        let empty = try Self.open(MemoryMetadataEngine(), newOrigin: 8)
        #expect(empty.origin == OriginID(rawValue: 8), "an empty store is somebody else")
    }

    @Test("damaged rows are reported as such")
    func damage() throws {
        let engine = MemoryMetadataEngine()
        var store = try Self.open(engine)
        _ = try store.merge(Self.copy(1, 1), into: [1])
        var rows: [[UInt8]: [UInt8]] = [:]
        try engine.scan(.settings, .all) { row, value throws(StorageError) in
            rows[Array(row)] = Array(value)
            return .next
        }
        for (row, value) in rows where row.count > 2 {
            for count in [0, 20, 33, 34, value.count - 1] {
                var batch = MetadataBatch()
                batch.put(.settings, row, Array(value.prefix(count)))
                try engine.apply(batch)
                let error = #expect(throws: StorageError.self) {
                    let store = try Self.open(engine)
                    _ = try store.siblings(of: [1])
                }
                #expect(error?.code == .corrupt)
            }
        }
    }
}
