import SkerryStorage
import Testing

@testable import SkerryObjects

// Fault model: that of MemoryFileLayer. Power goes at any call of the file layer; of what was not synced nothing, all, a first part or a drawn
// part of its sectors and names stays. The index keeps its last flush, or nothing. One task, a fixed clock and numbered identifiers, so that a run
// follows from its cut, its residue and its seed.

/// One step of the script. What it needs of earlier steps it looks up itself.
private struct Step: Sendable {
    var name: String
    var run: @Sendable (ObjectStore) async throws -> Void
}

private enum Script {
    static func version(_ key: ObjectKey, _ store: ObjectStore, _ bucket: Bucket) async throws -> ObjectVersion {
        try await store.version(key, .current, in: bucket)
    }

    static let steps: [Step] = [
        Step(name: "user") { _ = try await $0.createUser(id: "alice", displayName: "", email: "", isRoot: false) },
        Step(name: "key") { _ = try await $0.createAccessKey(user: "alice", id: "alices-key", secret: "alices-secret") },
        Step(name: "bucket") { store in
            _ = try await store.createBucket("bucket", owner: try #require(store.user("alice")), region: "here")
        },
        put("inline", size: 100, seed: 1), put("chunk", size: 6000, seed: 2), put("large", size: 300_000, seed: 3),
        put("inline", size: 200, seed: 4), delete("chunk"), put("chunk", size: 6000, seed: 2),
        Step(name: "upload") { store in _ = try await store.createUpload("parts", in: try store.bucket(named: "bucket")) },
        part(1, size: 5000, seed: 5), part(1, size: 5000, seed: 6), complete(),
        Step(name: "copy") { store in
            let bucket = try store.bucket(named: "bucket")
            _ = try await store.copy(try await version("parts", store, bucket), to: "copy", in: bucket, CopyOptions())
        },
        versioning(.enabled), put("chunk", size: 7000, seed: 7), delete("chunk"), delete("inline"), deleteNewest("chunk"),
        versioning(.suspended), put("chunk", size: 100, seed: 8), delete("large"),
        Step(name: "bucket with uploads") { store in
            _ = try await store.createBucket("second", owner: try #require(store.user("alice")), region: "here")
        },
        Step(name: "upload in second") { store in _ = try await store.createUpload("a", in: try store.bucket(named: "second")) },
        Step(name: "another") { store in _ = try await store.createUpload("b", in: try store.bucket(named: "second")) },
        Step(name: "remove second") { store in try await store.deleteBucket(try store.bucket(named: "second")) },
        Step(name: "bob") { _ = try await $0.createUser(id: "bob", displayName: "", email: "", isRoot: false) },
        Step(name: "bob's key") { _ = try await $0.createAccessKey(user: "bob", id: "bobs-key", secret: "bobs-secret") },
        Step(name: "remove bob") { try await $0.removeUser("bob") },
        put("last", size: 66_000, seed: 9),
    ]

    static func put(_ name: String, size: Int, seed: UInt64) -> Step {
        Step(name: "put \(name)") { store in
            try await store.put(randomBytes(size, seed: seed), as: key(name), in: try store.bucket(named: "bucket"))
        }
    }

    static func delete(_ name: String) -> Step {
        Step(name: "delete \(name)") { store in
            _ = try await store.delete(DeleteRequest(key: key(name)), in: try store.bucket(named: "bucket"))
        }
    }

    static func deleteNewest(_ name: String) -> Step {
        Step(name: "delete newest \(name)") { store in
            let bucket = try store.bucket(named: "bucket")
            let newest = try #require(try VersionLookup(metadata: store.metadata, bucket: bucket.id, key: key(name)).newest()).version
            _ = try await store.delete(DeleteRequest(key: key(name), selector: .id(newest.id)), in: bucket)
        }
    }

    static func versioning(_ versioning: Bucket.Versioning) -> Step {
        Step(name: "\(versioning)") { store in _ = try await store.setVersioning(versioning, of: try store.bucket(named: "bucket")) }
    }

    static func upload(_ store: ObjectStore, _ bucket: Bucket) async throws -> MultipartUpload {
        let page = try await store.listUploads(in: bucket, prefix: [], delimiter: [], keyMarker: [], uploadMarker: nil, limit: 10)
        return try #require(page.uploads.first)
    }

    static func part(_ number: Int, size: Int, seed: UInt64) -> Step {
        Step(name: "part \(number)") { store in
            let bucket = try store.bucket(named: "bucket")
            try await store.putPart(number, randomBytes(size, seed: seed), of: try await upload(store, bucket), in: bucket)
        }
    }

    static func complete() -> Step {
        Step(name: "complete") { store in
            let bucket = try store.bucket(named: "bucket")
            let upload = try await upload(store, bucket)
            let parts = try await store.listParts(upload.id, upload.key, in: bucket, after: 0, limit: 10).parts
            try await store.complete(upload, in: bucket, parts)
        }
    }
}

/// Everything that a client can see, as lines.
private func visible(_ store: ObjectStore) async throws -> [String] {
    var lines = store.users().map { "user \($0.id)" } + store.accessKeys(of: nil).map { "key \($0.id) of \($0.user)" }
    let names = store.registry.read { $0.bucketNames }
    for name in names {
        let bucket = try store.bucket(named: name)
        lines.append("bucket \(name) \(bucket.versioning) \(bucket.id.rawValue)")
        for case .version(let version, let isLatest) in try await store.listVersions(VersionListRequest(), in: bucket).entries {
            let bytes =
                version.isDeleteMarker
                ? [] : try await store.get(version.key, version.isNull ? .null : .id(version.id), in: bucket)
            let content = version.isDeleteMarker ? "marker" : ETag(of: bytes).description
            lines.append("\(version.key) \(version.id) \(version.versionText) \(isLatest) \(content) \(version.etag) \(version.partCount)")
        }
        for case .object(let object) in try await store.list(ListRequest(), in: bucket).entries {
            lines.append("current \(object.key) \(object.etag) \(object.size)")
        }
        let uploads = try await store.listUploads(in: bucket, prefix: [], delimiter: [], keyMarker: [], uploadMarker: nil, limit: 100)
            .uploads
        for upload in uploads {
            let parts = try await store.listParts(upload.id, upload.key, in: bucket, after: 0, limit: 100).parts
            lines.append("upload \(upload.key) \(upload.id) \(parts.map { "\($0.number) \($0.etag)" })")
        }
    }
    return lines
}

@Suite("A store after a crash")
struct CrashTests {
    private static let packCapacity: UInt64 = 128 << 10

    private func open(_ files: MemoryFileLayer, _ index: MemoryMetadataEngine = MemoryMetadataEngine()) async throws -> Harness {
        var configuration = HarnessConfiguration()
        configuration.packCapacity = CrashTests.packCapacity
        let identifiers = Counter()
        configuration.options.collectionGrace = 0
        configuration.options.randomIdentifier = { identifiers.next() }
        return try await Harness.open(over: files, index, configuration)
    }

    /// What is visible after each step of an undisturbed run, and the calls of the file layer that it makes.
    private func undisturbed() async throws -> (states: [[String]], calls: Int) {
        let files = MemoryFileLayer()
        let harness = try await open(files)
        var states = [try await visible(harness.store)]
        for step in Script.steps {
            try await step.run(harness.store)
            #expect(files.unsyncedCount == 0, "\(step.name) returned before its bytes were synced")
            states.append(try await visible(harness.store))
        }
        harness.abandon()
        return (states, files.operationCount)
    }

    /// The files of a run that is cut short, its index, and how many steps returned.
    ///
    /// - Parameter bytesWritten: Of the write that is cut, the bytes that reach the file.
    private func cutRun(
        after cut: Int, bytesWritten: Int = 0, flushingAfter flush: Int?
    ) async throws -> (MemoryFileLayer, MemoryMetadataEngine, Int) {
        let files = MemoryFileLayer()
        files.inject(FileFault(nil, after: cut, bytesWritten: bytesWritten))
        files.inject(FileFault(nil, after: cut, isLasting: true))
        let index = MemoryMetadataEngine()
        var done = 0
        do {
            let harness = try await open(files, index)
            defer { harness.abandon() }
            for step in Script.steps {
                try await step.run(harness.store)
                done += 1
                if done == flush { try index.flush() }
            }
        } catch {}
        return (files, index.crash(), done)
    }

    private func check(
        _ harness: Harness, _ states: [[String]], done: Int, _ circumstances: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let seen = try await visible(harness.store)
        let isWhole = seen == states[done] || (done + 1 < states.count && seen == states[done + 1])
        if !isWhole {
            let missing = states[done].filter { !seen.contains($0) }
            let surplus = seen.filter { !states[done].contains($0) }
            Issue.record("\(circumstances): missing \(missing), surplus \(surplus)", sourceLocation: sourceLocation)
        }
        let report = try await harness.store.verify { _, _ in }
        #expect(report.problems == [], "\(circumstances)", sourceLocation: sourceLocation)
    }

    @Test("has every acknowledged operation whole and no half of any other, wherever power goes", arguments: 0..<4)
    func everyCut(_ quarter: Int) async throws {
        let (states, calls) = try await undisturbed()
        for cut in stride(from: quarter, through: calls, by: 4) {
            let (files, index, done) = try await cutRun(after: cut, bytesWritten: .max, flushingAfter: nil)
            for residue in residues(files, cut) {
                let copy = files.copy()
                copy.crash(keeping: residue)
                let harness = try await open(copy, index.crash())
                try await check(harness, states, done: done, "cut \(cut), \(residue)")
                // The store goes on working, and an index made anew says the same.
                let before = try Dump(harness.metadata)
                try await harness.rebuild()
                #expect(try Dump(harness.metadata) == before, "cut \(cut), \(residue), rebuilt")
                try await harness.store.close()
            }
        }
    }

    private func residues(_ files: MemoryFileLayer, _ cut: Int) -> [CrashResidue] {
        let unsynced = files.unsyncedCount
        guard unsynced > 0 else { return [.synced] }
        let last = files.unsyncedBytes(at: unsynced - 1)
        return [.synced, .everything, .prefix(operations: unsynced - 1, bytes: 0), .drawn(seed: UInt64(cut))]
            + [2, 3, 4, 5].map { .prefix(operations: unsynced - 1, bytes: last * ($0 - 1) / $0) }
            + [1, 100].map { .prefix(operations: unsynced - 1, bytes: max(0, last - $0)) }
    }

    @Test("replays what the index lacks, whichever flush it kept", arguments: [1, 4, 9, 12, 13, 20, 26])
    func flushedIndex(_ flush: Int) async throws {
        let (states, calls) = try await undisturbed()
        for cut in stride(from: calls / 2 + flush, through: calls, by: 5) {
            let (files, index, done) = try await cutRun(after: cut, bytesWritten: cut * 7919 % 997, flushingAfter: flush)
            files.crash(keeping: .drawn(seed: UInt64(cut)))
            let harness = try await open(files, index)
            try await check(harness, states, done: done, "cut \(cut), flushed after \(flush)")
            try await harness.store.close()
        }
    }

    @Test("a second crash, also one while the first is being mended, changes nothing")
    func twoCrashes() async throws {
        let (states, calls) = try await undisturbed()
        for cut in stride(from: 20, through: calls, by: 11) {
            let (files, _, done) = try await cutRun(after: cut, bytesWritten: cut * 7919 % 997, flushingAfter: nil)
            files.crash(keeping: .drawn(seed: UInt64(cut)))
            let before = files.operationCount
            let opened = try await open(files)
            let first = try await visible(opened.store)
            let openingCalls = files.operationCount - before
            opened.abandon()
            // From the same files: power goes while the store opens.
            for second in 0..<min(openingCalls, 12) {
                files.crash(keeping: .synced)
                files.inject(FileFault(nil, after: second, isLasting: true))
                let index = MemoryMetadataEngine()
                do {
                    let harness = try await open(files, index)
                    harness.abandon()
                } catch {}
                files.crash(keeping: .drawn(seed: UInt64(second)))
                let harness = try await open(files, index.crash())
                let seen = try await visible(harness.store)
                #expect(seen == first, "cut \(cut), then \(second)")
                try await check(harness, states, done: done, "cut \(cut), then \(second)")
                harness.abandon()
            }
        }
    }

    @Test("goes on: what is written after a crash survives the next one")
    func goesOn() async throws {
        let (files, _, _) = try await cutRun(after: 60, flushingAfter: nil)
        files.crash(keeping: .drawn(seed: 1))
        let harness = try await open(files)
        for round in 0..<5 {
            let bucket = try await harness.makeBucket("bucket-\(round)")
            let bytes = randomBytes(50_000, seed: UInt64(round))
            try await harness.store.put(bytes, as: "object", in: bucket)
            try await harness.crash(keeping: .drawn(seed: UInt64(round)))
            #expect(try await harness.store.get("object", in: bucket) == bytes)
        }
        for round in 0..<5 {
            let bucket = try harness.store.bucket(named: "bucket-\(round)")
            #expect(try await harness.store.get("object", in: bucket) == randomBytes(50_000, seed: UInt64(round)))
        }
        try await harness.store.close()
    }

    @Test("a group of records that its pack ends in never counts, and the records behind it do")
    func tornGroups() throws {
        func record(_ kind: LogRecord.Kind, _ fields: [UInt8] = []) -> LogRecord { LogRecord(kind: kind, fields: fields) }
        func location(_ pack: UInt64, _ offset: UInt64) -> RecordLocation {
            RecordLocation(position: LogPosition(pack: pack, offset: offset), fieldsLength: 0, bodyLength: 0)
        }
        var groups = RecordGroups()
        #expect(try groups.add(location(1, 0), record(.chunk)).count == 1)
        #expect(try groups.add(location(1, 1), record(.group, GroupRecord(count: 2).fields)).isEmpty)
        #expect(try groups.add(location(1, 2), record(.version)).isEmpty)
        #expect(try groups.add(location(1, 3), record(.uploadEnd)).map(\.record.kind) == [.group, .version, .uploadEnd])
        #expect(try groups.add(location(1, 4), record(.group, GroupRecord(count: 2).fields)).isEmpty)
        #expect(try groups.add(location(1, 5), record(.version)).isEmpty)
        #expect(try groups.add(location(2, 0), record(.uploadEnd)).map(\.record.kind) == [.uploadEnd])
        #expect(try groups.add(location(2, 1), record(.chunk)).count == 1)
    }

    @Test("a torn group is not brought to life by the rewriting of its pack")
    func tornGroupRewritten() async throws {
        let files = MemoryFileLayer()
        let harness = try await open(files)
        let bucket = try await harness.makeBucket()
        let upload = try await harness.store.createUpload("a", in: bucket)
        _ = try await harness.store.createUpload("b", in: bucket)
        // The first pack stays, so that removals in the second one are kept.
        try await harness.store.put(randomBytes(50_000, seed: 2), as: "used", in: bucket)
        try harness.packs.seal()
        try await harness.store.put(randomBytes(50_000, seed: 1), as: "garbage", in: bucket)
        _ = try await harness.store.delete(DeleteRequest(key: "garbage"), in: bucket)
        // As a crash leaves the removal of the bucket: one of two uploads is ended, the bucket is there.
        let end = UploadEndRecord(bucket: bucket.id, key: "a", upload: upload.id, time: upload.id.time, completion: nil)
        _ = try harness.packs.append([
            LogRecord(kind: .group, fields: GroupRecord(count: 3).fields), LogRecord(kind: .uploadEnd, fields: end.fields),
        ])
        try harness.packs.sync()
        try await harness.crash(keeping: .synced)
        #expect(try await harness.store.collect().rewrittenPacks == 1)
        func uploads() async throws -> Int {
            try await harness.store.listUploads(in: bucket, prefix: [], delimiter: [], keyMarker: [], uploadMarker: nil, limit: 10).uploads
                .count
        }
        #expect(try await uploads() == 2)
        try await harness.rebuild()
        #expect(try await uploads() == 2)
        try await harness.store.close()
    }
}

/// Numbers in a row.
final class Counter: Sendable {
    private let clock = TestClock(1, step: 1)
    func next() -> UInt64 { clock.now }
}
