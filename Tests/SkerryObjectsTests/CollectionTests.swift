import SkerryChunks
import SkerryStorage
import Synchronization
import Testing

@testable import SkerryObjects

private func configuration(packCapacity: UInt64 = 64 << 20, grace: UInt64 = 1000) -> HarnessConfiguration {
    var configuration = HarnessConfiguration()
    configuration.packCapacity = packCapacity
    configuration.options.collectionGrace = grace
    return configuration
}

extension Harness {
    fileprivate func isStored(_ bytes: [UInt8], _ bucket: Bucket) throws -> Bool {
        let digest = bytes.withUnsafeBytes { Digest(of: $0) }
        return try metadata.get(.chunks, IndexKey.chunk(bucket.tenant, digest)) != nil
    }

    /// Lets the grace pass and collects until nothing changes any more.
    fileprivate func collectAll() async throws {
        for _ in 0..<6 {
            clock.advance(by: configuration.options.collectionGrace)
            try await store.collect()
        }
    }

    fileprivate func expectSameAfterRestarts(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let before = try Dump(metadata)
        #expect(before.missingBlocks == 0, sourceLocation: sourceLocation)
        try await reopen()
        #expect(try Dump(metadata) == before, "after a restart", sourceLocation: sourceLocation)
        try await rebuild()
        #expect(try Dump(metadata) == before, "after a rebuild", sourceLocation: sourceLocation)
        let report = try await store.verify { _, _ in }
        #expect(report.problems == [], sourceLocation: sourceLocation)
    }
}

@Suite("Collection of what nothing refers to")
struct CollectionTests {
    @Test("a chunk goes when its grace has passed, and not before", arguments: EngineKind.allCases)
    func grace(_ kind: EngineKind) async throws {
        try await Harness.with(kind, configuration()) { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(100_000, seed: 1)
            let kept = randomBytes(100_000, seed: 2)
            try await harness.store.put(bytes, as: "a", in: bucket)
            try await harness.store.put(kept, as: "b", in: bucket)
            #expect(try await harness.store.collect().unusedBlocks == 0)
            _ = try await harness.store.delete(DeleteRequest(key: "a"), in: bucket)
            let first = try await harness.store.collect()
            #expect(first.unusedBlocks == 1 && first.removedBlocks == 0)
            harness.clock.advance(by: 999)
            #expect(try await harness.store.collect().removedBlocks == 0)
            #expect(try harness.isStored(bytes, bucket))
            harness.clock.advance(by: 1)
            #expect(try await harness.store.collect().removedBlocks == 1)
            #expect(try !harness.isStored(bytes, bucket))
            #expect(try await harness.store.get("b", in: bucket) == kept)
        }
    }

    @Test("the chunks of a manifest follow it, and nothing is left of an object that was deleted", arguments: EngineKind.allCases)
    func manifests(_ kind: EngineKind) async throws {
        try await Harness.with(kind, configuration()) { harness in
            let bucket = try await harness.makeBucket()
            _ = try await harness.putManyManifests("object", in: bucket)
            _ = try await harness.store.delete(DeleteRequest(key: "object"), in: bucket)
            try await harness.collectAll()
            #expect(try Dump.rows(harness.metadata, .chunks).isEmpty)
            #expect(try Dump.rows(harness.metadata, .references).isEmpty)
        }
    }

    @Test("a chunk that is stored again is kept, and its grace begins anew when it goes out of use again")
    func usedAgain() async throws {
        try await Harness.with(.memory, configuration()) { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(100_000, seed: 1)
            try await harness.store.put(bytes, as: "a", in: bucket)
            _ = try await harness.store.delete(DeleteRequest(key: "a"), in: bucket)
            #expect(try await harness.store.collect().unusedBlocks == 1)
            try await harness.store.put(bytes, as: "b", in: bucket)
            harness.clock.advance(by: 10_000)
            _ = try await harness.store.delete(DeleteRequest(key: "b"), in: bucket)
            // Unused at both sweeps, and used in between.
            #expect(try await harness.store.collect().removedBlocks == 0)
            harness.clock.advance(by: 1000)
            #expect(try await harness.store.collect().removedBlocks == 1)
        }
    }

    @Test("a chunk that is stored again while a sweep looks at it is no candidate afterwards")
    func usedDuringSweep() {
        let collector = CollectorState()
        let name = BlockName(tenant: TenantID(rawValue: 1), digest: [1].withUnsafeBytes { Digest(of: $0) })
        let table = PinTable { collector.released($0) }
        collector.beginSweep()
        // The sweep has passed the chunk when an upload pins it, commits and lets go of it.
        _ = table.pin(name)
        table.unpin([name])
        collector.update(unused: [CollectorState.Unused(name: name, isManifest: false)], epoch: 1, now: 0)
        #expect(collector.ripe(now: 10, grace: 0, isQuiet: { _ in true }).isEmpty)
        collector.beginSweep()
        collector.update(unused: [CollectorState.Unused(name: name, isManifest: false)], epoch: 2, now: 0)
        #expect(collector.ripe(now: 10, grace: 0, isQuiet: { _ in true }).count == 1)
        #expect(collector.ripe(now: 10, grace: 11, isQuiet: { _ in true }).isEmpty)
        #expect(collector.ripe(now: 10, grace: 0, isQuiet: { $0 < 2 }).isEmpty)
        _ = table.pin(name)
        #expect(collector.ripe(now: 10, grace: 0, isQuiet: { _ in true }).count == 1)
        table.unpin([name])
        #expect(collector.ripe(now: 10, grace: 0, isQuiet: { _ in true }).isEmpty)
    }

    // MARK: Uploads

    @Test("a block is never both pinned and condemned")
    func pinTable() {
        let table = PinTable { _ in }
        let name = BlockName(tenant: TenantID(rawValue: 1), digest: [1].withUnsafeBytes { Digest(of: $0) })
        let other = BlockName(tenant: TenantID(rawValue: 2), digest: name.digest)
        #expect(table.pin(name))
        #expect(table.pin(name))
        #expect(!table.condemn(name))
        #expect(table.condemn(other), "another tenant's block is another block")
        table.unpin([name])
        #expect(!table.condemn(name), "one of two pins is left")
        table.unpin([name])
        #expect(table.condemn(name))
        #expect(!table.pin(name), "whoever pins a condemned block must not rely on it")
        table.pardon([name])
        #expect(!table.condemn(name), "the pin counts all the same")
        #expect(table.pin(name))
    }

    @Test("an upload that meets a condemned chunk stores it anew, and the collector leaves what it stored", arguments: [false, true])
    func condemned(_ isIndexed: Bool) async throws {
        try await Harness.with(.memory, configuration()) { harness in
            let bucket = try await harness.makeBucket()
            let store = harness.store
            let bytes = randomBytes(100_000, seed: 1)
            let name = BlockName(tenant: bucket.tenant, digest: bytes.withUnsafeBytes { Digest(of: $0) })
            try await store.put(bytes, as: "a", in: bucket)
            _ = try await store.delete(DeleteRequest(key: "a"), in: bucket)
            #expect(store.blocks.pins.condemn(name))
            let before = try harness.logBytes
            let pins = PinSet(store.blocks.pins)
            try store.blocks.store([Block(name: name, bytes: bytes[...], isManifest: false)], pins: pins)
            #expect(try harness.logBytes > before + 100_000)
            // With another commit in between the index names the new place before the collector's turn comes.
            if isIndexed { try await store.barrier() }
            let removed = try await store.removeCondemned([CollectorState.Unused(name: name, isManifest: false)])
            #expect(removed.isEmpty)
            store.blocks.pins.pardon([name])
            let length = try harness.logBytes
            let version = try await store.put(bytes, as: "b", in: bucket)
            #expect(try harness.logBytes < length + 1000, "the chunk was there")
            #expect(try await store.get("b", in: bucket) == bytes)
            withExtendedLifetime((pins, version)) {}
        }
    }

    @Test("a chunk that is stored anew before its removal is committed is there afterwards")
    func storedBeforeRemoval() async throws {
        try await Harness.with(.memory, configuration()) { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(100_000, seed: 1)
            let name = BlockName(tenant: bucket.tenant, digest: bytes.withUnsafeBytes { Digest(of: $0) })
            try await harness.store.put(bytes, as: "a", in: bucket)
            _ = try await harness.store.delete(DeleteRequest(key: "a"), in: bucket)
            #expect(harness.store.blocks.pins.condemn(name))
            let pins = PinSet(harness.store.blocks.pins)
            try harness.store.blocks.store([Block(name: name, bytes: bytes[...], isManifest: false)], pins: pins)
            _ = try await harness.store.committer.commit(.everything) { context throws(ObjectError) in
                context.remove(.block(name.tenant, name.digest, nil))
            }
            harness.store.blocks.pins.pardon([name])
            #expect(try harness.isStored(bytes, bucket))
            try await harness.store.put(bytes, as: "b", in: bucket)
            #expect(try await harness.store.get("b", in: bucket) == bytes)
            withExtendedLifetime(pins) {}
        }
    }

    @Test("chunks of an upload under way survive the rewriting of the pack they were written to", arguments: EngineKind.allCases)
    func uploadInSealedPack(_ kind: EngineKind) async throws {
        try await Harness.with(kind, configuration(packCapacity: 1 << 20, grace: 0)) { harness in
            let bucket = try await harness.makeBucket()
            let bytes = randomBytes(6 << 20, seed: 1)
            let upload = try harness.store.put("object", in: bucket, PutOptions())
            for start in stride(from: 0, to: bytes.count, by: 64 << 10) { try await upload.write(bytes[start..<start + (64 << 10)]) }
            #expect(try harness.packs.packs().filter(\.isSealed).count > 2)
            for _ in 0..<3 { try await harness.store.collect() }
            _ = try await upload.finish(PayloadExpectation())
            for _ in 0..<3 { try await harness.store.collect() }
            #expect(try await harness.store.get("object", in: bucket) == bytes)
            try await harness.expectSameAfterRestarts()
        }
    }

    @Test("chunks that are written and sealed behind the sweep survive as well")
    func sealedBehindSweep() async throws {
        let watched = Mutex<WatchedMetadata?>(nil)
        var configuration = configuration(grace: 0)
        configuration.wrap = { base in
            let metadata = WatchedMetadata(base)
            watched.withLock { $0 = metadata }
            return metadata
        }
        try await Harness.with(.memory, configuration) { harness in
            let bucket = try await harness.makeBucket()
            let (store, packs) = (harness.store, harness.packs)
            let bytes = randomBytes(100_000, seed: 1)
            let name = BlockName(tenant: bucket.tenant, digest: bytes.withUnsafeBytes { Digest(of: $0) })
            let pins = PinSet(store.blocks.pins)
            try packs.seal()
            let watch = try #require(watched.withLock { $0 })
            // The feed is looked at between the sweep and the rewriting.
            watch.whenScanned { family in
                guard family == .feed else { return }
                watch.whenScanned(nil)
                #expect(throws: Never.self) {
                    try store.blocks.store([Block(name: name, bytes: bytes[...], isManifest: false)], pins: pins)
                    try packs.seal()
                }
            }
            try await store.collect()
            try await store.put(bytes, as: "object", in: bucket)
            #expect(try await store.get("object", in: bucket) == bytes)
            withExtendedLifetime(pins) {}
            try await harness.expectSameAfterRestarts()
        }
    }

    // MARK: Readers

    @Test("a reader that began before the delete reads to the end, with chunks and with manifests", arguments: EngineKind.allCases)
    func readers(_ kind: EngineKind) async throws {
        try await Harness.with(kind, configuration(packCapacity: 1 << 20, grace: 0)) { harness in
            let bucket = try await harness.makeBucket()
            let direct = randomBytes(3 << 20, seed: 1)
            try await harness.store.put(direct, as: "chunks", in: bucket)
            let (listed, _) = try await harness.putManyManifests("manifests", in: bucket)
            var readers = [
                try await harness.store.open("chunks", .current, in: bucket) { _ throws(ObjectError) in nil },
                try await harness.store.open("manifests", .current, in: bucket) { _ throws(ObjectError) in nil },
            ]
            for key in ["chunks", "manifests"] {
                _ = try await harness.store.delete(DeleteRequest(key: ObjectKey(trusted: Array(key.utf8))), in: bucket)
            }
            try harness.packs.seal()
            try await harness.collectAll()
            #expect(try !Dump.rows(harness.metadata, .chunks).isEmpty)
            #expect(try await readers[0].rest() == direct)
            #expect(try await readers[1].rest() == listed)
            readers = []
            try await harness.collectAll()
            #expect(try Dump.rows(harness.metadata, .chunks).isEmpty)
            try await harness.expectSameAfterRestarts()
        }
    }

    @Test("a reader of an object whose chunks had been found unused before it was written reads to the end")
    func readerOfReusedChunks() async throws {
        try await Harness.with(.memory, configuration(packCapacity: 1 << 20, grace: 0)) { harness in
            let bucket = try await harness.makeBucket()
            _ = try await harness.putManyManifests("first", in: bucket)
            _ = try await harness.store.delete(DeleteRequest(key: "first"), in: bucket)
            // Finds the manifests; the chunks are found as they go.
            harness.clock.advance(by: 1)
            try await harness.store.collect()
            let (bytes, _) = try await harness.putManyManifests("second", in: bucket)
            let reader = try await harness.store.open("second", .current, in: bucket) { _ throws(ObjectError) in nil }
            _ = try await harness.store.delete(DeleteRequest(key: "second"), in: bucket)
            try harness.packs.seal()
            try await harness.collectAll()
            #expect(try await reader.rest() == bytes)
        }
    }

    @Test("an epoch is quiet when those who began in it or before have ended")
    func epochs() {
        let epochs = ReaderEpochs()
        var first: ReaderEpochs.Ticket? = epochs.enter()
        let firstEpoch = epochs.advance()
        #expect(!epochs.isQuiet(through: firstEpoch))
        var second: ReaderEpochs.Ticket? = epochs.enter()
        var third: ReaderEpochs.Ticket? = epochs.enter()
        let secondEpoch = epochs.advance()
        withExtendedLifetime(first) {}
        first = nil
        #expect(epochs.isQuiet(through: firstEpoch))
        withExtendedLifetime(second) {}
        second = nil
        #expect(!epochs.isQuiet(through: secondEpoch))
        withExtendedLifetime(third) {}
        third = nil
        #expect(epochs.isQuiet(through: secondEpoch))
    }

    @Test("a reader who begins while a commit that the sweep has seen is not finished counts as one who began before the sweep")
    func epochAfterCommits() async throws {
        let watched = Mutex<WatchedMetadata?>(nil)
        var configuration = configuration(grace: 0)
        configuration.wrap = { base in
            let metadata = WatchedMetadata(base)
            watched.withLock { $0 = metadata }
            return metadata
        }
        try await Harness.with(.memory, configuration) { harness in
            let bucket = try await harness.makeBucket()
            let store = harness.store
            let bytes = randomBytes(100_000, seed: 1)
            try await store.put(bytes, as: "a", in: bucket)
            _ = try await store.delete(DeleteRequest(key: "a"), in: bucket)
            let (isBusy, isSwept) = (Gate(), Gate())
            let ticket = Mutex<ReaderEpochs.Ticket?>(nil)
            // A commit that is under way all through the sweep: what it removed may still be found in memory.
            async let commit: Void = store.committer.commit(.everything) { _ throws(ObjectError) in
                isBusy.open()
                isSwept.wait()
                ticket.withLock { $0 = store.epochs.enter() }
            }
            await Task.detached { isBusy.wait() }.value
            watched.withLock { $0 }?.whenScanned { if $0 == .references { isSwept.open() } }
            #expect(try await store.collect().removedBlocks == 0)
            try await commit
            #expect(try await store.collect().removedBlocks == 0)
            #expect(try harness.isStored(bytes, bucket))
            ticket.withLock { $0 = nil }
            #expect(try await store.collect().removedBlocks == 1)
        }
    }

    // MARK: Rewriting

    @Test(
        "a version that was overwritten twice stays away after its replacement was rewritten away", arguments: Bucket.Versioning.testCases)
    func overwrittenTwice(_ versioning: Bucket.Versioning) async throws {
        try await Harness.with(.memory, configuration()) { harness in
            let bucket = try await harness.makeBucket(versioning: versioning)
            // The first pack stays, for most of it is in use.
            try await harness.store.put(randomBytes(200_000, seed: 1), as: "used", in: bucket)
            try await harness.store.put([1], as: "object", in: bucket)
            try await harness.store.put([1], as: "gone", in: bucket)
            try harness.packs.seal()
            // The second goes: nothing in it is in use.
            try await harness.store.put([2], as: "object", in: bucket)
            try await harness.store.put([2], as: "gone", in: bucket)
            try harness.packs.seal()
            try await harness.store.put([3], as: "object", in: bucket)
            try await harness.store.put([3], as: "gone", in: bucket)
            _ = try await harness.store.delete(DeleteRequest(key: "gone", selector: .null), in: bucket)
            let before = try harness.packs.packs().map(\.number)
            try await harness.collectAll()
            let after = try harness.packs.packs().map(\.number)
            #expect(after.contains(before[0]) && !after.contains(before[1]))
            try await harness.expectSameAfterRestarts()
            #expect(try await harness.store.get("object", in: bucket) == [3])
            await #expect(throws: ObjectError.self) { try await harness.store.get("gone", in: bucket) }
            _ = try await harness.store.delete(DeleteRequest(key: "object", selector: .null), in: bucket)
            await #expect(throws: ObjectError.self) { try await harness.store.get("object", in: bucket) }
            try await harness.collectAll()
            try await harness.expectSameAfterRestarts()
        }
    }

    @Test("packs are rewritten and go, and the store is the same after a restart and a rebuild", arguments: EngineKind.allCases)
    func rewriting(_ kind: EngineKind) async throws {
        try await Harness.with(kind, configuration(packCapacity: 2 << 20)) { harness in
            let bucket = try await harness.makeBucket(versioning: .enabled)
            var expected: [ObjectKey: [UInt8]] = [:]
            for number in 0..<40 {
                let bytes = randomBytes(number % 3 == 0 ? 1000 : 300_000, seed: UInt64(number))
                try await harness.store.put(bytes, as: key("\(number)"), in: bucket)
                if number % 5 == 0 { expected[key("\(number)")] = bytes }
            }
            let (listed, _) = try await harness.putManyManifests("listed", in: bucket)
            expected["listed"] = listed
            for version in try await harness.store.listVersions(VersionListRequest(), in: bucket).entries {
                guard case .version(let version, _) = version, expected[version.key] == nil else { continue }
                _ = try await harness.store.delete(DeleteRequest(key: version.key, selector: .id(version.id)), in: bucket)
            }
            try harness.packs.seal()
            let before = try harness.logBytes
            try await harness.collectAll()
            #expect(try harness.logBytes < before)
            for (key, bytes) in expected { #expect(try await harness.store.get(key, in: bucket) == bytes) }
            try await harness.expectSameAfterRestarts()
            for (key, bytes) in expected { #expect(try await harness.store.get(key, in: bucket) == bytes) }
        }
    }

    @Test(
        "removals outlive what they remove: versions, buckets, users, keys and uploads stay away after a rebuild",
        arguments: EngineKind.allCases)
    func removals(_ kind: EngineKind) async throws {
        try await Harness.with(kind, configuration()) { harness in
            let bucket = try await harness.makeBucket()
            let other = try await harness.makeBucket("other", owner: "bob")
            // The first pack stays.
            try await harness.store.put(randomBytes(300_000, seed: 1), as: "used", in: bucket)
            try await harness.store.put([1], as: "object", in: other)
            let upload = try await harness.store.createUpload("object", in: bucket)
            try await harness.store.putPart(1, [1, 2, 3], of: upload, in: bucket)
            let aborted = try await harness.store.createUpload("aborted", in: bucket)
            try await harness.store.putPart(1, [4, 5, 6], of: aborted, in: bucket)
            _ = try await harness.store.createAccessKey(user: "bob", id: "bobs-key", secret: "bobs-secret")
            try harness.packs.seal()
            // The second holds nothing but removals and what they remove in turn.
            _ = try await harness.store.delete(DeleteRequest(key: "object"), in: other)
            try await harness.store.deleteBucket(other)
            try await harness.store.removeUser("bob")
            try await harness.store.abort(aborted.id, "aborted", in: bucket)
            let part = try await harness.store.putPart(1, [7, 8, 9], of: upload, in: bucket)
            try await harness.store.complete(upload, in: bucket, [part])
            try harness.packs.seal()
            let before = try harness.packs.packs().map(\.number)
            try await harness.store.put([9], as: "object", in: bucket)
            harness.clock.advance(by: harness.configuration.options.feedRetention)
            try await harness.collectAll()
            let after = try harness.packs.packs().map(\.number)
            #expect(after.contains(before[0]) && !after.contains(before[1]))
            try await harness.expectSameAfterRestarts()
            #expect(harness.store.users().map(\.id) == ["alice"])
            #expect(harness.store.accessKeys(of: nil).isEmpty)
            #expect(throws: ObjectError.self) { try harness.store.bucket(named: "other") }
            let page = try await harness.store.listUploads(
                in: bucket, prefix: [], delimiter: [], keyMarker: [], uploadMarker: nil, limit: 10)
            #expect(page.uploads.isEmpty)
            // When the first pack goes, the removals have nothing left to remove.
            _ = try await harness.store.delete(DeleteRequest(key: "used"), in: bucket)
            try harness.packs.seal()
            try await harness.collectAll()
            try await harness.expectSameAfterRestarts()
        }
    }

    @Test("numbers of writes are never given out twice, also after a rebuild of a log whose last removal was rewritten")
    func sequences() async throws {
        try await Harness.with(.memory, configuration()) { harness in
            let bucket = try await harness.makeBucket()
            for _ in 0..<5 { try await harness.store.put([1], as: "a", in: bucket) }
            _ = try await harness.store.delete(DeleteRequest(key: "a"), in: bucket)
            for _ in 0..<3 {
                try harness.packs.seal()
                try await harness.collectAll()
            }
            let before = try Dump(harness.metadata).sequence
            try await harness.rebuild()
            #expect(try Dump(harness.metadata).sequence == before)
        }
    }

    @Test("a store that has nothing to collect writes nothing", arguments: EngineKind.allCases)
    func steadyState(_ kind: EngineKind) async throws {
        try await Harness.with(kind, configuration()) { harness in
            let bucket = try await harness.makeBucket()
            try await harness.store.put(randomBytes(200_000, seed: 1), as: "used", in: bucket)
            try harness.packs.seal()
            for number in 0..<50 { try await harness.store.put([UInt8(number)], as: key("\(number)"), in: bucket) }
            for number in 0..<50 { _ = try await harness.store.delete(DeleteRequest(key: key("\(number)")), in: bucket) }
            try harness.packs.seal()
            try await harness.collectAll()
            try harness.packs.seal()
            try await harness.collectAll()
            try harness.packs.seal()
            let before = try harness.packs.packs()
            for _ in 0..<3 {
                harness.clock.advance(by: 1000)
                let report = try await harness.store.collect()
                #expect(report.rewrittenPacks == 0)
            }
            #expect(try harness.packs.packs() == before)
            try await harness.expectSameAfterRestarts()
        }
    }

    @Test("garbage that may not go yet is not moved from pack to pack")
    func graceBeforeRewriting() async throws {
        try await Harness.with(.memory, configuration()) { harness in
            let bucket = try await harness.makeBucket()
            for number in 0..<10 {
                try await harness.store.put(randomBytes(100_000, seed: UInt64(number)), as: key("\(number)"), in: bucket)
            }
            for number in 0..<10 { _ = try await harness.store.delete(DeleteRequest(key: key("\(number)")), in: bucket) }
            try harness.packs.seal()
            #expect(try await harness.store.collect().rewrittenPacks == 0)
            harness.clock.advance(by: 1000)
            let report = try await harness.store.collect()
            #expect(report.removedBlocks == 10 && report.rewrittenPacks == 1 && report.freedBytes > 1_000_000)
        }
    }

    @Test("readers and writers go on while collections run", arguments: EngineKind.allCases)
    func concurrently(_ kind: EngineKind) async throws {
        var configuration = configuration(packCapacity: 1 << 20, grace: 0)
        configuration.threads = 3
        try await Harness.with(kind, configuration) { harness in
            let bucket = try await harness.makeBucket()
            let (store, clock) = (harness.store, harness.clock)
            let contents = (0..<6).map { randomBytes(100_000 + $0 * 90_000, seed: UInt64($0)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<4 {
                    group.addTask {
                        var generator = SplitMix64(seed: UInt64(task))
                        for _ in 0..<40 {
                            let name = key("\(UInt8.random(in: 0..<8, using: &generator))")
                            switch UInt8.random(in: 0..<4, using: &generator) {
                            case 0: _ = try await store.delete(DeleteRequest(key: name), in: bucket)
                            case 1:
                                do throws(ObjectError) {
                                    let bytes = try await store.get(name, in: bucket)
                                    #expect(contents.contains(bytes))
                                } catch {
                                    #expect(error.code == .noSuchKey, "\(error)")
                                }
                            default: try await store.put(contents.randomElement(using: &generator)!, as: name, in: bucket)
                            }
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<15 {
                        clock.advance(by: 10)
                        try await store.collect()
                    }
                }
                try await group.waitForAll()
            }
            try harness.packs.seal()
            try await harness.collectAll()
            try await harness.expectSameAfterRestarts()
        }
    }

    // MARK: Feed

    @Test("feed rows and the answers of completed uploads are forgotten after the retention")
    func feed() async throws {
        try await Harness.with(.memory, configuration()) { harness in
            let bucket = try await harness.makeBucket()
            try await harness.store.put([1], as: "old", in: bucket)
            let upload = try await harness.store.createUpload("parts", in: bucket)
            let part = try await harness.store.putPart(1, [1], of: upload, in: bucket)
            try await harness.store.complete(upload, in: bucket, [part])
            harness.clock.advance(by: harness.configuration.options.feedRetention)
            try await harness.store.collect()
            #expect(try !Dump.rows(harness.metadata, .feed).isEmpty)
            try await harness.store.put([1], as: "new", in: bucket)
            harness.clock.advance(by: 1)
            try await harness.store.collect()
            #expect(try Dump.rows(harness.metadata, .feed).count == 1)
            #expect(try Dump.rows(harness.metadata, .uploads).isEmpty)
        }
    }

    @Test("moving records brings no forgotten feed rows and answers back")
    func movedFeed() async throws {
        try await Harness.with(.memory, configuration(grace: 0)) { harness in
            let bucket = try await harness.makeBucket()
            try await harness.store.put([1], as: "old", in: bucket)
            let upload = try await harness.store.createUpload("parts", in: bucket)
            let part = try await harness.store.putPart(1, [1], of: upload, in: bucket)
            try await harness.store.complete(upload, in: bucket, [part])
            try await harness.store.put(randomBytes(100_000, seed: 1), as: "garbage", in: bucket)
            _ = try await harness.store.delete(DeleteRequest(key: "garbage"), in: bucket)
            try harness.packs.seal()
            harness.clock.advance(by: harness.configuration.options.feedRetention + 1)
            #expect(try await harness.store.collect().rewrittenPacks == 1)
            #expect(try Dump.rows(harness.metadata, .feed).isEmpty)
            #expect(try Dump.rows(harness.metadata, .uploads).isEmpty)
            #expect(try await harness.store.get("old", in: bucket) == [1])
        }
    }

    @Test("one collection at a time")
    func oneAtATime() async throws {
        try await Harness.with(.memory, configuration()) { harness in
            #expect(harness.store.collector.begin())
            let error = await #expect(throws: ObjectError.self) { try await harness.store.collect() }
            #expect(error?.code == .conditionalConflict)
            harness.store.collector.end()
            try await harness.store.collect()
        }
    }
}

extension Bucket.Versioning {
    static let testCases: [Bucket.Versioning] = [.unversioned, .suspended]
}
