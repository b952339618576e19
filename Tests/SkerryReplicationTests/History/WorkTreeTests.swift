import SkerryMerge
import SkerryReplication
import Synchronization
import Testing

/// Files in memory, with a clock of its own and without links.
private final class MemoryWorkFiles: WorkFiles {
    struct File {
        var content: [UInt8]
        var stamp: FileStamp
    }

    struct State {
        var files: [[[UInt8]]: File] = [:]
        var others: Set<[[UInt8]]> = []
        var clock: Int64 = 10_000_000_000
        var reads = 0
        var number: UInt64 = 0
    }

    let state = Mutex(State())

    func set(_ path: String, _ content: String, keepsStamp: Bool = false) {
        let names = path.utf8.split(separator: 0x2F).map(Array.init)
        state.withLock { state in
            state.number += 1
            let old = state.files[names]?.stamp
            let stamp = FileStamp(size: UInt64(content.utf8.count), modified: state.clock, changed: state.clock, number: state.number)
            state.files[names] = File(content: Array(content.utf8), stamp: keepsStamp ? old ?? stamp : stamp)
        }
    }

    func delete(_ path: String) { state.withLock { $0.files[path.utf8.split(separator: 0x2F).map(Array.init)] = nil } }

    func pass(_ seconds: Int64) { state.withLock { $0.clock += seconds * 1_000_000_000 } }

    var now: Int64 { state.withLock { $0.clock } }

    var texts: [String: String] {
        state.withLock { state in
            var texts: [String: String] = [:]
            for (names, file) in state.files {
                texts[names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")] = String(
                    decoding: file.content, as: UTF8.self)
            }
            return texts
        }
    }

    func entries(of names: [[UInt8]]) throws(HistoryError) -> [WorkEntry] {
        state.withLock { state in
            var entries: [[UInt8]: WorkEntry] = [:]
            for (path, file) in state.files where path.starts(with: names) && path.count > names.count {
                let name = path[names.count]
                entries[name] = WorkEntry(name: name, kind: path.count == names.count + 1 ? .file(file.stamp) : .directory)
            }
            for path in state.others where path.dropLast().elementsEqual(names) {
                if let name = path.last { entries[name] = WorkEntry(name: name, kind: .other) }
            }
            return Array(entries.values)
        }
    }

    func read(_ path: FilePath) throws(HistoryError) -> (content: [UInt8], stamp: FileStamp) {
        let file = state.withLock { state in
            state.reads += 1
            return state.files[path.names]
        }
        guard let file else { throw HistoryError(.notFound, "no \(path)") }
        return (file.content, file.stamp)
    }

    func write(_ path: FilePath, _ content: [UInt8]) throws(HistoryError) -> FileStamp {
        let inTheWay = state.withLock { state in path.names.indices.dropFirst().contains { state.files[Array(path.names[..<$0])] != nil } }
        guard !inTheWay else { throw HistoryError(.failed, "\(path) lies behind a file") }
        return state.withLock { state in
            state.number += 1
            let stamp = FileStamp(size: UInt64(content.count), modified: state.clock, changed: state.clock, number: state.number)
            state.files[path.names] = File(content: content, stamp: stamp)
            return stamp
        }
    }

    func remove(_ path: FilePath) throws(HistoryError) { state.withLock { $0.files[path.names] = nil } }
}

@Suite("Work trees")
struct WorkTreeTests {
    private let history: History<MemoryHistoryStore>
    private let files = MemoryWorkFiles()

    init() throws { history = try History(store: MemoryHistoryStore()) }

    private func scan(_ tree: inout WorkTree<MemoryWorkFiles>, tracked: Set<FilePath> = []) throws -> WorkTree<MemoryWorkFiles>.Scan {
        let history = history
        return try tree.scan(tracked: tracked, now: files.now) { history.id(ofContent: $0) }
    }

    @Test("a file that looks as before is not read again, and one changed within the clock's grain is")
    func index() throws {
        files.set("a", "1")
        files.set("d/b", "2")
        var tree = WorkTree(files: files)
        #expect(try scan(&tree).readCount == 2)
        // Too young to be trusted.
        #expect(try scan(&tree).readCount == 2)
        files.pass(5)
        #expect(try scan(&tree).readCount == 2)
        #expect(try scan(&tree).readCount == 0)
        files.set("a", "3")
        // Changed again at the same moment, to the same size, behind everybody's back.
        let first = try scan(&tree)
        files.set("a", "4", keepsStamp: true)
        let second = try scan(&tree)
        #expect(first.files[path("a")] == history.id(ofContent: Array("3".utf8)))
        #expect(second.files[path("a")] == history.id(ofContent: Array("4".utf8)))
        files.pass(5)
        _ = try scan(&tree)
        files.delete("d/b")
        #expect(try scan(&tree).files.keys.sorted() == [path("a")])
        #expect(try scan(&tree).readCount == 0)
    }

    @Test("an index comes back from its bytes, and a damaged one is none", arguments: 0..<10)
    func encoding(seed: Int) throws {
        var random = SeededRandom(seed)
        for index in 0..<20 { files.set("d\(random.below(4))/f\(index)", "\(random.next())") }
        files.pass(10)
        var tree = WorkTree(files: files)
        _ = try scan(&tree)
        let bytes = tree.index.encoded
        #expect(WorkTreeIndex(encoded: bytes) == tree.index)
        for _ in 0..<100 {
            var damaged = bytes
            damaged[random.below(bytes.count)] ^= UInt8(1 + random.below(255))
            #expect(WorkTreeIndex(encoded: damaged) == nil)
            #expect(WorkTreeIndex(encoded: Array(bytes.prefix(random.below(bytes.count)))) == nil)
        }
    }

    @Test("a commit stores what changed, and a checkout brings every state back")
    func commitAndCheckOut() throws {
        var history = history
        var tree = WorkTree(files: files)
        var random = SeededRandom(3)
        var states: [(ObjectID, [String: String])] = []
        var base: [FilePath: ObjectID] = [:]
        for time in 0..<20 {
            files.pass(3)
            for _ in 0..<3 { files.set("d\(random.below(3))/f\(random.below(4))", "\(time) \(random.next())") }
            if time % 3 == 2, let gone = files.texts.keys.sorted().first { files.delete(gone) }
            let scan = try tree.scan(now: files.now) { history.id(ofContent: $0) }
            base = try tree.store(scan, replacing: base, in: &history)
            let id = try history.commit(files: base, to: "main", author: "", message: "", timestamp: UInt64(time + 1))
            #expect(try history.files(of: id) == base)
            states.append((id, files.texts))
        }
        #expect(try history.verify().isSound)
        for (id, texts) in states.reversed() + states {
            let target = try history.files(of: id)
            let scan = try tree.scan(now: files.now) { history.id(ofContent: $0) }
            #expect(tree.obstacles(scan, from: base, to: target).isEmpty)
            try tree.checkOut(target, from: base, scan: scan, of: history, now: files.now)
            base = target
            #expect(files.texts == texts)
        }
    }

    @Test("a checkout says what it would overwrite")
    func obstacles() throws {
        var history = history
        let old = try history.commit(["same": "s", "both": "1", "mine": "1", "gone": "g"])
        let new = try history.commit(["same": "s", "both": "2", "mine": "1", "added": "a", "dir/in": "x"], at: 2)
        let base = try history.files(of: old), target = try history.files(of: new)
        for (name, text) in ["same": "s", "both": "1", "mine": "1", "gone": "g"] { files.set(name, text) }
        var tree = WorkTree(files: files)
        #expect(try tree.obstacles(scan(&tree), from: base, to: target).isEmpty)
        // Changed where the target changes nothing, or to what the target has.
        files.set("mine", "changed")
        files.set("both", "2")
        #expect(try tree.obstacles(scan(&tree), from: base, to: target).isEmpty)
        // And such a change survives the checkout, unless that is to overwrite it.
        var found = try scan(&tree)
        try tree.checkOut(target, from: base, scan: found, of: history, now: files.now)
        #expect(files.texts == ["same": "s", "both": "2", "mine": "changed", "added": "a", "dir/in": "x"])
        found = try scan(&tree)
        try tree.checkOut(target, from: base, scan: found, of: history, now: files.now, overwrites: true)
        #expect(files.texts["mine"] == "1")
        files.delete("dir/in")
        files.set("both", "3")
        files.set("gone", "changed")
        files.set("added", "unknown to the history")
        files.set("dir", "a file where a directory comes")
        #expect(try tree.obstacles(scan(&tree), from: base, to: target) == ["added", "both", "dir", "gone"].map(path))
    }

    @Test("nothing of a history reaches into the history itself")
    func reserved() throws {
        var history = history
        for bad in [".skerry-history/names", "a/.git/config", ".git"] {
            let id = try history.commit([bad: "evil"], to: "evil", at: 5)
            var tree = WorkTree(files: files)
            let error = #expect(throws: HistoryError.self) {
                try tree.checkOut(history.files(of: id), from: [:], scan: .init(), of: history, now: 0)
            }
            #expect(error?.code == .badName)
            #expect(throws: HistoryError.self) { try tree.write([path(bad): [1]]) }
            #expect(files.texts.isEmpty)
        }
    }

    @Test("rules leave alone what they fit, and never what is kept already")
    func rules() throws {
        for name in ["a.o", "b.c", "build/x", "d/build/y", "d/a.o", "only/here", "d/only/here", ".git/config", "x1y", "x12y", "k.o"] {
            files.set(name, "t")
        }
        files.state.withLock { _ = $0.others.insert([Array("link".utf8)]) }
        let text = "# comment\n*.o\nbuild/\n\nonly/here\nx?y\r\n"
        var tree = WorkTree(files: files, rules: IgnoreRules(Array(text.utf8)))
        let found = try scan(&tree, tracked: [path("k.o"), path("d/build/y")])
        #expect(Set(found.files.keys.map(\.description)) == ["b.c", "d/only/here", "x12y", "k.o", "d/build/y"])
        #expect(found.leftOut == ["link"])
    }
}
