import Logging
import SkerryCRDT
import SkerryStorage
import Synchronization
import Testing

@testable import SkerryDocuments

@Suite("A store of documents")
struct StoreTests {
    @Test("C-08: what was committed is there after a close and after a crash", arguments: Form.allCases, [false, true])
    func durability(form: Form, isCrash: Bool) async throws {
        let world = try World(form)
        let store = try await world.open()
        let document = try await store.document("notes/today")
        document.change { change in
            change.text("body").insert("Hello, wörld", at: 0)
            change.map("meta")["title"] = "Plan"
            change.counter("views") += 1
        }
        let version = try await store.commit(document)
        #expect(version == document.version)
        document.change { $0.text("body").insert("!", at: 13) }
        if isCrash { world.crash() } else { try await store.close() }
        world.reopened()

        let again = try await world.open()
        let reread = try await again.document("notes/today")
        // A close commits what is not on disk yet; a crash takes it.
        #expect(reread.text("body").string == (isCrash ? "Hello, wörld" : "Hello, wörld!"))
        #expect(reread.map("meta")["title"] == .string("Plan"))
        #expect(reread.counter("views").value == 1)
        #expect(try await again.check().isEmpty)
        try await again.close()
    }

    @Test("the example of the module's page runs")
    func example() async throws {
        let files = MemoryFileLayer()
        try files.createDirectory("data")
        let store = try await DocumentStore.open(
            file: "data/notes", files: files, blocking: InlineExecutor(), logger: Logger(label: "notes"))
        let today = try await store.document("notes/today")
        today.change { change in
            change.text("body").insert("Hello", at: 0)
        }
        try await store.commit(today)
        try await store.change("notes/today") { $0.counter("views") += 1 }
        #expect(try await store.documents(prefix: "notes/").map(\.name) == ["notes/today"])
        try await store.close()
    }

    @Test("everyone gets the same document of a name", arguments: Form.allCases)
    func identity(form: Form) async throws {
        let store = try await World(form).open(blocking: BlockingPool(threads: 2))
        let documents = try await withThrowingTaskGroup(of: Document.self) { group in
            for _ in 0..<20 { group.addTask { try await store.document("a") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(documents.allSatisfy { $0 === documents[0] })
        #expect(store.residents.count == 1)
        try await store.close()
    }

    @Test("many writers share one sync", arguments: Form.allCases)
    func groupCommit(form: Form) async throws {
        let world = try World(form)
        let writers = 64
        // Opened without the gate, so that only commits meet it.
        let gate = Gate()
        let store = try await world.open(blocking: SwitchedExecutor(gate))
        var documents: [Document] = []
        for number in 0..<writers { documents.append(try await store.document("document \(number % 48)")) }
        try await store.change("first") { $0.text("body").insert("a pack and a file are there", at: 0) }
        (store.blocking as? SwitchedExecutor)?.close()
        let before = world.files.count(of: .syncData)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, document) in documents.enumerated() {
                document.change { $0.text("body").insert("\(number)", at: 0) }
                group.addTask { try await store.commit(document) }
            }
            try await until("all writers wait for the sync") { store.state.withLock { $0.waiting.count } == writers }
            gate.open()
            try await group.waitForAll()
        }
        #expect(world.files.count(of: .syncData) - before == 1)
        #expect(try await store.feed(of: store.origin).count == 49)
        try await store.close()
    }

    @Test("an unchanged document costs no write, and one never committed leaves no trace", arguments: Form.allCases)
    func unchanged(form: Form) async throws {
        let world = try World(form)
        let store = try await world.open()
        let document = try await store.document("a")
        try await store.commit(document)
        #expect(try await store.summary("a") == nil)
        try await store.change("a") { $0.counter("n") += 1 }
        let calls = world.files.count(of: .write)
        #expect(try await store.commit(document) == document.version)
        #expect(world.files.count(of: .write) == calls)
        try await store.close()
        #expect(await error { () throws(DocumentStoreError) in try await store.document("a") }?.code == .closed)
        try await store.close()
    }

    @Test("names are listed in the order of their bytes, page by page", arguments: Form.allCases)
    func listing(form: Form) async throws {
        let store = try await World(form).open()
        let names = ["a", "a/1", "a/10", "a/2", "aé", "b", "ä"]
        for name in names.reversed() { try await store.change(name) { $0.register("x").value = 1 } }
        #expect(try await store.documents().map(\.name) == names)
        #expect(try await store.documents(prefix: "a/").map(\.name) == ["a/1", "a/10", "a/2"])
        #expect(try await store.documents(after: "a/10", limit: 2).map(\.name) == ["a/2", "aé"])
        #expect(try await store.documents(prefix: "a/", after: "a/2").isEmpty)
        for name in ["", String(repeating: "x", count: 1025)] {
            #expect(await error { () throws(DocumentStoreError) in try await store.document(name) }?.code == .invalidName)
        }
        try await store.close()
    }

    @Test("deleting, forgetting and evicting are three things", arguments: Form.allCases)
    func deletion(form: Form) async throws {
        let world = try World(form)
        let store = try await world.open()
        let old = try await store.document("a")
        let oldWriter = old.origin
        old.change { $0.text("body").insert("old", at: 0) }
        let version = try await store.commit(old)

        #expect(
            await error { () throws(DocumentStoreError) in try await store.delete("a", ifCoveredBy: CausalContext()) }?.code == .refused)
        old.change { $0.text("body").insert("not on disk", at: 0) }
        #expect(await error { () throws(DocumentStoreError) in try await store.delete("a", ifCoveredBy: version) }?.code == .refused)
        #expect(try await store.commit(old).covers(version))
        let last = old.version
        try await store.delete("a", ifCoveredBy: last)
        #expect(try await store.documents().isEmpty)
        let tombstone = try #require(try await store.summary("a"))
        #expect(tombstone.isDeleted && tombstone.version == last && tombstone.storedBytes == 0)
        #expect(await error { () throws(DocumentStoreError) in try await store.commit(old) }?.code == .notFound)
        #expect(await error { () throws(DocumentStoreError) in try await store.delete("a") }?.code == .notFound)
        #expect(try await store.feed(of: store.origin).last?.isDeletion == true)

        // Another document of the name: empty, and nobody can take its events for the old one's.
        let new = try await store.document("a")
        #expect(new.text("body").string.isEmpty && new.origin != oldWriter)
        new.change { $0.text("body").insert("new", at: 0) }
        try await store.commit(new)
        #expect(try await store.summary("a")?.isDeleted == false)
        #expect(await error { () throws(DocumentStoreError) in try await store.forgetDeletion("a") }?.code == .notFound)
        try await store.delete("a")
        #expect(try await store.summary("a")?.version.covers(version) == true)
        world.crash()
        let again = try await world.open()
        #expect(try await again.documents(includingDeleted: true).map(\.name) == ["a"])
        try await again.forgetDeletion("a")
        #expect(try await again.summary("a") == nil)
        #expect(try await again.check().isEmpty)
        try await again.close()
    }

    @Test("the feed has exactly the commits, in order, with what each added", arguments: Form.allCases, [UInt64(1), 2, 3])
    func feed(form: Form, seed: UInt64) async throws {
        let world = try World(form, seed: seed)
        var generator = SplitMix64(seed: seed)
        var store = try await world.open()
        var expected: [FeedEntry] = []
        let peer = Document(origin: OriginID(rawValue: 77), now: { 1_800_000_000_000 })
        for step in 0..<120 {
            let name = "d\(generator.next() % 5)"
            if generator.next() % 12 == 0, try await store.summary(name)?.isDeleted == false {
                try await store.delete(name)
                expected.append(entry(store, expected, name, []))
                continue
            }
            let document = try await store.document(name)
            let before = document.version
            document.change { $0.text("body").insert("step \(step)", at: 0) }
            if name == "d0" {
                peer.change { $0.text("body").insert("peer", at: 0) }
                try document.merge(peer)
            }
            try await store.commit(document)
            expected.append(entry(store, expected, name, FeedEntry.stretches(from: before, to: document.version)))
            if generator.next() % 10 == 0 {
                world.crash(keeping: .synced)
                store = try await world.open()
            }
        }
        var entries = try await store.feed(of: store.origin, limit: 10_000)
        #expect(store.feedHeads == [Dot(origin: store.origin, sequence: UInt64(expected.count))])
        for index in entries.indices { entries[index].stamp = .zero }
        if form == .file {
            // The last of each document; what it says includes what those before it said.
            expected = expected.filter { one in expected.last { $0.document == one.document } == one }
            #expect(entries.map(\.dot) == expected.map(\.dot))
            #expect(entries.map(\.document) == expected.map(\.document))
            #expect(entries.map(\.isDeletion) == expected.map(\.isDeletion))
        } else {
            #expect(entries == expected)
            #expect(try await store.feed(of: store.origin, after: 10, limit: 5).map(\.dot.sequence) == [11, 12, 13, 14, 15])
        }
        try await store.close()
    }

    private func entry(_ store: DocumentStore, _ before: [FeedEntry], _ name: String, _ stretches: [FeedEntry.Stretch]) -> FeedEntry {
        FeedEntry(
            dot: Dot(origin: store.origin, sequence: UInt64(before.count + 1)), document: name, stretches: stretches,
            isDeletion: stretches.isEmpty, stamp: .zero)
    }

    @Test("many tasks change many documents at once and nothing is lost", arguments: Form.allCases)
    func concurrency(form: Form) async throws {
        let world = try World(form)
        var options = world.options
        options.memoryBudget = 64 << 10
        let pool = try BlockingPool(threads: 3)
        let store = try await world.open(options, blocking: pool)
        let tasks = 12, rounds = 25
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    for round in 0..<rounds {
                        try await store.change("d\((task + round) % 7)") { $0.counter("n") += 1 }
                        _ = try await store.documents(limit: 3)
                    }
                }
            }
            try await group.waitForAll()
        }
        world.crash()
        let again = try await world.open()
        var sum: Int64 = 0
        for number in 0..<7 { sum += try await again.document("d\(number)").counter("n").value }
        #expect(sum == Int64(tasks * rounds))
        #expect(try await again.check().isEmpty)
        await pool.shutdown()
    }

    @Test("a document that is changed while it is committed and folded loses nothing", arguments: Form.allCases)
    func changing(form: Form) async throws {
        let world = try World(form)
        let store = try await world.open(blocking: BlockingPool(threads: 2))
        let document = try await store.document("a")
        let total = 6000
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 0..<total { document.change { $0.text("body").insert("\(number % 10)", at: number) } }
            }
            group.addTask {
                while document.text("body").count() < total {
                    try await store.commit(document)
                    try await store.compact()
                    // What is on disk now, not what the last fold makes of it.
                    #expect(try await store.check().isEmpty)
                }
            }
            try await group.waitForAll()
        }
        try await store.commit(document)
        let text = document.text("body").string
        world.crash()
        let again = try await world.open()
        #expect(try await again.check().isEmpty)
        let reread = try await again.document("a")
        #expect(reread.text("body").string == text && text.utf8.count == total)
        #expect(try reread.at(CausalContext()).text("body").string.isEmpty)
        try await again.close()
    }

    @Test("a full disk loses nothing and is told; after a failed sync nothing is written any more", arguments: Form.allCases)
    func faults(form: Form) async throws {
        let world = try World(form)
        let store = try await world.open()
        let document = try await store.document("a")
        document.change { $0.text("body").insert("one ", at: 0) }
        try await store.commit(document)
        world.files.inject(FileFault(.write, code: .full, bytesWritten: 20))
        document.change { $0.text("body").insert("two ", at: 4) }
        #expect(await error { () throws(DocumentStoreError) in try await store.commit(document) }?.code == .full)
        #expect(!store.evict("a"))
        try await store.commit(document)
        world.files.inject(FileFault(.syncData))
        document.change { $0.text("body").insert("three", at: 8) }
        #expect(await error { () throws(DocumentStoreError) in try await store.commit(document) }?.code == .failed)
        #expect(await error { () throws(DocumentStoreError) in try await store.commit(document) }?.code == .failed)
        world.crash(keeping: .everything)
        let again = try await world.open()
        #expect(try await again.document("a").text("body").string == "one two ")
        try await again.close()
    }
}

/// Runs at once until it is closed; then through a gate.
final class SwitchedExecutor: BlockingExecutor {
    private let gate: Gate
    private let isClosed = Atomic(false)

    init(_ gate: Gate) { self.gate = gate }

    func close() { isClosed.store(true, ordering: .releasing) }

    func run<Value: Sendable>(_ work: @escaping @Sendable () throws(StorageError) -> Value) async throws(StorageError) -> Value {
        isClosed.load(ordering: .acquiring) ? try await gate.run(work) : try work()
    }
}
