import SkerryMerge
import SkerryReplication
import SkerryRocksDB
import SkerryStorage
import Testing

/// What every store must do, whatever it is made of.
///
/// - Parameter reopen: opens what the store before has left; nil where there is nothing to open again.
func checkStore<Store: HistoryStore>(_ make: () throws -> Store, reopen: (() throws -> Store)?) throws {
    var store = try make()
    let ids = (0..<6).map(id)
    #expect(try store.record(ids[0]) == nil)
    #expect(try store.names().isEmpty)
    try store.insert([(ids[0], [1, 2]), (ids[1], []), (ids[0], [8])])
    try store.insert([(ids[0], [9])])
    #expect(try store.record(ids[0]) == [1, 2])
    #expect(try store.record(ids[1]) == [])
    try store.replace([(ids[0], [3, 4, 5]), (ids[4], [7])])
    #expect(try store.record(ids[0]) == [3, 4, 5])
    #expect(try store.record(ids[4]) == [7])
    try store.update(
        names: [NameChange(.branch("a"), from: nil, to: ids[0]), NameChange(.tag("t/ü x"), from: nil, to: ids[1])], boundary: [ids[1]])
    #expect(try store.names() == [.branch("a"): ids[0], .tag("t/ü x"): ids[1]])
    #expect(try store.boundary() == [ids[1]])
    // One change that does not hold holds back the others.
    for changes in [
        [NameChange(.branch("a"), from: ids[0], to: ids[1]), NameChange(.branch("b"), from: ids[0], to: ids[1])],
        [NameChange(.branch("new"), from: nil, to: ids[1]), NameChange(.branch("a"), from: nil, to: ids[1])],
    ] {
        let error = #expect(throws: HistoryError.self) { try store.update(names: changes, boundary: []) }
        #expect(error?.code == .changedMeanwhile)
        #expect(try store.names() == [.branch("a"): ids[0], .tag("t/ü x"): ids[1]])
        #expect(try store.boundary() == [ids[1]])
    }
    try store.update(names: [NameChange(.branch("a"), from: ids[0], to: nil)], boundary: nil)
    #expect(try store.names() == [.tag("t/ü x"): ids[1]])
    #expect(try store.boundary() == [ids[1]])
    // A large record and many small ones.
    let large = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 5) }
    try store.insert([(ids[5], large)] + (100..<400).map { (id($0), [UInt8($0 & 255)]) })
    #expect(try store.record(ids[5]) == large)
    try store.remove([ids[0], ids[3], id(399)])
    let expected = Set([ids[1], ids[4], ids[5]] + (100..<399).map(id))
    for isAgain in [false, true] {
        if isAgain {
            guard let reopen else { return }
            try store.update(names: [NameChange(.branch("last"), from: nil, to: ids[1])], boundary: [])
            store = try reopen()
            #expect(try store.names() == [.tag("t/ü x"): ids[1], .branch("last"): ids[1]])
            #expect(try store.boundary().isEmpty)
        }
        var left: Set<ObjectID> = []
        try store.forEachID { id throws(HistoryError) in left.insert(id) }
        #expect(left == expected)
        #expect(try store.record(ids[0]) == nil)
        #expect(try store.record(ids[5]) == large)
        #expect(try store.record(id(398)) == [UInt8(398 & 255)])
    }
}

/// A history of a hundred commits, merges and a collection gives everything back from the store, also opened again.
func checkHistory<Store: HistoryStore>(_ make: () throws -> Store, reopen: () throws -> Store) throws {
    var history = try History(store: try make())
    var random = SeededRandom(5)
    var model: [(ObjectID, Snapshot)] = []
    var lines = (0..<60).map { "line \($0)" }
    for time in 0..<40 {
        lines[random.below(lines.count)] = "changed \(random.next())"
        let snapshot = snapshot(["big": lines.joined(separator: "\n"), "d/small": "\(time)"])
        model.append((try history.commit(snapshot, to: "main", author: "", message: "", timestamp: UInt64(time + 1)), snapshot))
    }
    try history.createBranch("side", at: model[10].0)
    let side = try history.commit(["only": "here"], to: "side", at: 99)
    try history.merge(side, into: "main", policy: .marking)
    try history.createBranch("doomed", at: model[3].0)
    try history.commit(["x": "doomed"], to: "doomed", at: 100)
    try history.delete(.branch("doomed"))
    #expect(try history.collect() > 0)
    for (id, snapshot) in model { #expect(try history.checkout(id) == snapshot) }
    let again = try History(store: try reopen())
    #expect(again.names == history.names)
    for (id, snapshot) in model { #expect(try again.checkout(id) == snapshot) }
    let report = try again.verify()
    #expect(report.isSound)
    #expect(report.unreachableCount == 0)
}

@Suite("History stores")
struct HistoryStoreTests {
    @Test("G-12: the store in memory passes the suite of stores")
    func memory() throws { try checkStore({ MemoryHistoryStore() }, reopen: nil) }

    @Test("G-12: the store in a directory passes the suite of stores, over a file system in memory")
    func directory() throws {
        for check in [0, 1] {
            let files = MemoryFileLayer()
            let make = { try DirectoryHistoryStore(directory: "/w/.skerry-history", files: files, creates: true) }
            let reopen = { try DirectoryHistoryStore(directory: "/w/.skerry-history", files: files) }
            if check == 0 { try checkStore(make, reopen: reopen) } else { try checkHistory(make, reopen: reopen) }
        }
    }

    @Test("G-12: the store in a directory passes the suite of stores, over the operating system's files")
    func posixDirectory() throws {
        for check in [0, 1] {
            try withTemporaryDirectory { parent in
                let make = { try DirectoryHistoryStore(directory: "\(parent)/h", files: PosixFileLayer(), creates: true) }
                let reopen = { try DirectoryHistoryStore(directory: "\(parent)/h", files: PosixFileLayer()) }
                if check == 0 { try checkStore(make, reopen: reopen) } else { try checkHistory(make, reopen: reopen) }
            }
        }
    }

    @Test("G-12: the store in an engine passes the suite of stores, and what the engine forgets in a crash had no name")
    func engine() throws {
        for check in [0, 1] {
            let engine = MemoryMetadataEngine()
            // Rows of others stand on both sides of the prefix.
            var batch = MetadataBatch()
            for key in ["h", "h.a", "h/", "i"] { batch.put(.settings, Array(key.utf8), [1]) }
            try engine.apply(batch)
            let make = { EngineHistoryStore(engine: engine, prefix: Array("h/x/".utf8)) }
            let reopen = {
                // What was collected is kept out by a flush, as any batch is.
                try engine.flush()
                return EngineHistoryStore(engine: engine.crash(), prefix: Array("h/x/".utf8))
            }
            if check == 0 { try checkStore(make, reopen: nil) } else { try checkHistory(make, reopen: reopen) }
        }
    }

    @Test("G-12: the store in RocksDB passes the suite of stores")
    func rocksDB() throws {
        for check in [0, 1] {
            try withTemporaryDirectory { directory in
                var engine = try RocksDBEngine(directory: directory)
                let make = { EngineHistoryStore(engine: engine, prefix: Array("h/".utf8)) }
                let reopen = {
                    try engine.close()
                    engine = try RocksDBEngine(directory: directory)
                    return EngineHistoryStore(engine: engine, prefix: Array("h/".utf8))
                }
                if check == 0 { try checkStore(make, reopen: reopen) } else { try checkHistory(make, reopen: reopen) }
                try engine.close()
            }
        }
    }

    @Test("an engine loses no record before a name that leads to it")
    func engineCrash() throws {
        let engine = MemoryMetadataEngine()
        var history = try History(store: EngineHistoryStore(engine: engine, prefix: [1]))
        let head = try history.commit(["f": "1"])
        // Stored, but no name leads to it yet.
        _ = try history.store(contents: [(Array("loose".utf8), nil)])
        let after = try History(store: EngineHistoryStore(engine: engine.crash(), prefix: [1]))
        #expect(after.branches == ["main": head])
        #expect(try after.verify().isSound)
    }
}
