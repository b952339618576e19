import SkerryMerge
import SkerryReplication
import SkerryStorage
import Testing

private typealias Store = DirectoryHistoryStore<MemoryFileLayer>
private let place = "/w/.skerry-history"

private func open(_ files: MemoryFileLayer, creates: Bool = true) throws(HistoryError) -> History<Store> {
    try History(store: try Store(directory: place, files: files, creates: creates))
}

@Suite("A history in a directory")
struct DirectoryHistoryTests {
    /// One step of a history's life, and what it is for.
    private typealias Step = @Sendable (inout History<Store>) throws -> Void

    private static func lines(_ changed: Int) -> String {
        (0..<80).map { $0 == changed ? "changed" : "line \($0)" }.joined(separator: "\n")
    }

    private static let life: [Step] = {
        var steps: [Step] = [
            { try $0.commit(["f": lines(1), "d/g": "x"], at: 1) }, { try $0.commit(["f": lines(2), "d/g": "x"], at: 2) },
            { try $0.createTag("v1", at: $0.resolve(.branch("main"))) },
            { try $0.createBranch("side", at: $0.resolve(.branch("main"))) },
            { try $0.commit(["f": lines(3), "s": "s"], to: "side", at: 3) },
            { try $0.commit(["f": lines(4), "d/g": "y"], at: 4) },
            { try $0.merge($0.resolve(.branch("side")), into: "main", policy: .marking) },
            { try $0.createBranch("doomed", at: $0.resolve(.tag("v1"))) }, { try $0.commit(["f": lines(7)], to: "doomed", at: 5) },
            // A difference from something that will go.
            { try $0.commit(["f": lines(7) + "\nmore"], to: "doomed", at: 6) },
            { try $0.commit(["f": lines(7) + "\nmore", "kept": "k"], to: "main", at: 7) },
            { try $0.delete(.branch("doomed")) }, { try $0.collect() },
        ]
        // Enough for packs to be merged.
        for time in 8..<20 { steps.append { try $0.commit(["n": "\(time)"], at: UInt64(time)) } }
        return steps
    }()

    /// Fault model: the process stops at any one operation of the file system, which may or may not have been carried out, and of what was not
    /// synced a crash leaves nothing, all, a prefix, or what a draw keeps.
    @Test("G-12: a crash at any operation leaves a valid history that has everything acknowledged", arguments: 0..<4)
    func crashes(part: Int) throws {
        let reference = MemoryFileLayer()
        var names: [[HistoryName: ObjectID]] = []
        var history = try open(reference)
        let opened = reference.operationCount
        for step in Self.life {
            names.append(history.names)
            try step(&history)
        }
        names.append(history.names)
        let total = reference.operationCount
        #expect(total - opened > 200)
        var outcomes: Set<String> = []
        for stop in stride(from: part, to: total, by: 4) {
            let files = MemoryFileLayer()
            files.inject(FileFault(nil, after: stop, bytesWritten: stop % 7, isLasting: true))
            var done = -1
            do {
                var history = try open(files)
                done = 0
                for step in Self.life {
                    try step(&history)
                    done += 1
                }
            } catch is HistoryError {}
            var residues: [CrashResidue] = [.synced, .everything]
            for seed in 0..<2 { residues.append(.drawn(seed: UInt64(stop * 10 + seed))) }
            if files.unsyncedCount > 0 { residues.append(.prefix(operations: files.unsyncedCount / 2, bytes: 3)) }
            for residue in residues {
                let crashed = files.copy()
                crashed.crash(keeping: residue)
                var after = try open(crashed)
                // Everything acknowledged, and of the step under way all or nothing.
                let expected = done < 0 ? [[:]] : [names[done], names[min(done + 1, names.count - 1)]]
                #expect(expected.contains(after.names), "stopped at \(stop), \(residue): step \(done)")
                let report = try after.verify()
                #expect(report.isSound, "stopped at \(stop), \(residue): \(report.faults)")
                outcomes.insert(after.names == expected[0] ? "before" : "after")
                // It goes on from there.
                guard residue == residues[2] else { continue }
                try after.commit(["after": "crash \(stop)"], to: "new", at: 1_000)
                try after.collect()
                #expect(try open(crashed, creates: false).verify().isSound)
            }
        }
        // A simulation that never saw both outcomes proves nothing.
        #expect(outcomes == ["before", "after"])
    }

    @Test("a store that leaves out a sync is found by the same crashes", arguments: ["file", "directory"])
    func missingSync(which: String) throws {
        var found = false
        for stop in 0..<150 where !found {
            let files = MemoryFileLayer()
            let lazy = LazyFileLayer(base: files, skipsFileSync: which == "file", skipsDirectorySync: which == "directory")
            var acknowledged: [HistoryName: ObjectID] = [:]
            do {
                var history = try History(store: DirectoryHistoryStore(directory: place, files: lazy, creates: true))
                for time in 0..<stop % 5 + 1 {
                    try history.commit(["f": "\(time) \(stop)"], at: UInt64(time + 1))
                    acknowledged = history.names
                }
            } catch is HistoryError {}
            files.crash(keeping: .drawn(seed: UInt64(stop)))
            let after = try? open(files, creates: false)
            let isValid = after.flatMap { try? $0.verify() }?.isSound ?? false
            if !isValid || after?.names != acknowledged { found = true }
        }
        #expect(found)
    }

    @Test("two processes move names by comparing first, and see what the other did when they look again")
    func twoProcesses() throws {
        let files = MemoryFileLayer()
        var a = try open(files)
        let start = try a.commit(["f": "1"])
        var b = try open(files)
        let inA = try a.commit(["f": "2"], at: 2)
        let error = #expect(throws: HistoryError.self) { try b.commit(["f": "3"], at: 3) }
        #expect(error?.code == .changedMeanwhile)
        // Other names do not stand in each other's way.
        let inB = try b.commit(["f": "4"], to: "other", at: 4)
        let again = try open(files)
        #expect(again.branches == ["main": inA, "other": inB])
        #expect(try again.verify().isSound)
        #expect(try b.checkout(start)["f"] == "1")
    }

    @Test("what one process collects is never what another is about to name")
    func collectionBesideOthers() throws {
        let files = MemoryFileLayer()
        var a = try open(files)
        try a.commit(["f": "1"])
        var b = try open(files)
        // Stored by b, without a name yet.
        let ids = try b.store(contents: [(Array("pending".utf8), nil)])
        #expect(try a.collect() == 0)
        let c = try open(files)
        var collector = c
        #expect(try collector.collect() == 1)
        let error = #expect(throws: HistoryError.self) {
            try b.commit(files: [path("p"): ids[0]], to: "main", author: "", message: "", timestamp: 2)
        }
        #expect(error?.code == .changedMeanwhile)
        #expect(try open(files).verify().isSound)
        // And a collection by what names were before somebody moved them is refused.
        var stale = try open(files)
        var mover = try open(files)
        try mover.commit(["f": "2"], at: 2)
        try stale.createBranch("x", at: stale.resolve(.branch("main")))
        _ = try mover.store(contents: [(Array("loose".utf8), nil)])
        try mover.createTag("t", at: mover.resolve(.branch("main")))
        let refusal = #expect(throws: HistoryError.self) {
            var late = try open(files)
            _ = try late.store(contents: [(Array("late".utf8), nil)])
            try mover.createTag("u", at: mover.resolve(.branch("main")))
            try late.collect()
        }
        #expect(refusal?.code == .changedMeanwhile)
    }

    @Test("a process writes on after another has merged the packs it knows")
    func mergedByOthers() throws {
        let files = MemoryFileLayer()
        var a = try open(files)
        try a.commit(["f": "start"])
        var b = try open(files)
        for time in 2..<40 { try a.commit(["f": "\(time)"], at: UInt64(time)) }
        for time in 2..<40 { try b.commit(["g": "\(time)"], to: "other", at: UInt64(time)) }
        for time in 40..<80 { try a.commit(["f": "\(time)"], at: UInt64(time)) }
        let again = try open(files)
        #expect(try again.branches == ["main": a.resolve(.branch("main")), "other": b.resolve(.branch("other"))])
        #expect(try again.verify().isSound)
    }

    @Test("a process that opened before a collection removes nothing that was written after it", arguments: 1..<20)
    func numbersTakenAnew(count: Int) throws {
        let files = MemoryFileLayer()
        var a = try open(files)
        for time in 1...count { try a.commit(["f": "\(time)"], at: UInt64(time)) }
        try a.commit(["f": "doomed"], to: "doomed", at: 100)
        // The newest packs go, and their numbers with them.
        var stale = try open(files)
        var other = try open(files)
        try other.delete(.branch("doomed"))
        #expect(try other.collect() > 0)
        let kept = try other.commit(["f": "kept"], at: 101)
        let error = #expect(throws: HistoryError.self) { _ = try stale.store(contents: [(Array("late".utf8), nil)]) }
        #expect(error?.code == .changedMeanwhile)
        #expect(try open(files).branches == ["main": kept])
        #expect(try open(files).verify().isSound)
    }

    @Test("a writer waits for another as it is told to, and says so when it gives up")
    func busy() throws {
        let files = MemoryFileLayer()
        _ = try open(files)
        let lock = try files.open(place + "/lock", .write)
        #expect(try lock.lock())
        let calls = Tries()
        var history = try History(
            store: Store(directory: place, files: files) { tries in
                calls.count = tries
                if tries == 3 { try? lock.close() }
                return tries < 5
            })
        try history.commit(["f": "1"])
        #expect(calls.count == 3)
        let other = try files.open(place + "/lock", .write)
        #expect(try other.lock())
        var impatient = try open(files, creates: false)
        let error = #expect(throws: HistoryError.self) { try impatient.commit(["f": "2"], at: 2) }
        #expect(error?.code == .busy)
    }

    private final class Tries: @unchecked Sendable {
        // Tests touch it from one task.
        var count = 0
    }

    @Test("packs are merged in steps, so that many commits need few files")
    func merging() throws {
        let files = MemoryFileLayer()
        var history = try open(files)
        for time in 0..<300 { try history.commit(["f": "\(time)"], at: UInt64(time + 1)) }
        let packs = try files.list(place + "/packs")
        #expect(packs.count < 40, "\(packs.count)")
        #expect(try open(files).verify().isSound)
        #expect(files.openCount < 80)
    }

    @Test("damage of any byte is found, and never served", arguments: 0..<3)
    func damage(part: Int) throws {
        let files = MemoryFileLayer()
        var history = try open(files)
        for time in 0..<3 { try history.commit(["f": Self.lines(time), "g": "\(time)"], at: UInt64(time + 1)) }
        let content = try history.checkout(history.resolve(.branch("main")))
        let packs = try files.list(place + "/packs").map { place + "/packs/" + $0 }
        for path in [place + "/names"] + packs {
            let size = try Int(files.open(path, .read).size())
            for offset in stride(from: part, to: size, by: 11) {
                let damaged = files.copy()
                try damaged.corrupt(path, at: UInt64(offset)) { $0 ^= 0x41 }
                do {
                    let history = try open(damaged, creates: false)
                    #expect(try !history.verify().isSound, "\(path) at \(offset)")
                    if let head = try? history.resolve(.branch("main")), let read = try? history.checkout(head) { #expect(read == content) }
                } catch {
                    #expect([.corrupt, .notFound, .incompatible].contains(error.code), "\(error)")
                }
            }
        }
    }

    @Test("what is no history is not opened, and a later version is said to be one")
    func foreign() throws {
        let files = MemoryFileLayer()
        let error = #expect(throws: HistoryError.self) { try open(files, creates: false) }
        #expect(error?.code == .notFound)
        _ = try open(files)
        try files.open(place + "/format", .create).write(Array("skerry history 2\n".utf8), at: 0)
        let later = #expect(throws: HistoryError.self) { try open(files) }
        #expect(later?.code == .incompatible)
    }

    @Test("a full disk refuses a commit and leaves everything as it was")
    func full() throws {
        let files = MemoryFileLayer()
        var history = try open(files)
        let head = try history.commit(["f": "1"])
        files.setCapacity(4_000)
        let error = #expect(throws: HistoryError.self) { try history.commit(["f": String(repeating: "x", count: 10_000)], at: 2) }
        #expect(error?.code == .failed)
        files.setCapacity(nil)
        #expect(try open(files).branches == ["main": head])
        try history.commit(["f": "2"], at: 2)
        #expect(try open(files).verify().isSound)
    }

    @Test("golden files of a directory read as they did")
    func golden() throws {
        let files = MemoryFileLayer()
        var history = try open(files)
        let head = try history.commit(
            snapshot(["f": "skerry"]), to: "main", author: "ada", message: "first", timestamp: 1_704_067_200_000)
        // The example of docs/formats/history.md.
        #expect(head.description == "2cc7ff338b822d8553695ad14c47c0e3df3b8573c54a5d4a1a45a2b9965bd2a8")
        let names = try files.open(place + "/names", .read)
        let text = String(decoding: try names.read(at: 0, count: Int(names.size())), as: UTF8.self)
        #expect(
            text == """
                skerry history names 1
                version 1
                collections 0
                name \(head) branches/main
                check \(text.split(separator: " ").last ?? "")
                """)
        let format = try files.open(place + "/format", .read)
        #expect(try format.read(at: 0, count: 100) == Array("skerry history 1\n".utf8))
        #expect(try files.list(place + "/packs") == ["0000000000000001.pack", "0000000000000002.pack"])
        let pack = try files.open(place + "/packs/0000000000000002.pack", .read)
        #expect(try pack.read(at: 0, count: 9) == [0x53, 0x6B, 0x48, 0x70, 1, 3, 0, 0, 0])
    }
}

/// A file system that says it has synced and has not.
private struct LazyFileLayer: FileLayer {
    let base: MemoryFileLayer
    let skipsFileSync: Bool
    let skipsDirectorySync: Bool

    func open(_ path: String, _ mode: FileOpenMode) throws(StorageError) -> LazyFile {
        LazyFile(try base.open(path, mode), skipsSync: skipsFileSync)
    }
    func rename(_ source: String, to target: String) throws(StorageError) { try base.rename(source, to: target) }
    func remove(_ path: String) throws(StorageError) { try base.remove(path) }
    func list(_ directory: String) throws(StorageError) -> [String] { try base.list(directory) }
    func createDirectory(_ path: String) throws(StorageError) { try base.createDirectory(path) }
    func syncDirectory(_ path: String) throws(StorageError) { if !skipsDirectorySync { try base.syncDirectory(path) } }
}

private final class LazyFile: OpenFile {
    let base: MemoryFile
    let skipsSync: Bool

    init(_ base: MemoryFile, skipsSync: Bool) {
        self.base = base
        self.skipsSync = skipsSync
    }

    var path: String { base.path }
    var fileDescriptor: CInt? { nil }
    func preallocate(_ length: UInt64) throws(StorageError) { try base.preallocate(length) }
    func write(_ parts: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) { try base.write(parts, at: offset) }
    func read(at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        try base.read(at: offset, into: destination)
    }
    func syncData() throws(StorageError) { if !skipsSync { try base.syncData() } }
    func syncAll() throws(StorageError) { if !skipsSync { try base.syncAll() } }
    func truncate(to length: UInt64) throws(StorageError) { try base.truncate(to: length) }
    func size() throws(StorageError) -> UInt64 { try base.size() }
    func lock() throws(StorageError) -> Bool { try base.lock() }
    func close() throws(StorageError) { try base.close() }
}
