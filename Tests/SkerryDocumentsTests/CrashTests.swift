import SkerryCRDT
import SkerryStorage
import Testing

@testable import SkerryDocuments

// Fault model: that of MemoryFileLayer and MemoryMetadataEngine. Power goes at any call of the file layer; of what was not synced, nothing,
// all, a first part, or a drawn part of its sectors and names is left. The tables of an engine hold what their last flush held. One thread,
// so a run follows from its cut, its residue and its seed.

/// What a script did, and what it was promised.
struct Progress {
    /// By document: its text after each commit that was begun, and how many of those commits returned.
    var begun: [String: [String]] = [:]
    var acknowledged: [String: Int] = [:]
    var deleted = Set<String>()

    mutating func run(_ store: DocumentStore, rounds: Int) async throws(DocumentStoreError) {
        for round in 0..<rounds {
            let name = "d\(round % 3)"
            let document = try await store.document(name)
            // Now and then enough to fold.
            let text = round % 7 == 5 ? Progress.noise(round) : "<\(round)>"
            document.change { $0.text("body").insert(text, at: $0.text("body").count() / 2) }
            begun[name, default: []].append(document.text("body").string)
            try await store.commit(document)
            acknowledged[name, default: 0] += 1
            if round % 5 == 4 { store.evict(name) }
            if round % 11 == 10 { try await store.compact() }
        }
        _ = try await store.document("short").change { $0.counter("n") += 1 }
        try await store.commitAll()
        deleted.insert("short")
        try await store.delete("short")
    }

    static func noise(_ seed: Int) -> String {
        var generator = SplitMix64(seed: UInt64(seed))
        return String((0..<7000).map { _ in Character(UnicodeScalar(UInt8(33 + generator.next() % 90))) })
    }
}

@Suite("A store of documents after a crash")
struct CrashTests {
    static let rounds = 16
    /// Every cut in the long form, every third otherwise.
    static var step: Int { isSoak ? 1 : 3 }

    @Test("at whatever call power goes, acknowledged commits are there and others are whole or not", arguments: Form.allCases, [nil, 1, 3])
    func everyCut(form: Form, flushInterval: Int?) async throws {
        if form == .file, flushInterval != nil { return }
        let undisturbed = try World(form, flushInterval: flushInterval)
        var whole = Progress()
        let store = try await undisturbed.open()
        try await whole.run(store, rounds: CrashTests.rounds)
        try await store.close()
        var faults = 0
        for cut in stride(from: 2, to: undisturbed.files.operationCount, by: CrashTests.step) {
            let world = try World(form, flushInterval: flushInterval)
            world.files.inject(FileFault(nil, after: cut, isLasting: true))
            var progress = Progress()
            do {
                let store = try await world.open()
                try await progress.run(store, rounds: CrashTests.rounds)
                try await store.close()
            } catch { faults += 1 }
            let count = world.files.unsyncedCount
            var residues: [CrashResidue] = [.synced, .everything, .drawn(seed: UInt64(cut))]
            if count > 0 {
                let bytes = world.files.unsyncedBytes(at: 0)
                residues += [1, 31, 33, bytes / 2, bytes - 1].filter { $0 > 0 && $0 < bytes }.map { .prefix(operations: 0, bytes: $0) }
                if count > 1 { residues.append(.prefix(operations: 1, bytes: 0)) }
            }
            for residue in residues {
                let trial = try world.flushedCopy()
                trial.crash(keeping: residue)
                try await verify(trial, progress, "cut \(cut), \(residue)")
            }
        }
        #expect(faults > 20)
    }

    private func verify(_ world: World, _ progress: Progress, _ circumstances: String) async throws {
        let store: DocumentStore
        do { store = try await world.open() } catch {
            Issue.record("cannot be opened: \(circumstances): \(error)")
            return
        }
        for (name, texts) in progress.begun {
            let text = try await store.document(name).text("body").string
            let acknowledged = progress.acknowledged[name, default: 0]
            let isThere =
                texts.prefix(acknowledged + 1).last == text || (acknowledged > 0 && texts[acknowledged - 1] == text)
                || (acknowledged == 0 && text.isEmpty)
            #expect(isThere, "\(name) after \(acknowledged) of \(texts.count) commits: \(circumstances)")
        }
        #expect(store.quarantine.isEmpty, "\(circumstances)")
        let damage = try await store.check()
        #expect(damage.isEmpty, "\(circumstances): \(damage)")
        // Goes on as if nothing had been.
        try await store.change("after") { $0.counter("n") += 1 }
        let feed = try await store.feed(of: store.origin, limit: 10_000)
        #expect(feed.last?.dot.sequence == store.feedHeads.first?.sequence)
        try await store.close()
    }
}
