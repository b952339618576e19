import SkerryCRDT
import SkerryStorage
import Synchronization
import Testing

@testable import SkerryDocuments

@Suite("A snapshot in place of history")
struct AdoptionTests {
    private static func author() -> Document {
        let author = Document(origin: OriginID(rawValue: 5), now: { 1_800_000_000_000 })
        author.change { $0.text("body").insert("from elsewhere", at: 0) }
        return author
    }

    @Test(
        "it is there after a close and a crash, is changed, folded and compacted, and asks for no history", arguments: Form.allCases,
        [false, true])
    func life(form: Form, isCrash: Bool) async throws {
        let world = try World(form)
        let store = try await world.open()
        let author = Self.author()
        #expect(try await store.adopt("d", snapshot: author.snapshot()) == author.version)
        #expect(try await store.summary("d")?.isCut == true)
        try await store.change("d") { $0.text("body").insert("! ", at: 0) }
        if isCrash { world.crash() } else { try await store.close() }
        world.reopened()

        let again = try await world.open()
        #expect(try await again.document("d").text("body").string == "! from elsewhere")
        #expect(try await again.check().isEmpty)
        for round in 0..<200 { try await again.change("d") { $0.text("body").insert("\(round % 10)", at: 0) } }
        try await again.compact()
        #expect(try await again.check().isEmpty)
        again.evict("d")
        let document = try await again.document("d")
        #expect(document.text("body").count() == 216)
        #expect(throws: DocumentError.self) { try document.history() }
        // What follows the snapshot comes as history.
        let known = document.version
        try await again.change("d") { $0.text("body").insert("x", at: 0) }
        #expect(try !document.history(since: known).isEmpty)
        // The feed tells of it as of any commit.
        let feed = try await again.feed(of: again.origin, limit: 1000)
        #expect(feed.last?.dot.sequence == again.feedHeads.first?.sequence)
        try await again.close()
    }

    @Test(
        "a change that is made while a snapshot takes the document's place is not said to be on disk, by no commit; made again it is",
        arguments: [false, true])
    func meanwhile(commitsAll: Bool) async throws {
        let world = try World(.engine)
        let engine = HookedEngine(world.metadata.withLock { $0 })
        let log = try PackLog(files: world.files, directory: "data/packs", applied: DocumentStore.appliedPosition(of: engine))
        let pool = try BlockingPool(threads: 1)
        let store = try await DocumentStore.open(
            metadata: engine, packs: log, blocking: pool, options: world.options, logger: quietLogger)
        let author = Self.author()
        let document = try await store.document("d")
        try document.merge(author.history())
        try await store.commit(document)
        author.change { $0.text("body").insert("!", at: 0) }
        // Past the look at what is in memory, before the document leaves the store.
        let commit = Mutex<Task<DocumentStoreError?, Never>?>(nil)
        engine.hook.withLock { hook in
            hook = {
                document.change { $0.text("body").insert("mine ", at: 0) }
                commit.withLock { commit in
                    commit = Task {
                        await error { () throws(DocumentStoreError) in
                            if commitsAll { try await store.commitAll() } else { try await store.commit(document) }
                        }
                    }
                }
                while store.state.withLock({ $0.waiting.isEmpty }) {}
            }
        }
        try await store.adopt("d", snapshot: author.snapshot())
        #expect(await commit.withLock { $0 }?.value?.code == .notFound)
        #expect(try await store.document("d").text("body").string == "!from elsewhere")

        // Who leaves it to the store finds the change made on the new document.
        author.change { $0.text("body").insert("!", at: 0) }
        let change = Mutex<Task<DocumentStoreError?, Never>?>(nil)
        engine.hook.withLock { hook in
            hook = {
                change.withLock {
                    $0 = Task { await error { () throws(DocumentStoreError) in try await store.change("d") { $0.counter("n") += 1 } } }
                }
                while store.state.withLock({ $0.waiting.isEmpty }) {}
            }
        }
        // Held, so that it stays in memory.
        let held = try await store.document("d")
        try await store.adopt("d", snapshot: author.snapshot())
        #expect(await change.withLock { $0 }?.value == nil)
        #expect(try await store.document("d").counter("n").value == 1)
        #expect(try await store.document("d").text("body").string == "!!from elsewhere")
        withExtendedLifetime(held) {}
        try await store.close()
        await pool.shutdown()
    }

    @Test("it takes the place of what it knows, and of nothing else", arguments: Form.allCases)
    func refusals(form: Form) async throws {
        let store = try await World(form).open()
        let author = Self.author()
        let old = author.snapshot()
        let document = try await store.document("d")
        try document.merge(author.history())
        try await store.commit(document)
        author.change { $0.text("body").insert("!", at: 0) }
        // The document has what the old one has: nothing is lost. Then somebody changes it.
        try await store.adopt("d", snapshot: author.snapshot())
        #expect(try await store.document("d").text("body").string == "!from elsewhere")
        #expect(
            await error { () throws(DocumentStoreError) in try await store.commit(document) }?.code == .notFound,
            "it is no longer the store's")
        #expect(await error { () throws(DocumentStoreError) in try await store.adopt("d", snapshot: old) }?.code == .refused)
        try await store.document("d").change { $0.text("body").insert("mine ", at: 0) }
        let (mine, history) = (author.snapshot(), try author.history())
        #expect(
            await error { () throws(DocumentStoreError) in try await store.adopt("d", snapshot: mine) }?.code == .refused,
            "not on disk yet, and not lost")
        #expect(await error { () throws(DocumentStoreError) in try await store.adopt("d", snapshot: [1, 2, 3]) }?.code == .refused)
        #expect(await error { () throws(DocumentStoreError) in try await store.adopt("d", snapshot: history) }?.code == .refused)
        #expect(await error { () throws(DocumentStoreError) in try await store.adopt("", snapshot: old) }?.code == .invalidName)
        #expect(try await store.document("d").text("body").string == "mine !from elsewhere")
        try await store.commitAll()
        #expect(try await store.check().isEmpty)
        // A document that was deleted comes back with it.
        try await store.delete("d")
        try await store.adopt("d", snapshot: old)
        #expect(try await store.document("d").text("body").string == "from elsewhere")
        try await store.close()
    }
}

/// Does something before a batch, once.
private final class HookedEngine: MetadataEngine {
    private let base: MemoryMetadataEngine
    let hook = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ base: MemoryMetadataEngine) { self.base = base }

    func get(_ family: MetadataFamily, _ key: [UInt8]) throws(StorageError) -> [UInt8]? { try base.get(family, key) }

    func scan(
        _ family: MetadataFamily, _ range: KeyRange, reversed: Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StorageError) -> ScanStep
    ) throws(StorageError) { try base.scan(family, range, reversed: reversed, body) }

    func apply(_ batch: MetadataBatch) throws(StorageError) {
        let hook = hook.withLock { hook in
            defer { hook = nil }
            return hook
        }
        hook?()
        try base.apply(batch)
    }

    func flush() throws(StorageError) { try base.flush() }
    func clear() throws(StorageError) { try base.clear() }
    func close() throws(StorageError) { try base.close() }
}
