import SkerryCRDT
import SkerryStorage
import Testing

@testable import SkerryDocuments

@Suite("A single file of documents")
struct FileTests {
    /// A file with two documents, one of them with a snapshot, closed.
    private func makeWorld(closes: Bool = true) async throws -> World {
        let world = try World(.file)
        let store = try await world.open()
        try await store.change("a") { $0.text("body").insert("first", at: 0) }
        try await store.change("b") { $0.text("body").insert(String(repeating: "It was a dark and stormy night. ", count: 250), at: 0) }
        var generator = SplitMix64(seed: 1)
        for number in 0..<6 {
            // Nothing that compresses, so that this chunk is folded.
            let noise = String((0..<1500).map { _ in Character(UnicodeScalar(UInt8(97 + generator.next() % 26))) })
            try await store.change("b") { $0.text("body").insert("\(number) \(noise)", at: 0) }
            try await store.change("a") { $0.text("body").insert("\(number)", at: 0) }
        }
        try await store.change("c") { $0.counter("n") += 3 }
        try await store.delete("c")
        if closes { try await store.close() } else { world.crash() }
        return world
    }

    private func texts(_ store: DocumentStore) async throws -> [String] {
        [try await store.document("a").text("body").string, try await store.document("b").text("body").string]
    }

    @Test("a second opening is refused as long as the first lasts")
    func lock() async throws {
        let world = try World(.file)
        let store = try await world.open()
        #expect(await error { () throws(DocumentStoreError) in try await world.open() }?.code == .locked)
        try await store.close()
        let again = try await world.open()
        try await again.close()
    }

    @Test("what is no file of ours is left as it is")
    func foreign() async throws {
        let world = try World(.file)
        let file = try world.files.open(World.path, .create)
        let text = Array(String(repeating: "somebody's text\n", count: 20).utf8)
        try file.write(text, at: 0)
        #expect(await error { () throws(DocumentStoreError) in try await world.open() }?.code == .foreign)
        #expect(try file.read(at: 0, count: 1000) == text)
    }

    @Test("a newer version is refused as such, in the header and in a record")
    func newerVersion() async throws {
        let world = try World(.file)
        let file = try world.files.open(World.path, .create)
        var header = FileFormat.header(salt: 1)
        header[4] = 2
        header.put(header.checksum(0..<60), at: 60)
        try file.write(header, at: 0)
        #expect(await error { () throws(DocumentStoreError) in try await world.open() }?.code == .newerFormat)
    }

    @Test("a changed byte anywhere is found, named, and never taken for what was written", arguments: [true, false])
    func rot(isClosed: Bool) async throws {
        let world = try await makeWorld(closes: isClosed)
        let sound = try await world.copy().open()
        let expected = try await texts(sound)
        try await sound.close()
        let size = Int(try world.files.open(World.path, .read).size())
        var found = 0, harmless = 0
        // Every byte of headers, frames and fields in the long form; in the short one enough to meet each kind of place.
        let step = isSoak ? 3 : 197
        for offset in stride(from: 0, to: size, by: step) {
            let damaged = try world.copy()
            try damaged.files.corrupt(World.path, at: UInt64(offset)) { $0 ^= 0x10 }
            let store: DocumentStore
            do { store = try await damaged.open() } catch {
                #expect([.damaged, .foreign].contains(error.code), "\(offset): \(error)")
                found += 1
                continue
            }
            let damage = try await store.check()
            if damage.isEmpty {
                // Dead bytes, or a snapshot's place that a newer one took.
                #expect(try await texts(store) == expected, "byte \(offset) was changed and nobody noticed")
                harmless += 1
            } else {
                found += 1
                for name in ["a", "b"] where damage.allSatisfy({ $0.document != name && $0.document != nil }) {
                    #expect(try await store.document(name).text("body").string == expected[name == "a" ? 0 : 1])
                }
            }
            try? await store.close()
        }
        #expect(found > size / step / 2 && found + harmless >= size / step)
    }

    @Test(
        "damage that a crash cannot have made is quarantined; the rest is read, and a salvaged document takes its events back from a peer")
    func quarantine() async throws {
        let world = try World(.file)
        let store = try await world.open()
        let peer = Document(origin: OriginID(rawValue: 5), now: { 1_800_000_000_000 })
        var ends: [UInt64] = []
        for number in 0..<6 {
            try await store.change(number % 2 == 0 ? "a" : "b") { $0.text("body").insert("\(number) ", at: 0) }
            ends.append(try world.files.open(World.path, .read).size())
        }
        try peer.merge(try await store.document("a"))
        world.crash()
        // The third commit: document a loses it.
        try world.files.corrupt(World.path, at: ends[1] + 40) { $0 ^= 1 }
        let damaged = try await world.open()
        #expect(damaged.quarantine.map(\.part) == [.range(ends[1]..<ends[2])])
        #expect(try await damaged.document("b").text("body").string == "5 3 1 ")
        #expect(await error { () throws(DocumentStoreError) in try await damaged.document("a") }?.code == .damaged)
        #expect(try await damaged.check().contains { $0.document == "a" })
        let salvaged = try await damaged.salvage("a")
        #expect(salvaged.text("body").string == "0 ")
        try salvaged.merge(peer)
        #expect(salvaged.text("body").string == "4 2 0 ")
        try await damaged.commit(salvaged)
        try await damaged.close()
        // Told until somebody writes the file anew.
        let again = try await world.open()
        #expect(try await again.document("a").text("body").string == "4 2 0 ")
        #expect(again.quarantine.count == 1)
        try await again.compact()
        #expect(again.quarantine.count == 1)
        try await again.close()
    }

    @Test("of a group that was not synced a crash leaves a first part, and takes no torn record for damage", arguments: 0..<120)
    func torn(seed: Int) async throws {
        let files = MemoryFileLayer()
        try files.createDirectory("data")
        let origin = OriginID(rawValue: 7)
        func open() throws(StorageError) -> FileStorage<MemoryFileLayer> {
            try FileStorage(files: files, path: World.path, origin: origin, randomIdentifier: { 5 })
        }
        func commit(_ number: UInt64) -> StorageCommit {
            var row = DocumentRow(name: "d\(number)", number: number, dot: Dot(origin: origin, sequence: number))
            row.addChunk(1500)
            return StorageCommit(row: row, chunk: StorageCommit.Chunk(number: 0, bytes: [UInt8](repeating: UInt8(number), count: 1500)))
        }
        let storage = try open()
        let settings = StoreSettings(origin: origin)
        try storage.commit(StorageGroup(settings: settings, commits: [commit(1)]))
        try storage.close()
        // The next group as the same life would write it, of which some sectors never arrived.
        let image = try files.open(World.path, .write)
        let start = try image.size()
        var generator = SplitMix64(seed: UInt64(seed))
        var writers = WriterTable([origin])
        var tail: [UInt8] = []
        for number in 2...4 {
            let one = commit(UInt64(number))
            let record = CommitRecord(one, settings: settings, firstWriter: 1, newWriters: [])
            tail += FileFormat.record(
                kind: FileFormat.Kind.commit, fields: record.fields(&writers), body: one.chunk?.bytes ?? [], synced: start, salt: 5,
                offset: start + UInt64(tail.count))
        }
        for sector in stride(from: 0, to: tail.count, by: 512) where generator.next() % 4 == 0 {
            for index in sector..<min(sector + 512, tail.count) { tail[index] = 0 }
        }
        try image.write(tail, at: start)
        let after = try open()
        #expect(after.quarantine.isEmpty)
        // Nothing is left behind the last record that a later one might not cover.
        let cut = try files.open(World.path, .read)
        #expect(try FileScanner(file: cut, salt: 5, size: cut.size()).scan(from: 128) { _ in }.end == cut.size())
        let names = try after.rows(prefix: "", after: nil, limit: 9).map(\.name)
        #expect(names == Array(["d1", "d2", "d3", "d4"].prefix(names.count)) && !names.isEmpty)
        for row in try after.rows(prefix: "", after: nil, limit: 9) {
            #expect(try after.chunks(row, 0..<9).map(\.bytes) == [[UInt8](repeating: UInt8(row.number), count: 1500)])
        }
    }

    @Test("a damaged snapshot is made anew from the history, and history that is damaged behind a snapshot leaves the document readable")
    func snapshots() async throws {
        let world = try await makeWorld()
        let before = try await world.copy().open()
        let expected = try await texts(before)
        try await before.close()
        let row = try await world.copy().open()
        let storage = try #require(row.storage as? FileStorage<MemoryFileLayer>)
        let places = storage.places("b")
        try await row.close()
        let snapshot = try #require(places.snapshot), chunk = try #require(places.chunks.first)

        let first = try world.copy()
        try first.files.corrupt(World.path, at: snapshot + 100) { $0 ^= 1 }
        var store = try await first.open()
        #expect(try await store.check().map(\.part) == [.snapshot])
        #expect(try await texts(store) == expected)
        try await store.commit(try await store.document("b"))
        #expect(try await store.check().isEmpty)
        try await store.close()

        let second = try world.copy()
        try second.files.corrupt(World.path, at: chunk + 20) { $0 ^= 1 }
        store = try await second.open()
        #expect(try await texts(store) == expected)
        let number = try #require(try store.read(store.storedRow("b")!, 0..<100).first).number
        #expect(try await store.check().first?.part == .chunk(number))
        let document = try await store.document("b")
        #expect(throws: DocumentError.self) { try document.at(CausalContext()) }
        try await store.close()
    }

    @Test("compaction gives room back, keeps everything, and is whole or not there wherever power goes")
    func compaction() async throws {
        let world = try await makeWorld()
        let store = try await world.open()
        for _ in 0..<40 { try await store.change("a") { $0.text("body").replace(0..<1, with: "x") } }
        let expected = try await texts(store)
        let version = try await store.document("a").version
        let size = try world.files.open(World.path, .read).size()
        let stage = try world.copy()
        try await store.compact()
        #expect(try world.files.open(World.path, .read).size() < size)
        #expect(try await texts(store) == expected)
        try await store.change("a") { $0.text("body").insert("!", at: 0) }
        #expect(try await store.check().isEmpty)
        try await store.close()

        let whole = try stage.copy()
        let undisturbed = try await whole.open()
        let calls = whole.files.operationCount
        try await undisturbed.compact()
        let length = whole.files.operationCount - calls
        for cut in 0..<length + 2 {
            for residue in [CrashResidue.synced, .everything, .drawn(seed: UInt64(cut))] {
                let trial = try stage.copy()
                let interrupted = try await trial.open()
                trial.files.inject(FileFault(nil, after: cut, isLasting: true))
                _ = await error { () throws(DocumentStoreError) in try await interrupted.compact() }
                trial.crash(keeping: residue)
                let again = try await trial.open()
                #expect(try await texts(again) == expected, "cut \(cut), \(residue)")
                #expect(try await again.document("a").version == version)
                #expect(try await again.check().isEmpty)
                try await again.close()
            }
        }
    }

    @Test("commits that replace one another do not make the file grow without end")
    func bounded() async throws {
        let world = try World(.file)
        let store = try await world.open()
        for number in 0..<1500 {
            try await store.change("a") { $0.register("r").value = .int(Int64(number)) }
        }
        let live = try #require(try await store.summary("a")).storedBytes
        let size = Int(try world.files.open(World.path, .read).size())
        #expect(size < 4 * live + 160 << 10)
        try await store.close()
    }
}
