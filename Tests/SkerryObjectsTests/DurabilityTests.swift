import SkerryChunks
import SkerryStorage
import Synchronization
import Testing

@testable import SkerryObjects

@Suite("What is acknowledged is on disk, and what fails says so")
struct DurabilityTests {
    private static func index(of harness: Harness) throws -> WatchedMetadata { try #require(harness.metadata as? WatchedMetadata) }

    private static var watched: HarnessConfiguration {
        var configuration = HarnessConfiguration()
        configuration.wrap = { WatchedMetadata($0) }
        return configuration
    }

    @Test("at the moment each of many concurrent writes returns, a loss of power leaves it whole")
    func acknowledgedIsSynced() async throws {
        var configuration = HarnessConfiguration()
        configuration.threads = 3
        configuration.packCapacity = 1 << 20
        try await Harness.with(.memory, configuration) { harness in
            let bucket = try await harness.makeBucket()
            let (store, files) = (harness.store, harness.files)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<4 {
                    group.addTask {
                        for number in 0..<6 {
                            let name = key("\(task)/\(number)")
                            let bytes = randomBytes([10, 5000, 300_000][number % 3], seed: UInt64(task * 10 + number))
                            try await store.put(bytes, as: name, in: bucket)
                            let left = files.copy()
                            left.crash(keeping: .synced)
                            let survivor = try await Harness.open(over: left, MemoryMetadataEngine(), HarnessConfiguration())
                            let read = try await survivor.store.get(name, in: try survivor.store.bucket(named: "bucket"))
                            #expect(read == bytes)
                            survivor.abandon()
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("many commits share a sync")
    func groupCommit() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let store = harness.store
            let (isBusy, mayGo) = (Gate(), Gate())
            async let first: Void = store.committer.commit(.everything) { _ throws(ObjectError) in
                isBusy.open()
                mayGo.wait()
            }
            await Task.detached { isBusy.wait() }.value
            let syncs = harness.files.count(of: .syncData)
            let requests = (0..<50).map { DeleteRequest(key: key("\($0)")) }
            async let results = store.committer.commit(each: requests, { .key(bucket.id, $0.key) }) {
                request, context throws(ObjectError) in
                try engine { () throws(StorageError) in
                    _ = try context.append(
                        VersionDraft(
                            key: request.key, size: 0, etag: ETag(of: []), checksum: nil, metadata: ObjectMetadata(), body: .inline,
                            recordBody: []),
                        in: bucket, tenant: bucket.tenant)
                }
            }
            try await until("all requests wait for the committer") { store.committer.waitingCount == requests.count }
            mayGo.open()
            try await first
            for result in await results { #expect(throws: Never.self) { try result.get() } }
            #expect(harness.files.count(of: .syncData) - syncs <= 2)
        }
    }

    @Test(
        "when a sync fails nothing is acknowledged, no write is taken any more, and reads go on",
        arguments: [FileFault.Operation.syncData, .syncAll])
    func failingSync(_ operation: FileFault.Operation) async throws {
        var configuration = HarnessConfiguration()
        configuration.packCapacity = 256 << 10
        try await Harness.with(.memory, configuration) { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(100_000, seed: 1)
            try await harness.store.put(bytes, as: "before", in: bucket)
            let half = try harness.store.put("half", in: bucket, PutOptions())
            try await half.write(randomBytes(700_000, seed: 2)[...])
            harness.files.inject(FileFault(operation))
            var failures = 0
            for number in 0..<4 {
                do throws(ObjectError) {
                    try await harness.store.put(randomBytes(100_000, seed: 10 + UInt64(number)), as: key("\(number)"), in: bucket)
                } catch {
                    failures += 1
                    #expect(error.code == .storage && error.cause?.code == .failed, "\(error)")
                }
            }
            #expect(failures > 0)
            harness.files.heal()
            await #expect(throws: ObjectError.self) { try await harness.store.put([1], as: "small", in: bucket) }
            await #expect(throws: ObjectError.self) { try await harness.store.put(randomBytes(400_000, seed: 3), as: "large", in: bucket) }
            await #expect(throws: ObjectError.self) { try await half.finish(PayloadExpectation()) }
            await #expect(throws: ObjectError.self) { try await harness.store.delete(DeleteRequest(key: "before"), in: bucket) }
            await #expect(throws: ObjectError.self) { try await harness.makeBucket("another") }
            await #expect(throws: ObjectError.self) { try await harness.store.collect() }
            #expect(try await harness.store.get("before", in: bucket) == bytes)
            #expect(try await harness.store.list(ListRequest(), in: bucket).entries.count == 5 - failures)
            try await harness.crash(keeping: .synced)
            #expect(try await harness.store.get("before", in: bucket) == bytes)
            try await harness.store.put([1], as: "small", in: bucket)
        }
    }

    @Test("when the index fails nothing more is taken, not even chunks, and the log brings back what was synced")
    func failingIndex() async throws {
        try await Harness.with(.memory, DurabilityTests.watched) { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(100_000, seed: 1)
            try await harness.store.put(bytes, as: "before", in: bucket)
            try DurabilityTests.index(of: harness).failApplying(after: 0)
            await #expect(throws: ObjectError.self) { try await harness.store.put(bytes, as: "unknown", in: bucket) }
            let length = try harness.logBytes
            for _ in 0..<3 {
                await #expect(throws: ObjectError.self) {
                    try await harness.store.put(randomBytes(900_000, seed: 2), as: "after", in: bucket)
                }
            }
            #expect(try harness.logBytes == length)
            #expect(try await harness.store.get("before", in: bucket) == bytes)
            try await harness.crash(keeping: .synced)
            #expect(try await harness.store.get("before", in: bucket) == bytes)
            #expect(try await harness.store.get("unknown", in: bucket) == bytes)
            await #expect(throws: ObjectError.self) { try await harness.store.get("after", in: bucket) }
        }
    }

    @Test("a write that fails is refused, leaves nothing, and the next one goes through", arguments: [0, 10, 40, 500])
    func failingWrite(_ bytesWritten: Int) async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            try await harness.store.put([1], as: "before", in: bucket)
            harness.files.inject(FileFault(.write, bytesWritten: bytesWritten))
            let error = await #expect(throws: ObjectError.self) { try await harness.store.put([2], as: "refused", in: bucket) }
            #expect(error?.code == .slowDown && error?.retryAfter != nil)
            try await harness.store.put([3], as: "after", in: bucket)
            try await harness.crash(keeping: .synced)
            #expect(try await harness.store.list(ListRequest(), in: bucket).entries.count == 2)
            #expect(try await harness.store.get("after", in: bucket) == [3])
        }
    }

    @Test("a full disk refuses writes and goes on reading; room makes it write again")
    func fullDisk() async throws {
        var configuration = HarnessConfiguration()
        configuration.packCapacity = 1 << 20
        try await Harness.with(.memory, configuration) { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(200_000, seed: 1)
            try await harness.store.put(bytes, as: "before", in: bucket)
            harness.files.setCapacity(1 << 20)
            var stored = 0
            var refusal: ObjectError?
            for number in 0..<10 where refusal == nil {
                do throws(ObjectError) {
                    try await harness.store.put(randomBytes(200_000, seed: 10 + UInt64(number)), as: key("\(number)"), in: bucket)
                    stored += 1
                } catch {
                    refusal = error
                }
            }
            #expect(refusal?.cause?.code == .full)
            #expect(try await harness.store.get("before", in: bucket) == bytes)
            harness.files.setCapacity(nil)
            try await harness.store.put(bytes, as: "after", in: bucket)
            #expect(try await harness.store.list(ListRequest(), in: bucket).entries.count == stored + 2)
            try await harness.crash(keeping: .synced)
            #expect(try await harness.store.get("after", in: bucket) == bytes)
        }
    }

    @Test("closing is idempotent, refuses later writes, and closes the index also when the log fails")
    func closing() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            try await harness.store.put([1], as: "a", in: bucket)
            try await harness.store.close()
            try await harness.store.close()
            let error = await #expect(throws: ObjectError.self) { try await harness.store.put([1], as: "b", in: bucket) }
            #expect(error?.code == .shuttingDown)
        }
        try await Harness.with { harness in
            _ = try await harness.makeBucket()
            harness.files.inject(FileFault(.syncAll))
            await #expect(throws: ObjectError.self) { try await harness.store.close() }
            #expect(throws: StorageError.self) { try harness.metadata.flush() }
        }
    }

    @Test("waiting commits are answered when the store closes")
    func closingAnswers() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let store = harness.store
            let outcomes = await withTaskGroup(of: ObjectError.Code?.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        do throws(ObjectError) {
                            try await store.put([1], as: key("\(number)"), in: bucket)
                            return nil
                        } catch {
                            return error.code
                        }
                    }
                }
                group.addTask {
                    try? await store.close()
                    return nil
                }
                return await group.reduce(into: [ObjectError.Code?]()) { $0.append($1) }
            }
            #expect(outcomes.allSatisfy { $0 == nil || $0 == .shuttingDown })
            let written = outcomes.count { $0 == nil } - 1
            try await harness.crash(keeping: .synced)
            var request = ListRequest()
            request.limit = 1000
            #expect(try await harness.store.list(request, in: bucket).entries.count == written)
        }
    }

    @Test("a clock far behind the newest object keeps the store shut, unless it is allowed")
    func clockBehind() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let version = try await harness.store.put([1], as: "a", in: bucket)
            harness.clock.set(version.modified - StoreOptions.clockLagMaximum)
            try await harness.reopen()
            let later = try await harness.store.put([2], as: "a", in: bucket)
            #expect(later.id > version.id)
            try await harness.store.close()
            harness.clock.set(version.modified - StoreOptions.clockLagMaximum - 1)
            let error = await #expect(throws: ObjectError.self) { try await harness.reopen() }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test("damaged bytes are an error that names the place, not other bytes")
    func damage() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(100_000, seed: 1)
            try await harness.store.put(bytes, as: "a", in: bucket)
            try await harness.store.put(randomBytes(100_000, seed: 2), as: "b", in: bucket)
            let digest = BlockName(tenant: bucket.tenant, digest: bytes.withUnsafeBytes { Digest(of: $0) })
            let location = try harness.store.blocks.location(digest)
            try await harness.reopen()
            try harness.files.corrupt("packs/0000000000000001.pack", at: location.bodyOffset + 50_000) { $0 ^= 1 }
            let error = await #expect(throws: ObjectError.self) { try await harness.store.get("a", in: bucket) }
            #expect(error?.cause?.code == .corrupt)
            let report = try await harness.store.verify { _, _ in }
            #expect(report.problems.count >= 2)
            #expect(report.problems.contains { $0.contains("version") && $0.contains(" a:") })
        }
    }

    @Test("packs are held open by the log alone, however many versions are remembered")
    func openFiles() async throws {
        var configuration = HarnessConfiguration()
        configuration.openPacksMaximum = 3
        try await Harness.with(.memory, configuration) { harness in
            let bucket = try await harness.makeBucket()
            for number in 0..<20 {
                try await harness.store.put(randomBytes(5000, seed: UInt64(number)), as: key("\(number)"), in: bucket)
                try harness.packs.seal()
            }
            for _ in 0..<2 {
                for number in 0..<20 {
                    #expect(try await harness.store.get(key("\(number)"), in: bucket) == randomBytes(5000, seed: UInt64(number)))
                }
            }
            #expect(harness.files.openCount <= 4)
        }
    }
}
