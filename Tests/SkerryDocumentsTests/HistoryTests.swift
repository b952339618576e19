import SkerryCRDT
import SkerryStorage
import Synchronization
import Testing

@testable import SkerryDocuments

@Suite("Chunks, snapshots and memory")
struct HistoryTests {
    @Test("thousands of small commits become few chunks, and every version can still be seen", arguments: Form.allCases)
    func folding(form: Form) async throws {
        let world = try World(form)
        var store = try await world.open()
        var document = try await store.document("a")
        let early = Document(origin: OriginID(rawValue: 5), now: { 1_800_000_000_000 })
        var mirror = ""
        var versions: [(CausalContext, String)] = []
        var generator = SplitMix64(seed: 9)
        var most = 0
        for step in 0..<1000 {
            let letter = String(UnicodeScalar(UInt8(97 + generator.next() % 26)))
            let place = Int(generator.next() % UInt64(mirror.utf8.count + 1))
            document.change { $0.text("body").insert(letter, at: place) }
            mirror.insert(contentsOf: letter, at: mirror.utf8.index(mirror.startIndex, offsetBy: place))
            try await store.commit(document)
            if step == 2 { try early.merge(document) }
            if step % 200 == 100 { versions.append((document.version, mirror)) }
            most = max(most, try #require(try await store.summary("a")).storedBytes)
            // Joins history below a snapshot that the document in memory was opened from, and behind it.
            if step == 900 { try await store.compact() }
            if step == 500 {
                // From here on the document in memory knows a snapshot and what follows.
                try await store.close()
                world.reopened()
                store = try await world.open()
                document = try await store.document("a")
            }
        }
        let row = try #require(try store.storedRow("a"))
        #expect(row.chunkCount <= HistoryPolicy.segmentsMaximum + HistoryPolicy.tailChunksMaximum)
        #expect(row.tailBytes < 2 * HistoryPolicy.tailBytesMinimum && row.boundary > 0)
        #expect(try await store.check().isEmpty)
        // A branch from before the snapshot: the history below it is read, in the document in memory and in one opened anew.
        early.change { $0.text("body").insert("EARLY", at: 0) }
        try document.merge(early)
        #expect(document.text("body").string.contains("EARLY"))
        for (version, text) in versions { #expect(try document.at(version).text("body").string == text) }
        try await store.commit(document)
        let text = document.text("body").string
        world.crash()
        let again = try await world.open()
        let reread = try await again.document("a")
        #expect(reread.text("body").string == text)
        #expect(try reread.at(versions[0].0).text("body").string == versions[0].1)
        try await again.close()
    }

    @Test("opening reads the snapshot alone, and the history only when it is asked for", arguments: Form.allCases)
    func lazy(form: Form) async throws {
        let world = try World(form)
        let store = try await world.open()
        try await store.change("a") { change in
            change.text("body").insert("All work " + Progress.noise(1), at: 0)
        }
        let version = try await store.document("a").version
        try await store.change("a") { $0.text("body").insert("Tail. ", at: 0) }
        #expect(store.evict("a"))
        let document = try await store.document("a")
        #expect(store.state.withLock { $0.open["a"]?.history.isRead } == false)
        #expect(document.text("body").string.hasPrefix("Tail. All work "))
        document.change { $0.text("body").insert("More. ", at: 0) }
        try await store.commit(document)
        #expect(store.state.withLock { $0.open["a"]?.history.isRead } == false)
        #expect(try document.at(version).text("body").string.hasPrefix("All work"))
        #expect(store.state.withLock { $0.open["a"]?.history.isRead } == true)
        try await store.close()
    }

    @Test("thousands of documents pass through a small budget", arguments: Form.allCases)
    func eviction(form: Form) async throws {
        let world = try World(form)
        var options = world.options
        options.memoryBudget = 1 << 20
        let store = try await world.open(options)
        let count = 2000
        for number in 0..<count {
            try await store.change("d\(number)") { $0.text("body").insert("document \(number)", at: 0) }
            #expect(store.residents.byteCount <= options.memoryBudget)
        }
        #expect(store.residents.count < 200)
        for number in stride(from: 0, to: count, by: 7) {
            try await store.change("d\(number)") { $0.text("body").insert("again ", at: 0) }
        }
        for number in 0..<count {
            let text = try await store.document("d\(number)").text("body").string
            #expect(text == (number % 7 == 0 ? "again document \(number)" : "document \(number)"))
        }
        #expect(store.residents.byteCount <= options.memoryBudget)
        try await store.close()
    }

    @Test("a document that is dirty, observed or held stays; the others go, and a bound holds what stays", arguments: Form.allCases)
    func pinning(form: Form) async throws {
        let world = try World(form)
        var options = world.options
        options.memoryBudget = 1
        options.memoryMaximum = 8 * OpenDocument.emptyBytes
        let store = try await world.open(options)
        // Dirty: nobody holds it, and it is not on disk.
        func dirty() async throws { try await store.document("dirty").change { $0.counter("n") += 1 } }
        try await dirty()
        var observation: Observation? = try await store.document("observed").observe { _ in }
        var held: Document? = try await store.document("held")
        for name in ["dirty", "observed", "held"] { #expect(!store.evict(name), "\(name)") }
        try await store.commitAll()
        #expect(store.evict("dirty"))
        observation?.cancel()
        observation = nil
        held = nil
        #expect(store.evict("observed") && store.evict("held") && store.residents.count == 0)
        #expect(held == nil && observation == nil)
        #expect(try await store.document("dirty").counter("n").value == 1)

        var many: [Document] = []
        var refusal: DocumentStoreError?
        for number in 0..<20 where refusal == nil {
            refusal = await error { () throws(DocumentStoreError) in many.append(try await store.document("many \(number)")) }
        }
        #expect(refusal?.code == .limitExceeded && many.count < 12)
        many = []
        _ = try await store.document("many 30")
        try await store.close()
    }

    @Test("values larger than a part are whole again", arguments: Form.allCases)
    func large(form: Form) async throws {
        let world = try World(form)
        let store = try await world.open()
        var generator = SplitMix64(seed: 4)
        // Bytes that no compressor shortens.
        let bytes = (0..<140_000).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        try await store.change("large") { $0.map("m")["blob"] = .bytes(bytes) }
        world.crash()
        let again = try await world.open()
        #expect(try await again.document("large").map("m")["blob"] == .bytes(bytes))
        #expect(try await again.check().isEmpty)
        try await again.close()
    }
}

@Suite("The log of an engine")
struct EngineLogTests {
    @Test("a batch larger than a record goes in several, and only the whole of them counts")
    func groups() throws {
        let files = MemoryFileLayer()
        let metadata = MemoryMetadataEngine()
        var batch = MetadataBatch()
        for number in 0..<9 { batch.put(.chunks, [UInt8(number)], [UInt8](repeating: UInt8(number), count: 1 << 20)) }
        batch.remove(.chunks, [8])
        batch.remove(.chunks, in: KeyRange(lower: [6], upper: [7]))
        let settings = StoreSettings(origin: OriginID(rawValue: 7))
        let records = EngineLog.records(batch, settings)
        #expect(records.count == 3)
        let log = try PackLog(files: files, directory: "packs")
        _ = try log.append(Array(records.dropLast()))
        _ = try log.append(EngineLog.records(MetadataBatch(), settings))
        _ = try EngineStorage(metadata: metadata, packs: log, origin: OriginID(rawValue: 1))
        // A group without its end, and behind it an empty one.
        #expect(try metadata.get(.chunks, [0]) == nil)
        _ = try log.append(records)
        let storage = try EngineStorage(metadata: metadata, packs: log, origin: OriginID(rawValue: 1))
        #expect(storage.settings == settings)
        for number in 0..<9 {
            let isThere = number != 6 && number != 8
            #expect(try metadata.get(.chunks, [UInt8(number)])?.first == (isThere ? UInt8(number) : nil))
        }
    }

    @Test("the log does not grow without end")
    func trimming() async throws {
        let world = try World(.engine)
        let store = try await world.open()
        for round in 0..<6 {
            for number in 0..<40 { try await store.change("d\(number)") { $0.text("body").insert("round \(round)", at: 0) } }
            try await store.compact()
            #expect(try world.files.list("data/packs").count <= 2)
        }
        world.crash()
        let again = try await world.open()
        #expect(try await again.check().isEmpty)
        #expect(try await again.document("d7").text("body").string.hasPrefix("round 5"))
        try await again.close()
    }
}
